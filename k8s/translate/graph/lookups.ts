// TrackedLookups: what one declarer sees of the ObjectGraph while it is translated. Every question is remembered as a read, so that its answer's change is told.
import { compareText, type ObjectRef } from "../../../routing/text/problem.ts";
import type { Deployment } from "../model/deployment.ts";
import type { ReleaseEntry } from "../model/release.ts";
import { listOf } from "../collections/few.ts";
import type { MappingDefaults } from "../meaning/module-defaults.ts";
import type { Modules } from "../platform/modules.ts";
import { objectKey } from "../model/object.ts";
import type { Records } from "./records.ts";
import { ownerNamesOf, type Service } from "../backends/services.ts";
import type { Secret, TlsContext } from "../backends/tls.ts";
import type { Grant, TranslateSettings } from "../model/translation.ts";
import type { Lookups } from "../meaning/meaning.ts";
import { Watched } from "../declarers/declarer.ts";

/** All objects, as far as a declarer may ask for them. */
export interface ReadableObjects {
  readonly settings: TranslateSettings;
  readonly records: Records;
  grantsOf(namespace: string): readonly Grant[];
  readonly modules: Modules;
  releaseOf(ref: ObjectRef): ReleaseEntry | null;
}

export class TrackedLookups implements Lookups {
  readonly reads = new Set<Watched>();
  readonly settings: TranslateSettings;
  readonly #graph: ReadableObjects;

  constructor(graph: ReadableObjects) {
    this.#graph = graph;
    this.settings = graph.settings;
  }

  service(namespace: string, name: string): Service | null {
    const backend = this.#graph.records.backends.at(namespace, name);
    this.reads.add(backend);
    return backend.service;
  }

  secret(namespace: string, name: string): Secret | null {
    const material = this.#graph.records.secrets.at(namespace, name);
    this.reads.add(material);
    return material.secret;
  }

  /** Of several with one name the one whose object comes first. */
  tlsContext(namespace: string, name: string): TlsContext | null {
    const material = this.#graph.records.contexts.at(namespace, name);
    this.reads.add(material);
    const declared = [...material.contexts].sort(([a], [b]) => compareText(objectKey(a.ref), objectKey(b.ref)));
    return declared[0]?.[1] ?? null;
  }

  nameTaken(namespace: string, name: string): boolean {
    const record = this.#graph.records.names.at(namespace, name);
    this.reads.add(record);
    return record.declarers !== null;
  }

  nameShared(namespace: string, name: string): boolean {
    const record = this.#graph.records.names.at(namespace, name);
    this.reads.add(record);
    return listOf(record.declarers).length > 1;
  }

  /** No read: who is told of another entry asks for the SD. */
  releaseOf(ref: ObjectRef): ReleaseEntry | null {
    return this.#graph.releaseOf(ref);
  }

  servicesOf(deployment: Deployment): readonly Service[] {
    const services = new Set<Service>();
    for (const owner of ownerNamesOf(deployment)) {
      const record = this.#graph.records.names.at(deployment.ref.namespace, owner);
      this.reads.add(record);
      for (const service of listOf(record.services)) services.add(service);
    }
    return [...services].sort((a, b) => compareText(a.name, b.name));
  }

  hasEndpoints(service: Service, port: number): boolean {
    const backend = this.#graph.records.backends.at(service.namespace, service.name);
    this.reads.add((backend.endpoints ??= new Watched()));
    return this.#graph.records.backends.endpointsAt(backend, port).length > 0;
  }

  grantsOf(namespace: string): readonly Grant[] {
    return this.#graph.grantsOf(namespace);
  }

  defaultsOf(id: string): MappingDefaults {
    return this.#graph.modules.defaultsOf(id);
  }
}
