// Explanation: why a request goes where it goes. The same code for `sluice explain` and the admin port; nothing is sent.
import { isFeedback } from "../../routing/request/feedback.ts";
import type { Series } from "../../routing/model/mapping.ts";
import type { Measured } from "../api/deployments.ts";
import { failedWords } from "./measured-words.ts";
import { textOf } from "../../routing/request/bytes.ts";
import { decide } from "../../routing/decide.ts";
import type { Decision, RejectDecision, RejectReason, Route } from "../../routing/route/decision.ts";
import type { RequestHead } from "../../routing/request/head.ts";
import { privateTable } from "../../routing/private-table.ts";
import { headOf } from "../../routing/request/head-text.ts";
import { candidatesOf } from "../../routing/candidates.ts";
import { ownerOf } from "../../routing/lookup.ts";
import type { TableSettings } from "../../routing/model/table-change.ts";
import { canonicalPath } from "../../routing/request/path.ts";
import { printShare } from "../../routing/print.ts";
import type { RouteTable } from "../../routing/table.ts";
import { visible } from "../../routing/text/visible.ts";
import type { Viewer } from "../api/viewer.ts";
import type { CallPolicy } from "../callers/call-policy.ts";
import { oauthPlaceOf, type OAuthPlace } from "../callers/oauth-place.ts";
import { withoutCredentialsInQuery } from "../callers/shown.ts";
import type { NamedCaller } from "../callers/words.ts";
import { atDoor, throughFront } from "./explanation-front.ts";
import { hintsFor } from "./explanation-hints.ts";
import { hostWords, isHostJudged, type HostBook } from "./host-words.ts";
import { rejectFailure, type Failure } from "../failures.ts";
import { grpcStatusNames } from "../grpc-statuses.ts";
import type { Wording } from "./match-words.ts";
import { passedOver, routeText, type PassedRoute } from "./passed-routes.ts";
import { callersOf, waysOf, type Way } from "./ways.ts";
import { stickyWords } from "./sticky-words.ts";
import { stepsBefore, type BeforeRouteName } from "../steps.ts";
import type { Translation } from "../../k8s/translate/model/translation.ts";

/** A request as somebody would send it. */
export interface ExplainRequest {
  readonly method: string;
  readonly host: string;
  /** Path as sent, with its query. */
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly grpc: boolean;
  /** By TLS; false: in cleartext. */
  readonly secure: boolean;
}

export interface Explanation {
  /** Where it is looked up: a namespace, shared space, or in no Routes at all. */
  readonly space: string;
  /** What holds for its host at the door: certificate, clients' certificates, cleartext; null: nothing says anything. */
  readonly host: string | null;
  /** Steps of every such request before those of its Route, in order. */
  readonly before: readonly BeforeRouteName[];
  /** Routes that come earlier and match the path, and why each is passed over. */
  readonly passed: readonly PassedRoute[];
  /** The Route that answers, in one line, or null. */
  readonly route: string | null;
  readonly ways: readonly Way[];
  /** By what callers stay with a member of the Route, and whose this one is; null: a draw decides each request. */
  readonly sticky: string | null;
  /** Why it is not forwarded, or null. */
  readonly reject: {
    readonly reason: RejectReason | "bad-path" | "refused-head" | "cleartext" | "oauth";
    readonly answer: string;
    readonly sentence: string;
  } | null;
  /** What was probably meant where no Route answers. */
  readonly hints: readonly string[];
}

/** What an explanation is made of beside the table, which was built from the Translation. */
export interface ExplainWith {
  readonly translation: Pick<Translation, "choiceOf" | "ofAnother" | "upstreams">;
  /** The gateway's limit; 0: any body. */
  readonly bodyBytes: number;
  /** Who may call. */
  readonly policy: CallPolicy;
  /** Whom it is told of whether they may call; null: nobody. */
  readonly as: NamedCaller | null;
  /** Seldon's OAuth gateway is served (`--oauth`). */
  readonly oauth: boolean;
  /** Proxies that are believed, as the option says it; null: it does not. */
  readonly trustedHops: number | null;
  /** Providers whose keys were not read here, though a gateway may have them. */
  readonly unread: ReadonlySet<string>;
  readonly hosts: HostBook;
  /** How Routes are named. */
  readonly wording: Wording;
  /** How requests of a predictor fared in the last minute; null: no gateway is asked. */
  readonly measuredOf: (series: Series) => Measured | null;
  /** Who asks. A Route of a namespace that the viewer does not see is explained as if there were none. */
  readonly viewer: Viewer;
}

/** Explains one request. */
export function explain(table: RouteTable<null>, sent: ExplainRequest, world: ExplainWith): Explanation {
  const head = headOf(sent);
  const before = stepsBefore({
    front: table.settings.front,
    hostJudged: isHostJudged(sent.host, world.hosts),
    oauth:
      world.oauth && canonicalPath(head.pathBytes, head.pathStart, head.queryEnd, head) && oauthPlaceOf(head) !== null,
  });
  return { ...wayOf(table, sent, world), before };
}

