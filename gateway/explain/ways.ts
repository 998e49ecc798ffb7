// Ways that an explained request may go: the members and Shadows of its Route, with who may call, steps and limits.
import type { Measured } from "../api/deployments.ts";
import type { Route } from "../../routing/route/decision.ts";
import type { Mapping, TimeLimit } from "../../routing/model/mapping.ts";
import type { ObjectRef } from "../../routing/text/problem.ts";
import { decisionJson, forwardedPath, printDecision, type DecisionJson } from "../../routing/print.ts";
import type { CallPolicy } from "../callers/call-policy.ts";
import { admittanceOf } from "../callers/effective.ts";
import { callersSaid, sinceAuth, type CallersPart, type CallWorld } from "../callers/said.ts";
import { admitsText, nameText, sinceNothing, type NamedCaller } from "../callers/words.ts";
import { stepsOf, type StepConditions, type StepName } from "../steps.ts";
import { destinationOf, destinationWords } from "./target-words.ts";
import type { ServiceChoice, Translation } from "../../k8s/translate/model/translation.ts";

/** One way that the request may go, with what it is decided by. */
export interface Way {
  /** 0..1: of the requests that take this Route; of a Shadow, how many are copied. */
  readonly share: number;
  /** As written, 0..1, before readiness. */
  readonly declared: number;
  readonly role: "live" | "shadow";
  readonly ready: boolean;
  readonly source: ObjectRef;
  /** "" of a raw Mapping. */
  readonly predictor: string;
  /** Its Upstream's `host:port`. */
  readonly to: string;
  readonly decision: DecisionJson;
  readonly text: string;
  /** Who may call, and since what, where anything says so; and whether somebody who was named may. */
  readonly callers: readonly string[];
  /** Providers of which one must admit; empty: none is asked. */
  readonly asks: readonly string[];
  /** What happens to the request on the way, in order. Nothing to a copy. */
  readonly steps: readonly StepName[];
  readonly limits: readonly string[];
  /** Who the caller is, by what the request shows or by `as`; null: nothing says it. */
  readonly caller: NamedCaller | null;
  /** How much of limits and breakers is left now; empty where no gateway was asked. */
  readonly usage: readonly string[];
  /** The step that would refuse the request now, as far as is known; null: none. */
  readonly refuses: Refusal | null;
  /** How its requests fared in the last minute; null: no gateway was asked. */
  readonly lastMinute: Measured | null;
  /** How the Service was chosen, for what a SeldonDeployment declares. */
  readonly service: ServiceChoice | null;
}

/** Said of a member that nobody may call, beside members that somebody may. */
export const sharePassedOn = "its share goes to the members of the Route that somebody may call";

/** No gateway was asked. */
const unasked = { caller: null, usage: [], refuses: null } as const;

/** A step that refuses a request, and why. */
export interface Refusal {
  /** The name of a step, or `circuit breaker`. */
  readonly step: string;
  readonly sentence: string;
}

