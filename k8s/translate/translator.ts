// Translator: source objects in, Mappings, Upstreams and Endpoints out, and what each change changed. A function of the set of objects and of the last good form of documents
// that are invalid now; the order in which objects come does not matter.
import { plainGuard } from "../../routing/model/guard.ts";
import { plainSettings, type TableSettings } from "../../routing/model/table-change.ts";
import { compareProblems, compareText, type Problem } from "../../routing/text/problem.ts";
import type { ObjectEdits } from "./model/edit.ts";
import { annotationOf } from "./fields/annotation.ts";
import { annotations } from "./fields/annotations.ts";
import { Backends } from "./graph/backend-records.ts";
import { ExternalBook } from "./meaning/external-services.ts";
import { isAnonymousGranted } from "./meaning/grant.ts";
import { compareRulesOf } from "./deployments/compared.ts";
import { guardOf, type DeclaredGuard } from "./deployments/guard.ts";
import { ClaimRegistry } from "./claims/claim-registry.ts";
import { Namespaces } from "./declarers/namespaces.ts";
import { objectKey, refOfMapping, type SourceObject } from "./model/object.ts";
import { OAuthKeys, type OAuthExposuresChange } from "./claims/oauth-keys.ts";
import { Output } from "./graph/output.ts";
import { isWatched } from "./platform/platform.ts";
import { predictorCandidates } from "./backends/services.ts";
import type { PlannedRelease, ReleaseRecord } from "./model/release.ts";
import { gatherProblems, problemsOf, type ProblemParts } from "./problems/translation-problems.ts";
import {
  type ServiceChoice,
  type Translation,
  type TranslateSettings,
  type TranslationChange,
} from "./model/translation.ts";
import type { Draft, ObjectMeaning } from "./meaning/meaning.ts";
import type { Declarer } from "./declarers/declarer.ts";
import { ObjectGraph } from "./graph/object-graph.ts";

/** Objects that are new or differ, and keys (`objectKey`) of those that are gone. */
interface ObjectChange {
  readonly set: readonly SourceObject[];
  readonly removed: readonly string[];
}

export class Translator {
  readonly #settings: TranslateSettings;
  readonly #graph: ObjectGraph;
  readonly #output: Output;
  readonly #namespaces = new Namespaces();
  readonly #registry: ClaimRegistry;
  readonly #oauthKeys: OAuthKeys;
  #problems: readonly Problem[] | null = null;
  #tableSettings: TableSettings;
  readonly #external: ExternalBook;
  readonly #problemParts: ProblemParts;
  readonly #current: Translation;

