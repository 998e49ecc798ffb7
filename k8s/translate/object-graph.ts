// ObjectGraph: every object, decoded, and the units that must be translated again when one changes. Each unit's reads are remembered, so that a
// change touches its dependants and nothing else.
import { sameValue } from '../../routing/diff.ts';
import type { ObjectRef, Problem } from '../../routing/problem.ts';
import { decodeConfiguration, translateConfiguration, type ConfigurationInput, type ConfigurationOrigin } from './ambassador.ts';
import { ambassadorIdsOf, customConfigOf, externalNameOf } from './annotations.ts';
import { nameKey, type Backend, type Backends } from './backends.ts';
import { decodeDeployment } from './decode.ts';
import { reportConfigDifferences, reportDeletion } from './deployment-differences.ts';
import type { Report } from './fields.ts';
import { translateDeployment } from './mappings.ts';
import { decodeSlice, type Slice } from './endpoints.ts';
import { Reading } from './reading.ts';
import { Material, NameRecord } from './name-record.ts';
import { Registry, removeFrom } from './registry.ts';
import { noNames, nothingDeclared, Unit, type Declared, type Watched } from './unit-record.ts';
import { objectKey, type SourceObject } from './object.ts';
import { decodeService, ownersOf, type Service } from './services.ts';
import { decodeSecret, type Secret, type TlsContext } from './tls.ts';
import type { Grant, OfAnother, TranslateSettings } from './translation.ts';
import { nothing } from './unit.ts';
import { fieldOf, recordOf, textOf } from './value.ts';

/** What was made of an object. The object itself is not kept. */
interface Entry {
  readonly ref: ObjectRef;
  unit: Unit | null;
  /** Its ids where none is the gateway's own; else null. */
  otherIds: readonly string[] | null;
  slice: { readonly slice: Slice; readonly backend: Backend } | null;
}

export class ObjectGraph {
  readonly settings: TranslateSettings;
  readonly backends: Backends;
  readonly names = new Registry((key) => new NameRecord(key));
  readonly secrets = new Registry((key) => new Material(key));
  readonly contexts = new Registry((key) => new Material(key));
  readonly #entries = new Map<string, Entry>();
  readonly #grants = new Map<string, readonly Grant[]>();
  /** Namespaces whose EndpointSlices may be written by hand. */
  readonly #handWritten = new Set<string>();
  #changed: Unit[] = [];

  constructor(settings: TranslateSettings, backends: Backends) {
    this.settings = settings;
    this.backends = backends;
    for (const grant of settings.grants) {
      this.#grants.set(grant.namespace, [...this.grantsOf(grant.namespace), grant]);
      if (grant.endpointSlices) this.#handWritten.add(grant.namespace);
    }
  }

  grantsOf(namespace: string): readonly Grant[] {
    return this.#grants.get(namespace) ?? noGrants;
  }

