// Every endpoint of the admin port. Answers are built from Routes and Problems alone: nothing of an Upstream's TLS is in them.
import type { Endpoint } from "./endpoint.ts";
import { explainByBody, explainByQuery } from "./endpoints/explain.ts";
import { maxExplainBytes } from "./endpoints/explain-request.ts";
import { live, ready } from "./endpoints/health.ts";
import { metrics } from "./endpoints/metrics.ts";
import { revoke } from "./endpoints/oauth-revoke.ts";
import { problems } from "./endpoints/problems.ts";
import { routes } from "./endpoints/routes.ts";
import { status } from "./endpoints/status.ts";
import { who } from "./endpoints/who.ts";

const plain = { method: "GET", alias: "", access: "token", parameters: {}, maxBodyBytes: 1024 } as const;

const deployment = "`NAMESPACE/NAME` or `NAME`: only this deployment";

const request = {
  path: "path of the request, with its query",
  method: "its method (`GET`; `POST` for gRPC)",
  host: "its host (`localhost`)",
  grpc: "`true`: a gRPC call",
  secure: "`true`: over TLS",
  as: "`PROVIDER/CLIENT`: would Sluice admit this caller?",
  wide: "`true`: the text of `--wide`",
};

export const endpoints = {
  live: {
    ...plain,
    path: "/healthz",
    alias: "/ambassador/v0/check_alive",
    access: "everyone",
    answers: "200 while a data worker runs, else 503",
    serve: live,
  },
  ready: {
    ...plain,
    path: "/readyz",
    alias: "/ambassador/v0/check_ready",
    access: "everyone",
    answers:
      "200 once every source has been read and the data workers serve; before and during a drain 503 with the reason",
    serve: ready,
  },
  metrics: {
    ...plain,
    path: "/metrics",
    access: "everyone",
    answers: "metrics in Prometheus' text format",
    serve: metrics,
  },
  status: {
    ...plain,
    path: "/api/v1/status",
    answers: "whether the gateway is well, and what is wrong first, as `sluice status` prints it",
    serve: status,
  },
  routes: {
    ...plain,
    path: "/api/routes",
    parameters: { deployment, wide: request.wide },
    answers: "the routing table, as `sluice routes` prints it",
    serve: routes,
  },
  who: {
    ...plain,
    path: "/api/who",
    parameters: { deployment },
    answers: "who may call each deployment, as `sluice who` prints it",
    serve: who,
  },
  problems: { ...plain, path: "/api/problems", answers: "every Problem, sorted", serve: problems },
  explain: {
    ...plain,
    path: "/api/explain",
    parameters: { ...request, header: "`name: value`, may be repeated; no credentials" },
    answers: "where this request would go, and why",
    serve: explainByQuery,
  },
  explainByBody: {
    ...plain,
    method: "POST",
    path: "/api/explain",
    parameters: { ...request, headers: "a list of `[name, value]`; credentials are checked and never printed" },
    answers: "the same",
    maxBodyBytes: maxExplainBytes,
    serve: explainByBody,
  },
  revoke: {
    ...plain,
    method: "POST",
    path: "/api/oauth/revoke",
    parameters: { token: "one token of the OAuth gateway", deployment: "`NAMESPACE/NAME`: all tokens of its client" },
    answers: "how many tokens it revoked; 409 without `--oauth`",
    serve: revoke,
  },
} as const satisfies Readonly<Record<string, Endpoint>>;
