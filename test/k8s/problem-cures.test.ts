// The advice of each Problem, followed: what its sentence and its cure say to write is written into its example. The Problem is then gone, and no other one takes its place.
import { describe, expect, test } from "vitest";
import { problemEntries } from "../../k8s/problems/all.ts";
import {
  annotation,
  deployment,
  file,
  mapping,
  module,
  plainDeployment,
  platform,
  type Beside,
  type Example,
} from "../../k8s/problems/entry.ts";
import type { ProblemCode } from "../../routing/text/problem.ts";
import { background, problemsOf, type Written } from "./problem-examples.ts";

type Follow = (example: Written) => Written;

/** Another text in the place of the example's; its options stay. */
const instead =
  (text: Example): Follow =>
  ({ beside }) => {
    if (text.kind === "situation") throw new Error("words cannot be checked");
    return { ...text, beside };
  };

/** The example without the fields that it changes. */
const removed: Follow = (example) => ({ ...example, ...(example.kind === "fields" ? { lines: [] } : {}) });

/** Pairs of a text in the file and what stands there instead. */
const edited =
  (...pairs: readonly (readonly [string, string])[]): Follow =>
  (example) => {
    if (example.kind !== "file") throw new Error("the example is no file");
    let { text } = example;
    for (const [from, to] of pairs) {
      if (!text.includes(from)) throw new Error(`the example has no ${from}`);
      text = text.replace(from, to);
    }
    return { ...example, text };
  };

const given =
  (more: Beside): Follow =>
  (example) => ({ ...example, beside: { ...example.beside, ...more } });

const granted = (more: string, namespace = "models"): Follow =>
  given({ grants: `grants:\n  - namespace: ${namespace}\n    ${more.replaceAll("\n", "\n    ")}` });

const mappingOf = (name: string, more: string): string =>
  `apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: { name: ${name}, namespace: models }\nspec: { prefix: /seldon/models/iris/, service: "iris-main:8000"${more} }`;
const platformOf = (kind: string, name: string, spec: string): string =>
  `apiVersion: getambassador.io/v2\nkind: ${kind}\nmetadata: { name: ${name}, namespace: default }\nspec: { ${spec} }`;
const config = (fields: string): string =>
  `seldon.io/ambassador-config: "{ apiVersion: getambassador.io/v2, kind: Mapping, name: iris, prefix: /seldon/models/iris/, service: iris-main:8000${fields} }"`;
const two = "spec.predictors[1]: { name: canary, graph: { name: b }, traffic: 10 }";

/** The cure is nothing to write into manifests of a gateway: another gateway, a client, a file elsewhere. */
const elsewhere = "elsewhere";

