// Problem codes of SeldonDeployments and their annotations.
import {
  annotation,
  deployment,
  either,
  error,
  file,
  info,
  plainDeployment,
  type ProblemEntry,
  situation,
  warning,
} from "./entry.ts";

export const deploymentProblems = {
  "no-predictors": error(
    "The SeldonDeployment has no predictor with a name. Nothing of it is served. After an edit, its last good form is.",
    deployment("spec.predictors: []"),
    "Write one or more predictors, each with a name and a graph.",
  ),
  "bad-predictor": error(
    "A predictor has no name and is not served. Or other Problems of it make it invalid, and its last good form is served.",
    deployment("spec.predictors[1]: { graph: { name: classifier } }"),
    "Give the predictor a name, or correct the fields that its other Problems name.",
  ),
  "duplicate-predictor": error(
    "Two predictors have the same name. Sluice serves the first one.",
    deployment("spec.predictors[1]: { name: main, graph: { name: other } }"),
    "Give each predictor a name of its own.",
  ),
  "bad-traffic": error(
    "A share of traffic cannot be read: `traffic` of a predictor, or `sluice.io/traffic`. The predictor gets no traffic, or its last good share.",
    deployment("spec.predictors[0].traffic: many"),
    "Write a percentage. In `sluice.io/traffic` write each predictor with its share, for example `main=90,canary=10`.",
  ),
  "traffic-scaled": warning(
    "The traffic of the predictors after the first sums to more than 100. Sluice scales it to 100, and the first predictor gets no traffic.",
    deployment(
      "spec.predictors[1]: { name: b, graph: { name: b }, traffic: 60 }\nspec.predictors[2]: { name: c, graph: { name: c }, traffic: 60 }",
    ),
    "Make the traffic of all predictors sum to 100.",
  ),
  "traffic-remainder": warning(
    "The first predictor has another `traffic` than what the others leave of 100. It gets what they leave.",
    deployment("spec.predictors[0].traffic: 50\nspec.predictors[1]: { name: b, graph: { name: b }, traffic: 20 }"),
    "Make the traffic of all predictors sum to 100.",
  ),
  "bad-rollout": error(
    "`sluice.io/rollout` cannot be read. No traffic moves, and each predictor keeps the share that it has.",
    annotation('sluice.io/rollout: "to canary; steps many"'),
    "Correct the part that the sentence names.",
  ),
  "bad-bandit": error(
    "`sluice.io/bandit` cannot be read. No traffic moves, and each predictor keeps the share that it has.",
    annotation("sluice.io/bandit: lucky"),
    "Correct the part that the sentence names.",
  ),
  "reward-path-rest-only": info(
    "`sluice.io/bandit` names a path of JSON feedback as its reward. Feedback over gRPC has no reward.",
    deployment(
      'metadata.annotations["sluice.io/bandit"]: "thompson; reward feedback $.truth.clicked"\nspec.predictors[1]: { name: b, graph: { name: b } }',
    ),
    "Nothing, if clients send feedback over REST. Else write `reward feedback`, and send the number in the field `reward` of `Feedback`.",
  ),
  "bad-rollout-order": warning(
    "`sluice.io/rollout-pause`, `-promote` or `-abort` is neither true nor false: Sluice pauses or aborts, and does not promote. Or there is nothing that it orders: no rollout, or a bandit, which can only be paused.",
    annotation("sluice.io/rollout-pause: perhaps"),
    'Write `"true"` or `"false"`, or remove it.',
  ),
  "release-conflict": either(
    ["error", "warning"],
    "Annotations contradict each other, or the rollout names a predictor that takes no live traffic. No traffic moves, and each predictor keeps the share that it has. A warning where only a part is ignored.",
    annotation("sluice.io/rollout: canary"),
    "Do what the sentence says.",
  ),
  "rollout-uncompared": warning(
    "A rollout has the gate `agreement`, and Sluice compares no answers of its predictor. The rollout stays at its step.",
    deployment(
      'metadata.annotations["sluice.io/rollout"]: "to canary; agreement ≥ 99%"\nspec.predictors[1]: { name: canary, graph: { name: b } }',
    ),
    'Add a predictor with `shadow: true` and the model of the first one, and write `sluice.io/compare: "true"`: its answers are then compared with those of the canary. Or remove the gate.',
  ),
  "releases-off": error(
    "A SeldonDeployment asks for a rollout or a bandit, and this gateway may move no traffic by itself. Each predictor keeps the share that it has.",
    situation("an SD with `sluice.io/rollout`, and a gateway without a record of releases"),
    "Set `rollouts: true` in the values of the chart, write `--releases-record FILE` where Sluice reads a folder, or remove the annotation.",
  ),
  "rollout-aborted": warning(
    "A rollout was aborted: a gate was broken, or `sluice.io/rollout-abort` says so. Its predictor gets no traffic.",
    situation("a rollout whose canary fails"),
    "Mend the model and deploy it, or change `sluice.io/rollout`: the rollout begins anew.",
  ),
  "rollout-without-room": warning(
    "A replica has no room for the evidence of this release, because 4,096 predictors are counted and its namespace has most of them. The release is not promoted, and gates see a part of its requests.",
    situation("a namespace with thousands of releases at once"),
    "End other releases of the namespace: remove `sluice.io/rollout` or `sluice.io/bandit` from SDs whose release has ended.",
  ),
  "bad-shadow": error(
    "`shadow` of a predictor, or `seldon.io/ambassador-shadow`, is neither true nor false. The predictor gets no requests, or its last good form is served.",
    deployment("spec.predictors[0].shadow: perhaps"),
    "Write `true` or `false`. In an annotation, write it in quotes.",
  ),
  "shadow-over-100": warning(
    "A shadow is to get more than 100 percent of the requests. It gets one copy of each.",
    deployment("spec.predictors[1]: { name: next, graph: { name: next }, shadow: true, traffic: 150 }"),
    "Write a percentage from 0 to 100.",
  ),
  "bad-ssl": error(
    "`ssl` of a predictor names no Secret. The predictor gets no requests, because they would go to it in plain text.",
    deployment("spec.predictors[0].ssl: true"),
    "Write `ssl: { certSecretName: NAME }`, or remove `ssl`.",
  ),
  "bad-explainer": error(
    "`explainer` of a predictor cannot be read. Sluice serves no explainer.",
    deployment("spec.predictors[0].explainer: AnchorTabular"),
    "Write a map with `type`, for example `explainer: { type: AnchorTabular }`.",
  ),
  "bad-port": warning(
    "The port of an explainer is not a port. Sluice uses 9000.",
    deployment("spec.predictors[0].explainer: { type: AnchorTabular, endpoint: { service_port: many } }"),
    "Write a number from 1 to 65535.",
  ),
  "bad-annotations": error(
    "Annotations are not a map of names and texts. A condition may be lost with them, so the object is not served, or its last good form is.",
    deployment("metadata.annotations: none"),
    "Write names and texts, a line each.",
  ),
  "annotation-hidden": warning(
    "`spec.annotations` and `metadata.annotations` have the same key with different values. The value in `spec.annotations` counts.",
    deployment(
      'metadata.annotations["seldon.io/ambassador-retries"]: "2"\nspec.annotations["seldon.io/ambassador-retries"]: "3"',
    ),
    "Remove one of the two.",
  ),
  "annotation-misplaced": either(
    ["warning", "error"],
    "An annotation stands on a predictor or on its pods (`componentSpecs[].metadata`), where Sluice does not read it. `error`: it decides which requests come, and the SeldonDeployment is not served without it.",
    deployment('spec.predictors[0].annotations["seldon.io/rest-timeout"]: "5000"'),
    "Write it in `metadata.annotations` or `spec.annotations` of the SeldonDeployment.",
  ),
  "replaced-annotation": warning(
    "An annotation of Sluice stands on an object whose own Mappings say where its traffic goes: it has `seldon.io/ambassador-config`, or is a Mapping or a Service. Sluice ignores the annotation, so a rollout moves nothing.",
    deployment(
      'metadata.annotations["seldon.io/ambassador-config"]: "{ apiVersion: ambassador/v1, kind: Mapping, name: iris, prefix: /iris/, service: iris-main:8000 }"\nmetadata.annotations["sluice.io/rollout"]: canary',
    ),
    "Remove the annotation, or the Mappings.",
  ),
  "unknown-annotation": either(
    ["warning", "error"],
    "An annotation of `seldon.io/` or `sluice.io/` is not known and is ignored. `error`: it is a misspelling of one that decides which requests come or who may call, and the object is not served without it.",
    annotation('seldon.io/rest-timeot: "5000"'),
    "Correct its spelling, or remove it.",
  ),
  "unknown-api-version": warning(
    "The apiVersion is not one of SeldonDeployments. Sluice reads the object as `machinelearning.seldon.io/v1`.",
    deployment("apiVersion: machinelearning.seldon.io/v9"),
    "Write `machinelearning.seldon.io/v1`.",
  ),
  "bad-timeout": warning(
    "A timeout cannot be read. Sluice uses the default.",
    annotation("seldon.io/rest-timeout: 5s"),
    'Write whole milliseconds, for example `"5000"`; `"0"` is no limit.',
  ),
  "bad-sticky": warning(
    "`sluice.io/sticky` does not say by what callers stay with one predictor. A draw decides each request.",
    annotation("sluice.io/sticky: x-user"),
    "Write `header NAME`, `cookie NAME [TTL]`, `query NAME`, `client` or `address`, for example `header x-user`.",
  ),
  "bad-answered-by": warning(
    "`sluice.io/answered-by` is neither true nor false. Sluice does as `--answered-by` says.",
    annotation("sluice.io/answered-by: perhaps"),
    'Write `"true"` or `"false"`, in quotes.',
  ),
  "bad-compare": warning(
    "`sluice.io/compare` is neither true nor false, and no rules. Sluice compares no answers.",
    annotation("sluice.io/compare: tolerance much"),
    'Write `"true"`, or rules such as `"tolerance 1e-3; ignore meta.tags"`.',
  ),
  "nothing-to-compare": warning(
    "`sluice.io/compare` stands on a SeldonDeployment that has no shadow, so there are no answers to compare.",
    annotation('sluice.io/compare: "true"'),
    "Add a predictor with `shadow: true`, or remove the annotation.",
  ),
  "bad-number": warning(
    "An annotation that takes a whole number has none. It counts as not written.",
    annotation("seldon.io/ambassador-retries: often"),
    "Write a whole number of 0 or more, in quotes.",
  ),
  "bad-weight": error(
    "`seldon.io/ambassador-weight` cannot be read. The SeldonDeployment gets no share, or its last good one.",
    annotation("seldon.io/ambassador-weight: ten"),
    "Write a percentage from 0 to 100, in quotes.",
  ),
  "bad-header": error(
    "A condition on a header cannot be read: in `seldon.io/ambassador-header`, `seldon.io/ambassador-regex-header`, or `headers` of a Mapping. Without it more requests would come, so the object is not served, or its last good form is.",
    annotation('seldon.io/ambassador-header: "my version: two"'),
    'Write `"name: value"`, one a line.',
  ),
  "bad-service-name": either(
    ["error", "warning"],
    "`seldon.io/ambassador-service-name` cannot stand in a path. The SeldonDeployment is not served, or its last good form is. `warning`: the name is empty, and the SeldonDeployment's own name is used.",
    annotation("seldon.io/ambassador-service-name: iris model"),
    "Write letters, digits, `-` and `.`, with `/` between names.",
  ),
  "bad-ambassador-id": error(
    "`seldon.io/ambassador-id` names no gateway. The SeldonDeployment is not served, or its last good form is.",
    annotation("seldon.io/ambassador-id: [a]"),
    "Write an id, or several with commas between them.",
  ),
  "bad-auth": error(
    "`sluice.io/auth` cannot be read. No caller is allowed, or those of the last good text are.",
    annotation("sluice.io/auth: staff & partners"),
    "Write names of providers of the policy with commas between them, or `none`.",
  ),
  "bad-addresses": error(
    "`sluice.io/allow` or `sluice.io/deny` cannot be read. No caller is allowed, or those of the last good text are.",
    annotation("sluice.io/allow: office"),
    "Write addresses or CIDR blocks with commas between them, for example `10.0.0.0/8`.",
  ),
  "bad-rate-limit": error(
    "`sluice.io/rate-limit` cannot be read. No caller is allowed, or the last good limits hold.",
    annotation("sluice.io/rate-limit: a few"),
    "Write a number and a period, for example `100/s`.",
  ),
  "nobody-admitted": error(
    "No caller is allowed. `sluice.io/auth` names a provider that the policy does not have, or `none` where the policy does not permit it.",
    annotation("sluice.io/auth: staff"),
    "Name a provider of the policy. For `none`, ask the operator of the gateway for a Grant with `anonymous: true`.",
  ),
  "reserved-header": warning(
    "A condition names the header `seldon` or `namespace`. gRPC calls name their deployment by these two, so gRPC ignores the condition. If it is the only one, gRPC is not served.",
    annotation('seldon.io/ambassador-header: "seldon: other"'),
    "Use another header.",
  ),
  "serving-previous-predictor": warning(
    "No predictor of the spec is ready. The Services of the predictors before the edit still exist and serve until one is.",
    situation("A predictor was renamed, and Seldon has not yet made the new Service."),
    "Nothing, if this is a rollout. Otherwise see why the new predictor is not ready.",
  ),
  "predictor-failing": warning(
    "Half or more of at least five requests to this predictor failed in a minute. The warning ends when fewer than a fifth do. Sluice changes nothing: the predictor keeps its share.",
    situation("A model is dead or answers server errors, and its pod is ready."),
    "The sentence says what failed: the model, or Sluice on the way to it. See the log of the model, then `sluice explain` and the access log.",
  ),
  "empty-configuration": error(
    "`seldon.io/ambassador-config` holds no document. It replaces what the SeldonDeployment would serve, so nothing is served.",
    annotation('seldon.io/ambassador-config: "# later"'),
    "Write a Mapping, or remove the annotation.",
  ),
  "bad-oauth": error(
    "`spec.oauth_key` or `spec.oauth_secret` cannot be used. The SeldonDeployment gets no tokens. Reported with `--oauth` only.",
    deployment('spec.oauth_key: "a:b"\nspec.oauth_secret: secret', { options: "--oauth" }),
    "Write a key of at most 256 bytes without colons and control characters, and a secret of 1 to 1,024 bytes.",
  ),
  "oauth-no-path": warning(
    "Another object takes the requests of this SeldonDeployment, so no token is issued for it alone. Reported with `--oauth` only.",
    deployment(
      'metadata.annotations["seldon.io/ambassador-service-name"]: other\nspec.oauth_key: key\nspec.oauth_secret: secret',
      { options: "--oauth" },
    ),
    "Remove the key, or `seldon.io/ambassador-service-name` or `seldon.io/ambassador-config`.",
  ),
  "oauth-key-contested": either(
    ["error", "warning"],
    "Two SeldonDeployments have the same OAuth key. `error`: they are in one namespace, and neither gets tokens. `warning`: the other is in another namespace, and the secret tells which one is meant. Reported with `--oauth` only.",
    file(
      `
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: iris, namespace: models }
spec: { oauth_key: key, oauth_secret: one, predictors: [{ name: main, graph: { name: m } }] }
---
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: wine, namespace: models }
spec: { oauth_key: key, oauth_secret: two, predictors: [{ name: main, graph: { name: m } }] }
`,
      { options: "--oauth" },
    ),
    "Give each SeldonDeployment a key of its own.",
  ),
  "no-http-port": warning(
    "The Service of a predictor has neither a port named `http` nor the port that Seldon gives it. REST requests get 503.",
    file(`
${plainDeployment("iris", "models")}
---
apiVersion: v1
kind: Service
metadata: { name: iris-main, namespace: models }
spec: { ports: [{ name: grpc, port: 5001 }, { name: web, port: 80 }] }
`),
    "Name the port of the Service `http`.",
  ),
  "no-grpc-port": info(
    "The Service of a predictor has neither a port named `grpc` nor the port that Seldon gives it. gRPC calls get UNAVAILABLE.",
    file(`
${plainDeployment("iris", "models")}
---
apiVersion: v1
kind: Service
metadata: { name: iris-main, namespace: models }
spec: { ports: [{ name: http, port: 8000 }] }
`),
    "If the model speaks gRPC, name its port `grpc`. If not, nothing.",
  ),
  "no-explainer-port": warning(
    "The Service of an explainer has neither a port named `http` nor the explainer's port. Requests for the explainer get 503.",
    file(`
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: iris, namespace: models }
spec: { predictors: [{ name: main, graph: { name: m }, explainer: { type: AnchorTabular } }] }
---
apiVersion: v1
kind: Service
metadata: { name: iris-main-explainer, namespace: models }
spec: { ports: [{ name: web, port: 80 }] }
`),
    "Name the port of the Service `http`.",
  ),
} as const satisfies Readonly<Record<string, ProblemEntry>>;
