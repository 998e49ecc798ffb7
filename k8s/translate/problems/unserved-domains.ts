// Labels of a domain that the RateLimitService does not have: it is not asked about them, so what they would limit is not limited.
import type { ExternalServices } from "../../../routing/model/external-services.ts";
import type { ObjectRef, Problem } from "../../../routing/text/problem.ts";
import type { Configuration } from "../documents/documents.ts";
import { nearWord } from "../values/near-word.ts";
import { quoted } from "../values/value.ts";

/** An object that declares Mappings. */
interface Declarer {
  readonly ref: ObjectRef;
  readonly configuration: Configuration | null;
}

/** Problems of all units; none where there is no RateLimitService that can be asked. Pauses are after each unit. */
export function* unservedDomains(
  units: Iterable<Declarer>,
  rateLimit: ExternalServices["rateLimit"],
): Generator<void, readonly Problem[]> {
  const problems: Problem[] = [];
  if (rateLimit.kind !== "service") return problems;
  const served = rateLimit.service.domain;
  for (const { ref, configuration } of units) {
    yield;
    for (const { target, field } of configuration?.mappings ?? []) {
      const domains = new Set((target.kept.labels ?? []).map(({ domain }) => domain));
      for (const domain of domains) {
        if (domain === served) continue;
        const isNear = nearWord(domain, [served]) !== null;
        problems.push({
          code: "domain-not-served",
          level: isNear ? "error" : "warning",
          subject: ref,
          field: field === "" ? "spec.labels" : `${field} labels`,
          sentence: `no RateLimitService has the domain ${quoted(domain)}, so these labels limit nothing; ${isNear ? `write ${quoted(served)}` : `the one that is there has ${quoted(served)}: write that, or remove the labels`}`,
        });
      }
    }
  }
  return problems;
}
