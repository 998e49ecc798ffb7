// RecordEdits: puts what objects say into the records that declarers read, and wakes the declarers that have read them.
import { sameValue } from "../../../routing/text/diff.ts";
import type { ObjectRef } from "../../../routing/text/problem.ts";
import type { Backend } from "./backend-records.ts";
import type { Slice } from "../backends/endpoints.ts";
import type { Edits } from "./edits.ts";
import { listOf, withoutOne, withOne } from "../collections/few.ts";
import { NamedMap } from "../collections/named-map.ts";
import type { Records } from "./records.ts";
import type { Service } from "../backends/services.ts";
import type { Secret, TlsContext } from "../backends/tls.ts";
import type { Declarer, Watched } from "../declarers/declarer.ts";

export class RecordEdits {
  readonly #records: Records;
  readonly #edits: Edits;
  readonly #wakeDeclarer: (declarer: Declarer) => void;
  readonly #slices = new NamedMap<Slice>();

  constructor(records: Records, edits: Edits, wakeDeclarer: (declarer: Declarer) => void) {
    this.#records = records;
    this.#edits = edits;
    this.#wakeDeclarer = wakeDeclarer;
  }

  setSlice(ref: ObjectRef, decoded: Slice): void {
    this.dropSlice(ref);
    const backend = this.#records.backends.at(ref.namespace, decoded.service);
    const slice = { ...decoded, service: backend.name };
    this.#slices.set(ref.namespace, ref.name, slice);
    this.#records.backends.addSlice(backend, slice);
    this.#wake(backend.endpoints);
  }

  dropSlice({ namespace, name }: ObjectRef): void {
    const slice = this.#slices.get(namespace, name);
    if (slice === undefined) return;
    this.#slices.delete(namespace, name);
    const backend = this.#records.backends.at(namespace, slice.service);
    this.#records.backends.removeSlice(backend, slice);
    this.#wake(backend.endpoints);
  }

  /** null: there is none. */
  setSecret(ref: ObjectRef, secret: Secret | null): void {
    const material = this.#records.secrets.at(ref.namespace, ref.name);
    this.#edits.secret(ref, material.secret !== null, secret !== null);
    material.secret = secret;
    this.#records.secrets.touch(material);
    this.#wake(material);
  }

  /** null: there is none. */
  setService(backend: Backend, after: Service | null): void {
    const before = backend.service;
    if (sameValue(before, after)) return;
    const { namespace, name } = backend;
    this.#edits.service({ kind: "Service", namespace, name }, before, after);
    for (const owner of before?.owners ?? []) {
      const record = this.#records.names.at(backend.namespace, owner);
      record.services = withoutOne(record.services, before!);
      this.#records.names.touch(record);
      this.#wake(record);
    }
    for (const owner of after?.owners ?? []) {
      const record = this.#records.names.at(backend.namespace, owner);
      record.services = withOne(record.services, after!);
      this.#wake(record);
    }
    this.#records.backends.setService(backend, after);
    this.#wake(backend);
    this.#wake(backend.endpoints);
  }

  /** The declarer takes these names instead of those that it has. */
  rename(declarer: Declarer, after: readonly string[]): void {
    const before = declarer.takenNames;
    for (const name of before) {
      if (after.includes(name)) continue;
      const record = this.#records.names.at(declarer.namespace, name);
      record.declarers = withoutOne(record.declarers, declarer);
      this.#records.names.touch(record);
      this.#wake(record);
    }
    for (const name of after) {
      if (before.includes(name)) continue;
      const record = this.#records.names.at(declarer.namespace, name);
      record.declarers = withOne(record.declarers, declarer);
      this.#wake(record);
    }
  }

  /** The declarer declares the TLSContexts `after` instead of `before`. */
  setContexts(declarer: Declarer, before: readonly TlsContext[], after: readonly TlsContext[]): void {
    for (const { name } of before) {
      const material = this.#records.contexts.at(declarer.namespace, name);
      material.contexts.delete(declarer);
      this.#records.contexts.touch(material);
      this.#wake(material);
    }
    for (const context of after) {
      const material = this.#records.contexts.at(declarer.namespace, context.name);
      material.contexts.set(declarer, context);
      this.#wake(material);
    }
  }

  #wake(read: Watched | null): void {
    if (read !== null) for (const declarer of listOf(read.readers)) this.#wakeDeclarer(declarer);
  }
}
