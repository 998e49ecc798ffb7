// Problem codes of Mappings, and of fields of any object.
import {
  annotation,
  either,
  error,
  file,
  info,
  mapping,
  platform,
  situation,
  warning,
  type ProblemEntry,
} from "./entry.ts";

export const fieldProblems = {
  "bad-value": either(
    ["error", "warning"],
    "A value cannot be read, or cannot be used. `error`: it decides which requests come, who may call or what share they get, so the object, or the predictor that has it, is not served without it, or its last good form is. A rollout that cannot be read moves nothing. `warning`: it says only how, and the sentence says what holds instead.",
    mapping("weight: many"),
    "Write what the sentence names. In an annotation, write numbers, `true` and `false` in quotes.",
  ),
  "unknown-field": either(
    ["warning", "error"],
    "A key is not known here and is ignored. `error`: it may decide who gets which requests, so the object keeps its last good form; without one it is not served. In a Host, TLSContext, AuthService or RateLimitService every unknown key is an error.",
    mapping("timout_ms: 5000"),
    "Correct its spelling or its place as the sentence says, or remove it.",
  ),
  "empty-field": either(
    ["warning", "error"],
    "A field has no value and counts as not written. `error`: without one a Host, TLSContext, Module, AuthService or RateLimitService would admit more, so its last good form holds, or it closes.",
    mapping("weight: null"),
    "Write its value, or remove it.",
  ),
  "field-lost": either(
    ["warning", "error"],
    "Sluice does not have this field of Ambassador and ignores it. `error`: it kept requests away, which are now served.",
    mapping("keepalive: { time: 5 }"),
    "Remove it. The sentence names what to write in its place, if there is something.",
  ),
  "field-without-effect": info(
    "Sluice does not read this field of Ambassador, and serves the same without it.",
    mapping("docs: { path: /docs }"),
    "Nothing.",
  ),
  "field-ignored": warning(
    "A field is ignored because another field is there, or is not.",
    mapping("path_redirect: /v2/"),
    "Remove the field, or write the other one that the sentence names.",
  ),
  "host-selector": error(
    "A Host selects its Mappings by labels, which Sluice does not. Nothing is served on the host, because it would serve the Mappings of others too.",
    {
      kind: "fields",
      object: "Host",
      lines: ["spec.mappingSelector: { matchLabels: { team: one } }"],
      beside: { options: "--gateway-namespace default" },
    },
    "Remove the selector, and write `hostname` (v3alpha1) or `host` (v2) in each Mapping.",
  ),
  differs: either(
    ["info", "warning"],
    "Sluice serves this with another outcome than Seldon's operator and Ambassador, and the sentence says which. `warning`: Sluice cuts calls that Ambassador answered, or sends live requests where Seldon sent copies.",
    annotation('seldon.io/ambassador-retries: "40"'),
    "Write what the sentence names for the outcome that you had, or do nothing, if you want that of Sluice. [COMPATIBILITY.md](COMPATIBILITY.md#problems-that-tell-a-difference) lists the differences.",
  ),
  "over-limit": either(
    ["error", "warning"],
    "There is more of something than Sluice takes, or it is larger: a file, a document, a folder, hosts, certificates, Secrets, edits of headers, or the Mappings of a namespace. What is beyond the limit is not read or not served; the sentence names the limit. `warning`: the first ones count.",
    situation(
      "A whole cluster was exported into one file of more than 64 MiB, or 51 Mappings of one namespace have a regex.",
    ),
    "Write less of it, or divide it as the sentence says.",
  ),
  "more-problems": either(
    ["error", "warning", "info"],
    "An object or a file has more Problems than are listed one by one.",
    situation("A TLSContext lists more than a hundred hosts that are not host names."),
    "Correct the Problems that are listed, and read the list again.",
  ),
} as const satisfies Readonly<Record<string, ProblemEntry>>;