  *units(): Iterable<Unit> {
    for (const { unit } of this.#entries.values()) if (unit !== null) yield unit;
  }

  *ofAnother(): Iterable<OfAnother> {
    for (const { ref, otherIds } of this.#entries.values()) if (otherIds !== null) yield { ref, ids: otherIds };
  }

  *sliceProblems(): Iterable<Problem> {
    for (const { slice } of this.#entries.values()) if (slice !== null) yield* slice.slice.problems;
  }

  /** Secrets that a unit reads, as `namespace/name`, whether they exist or not. */
  wantedSecrets(): ReadonlySet<string> {
    const wanted = new Set<string>();
    for (const { key, watched } of this.secrets.values()) if (watched.readers.length > 0) wanted.add(key);
    return wanted;
  }

  /** An object that is new or may differ. */
  set(object: SourceObject): void {
    const key = objectKey(object.ref);
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { ref: object.ref, unit: null, otherIds: null, slice: null };
      this.#entries.set(key, entry);
    }
    entry.otherIds = null;
    switch (object.ref.kind) {
      case 'SeldonDeployment':
        return this.#setDeployment(entry, object);
      case 'Service':
        return this.#setService(entry, object);
      case 'EndpointSlice':
        return this.#setSlice(entry, object);
      case 'Secret':
        return this.#setSecret(object.ref, decodeSecret(object.object));
      case 'Mapping':
      case 'TLSContext':
        return this.#setAmbassadorObject(entry, object);
    }
  }

  remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    const { ref } = entry;
    if (ref.kind === 'Service') this.#replaceService(ref, null);
    else if (ref.kind === 'EndpointSlice') this.#dropSlice(entry);
    else if (ref.kind === 'Secret') this.#setSecret(ref, null);
    this.#declare(entry, nothingDeclared, noProblems);
    this.#entries.delete(key);
  }

  /** Translates every unit that a change touched, and gives them. Units that are gone mean nothing. */
  translateChanged(): readonly Unit[] {
    const changed = this.#changed;
    this.#changed = [];
    for (const unit of changed) {
      unit.changed = false;
      this.#translate(unit);
    }
    return changed;
  }

  /** Forgets what nobody uses any more. */
  sweep(): void {
    for (const registry of [this.backends.registry, this.names, this.secrets, this.contexts]) registry.sweep();
  }

  #translate(unit: Unit): void {
    const { deployment, configuration } = unit.declared;
    const reading = new Reading(this);
    if (configuration !== null) unit.meaning = translateConfiguration(unit.ref, configuration, reading);
    else unit.meaning = deployment === null ? nothing : translateDeployment(deployment, reading);
    const { reads } = reading;
    for (const read of unit.reads) if (!reads.has(read)) removeFrom(read.readers, unit);
    for (const read of reads) if (!unit.reads.includes(read)) read.readers.push(unit);
    unit.reads = [...reads];
  }

