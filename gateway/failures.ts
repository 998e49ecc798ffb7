// Failures: the one table of what a request can fail of, for the data plane that answers so and for `explain`, which says what would be answered.
// Statuses follow Envoy, and so do the sentences that it has, to the letter, because alerts look for them. Each is completed, where it happens, with what is true of that request.
import type { FailureFlag } from "./failure-flags.ts";
import type { RejectReason } from "../routing/route/decision.ts";

/** May a request that failed so be sent again? */
type Retryability =
  /** Nothing was sent: another Endpoint, always. */
  | "unsent"
  /** As the Mapping's retry policy says. */
  | "policy"
  | "never";

export interface Failure {
  /** Stable kebab-case name: the `reason` of a JSON answer, in logs. */
  readonly name: string;
  /** A metric label, and a field of the access log. */
  readonly flag: FailureFlag;
  /** 0: there is nobody to answer. */
  readonly httpStatus: number;
  /** A place in `grpcStatusNames`. */
  readonly grpcStatus: number;
  readonly sentence: string;
  readonly retryability: Retryability;
  /** For operators: the cause and what to do. "": the sentence says it. */
  readonly cause: string;
}

function failure(
  [name, flag, httpStatus, grpcStatus]: readonly [
    name: string,
    flag: FailureFlag,
    httpStatus: number,
    grpcStatus: number,
  ],
  sentence: string,
  retryability: Retryability = "never",
  cause = "",
): Failure {
  return Object.freeze({ name, flag, httpStatus, grpcStatus, sentence, retryability, cause });
}

const resetBeforeHeaders = "upstream connect error or disconnect/reset before headers. reset reason:";

