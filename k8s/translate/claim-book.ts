// Claims of all units and of the Grants, decided again whenever one changes; and who holds what, for the next decision.
import type { ObjectRef, Problem } from '../../routing/problem.ts';
import { claimText, decideClaims, type Claimant, type Contest } from './claims.ts';
import { parseHostGlob } from './grant.ts';
import type { ClaimHolder, Grant } from './translation.ts';
import type { Unit } from './world.ts';

export class Claims {
  readonly #grants: readonly Claimant[];
  readonly #byUnit = new Map<Unit, readonly Claimant[]>();
  /** Unit of each claimant, by its id. */
  readonly #unitOf = new Map<string, Unit>();
  #held: ReadonlyMap<string, ObjectRef>;
  #accepted: ReadonlySet<string> = new Set();
  #contests: readonly Contest[] = [];

  constructor(grants: readonly Grant[], holders: readonly ClaimHolder[]) {
    this.#grants = grants.flatMap(grantClaims);
    this.#held = new Map(holders.map(({ claim, source }) => [claim, source]));
  }

  isAccepted(id: string): boolean {
    return this.#accepted.has(id);
  }

  /** Takes units whose drafts or refusals changed; gives the units whose claims are decided otherwise now. */
  update(changed: Iterable<Unit>): readonly Unit[] {
    let differs = false;
    for (const unit of changed) differs = this.#replace(unit, claimantsOf(unit)) || differs;
    return differs ? this.#decide() : [];
  }

  get holders(): readonly ClaimHolder[] {
    return Array.from(this.#held, ([claim, source]) => ({ source, claim }));
  }

  /** An error on both sides of each contest. */
  problems(): readonly Problem[] {
    return this.#contests.flatMap(({ loser, winner }) => {
      const lost = problem(this.#refOf(loser), this.#fieldOf(loser), this.#lostSentence(loser, winner));
      const ref = this.#unitOf.get(winner.id)?.ref;
      if (ref === undefined) return [lost];
      const won = `the prefix ${winner.claim.prefix} is served, but ${refText(this.#refOf(loser))} claims ${loser.claim.prefix}, which overlaps it; agree who has it, or ask the operator of the gateway for a Grant`;
      return [lost, problem(ref, this.#fieldOf(winner), won)];
    });
  }

  #lostSentence(loser: Claimant, winner: Claimant): string {
    const unit = this.#unitOf.get(winner.id);
    const holder = unit === undefined ? `a Grant of the namespace ${winner.namespace}` : refText(unit.ref);
    return `the prefix ${loser.claim.prefix} is not served, because ${winner.claim.prefix} belongs to ${holder}; use a prefix under /seldon/${loser.namespace}/, or ask the operator of the gateway for a Grant`;
  }

  #replace(unit: Unit, after: readonly Claimant[]): boolean {
    const before = this.#byUnit.get(unit) ?? [];
    if (before.length === after.length && before.every((claimant, index) => sameClaimant(claimant, after[index]!))) return false;
    for (const { id } of before) this.#unitOf.delete(id);
    for (const { id } of after) this.#unitOf.set(id, unit);
    if (after.length === 0) this.#byUnit.delete(unit);
    else this.#byUnit.set(unit, after);
    return true;
  }

  #decide(): readonly Unit[] {
    const claimants = [...this.#grants, ...[...this.#byUnit.values()].flat()];
    this.#contests = decideClaims(claimants, ({ claim, namespace }) => this.#held.get(claimText(claim))?.namespace === namespace);
    const lost = new Set(this.#contests.map(({ loser }) => loser.id));
    const held = new Map<string, ObjectRef>();
    const accepted = new Set<string>();
    const affected = new Set<Unit>();
    for (const { id, claim } of claimants) {
      const unit = this.#unitOf.get(id);
      if (unit === undefined) continue;
      if (!lost.has(id)) {
        accepted.add(id);
        held.set(claimText(claim), unit.ref);
      }
      if (accepted.has(id) !== this.#accepted.has(id)) affected.add(unit);
    }
    this.#held = held;
    this.#accepted = accepted;
    return [...affected];
  }

  #refOf(claimant: Claimant): ObjectRef {
    return this.#unitOf.get(claimant.id)?.ref ?? { kind: 'Grant', namespace: claimant.namespace, name: claimant.claim.prefix };
  }

  #fieldOf(claimant: Claimant): string {
    return this.#unitOf.get(claimant.id)?.meaning.drafts.find(({ mapping }) => mapping.id === claimant.id)?.field ?? '';
  }
}

function claimantsOf(unit: Unit): readonly Claimant[] {
  const claimants: Claimant[] = [];
  for (const { standing, mapping } of unit.meaning.drafts) {
    if (standing.kind !== 'claim' || unit.refusals?.mappings.has(mapping.id) === true) continue;
    claimants.push({ claim: standing.claim, namespace: unit.namespace, createdAt: unit.createdAt, name: unit.ref.name, id: mapping.id });
  }
  return claimants;
}

/** Prefixes that a Grant keeps for its namespace, used or not. Those under `/seldon/` are owned space, where nothing is claimed. */
function grantClaims({ namespace, prefixes, hosts, open }: Grant): readonly Claimant[] {
  const shared = prefixes.filter((prefix) => !prefix.startsWith('/seldon/'));
  const globs = hosts.length === 0 ? ['*'] : hosts;
  return shared.flatMap((prefix) =>
    globs.flatMap((glob) => {
      const host = parseHostGlob(glob);
      return host === null ? [] : [{ claim: { prefix, exact: false, caseSensitive: true, host, rank: open ? 'open' : 'granted' } as const, namespace, createdAt: '', name: '', id: `grant ${namespace} ${glob} ${prefix}` }];
    }),
  );
}

function sameClaimant(a: Claimant, b: Claimant): boolean {
  return a.id === b.id && a.createdAt === b.createdAt && a.claim.rank === b.claim.rank && claimText(a.claim) === claimText(b.claim);
}

function problem(subject: ObjectRef, field: string, sentence: string): Problem {
  return { code: 'claim-contested', level: 'error', subject, field, sentence };
}

function refText({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace}/${name}`;
}
