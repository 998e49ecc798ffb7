// Translator: source objects in, Mappings, Upstreams and Endpoints out, and what each change changed. A function of the set of objects, of the
// record of who holds what, of the changes in which claims were first seen, and of the last good form of documents that are invalid now; the
// order in which objects come in one change does not matter.
import { openKey, type DigestKey } from "../../routing/collections/digest.ts";
import { plainGuard } from "../../routing/model/guard.ts";
import { plainSettings, type TableSettings } from "../../routing/model/table-change.ts";
import { compareProblems, compareText, type Problem } from "../../routing/text/problem.ts";
import { annotationOf, keys } from "./fields/annotations.ts";
import { Backends, isThere } from "./graph/backend-records.ts";
import { ExternalBook } from "./meaning/external-services.ts";
import { isAnonymousGranted } from "./meaning/grant.ts";
import { decodeGuard, type DeclaredGuard } from "./deployments/guard.ts";
import type { ClaimRecord, Held, RecordChange } from "./claims/held.ts";
import { Holdings, type Recording } from "./claims/holdings.ts";
import { Namespaces } from "./units/namespaces.ts";
import { objectKey, refOfMapping, type SourceObject } from "./model/object.ts";
import { OAuthKeys, type OAuthExposuresChange } from "./claims/oauth-keys.ts";
import { Output } from "./graph/output.ts";
import { isWatched } from "./platform/platform.ts";
import { PublishedMappings } from "./graph/published-mappings.ts";
import { predictorCandidates } from "./backends/services.ts";
import { gatherProblems, problemsOf, type ProblemParts } from "./problems/translation-problems.ts";
import {
  inOne,
  type Portions,
  type ServiceChoice,
  type Translation,
  type TranslateSettings,
  type TranslationChange,
} from "./model/translation.ts";
import type { Draft, UnitMeaning } from "./meaning/meaning.ts";
import type { Unit } from "./units/unit.ts";
import { ObjectGraph } from "./graph/object-graph.ts";

/** For tools and tests: nothing was held before. */
export const nothingHeld: Recording = Object.freeze({ kind: "here", held: Object.freeze([]) });

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
  readonly #output: Output;
  readonly #namespaces = new Namespaces();
  readonly #holdings: Holdings;
  readonly #oauthKeys: OAuthKeys;
  /** null: no change is under way. */
  #gathered: Gathered | null = null;
  #problems: readonly Problem[] | null = null;
  #tableSettings: TableSettings;
  readonly #external: ExternalBook;
  readonly #problemParts: ProblemParts;
  readonly #current: Translation;

  /** `key`: of digests that tell whether something differs from what was published. A secret where objects are written by who must not forge one. */
  constructor(settings: TranslateSettings, recording: Recording, key: DigestKey = openKey) {
    this.#settings = settings;
    this.#tableSettings = { ...plainSettings, singleNamespace: settings.singleNamespace };
    const backends = new Backends(settings);
    this.#graph = new ObjectGraph(settings, backends);
    this.#output = new Output(backends, key);
    this.#external = new ExternalBook(
      `${settings.ambassadorIds[0] ?? "default"}-${settings.gatewayNamespace ?? "default"}`,
    );
    this.#holdings = new Holdings(settings, recording);
    this.#oauthKeys = new OAuthKeys(settings);
    this.#problemParts = {
      graph: this.#graph,
      holdings: this.#holdings,
      oauthKeys: this.#oauthKeys,
      external: this.#external,
    };
    const ofAnother = (): Translation["ofAnother"] =>
      [...this.#graph.ofAnother()].sort((a, b) => compareText(objectKey(a.ref), objectKey(b.ref)));
    const tableSettings = (): TableSettings => this.#tableSettings;
    const hosts = (): Translation["hosts"] => this.#graph.hosts.inOrder;
    const problems = (): readonly Problem[] =>
      (this.#problems ??= problemsOf(this.#problemParts).toSorted(compareProblems));
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
    for (const unit of this.#holdings.claim(new Set([...changed, ...publish]))) publish.add(unit);
    for (const unit of publish) this.#holdings.rename(unit);
    for (const unit of [...republish, ...this.#holdings.settle()]) publish.add(unit);
    for (const unit of this.#holdings.recordHere()) publish.add(unit);
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
    if (this.#gathered === null) this.#holdings.nextTurn();
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
    for (const unit of some) this.#holdings.rename(unit);
    // One that is still to come says for itself what it means.
    for (const unit of this.#holdings.settle()) if (!unit.changed) republish.add(unit);
    for (const unit of some) {
      this.#publishOne(unit, portions);
      republish.delete(unit);
      unit.settle();
    }
  }

  /** What the record says now. As `apply`. */
  setRecord(record: ClaimRecord, portions: Portions = inOne): TranslationChange {
    this.#problems = null;
    return this.#publish(this.#holdings.setRecord(record), portions);
  }

  /** The record that is in force. */
  get record(): ClaimRecord {
    return this.#holdings.record;
  }

  /** What the record should become. */
  get recordChange(): RecordChange {
    return this.#holdings.recordChange;
  }

  /** Does a claim wait for the record to be decided? */
  get isUndecided(): boolean {
    return this.#holdings.isUndecided;
  }

  /** Keys of what is recorded and was not claimed here since: its object is not there, or not there yet. */
  get missing(): readonly string[] {
    return this.#holdings.missing;
  }

  /** What changed in the record since the last call, for a successor: null is gone. */
  drainRecord(): ReadonlyMap<string, Held | null> {
    return this.#holdings.drainRecord();
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
      const guard =
        configuration?.guard ??
        (deployment === null
          ? plainGuard
          : decodeGuard(
              deployment.annotations,
              isAnonymousGranted(this.#graph.grantsOf(ref.namespace)),
              () => undefined,
            ).guard);
      if (guard === plainGuard) continue;
      yield {
        ref,
        guard,
        authField:
          (deployment === null ? null : annotationOf(deployment.annotations, keys.auth))?.field ??
          `metadata.annotations["${keys.auth}"]`,
      };
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

  #servedOf(unit: Unit): readonly Draft[] {
    return this.#servedBy(unit, this.#graph.meaningOf(unit));
  }

  #servedBy(unit: Unit, { drafts }: UnitMeaning): readonly Draft[] {
    return drafts.filter(
      (draft) => unit.refusals?.mappings.has(draft.mapping.id) !== true && this.#holdings.holds(unit, draft),
    );
  }

  #choiceOf(mapping: string): ServiceChoice | null {
    const unit = this.#graph.unitAt(refOfMapping(mapping));
    const choice =
      unit === null ? undefined : this.#graph.meaningOf(unit).choices.find((one) => one.mapping === mapping);
    if (choice === undefined) return null;
    const { predictor, chosen, exists } = choice;
    return {
      mapping,
      candidates: predictorCandidates(unit!.deployment!, predictor).map(({ name }) => name),
      chosen,
      exists,
    };
  }

  /** All Problems, in no order, with pauses. What is changed in a pause may be told as it was before, or as it is after. */
  gatherProblems(): Generator<void, readonly Problem[]> {
    return gatherProblems(this.#problemParts);
  }
}
