// Ambassador documents: `seldon.io/ambassador-config`, `getambassador.io/config` on Services, Mapping and TLSContext objects.
import { sameValue } from "../../../routing/text/diff.ts";
import type { Guard } from "../../../routing/model/guard.ts";
import type { ObjectRef, Problem, ProblemLevel, ProblemCode } from "../../../routing/text/problem.ts";
import { allowance } from "../values/allowance.ts";
import { lostWith, meantKind } from "../platform/ambassador-kinds.ts";
import { idsOf } from "./document-ids.ts";
import { isReportedBelow } from "./reported-below.ts";
import { ownIdOf } from "../fields/annotation-names.ts";
import { Fields, type RegexBudget } from "../fields/fields.ts";
import { mappingTable } from "../fields/mapping-fields.ts";
import type { DecodedGuard } from "../deployments/guard.ts";
import { flatMapping, mappingDocument, mappingObject } from "../mappings/mapping-places.ts";
import { misplacedSentence } from "../fields/places.ts";
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

/** `unreadable`: what is in `text` stands where it is not read, which was reported. */
export type ConfigurationInput =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "unreadable"; readonly text: string }
  | { readonly kind: "object"; readonly value: UnknownRecord };

/** An object of its own has one of the API server's. */
const objectVersions = /^(?:x\.)?getambassador\.io\/v(?:[012]|3alpha1)$/;
const oldVersions = /^ambassador\/v[012]$/;

/**
 * Decodes documents. One that is not valid keeps its last good form; of a text that is not YAML, or over the bounds, all do.
 * Documents for other Ambassadors do not exist.
 */
export function decodeConfiguration(
  origin: ConfigurationOrigin,
  input: ConfigurationInput,
  lastGood: Configuration | null,
  settings: TranslateSettings,
): Decoded {
  const decoding = new Decoding(origin, lastGood, settings);
  if (input.kind === "object") {
    decoding.document(input.value, "");
    return decoding.done(Buffer.byteLength(JSON.stringify(fieldOf(input.value, "spec") ?? {})));
  }
  const result = input.kind === "text" ? parseYaml(input.text) : null;
  if (result?.kind === "documents") {
    const { documents } = result;
    if (documents.length === 0)
      decoding.report(
        "error",
        "empty-configuration",
        origin.field,
        "the text holds no document, and it replaces everything that Sluice would serve without it; write a Mapping, or remove the annotation",
      );
    for (const [index, document] of documents.entries()) decoding.document(document, `${origin.field}[${index}]`);
    const isKindless = (document: unknown): boolean => !isRecord(document) || textOf(fieldOf(document, "kind")) === "";
    if (documents.length === 0 || documents.some(isKindless))
      decoding.platform.unreadableServices(input.text, origin.field);
    return decoding.done(Buffer.byteLength(input.text));
  }
  if (result !== null)
    decoding.report(
      "error",
      "bad-yaml",
      origin.field,
      `the text ${result.reason}${lastGood === null ? "" : ", and its last good form stays"}; correct it`,
    );
  const { mappings, bytes } = lastGood ?? { mappings: [], bytes: 0 };
  decoding.platform.unreadableText(input.text, origin.field);
  return {
    configuration: {
      mappings: guarded(mappings, decoding.guard),
      ...decoding.platform.said,
      guard: decoding.guard.guard,
      bytes,
    },
    otherIds: [],
    problems: decoding.problems,
  };
}

/** A document by what somebody meant who wrote it. */
type MeantDocument = Omit<PlatformDocument, "kind"> & { readonly kind: string };

class Decoding {
  readonly problems: Problem[] = [];
  readonly #otherIds = new Set<string>();
  readonly #origin: ConfigurationOrigin;
  readonly #lastGood: Configuration | null;
  readonly #settings: TranslateSettings;
  readonly #mappings = new Map<string, RawMapping>();
  readonly platform: PlatformDocuments;
  /** Of the object, or of its last good form. */
  #guard: DecodedGuard;
  readonly #budget: RegexBudget = { left: allowance.regexes };

  constructor(origin: ConfigurationOrigin, lastGood: Configuration | null, settings: TranslateSettings) {
    this.#origin = origin;
    this.#lastGood = lastGood;
    this.#settings = settings;
    this.#guard = this.#guardOf(origin, lastGood);
    this.platform = new PlatformDocuments(origin.ref, origin.owner, settings, lastGood, (...said) =>
      this.report(...said),
    );
  }

  get guard(): DecodedGuard {
    return this.#guard;
  }

