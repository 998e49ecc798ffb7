// Ambassador documents: `seldon.io/ambassador-config`, `getambassador.io/config` on Services, Mapping and TLSContext objects.
import { sameValue } from "../../../routing/text/diff.ts";
import type { Guard } from "../../../routing/model/guard.ts";
import type { ObjectRef, Problem, ProblemLevel, ProblemCode } from "../../../routing/text/problem.ts";
import { allowance } from "../values/allowance.ts";
import { isLostKind, lostWith } from "../platform/ambassador-kinds.ts";
import { idsOf } from "./document-ids.ts";
import { ownIdOf } from "../fields/annotation-names.ts";
import { Fields, type RegexBudget } from "../fields/fields.ts";
import { mappingTable } from "../fields/mapping-fields.ts";
import type { DecodedGuard } from "../deployments/guard.ts";
import { flatMapping, mappingDocument, mappingObject } from "../mappings/mapping-keys.ts";
import { reportUnknown } from "../fields/unknown-keys.ts";
import { PlatformDocuments, type PlatformDocument, type PlatformSaid } from "../platform/documents.ts";
import { isPlatformKind } from "../platform/platform.ts";
import { reportMappingDifferences } from "../mappings/differences.ts";
import { decodeRawMapping, type RawMapping } from "../mappings/mapping.ts";
import type { TranslateSettings } from "../model/translation.ts";
import {
  arrayOf,
  fieldOf,
  isRecord,
  quoted,
  recordOf,
  scalarText,
  textOf,
  type UnknownRecord,
} from "../values/value.ts";
import { parseYaml } from "../values/yaml.ts";

/** The documents of one object that are served. */
export interface Configuration extends PlatformSaid {
  readonly mappings: readonly RawMapping[];
  /** Who may call its Mappings. */
  readonly guard: Guard;
  readonly bytes: number;
  /** false: the object is invalid, and has no last good form. It has no Mappings, and closes what it may have closed. */
  readonly isValid: boolean;
}

/** What documents say. */
export interface Decoded {
  readonly configuration: Configuration;
  /** Ids of the documents that are for other gateways. */
  readonly otherIds: readonly string[];
  readonly problems: readonly Problem[];
}

/** Where documents are. */
export interface ConfigurationOrigin {
  readonly ref: ObjectRef;
  /** Annotation of the text, or "" for an object of its own. */
  readonly field: string;
  /** Name for documents that have none. */
  readonly owner: string;
  /** Ids of documents that name none. */
  readonly ids: readonly string[];
  readonly guard: DecodedGuard;
}

/** `unreadable`: what is in `text` cannot be read, which was reported. `object`: as it was written, where it is an object of its own. */
export type ConfigurationInput =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "unreadable"; readonly text: string; readonly object: UnknownRecord }
  | { readonly kind: "object"; readonly value: UnknownRecord };

/** An object of its own has one of the API server's. */
const objectVersions = /^(?:x\.)?getambassador\.io\/v(?:[012]|3alpha1)$/;
const oldVersions = /^ambassador\/v[012]$/;

/**
 * Decodes documents. Where one of them is not valid, or the text that they are in, the object keeps its last good form, `before`, as a whole. Documents for
 * other Ambassadors do not exist.
 */
export function decodeConfiguration(
  origin: ConfigurationOrigin,
  input: ConfigurationInput,
  before: Configuration | null,
  settings: TranslateSettings,
): Decoded {
  const decoding = new Decoding(origin, before?.isValid === true ? before : null, settings);
  if (input.kind === "object") {
    decoding.document(input.value, "");
    return decoding.done(Buffer.byteLength(JSON.stringify(fieldOf(input.value, "spec") ?? {})));
  }
  const result = input.kind === "text" ? parseYaml(input.text) : null;
  if (result?.kind !== "documents") {
    if (result !== null) decoding.refuse("bad-yaml", origin.field, `the text ${result.reason}; correct it`);
    decoding.unreadableText(input.text, input.kind === "text" ? {} : input.object);
    return decoding.done(Buffer.byteLength(input.text));
  }
  const { documents } = result;
  if (documents.length === 0)
    decoding.refuse(
      "empty-configuration",
      origin.field,
      "the text holds no document, and it replaces everything that Sluice would serve without it; write a Mapping, or remove the annotation",
    );
  for (const [index, document] of documents.entries()) decoding.document(document, `${origin.field}[${index}]`);
  if (documents.length === 0 || documents.some(isKindless)) decoding.unreadableServices(input.text);
  return decoding.done(Buffer.byteLength(input.text));
}

