// No slip widens who gets traffic: every key of every kind of condition, share and guard, moved, misspelt or of another type, at a start and as an edit of
// what is served.
import { describe, expect, test } from "vitest";
import { build } from "../../../gateway/tools/manifests.ts";
import { trimmedObject } from "../../../k8s/translate/deployments/trimmed-object.ts";
import { objectKey, type SourceObject } from "../../../k8s/translate/model/object.ts";
import type { Translation } from "../../../k8s/translate/model/translation.ts";
import { Translator } from "../../../k8s/translate/translator.ts";
import { decide } from "../../../routing/decide.ts";
import { headOf, type HeadText } from "../../../routing/request/head-text.ts";
import { compareText } from "../../../routing/text/problem.ts";
import { clusterSettings, service } from "./objects.ts";
import { slipsOf, type Slip, type Tree } from "./slips.ts";
import { requestsFor } from "./typing-errors.ts";

interface World {
  readonly name: string;
  readonly subject: Tree;
}

const guard = { "sluice.io/auth": "corp" };

const mapping = (spec: Tree, metadata: Tree = {}): Tree => ({
  apiVersion: "getambassador.io/v2",
  kind: "Mapping",
  metadata: { name: "subject", namespace: "p", ...metadata },
  spec: { prefix: "/seldon/p/m/", service: "main:8000", ...spec },
});
const deployment = (predictors: readonly Tree[], metadata: Tree = {}, spec: Tree = {}): Tree => ({
  apiVersion: "machinelearning.seldon.io/v1",
  kind: "SeldonDeployment",
  metadata: { name: "subject", namespace: "p", ...metadata },
  spec: { ...spec, predictors },
});
const main = { name: "main", graph: { name: "c", type: "MODEL", children: [] } };
const annotated = (annotations: Tree): Tree =>
  deployment([main], { annotations: { "seldon.io/ambassador-service-name": "m", ...annotations } });

const mappings: readonly Tree[] = [
  { headers: { "x-user": "me" } },
  { regex_headers: { "x-user": "m.*" } },
  { query_parameters: { debug: "1" } },
  { regex_query_parameters: { debug: "y.*" } },
  { method: "GET" },
  { method: "G.*", method_regex: true },
  { hostname: "a.com" },
  { host: "a.com" },
  { weight: 10 },
  { shadow: true },
  { prefix_exact: true },
  { precedence: -1 },
  { ambassador_id: ["other"] },
  { labels: { ambassador: [{ group: [{ generic_key: { value: "x" } }] }] } },
  { auth_context_extensions: { team: "a" }, hostname: "a.com" },
  { hostname: "a.com", v2ExplicitTLS: {} },
  {
    hostname: "a.com",
    cors: { origins: ["https://a.com"], max_age: "5" },
    retry_policy: { retry_on: "5xx", num_retries: 2 },
    circuit_breakers: [{ max_connections: 7 }],
    add_request_headers: { "x-a": { value: "b", append: false } },
    timeout_ms: 100,
  },
];

const two = (canary: Tree, live: Tree = {}): readonly Tree[] => [
  { name: "main", ...live, graph: main.graph },
  { name: "canary", ...canary, graph: main.graph },
];

