// World: every object, decoded, and the units that must be translated again when one changes. Each unit's reads are remembered, so that a
// change touches its dependants and nothing else.
import { sameValue } from '../../routing/diff.ts';
import type { ObjectRef, Problem } from '../../routing/problem.ts';
import type { Refusals } from './allowance.ts';
import { decodeConfiguration, translateConfiguration, type Configuration } from './ambassador.ts';
import { ambassadorIdsOf, customConfigOf, externalNameOf } from './annotations.ts';
import { backendKey, type BackendIndex } from './backends.ts';
import { decodeDeployment } from './decode.ts';
import type { Deployment } from './deployment.ts';
import { translateDeployment } from './mappings.ts';
import { MultiMap } from './multimap.ts';
import { objectKey, type SourceObject } from './object.ts';
import { decodeService, ownerNamesOf, ownersOf, type Service } from './services.ts';
import { decodeSecret, type Secret, type TlsContext } from './tls.ts';
import type { Grant, TranslateSettings } from './translation.ts';
import { nothing, type Surroundings, type UnitMeaning } from './unit.ts';
import { fieldOf, recordOf, textOf } from './value.ts';

/** What a unit declares. Without a configuration, a Deployment is translated by itself. */
interface Declared {
  readonly deployment: Deployment | null;
  readonly configuration: Configuration | null;
  readonly createdAt: string;
  /** Names in `/seldon/<namespace>/` that it takes. */
  readonly names: readonly string[];
}

/** An object that declares Mappings, and all that is known of it. */
export class Unit {
  readonly ref: ObjectRef;
  declared: Declared = nothingDeclared;
  /** Last good documents of its configuration, by name (design §4.16). */
  lastGood: Configuration | null = null;
  decodeProblems: readonly Problem[] = [];
  meaning: UnitMeaning = nothing;
  reads: ReadonlySet<string> = new Set();
  bareNames: ReadonlySet<string> = new Set();
  refusals: Refusals | null = null;
  /** Ids of its Mappings that are published. */
  published: readonly string[] = [];

  constructor(ref: ObjectRef) {
    this.ref = ref;
  }

  get namespace(): string {
    return this.ref.namespace;
  }

  get createdAt(): string {
    return this.declared.createdAt;
  }
}

const nothingDeclared: Declared = Object.freeze({ deployment: null, configuration: null, createdAt: '', names: Object.freeze([]) });

export class World {
  readonly #settings: TranslateSettings;
  readonly #backends: BackendIndex;
  readonly #objects = new Map<string, SourceObject>();
  readonly #units = new Map<string, Unit>();
  readonly #secrets = new Map<string, Secret>();
  /** TLSContexts by namespace and name, and which unit declares each. */
  readonly #contexts = new Map<string, Map<Unit, TlsContext>>();
  /** Services by namespace and owner's name. */
  readonly #owned = new MultiMap<string>();
  /** Units by namespace and name that they take. */
  readonly #names = new MultiMap<Unit>();
  readonly #readers = new MultiMap<Unit>();
  readonly #grants = new Map<string, readonly Grant[]>();
  #changed = new Set<Unit>();

  constructor(settings: TranslateSettings, backends: BackendIndex) {
    this.#settings = settings;
    this.#backends = backends;
    for (const grant of settings.grants) this.#grants.set(grant.namespace, [...(this.#grants.get(grant.namespace) ?? []), grant]);
  }

  get units(): Iterable<Unit> {
    return this.#units.values();
  }

  /** An object that is new or may differ. */
  set(object: SourceObject): void {
    const { ref } = object;
    const key = objectKey(ref);
    const before = this.#objects.get(key);
    if (before !== undefined && before.object === object.object && before.apiVersion === object.apiVersion) return;
    this.#objects.set(key, object);
    switch (ref.kind) {
      case 'SeldonDeployment':
        return this.#setDeployment(object);
      case 'Service':
        return this.#setService(object);
      case 'EndpointSlice':
        return this.#wakeEndpoints(this.#backends.setSlice(object));
      case 'Secret':
        this.#secrets.set(backendKey(ref.namespace, ref.name), decodeSecret(object.object));
        return this.#wake(`secret ${ref.namespace}/${ref.name}`);
      case 'Mapping':
      case 'TLSContext':
        return this.#setAmbassadorObject(object);
    }
  }

  remove(key: string): void {
    const before = this.#objects.get(key);
    if (before === undefined) return;
    this.#objects.delete(key);
    const { ref } = before;
    if (ref.kind === 'Service') this.#replaceService(ref, null);
    else if (ref.kind === 'EndpointSlice') this.#wakeEndpoints(this.#backends.removeSlice(key));
    else if (ref.kind === 'Secret') {
      this.#secrets.delete(backendKey(ref.namespace, ref.name));
      this.#wake(`secret ${ref.namespace}/${ref.name}`);
    }
    this.#declare(ref, nothingDeclared, []);
  }

