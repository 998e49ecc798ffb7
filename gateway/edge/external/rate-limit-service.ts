// The rate limit service: asked about requests whose Mapping has labels of its domain (Envoy's ratelimit filter).
import type { RateLimitService } from "../../../routing/model/external-services.ts";
import type { LabelGroup } from "../../../routing/model/rate-limit-labels.ts";
import { limitsAsked } from "../../callers/terms.ts";
import { failures } from "../../failures.ts";
import { failureAnswer } from "../message/answers.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import { gatewaysFields } from "./auth-verdict.ts";
import { descriptorsOf } from "./descriptors.ts";
import { type Cancel, type ExternalClients } from "./external-clients.ts";
import type { RateLimitVerdict } from "./rate-limit-messages.ts";
import { goOn, requestStep, waits, type Resume, type Step, type StepRequest, type Verdict } from "../steps/step.ts";

const name = "rate-limit-service";
const unreadable: Verdict = Object.freeze({ kind: "fail", failure: failures.limitsUnreadable, detail: "" });
const closedStep = requestStep(name, () => unreadable);
const misspelt: Verdict = Object.freeze({
  kind: "fail",
  failure: failures.limitsUnavailable,
  detail: "the labels of this Mapping name another domain than its. The operator finds both with sluice check",
});
const misspeltStep = requestStep(name, () => misspelt);

/** `destination`: what the label of that name says. Throws where nobody is to be asked. */
export function rateLimitServiceStep(
  clients: ExternalClients,
  groups: readonly LabelGroup[],
  destination: string,
): Step {
  const asked = limitsAsked(groups, clients.services.rateLimit);
  if (asked.kind === "closed") return closedStep;
  if (asked.kind === "misspelt") return misspeltStep;
  if (asked.kind === "none") throw new Error("there is no RateLimitService");
  const { service } = asked;
  const own = groups.filter(({ domain }) => domain === service.domain);
  return requestStep(name, (request) => {
    const descriptors = descriptorsOf(own, request, { source: service.sourceCluster, destination });
    if (descriptors.length === 0) return goOn;
    let cancel: Cancel = () => undefined;
    const resume = request.wait(() => cancel());
    cancel = clients.limit(service, descriptors, (verdict) => decide(verdict, request, service, resume));
    return waits;
  });
}

function decide(verdict: RateLimitVerdict, request: StepRequest, service: RateLimitService, resume: Resume): void {
  switch (verdict.kind) {
    case "within":
      if (verdict.answer.length > 0)
        request.addToAnswer({ instead: [...new Set(verdict.answer.map(([one]) => one))], fields: verdict.answer });
      if (verdict.request.length > 0)
        request.change({
          remove: [...new Set(verdict.request.map(([one]) => one))],
          add: verdict.request,
          removeParameters: [],
        });
      resume(goOn);
      return;
    case "over":
      resume(over(verdict, service, request.head));
      return;
    case "failed":
      resume(
        service.failureModeDeny
          ? { kind: "fail", failure: failures.limitsUnavailable, detail: verdict.sentence }
          : goOn,
      );
  }
}

function over(
  { answer: fields, body }: Extract<RateLimitVerdict, { kind: "over" }>,
  { resourceExhausted }: RateLimitService,
  head: WireRequestHead,
): Verdict {
  const failure = resourceExhausted ? failures.limitExhausted : failures.limitReached;
  const own = failureAnswer(failure, "", head.wantsJson, head.grpc);
  const said = body.length === 0 || head.grpc ? own : { ...own, contentType: "text/plain", body };
  return {
    kind: "refuse",
    failure,
    detail: "",
    answer: {
      ...said,
      fields: [...said.fields, ...fields.filter(([one]) => !gatewaysFields.has(one)), ["x-envoy-ratelimited", "true"]],
    },
  };
}