const worlds: readonly World[] = [
  ...mappings.map((spec) => ({ name: `Mapping ${JSON.stringify(spec).slice(0, 40)}`, subject: mapping(spec) })),
  { name: "Mapping guard", subject: mapping({ hostname: "a.com" }, { annotations: guard }) },
  {
    name: "Mapping guards",
    subject: mapping(
      {},
      {
        labels: { app: "m" },
        annotations: { "sluice.io/allow": "10.0.0.0/8", "sluice.io/rate-limit": "5/s", "prometheus.io/scrape": "true" },
      },
    ),
  },
  {
    name: "Mapping of everything",
    subject: mapping(
      {
        hostname: "a.com",
        method: "GET",
        headers: { "x-user": "me" },
        query_parameters: { debug: "1" },
        weight: 10,
        case_sensitive: true,
        timeout_ms: 100,
        tls: "context",
        cors: { origins: "*" },
        retry_policy: { retry_on: "5xx" },
        circuit_breakers: [{ max_connections: 7 }],
        load_balancer: { policy: "round_robin" },
        add_response_headers: { "x-a": "b" },
      },
      { labels: { app: "m" }, annotations: { ...guard, "sluice.io/allow": "10.0.0.0/8" } },
    ),
  },
  {
    name: "SeldonDeployment of everything",
    subject: deployment(
      two(
        {
          traffic: 5,
          labels: { version: "v2" },
          annotations: { "seldon.io/svc-name": "other" },
          ssl: { certSecretName: "cert" },
          explainer: { type: "AnchorTabular" },
        },
        {
          traffic: 95,
          componentSpecs: [{ metadata: { labels: { app: "c" } }, spec: { containers: [{ name: "c" }] } }],
        },
      ),
      { labels: { app: "m" }, annotations: { ...guard, "prometheus.io/scrape": "true" } },
      {
        name: "old",
        protocol: "v2",
        annotations: { "seldon.io/ambassador-header": "x-user: me", "seldon.io/rest-timeout": "100" },
      },
    ),
  },
  { name: "traffic", subject: deployment(two({ traffic: 5 }, { traffic: 95 })) },
  {
    name: "traffic beside annotations",
    subject: deployment(
      two({ traffic: 5, annotations: { "seldon.io/svc-name": "other" } }, { traffic: 95, annotations: { a: "b" } }),
    ),
  },
  { name: "shadow", subject: deployment(two({ shadow: true })) },
  {
    name: "pods",
    subject: deployment([
      {
        name: "main",
        traffic: 95,
        labels: { version: "v1" },
        graph: { name: "c", children: [{ name: "d", endpoint: { type: "REST" } }] },
        componentSpecs: [{ metadata: { labels: { app: "c" } }, spec: { containers: [{ name: "c", image: "c:1" }] } }],
      },
      { name: "canary", traffic: 5, graph: { name: "c" }, svcOrchSpec: { env: [{ name: "A", value: "b" }] } },
    ]),
  },
  { name: "ssl", subject: deployment([{ ...main, ssl: { certSecretName: "cert" } }]) },
  {
    name: "explainer",
    subject: deployment([{ ...main, explainer: { type: "AnchorTabular", endpoint: { service_port: 9001 } } }]),
  },
  { name: "svc-name", subject: deployment([{ ...main, annotations: { "seldon.io/svc-name": "other" } }]) },
  { name: "guard", subject: deployment([main], { annotations: guard }) },
  { name: "guard in spec", subject: deployment([main], {}, { annotations: guard }) },
  {
    name: "guards",
    subject: deployment([main], {
      labels: { app: "m" },
      annotations: { "sluice.io/deny": "10.0.0.0/8", "sluice.io/rate-limit": "5/s" },
    }),
  },
  { name: "header", subject: annotated({ "seldon.io/ambassador-header": "x-user: me" }) },
  { name: "regex-header", subject: annotated({ "seldon.io/ambassador-regex-header": "x-user: m.*" }) },
  { name: "weight", subject: annotated({ "seldon.io/ambassador-weight": "10" }) },
  { name: "shadow of another", subject: annotated({ "seldon.io/ambassador-shadow": "true" }) },
  { name: "ambassador-id", subject: annotated({ "seldon.io/ambassador-id": "other" }) },
  {
    name: "sluice.io/traffic",
    subject: deployment(two({}), { annotations: { "sluice.io/traffic": "main=95,canary=5" } }),
  },
  {
    name: "config",
    subject: deployment([main], {
      annotations: {
        ...guard,
        "seldon.io/ambassador-config":
          "apiVersion: ambassador/v2\nkind: Mapping\nname: c\nprefix: /seldon/p/m/\nhostname: a.com\nservice: main.p:8000\n",
      },
    }),
  },
  {
    name: "Service",
    subject: {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name: "subject",
        namespace: "p",
        annotations: {
          ...guard,
          "getambassador.io/config":
            "apiVersion: ambassador/v2\nkind: Mapping\nname: c\nprefix: /seldon/p/m/\nservice: main.p:8000\n",
        },
      },
      spec: { ports: [{ name: "http", port: 8000 }] },
    },
  },
  {
    name: "AuthService",
    subject: {
      apiVersion: "v1",
      kind: "Service",
      metadata: {
        name: "subject",
        namespace: "p",
        annotations: {
          "getambassador.io/config":
            "apiVersion: ambassador/v2\nkind: AuthService\nname: c\nauth_service: main.p:8000\n",
        },
      },
      spec: { ports: [{ name: "http", port: 8000 }] },
    },
  },
];