  /** Where it cannot be read who may call, those of the last good form may. A Mapping that is not withheld had one that could be read. */
  #guardOf({ guard, ref, field }: ConfigurationOrigin, lastGood: Configuration | null): DecodedGuard {
    if (guard.readable || lastGood === null || !lastGood.mappings.some(({ withheld }) => !withheld)) return guard;
    this.report(
      "error",
      "bad-document",
      field,
      `Sluice cannot read who may call ${ref.name}, so the last good form holds; correct the fields that the other Problems name`,
    );
    return { guard: lastGood.guard, readable: true };
  }

  report(level: ProblemLevel, code: ProblemCode, field: string, sentence: string): void {
    this.problems.push({ code, level, subject: this.#origin.ref, field, sentence });
  }

  done(bytes: number): Decoded {
    return {
      configuration: {
        mappings: guarded([...this.#mappings.values()], this.#guard),
        ...this.platform.said,
        guard: this.#guard.guard,
        bytes,
      },
      otherIds: [...this.#otherIds],
      problems: this.problems,
    };
  }

  document(value: unknown, field: string): void {
    if (!isRecord(value))
      return this.report(
        "error",
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
    const writtenKind = textOf(fieldOf(value, "kind"));
    const kind = meantKind(writtenKind) ?? writtenKind;
    const apiVersion = textOf(fieldOf(value, "apiVersion"));
    const name = scalarText(fieldOf(value, "name") ?? fieldOf(metadata, "name")) ?? "";
    if (kind === "" && this.#origin.field !== "")
      return this.report(
        "error",
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
      if (isPlatformKind(kind)) this.platform.unreadable({ kind, name, ids, object: value, fields, field });
      return this.report(
        "error",
        "bad-document",
        field,
        `${quoted(apiVersion)} is not an apiVersion of Ambassador and the document is not served; write getambassador.io/v2`,
      );
    }
    if (kind !== writtenKind) return this.#misspelt(writtenKind, { kind, name, ids, object: value, fields, field });
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
    else if (isPlatformKind(kind)) this.platform.take({ kind, name, ids, object: value, fields, field });
    else this.report("warning", "kind-not-served", field, lostWith(kind));
  }

  /** It is known what was meant, and not whether all of it was: it closes what it may have closed. */
  #misspelt(written: string, document: MeantDocument): void {
    const outcome = this.#lose(document);
    this.report(
      "error",
      "unknown-kind",
      document.field,
      `${quoted(written)} is not a kind and ${outcome}; write ${document.kind}`,
    );
  }

  /** Of a document that cannot be understood: what becomes of it, as words. */
  #lose(document: MeantDocument): string {
    const { kind, name } = document;
    if (isPlatformKind(kind)) {
      this.platform.unreadable({ ...document, kind });
      return "it is not valid";
    }
    const lastGood = kind === "Mapping" ? this.#lastGoodOf(name === "" ? this.#origin.owner : name) : null;
    if (lastGood === null) return "it is not served";
    this.#mappings.set(lastGood.name, lastGood);
    return "its last good form is served";
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
    const isMisplaced = this.#hasMisplaced(object, name, field);
    const decoded = decodeRawMapping(
      name,
      field,
      ownIdOf(ids, this.#settings),
      fields,
      this.#settings.defaultTimeoutMs,
      owner,
    );
    if (isMisplaced) return;
    const lastGood =
      decoded === null || decoded.withheld || fields.emptied.size > 0 ? this.#lastGoodUnless(decoded, name) : null;
    const mapping = lastGood ?? decoded;
    // Without a last good form the Problem that names the cause says it all.
    if (lastGood !== null) {
      this.report(
        "error",
        "bad-document",
        field,
        `the Mapping ${quoted(name)} is not valid, so Sluice serves its last good form; correct the fields that the other Problems name`,
      );
    }
    if (mapping === null) return;
    if (decoded !== null) reportMappingDifferences(fields, apiVersion, decoded);
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

  /** true: a field that decides stands where none is read, so the Mapping is not served without it. */
  #hasMisplaced(object: UnknownRecord, name: string, field: string): boolean {
    const isFlat = !isRecord(fieldOf(object, "spec"));
    const misplaced = (isFlat ? flatMapping : field === "" ? mappingObject : mappingDocument)
      .misplacedIn(object)
      .filter((one) => !isReportedBelow(one, isFlat));
    const decides = misplaced.some((one) => one.decides);
    const lastGood = decides ? this.#lastGoodOf(name) : null;
    for (const one of misplaced)
      this.report(
        one.decides ? "error" : "warning",
        "misplaced-field",
        field === "" ? one.field : `${field} ${one.field}`,
        misplacedSentence(one, lastGood === null ? "the Mapping is not served" : "its last good form is served"),
      );
    if (lastGood === null) return decides;
    this.#mappings.set(name, lastGood);
    // What is not read may have said who may call.
    if (this.#origin.field === "") this.#guard = { guard: this.#lastGood!.guard, readable: true };
    return true;
  }

  /** A field that decides and has lost its value says nothing, but where it said something before. */
  #lastGoodUnless(decoded: RawMapping | null, name: string): RawMapping | null {
    const last = this.#lastGoodOf(name);
    return last !== null && decoded !== null && !decoded.withheld && sameValue(decidedBy(last), decidedBy(decoded))
      ? null
      : last;
  }

  #lastGoodOf(name: string): RawMapping | null {
    return this.#lastGood?.mappings.find((last) => last.name === name && !last.withheld) ?? null;
  }

  /** Whose it is cannot be known, so only what was known to be ours stays, and what would close for the gateway closes: it may be for it. */
  #unreadableIds(document: MeantDocument): void {
    const { fields, field } = document;
    const outcome = this.#lose({ ...document, ids: this.#settings.ambassadorIds });
    this.report(
      "error",
      "bad-value",
      field === "" ? "spec.ambassador_id" : `${field} ambassador_id`,
      `${quoted(fieldOf(fields, "ambassador_id") ?? fieldOf(fields, "ambassadorId"))} names no gateway and ${outcome}; write an id, or a list of ids`,
    );
  }
}

/** Where it cannot be read who may call, nobody may: nothing is ready, and nobody is sent elsewhere. */
function guarded(mappings: readonly RawMapping[], { readable }: DecodedGuard): readonly RawMapping[] {
  return readable
    ? mappings
    : mappings.filter(({ redirect }) => redirect === null).map((mapping) => ({ ...mapping, withheld: true }));
}

function decidedBy({
  match,
  precedence,
  weight,
  shadow,
  redirect,
  service,
  tls,
  target: { externalPolicy },
}: RawMapping): unknown {
  return { match, precedence, weight, shadow, redirect, service, tls, externalPolicy };
}

function withoutKeys(record: UnknownRecord, keys: readonly string[]): UnknownRecord {
  return keys.length === 0 ? record : Object.fromEntries(Object.entries(record).filter(([key]) => !keys.includes(key)));
}
