// The objects of one manifest file: Lists unfolded, each with its name and namespace, and what is no object said.
import type { ObjectRef } from "../../../routing/text/problem.ts";
import { lostWith } from "../../translate/platform/ambassador-kinds.ts";
import { namespacedName } from "../../../routing/text/namespaced-name.ts";
import { nearWord } from "../../../routing/text/near-word.ts";
import { isRecord, quoted } from "../../translate/values/value.ts";
import { isPlatformKind, platformKinds } from "../../translate/platform/platform.ts";
import { unreadObject } from "../../translate/model/object.ts";
import { isAmbassadorKind, readKind } from "../objects/kinds.ts";
import type { ManifestDocument } from "../objects/documents.ts";
import { listItemsOf, type ListItems } from "./list-items.ts";
import { manifestBounds } from "./manifest-bounds.ts";
import { extentOf } from "../objects/extent.ts";
import { fieldAt, originAt, type Place } from "../objects/manifest-place.ts";
import type { ManifestProblems } from "./manifest-problems.ts";
import { ownText, StoredObject } from "../objects/stored-object.ts";

// A namespace is a segment of public paths, so it is held to Kubernetes' rule (RFC 1123 label); names only to what cannot be mistaken for another object's.
const namespacePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/;

/** A document that is not read, by what it says of itself; undefined: it does not say it. */
interface Stranger {
  readonly kind: unknown;
  readonly apiVersion: unknown;
  readonly ref: ObjectRef;
  readonly place: Place;
}

export class ManifestObjects {
  readonly #file: string;
  readonly #defaultNamespace: string;
  readonly #problems: ManifestProblems;
  readonly #objects: StoredObject[] = [];
  readonly #strangers: Stranger[] = [];
  #otherKinds = 0;
  #withoutNamespace = 0;

  /** `file`: its name for people and for origins. `defaultNamespace`: of objects that name none. */
  constructor(file: string, defaultNamespace: string, problems: ManifestProblems) {
    this.#file = file;
    this.#defaultNamespace = defaultNamespace;
    this.#problems = problems;
  }

  /** In the order written. */
  get objects(): readonly StoredObject[] {
    return this.#objects;
  }

  /** Objects of kinds that routing does not read. */
  get otherKinds(): number {
    return this.#otherKinds;
  }

  /** Objects that name no namespace and were given the default. */
  get withoutNamespace(): number {
    return this.#withoutNamespace;
  }

