// Translator: source objects in, Mappings, Upstreams and Endpoints out, and what each change changed. A function of the set of objects, of the
// record of who holds what, of the changes in which claims were first seen, and of the last good form of documents that are invalid now; the
// order in which objects come in one change does not matter.
import { openKey, type DigestKey } from '../../routing/digest.ts';
import { plainGuard } from '../../routing/guard.ts';
import { plainSettings, type TableSettings } from '../../routing/table-change.ts';
import { compareProblems, compareText, type Problem } from '../../routing/problem.ts';
import { annotationOf, keys } from './annotations.ts';
import { Backends, isThere } from './backends.ts';
import { BareNames, type NameRefusal } from './bare-names.ts';
import { deadEnds } from './dead-ends.ts';
import { ExternalBook } from './external-book.ts';
import { fewOf, listOf } from './few.ts';
import { isAnonymousGranted } from './grant.ts';
import { groupDifferences } from './group-differences.ts';
import { decodeGuard, type DeclaredGuard } from './guard.ts';
import { Claims } from './claim-book.ts';
import { heldKey, latestOf, stamped, type ClaimRecord, type Held, type RecordChange } from './held.ts';
import { Namespaces } from './namespaces.ts';
import { objectKey, refOfMapping, type SourceObject } from './object.ts';
import { OAuthKeys, type OAuthExposuresChange } from './oauth-keys.ts';
import { Output } from './output.ts';
import { isWatched } from './platform.ts';
import { PublishedMappings } from './published-mappings.ts';
import { predictorCandidates } from './services.ts';
import { shadowSlashes } from './shadow-slashes.ts';
import { inOne, type Portions, type ServiceChoice, type Translation, type TranslateSettings, type TranslationChange } from './translation.ts';
import type { Draft, UnitMeaning } from './unit.ts';
import type { Unit } from './unit-record.ts';
import { ObjectGraph } from './object-graph.ts';

/** Where it is decided who holds what. */
export interface Recording {
  /**
   * `here`: whoever claims first holds, from the change in which that is seen. `elsewhere`: from when the record says so (`setRecord`), and until
   * then only what nobody else claims is served.
   */
  readonly kind: 'here' | 'elsewhere';
  /** The record at the start: of an earlier Translator, or []. */
  readonly held: readonly Held[];
}

/** For tools and tests: nothing was held before. */
export const nothingHeld: Recording = Object.freeze({ kind: 'here', held: Object.freeze([]) });

/** Objects that are new or differ, and keys (`objectKey`) of those that are gone. */
interface ObjectChange {
  readonly set: readonly SourceObject[];
  readonly removed: readonly string[];
}

/** What is known of a change before its end. */
interface Gathered {
  /** Units that changed. */
  readonly changed: Set<Unit>;
  /** Those of them that are still to be published. */
  readonly publish: Set<Unit>;
  /** Others that are to be published, or again. */
  readonly republish: Set<Unit>;
  /** Of those that changed, plain ones that name a Service which is not there, or not yet. */
  readonly waiting: Set<Unit>;
}

export class Translator {
  readonly #settings: TranslateSettings;
  readonly #graph: ObjectGraph;
  readonly #backends: Backends;
  readonly #output: Output;
  readonly #namespaces = new Namespaces();
  readonly #claims: Claims;
  readonly #bareNames: BareNames<Unit>;
  readonly #oauthKeys: OAuthKeys;
  readonly #recordsHere: boolean;
  #record = new Map<string, Held>();
  /** Changes of the record since `drainRecord`. */
  #recorded = new Map<string, Held | null>();
  #isFirst = true;
  /** null: no change is under way. */
  #gathered: Gathered | null = null;
  /** Number of the last change. */
  #turn: number;
  #problems: readonly Problem[] | null = null;
  #tableSettings: TableSettings;
  readonly #external: ExternalBook;
  readonly #current: Translation;

