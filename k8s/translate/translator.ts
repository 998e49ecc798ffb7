// Translator: source objects in, Mappings, Upstreams and Endpoints out, and what each change changed. A function of the set of objects, of who
// held which claim before, and of the last good form of documents that are invalid now; the order in which objects come does not matter.
import { compareProblems, compareText, type Problem } from '../../routing/problem.ts';
import { Backends } from './backends.ts';
import { BareNames } from './bare-names.ts';
import { Claims } from './claim-book.ts';
import { Namespaces } from './namespaces.ts';
import type { SourceObject } from './object.ts';
import { Output } from './output.ts';
import { predictorCandidates } from './services.ts';
import type { ClaimHolder, ServiceChoice, Translation, TranslateSettings, TranslationChange } from './translation.ts';
import { World, type Unit } from './world.ts';

export class Translator {
  readonly #settings: TranslateSettings;
  readonly #world: World;
  readonly #backends: Backends;
  readonly #output: Output;
  readonly #namespaces = new Namespaces();
  readonly #claims: Claims;
  readonly #bareNames: BareNames<Unit>;
  #problems: readonly Problem[] | null = null;
  readonly #current: Translation;

  /** `holders`: who held which claim in the running table, from `holders` of an earlier Translator; [] at a cold start. */
  constructor(settings: TranslateSettings, holders: readonly ClaimHolder[]) {
    this.#settings = settings;
    this.#backends = new Backends(settings);
    this.#world = new World(settings, this.#backends);
    this.#output = new Output(this.#backends);
    this.#claims = new Claims(settings.grants, holders);
    this.#bareNames = new BareNames(settings.grants);
    const choices = (): Translation['choices'] => this.#choices();
    const problems = (): readonly Problem[] => (this.#problems ??= this.#collectProblems());
    this.#current = {
      settings: { singleNamespace: settings.singleNamespace },
      mappings: this.#output.mappings,
      upstreams: this.#output.upstreams,
      endpoints: this.#output.endpoints,
      get choices() {
        return choices();
      },
      get problems() {
        return problems();
      },
    };
  }

  /** Takes objects that are new or differ, and keys (`objectKey`) of those that are gone. */
  apply(change: { readonly set: readonly SourceObject[]; readonly removed: readonly string[] }): TranslationChange {
    this.#problems = null;
    for (const key of change.removed) this.#world.remove(key);
    for (const object of change.set) if (this.#isWatched(object)) this.#world.set(object);
    const changed = this.#world.translateChanged();
    const publish = new Set<Unit>(changed);
    for (const unit of this.#namespaces.update(changed)) publish.add(unit);
    for (const unit of this.#claims.update(publish)) publish.add(unit);
    for (const unit of Array.from(publish)) {
      const before = unit.bareNames;
      unit.bareNames = bareNamesOf(unit);
      for (const other of this.#bareNames.replace(unit, before, unit.bareNames)) publish.add(other);
    }
    for (const unit of publish) this.#output.publish(unit, (draft) => this.#isServed(unit, draft));
    const translated = this.#output.takeChange();
    this.#world.sweep();
    return translated;
  }

  /** The meaning of everything now. One object that always shows the newest state; its Problems are gathered when they are read. */
  current(): Translation {
    return this.#current;
  }

  /** All Secrets that manifests refer to, as `namespace/name`. */
  get wantedSecrets(): ReadonlySet<string> {
    return this.#world.wantedSecrets();
  }

  /** Who holds which claim, for a successor's constructor. */
  get holders(): readonly ClaimHolder[] {
    return this.#claims.holders;
  }

  #isWatched({ ref }: SourceObject): boolean {
    const { namespaces } = this.#settings;
    return namespaces.length === 0 || namespaces.includes(ref.namespace);
  }

  #isServed(unit: Unit, { mapping, standing }: Unit['meaning']['drafts'][number]): boolean {
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

  #choices(): Translation['choices'] {
    const choices: ServiceChoice[] = [];
    for (const { declared, meaning } of this.#world.units()) {
      for (const { mapping, predictor, chosen, exists } of meaning.choices) {
        choices.push({ mapping, candidates: predictorCandidates(declared.deployment!, predictor).map(({ name }) => name), chosen, exists });
      }
    }
    return choices.sort((a, b) => compareText(a.mapping, b.mapping));
  }

  #collectProblems(): readonly Problem[] {
    const problems: Problem[] = [...this.#world.sliceProblems()];
    for (const unit of this.#world.units()) {
      problems.push(...unit.decodeProblems, ...unit.meaning.problems);
      if (unit.refusals !== null) {
        problems.push({ code: 'namespace-limit', level: 'error', subject: unit.ref, field: '', sentence: `the namespace has ${unit.refusals.reason}, so ${unit.refusals.mappings.size} Mappings of this object are not served; remove some` });
      }
      for (const name of unit.bareNames) {
        const reason = this.#bareNames.reasonAgainst(name, unit.namespace);
        if (reason !== null) problems.push({ code: 'bare-name-contested', level: 'info', subject: unit.ref, field: 'metadata.name', sentence: `the name ${name} ${reason}, so gRPC calls without the metadata namespace do not reach it; callers send namespace: ${unit.namespace}` });
      }
    }
    problems.push(...this.#claims.problems());
    return problems.sort(compareProblems);
  }
}

const noNames: readonly string[] = Object.freeze([]);

/** Names that the drafts of a unit declare, each once; an SD declares one, raw Mappings up to their allowance. */
function bareNamesOf(unit: Unit): readonly string[] {
  let names: string[] | null = null;
  for (const { mapping, standing } of unit.meaning.drafts) {
    if (standing.kind !== 'bare' || unit.refusals?.mappings.has(mapping.id) === true) continue;
    if (names === null) names = [standing.name];
    else if (!names.includes(standing.name)) names.push(standing.name);
  }
  return names ?? noNames;
}

