// Every endpoint of the admin port. Answers are built from Routes and Problems alone: nothing of an Upstream's TLS is in them.
import { changeShape } from "../api/changes.ts";
import { comparedDeploymentShape, comparisonShape } from "../api/comparisons.ts";
import { deploymentShape, deploymentsPath, joinedDeploymentShape } from "../api/deployments.ts";
import { explainParameters, explanationShape } from "../api/explanation.ts";
import { joinedListShape, joinedParameters, replicaParameter } from "../api/joined.ts";
import { feedbackShape } from "../api/feedback.ts";
import { droppedShape, failureListShape, flagParameter, loggedShape, requestStoryShape } from "../api/failures.ts";
import { revokedShape } from "../api/oauth.ts";
import { deploymentParameter, listParameters, namespaceParameter, wideParameter } from "../api/parameters.ts";
import { askedDeploymentsParameter, evidencePath, evidenceShape } from "../api/peer.ts";
import { listShape, problemShape } from "../api/problem.ts";
import { rolloutShape, rolloutsPath } from "../api/rollouts.ts";
import { routeShape } from "../api/routes.ts";
import { Type } from "../api/shape.ts";
import { joinedStatusShape, statusPath } from "../api/status.ts";
import { whoListShape } from "../api/who.ts";
import type { Endpoint } from "./endpoint.ts";
import { changes } from "./endpoints/changes.ts";
import { comparison, comparisons } from "./endpoints/comparisons.ts";
import { deployment, deployments } from "./endpoints/deployments.ts";
import { evidence } from "./endpoints/evidence.ts";
import { explainByBody, explainByQuery } from "./endpoints/explain.ts";
import { maxExplainBytes } from "./endpoints/explain-request.ts";
import { failures, logs, requestStory } from "./endpoints/failures.ts";
import { feedback } from "./endpoints/feedback.ts";
import { live, ready } from "./endpoints/health.ts";
import { metrics } from "./endpoints/metrics.ts";
import { revoke } from "./endpoints/oauth-revoke.ts";
import { document } from "./endpoints/openapi.ts";
import { problems } from "./endpoints/problems.ts";
import { rollouts } from "./endpoints/rollouts.ts";
import { routes } from "./endpoints/routes.ts";
import { status } from "./endpoints/status.ts";
import { who } from "./endpoints/who.ts";

const plain = { method: "GET", alias: "", access: "viewer", parameters: {}, body: null, maxBodyBytes: 1024 } as const;
/** Texts that are no JSON. */
const textOnly = { json: null, text: true, events: null } as const;