/** Another name is another object, which is what somebody may want. */
const skipped = /^(?:kind|apiVersion|metadata\.(?:name|namespace))$|^spec\.ports|\.name$|ambassador-service-name/;

function sourceOf(object: Tree): SourceObject {
  const { kind, apiVersion } = object as { readonly kind: string; readonly apiVersion: string };
  return {
    ref: { kind, namespace: "p", name: "subject" },
    apiVersion,
    origin: "",
    object: JSON.parse(JSON.stringify(trimmedObject(kind, object))) as unknown,
  };
}

const around: readonly SourceObject[] = [
  ...["p/main", "p/other", "p/m-main", "p/subject-main", "p/subject-canary", "p/subject-main-explainer"].flatMap(
    (name) => service(name),
  ),
  {
    ref: { kind: "Mapping", namespace: "p", name: "neighbour" },
    apiVersion: "getambassador.io/v2",
    origin: "",
    object: { ...mapping({ weight: 60 }), metadata: { name: "neighbour", namespace: "p" } },
  },
];

/** What has no name a Source refuses. */
function nameOf({ metadata }: Tree): unknown {
  return typeof metadata === "object" && metadata !== null ? (metadata as Tree)["name"] : undefined;
}

type Shares = ReadonlyMap<string, { readonly share: number; readonly guard: string }>;
const draws = 20;

function sharesOf(translation: Translation, requests: readonly HeadText[]): readonly Shares[] {
  const { table } = build(translation, []);
  return requests.map((request) => {
    const shares = new Map<string, { share: number; guard: string }>();
    for (let index = 0; index < draws; index++) {
      const decision = decide(table, headOf(request), (index + 0.5) / draws);
      if (decision.kind !== "forward") continue;
      const before = shares.get(decision.mapping.id)?.share ?? 0;
      shares.set(decision.mapping.id, { share: before + 1 / draws, guard: JSON.stringify(decision.mapping.guard) });
      if (index === 0)
        for (const { mapping: copy, ready } of decision.shadows)
          if (ready) shares.set(`copy ${copy.id}`, { share: 1, guard: "" });
    }
    return shares;
  });
}

function servedText({ mappings, upstreams, endpoints, settings, hosts }: Translation): string {
  const lines = [
    ...[...mappings].filter(([, { source }]) => source.name === "subject"),
    ...upstreams.keys(),
    ...[...endpoints].map(([key, { ready }]) => [key, ready]),
  ].map((part) => JSON.stringify(part));
  return [...lines.toSorted(compareText), JSON.stringify([settings, hosts])].join("\n");
}

interface Wide {
  readonly what: string;
  readonly wider: string;
  /** The gravest of the new Problems. */
  readonly said: "error" | "warning" | "nothing";
  readonly kind: Slip["kind"];
}

