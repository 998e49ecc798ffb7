// ClaimRegistry: which namespace owns which claims in shared space and which bare names.
import type { Problem } from "../../../routing/text/problem.ts";
import { BareNames } from "./bare-names.ts";
import { Claims } from "./claim-book.ts";
import { fewOf, listOf } from "../collections/few.ts";
import type { TranslateSettings } from "../model/translation.ts";
import type { Draft, ObjectMeaning } from "../meaning/meaning.ts";
import type { Declarer } from "../declarers/declarer.ts";
import type { Refusals } from "../declarers/usage.ts";

export class ClaimRegistry {
  readonly #claims: Claims;
  readonly #bareNames: BareNames<Declarer>;

  constructor({ grants, namespaces, claims, source }: TranslateSettings) {
    const isByAge = source === "cluster";
    this.#claims = new Claims(grants, isByAge);
    // One namespace contests nothing.
    this.#bareNames = new BareNames({ grants, grantedOnly: namespaces.length !== 1 && claims === "granted", isByAge });
  }

  /** Takes the claims of declarers that changed. Gives the declarers that hold more, or less, than before. */
  claim(declarers: ReadonlySet<Declarer>): Iterable<Declarer> {
    const affected = new Set(this.#claims.update(declarers));
    for (const declarer of this.#claimNames(declarers.union(affected))) affected.add(declarer);
    return affected;
  }

  /** Takes the bare names of declarers that changed, but of those whose meaning was let go, which were taken before. Gives declarers as `claim`. */
  #claimNames(declarers: Iterable<Declarer>): Iterable<Declarer> {
    for (const declarer of declarers) {
      if (declarer.meaning === null) continue;
      const names = bareNamesOf(declarer.meaning, declarer.refusals);
      this.#bareNames.replace(declarer, listOf(declarer.bareNames), names);
      declarer.bareNames = fewOf(names);
    }
    return this.#bareNames.decide();
  }

  /** Does the declarer hold what this Mapping of it needs? */
  holds(declarer: Declarer, { mapping, standing }: Draft): boolean {
    switch (standing.kind) {
      case "owned":
        return true;
      case "claim":
        return this.#claims.isAccepted(mapping.id);
      case "bare":
        return this.#bareNames.ownerOf(standing.name) === declarer.namespace;
    }
  }

  /** Of bare names that the declarer does not hold. */
  *nameProblems(declarer: Declarer): Iterable<Problem> {
    for (const name of listOf(declarer.bareNames)) {
      const refusal = this.#bareNames.refusalOf(name, declarer.namespace);
      if (refusal !== null) yield bareNameProblem(declarer, name, refusal);
    }
  }

  claimProblems(): Iterable<Problem> {
    return this.#claims.problems();
  }
}

/** What has other forms that are served misses only calls without a namespace; a raw Mapping for these is not served at all. */
function bareNameProblem(declarer: Declarer, name: string, reason: string): Problem {
  const isWhole = declarer.configuration !== null;
  const field = isWhole ? "" : "metadata.name";
  return {
    code: "bare-name-contested",
    level: isWhole ? "error" : "info",
    subject: declarer.ref,
    field,
    sentence: `the name ${name} ${reason}, so gRPC calls without the metadata namespace do not reach it; callers send namespace: ${declarer.namespace}`,
  };
}

/** Names that the drafts of a declarer declare, each once; an SD declares one, raw Mappings up to their allowance. */
function bareNamesOf({ drafts }: ObjectMeaning, refusals: Refusals | null): readonly string[] {
  const names: string[] = [];
  for (const { mapping, standing } of drafts) {
    if (standing.kind !== "bare" || refusals?.mappings.has(mapping.id) === true) continue;
    if (!names.includes(standing.name)) names.push(standing.name);
  }
  return names;
}