const followed: Partial<Record<ProblemCode, readonly Follow[] | typeof elsewhere>> = {
  "bad-value": [instead(mapping("weight: 50"))],
  "unknown-field": [instead(mapping("timeout_ms: 5000")), removed],
  "empty-field": [instead(mapping("weight: 10")), removed],
  "field-lost": [removed],
  "field-without-effect": elsewhere,
  "field-ignored": [instead(mapping("path_redirect: /v2/\nhost_redirect: true")), removed],
  "host-selector": [removed],
  "no-predictors": [instead(deployment("spec.predictors: [{ name: main, graph: { name: m } }]"))],
  "bad-predictor": [
    instead(
      deployment("spec.predictors[0].traffic: 50\nspec.predictors[1]: { name: b, graph: { name: m }, traffic: 50 }"),
    ),
  ],
  "declared-twice": [instead(file(plainDeployment("iris", "models")))],
  "shares-scaled": [edited(["weight: 60", "weight: 40"])],
  "traffic-remainder": [
    instead(
      deployment("spec.predictors[0].traffic: 80\nspec.predictors[1]: { name: b, graph: { name: b }, traffic: 20 }"),
    ),
  ],
  "reward-path-rest-only": [
    instead(deployment(`metadata.annotations["sluice.io/bandit"]: "thompson; reward feedback"\n${two}`)),
  ],
  "release-conflict": [instead(deployment(`metadata.annotations["sluice.io/rollout"]: "canary"\n${two}`)), removed],
  "annotation-hidden": [
    instead(deployment('spec.annotations["seldon.io/ambassador-retries"]: "3"')),
    instead(
      deployment(
        'metadata.annotations["seldon.io/ambassador-retries"]: "2"\nspec.annotations["seldon.io/ambassador-retries"]: "2"',
      ),
    ),
  ],
  "annotation-misplaced": [
    instead(deployment('spec.annotations["seldon.io/rest-timeout"]: "5000"')),
    instead(annotation('seldon.io/rest-timeout: "5000"')),
  ],
  "replaced-annotation": [
    instead(annotation(config(""))),
    instead(deployment(`metadata.annotations["sluice.io/rollout"]: canary\n${two}`)),
  ],
  "unknown-annotation": [instead(annotation('seldon.io/rest-timeout: "5000"')), removed],
  "unknown-api-version": [instead(deployment("apiVersion: machinelearning.seldon.io/v1"))],
  "nothing-to-compare": [
    instead(
      deployment(
        'metadata.annotations["sluice.io/compare"]: "true"\nspec.predictors[1]: { name: next, graph: { name: next }, shadow: true, traffic: 100 }',
      ),
    ),
    removed,
  ],
  "nobody-admitted": [instead(annotation("sluice.io/auth: none"))],
  "reserved-header": [instead(annotation('seldon.io/ambassador-header: "version: other"'))],
  "empty-configuration": [instead(annotation(config(""))), removed],
  "oauth-no-path": [
    instead(deployment('metadata.annotations["seldon.io/ambassador-service-name"]: other')),
    instead(deployment("spec.oauth_key: key\nspec.oauth_secret: secret")),
  ],
  "oauth-key-contested": [edited(["oauth_key: key, oauth_secret: two", "oauth_key: wine, oauth_secret: two"])],
  "no-such-port": [edited(["shop:8080", "shop:80"])],
  "unescaped-prefix": [instead(mapping("prefix: /seldon/models/mod%C3%A8le/"))],
  "shadow-redirect": [
    instead(mapping("host_redirect: true")),
    instead(file(`${mappingOf("live", "")}\n---\n${mappingOf("copy", ", shadow: true")}`)),
  ],
  "shadow-slash": [edited(["prefix: /seldon/models/iris,", "prefix: /seldon/models/iris/,"])],
  "bad-document": [instead(annotation(config("")))],
  "kind-not-served": elsewhere,
  "unknown-kind": [
    edited(
      ["SeldonDeploymnt", "SeldonDeployment"],
      ["spec: {}", "spec: { predictors: [{ name: main, graph: { name: m } }] }"],
    ),
  ],
  "not-granted": [granted("prefixes: [/seldon/others/iris/]"), instead(mapping("prefix: /seldon/models/iris/"))],
  "several-modules": [instead(module("xff_num_trusted_hops: 1"))],
  "service-contested": [edited([", path_prefix: /check", ""])],
  "service-unreachable": [instead(platform("AuthService", 'auth_service: "auth:8500"'))],
  "domain-not-served": [edited(["labels: { other:", "labels: { models:"])],
  "no-weights": [
    edited(['iris-main:8000"', 'iris-main:8000", weight: 60'], ['iris-next:8000"', 'iris-next:8000", weight: 40']),
    edited(["prefix: /seldon/models/iris/", "prefix: /seldon/models/next/"]),
  ],
  "all-weights-zero": [edited(["weight: 0", "weight: 100"])],
  "only-shadows": [instead(file(`${mappingOf("live", "")}\n---\n${mappingOf("copy", ", shadow: true")}`))],
  "members-differ": [edited(["annotations: { seldon.io", "annotations: { sluice.io/rate-limit: 10/s, seldon.io"])],
  "claim-contested": [edited(["second }\nspec: { prefix: /shop/", "second }\nspec: { prefix: /seldon/second/"])],
  "bare-name-contested": elsewhere,
  "bare-names-off": [
    instead(
      mapping(
        "prefix: /(seldon.protos.*|tensorflow.serving.*|inference.*)/.*\nprefix_regex: true\ngrpc: true\nheaders: { seldon: iris, namespace: models }",
      ),
    ),
  ],
  "no-such-service": [edited(["shopp:80", "shop:80"])],
  "no-endpoint-slices": [
    edited([
      "---\n",
      "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: { name: shop-1, namespace: models, labels: { kubernetes.io/service-name: shop } }\naddressType: IPv4\nports: [{ name: http, port: 80 }]\nendpoints: [{ addresses: [10.0.0.1] }]\n---\n",
    ]),
  ],
  "address-refused": [edited(["169.254.169.254", "10.0.0.1"])],
  "tls-missing": [
    instead(
      file(
        `${mappingOf("iris", ", tls: model-ca")}\n---\n${platformOf("TLSContext", "model-ca", "alpn_protocols: h2").replace("namespace: default", "namespace: models")}`,
      ),
    ),
  ],
  "bad-yaml": [edited(["spec: { predictors: [", plainDeployment("iris", "models")])],
  template: elsewhere,
  "not-an-object": [edited(["metadata: { name: iris }", plainDeployment("iris", "models")])],
  "bad-name": [instead(deployment("spec.predictors[1]: { name: next-1, graph: { name: classifier }, traffic: 0 }"))],
  "nothing-read": [instead(file(plainDeployment("iris", "models")))],
  differs: [instead(annotation('seldon.io/ambassador-retries: "25"'))],
  opens: [
    instead(
      file(`${plainDeployment("iris", "models")}
---
${platformOf("AuthService", "auth", "auth_service: 'auth:3000', proto: http")}`),
    ),
    given({ options: "--back --ambassador-id blue" }),
  ],
  "ends-release": [removed],
  "no-policy": [given({ policy: "{}" })],
};

/** What a cure leaves: another Problem of the same example that it does not speak of. */
const left: Partial<Record<ProblemCode, readonly string[]>> = {
  "address-refused": ["nothing-read"],
  opens: ["nothing-read"],
};

describe("the advice of a Problem ends it:", () => {
  for (const [code, { example }] of Object.entries(problemEntries) as [
    ProblemCode,
    (typeof problemEntries)[ProblemCode],
  ][]) {
    if (example.kind === "situation") continue;
    test(code, async () => {
      const cures = followed[code];
      expect(cures).toBeDefined();
      if (cures === undefined || cures === elsewhere) return;
      for (const [index, follow] of cures.entries()) {
        const after = await problemsOf(follow(example));
        const shown = after.filter((one) => one.code === code || !background.has(one.code) || one.level === "error");
        expect
          .soft(
            shown.flatMap((one) =>
              left[code]?.includes(one.code) === true ? [] : `${one.code} ${one.field}: ${one.sentence}`,
            ),
            `${code} ${index}`,
          )
          .toEqual([]);
      }
    });
  }
});
