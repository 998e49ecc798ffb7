// Steps: what may happen to a request on its way to an Endpoint, in the one order in which they are taken: the reason of each one's place, and which
// requests pass it. The data plane compiles those of a Route (gateway/edge/policy/compile-steps.ts), `explain` lists all, ARCHITECTURE.md has the table.
import type { ExternalServices } from "../routing/model/external-services.ts";
import type { ForwardTarget, Mapping } from "../routing/model/mapping.ts";
import type { FrontSettings } from "../routing/model/table-change.ts";
import { compileRewrite } from "../routing/route/rewrite.ts";
import type { CallPolicy } from "./callers/call-policy.ts";
import { termsOf, type CallTerms } from "./callers/terms.ts";

interface Row<Asked> {
  /** Why it stands where it does. */
  readonly why: string;
  readonly applies: (asked: Asked) => boolean;
}

/** What decides which steps a request passes before its Route's own. */
export interface BeforeRoute {
  /** What the Module says of every request; null: nothing. */
  readonly front: FrontSettings | null;
  /** How it came may matter: its host is not served in cleartext, or its clients are asked for certificates. */
  readonly hostJudged: boolean;
  /** It asks the OAuth gateway. */
  readonly oauth: boolean;
}

const beforeRoute = {
  "head-rules": {
    why: "The Module may reject a head or remove fields of it, which nobody may see then.",
    applies: ({ front }) => front !== null && (front.underscores !== "allow" || front.refusesEscapedSlashes),
  },
  "host-policy": {
    why: "A host that is served over TLS tells nothing of its Routes in cleartext, or on a connection that was made for another host.",
    applies: ({ hostJudged }) => hostJudged,
  },
  "module-addresses": {
    why: "The cheapest question about the client. It is asked as soon as a request is no probe: before the OAuth gateway, or when its Route is known.",
    applies: ({ front }) => front !== null && front.addresses.length > 0,
  },
  oauth: {
    why: "Its token says which Route the request takes, and no prefix of a tenant may see its secrets.",
    applies: ({ oauth }) => oauth,
  },
} as const satisfies Readonly<Record<string, Row<BeforeRoute>>>;

/** What decides, beside its Mapping, which steps of its Route a request passes. */
export interface StepConditions {
  /** The longest body that is taken; 0: any. */
  readonly bodyBytes: number;
  /** The request asks to change to WebSocket. */
  readonly upgrade: boolean;
  /** It is feedback for a model. */
  readonly feedback: boolean;
  /** Who may call; null: it is not known yet. */
  readonly policy: CallPolicy | null;
  /** Who is asked about requests. */
  readonly external: ExternalServices;
}

interface OfRoute extends StepConditions {
  readonly mapping: Mapping;
  /** null: a redirect. */
  readonly forward: ForwardTarget | null;
  readonly terms: CallTerms;
}

/** What answers instead of the model comes before what prepares the way to it. */
const ofRoute = {
  cors: {
    why: "A browser asks without credentials whether it may ask: nothing may reject that question, and any later answer needs its fields.",
    applies: ({ forward }) => forward !== null && forward.cors !== null,
  },
  addresses: {
    why: "Where a request comes from costs least to know. A client that is rejected here learns nothing more.",
    applies: ({ terms }) => terms.addresses !== null,
  },
  identity: {
    why: "Who calls: before anything that costs, or that tells about the model.",
    applies: ({ policy, terms }) => policy === null || policy.clientHeader || terms.admittance.kind !== "anybody",
  },
  member: {
    why: "It chooses the member of the Route by who calls. What depends on the member comes after it.",
    applies: ({ mapping }) => mapping.sticky?.on.kind === "client",
  },
  "external-auth": {
    why: "It asks outside about requests that were not rejected yet. It may choose another Route, so what depends on the Route comes after it.",
    applies: ({ terms }) => terms.auth.kind !== "none",
  },
  "rate-limit": {
    why: "How much each caller may send: once the caller is known, and before anything is made for the request.",
    applies: ({ terms }) => terms.limits.limits.length > 0,
  },
  "rate-limit-service": {
    why: "It asks outside, so what can be decided here comes first.",
    applies: ({ terms }) => terms.rateLimit.kind !== "none",
  },
  feedback: {
    why: "Feedback goes to the predictor that its puid names. Its body may be held for that, so who calls, and how much, comes before. What follows is of that predictor.",
    applies: ({ forward, feedback, mapping }) => feedback && forward !== null && mapping.series.predictor !== "",
  },
  redirect: {
    why: "The request goes elsewhere: limits and choices of an upstream do not concern it.",
    applies: ({ forward }) => forward === null,
  },
  upgrade: {
    why: "May it become a tunnel? Before limits of a body, which a tunnel does not have.",
    applies: ({ forward, upgrade }) => forward !== null && upgrade,
  },
  "body-limit": {
    why: "Before a byte of the body is kept or sent.",
    applies: ({ forward, bodyBytes }) => forward !== null && bodyBytes > 0,
  },
  rewrite: {
    why: "What the rewrite makes of the path: the last step that may reject, because it is the most work.",
    // Only these can make a dot segment, or too long a path, of what a client sent.
    applies({ forward, mapping }) {
      if (forward === null) return false;
      const rewrite = compileRewrite(mapping.match.path, forward.rewrite);
      return rewrite.kind === "regex" || (rewrite.kind === "prefix" && rewrite.open);
    },
  },
  stickiness: {
    why: "It chooses among Endpoints. A client that is rejected gets no cookie.",
    applies: ({ forward }) => forward?.loadBalancer.kind === "hash",
  },
  evidence: {
    why: "It gathers the evidence of a release: what failed, and how long the model took. So nothing that rejects or waits comes after it.",
    applies: ({ forward, feedback }) => forward?.released === true && !feedback,
  },
} as const satisfies Readonly<Record<string, Row<OfRoute>>>;

export type BeforeRouteName = keyof typeof beforeRoute;
export type StepName = keyof typeof ofRoute;

/** All of them in their order, with what they are asked about. */
export const stepOrder: readonly {
  readonly name: string;
  readonly kind: "before-route" | "route";
  readonly why: string;
}[] = [
  ...Object.entries(beforeRoute).map(([name, { why }]) => ({ name, kind: "before-route" as const, why })),
  ...Object.entries(ofRoute).map(([name, { why }]) => ({ name, kind: "route" as const, why })),
];

/** The steps that apply, in the order of their table. */
function named<Name extends string, Asked>(table: Readonly<Record<Name, Row<Asked>>>, asked: Asked): readonly Name[] {
  return (Object.keys(table) as Name[]).filter((name) => table[name].applies(asked));
}

/** The steps of a request before those of its Route. */
export function stepsBefore(asked: BeforeRoute): readonly BeforeRouteName[] {
  return named(beforeRoute, asked);
}

/** The steps of a request that a Mapping takes. */
export function stepsOf(mapping: Mapping, conditions: StepConditions): readonly StepName[] {
  const forward = mapping.target.kind === "forward" ? mapping.target : null;
  const terms = termsOf(mapping, conditions.policy, conditions.external);
  return named(ofRoute, { ...conditions, mapping, forward, terms });
}