export const failures = {
  // The client's side.
  malformed: failure(["malformed-request", "DPE", 400, 13], "The request is malformed: RFC 9112 does not allow it"),
  brokenRules: failure(
    ["broken-rules", "DPE", 0, 13],
    "The client broke the rules of HTTP/2, so the gateway closed its connection",
  ),
  notHttp: failure(["not-http", "DPE", 0, 13], "The client sent neither HTTP/1.1 nor HTTP/2"),
  proxyHeader: failure(
    ["proxy-header", "DPE", 0, 13],
    "The connection does not begin with a PROXY protocol header, which --proxy-protocol requires from this address",
  ),
  proxyTimeout: failure(
    ["proxy-timeout", "DT", 0, 4],
    "The PROXY protocol header did not arrive in time. Raise --head-timeout-ms",
  ),
  regexWork: failure(
    ["regex-work", "RX", 431, 8],
    "Matching this request against the regexes of its routes takes too many steps. Send a shorter path, query or headers, or write simpler regexes",
  ),
  rewriteTooLong: failure(
    ["rewrite-too-long", "RX", 500, 13],
    "The regex of this route makes a path that is longer than a request line may be. Correct regex_rewrite or regex_redirect, or raise --request-line-bytes",
  ),
  rewriteTooExpensive: failure(
    ["rewrite-too-expensive", "RX", 500, 13],
    "The regex of this route takes too many steps or matches too often on this path. Write a simpler pattern in regex_rewrite or regex_redirect",
  ),
  pathClimbs: failure(
    ["path-climbs", "DPE", 400, 13],
    "The rewritten path would contain a dot segment, which the gateway does not send",
  ),
  underscoreName: failure(
    ["underscore-name", "DPE", 400, 13],
    "This gateway rejects header names with an underscore (Module: headers_with_underscores_action). Write a hyphen instead",
  ),
  escapedSlash: failure(
    ["escaped-slash", "DPE", 400, 13],
    "This gateway rejects paths with %2F or %5C (Module: reject_requests_with_escaped_slashes). Send the path without them",
  ),
  methodRefused: failure(
    ["method-refused", "DPE", 405, 12],
    "This gateway does not serve the methods CONNECT and TRACE",
  ),
  lineTooLong: failure(
    ["request-line-too-long", "DPE", 414, 13],
    "The request line is too long. Send a shorter URL, or raise --request-line-bytes",
  ),
  headTooLarge: failure(
    ["head-too-large", "DPE", 431, 8],
    "The request head is too large. Send fewer or shorter headers, or raise --head-bytes or --head-fields",
  ),
  bodyTooLarge: failure(
    ["body-too-large", "DPE", 413, 8],
    "Payload Too Large: send a smaller body, or raise --body-bytes",
  ),
  unknownExpectation: failure(
    ["unknown-expectation", "DPE", 417, 13],
    "This gateway knows no expectation but 100-continue",
  ),
  malformedBody: failure(
    ["malformed-body", "DPE", 400, 13],
    "The request body is malformed: its chunks do not follow RFC 9112",
  ),
  malformedText: failure(
    ["malformed-text", "DPE", 400, 3],
    "The request body is malformed: gRPC-Web text must be base64",
  ),
  upgradeRefused: failure(
    ["upgrade-refused", "UR", 403, 7],
    "This route does not allow WebSocket upgrades",
    "never",
    "Write `allow_upgrade: [websocket]` in the Mapping",
  ),
  headTimeout: failure(
    ["head-timeout", "DT", 408, 4],
    "The request head did not arrive in time. Raise --head-timeout-ms",
  ),
  bodyTimeout: failure(["body-timeout", "DT", 408, 4], "The request body stalled. Raise --body-idle-timeout-ms"),
  clientGone: failure(["client-gone", "DC", 0, 1], "The client left before the answer was complete"),
  clientEnded: failure(
    ["client-ended", "DC", 0, 1],
    "The client had closed its sending side, and the answer paused for too long. Raise --half-closed-idle-ms for clients that keep reading",
  ),
  clientStalled: failure(
    ["client-stalled", "DC", 0, 1],
    "The client did not read its answer in time. Raise --write-stall-timeout-ms",
  ),
  connectionLimit: failure(
    ["connection-limit", "OM", 0, 8],
    "There are too many connections. Raise --connections or --connections-per-address",
  ),
  // Who calls.
  unauthenticated: failure(
    ["unauthenticated", "UAEX", 401, 16],
    "Authentication required",
    "never",
    "The credentials are missing or invalid: `sluice who` says what the deployment requires",
  ),
  forbidden: failure(
    ["forbidden", "UAEX", 403, 7],
    "You are not allowed to call this deployment",
    "never",
    "The caller is authenticated and not allowed: `sluice who` says who is",
  ),
  nobodyAdmitted: failure(
    ["nobody-admitted", "UAEX", 403, 7],
    "No caller is allowed: the access rules of this deployment cannot be applied. Its owner finds the reason with sluice check",
  ),
  rateLimited: failure(
    ["rate-limited", "RL", 429, 8],
    "Too many requests",
    "never",
    "`sluice.io/rate-limit`, or `rateLimit` of the policy: `sluice who` says the limits",
  ),
  sharesUnavailable: failure(
    ["shares-unavailable", "RL", 503, 14],
    "The shared rate limit is unavailable. Retry later",
    "never",
    "Redis does not answer, and the policy says `limitsWithoutRedis: close`",
  ),
  identityUnavailable: failure(
    ["identity-unavailable", "UAEX", 503, 14],
    "The gateway cannot authenticate callers now",
    "never",
    "Keys of a provider are missing (`sluice check --policy FILE`), or Redis does not answer",
  ),
  addressRefused: failure(
    ["address-refused", "UAEX", 403, 7],
    "Your address is not allowed to call this deployment",
    "never",
    "`sluice.io/allow`, `sluice.io/deny`, or the ip_allow and ip_deny of the Module: `sluice who` says which addresses may call",
  ),
  misdirected: failure(
    ["misdirected", "NR", 421, 9],
    "This TLS connection was made for another host. Open a new connection for this host",
  ),
  tlsNeeded: failure(["tls-needed", "NR", 403, 9], "This host is served over TLS only. Use https"),
  // Who may call, and how much, as external services say.
  authDenied: failure(
    ["external-auth-denied", "UAEX", 403, 7],
    "The authorization service rejected this request",
    "never",
    "The service of the AuthService answered so",
  ),
  authUnavailable: failure(
    ["external-auth-unavailable", "UAEX", 403, 7],
    "The authorization service is unavailable",
    "never",
    "The service of the AuthService did not answer in time, or failed",
  ),
  authUnreadable: failure(
    ["auth-service-unreadable", "UAEX", 500, 13],
    "The AuthService of this gateway is invalid, so the gateway rejects every request. Its operator finds the reason with sluice check",
  ),
  limitReached: failure(
    ["external-limit-reached", "RL", 429, 14],
    "Too many requests: the rate limit service rejected this one",
    "never",
    "The service of the RateLimitService answered so",
  ),
  limitExhausted: failure(
    ["external-limit-exhausted", "RL", 429, 8],
    "Too many requests: the rate limit service rejected this one",
    "never",
    "The service of the RateLimitService answered so",
  ),
  limitsUnavailable: failure(
    ["rate-limit-service-unavailable", "RLSE", 500, 14],
    "The rate limit service is unavailable",
    "never",
    "The service of the RateLimitService did not answer in time, or failed",
  ),
  limitsUnreadable: failure(
    ["rate-limit-service-unreadable", "RLSE", 500, 13],
    "The RateLimitService of this gateway is invalid, so the gateway rejects every request that has rate limit labels. Its operator finds the reason with sluice check",
  ),
  // No way to an upstream.
  notRead: failure(
    ["not-read", "NR", 503, 14],
    "The gateway has not read its objects yet. Retry in a moment",
    "never",
    "The gateway has started and has no table: `/readyz` of the admin port says what it waits for, such as an API server that does not answer",
  ),
  noRoute: failure(
    ["no-route", "NR", 404, 12],
    "no route",
    "never",
    "No Route has this path, host, method or headers: wrong namespace or name in the URL, another `ambassador-id`, or a deployment that Sluice does not serve. Ask `sluice explain`",
  ),
  namespaceNeeded: failure(
    ["namespace-needed", "NR", 400, 3],
    'The metadata "seldon" alone does not name one deployment. Send the metadata "namespace" as well',
  ),
  noHealthyUpstream: failure(
    ["no-healthy-upstream", "UH", 503, 14],
    "no healthy upstream",
    "unsent",
    "No Endpoint is ready: pods start, or the Service or its port name is wrong",
  ),
  allWeightsZero: failure(
    ["all-weights-zero", "UH", 503, 14],
    "no healthy upstream: every weight of this route is 0",
    "never",
    "Nobody gets traffic as the objects are written: give a predictor `traffic`, or a Mapping a `weight`, above 0",
  ),
  onlyShadows: failure(
    ["only-shadows", "UH", 503, 14],
    "no healthy upstream: this route has shadows only",
    "never",
    "A shadow gets copies and answers nobody: add a predictor without `shadow: true`, or correct the one whose object is invalid (`sluice check`)",
  ),
  noAddress: failure(
    ["no-address", "UH", 503, 14],
    "no healthy upstream: its name has no address yet",
    "unsent",
    "DNS has no address for the name of the Service: correct the name",
  ),
  overflow: failure(
    ["overflow", "UO", 503, 14],
    `${resetBeforeHeaders} overflow`,
    "never",
    "A circuit breaker is at its limit, or too many bytes wait: raise `seldon.io/ambassador-circuit-breakers-max-*`, or add replicas",
  ),
  connectRefused: failure(
    ["connect-failure", "UF", 503, 14],
    `${resetBeforeHeaders} remote connection failure`,
    "unsent",
    "The Endpoint refuses connections: a model that does not listen, or a NetworkPolicy",
  ),
  connectTimeout: failure(
    ["connect-timeout", "UF", 503, 14],
    `${resetBeforeHeaders} connection timeout`,
    "unsent",
    "The Endpoint does not accept connections in time: an overloaded node, or a NetworkPolicy",
  ),
  // The upstream's side.
  upstreamClosed: failure(
    ["upstream-closed", "UC", 503, 14],
    `${resetBeforeHeaders} connection termination`,
    "policy",
    "The model closed the connection before its answer: it crashed, or its keep-alive is shorter than `--upstream-idle-ms`",
  ),
  upstreamCut: failure(
    ["upstream-cut", "UC", 502, 14],
    "The upstream closed before its answer was complete",
    "policy",
    "The model closed the connection in the middle of its answer: it crashed",
  ),
  upstreamProtocol: failure(
    ["upstream-protocol-error", "UPE", 502, 14],
    `${resetBeforeHeaders} protocol error`,
    "policy",
    "The answer of the model is no valid HTTP, or the wrong protocol: see its log",
  ),
  upstreamReset: failure(
    ["upstream-reset", "UR", 503, 13],
    `${resetBeforeHeaders} remote reset`,
    "policy",
    "The model reset the stream: see its log",
  ),
  upstreamRefused: failure(
    ["upstream-refused", "UR", 503, 14],
    `${resetBeforeHeaders} remote refused stream reset`,
    "policy",
    "The model takes no more streams now: add replicas",
  ),
  upstreamCancelled: failure(
    ["upstream-cancelled", "UR", 503, 1],
    `${resetBeforeHeaders} remote reset, CANCEL`,
    "policy",
    "The model cancelled the stream: see its log",
  ),
  upstreamOverloaded: failure(
    ["upstream-overloaded", "UR", 503, 8],
    `${resetBeforeHeaders} remote reset, ENHANCE_YOUR_CALM`,
    "policy",
    "The model asks for fewer streams: add replicas",
  ),
  upstreamTimeout: failure(
    ["upstream-timeout", "UT", 504, 4],
    "upstream request timeout",
    "policy",
    "The model is slower than the limit; the answer names what set it. Write `seldon.io/rest-timeout`",
  ),
  streamIdle: failure(
    ["stream-idle", "SI", 504, 14],
    "stream timeout",
    "never",
    "Neither side sent a byte for `--stream-idle-timeout-ms`",
  ),
  fault: failure(
    ["gateway-fault", "UX", 500, 13],
    "An unexpected error of the gateway ended this request. The gateway logged it",
    "never",
    "A bug of the gateway: report it with the line of the log",
  ),
} as const satisfies Readonly<Record<string, Failure>>;

/** The Failure of a Decision that rejects. */
export function rejectFailure(reason: RejectReason): Failure {
  switch (reason) {
    case "not-read":
      return failures.notRead;
    case "no-route":
      return failures.noRoute;
    case "namespace-needed":
      return failures.namespaceNeeded;
    case "regex-work":
      return failures.regexWork;
    case "no-healthy-upstream":
      return failures.noHealthyUpstream;
    case "all-weights-zero":
      return failures.allWeightsZero;
    case "only-shadows":
      return failures.onlyShadows;
  }
}