  /**
   * Takes the value of a document, or of an item of a List. `listed`: what the items are; null: it is no item. `itemLines`: of a List
   * the lines of its items; [] where they are not known.
   */
  take(value: unknown, place: Place, listed: ListItems | null, itemLines: readonly number[] = []): void {
    if (value === null || value === undefined) return;
    const extent = extentOf(value, manifestBounds.depth);
    if (extent === null || extent.height > manifestBounds.depth) {
      this.#problems.refuse(
        "over-limit",
        fieldAt(place),
        `the document is nested deeper than ${manifestBounds.depth} levels once its aliases are written out, and is not read`,
        "write it flatter",
      );
    } else if (extent.nodes > manifestBounds.nodes) {
      this.#problems.refuse(
        "over-limit",
        fieldAt(place),
        `the document has more than ${manifestBounds.nodes} values once its aliases are written out, and is not read`,
        "use fewer aliases",
      );
    } else if (extent.characters > manifestBounds.characters) {
      this.#problems.refuse(
        "over-limit",
        fieldAt(place),
        `the document has more than ${manifestBounds.characters} characters once its aliases are written out, and is not read`,
        "use fewer aliases",
      );
    } else {
      this.#object(value, place, listed, itemLines);
    }
  }

  #object(value: unknown, place: Place, listed: ListItems | null, itemLines: readonly number[]): void {
    const foreign = isRecord(value) && typeof value["kind"] === "string" ? null : foreignFile(this.#file);
    if (foreign !== null) return this.#problems.report("info", "not-a-manifest", "", foreign);
    if (!isRecord(value)) {
      this.#problems.report(
        "warning",
        "not-an-object",
        fieldAt(place),
        "the document is not a Kubernetes object and is skipped; remove it or write apiVersion, kind and metadata",
      );
      return this.#passOver({}, undefined, undefined, place);
    }
    // The API server leaves kind and apiVersion out of the items of a typed list.
    const kind = value["kind"] ?? listed?.kind;
    const written = value["apiVersion"] ?? listed?.apiVersion;
    const apiVersion = typeof written !== "string" && isAmbassadorKind(kind) ? "" : written;
    if (typeof kind !== "string" || typeof apiVersion !== "string") {
      if (Object.values(value).some((word) => typeof word === "string" && isPlatformKind(word)))
        return this.#problems.refuse(
          "unknown-kind",
          fieldAt(place),
          "the document has no kind or no apiVersion and is not read",
          "write both",
        );
      this.#problems.report(
        "warning",
        "not-an-object",
        fieldAt(place),
        "the document has no kind or no apiVersion and is skipped; write both, or move the file out of the folder",
      );
      return this.#passOver(value, kind, apiVersion, place);
    }
    const items = Array.isArray(value["items"]) ? listItemsOf(kind, apiVersion) : null;
    if (items !== null && Array.isArray(value["items"])) {
      const path = place.items === "" ? "items" : `${place.items}.items`;
      for (const [index, item] of value["items"].entries())
        this.#object(item, { line: itemLines[index] ?? place.line, items: `${path}[${index}]` }, items, []);
      return;
    }
    const known = readKind(kind, apiVersion);
    switch (known.kind) {
      case "read":
        return this.#declared(value, kind, apiVersion, place);
      case "unknown":
        return this.#problems.refuse("unknown-kind", fieldAt(place), known.wrong, known.remedy);
      case "lost":
        this.#otherKinds += 1;
        return this.#problems.tell({
          code: "kind-not-served",
          level: "warning",
          subject: this.#refOf(value, kind),
          field: originAt(this.#file, place),
          sentence: lostWith(kind),
        });
      case "other":
        this.#otherKinds += 1;
        this.#passOver(value, kind, apiVersion, place);
    }
  }

  /**
   * A document of which a part was refused: for each platform object that it may hold, and of which nothing was read, neither now (from the object `from` on) nor earlier (`lastGood`: how many of a kind), one stands in that
   * closes what that one may have closed.
   */
  unread({ text, contentLine }: ManifestDocument, from: number, lastGood: ReadonlyMap<string, number>): void {
    const namespace = /namespace\W{1,4}([a-z0-9][-a-z0-9]{0,62})/.exec(text)?.[1] ?? this.#defaultNamespace;
    for (const kind of platformKinds) {
      const written = text.match(new RegExp(`:\\W{0,8}${kind}\\b`, "g"))?.length ?? 0;
      if (written === 0) continue;
      const read = this.#objects.slice(from).filter((object) => object.ref.kind === kind).length;
      if (written <= read + (lastGood.get(kind) ?? 0)) continue;
      const ref = { kind, namespace, name: `unread-${contentLine}-of-${this.#file.replaceAll(/[^\w.-]/g, "-")}` };
      this.#objects.push(new StoredObject(ref, "", this.#file, { line: contentLine, items: "" }, unreadObject));
    }
  }

  #passOver(object: Readonly<Record<string, unknown>>, kind: unknown, apiVersion: unknown, place: Place): void {
    this.#strangers.push({ kind, apiVersion, ref: this.#refOf(object, ""), place });
  }

  /**
   * Refuses each document that was not read and may be an object of an earlier reading which is `missing` now: it has its name, and its kind or its apiVersion,
   * or it has no name, as where a file was cut.
   */
  refuseSlips(missing: readonly StoredObject[]): void {
    if (this.#strangers.length === 0) return;
    const nameless = this.#strangers.find(({ ref }) => ref.name === "");
    const named = Map.groupBy(this.#strangers, ({ ref }) => namespacedName(ref.namespace, ref.name));
    for (const { ref, apiVersion } of missing) {
      const slip =
        nameless ??
        named
          .get(namespacedName(ref.namespace, ref.name))
          ?.find((one) => one.kind === ref.kind || one.apiVersion === apiVersion);
      if (slip === undefined) continue;
      this.#problems.refuse(
        "unknown-kind",
        fieldAt(slip.place),
        `the document may be ${ref.kind} ${ref.namespace}/${ref.name} of ${apiVersion}, which was here before, and is not read`,
        `write kind: ${ref.kind} and apiVersion: ${apiVersion}, or remove the document`,
      );
    }
  }

  /** The object's name as far as it can be said. */
  #refOf(object: Readonly<Record<string, unknown>>, kind: string): ObjectRef {
    const metadata = isRecord(object["metadata"]) ? object["metadata"] : {};
    const [namespace, name] = [metadata["namespace"] ?? this.#defaultNamespace, metadata["name"]];
    return {
      kind: ownText(kind).slice(0, 63),
      namespace: typeof namespace === "string" && namespacePattern.test(namespace) ? ownText(namespace) : "",
      name: typeof name === "string" && namePattern.test(name) ? ownText(name) : "",
    };
  }

  #declared(object: Readonly<Record<string, unknown>>, kind: string, apiVersion: string, place: Place): void {
    const metadata = isRecord(object["metadata"]) ? object["metadata"] : {};
    const name = metadata["name"];
    const namespace = metadata["namespace"] ?? this.#defaultNamespace;
    if (typeof name !== "string" || !namePattern.test(name)) {
      this.#problems.refuse(
        "bad-name",
        fieldAt(place),
        `a ${kind} has no usable metadata.name and is not served`,
        write(name, 'letters, digits, "-" and ".", at most 253'),
      );
      return;
    }
    if (typeof namespace !== "string" || !namespacePattern.test(namespace)) {
      this.#problems.refuse(
        "bad-name",
        fieldAt(place),
        `${kind} ${name} has no usable metadata.namespace and is not served`,
        write(namespace, 'lower-case letters, digits and "-", at most 63'),
      );
      return;
    }
    if (metadata["namespace"] === undefined || metadata["namespace"] === null) {
      const stray = strayNamespace(object, metadata);
      if (stray !== null)
        return this.#problems.refuse(
          "bad-name",
          fieldAt(place),
          `${kind} ${name} has ${quoted(stray)}, which probably means a namespace, and is not served, because its namespace would be ${namespace}`,
          "write metadata.namespace",
        );
      this.#withoutNamespace += 1;
    }
    const ref = { kind, namespace: ownText(namespace), name: ownText(name) };
    this.#objects.push(new StoredObject(ref, ownText(apiVersion), this.#file, place, object));
  }
}

/** What a file is that tools of manifests read by its name, and that holds no objects; null: it is none of them. */
function foreignFile(file: string): string | null {
  const name = file.slice(file.lastIndexOf("/") + 1);
  if (/^kustomization\.ya?ml$/.test(name))
    return "this file is a kustomization and holds no object, so Sluice reads the manifests beside it as they are; if it changes them, serve the output of kubectl kustomize";
  if (/^(?:values(?:[-._].*)?|Chart)\.ya?ml$/.test(name))
    return "this file belongs to a Helm chart and holds no object; serve the output of helm template";
  return null;
}

/** A misspelt namespace, or one outside metadata; null: there is none. */
function strayNamespace(
  object: Readonly<Record<string, unknown>>,
  metadata: Readonly<Record<string, unknown>>,
): string | null {
  if (Object.hasOwn(object, "namespace")) return "namespace";
  return (
    Object.keys(metadata).find(
      (key) => key !== "namespace" && key !== "name" && nearWord(key, ["namespace"]) !== null,
    ) ?? null
  );
}

/** What to write instead of a value, which may come from a template. */
function write(value: unknown, what: string): string {
  return typeof value === "string" && value.includes("{{") ? "this is a template: render it first" : `write ${what}`;
}
