// Stored objects: what a folder's Source keeps of an object. Until it is given out that is the JSON text of what routing reads: it takes a tenth of the
// memory of the parsed object, and the strings parsed from it do not keep the text of the file alive. Afterwards a digest tells whether it differs.
import type { ObjectRef } from "../../../routing/text/problem.ts";
import { trimmedObject } from "../../translate/deployments/trimmed-object.ts";
import { objectKey, type SourceObject } from "../../translate/model/object.ts";
import type { UnknownRecord } from "../../translate/values/value.ts";
import { kindNames } from "./kinds.ts";
import { originAt, type Place } from "./manifest-place.ts";
import type { PackedReader, PackedWriter } from "./packed-text.ts";
import { textDigest } from "./text-digest.ts";

interface StoredText {
  readonly file: string;
  readonly line: number;
  readonly items: string;
  readonly text: string | null;
  readonly digest: string;
  readonly documentDigest: string;
}

/** Where an object was found. */
export interface Found {
  readonly file: string;
  readonly place: Place;
  readonly documentDigest: string;
  readonly digestKey: string;
}

export class StoredObject implements SourceObject {
  readonly ref: ObjectRef;
  readonly apiVersion: string;
  readonly file: string;
  /** Of the document that is this object and nothing else; "": there is none. */
  readonly documentDigest: string;
  readonly #line: number;
  readonly #items: string;
  readonly #digest: string;
  #text: string | null;

  private constructor(
    ref: ObjectRef,
    apiVersion: string,
    { file, line, items, text, digest, documentDigest }: StoredText,
  ) {
    this.ref = ref;
    this.apiVersion = apiVersion;
    this.file = file;
    this.#line = line;
    this.#items = items;
    this.#digest = digest;
    this.documentDigest = documentDigest;
    this.#text = text;
  }

  /** `value` is the object itself, decoded from YAML or JSON, found in that file at that place. `digestKey`: the same for all that is compared. */
  static of(
    ref: ObjectRef,
    apiVersion: string,
    { file, place: { line, items }, documentDigest, digestKey }: Found,
    value: UnknownRecord,
  ): StoredObject {
    const text = jsonOf(trimmedObject(ref.kind, value));
    const digest = textDigest(digestKey, `${text}\0${apiVersion}\0${file}\0${items}`);
    return new StoredObject(ref, apiVersion, { file, line, items, text, digest, documentDigest });
  }

  /** The same object, whose document begins at this line now. */
  at(line: number): StoredObject {
    return new StoredObject(this.ref, this.apiVersion, {
      file: this.file,
      line,
      items: this.#items,
      text: this.#text,
      digest: this.#digest,
      documentDigest: this.documentDigest,
    });
  }

  /** Writes all but the text of the object. */
  pack(to: PackedWriter, namespaceBefore: string): void {
    const { kind, namespace, name } = this.ref;
    to.oneOf(kindNames, kind);
    to.oneOf([namespaceBefore], namespace);
    to.text(name);
    to.oneOf(usualVersions, this.apiVersion);
    to.number(this.#line);
    to.text(this.#items);
    to.text(this.#digest);
    to.text(this.documentDigest);
  }

  /** The object that was packed, let go. */
  static unpack(from: PackedReader, namespaceBefore: string, file: string): StoredObject {
    const ref = { kind: from.oneOf(kindNames), namespace: from.oneOf([namespaceBefore]), name: from.text() };
    return new StoredObject(ref, from.oneOf(usualVersions), {
      file,
      line: from.number(),
      items: from.text(),
      digest: from.text(),
      documentDigest: from.text(),
      text: null,
    });
  }

  get origin(): string {
    return originAt(this.file, { line: this.#line, items: this.#items });
  }

  /** Parsed anew each time. There is none any more once it was let go. */
  get object(): unknown {
    if (this.#text === null)
      throw new Error(`the text of ${this.ref.kind} ${this.ref.namespace}/${this.ref.name} was let go`);
    return JSON.parse(this.#text);
  }

  get hasObject(): boolean {
    return this.#text !== null;
  }

  /** Whoever it was given to has read it. */
  letGo(): void {
    this.#text = null;
  }

  /** true when translation would read the same from both, in the same file. What is above an object there moves it to other lines, and changes nothing of it. */
  isSame(other: StoredObject): boolean {
    return this.#digest === other.#digest;
  }
}

/** Objects of one file by their key, in the order of their first one. */
export function byKey(objects: readonly StoredObject[]): ReadonlyMap<string, readonly StoredObject[]> {
  return Map.groupBy(objects, ({ ref }) => objectKey(ref));
}

const usualVersions = [
  "v1",
  "discovery.k8s.io/v1",
  "machinelearning.seldon.io/v1",
  "getambassador.io/v2",
  "machinelearning.seldon.io/v1alpha2",
  "machinelearning.seldon.io/v1alpha3",
  "getambassador.io/v3alpha1",
];

/** JSON has no `.inf` and `.nan`, which would turn to null: they become texts, which no reader of numbers takes either. */
function jsonOf(value: UnknownRecord): string {
  const text = JSON.stringify(value);
  return text.includes("null") ? jsonOfEach(value) : text;
}

/** Several times as slow. */
function jsonOfEach(value: UnknownRecord): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "number" && !Number.isFinite(part) ? String(part) : part,
  );
}