/** The members and Shadows of a Route. `path`: as sent, for people. */
export function waysOf(
  route: Route<null>,
  translation: Pick<Translation, "choiceOf" | "upstreams">,
  path: string,
  callersFor: (mapping: Mapping) => Told,
  conditions: StepConditions,
  measuredOf: (mapping: Mapping) => Measured | null,
): Way[] {
  const { upstreams } = translation;
  const choiceOf = (mapping: Mapping): ServiceChoice | null =>
    translation.choiceOf(mapping.id) ?? translation.choiceOf(restOf(mapping));
  const originOf = (mapping: Mapping): Pick<Way, "source" | "predictor" | "to" | "lastMinute"> => ({
    lastMinute: measuredOf(mapping),
    source: mapping.source,
    predictor: mapping.series.predictor,
    to: destinationWords(destinationOf(mapping, upstreams)),
  });
  const admits = ({ guard, namespace }: Mapping): boolean =>
    conditions.policy !== null && admittanceOf(guard, namespace, conditions.policy).kind !== "nobody";
  // As the data plane does (gateway/edge/exchange/admitting-member.ts).
  const leaves = route.split.members.some(({ mapping, share }) => share > 0 && admits(mapping));
  const live = route.split.members.map(({ mapping, share, declared, ready }): Way => {
    const decision = {
      kind: "forward",
      serial: route.serial,
      next: null,
      bound: 1,
      ofSeveral: false,
      attached: null,
      sticky: null,
      shadows: route.shadows,
      route,
      mapping,
      target: mapping.target,
    } as const;
    const steps = stepsOf(mapping, conditions);
    const told = callersFor(mapping);
    const limits = [
      ...(mapping.target.kind === "forward" ? limitTexts(mapping.target.timeout, mapping.target.idleTimeout) : []),
      ...told.limits,
    ];
    const { asks } = told;
    const callers = admits(mapping) || share === 0 || !leaves ? told.callers : [...told.callers, sharePassedOn];
    return {
      share,
      declared,
      role: "live",
      ready,
      ...originOf(mapping),
      decision: decisionJson(decision, path, []),
      text: printDecision(decision, path, []),
      callers,
      asks,
      steps,
      limits,
      ...unasked,
      service: choiceOf(mapping),
    };
  });
  const shadows = route.shadows.map(({ mapping, target, fraction, ready }): Way => {
    const decision = {
      kind: "forward",
      mapping: mapping.id,
      upstream: target.upstream,
      path: forwardedPath(mapping, target, path),
      shadows: [],
    } as const;
    return {
      share: fraction,
      declared: fraction,
      role: "shadow",
      ready,
      ...originOf(mapping),
      decision,
      text: `copy ${target.upstream}  (${mapping.source.kind} ${mapping.source.namespace}/${mapping.source.name})`,
      callers: [],
      asks: [],
      steps: [],
      limits: [],
      ...unasked,
      service: choiceOf(mapping),
    };
  });
  return [...live, ...shadows];
}

/** Words about the callers of a Mapping. */
interface Told {
  readonly callers: readonly string[];
  readonly asks: readonly string[];
  readonly limits: readonly string[];
}

export function callersOf(mapping: Mapping, world: CallWorld, as: NamedCaller | null): Told {
  const { callers, asks, addresses, limits } = callersSaid(mapping, world);
  const said = callers.flatMap(({ words, since }) =>
    since === sinceNothing ? [] : [since === sinceAuth ? words : `${words} (${since})`],
  );
  return {
    callers: [...said, ...addresses, ...(as === null ? [] : [namedText(mapping, as, world.policy, callers)])],
    asks,
    limits: limits.map((limit) => `limits: ${limit}`),
  };
}

/** Whether a named caller would be let in, where nobody but the policy decides, and where others do. */
function namedText(mapping: Mapping, as: NamedCaller, policy: CallPolicy, callers: readonly CallersPart[]): string {
  if (callers.some(({ words }) => words.startsWith("nobody: "))) return `${nameText(as)} may not call, as nobody may`;
  const text = admitsText(mapping, as, policy);
  return callers.some(({ since }) => since === sinceAuth) ? `${text}; the AuthService was not asked` : text;
}

/** Id of the REST Mapping beside this one: a predictor has one Service for all its Mappings, and the choice is kept with that one. */
function restOf({ source, series }: Mapping): string {
  return `${source.kind} ${source.namespace}/${source.name} http ${series.predictor}`;
}

function limitTexts(timeout: TimeLimit, idle: TimeLimit): string[] {
  const whole =
    timeout.ms === 0
      ? "no time limit"
      : timeout.setBy === null
        ? `${timeout.ms} ms to the response head`
        : `${timeout.ms} ms to the end of the response`;
  const still = idle.ms === 0 ? "no idle limit" : `${idle.ms} ms without a byte`;
  return [`limits: ${whole}, set by ${timeout.setBy ?? "default"}; ${still}, set by ${idle.setBy ?? "default"}`];
}
