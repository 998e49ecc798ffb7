// Failures: the one table of what a request can fail of, for the data plane that answers so and for `explain`, which says what would be answered.
// Statuses and sentences follow Envoy; each sentence is completed, where it happens, with what to change.
import type { RejectReason } from '../routing/decision.ts';

/** May a request that failed so be sent again? */
type Retryability =
  /** Nothing was sent: another Endpoint, always. */
  | 'unsent'
  /** As the Mapping's retry policy says. */
  | 'policy'
  | 'never';

export interface Failure {
  /** Stable kebab-case name: the `reason` of a JSON answer, in logs. */
  readonly name: string;
  /** Envoy's letters; a metric label (`failureFlags` of counters.ts). "" where nothing failed but the client's request. */
  readonly flag: string;
  /** 0: there is nobody to answer. */
  readonly httpStatus: number;
  /** A place in `grpcStatusNames`. */
  readonly grpcStatus: number;
  readonly sentence: string;
  readonly retryability: Retryability;
}

function failure(name: string, flag: string, httpStatus: number, grpcStatus: number, sentence: string, retryability: Retryability = 'never'): Failure {
  return Object.freeze({ name, flag, httpStatus, grpcStatus, sentence, retryability });
}

const resetBeforeHeaders = 'upstream connect error or disconnect/reset before headers. reset reason:';