export const endpoints = {
  live: {
    ...plain,
    path: "/healthz",
    alias: "/ambassador/v0/check_alive",
    access: "everyone",
    answers: "200 while a data worker runs, else 503",
    answer: textOnly,
    serve: live,
  },
  ready: {
    ...plain,
    path: "/readyz",
    alias: "/ambassador/v0/check_ready",
    access: "everyone",
    answers:
      "200 once every source has been read and the data workers serve; before and during a drain 503 with the reason",
    answer: textOnly,
    serve: ready,
  },
  metrics: {
    ...plain,
    path: "/metrics",
    access: "everyone",
    answers: "metrics in Prometheus' text format",
    answer: textOnly,
    serve: metrics,
  },
  status: {
    ...plain,
    path: statusPath,
    access: "admin",
    parameters: { replica: replicaParameter },
    answers:
      "whether the gateway is well, and what is wrong first, as `sluice status` prints it: of all replicas, and below `replicas` of each",
    answer: { json: joinedStatusShape, text: false, events: null },
    serve: status,
  },
  evidence: {
    ...plain,
    path: evidencePath,
    access: "admin",
    parameters: { deployments: askedDeploymentsParameter },
    answers: "what this process has counted of these deployments since it began, for the leader of the replicas",
    answer: { json: evidenceShape, text: false, events: null },
    serve: evidence,
  },
  openapi: {
    ...plain,
    path: "/api/v1/openapi.json",
    access: "everyone",
    answers: "the OpenAPI 3.1 document of this port",
    answer: {
      json: Type.Object({ openapi: Type.String() }, { additionalProperties: true }),
      text: false,
      events: null,
    },
    serve: document,
  },
  deployments: {
    ...plain,
    path: deploymentsPath,
    parameters: { ...listParameters, ...joinedParameters, deployment: deploymentParameter },
    answers:
      "each deployment with the shares that are declared, served and measured, and how its requests fared lately",
    answer: { json: joinedListShape(deploymentShape), text: false, events: null },
    serve: deployments,
  },
  deployment: {
    ...plain,
    path: "/api/v1/deployments/{namespace}/{name}",
    parameters: {
      namespace: namespaceParameter,
      name: Type.String({ description: "name of the SeldonDeployment" }),
      replica: replicaParameter,
    },
    answers: "the same of one deployment",
    answer: { json: joinedDeploymentShape, text: false, events: null },
    serve: deployment,
  },
  feedback: {
    ...plain,
    path: "/api/v1/feedback",
    parameters: { ...listParameters, ...joinedParameters, deployment: deploymentParameter },
    answers: "feedback and rewards of each live predictor since the replicas began",
    answer: { json: joinedListShape(feedbackShape), text: false, events: null },
    serve: feedback,
  },
  rollouts: {
    ...plain,
    path: rolloutsPath,
    parameters: { ...listParameters, ...joinedParameters, deployment: deploymentParameter },
    answers: "how far each rollout and bandit has come, and what it waits for, as `sluice rollout` prints it",
    answer: { json: joinedListShape(rolloutShape), text: false, events: null },
    serve: rollouts,
  },
  routes: {
    ...plain,
    path: "/api/v1/routes",
    parameters: { ...listParameters, deployment: deploymentParameter, wide: wideParameter },
    answers: "the routing table, as `sluice routes` prints it",
    answer: { json: listShape(routeShape), text: true, events: null },
    serve: routes,
  },
  who: {
    ...plain,
    path: "/api/v1/who",
    parameters: { ...listParameters, deployment: deploymentParameter },
    answers: "who may call each deployment, as `sluice who` prints it",
    answer: { json: whoListShape, text: true, events: null },
    serve: who,
  },
  problems: {
    ...plain,
    path: "/api/v1/problems",
    parameters: { ...listParameters, ...joinedParameters },
    answers: "every Problem, sorted",
    answer: { json: joinedListShape(problemShape), text: true, events: null },
    serve: problems,
  },
  comparisons: {
    ...plain,
    path: "/api/v1/comparisons",
    parameters: { ...listParameters, ...joinedParameters, deployment: deploymentParameter },
    answers: "how far answers of compared shadows agree with the primary's (`sluice.io/compare`)",
    answer: { json: joinedListShape(comparisonShape), text: false, events: null },
    serve: comparisons,
  },
  comparison: {
    ...plain,
    path: "/api/v1/comparisons/{namespace}/{name}",
    parameters: {
      namespace: namespaceParameter,
      name: Type.String({ description: "name of the SeldonDeployment with the shadow" }),
      replica: Type.Optional(Type.String({ description: "`self`: of this replica alone" })),
    },
    answers: "the same of one deployment, of this replica and its peers together, and the last answers that disagreed",
    answer: { json: comparedDeploymentShape, text: false, events: null },
    serve: comparison,
  },
  changes: {
    ...plain,
    path: "/api/v1/changes",
    parameters: {
      ...listParameters,
      ...joinedParameters,
      deployment: Type.String({
        description:
          "`NAMESPACE/NAME` or `NAME`: only changes of this deployment, and of Services and Secrets whose names begin with its name and `-`",
      }),
    },
    answers:
      "the last 1,000 changes of each control worker, the oldest first; as a stream those to come, and as text those of this replica alone",
    answer: { json: joinedListShape(changeShape), text: true, events: { change: changeShape } },
    serve: changes,
  },
  failures: {
    ...plain,
    path: "/api/v1/failures",
    parameters: { ...listParameters, ...joinedParameters, deployment: deploymentParameter, flag: flagParameter },
    answers: "the last 1000 requests that failed, the newest first; method and path are empty with `--access-log off`",
    answer: { json: failureListShape, text: false, events: null },
    serve: failures,
  },
  request: {
    ...plain,
    path: "/api/v1/requests/{id}",
    parameters: {
      id: Type.String({ description: "`x-request-id` of an answer", maxLength: 512 }),
      replica: replicaParameter,
    },
    answers: "what became of a request that failed, why, and what to do next",
    answer: { json: requestStoryShape, text: false, events: null },
    serve: requestStory,
  },
  logs: {
    ...plain,
    path: "/api/v1/logs",
    parameters: { namespace: namespaceParameter, deployment: deploymentParameter, flag: flagParameter },
    answers: "every request as it ends, at most 200 in a second of a worker",
    answer: { json: null, text: false, events: { request: loggedShape, dropped: droppedShape } },
    serve: logs,
  },
  explain: {
    ...plain,
    path: "/api/v1/explain",
    parameters: {
      namespace: namespaceParameter,
      ...explainParameters,
      wide: wideParameter,
      header: Type.String({ description: "`name: value`, may be repeated; no credentials" }),
    },
    answers: "where this request would go, and why",
    answer: { json: explanationShape, text: true, events: null },
    serve: explainByQuery,
  },
  explainByBody: {
    ...plain,
    method: "POST",
    path: "/api/v1/explain",
    parameters: { namespace: namespaceParameter },
    body: {
      ...explainParameters,
      wide: wideParameter,
      headers: Type.Array(Type.Array(Type.String(), { minItems: 2, maxItems: 2 }), {
        description: "a list of `[name, value]`; credentials are checked and never printed",
      }),
    },
    answers: "the same",
    answer: { json: explanationShape, text: true, events: null },
    maxBodyBytes: maxExplainBytes,
    serve: explainByBody,
  },
  revoke: {
    ...plain,
    method: "POST",
    path: "/api/v1/oauth/revoke",
    access: "admin",
    body: {
      token: Type.String({ description: "one token of the OAuth gateway" }),
      deployment: Type.String({ description: "`NAMESPACE/NAME`: all tokens of its client" }),
    },
    answers:
      "whether the tokens have ended at every replica; 409 without `--oauth`, 503 where it is not certain that they have ended",
    answer: { json: revokedShape, text: false, events: null },
    serve: revoke,
  },
} as const satisfies Readonly<Record<string, Endpoint>>;
