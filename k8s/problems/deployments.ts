// Problem codes of SeldonDeployments and their annotations.
import { annotation, deployment, either, error, file, info, type ProblemEntry, situation, warning } from "./entry.ts";

export const deploymentProblems = {
  "no-predictors": error(
    "The SeldonDeployment has no predictor with a name. Nothing of it is served. After an edit, its last good form is.",
    deployment("spec.predictors: []"),
    "Write one or more predictors, each with a name and a graph.",
  ),
  "bad-predictor": error(
    "A predictor has no name. The SeldonDeployment keeps its last good form; without one it is not served.",
    deployment("spec.predictors[1]: { graph: { name: classifier } }"),
    "Give the predictor a name.",
  ),
  "traffic-remainder": warning(
    "The first predictor has another `traffic` than what the others leave of 100. It gets what they leave.",
    deployment("spec.predictors[0].traffic: 50\nspec.predictors[1]: { name: b, graph: { name: b }, traffic: 20 }"),
    "Make the traffic of all predictors sum to 100.",
  ),
  "reward-path-rest-only": info(
    "`sluice.io/bandit` names a path of JSON feedback as its reward. Feedback over gRPC has no reward.",
    deployment(
      'metadata.annotations["sluice.io/bandit"]: "thompson; reward feedback $.truth.clicked"\nspec.predictors[1]: { name: b, graph: { name: b } }',
    ),
    "Nothing, if clients send feedback over REST. Else write `reward feedback`, and send the number in the field `reward` of `Feedback`.",
  ),
  "release-conflict": either(
    ["error", "warning"],
    "Annotations contradict each other, or the rollout names a predictor that takes no live traffic. No traffic moves, and each predictor keeps the share that it has. `warning`: only a part is ignored, or `sluice.io/rollout-pause`, `-promote` or `-abort` has no rollout to order.",
    annotation("sluice.io/rollout: canary"),
    "Do what the sentence says.",
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
  "annotation-hidden": warning(
    "`spec.annotations` and `metadata.annotations` have the same key with different values. The value in `spec.annotations` counts.",
    deployment(
      'metadata.annotations["seldon.io/ambassador-retries"]: "2"\nspec.annotations["seldon.io/ambassador-retries"]: "3"',
    ),
    "Remove one of the two.",
  ),
  "annotation-misplaced": either(
    ["warning", "error"],
    "An annotation of Sluice, Seldon or Ambassador stands where Sluice does not read it: on a predictor, on its pods, in labels, or beside the annotations. `error`: it may decide who gets which requests, so the object is not served, or its last good form is.",
    deployment('spec.predictors[0].annotations["seldon.io/rest-timeout"]: "5000"'),
    "Write it in `metadata.annotations` of the object.",
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
    "An annotation of `seldon.io/` is not known and is ignored. `error`: it begins with `sluice.io/`, or is near one that decides, so the object is not served, or its last good form is.",
    annotation('seldon.io/rest-timeot: "5000"'),
    "Correct its spelling, or remove it.",
  ),
  "unknown-api-version": warning(
    "The apiVersion is not one of SeldonDeployments. Sluice reads the object as `machinelearning.seldon.io/v1`.",
    deployment("apiVersion: machinelearning.seldon.io/v9"),
    "Write `machinelearning.seldon.io/v1`.",
  ),
  "nothing-to-compare": warning(
    "`sluice.io/compare` stands on a SeldonDeployment without a shadow, or a rollout has the gate `agreement` and Sluice compares no answers of its predictor. Nothing is compared, and the rollout stays at its step.",
    annotation('sluice.io/compare: "true"'),
    'Add a predictor with `shadow: true`, and for the gate with the model of the first one and `sluice.io/compare: "true"`. Or remove the annotation, or the gate.',
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
} as const satisfies Readonly<Record<string, ProblemEntry>>;
