// Problem codes of what several objects share: Routes, prefixes, names, Grants.
import { either, error, file, mapping, plainDeployment, type ProblemEntry, situation, warning } from "./entry.ts";

/** Two Mappings of one prefix. */
const twoMappings = (first: string, second: string): string => `
apiVersion: getambassador.io/v2
kind: Mapping
metadata: { name: a, namespace: models }
spec: { prefix: /seldon/models/iris/, service: "iris-main:8000"${first} }
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: { name: b, namespace: models }
spec: { prefix: /seldon/models/iris/, service: "iris-next:8000"${second} }
`;

export const sharingProblems = {
  "shares-scaled": warning(
    "Shares sum to another number than 100, and Sluice scales them: the weights of a Route, or the traffic of the predictors after the first, which then gets none.",
    file(twoMappings(", weight: 60", ", weight: 60")),
    "Make them sum to 100.",
  ),
  "members-differ": warning(
    "Objects share a Route and have different rules for callers, or different `sluice.io/sticky`. A client that repeats its request reaches the object with the weakest rules. Without one `sluice.io/sticky` a draw decides each request.",
    file(`
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: iris, namespace: models, annotations: { sluice.io/rate-limit: 10/s, seldon.io/ambassador-weight: "90" } }
spec: { predictors: [{ name: main, graph: { name: m } }] }
---
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: next, namespace: models, annotations: { seldon.io/ambassador-service-name: iris, seldon.io/ambassador-weight: "10" } }
spec: { predictors: [{ name: main, graph: { name: m } }] }
`),
    "Write the same annotation in all of them. A Mapping of Ambassador has no `sluice.io/sticky`, so beside one a draw decides.",
  ),
  "not-granted": either(
    ["error", "warning"],
    "A namespace may not do this without a Grant: take a prefix of another namespace or, with `--claims granted`, outside `/seldon/NAMESPACE/`; match paths outside its own by a regex; send requests to hosts or hand-written EndpointSlices outside its own; or configure the gateway by a Module, Host, TLSContext, AuthService or RateLimitService. That part is not served. `warning`: `precedence` counts as 0.",
    mapping("prefix: /seldon/others/iris/"),
    "Stay in the namespace, or ask the operator of the gateway for the Grant that the sentence names. Objects for the whole gateway belong into its namespace.",
  ),
  "no-weights": warning(
    "Several objects share a Route, and none has a weight. Each gets an equal share.",
    file(twoMappings("", "")),
    "Write a weight in each, with a sum of 100. If they are not meant to share, give each a prefix of its own.",
  ),
  "all-weights-zero": error(
    "All members of a Route have the weight 0. Its requests get 503.",
    file(twoMappings(", weight: 0", ", weight: 0")),
    "Give one member a weight above 0.",
  ),
  "only-shadows": error(
    "Only shadows match here. A shadow never answers, so requests go to a wider Route, or get 404.",
    mapping("shadow: true"),
    "Declare a live Mapping or SeldonDeployment with the same match.",
  ),
  "claim-contested": error(
    "Another namespace owns this prefix outside `/seldon/`, so the Mapping is not served there. A namespace with a Grant comes first, then the oldest object.",
    file(`
apiVersion: getambassador.io/v2
kind: Mapping
metadata: { name: shop, namespace: first }
spec: { prefix: /shop/, service: "shop:80" }
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: { name: shop, namespace: second }
spec: { prefix: /shop/, service: "shop:80" }
`),
    "Use another prefix, or ask the operator of the gateway for a Grant, unless the other namespace has one.",
  ),
  "bare-name-contested": either(
    ["info", "error"],
    "Deployments of two namespaces have the same name. gRPC calls without the metadata `namespace` reach the one that had the name first. `error`: this object has no other Route, or the owner of the name is not known.",
    file(`
${plainDeployment("iris", "first")}
---
${plainDeployment("iris", "second")}
`),
    "Callers send the metadata `namespace`.",
  ),
  "bare-names-off": error(
    "With `--bare-names off` gRPC calls need the metadata `namespace`. This Mapping takes calls without it, so it is not served.",
    mapping(
      "prefix: /(seldon.protos.*|tensorflow.serving.*|inference.*)/.*\nprefix_regex: true\ngrpc: true\nheaders: { seldon: iris }",
      { options: "--bare-names off" },
    ),
    "Add the header `namespace` to the Mapping.",
  ),
  "table-full": error(
    "The table is full. Sluice serves the table from before, and no change of any namespace takes effect.",
    situation("All deployments together need more than `--table-mib`."),
    "Start the gateway with a larger `--table-mib`, or remove deployments of the namespaces that the sentence names.",
  ),
  "releases-record": either(
    ["error", "warning"],
    "The record of releases cannot be used as it is; the sentence says why. Error: the gateway cannot read or write it. All shares stay as they are, and no rollout or bandit moves traffic. Warning: a line of it cannot be read, and that release begins anew; or it has no room for more, 64 KiB a namespace and 960 KiB in all, and the releases that find no room do not begin; or an entry would not be read as it is, and that release stays where it is.",
    situation("somebody edited the ConfigMap of the record by hand, or the gateway may read and not update it"),
    "Let the gateway create and update it: the chart does with `rollouts: true`. Restore its text from a backup, or delete it: the gateway then writes what it knows. For room, remove the annotation from SDs whose release has ended.",
  ),
} as const satisfies Readonly<Record<string, ProblemEntry>>;
