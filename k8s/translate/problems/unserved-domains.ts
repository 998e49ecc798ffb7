// Labels of a domain that the RateLimitService does not have. It is not asked about them, so they limit nothing. If the two domains differ only in
// letter case and separators, the gateway rejects the requests (`gateway/callers/terms.ts`).
import type { ExternalServices } from "../../../routing/model/external-services.ts";
import type { ObjectRef, Problem } from "../../../routing/text/problem.ts";
import { isMisspeltDomain } from "../../../routing/model/rate-limit-labels.ts";
import type { Configuration } from "../documents/documents.ts";
import { nearWord } from "../../../routing/text/near-word.ts";
import { quoted } from "../values/value.ts";

/** An object that declares Mappings. */
interface Declarer {
  readonly ref: ObjectRef;
  readonly configuration: Configuration | null;
}

/** Problems of all declarers; none where there is no RateLimitService that can be asked. Pauses are after each declarer. */
export function* unservedDomains(
  declarers: Iterable<Declarer>,
  rateLimit: ExternalServices["rateLimit"],
): Generator<void, readonly Problem[]> {
  const problems: Problem[] = [];
  if (rateLimit.kind !== "service") return problems;
  const served = rateLimit.service.domain;
  for (const { ref, configuration } of declarers) {
    yield;
    for (const { target, field } of configuration?.mappings ?? []) {
      const domains = new Set((target.externalPolicy.labels ?? []).map(({ domain }) => domain));
      for (const domain of domains) {
        if (domain === served) continue;
        const isMisspelt = isMisspeltDomain(domain, served);
        const isNear = isMisspelt || nearWord(domain, [served]) !== null;
        problems.push({
          code: "domain-not-served",
          level: isNear ? "error" : "warning",
          subject: ref,
          field: field === "" ? "spec.labels" : `${field} labels`,
          sentence: isMisspelt
            ? `the RateLimitService has the domain ${quoted(served)}, not ${quoted(domain)}, so the gateway rejects every request with these labels; write ${quoted(served)}`
            : `no RateLimitService has the domain ${quoted(domain)}, so these labels limit nothing; ${isNear ? `write ${quoted(served)}` : `the one that exists has ${quoted(served)}: write that, or remove the labels`}`,
        });
      }
    }
  }
  return problems;
}