/** What becomes of it. */
function wayOf(
  table: RouteTable<null>,
  sent: ExplainRequest,
  { translation, bodyBytes, policy, as, oauth, trustedHops, unread, hosts, wording, viewer, measuredOf }: ExplainWith,
): Omit<Explanation, "before"> {
  const { external, front } = table.settings;
  const request = throughFront(sent, front);
  if (!("path" in request))
    return {
      space: "none",
      host: null,
      passed: [],
      route: null,
      ways: [],
      sticky: null,
      hints: [],
      reject: { reason: "refused-head", answer: answerOf(request, sent.grpc), sentence: request.sentence },
    };
  const head = headOf(request);
  if (!canonicalPath(head.pathBytes, head.pathStart, head.queryEnd, head)) {
    const sentence =
      "the path does not begin with /, climbs above it, or holds a control character, a space, #, \\ or %00";
    return {
      space: "none",
      host: null,
      passed: [],
      route: null,
      ways: [],
      sticky: null,
      hints: [],
      reject: { reason: "bad-path", answer: "400", sentence },
    };
  }
  const hops = trustedHops ?? front?.trustedHops ?? 0;
  const turned = atDoor(
    request,
    textOf(head.pathBytes, head.pathStart, head.pathEnd),
    hosts,
    hops === "unknown" ? 0 : hops,
  );
  const host = viewer.seesAll ? hostWords(request.host, hosts) : null;
  if (turned !== null) return turnedAwayText(turned, request, host);
  const place = oauth ? oauthPlaceOf(head) : null;
  if (place !== null) return oauthText(place, request, host);
  const space = ownerOf(table, head);
  const candidates = space === null ? [] : candidatesOf(table, space, head);
  const found = foundRoute(table, head, candidates);
  // Decided anew, because a refusal can tell that there is a Route.
  const { decision, route } =
    found.namespace === null || viewer.sees(found.namespace) ? found : foundRoute(emptied(table), head, []);
  const shown =
    space === null || (space.name !== null && !viewer.sees(space.name))
      ? "none: that namespace has no Routes"
      : space.name === null
        ? "shared space"
        : `namespace ${space.name}`;
  const ways =
    route === null
      ? []
      : waysOf(
          route,
          translation,
          withoutCredentialsInQuery(textOf(head.pathBytes, head.pathStart, head.queryEnd), policy),
          (mapping) => callersOf(mapping, { policy, external, front, trustedHops, unread }, as),
          { bodyBytes, policy, upgrade: asksForWebSocket(request), feedback: isFeedback(head), external },
          ({ series }) => measuredOf(series),
        );
  return {
    space: shown,
    host,
    passed: passedOver(
      candidates.filter(({ namespace }) => viewer.sees(namespace)),
      head,
      route,
      wording,
    ),
    route: route === null ? null : routeText(route, wording),
    ways,
    sticky:
      route === null
        ? null
        : stickyWords(
            route,
            head,
            as,
            ways.some(({ asks }) => asks.length > 0),
          ),
    reject: decision.kind === "reject" ? rejection(decision, request.grpc) : null,
    hints:
      decision.kind === "reject" && decision.reason === "no-route"
        ? hintsFor(
            table,
            translation.ofAnother.filter(({ ref }) => viewer.sees(ref.namespace)),
            request,
            head,
            viewer,
            wording,
          )
        : decision.kind === "forward" && decision.ofSeveral && isFeedback(head)
          ? [byPuid]
          : [],
  };
}

const byPuid =
  "feedback goes to the predictor that its puid names (Seldon-Puid, or meta.puid of its response or request); the shares hold for feedback whose puid names none";

interface FoundRoute {
  readonly decision: Decision<null>;
  /** null also where it is none of the candidates, which have an end. */
  readonly route: Route<null> | null;
  /** Whose Mapping decides; null: nobody's. */
  readonly namespace: string | null;
}

/** `candidates`: of the request. */
function foundRoute(table: RouteTable<null>, head: RequestHead, candidates: readonly Route<null>[]): FoundRoute {
  const decision = decide(table, head, 0);
  const { mapping } = decision;
  const namespace = mapping?.namespace ?? null;
  if (decision.kind === "forward") return { decision, route: decision.route, namespace };
  const route =
    mapping === null ? undefined : candidates.find(({ mappings }) => mappings.some(({ id }) => id === mapping.id));
  return { decision, route: route ?? null, namespace };
}

/** Tables with the same settings and no Routes, by these. */
const empty = new WeakMap<TableSettings, RouteTable<null>>();

function emptied({ settings }: RouteTable<null>): RouteTable<null> {
  const known = empty.get(settings);
  if (known !== undefined) return known;
  const nothing = {
    mappings: [],
    removedMappings: [],
    upstreams: [],
    removedUpstreams: [],
    endpoints: [],
    endpointSlots: [],
    failing: [],
  };
  const table = privateTable({ settings, ...nothing }, () => null);
  empty.set(settings, table);
  return table;
}

/** What is explained, as its first line says it: `POST localhost/seldon/…`, `GET https://a.example/…`. */
export function requestLine({ method, host, path, grpc, secure }: ExplainRequest): string {
  return visible(`${grpc ? "gRPC" : method} ${secure ? "https://" : ""}${host}${path}`);
}