  #setDeployment(entry: Entry, object: SourceObject): void {
    const { ref } = object;
    const { deployment, deleting, problems } = decodeDeployment(object, entry.unit?.declared.deployment ?? null);
    const told: Problem[] = deleting ? [] : [...problems];
    const report: Report = (level, code, field, sentence) => told.push({ code, level, subject: ref, field, sentence });
    if (deleting) reportDeletion(report);
    if (deployment === null || deleting) return this.#declare(entry, nothingDeclared, told);
    const config = customConfigOf(deployment.annotations);
    const ids = ambassadorIdsOf(deployment.annotations);
    // With a configuration of its own and no id, the documents say whose they are.
    if (!(config !== null && ids === null) && !this.#isOurs(ids)) {
      entry.otherIds = ids ?? ['default'];
      return this.#declare(entry, nothingDeclared, noProblems);
    }
    const externalName = externalNameOf(deployment);
    const names = externalName === ref.name ? [ref.name] : [ref.name, externalName];
    const { createdAt } = deployment;
    if (config === null) return this.#declare(entry, { deployment, configuration: null, createdAt, names }, problems);
    reportConfigDifferences(config, report);
    const origin = { ref, field: config.field, owner: ref.name, ids: ids ?? ['default'] };
    this.#configure(entry, origin, { kind: 'text', text: config.text }, { deployment, createdAt, names }, told);
  }

  #setService(entry: Entry, { ref, object }: SourceObject): void {
    const service = decodeService(ref.namespace, ref.name, object);
    this.#replaceService(ref, service);
    if (!this.settings.mappings || service.config === '' || service.owners.length > 0) return this.#declare(entry, nothingDeclared, noProblems);
    const origin = { ref, field: 'metadata.annotations["getambassador.io/config"]', owner: ref.name, ids: ['default'] };
    this.#configure(entry, origin, { kind: 'text', text: service.config }, { deployment: null, createdAt: service.createdAt, names: noNames }, noProblems);
  }

  #setAmbassadorObject(entry: Entry, { ref, object, apiVersion }: SourceObject): void {
    if (!this.settings.mappings || ownersOf(object).length > 0) return this.#declare(entry, nothingDeclared, noProblems);
    const createdAt = textOf(fieldOf(recordOf(fieldOf(recordOf(object), 'metadata')), 'creationTimestamp'));
    const value = { ...recordOf(object), apiVersion, kind: ref.kind };
    this.#configure(entry, { ref, field: '', owner: ref.name, ids: ['default'] }, { kind: 'object', value }, { deployment: null, createdAt, names: noNames }, noProblems);
  }

  #configure(entry: Entry, origin: ConfigurationOrigin, input: ConfigurationInput, declared: Omit<Declared, 'configuration'>, problems: readonly Problem[]): void {
    const { configuration, otherIds, problems: wrong } = decodeConfiguration(origin, input, entry.unit?.declared.configuration ?? null, this.settings);
    if (configuration.mappings.length + configuration.contexts.length === 0 && otherIds.length > 0) entry.otherIds = otherIds;
    this.#declare(entry, { ...declared, configuration }, [...problems, ...wrong]);
  }

  #setSlice(entry: Entry, { ref, object }: SourceObject): void {
    this.#dropSlice(entry);
    const handWritten = this.settings.source === 'folder' || this.#handWritten.has(ref.namespace);
    const slice = decodeSlice(ref, object, this.settings, handWritten);
    const backend = this.backends.at(ref.namespace, slice.service);
    entry.slice = { slice, backend };
    this.backends.addSlice(backend, slice);
    this.#wake(backend.endpoints);
  }

  #dropSlice(entry: Entry): void {
    if (entry.slice === null) return;
    const { slice, backend } = entry.slice;
    entry.slice = null;
    this.backends.removeSlice(backend, slice);
    this.#wake(backend.endpoints);
  }

  #setSecret(ref: ObjectRef, secret: Secret | null): void {
    const material = this.secrets.at(nameKey(ref.namespace, ref.name));
    material.secret = secret;
    this.secrets.touch(material);
    this.#wake(material.watched);
  }

  #isOurs(ids: readonly string[] | null): boolean {
    return (ids ?? ['default']).some((id) => this.settings.ambassadorIds.includes(id));
  }

  /** What an object declares now; nothing for one that is gone or belongs to somebody else. */
  #declare(entry: Entry, declared: Declared, problems: readonly Problem[]): void {
    const empty = declared === nothingDeclared && problems.length === 0;
    if (entry.unit === null && empty) return;
    const unit = (entry.unit ??= new Unit(entry.ref));
    this.#renames(unit, declared.names);
    this.#recontexts(unit, declared.configuration?.contexts ?? noContexts);
    unit.declared = declared;
    unit.decodeProblems = problems;
    this.#mark(unit);
    if (empty) entry.unit = null;
  }

  #renames(unit: Unit, after: readonly string[]): void {
    const before = unit.declared.names;
    for (const name of before) {
      if (after.includes(name)) continue;
      const record = this.names.at(nameKey(unit.namespace, name));
      removeFrom(record.units, unit);
      this.names.touch(record);
      this.#wake(record.watched);
    }
    for (const name of after) {
      if (before.includes(name)) continue;
      const record = this.names.at(nameKey(unit.namespace, name));
      record.units.push(unit);
      this.#wake(record.watched);
    }
  }

  #recontexts(unit: Unit, after: readonly TlsContext[]): void {
    for (const { name } of unit.declared.configuration?.contexts ?? noContexts) {
      const material = this.contexts.at(nameKey(unit.namespace, name));
      material.contexts.delete(unit);
      this.contexts.touch(material);
      this.#wake(material.watched);
    }
    for (const context of after) {
      const material = this.contexts.at(nameKey(unit.namespace, context.name));
      material.contexts.set(unit, context);
      this.#wake(material.watched);
    }
  }

  #replaceService(ref: ObjectRef, after: Service | null): void {
    const backend = this.backends.at(ref.namespace, ref.name);
    const before = backend.service;
    if (sameValue(before, after)) return;
    for (const owner of before?.owners ?? noNames) {
      const record = this.names.at(nameKey(ref.namespace, owner));
      removeFrom(record.services, before!);
      this.names.touch(record);
      this.#wake(record.watched);
    }
    for (const owner of after?.owners ?? noNames) {
      const record = this.names.at(nameKey(ref.namespace, owner));
      record.services.push(after!);
      this.#wake(record.watched);
    }
    this.backends.setService(backend, after);
    this.#wake(backend.watched);
    this.#wake(backend.endpoints);
  }

  #wake({ readers }: Watched): void {
    for (const unit of readers) this.#mark(unit);
  }

  #mark(unit: Unit): void {
    if (unit.changed) return;
    unit.changed = true;
    this.#changed.push(unit);
  }
}

const noGrants: readonly Grant[] = Object.freeze([]);
const noProblems: readonly Problem[] = Object.freeze([]);
const noContexts: readonly TlsContext[] = Object.freeze([]);