export const mappingProblems = {
  "unescaped-prefix": warning(
    "A prefix has letters that nearly all clients escape. It does not match their requests.",
    mapping("prefix: /seldon/models/modèle/"),
    "Write the prefix escaped, as the sentence has it.",
  ),
  "shadow-redirect": error(
    "A Mapping has `shadow` and `host_redirect`. A shadow cannot redirect, so Sluice ignores the redirect.",
    mapping("shadow: true\nhost_redirect: true"),
    "Remove one of the two.",
  ),
  "shadow-slash": error(
    "The prefix of a shadow differs from that of the live Mapping by its last slash only. They are two Routes, and the shadow gets no copies.",
    file(`
apiVersion: getambassador.io/v2
kind: Mapping
metadata: { name: live, namespace: models }
spec: { prefix: /seldon/models/iris/, service: "iris-main:8000" }
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: { name: copy, namespace: models }
spec: { prefix: /seldon/models/iris, service: "iris-next:8000", shadow: true }
`),
    "Write the same prefix in both.",
  ),
  "bad-document": error(
    "A document of Ambassador cannot be read: in `seldon.io/ambassador-config`, in `getambassador.io/config`, or an object of its own. Its object keeps its last good form; without one it is not served.",
    annotation(
      'seldon.io/ambassador-config: "{ apiVersion: ambassador/v9, kind: Mapping, name: iris, prefix: /seldon/models/iris/, service: iris-main:8000 }"',
    ),
    "Write apiVersion, kind, name and its fields, and correct what other Problems of the document name.",
  ),
  "kind-not-served": either(
    ["warning", "error"],
    "Sluice does not serve this kind of Ambassador. `error`: a Module that is not named `ambassador`.",
    file(`
apiVersion: getambassador.io/v2
kind: TCPMapping
metadata: { name: redis, namespace: models }
spec: { port: 6379, service: "redis:6379" }
`),
    "Remove it, or keep another gateway for it.",
  ),
  "unknown-kind": error(
    "A kind that the group of its apiVersion does not have, or a document that was an object and has lost its kind or apiVersion. The object keeps its last good form; without one it is not served.",
    file(`
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeploymnt
metadata: { name: iris, namespace: models }
spec: {}
`),
    "Write what the sentence names.",
  ),
} as const satisfies Readonly<Record<string, ProblemEntry>>;

export const platformProblems = {
  "several-modules": error(
    "Two Modules are for the same ambassador-id. The defaults of the first one count. Of keys about every request the strictest value of all counts.",
    file(
      `
apiVersion: getambassador.io/v2
kind: Module
metadata: { name: ambassador, namespace: default }
spec: { config: {} }
---
apiVersion: getambassador.io/v2
kind: Module
metadata: { name: ambassador, namespace: edge }
spec: { config: {} }
`,
      { grants: "grants:\n  - namespace: edge\n    gateway: true" },
    ),
    "Write all keys in one Module.",
  ),
  "service-contested": error(
    "Two AuthServices differ, or there are two RateLimitServices. Requests that would ask them get 500.",
    file(`
apiVersion: getambassador.io/v2
kind: AuthService
metadata: { name: one, namespace: default }
spec: { auth_service: "auth:3000", proto: http }
---
apiVersion: getambassador.io/v2
kind: AuthService
metadata: { name: two, namespace: default }
spec: { auth_service: "auth:3000", proto: http, path_prefix: /check }
`),
    "Make the AuthServices alike, or remove one.",
  ),
  "service-unreachable": either(
    ["warning", "error"],
    "Nobody answers for an AuthService or a RateLimitService: it names the gateway's own pod, as Ambassador Edge Stack's do, or its Service has no ready Endpoint. The sentence says what requests get until then.",
    platform("AuthService", 'auth_service: "127.0.0.1:8500"'),
    "Name a Service that answers, or remove the object.",
  ),
  "domain-not-served": either(
    ["warning", "error"],
    "A Mapping has labels for a domain that no RateLimitService has, so they limit nothing. `error`: the domain is a misspelling of the one that exists, and the gateway rejects requests with these labels.",
    file(`
apiVersion: getambassador.io/v2
kind: RateLimitService
metadata: { name: limits, namespace: default }
spec: { service: "limits:8081", protocol_version: v3, domain: models }
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: { name: iris, namespace: models }
spec: { prefix: /seldon/models/iris/, service: "iris-main:8000", labels: { other: [{ all: [{ remote_address: { key: remote_address } }] }] } }
`),
    "Write the domain of the RateLimitService, or remove the labels.",
  ),
} as const satisfies Readonly<Record<string, ProblemEntry>>;