  constructor(settings: TranslateSettings) {
    this.#settings = settings;
    this.#tableSettings = { ...plainSettings, singleNamespace: settings.singleNamespace };
    const backends = new Backends(settings);
    this.#graph = new ObjectGraph(settings, backends);
    this.#output = new Output(backends, this.#graph.edits);
    this.#external = new ExternalBook(
      `${settings.ambassadorIds[0] ?? "default"}-${settings.gatewayNamespace ?? "default"}`,
    );
    this.#registry = new ClaimRegistry(settings);
    this.#oauthKeys = new OAuthKeys(settings);
    this.#problemParts = {
      graph: this.#graph,
      registry: this.#registry,
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
      mappings: this.#output.mappings,
      upstreams: this.#output.upstreams,
      endpoints: this.#output.endpoints,
      breakers: this.#output.breakers,
      get hosts() {
        return hosts();
      },
      choiceOf: (mapping) => this.#choiceOf(mapping),
      isScaledToZero: (namespace, name) =>
        this.#graph.declarerAt({ kind: "SeldonDeployment", namespace, name })?.deployment?.isScaledToZero === true,
      get ofAnother() {
        return ofAnother();
      },
      get problems() {
        return problems();
      },
    };
  }

  /**
   * Takes objects that are new or differ, and keys (`objectKey`) of those that are gone. Gives what changed in what they mean.
   *
   * Five passes, each from the declarers that changed to those that it affects:
   *
   * 1. decode: every object by itself, so that all of them know of each other before one is translated.
   * 2. translate: what changed, and what has read something that changed.
   * 3. limitPerNamespace: before claims, because what is refused claims nothing.
   * 4. claim: before anything is published, because only an owner is served.
   * 5. publish: once each, whichever passes affected it.
   */
  apply(change: ObjectChange): TranslationChange {
    this.#decode(change);
    return this.#pass();
  }

  /** How far releases have come, by the record. As `apply`: SDs whose entry is another are translated again. */
  setReleases(record: ReleaseRecord): TranslationChange {
    this.#problems = null;
    this.#graph.setReleases(record);
    return this.#pass();
  }

  /** Is there an SD of this name that can be read? */
  hasDeployment(namespace: string, name: string): boolean {
    return (this.#graph.declarerAt({ kind: "SeldonDeployment", namespace, name })?.deployment ?? null) !== null;
  }

  /** By which rules answers of this shadow are compared: the text of sluice.io/compare. "": they are not. */
  compareRulesOf(namespace: string, name: string, predictor: string): string {
    const deployment = this.#graph.declarerAt({ kind: "SeldonDeployment", namespace, name })?.deployment ?? null;
    return deployment === null ? "" : compareRulesOf(deployment, predictor);
  }

  /** What SDs ask for, in no order. */
  plannedReleases(): Iterable<PlannedRelease> {
    return this.#graph.plannedReleases();
  }

  /** Passes 2 to 5. */
  #pass(): TranslationChange {
    const changed = new Set(this.#graph.translateChanged());
    const affected = new Set(changed);
    for (const declarer of this.#limitPerNamespace(changed)) affected.add(declarer);
    for (const declarer of this.#claim(changed.union(affected))) affected.add(declarer);
    const translated = this.#publish(affected);
    this.#graph.records.sweep();
    return translated;
  }

  #decode({ set, removed }: ObjectChange): void {
    this.#problems = null;
    for (const key of removed) this.#graph.remove(key);
    for (const object of set) if (isWatched(object.ref, this.#settings)) this.#graph.set(object);
    const { front } = this.#graph.modules;
    if (front !== this.#tableSettings.front) this.#tableSettings = { ...this.#tableSettings, front };
  }

  #limitPerNamespace(changed: ReadonlySet<Declarer>): Iterable<Declarer> {
    return this.#namespaces.update(changed);
  }

  #claim(changed: ReadonlySet<Declarer>): Iterable<Declarer> {
    this.#oauthKeys.take(changed);
    return this.#registry.claim(changed);
  }

  /** What changed in the clients of the OAuth gateway since the last call. */
  drainOAuth(): OAuthExposuresChange {
    return this.#oauthKeys.drain();
  }

  /** What objects say otherwise than before the last call. */
  drainEdits(): ObjectEdits {
    return this.#graph.edits.drain();
  }

  /** Stacks of bugs that objects met since the last call: a line of the log each. */
  drainFaults(): readonly string[] {
    return this.#graph.drainFaults();
  }

  /** The OAuth gateway knows a client of this SeldonDeployment. */
  hasOAuthClient(namespace: string, deployment: string): boolean {
    return this.#oauthKeys.has(namespace, deployment);
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
          : guardOf(deployment.values, isAnonymousGranted(this.#graph.grantsOf(ref.namespace))));
      if (guard === plainGuard) continue;
      yield {
        ref,
        guard,
        authField:
          (deployment === null ? null : annotationOf(deployment.annotations, annotations.auth))?.field ??
          `metadata.annotations["${annotations.auth.name}"]`,
      };
    }
  }

  /** All Secrets that manifests refer to, as `namespace/name`. */
  get wantedSecrets(): ReadonlySet<string> {
    return this.#graph.records.wantedSecrets();
  }

  #publish(declarers: Iterable<Declarer>): TranslationChange {
    for (const declarer of declarers) {
      const meaning = this.#graph.meaningOf(declarer);
      this.#output.publish(declarer, this.#servedBy(declarer, meaning), meaning.services);
      this.#external.set(declarer.ref, meaning.services);
      declarer.letGo();
    }
    const external = this.#external.decide();
    if (external !== this.#tableSettings.external) this.#tableSettings = { ...this.#tableSettings, external };
    return this.#output.takeChange();
  }

  #servedBy(declarer: Declarer, { drafts }: ObjectMeaning): readonly Draft[] {
    return drafts.filter(
      (draft) => declarer.refusals?.mappings.has(draft.mapping.id) !== true && this.#registry.holds(declarer, draft),
    );
  }

  #choiceOf(mapping: string): ServiceChoice | null {
    const declarer = this.#graph.declarerAt(refOfMapping(mapping));
    const choice =
      declarer === null ? undefined : this.#graph.meaningOf(declarer).choices.find((one) => one.mapping === mapping);
    if (choice === undefined) return null;
    const { predictor, chosen, exists } = choice;
    return {
      mapping,
      candidates: predictorCandidates(declarer!.deployment!, predictor).map(({ name }) => name),
      chosen,
      exists,
    };
  }

  /** All Problems, in no order, with pauses. What is changed in a pause may be told as it was before, or as it is after. */
  gatherProblems(): Generator<void, readonly Problem[]> {
    return gatherProblems(this.#problemParts);
  }
}
