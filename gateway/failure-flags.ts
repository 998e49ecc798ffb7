// Flags of failures: Envoy's letters, for metrics, the access log and rollouts.

/** Failure flags with their causes, in the order of the cells that count them: Envoy's letters where Envoy has them. */
export const failureFlags = {
  NR: "no Route; no table yet; the metadata `namespace` is missing; TLS is required; the TLS connection was made for another host",
  UH: "no Endpoint is ready, a name has no address, every weight is 0, or there are shadows only",
  UF: "Sluice could not connect to the Endpoint",
  UC: "the upstream closed the connection",
  UR: "the upstream reset or refused the stream; the Route does not allow WebSocket upgrades",
  UT: "the upstream took longer than the limit",
  UO: "circuit breaker",
  UPE: "the upstream broke the protocol",
  SI: "no byte either way for `--stream-idle-timeout-ms`",
  DC: "the client left, or did not read its answer",
  DPE: "the request is invalid, too large, or rejected by the Module",
  DT: "the client sent its request too slowly",
  LR: "Sluice does not use it; alerts written for Envoy stay valid",
  OM: "too many connections",
  UX: "a bug of the gateway; the line `gateway-fault` of the log has its stack",
  URX: "all retries failed; the status is that of the last try",
  RX: "a regular expression of the Route takes too many steps or makes too long a path",
  UAEX: "access: credentials, addresses, AuthService",
  RL: "rate limit; the shared rate limit is unavailable",
  RLSE: "the RateLimitService is unavailable or invalid",
} as const;

export type FailureFlag = keyof typeof failureFlags;

/**
 * Does a failure with this flag count against a predictor that is released? `never`: its client, or what stands before the model, can cause it alone. `limit`: where the model had nine tenths
 * of the limit. Only failures behind the last step are asked about.
 */
export const releaseEvidence: Readonly<Record<FailureFlag, "never" | "limit" | "always">> = {
  NR: "never",
  UH: "always",
  UF: "always",
  UC: "always",
  UR: "always",
  UT: "limit",
  UO: "always",
  UPE: "always",
  SI: "limit",
  DC: "never",
  DPE: "never",
  DT: "never",
  LR: "never",
  OM: "never",
  UX: "always",
  URX: "never",
  RX: "never",
  UAEX: "never",
  RL: "never",
  RLSE: "never",
};
