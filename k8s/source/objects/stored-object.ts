// Stored objects: what a folder's Source keeps of an object, the JSON text of what routing reads. It takes a tenth of the memory of the parsed object.
import type { ObjectRef } from "../../../routing/text/problem.ts";
import { trimmedObject } from "../../translate/deployments/trimmed-object.ts";
import type { SourceObject } from "../../translate/model/object.ts";
import type { UnknownRecord } from "../../translate/values/value.ts";
import { originAt, type Place } from "./manifest-place.ts";

export class StoredObject implements SourceObject {
  readonly ref: ObjectRef;
  readonly apiVersion: string;
  readonly file: string;
  readonly #place: Place;
  readonly #text: string;

  /** `value` is the object itself, decoded from YAML or JSON, found in that file at that place. */
  constructor(ref: ObjectRef, apiVersion: string, file: string, place: Place, value: UnknownRecord) {
    this.ref = ref;
    this.apiVersion = apiVersion;
    this.file = file;
    this.#place = place;
    this.#text = jsonOf(trimmedObject(ref.kind, value));
  }

  get origin(): string {
    return originAt(this.file, this.#place);
  }

  /** Parsed anew each time. */
  get object(): unknown {
    return JSON.parse(this.#text);
  }

  /** true when translation would read the same from both, in the same file. What is above an object there moves it to other lines, and changes nothing of it. */
  isSame(other: StoredObject): boolean {
    return (
      this.#text === other.#text &&
      this.apiVersion === other.apiVersion &&
      this.file === other.file &&
      this.#place.items === other.#place.items
    );
  }
}

/** A copy of a text: a part of the file's text would keep the whole text alive. */
export function ownText(text: string): string {
  return Buffer.from(text).toString();
}

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
