// All Problems of a translation, gathered from whatever knows of some.
import type { Problem } from "../../../routing/text/problem.ts";
import { unreachableServices } from "./unreachable-services.ts";
import type { ExternalBook } from "../meaning/external-services.ts";
import { groupDifferences } from "./group-differences.ts";
import type { ClaimRegistry } from "../claims/claim-registry.ts";
import type { OAuthKeys } from "../claims/oauth-keys.ts";
import type { ObjectGraph } from "../graph/object-graph.ts";
import { listOf } from "../collections/few.ts";
import { shadowSlashes } from "../declarers/shadow-slashes.ts";
import { unservedDomains } from "./unserved-domains.ts";
import type { ObjectMeaning } from "../meaning/meaning.ts";
import type { Declarer } from "../declarers/declarer.ts";

/** Whatever knows of Problems. */
export interface ProblemParts {
  readonly graph: ObjectGraph;
  readonly registry: ClaimRegistry;
  readonly oauthKeys: OAuthKeys;
  readonly external: ExternalBook;
}

/** In no order, with pauses. What is changed in a pause may be told as it was before, or as it is after. */
export function* gatherProblems({
  graph,
  registry,
  oauthKeys,
  external,
}: ProblemParts): Generator<void, readonly Problem[]> {
  const problems: Problem[] = [...graph.modules.problems()];
  // Each cluster has Services that nobody reaches through this gateway, its own and the API server's among them.
  for (const backend of graph.records.backends.registry.values()) {
    if (backend.isNamed) for (const { problems: own } of listOf(backend.slices)) problems.push(...own);
    yield;
  }
  for (const declarer of graph.declarers()) {
    problems.push(...declarer.decodeProblems, ...declarer.problems, ...oauthKeys.problemsOf(declarer));
    if (declarer.refusals !== null) {
      problems.push({
        code: "over-limit",
        level: "error",
        subject: declarer.ref,
        field: "",
        sentence: `the namespace has ${declarer.refusals.reason}, so ${declarer.refusals.mappings.size} Mappings of this object are not served; remove some`,
      });
    }
    problems.push(...registry.nameProblems(declarer));
    yield;
  }
  for (const problem of yield* unreachableServices(graph.declarers(), graph.records.backends, graph.settings))
    problems.push(problem);
  const meaningOf = (declarer: Declarer): ObjectMeaning => graph.meaningOf(declarer);
  for (const problem of yield* groupDifferences(graph.declarers(), meaningOf)) problems.push(problem);
  for (const problem of yield* shadowSlashes(graph.declarers(), meaningOf)) problems.push(problem);
  for (const problem of yield* unservedDomains(graph.declarers(), external.current.rateLimit)) problems.push(problem);
  // There may be more of them than one call takes arguments.
  for (const problem of registry.claimProblems()) {
    problems.push(problem);
    yield;
  }
  for (const problem of external.problems) problems.push(problem);
  return problems;
}

/** The same at once. */
export function problemsOf(parts: ProblemParts): readonly Problem[] {
  const gathering = gatherProblems(parts);
  for (;;) {
    const step = gathering.next();
    if (step.done === true) return step.value;
  }
}