/** Says something else that can be read: maps without conditions, another provider, another rank. */
const another =
  /^spec\.(?:prefix|service) = |^spec\.tls = true$|^(?:(?:metadata|spec)\.annotations|spec\.(?:regex_)?(?:headers|query_parameters)) = \{(?:"a":"b")?\}$|sluice\.io\/auth = (?:7|-1|true|"nonsense.*)$|^spec\.precedence = 7$/;
/** Of a Service that has no documents any more nothing says that it had some. */
const unknowable = "metadata.annotations = null: nobody is asked any more";

class Walk {
  readonly #world: World;
  readonly #key: string;
  readonly #translator = new Translator({ ...clusterSettings, gatewayNamespace: "p", ambassadorIds: ["default"] });
  readonly #requests: readonly HeadText[];
  readonly #before: readonly Shares[];
  readonly #without: readonly Shares[];
  readonly #served: string;
  readonly #none: string;
  readonly #auth: string;
  readonly #known: ReadonlySet<string>;
  slips = 0;

  constructor(world: World) {
    this.#world = world;
    this.#key = objectKey(sourceOf(world.subject).ref);
    this.#translator.apply({ set: around, removed: [] });
    this.#none = servedText(this.#translator.current());
    const others = [...this.#translator.current().mappings.values()];
    this.#set(world.subject);
    const served = this.#translator.current();
    this.#requests = [
      ...new Map(
        [...served.mappings.values(), ...others]
          .flatMap(requestsFor)
          .map((request) => [JSON.stringify(request), request]),
      ).values(),
    ];
    this.#before = sharesOf(served, this.#requests);
    this.#served = servedText(served);
    this.#auth = JSON.stringify(served.settings.external);
    this.#known = new Set(served.problems.map((problem) => JSON.stringify(problem)));
    this.#remove();
    this.#without = sharesOf(this.#translator.current(), this.#requests);
  }

  #set(object: Tree): void {
    this.#translator.apply({ set: [sourceOf(object)], removed: [] });
  }

  #remove(): void {
    this.#translator.apply({ set: [], removed: [this.#key] });
  }

  /** `live`: as an edit of what is served. */
  widened(live: boolean): readonly Wide[] {
    const found: Wide[] = [];
    for (const slip of slipsOf(this.#world.subject, (path) => skipped.test(path))) {
      if (another.test(slip.what) || nameOf(slip.object) !== "subject") continue;
      this.slips += 1;
      if (live) this.#set(this.#world.subject);
      this.#set(slip.object);
      const wide = this.#wider(slip);
      if (wide !== null) found.push(wide);
      this.#remove();
    }
    return found;
  }

  #wider({ what, kind: slip }: Slip): Wide | null {
    const now = this.#translator.current();
    const text = servedText(now);
    if (text === this.#served) return null;
    const { kind } = now.settings.external.auth;
    const told = now.problems.filter((problem) => !this.#known.has(JSON.stringify(problem)));
    const said = told.some(({ level }) => level === "error")
      ? "error"
      : told.some(({ level, code }) => level === "warning" && code === "empty-field")
        ? "warning"
        : "nothing";
    if (this.#auth.includes('"service"') && kind === "none")
      return { what, wider: "nobody is asked any more", said, kind: slip };
    if (text === this.#none) return null;
    const shares = sharesOf(now, this.#requests);
    for (const [index, request] of this.#requests.entries()) {
      for (const [id, { share, guard: by }] of shares[index]!) {
        const [then, else_] = [this.#before[index]!.get(id), this.#without[index]!.get(id)];
        if (share > Math.max(then?.share ?? 0, else_?.share ?? 0) + 1e-6)
          return {
            what,
            wider: `${id} gets ${share.toFixed(2)} instead of ${(then?.share ?? 0).toFixed(2)} of ${JSON.stringify(request)}`,
            said,
            kind: slip,
          };
        if (then !== undefined && by !== then.guard)
          return { what, wider: `${id} has the guard ${by} instead of ${then.guard}`, said, kind: slip };
      }
    }
    return null;
  }
}

describe.each(worlds)("$name", (world) => {
  test.each([
    ["at a start", false],
    ["as an edit", true],
  ] as const)("%s", (_when, live) => {
    const walk = new Walk(world);
    const wide = walk.widened(live);
    if (process.env["SLIPS"] !== undefined)
      for (const { what, wider, said } of wide) console.log(`WIDE ${_when} ${said} ${what}: ${wider}`);
    expect(
      wide
        .filter(({ said, kind }) => (live || said !== "error") && !(kind === "emptied" && said === "warning"))
        .map(({ what, wider }) => `${what}: ${wider}`)
        .filter((line) => live || line !== unknowable),
    ).toEqual([]);
    expect(walk.slips).toBeGreaterThan(60);
  });
});