  /** Translates every unit that a change touched. Units that are gone mean nothing. */
  translateChanged(): ReadonlySet<Unit> {
    const changed = this.#changed;
    this.#changed = new Set();
    for (const unit of changed) this.#translate(unit);
    return changed;
  }

  #translate(unit: Unit): void {
    const { deployment, configuration } = unit.declared;
    const reads = new Set<string>();
    const around = new Reading(this, reads);
    if (configuration !== null) unit.meaning = translateConfiguration(unit.ref, configuration, around);
    else unit.meaning = deployment === null ? nothing : translateDeployment(deployment, around);
    for (const read of unit.reads) if (!reads.has(read)) this.#readers.delete(read, unit);
    for (const read of reads) if (!unit.reads.has(read)) this.#readers.add(read, unit);
    unit.reads = reads;
  }

  #setDeployment({ ref, object }: SourceObject): void {
    const { deployment: decoded, deleting, problems } = decodeDeployment(ref, object);
    const before = this.#units.get(objectKey(ref));
    const deployment = decoded ?? before?.declared.deployment ?? null;
    if (deployment === null || deleting) return this.#declare(ref, nothingDeclared, deleting ? [] : problems);
    const config = customConfigOf(deployment.annotations);
    const ids = ambassadorIdsOf(deployment.annotations);
    // With a configuration of its own and no id, the documents say whose they are.
    if (!(config !== null && ids === null) && !this.#isOurs(ids)) return this.#declare(ref, nothingDeclared, []);
    const names = [...new Set([ref.name, externalNameOf(deployment)])];
    if (config === null) return this.#declare(ref, { deployment, configuration: null, createdAt: deployment.createdAt, names }, problems);
    const { configuration, problems: wrong } = decodeConfiguration(
      { ref, field: config.field, owner: ref.name, ids: ids ?? ['default'] },
      { kind: 'text', text: config.text },
      before?.lastGood ?? null,
      this.#settings,
    );
    this.#declare(ref, { deployment, configuration, createdAt: deployment.createdAt, names }, [...problems, ...wrong]);
  }

  #setService({ ref, object }: SourceObject): void {
    const service = decodeService(ref.namespace, ref.name, object);
    this.#replaceService(ref, service);
    if (!this.#settings.mappings || service.config === '' || service.owners.length > 0) return this.#declare(ref, nothingDeclared, []);
    const { configuration, problems } = decodeConfiguration(
      { ref, field: 'metadata.annotations["getambassador.io/config"]', owner: ref.name, ids: ['default'] },
      { kind: 'text', text: service.config },
      this.#units.get(objectKey(ref))?.lastGood ?? null,
      this.#settings,
    );
    this.#declare(ref, { deployment: null, configuration, createdAt: service.createdAt, names: [] }, problems);
  }

  #setAmbassadorObject({ ref, object, apiVersion }: SourceObject): void {
    if (!this.#settings.mappings || ownersOf(object).length > 0) return this.#declare(ref, nothingDeclared, []);
    const { configuration, problems } = decodeConfiguration(
      { ref, field: '', owner: ref.name, ids: ['default'] },
      { kind: 'object', value: { ...recordOf(object), apiVersion, kind: ref.kind } },
      this.#units.get(objectKey(ref))?.lastGood ?? null,
      this.#settings,
    );
    const createdAt = textOf(fieldOf(recordOf(fieldOf(recordOf(object), 'metadata')), 'creationTimestamp'));
    this.#declare(ref, { deployment: null, configuration, createdAt, names: [] }, problems);
  }

  #isOurs(ids: readonly string[] | null): boolean {
    return (ids ?? ['default']).some((id) => this.#settings.ambassadorIds.includes(id));
  }

  /** What an object declares now; nothing for one that is gone or belongs to somebody else. */
  #declare(ref: ObjectRef, declared: Declared, problems: readonly Problem[]): void {
    const key = objectKey(ref);
    let unit = this.#units.get(key);
    const empty = declared.deployment === null && declared.configuration === null && problems.length === 0;
    if (unit === undefined) {
      if (empty) return;
      unit = new Unit(ref);
      this.#units.set(key, unit);
    }
    this.#renames(unit, declared.names);
    this.#recontexts(unit, declared.configuration?.contexts ?? []);
    unit.declared = declared;
    unit.lastGood = declared.configuration;
    unit.decodeProblems = problems;
    this.#changed.add(unit);
    if (empty) this.#units.delete(key);
  }

  #renames(unit: Unit, after: readonly string[]): void {
    const before = unit.declared.names;
    for (const name of before) if (!after.includes(name)) this.#rename(unit, name, false);
    for (const name of after) if (!before.includes(name)) this.#rename(unit, name, true);
  }

  #rename(unit: Unit, name: string, taken: boolean): void {
    const key = backendKey(unit.namespace, name);
    if (taken) this.#names.add(key, unit);
    else this.#names.delete(key, unit);
    this.#wake(`name ${key}`);
  }

  #recontexts(unit: Unit, after: readonly TlsContext[]): void {
    for (const { name } of unit.declared.configuration?.contexts ?? []) {
      const key = backendKey(unit.namespace, name);
      this.#contexts.get(key)?.delete(unit);
      this.#wake(`context ${key}`);
    }
    for (const context of after) {
      const key = backendKey(unit.namespace, context.name);
      const there = this.#contexts.get(key);
      if (there === undefined) this.#contexts.set(key, new Map([[unit, context]]));
      else there.set(unit, context);
      this.#wake(`context ${key}`);
    }
  }

  #replaceService(ref: ObjectRef, after: Service | null): void {
    const key = backendKey(ref.namespace, ref.name);
    const before = this.#backends.service(key);
    if (sameValue(before, after)) return;
    const owners = new Set([...(before?.owners ?? []), ...(after?.owners ?? [])]);
    for (const owner of before?.owners ?? []) this.#owned.delete(backendKey(ref.namespace, owner), key);
    for (const owner of after?.owners ?? []) this.#owned.add(backendKey(ref.namespace, owner), key);
    this.#backends.setService(key, after);
    for (const owner of owners) this.#wake(`owned ${ref.namespace}/${owner}`);
    this.#wake(`service ${key}`);
    this.#wakeEndpoints([key]);
  }

  #wakeEndpoints(backends: readonly string[]): void {
    for (const key of backends) this.#wake(`endpoints ${key}`);
  }

  #wake(read: string): void {
    for (const unit of this.#readers.get(read)) this.#changed.add(unit);
  }

  // What Reading asks.

  get settings(): TranslateSettings {
    return this.#settings;
  }

  get backends(): BackendIndex {
    return this.#backends;
  }

  grantsOf(namespace: string): readonly Grant[] {
    return this.#grants.get(namespace) ?? [];
  }

  secret(key: string): Secret | null {
    return this.#secrets.get(key) ?? null;
  }

  /** Of several with one name the one whose object comes first. */
  tlsContext(key: string): TlsContext | null {
    const declared = [...(this.#contexts.get(key) ?? [])].sort(([a], [b]) => (objectKey(a.ref) < objectKey(b.ref) ? -1 : 1));
    return declared[0]?.[1] ?? null;
  }

  nameTaken(key: string): boolean {
    return this.#names.get(key).size > 0;
  }

  ownedServices(key: string): ReadonlySet<string> {
    return this.#owned.get(key);
  }
}

/** What one unit sees of the World; every question is remembered as a read. */
class Reading implements Surroundings {
  readonly #world: World;
  readonly #reads: Set<string>;

  constructor(world: World, reads: Set<string>) {
    this.#world = world;
    this.#reads = reads;
  }

  get settings(): TranslateSettings {
    return this.#world.settings;
  }

  service(namespace: string, name: string): Service | null {
    const key = backendKey(namespace, name);
    this.#reads.add(`service ${key}`);
    return this.#world.backends.service(key);
  }

  secret(namespace: string, name: string): Secret | null {
    const key = backendKey(namespace, name);
    this.#reads.add(`secret ${key}`);
    return this.#world.secret(key);
  }

  tlsContext(namespace: string, name: string): TlsContext | null {
    const key = backendKey(namespace, name);
    this.#reads.add(`context ${key}`);
    return this.#world.tlsContext(key);
  }

  nameTaken(namespace: string, name: string): boolean {
    const key = backendKey(namespace, name);
    this.#reads.add(`name ${key}`);
    return this.#world.nameTaken(key);
  }

  servicesOf(deployment: Deployment): readonly Service[] {
    const services = new Map<string, Service>();
    for (const owner of ownerNamesOf(deployment)) {
      const key = backendKey(deployment.ref.namespace, owner);
      this.#reads.add(`owned ${key}`);
      for (const service of this.#world.ownedServices(key)) services.set(service, this.#world.backends.service(service)!);
    }
    return services.size <= 1 ? [...services.values()] : [...services].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, service]) => service);
  }

  hasEndpoints(service: Service, port: number): boolean {
    this.#reads.add(`endpoints ${backendKey(service.namespace, service.name)}`);
    return this.#world.backends.hasEndpoints(service, port);
  }

  grantsOf(namespace: string): readonly Grant[] {
    return this.#world.grantsOf(namespace);
  }
}