/** It is not known of what it is. */
function isKindless(document: unknown): boolean {
  return !isRecord(document) || textOf(fieldOf(document, "kind")) === "";
}

class Decoding {
  readonly #problems: Problem[] = [];
  readonly #otherIds = new Set<string>();
  readonly #origin: ConfigurationOrigin;
  readonly #lastGood: Configuration | null;
  readonly #settings: TranslateSettings;
  readonly #mappings = new Map<string, RawMapping>();
  readonly #platform: PlatformDocuments;
  readonly #budget: RegexBudget = { left: allowance.regexes };
  #isValid: boolean;

  constructor(origin: ConfigurationOrigin, lastGood: Configuration | null, settings: TranslateSettings) {
    this.#origin = origin;
    this.#lastGood = lastGood;
    this.#settings = settings;
    this.#isValid = origin.guard.readable;
    this.#platform = new PlatformDocuments(origin.ref, origin.owner, settings, lastGood !== null, (...said) =>
      this.report(...said),
    );
  }

  report(level: ProblemLevel, code: ProblemCode, field: string, sentence: string): void {
    this.#problems.push({ code, level, subject: this.#origin.ref, field, sentence });
  }

  /** An error that makes the object invalid. */
  refuse(code: ProblemCode, field: string, sentence: string): void {
    this.#isValid = false;
    this.report("error", code, field, sentence);
  }

  /** A text of which a part is no document. */
  unreadableServices(text: string): void {
    this.#platform.unreadableServices(text, this.#origin.field);
  }

  /** A text of which nothing can be read. */
  unreadableText(text: string, object: UnknownRecord): void {
    this.#isValid = false;
    this.#platform.unreadableText(text, object, this.#origin.field);
  }

  done(bytes: number): Decoded {
    const isValid = this.#isValid && this.#platform.isValid;
    const last = isValid ? null : this.#lastGood;
    if (last !== null)
      this.report(
        "error",
        "bad-document",
        this.#origin.field,
        "the object is not valid, so its last good form holds as a whole; correct what the other Problems name",
      );
    const mappings = isValid ? [...this.#mappings.values()] : [];
    return {
      configuration: last ?? { mappings, ...this.#platform.said, guard: this.#origin.guard.guard, bytes, isValid },
      otherIds: [...this.#otherIds],
      problems: this.#problems,
    };
  }

  document(value: unknown, field: string): void {
    if (!isRecord(value))
      return this.refuse(
        "bad-document",
        field,
        "this is not an Ambassador document; write apiVersion, kind, name and its fields",
      );
    const metadata = recordOf(fieldOf(value, "metadata"));
    const spec = fieldOf(value, "spec");
    // Shaped like a Kubernetes object, or flat.
    const fields = isRecord(spec)
      ? spec
      : withoutKeys(value, isRecord(fieldOf(value, "metadata")) ? ["metadata", "status"] : []);
    const kind = textOf(fieldOf(value, "kind"));
    const apiVersion = textOf(fieldOf(value, "apiVersion"));
    const name = scalarText(fieldOf(value, "name") ?? fieldOf(metadata, "name")) ?? "";
    if (kind === "" && this.#origin.field !== "")
      return this.refuse(
        "bad-document",
        field,
        "the document has no kind, so Sluice does not serve it, and the document before it may lack these fields; write apiVersion, kind, name and the fields in one document",
      );
    const ids = idsOf(fields, this.#origin.ids);
    if (arrayOf(fieldOf(fields, "ambassador_id")).length === 0 && Array.isArray(fieldOf(fields, "ambassador_id")))
      this.report(
        "warning",
        "empty-field",
        field === "" ? "spec.ambassador_id" : `${field} ambassador_id`,
        'the list is empty and counts as not written, so the document is for the gateway of the id "default"; write its ids, or remove it',
      );
    if (ids === null) return this.#unreadableIds({ kind, name, ids: [], object: value, fields, field });
    if (!ids.some((id) => this.#settings.ambassadorIds.includes(id))) {
      for (const id of ids) this.#otherIds.add(id);
      return;
    }
    if (!objectVersions.test(apiVersion) && (field === "" || !oldVersions.test(apiVersion))) {
      if (isPlatformKind(kind)) this.#platform.unreadable({ kind, name, ids, object: value, fields, field });
      return this.refuse(
        "bad-document",
        field,
        `${quoted(apiVersion)} is not an apiVersion of Ambassador and the document is not served; write getambassador.io/v2`,
      );
    }
    if (
      !this.#origin.ids.includes("default") &&
      (fieldOf(fields, "ambassador_id") ?? fieldOf(fields, "ambassadorId") ?? undefined) === undefined
    ) {
      this.report(
        "info",
        "differs",
        field,
        `the document has the id of its SeldonDeployment, ${this.#origin.ids.map(quoted).join(", ")}, and Ambassador gives a document without an id the id "default"; write ambassador_id in it`,
      );
    }
    if (kind === "Mapping")
      this.#mapping(name === "" ? this.#origin.owner : name, ids, value, fields, field, apiVersion);
    else if (isPlatformKind(kind)) this.#platform.take({ kind, name, ids, object: value, fields, field });
    else if (isLostKind(kind)) this.report("warning", "kind-not-served", field, lostWith(kind));
    // It may be a misspelt one that says who may call.
    else
      this.refuse(
        "unknown-kind",
        field,
        `${quoted(kind)} is not a kind of Ambassador, so the object is not valid; correct its spelling, or remove the document`,
      );
  }

  #mapping(
    name: string,
    ids: readonly string[],
    object: UnknownRecord,
    record: UnknownRecord,
    field: string,
    apiVersion: string,
  ): void {
    const namespace = textOf(fieldOf(record, "namespace"));
    if (namespace !== "" && namespace !== this.#origin.ref.namespace) {
      this.report(
        "warning",
        "bad-value",
        field,
        `the namespace ${quoted(namespace)} is ignored, because a document belongs to the namespace of its object; remove it`,
      );
    }
    const owner = `Mapping ${this.#origin.ref.namespace}/${name}`;
    const fields = new Fields(
      mappingTable,
      record,
      field === "" ? "spec." : `${field} `,
      (level, code, at, sentence) => this.report(level, code, at, sentence),
      this.#budget,
    );
    const isFlat = !isRecord(fieldOf(object, "spec"));
    const known = field === "" ? mappingObject : isFlat ? flatMapping : mappingDocument;
    const outcome = this.#lastGood === null ? "the Mapping is not served" : "its last good form is served";
    const isUnknown = reportUnknown(known.unknownIn(object), field === "" ? "" : `${field} `, outcome, (...said) =>
      this.report(...said),
    );
    const mapping = decodeRawMapping(
      name,
      field,
      ownIdOf(ids, this.#settings),
      fields,
      this.#settings.defaultTimeoutMs,
      owner,
    );
    if (isUnknown || mapping === null) {
      this.#isValid = false;
      return;
    }
    reportMappingDifferences(fields, apiVersion, mapping);
    const before = this.#mappings.get(name);
    // The same text on several Services of an SD, or twice in one.
    if (before !== undefined && !sameValue({ ...before, field: "" }, { ...mapping, field: "" })) {
      this.report(
        "error",
        "declared-twice",
        field,
        `another Mapping of this object is named ${quoted(name)} and this one replaces it; give each a name of its own`,
      );
    }
    this.#mappings.set(name, mapping);
  }

  /** Whose it is cannot be known, so what would close for the gateway closes: it may be for it. */
  #unreadableIds({
    kind,
    fields,
    field,
    ...document
  }: Omit<PlatformDocument, "kind"> & { readonly kind: string }): void {
    if (isPlatformKind(kind))
      this.#platform.unreadable({ ...document, kind, fields, field, ids: this.#settings.ambassadorIds });
    this.refuse(
      "bad-value",
      field === "" ? "spec.ambassador_id" : `${field} ambassador_id`,
      `${quoted(fieldOf(fields, "ambassador_id") ?? fieldOf(fields, "ambassadorId"))} names no gateway, so the document is not valid; write an id, or a list of ids`,
    );
  }
}

function withoutKeys(record: UnknownRecord, keys: readonly string[]): UnknownRecord {
  return keys.length === 0 ? record : Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));
}