export const failures = {
  // The client's side.
  malformed: failure('malformed-request', 'DPE', 400, 13, 'malformed request: it is not HTTP/1.1 by the letter of RFC 9112'),
  brokenRules: failure('broken-rules', 'DPE', 0, 13, 'the client broke the rules of HTTP/2, and its connection was closed'),
  notHttp: failure('not-http', 'DPE', 0, 13, 'what came is neither HTTP/1.1 nor HTTP/2'),
  proxyHeader: failure('proxy-header', 'DPE', 0, 13, 'the connection does not begin with a header of the PROXY protocol, which --proxy-protocol asks of its address'),
  proxyTimeout: failure('proxy-timeout', 'DT', 0, 4, 'the header of the PROXY protocol did not come in time: raise --head-timeout-ms'),
  regexWork: failure('regex-work', 'RX', 431, 8, 'matching this request by the regexes of its routes takes too many steps: send shorter headers, query or path, or write simpler regexes'),
  rewriteTooLong: failure('rewrite-too-long', 'RX', 500, 13, 'the path that the regex of this route makes is longer than a request line may be: correct regex_rewrite or regex_redirect, or raise --request-line-bytes'),
  rewriteTooDear: failure('rewrite-too-dear', 'RX', 500, 13, 'the regex of this route takes too many steps, or matches too often, on this path: write a simpler pattern in regex_rewrite or regex_redirect'),
  pathClimbs: failure('path-climbs', 'DPE', 400, 13, 'malformed request: the rewritten path would hold a dot segment'),
  underscoreName: failure('underscore-name', 'DPE', 400, 13, 'a header with _ in its name is refused, as the Module of this gateway says (headers_with_underscores_action): send it with - instead'),
  escapedSlash: failure('escaped-slash', 'DPE', 400, 13, 'a path with %2F or %5C is refused, as the Module of this gateway says (reject_requests_with_escaped_slashes): send it without'),
  methodRefused: failure('method-refused', 'DPE', 405, 12, 'methods CONNECT and TRACE are not served'),
  lineTooLong: failure('request-line-too-long', 'DPE', 414, 13, 'request line too long: raise --request-line-bytes or send a shorter URL'),
  headTooLarge: failure('head-too-large', 'DPE', 431, 8, 'request head too large: raise --head-bytes or --head-fields, or send fewer headers'),
  bodyTooLarge: failure('body-too-large', 'DPE', 413, 8, 'Payload Too Large: raise --body-bytes or send a smaller body'),
  unknownExpectation: failure('unknown-expectation', 'DPE', 417, 13, 'only Expect: 100-continue is known'),
  malformedBody: failure('malformed-body', 'DPE', 400, 13, 'malformed request body: it is not chunked by the letter of RFC 9112'),
  malformedText: failure('malformed-text', 'DPE', 400, 3, 'malformed request body: it is not base64, as the text of gRPC-Web is'),
  upgradeRefused: failure('upgrade-refused', 'UR', 403, 7, 'this route does not take upgrades to websocket'),
  headTimeout: failure('head-timeout', 'DT', 408, 4, 'request head not complete in time: raise --head-timeout-ms'),
  bodyTimeout: failure('body-timeout', 'DT', 408, 4, 'request body stalled: raise --body-idle-timeout-ms'),
  clientGone: failure('client-gone', 'DC', 0, 1, 'the client left before the answer was complete'),
  clientEnded: failure('client-ended', 'DC', 0, 1, 'the client had ended its side, and its answer paused: raise --half-closed-idle-ms for clients that read on'),
  clientStalled: failure('client-stalled', 'DC', 0, 1, 'the client did not read its answer in time: raise --write-stall-timeout-ms'),
  connectionLimit: failure('connection-limit', 'OM', 0, 8, 'too many connections: raise --connections or --connections-per-address'),
  // Who calls.
  unauthenticated: failure('unauthenticated', 'UAEX', 401, 16, 'who calls is not known'),
  forbidden: failure('forbidden', 'UAEX', 403, 7, 'who calls may not call this'),
  nobodyAdmitted: failure('nobody-admitted', 'UAEX', 403, 7, 'nobody may call this: what is declared about who may cannot be kept; ask its owner to look at the Problems of the gateway'),
  rateLimited: failure('rate-limited', 'RL', 429, 8, 'too many requests'),
  sharesUnavailable: failure('shares-unavailable', 'RL', 503, 14, 'how much may come of all replicas together cannot be found out now'),
  identityUnavailable: failure('identity-unavailable', 'UAEX', 503, 14, 'who calls cannot be found out now'),
  addressRefused: failure('address-refused', 'UAEX', 403, 7, 'this address may not call here: call from a network that may, or ask the owner of the deployment'),
  misdirected: failure('misdirected', 'NR', 421, 9, 'this connection was agreed for another host, whose clients show other certificates: connect anew with the name of this host'),
  tlsNeeded: failure('tls-needed', 'NR', 403, 9, 'this host is served over TLS only: connect by TLS'),
  // Who may call, and how much, as external services say.
  authDenied: failure('external-auth-denied', 'UAEX', 403, 7, 'the authorization service refused this request'),
  authUnavailable: failure('external-auth-unavailable', 'UAEX', 403, 7, 'the authorization service cannot be asked'),
  authUnreadable: failure('auth-service-unreadable', 'UAEX', 500, 13, 'the AuthService of this gateway cannot be read, so nobody is let in: its operator finds the Problem by sluice check'),
  limitReached: failure('external-limit-reached', 'RL', 429, 14, 'too many requests, says the rate limit service: send fewer'),
  limitExhausted: failure('external-limit-exhausted', 'RL', 429, 8, 'too many requests, says the rate limit service: send fewer'),
  limitsUnavailable: failure('rate-limit-service-unavailable', 'RLSE', 500, 14, 'the rate limit service cannot be asked'),
  limitsUnreadable: failure('rate-limit-service-unreadable', 'RLSE', 500, 13, 'the RateLimitService of this gateway cannot be read, so no request that has labels is served: its operator finds the Problem by sluice check'),
  // No way to an upstream.
  noRoute: failure('no-route', 'NR', 404, 12, 'no route'),
  namespaceNeeded: failure('namespace-needed', 'NR', 400, 3, 'metadata seldon alone does not name one deployment: send metadata namespace as well'),
  noHealthyUpstream: failure('no-healthy-upstream', 'UH', 503, 14, 'no healthy upstream', 'unsent'),
  noAddress: failure('no-address', 'UH', 503, 14, 'no healthy upstream: its name has no address yet', 'unsent'),
  overflow: failure('overflow', 'UO', 503, 14, `${resetBeforeHeaders} overflow`),
  connectRefused: failure('connect-failure', 'UF', 503, 14, `${resetBeforeHeaders} remote connection failure`, 'unsent'),
  connectTimeout: failure('connect-timeout', 'UF', 503, 14, `${resetBeforeHeaders} connection timeout`, 'unsent'),
  // The upstream's side.
  upstreamClosed: failure('upstream-closed', 'UC', 503, 14, `${resetBeforeHeaders} connection termination`, 'policy'),
  upstreamCut: failure('upstream-cut', 'UC', 502, 14, 'the upstream closed before its answer was complete', 'policy'),
  upstreamProtocol: failure('upstream-protocol-error', 'UPE', 502, 14, `${resetBeforeHeaders} protocol error`, 'policy'),
  upstreamReset: failure('upstream-reset', 'UR', 503, 13, `${resetBeforeHeaders} remote reset`, 'policy'),
  upstreamRefused: failure('upstream-refused', 'UR', 503, 14, `${resetBeforeHeaders} remote refused stream reset`, 'policy'),
  upstreamCancelled: failure('upstream-cancelled', 'UR', 503, 1, `${resetBeforeHeaders} remote reset, CANCEL`, 'policy'),
  upstreamOverloaded: failure('upstream-overloaded', 'UR', 503, 8, `${resetBeforeHeaders} remote reset, ENHANCE_YOUR_CALM`, 'policy'),
  upstreamTimeout: failure('upstream-timeout', 'UT', 504, 4, 'upstream request timeout', 'policy'),
  streamIdle: failure('stream-idle', 'SI', 504, 14, 'stream timeout'),
  fault: failure('gateway-fault', 'UX', 500, 13, 'an unexpected fault of the gateway ended this request; it is logged'),
} as const satisfies Readonly<Record<string, Failure>>;

/** Names of gRPC's statuses, by number. */
export const grpcStatusNames = [
  'OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS', 'PERMISSION_DENIED', 'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED',
] as const;

/** The Failure of a Decision that rejects. */
export function rejectFailure(reason: RejectReason): Failure {
  switch (reason) {
    case 'no-route':
      return failures.noRoute;
    case 'namespace-needed':
      return failures.namespaceNeeded;
    case 'regex-work':
      return failures.regexWork;
    case 'no-healthy-upstream':
    case 'all-weights-zero':
    case 'only-shadows':
      return failures.noHealthyUpstream;
  }
}
