// Stored objects: what a Source keeps of an object after it was read. JSON text of what routing reads takes a tenth of the memory of the parsed
// object, and the strings parsed from it do not keep the text of the file alive.
import type { ObjectRef } from '../../routing/problem.ts';
import { essenceOf } from '../translate/essence.ts';
import type { SourceObject } from '../translate/object.ts';
import type { UnknownRecord } from '../translate/value.ts';

export class StoredObject implements SourceObject {
  readonly ref: ObjectRef;
  readonly apiVersion: string;
  readonly origin: string;
  readonly #text: string;

  /** `value` is the object itself, decoded from YAML or JSON. */
  constructor(ref: ObjectRef, apiVersion: string, origin: string, value: UnknownRecord) {
    this.ref = ref;
    this.apiVersion = apiVersion;
    this.origin = origin;
    this.#text = jsonOf(essenceOf(ref.kind, value));
  }

  /** Parsed anew each time. */
  get object(): unknown {
    return JSON.parse(this.#text);
  }

  /** true when translation would read the same from both, at the same place. */
  isSame(other: StoredObject): boolean {
    return this.#text === other.#text && this.apiVersion === other.apiVersion && this.origin === other.origin;
  }
}

/** JSON has no `.inf` and `.nan`, which would turn to null: they become texts, which no reader of numbers takes either. */
function jsonOf(value: UnknownRecord): string {
  const text = JSON.stringify(value);
  return text.includes('null') ? jsonOfEach(value) : text;
}

/** Several times as slow. */
function jsonOfEach(value: UnknownRecord): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'number' && !Number.isFinite(part) ? String(part) : part));
}