  /** `key`: of digests that tell whether something differs from what was published. A secret where objects are written by who must not forge one. */
  constructor(settings: TranslateSettings, recording: Recording, key: DigestKey = openKey) {
    this.#settings = settings;
    this.#tableSettings = { ...plainSettings, singleNamespace: settings.singleNamespace };
    this.#backends = new Backends(settings);
    this.#graph = new ObjectGraph(settings, this.#backends);
    this.#output = new Output(this.#backends, key);
    this.#external = new ExternalBook(`${settings.ambassadorIds[0] ?? 'default'}-${settings.gatewayNamespace ?? 'default'}`);
    // One namespace contests nothing.
    const isShared = settings.namespaces.length !== 1;
    const asRecorded = isShared && recording.kind === 'elsewhere';
    this.#recordsHere = isShared && recording.kind === 'here';
    this.#claims = new Claims(settings.grants, asRecorded);
    this.#bareNames = new BareNames({ grants: settings.grants, grantedOnly: isShared && settings.claims === 'granted', asRecorded });
    this.#oauthKeys = new OAuthKeys(settings);
    const held = new Map(recording.held.map((one) => [heldKey(one.namespace, one.thing), one]));
    this.#turn = this.#recordsHere ? latestOf(held) : 0;
    this.#hold(isShared ? [...held.values()] : [], []);
    this.#recorded.clear();
    const ofAnother = (): Translation['ofAnother'] => [...this.#graph.ofAnother()].sort((a, b) => compareText(objectKey(a.ref), objectKey(b.ref)));
    const tableSettings = (): TableSettings => this.#tableSettings;
    const hosts = (): Translation['hosts'] => this.#graph.hosts.inOrder;
    const problems = (): readonly Problem[] => (this.#problems ??= withoutPause(this.gatherProblems()).toSorted(compareProblems));
    this.#current = {
      get settings() {
        return tableSettings();
      },
      mappings: new PublishedMappings(this.#output, this.#graph, (unit) => this.#servedOf(unit)),
      upstreams: this.#output.upstreams,
      endpoints: this.#output.endpoints,
      endpointStates: this.#output.endpointStates,
      breakers: this.#output.breakers,
      get hosts() {
        return hosts();
      },
      choiceOf: (mapping) => this.#choiceOf(mapping),
      get ofAnother() {
        return ofAnother();
      },
      get problems() {
        return problems();
      },
    };
  }

  /** Takes objects that are new or differ, and keys (`objectKey`) of those that are gone. Gives what `portions` has not taken before. */
  apply(change: ObjectChange, portions: Portions = inOne): TranslationChange {
    const gathered = this.#set(change);
    const { changed, publish, republish } = gathered;
    this.#gathered = null;
    for (const unit of gathered.waiting) this.#graph.again(unit);
    for (const unit of this.#translateChanged(gathered, portions, (one) => one.isPlain)) publish.add(unit);
    this.#oauthKeys.take(changed);
    for (const unit of this.#namespaces.update(changed)) publish.add(unit);
    for (const unit of this.#claims.update(new Set([...changed, ...publish]), this.#turn)) publish.add(unit);
    for (const unit of publish) this.#rename(unit);
    for (const unit of [...republish, ...this.#bareNames.settle()]) publish.add(unit);
    if (this.#recordsHere) for (const unit of this.#recordHere()) publish.add(unit);
    const translated = this.#publish(publish, portions);
    this.#graph.records.sweep();
    return translated;
  }

  /**
   * Takes some objects of a change that ends with the next `apply`, where it is decided what goes beyond one object. Plain ones are published at once
   * if the Services that they name are there.
   */
  gather(change: ObjectChange, portions: Portions): void {
    const gathered = this.#set(change);
    const some = this.#translateChanged(gathered, portions, (unit) => {
      if (unit.isPlain && unit.reads.every(isThere)) return true;
      // What is plain is translated again at the end, so it need not be kept until then.
      if (unit.isPlain) gathered.waiting.add(unit);
      unit.settle();
      return false;
    });
    this.#publishSome(some, gathered, portions);
    portions.take(this.#output.takeChange());
    this.#graph.records.sweep();
  }

  #set({ set, removed }: ObjectChange): Gathered {
    this.#problems = null;
    // All that is gathered is one change.
    if (this.#gathered === null) this.#turn += 1;
    this.#gathered ??= { changed: new Set(), publish: new Set(), republish: new Set(), waiting: new Set() };
    for (const key of removed) this.#graph.remove(key);
    for (const object of set) if (isWatched(object.ref, this.#settings)) this.#graph.set(object);
    const { front } = this.#graph.modules;
    if (front !== this.#tableSettings.front) this.#tableSettings = { ...this.#tableSettings, front };
    return this.#gathered;
  }

  /** Translates what changed and publishes whole portions of those that are `ready`. Gives those of them that do not fill one; the rest is to be published. */
  #translateChanged(gathered: Gathered, portions: Portions, isReady: (unit: Unit) => boolean): readonly Unit[] {
    const { changed, publish, waiting } = gathered;
    let some: Unit[] = [];
    let drafts = 0;
    for (const unit of this.#graph.translateChanged()) {
      changed.add(unit);
      publish.delete(unit);
      waiting.delete(unit);
      if (!isReady(unit)) {
        if (!waiting.has(unit)) publish.add(unit);
        continue;
      }
      some.push(unit);
      drafts += unit.meaning!.drafts.length;
      if (drafts < portions.mappings) continue;
      this.#publishSome(some, gathered, portions);
      some = [];
      drafts = 0;
    }
    return some;
  }

  /** Publishes plain units by what is known so far of who holds bare names, and lets go what they mean. */
  #publishSome(some: readonly Unit[], { republish }: Gathered, portions: Portions): void {
    for (const unit of some) this.#rename(unit);
    // One that is still to come says for itself what it means.
    for (const unit of this.#bareNames.settle()) if (!unit.changed) republish.add(unit);
    for (const unit of some) {
      this.#publishOne(unit, portions);
      republish.delete(unit);
      unit.settle();
    }
  }

  #rename(unit: Unit): void {
    const names = bareNamesOf(unit);
    this.#bareNames.replace(unit, listOf(unit.bareNames), names, this.#turn);
    unit.bareNames = fewOf(names);
  }

  /** What the record says now. As `apply`. */
  setRecord(record: ClaimRecord, portions: Portions = inOne): TranslationChange {
    this.#problems = null;
    const set = [...record].flatMap(([key, held]) => (this.#record.get(key)?.sinceMs === held.sinceMs ? [] : [held]));
    const removed = [...this.#record].flatMap(([key, held]) => (record.has(key) ? [] : [held]));
    return this.#publish(this.#hold(set, removed), portions);
  }

  /** The record that is in force. */
  get record(): ClaimRecord {
    return this.#record;
  }

  /** What the record should become. */
  get recordChange(): RecordChange {
    return { added: [...this.#claims.added, ...this.#bareNames.added], ended: [...this.#claims.ended, ...this.#bareNames.ended] };
  }

  /** Does a claim wait for the record to be decided? */
  get isUndecided(): boolean {
    return this.#claims.isUndecided || this.#bareNames.isUndecided;
  }

  /** Keys of what is recorded and was not claimed here since: its object is not there, or not there yet. */
  get missing(): readonly string[] {
    return [...this.#claims.missing, ...this.#bareNames.missing];
  }

  /** What changed in the record since the last call, for a successor: null is gone. */
  drainRecord(): ReadonlyMap<string, Held | null> {
    const recorded = this.#recorded;
    this.#recorded = new Map();
    return recorded;
  }

  /** What changed in the clients of the OAuth gateway since the last call. */
  drainOAuth(): OAuthExposuresChange {
    return this.#oauthKeys.drain();
  }

  /** Id of the client that the OAuth gateway knows for a SeldonDeployment; null: none. */
  oauthClientOf(namespace: string, deployment: string): string | null {
    return this.#oauthKeys.idOf(namespace, deployment);
  }

  /** The meaning of everything now. One object that always shows the newest state; its Problems are gathered when they are read. */
  current(): Translation {
    return this.#current;
  }

  /** Objects that say who may call. */
  *guards(): Iterable<DeclaredGuard> {
    for (const { ref, deployment, configuration } of this.#graph.guarded) {
      const guard = configuration?.guard ?? (deployment === null ? plainGuard : decodeGuard(deployment.annotations, isAnonymousGranted(this.#graph.grantsOf(ref.namespace)), () => undefined).guard);
      if (guard === plainGuard) continue;
      yield { ref, guard, authField: (deployment === null ? null : annotationOf(deployment.annotations, keys.auth))?.field ?? `metadata.annotations["${keys.auth}"]` };
    }
  }

  /** All Secrets that manifests refer to, as `namespace/name`. */
  get wantedSecrets(): ReadonlySet<string> {
    return this.#graph.records.wantedSecrets();
  }

  #publish(units: Iterable<Unit>, portions: Portions): TranslationChange {
    const published = [...units];
    for (const unit of published) this.#publishOne(unit, portions);
    for (const unit of published) unit.settle();
    const external = this.#external.settle();
    if (external !== this.#tableSettings.external) this.#tableSettings = { ...this.#tableSettings, external };
    return this.#output.takeChange();
  }

  #publishOne(unit: Unit, portions: Portions): void {
    const meaning = this.#graph.meaningOf(unit);
    this.#output.publish(unit, this.#servedBy(unit, meaning), meaning.services);
    this.#external.set(unit.ref, meaning.services);
    if (this.#output.pending >= portions.mappings) portions.take(this.#output.takePortion());
  }

  /** Whoever holds something from this change on is recorded with its number. */
  #recordHere(): Iterable<Unit> {
    const { added, ended } = this.recordChange;
    // The first change is everything: what it does not hold is gone.
    const gone = this.#isFirst ? [...ended, ...this.missing] : ended;
    this.#isFirst = false;
    const removed = gone.flatMap((key) => this.#record.get(key) ?? []);
    return this.#hold(stamped(added, this.#turn - 1, this.#turn), removed);
  }

  #hold(set: readonly Held[], removed: readonly Held[]): Iterable<Unit> {
    if (set.length + removed.length === 0) return [];
    const keys = removed.map(({ namespace, thing }) => heldKey(namespace, thing));
    for (const key of keys) {
      this.#record.delete(key);
      this.#recorded.set(key, null);
    }
    for (const held of set) {
      const key = heldKey(held.namespace, held.thing);
      this.#record.set(key, held);
      this.#recorded.set(key, held);
    }
    this.#bareNames.hold(set, removed);
    return new Set([...this.#claims.hold(set, keys, this.#turn), ...this.#bareNames.settle()]);
  }

  #servedOf(unit: Unit): readonly Draft[] {
    return this.#servedBy(unit, this.#graph.meaningOf(unit));
  }

  #servedBy(unit: Unit, { drafts }: UnitMeaning): readonly Draft[] {
    return drafts.filter((draft) => this.#isServed(unit, draft));
  }

  #isServed(unit: Unit, { mapping, standing }: Draft): boolean {
    if (unit.refusals?.mappings.has(mapping.id) === true) return false;
    switch (standing.kind) {
      case 'owned':
        return true;
      case 'claim':
        return this.#claims.isAccepted(mapping.id);
      case 'bare':
        return this.#bareNames.ownerOf(standing.name) === unit.namespace;
    }
  }

  #choiceOf(mapping: string): ServiceChoice | null {
    const unit = this.#graph.unitAt(refOfMapping(mapping));
    const choice = unit === null ? undefined : this.#graph.meaningOf(unit).choices.find((one) => one.mapping === mapping);
    if (choice === undefined) return null;
    const { predictor, chosen, exists } = choice;
    return { mapping, candidates: predictorCandidates(unit!.deployment!, predictor).map(({ name }) => name), chosen, exists };
  }

  /** All Problems, in no order, with pauses. What is changed in a pause may be told as it was before, or as it is after. */
  *gatherProblems(): Generator<void, readonly Problem[]> {
    const problems: Problem[] = [...this.#graph.modules.problems()];
    for (const slice of this.#graph.slices) {
      problems.push(...slice.problems);
      yield;
    }
    for (const unit of this.#graph.units()) {
      problems.push(...unit.decodeProblems, ...unit.problems, ...this.#oauthKeys.problemsOf(unit));
      if (unit.refusals !== null) {
        problems.push({ code: 'namespace-limit', level: 'error', subject: unit.ref, field: '', sentence: `the namespace has ${unit.refusals.reason}, so ${unit.refusals.mappings.size} Mappings of this object are not served; remove some` });
      }
      for (const name of listOf(unit.bareNames)) {
        const refusal = this.#bareNames.refusalOf(name, unit.namespace);
        if (refusal !== null) problems.push(bareNameProblem(unit, name, refusal));
      }
      yield;
    }
    for (const problem of yield* deadEnds(this.#graph.units(), this.#backends, this.#settings)) problems.push(problem);
    const meaningOf = (unit: Unit): UnitMeaning => this.#graph.meaningOf(unit);
    for (const problem of yield* groupDifferences(this.#graph.units(), meaningOf)) problems.push(problem);
    for (const problem of yield* shadowSlashes(this.#graph.units(), meaningOf)) problems.push(problem);
    problems.push(...this.#claims.problems(), ...this.#external.problems);
    return problems;
  }
}

function withoutPause<T>(work: Generator<void, T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** What has other forms that are served misses only calls without a namespace; a raw Mapping for these is not served at all. */
function bareNameProblem(unit: Unit, name: string, { undecided, reason }: NameRefusal): Problem {
  const isWhole = unit.configuration !== null;
  const field = isWhole ? '' : 'metadata.name';
  return { code: 'bare-name-contested', level: undecided || isWhole ? 'error' : 'info', subject: unit.ref, field, sentence: `the name ${name} ${reason}, so gRPC calls without the metadata namespace do not reach it; callers send namespace: ${unit.namespace}` };
}

/** Names that the drafts of a unit declare, each once; an SD declares one, raw Mappings up to their allowance. */
function bareNamesOf({ meaning, refusals }: Unit): readonly string[] {
  const names: string[] = [];
  for (const { mapping, standing } of meaning!.drafts) {
    if (standing.kind !== 'bare' || refusals?.mappings.has(mapping.id) === true) continue;
    if (!names.includes(standing.name)) names.push(standing.name);
  }
  return names;
}