/** The text of `sluice explain -o wide`, indented by two; ends with a newline. */
export function printExplanation({
  space,
  host,
  before,
  passed,
  route,
  ways,
  sticky,
  reject,
  hints,
}: Explanation): string {
  const lines = [`looked up in ${space}`];
  if (host !== null) lines.push(`host ${host}`);
  if (before.length > 0) lines.push(`steps before the Route: ${before.join(", ")}`);
  for (const { route: other, because } of passed) lines.push(`passed ${other}: ${because}`);
  if (route !== null) lines.push(`route ${route}`);
  if (sticky !== null) lines.push(`sticky ${sticky}`);
  if (reject !== null) lines.push(`answers ${reject.answer}: ${reject.sentence}`);
  for (const hint of hints) lines.push(`hint: ${hint}`);
  for (const { share, role, ready, text, callers, steps, limits, usage, refuses, service, lastMinute } of ways) {
    lines.push(`${role === "shadow" ? "shadow " : ""}${printShare(share)} ${text}${ready ? "" : "  unready"}`);
    const failed = lastMinute === null ? "" : failedWords(lastMinute);
    if (failed !== "") lines.push(`  ${failed}`);
    for (const one of callers) lines.push(`  callers: ${one}`);
    if (steps.length > 0) lines.push(`  steps: ${steps.join(", ")}`);
    for (const limit of limits) lines.push(`  ${limit}`);
    for (const one of usage) lines.push(`  in use now: ${one}`);
    if (refuses !== null) lines.push(`  would refuse: ${refuses.step}: ${refuses.sentence}`);
    if (service !== null)
      lines.push(
        `  ${service.chosen}${service.exists ? "" : ", which does not exist"}; tried: ${service.candidates.join(", ")}`,
      );
  }
  return lines.map((line) => `  ${visible(line)}\n`).join("");
}

/** It goes no further than the door. */
function turnedAwayText(
  turned: 301 | 308 | Failure,
  { host, grpc }: ExplainRequest,
  words: string | null,
): Omit<Explanation, "before"> {
  const sentence =
    typeof turned === "number"
      ? `a request in cleartext to ${host} is redirected to https`
      : `a request in cleartext to ${host} is refused, as the host says`;
  const hints = [`write https://${host}/… as the target, and it is explained as it comes by TLS`];
  return {
    space: "none: it is answered before a Route is looked for",
    host: words,
    passed: [],
    route: null,
    ways: [],
    sticky: null,
    hints,
    reject: {
      reason: "cleartext",
      answer: typeof turned === "number" ? String(turned) : answerOf(turned, grpc),
      sentence,
    },
  };
}

/** It is the OAuth gateway's own. Which tokens there are is not known here. */
function oauthText(
  place: Exclude<OAuthPlace, null>,
  { method, path }: ExplainRequest,
  host: string | null,
): Omit<Explanation, "before"> {
  const asked = {
    space: "none: the OAuth gateway (--oauth) takes it before a Route is looked for",
    host,
    passed: [],
    route: null,
    ways: [],
    sticky: null,
  };
  if (place !== "call" && method === "OPTIONS")
    return {
      ...asked,
      reject: { reason: "oauth", answer: "200", sentence: "the OAuth gateway answers preflight requests itself" },
      hints: [],
    };
  if (place !== "call" && method !== "POST")
    return {
      ...asked,
      reject: { reason: "oauth", answer: "405", sentence: "the OAuth gateway takes POST only" },
      hints: ["write -X POST"],
    };
  if (place === "token")
    return {
      ...asked,
      reject: null,
      hints: [
        "it gives a token to the client of a SeldonDeployment that shows its oauth_key and oauth_secret, and answers 401 to others",
      ],
    };
  const whose =
    place === "call"
      ? "the metadata seldon and namespace of the token's deployment"
      : `/seldon/NAMESPACE/NAME${path.split("?", 1)[0]!}`;
  return {
    ...asked,
    reject: null,
    hints: [
      `the token of the request decides its deployment, and without one that the OAuth gateway gave it is answered ${place === "call" ? "UNAUTHENTICATED" : "401"}`,
      `explain it with ${whose}, and it is explained as it goes on with a token of that deployment`,
    ],
  };
}

/** As the data plane reads a head: the field `upgrade` that `connection` names. */
function asksForWebSocket({ headers, grpc }: ExplainRequest): boolean {
  const names = (field: string, word: string): boolean =>
    headers.some(
      ([name, value]) =>
        name.toLowerCase() === field && value.split(",").some((element) => element.trim().toLowerCase() === word),
    );
  return !grpc && names("upgrade", "websocket") && names("connection", "upgrade");
}

function rejection({ reason, sentence }: RejectDecision, grpc: boolean): Explanation["reject"] {
  return { reason, answer: answerOf(rejectFailure(reason), grpc), sentence };
}

function answerOf({ httpStatus, grpcStatus }: Failure, grpc: boolean): string {
  return grpc ? grpcStatusNames[grpcStatus]! : String(httpStatus);
}
