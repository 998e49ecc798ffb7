// `sluice diff`: each thing that sends requests elsewhere is shown, and nothing else is.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FakeApi } from "../../k8s/source/cluster/fake-api.ts";
import { runTool, type Ran } from "./run-tool.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-diff-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

const deployment = (
  name: string,
  {
    annotations = "{}",
    main = 90,
    canary = 100 - main,
    rest = "",
  }: { annotations?: string; main?: number; canary?: number; rest?: string } = {},
): string =>
  `apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: { name: ${name}, namespace: prod, annotations: ${annotations} }\nspec: { predictors: [{ name: main, graph: { name: c }, traffic: ${main} }, { name: canary, graph: { name: c }, traffic: ${canary} }${rest}] }\n`;
const mapping = (spec: string): string =>
  `apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: { name: m, namespace: prod }\nspec: { prefix: /m/, service: one, ${spec} }\n`;

async function compared(old: readonly string[], next: readonly string[], ...argv: string[]): Promise<Ran> {
  for (const [name, documents] of [
    ["old", old],
    ["new", next],
  ] as const) {
    rmSync(at(name), { recursive: true, force: true });
    mkdirSync(at(name));
    documents.forEach((document, index) => writeFileSync(join(at(name), `${index}.yaml`), document));
  }
  return runTool("diff", at("old"), at("new"), ...argv);
}

interface Told {
  readonly differences: readonly {
    readonly title: string;
    readonly kind: string;
    readonly changes: readonly { readonly aspect: string; readonly before: string; readonly after: string }[];
  }[];
  readonly same: number;
}

async function told(old: readonly string[], next: readonly string[], ...argv: string[]): Promise<Told> {
  return JSON.parse((await compared(old, next, "-o", "json", ...argv)).out) as Told;
}

test("the same objects, written otherwise, in other files and in another order, are no difference", async () => {
  const json = JSON.stringify({
    apiVersion: "machinelearning.seldon.io/v1",
    kind: "SeldonDeployment",
    metadata: { namespace: "prod", name: "a" },
    spec: {
      predictors: [
        { graph: { name: "c" }, traffic: 90, name: "main" },
        { name: "canary", graph: { name: "c" }, traffic: 10 },
      ],
    },
  });
  expect(
    await compared([deployment("a"), deployment("b")], [`${deployment("b")}---\n${json}\n`], "--exit-code"),
  ).toEqual({
    code: 0,
    out: "no request would go elsewhere; 2 the same\n",
    err: "",
  });
});

test("deployments that appear and vanish, and shares that move, by REST and gRPC", async () => {
  const old = [deployment("a"), deployment("b"), deployment("c")];
  const { code, out, err } = await compared(old, [deployment("a", { main: 50 }), deployment("c"), deployment("d")]);
  expect([code, err]).toEqual([0, ""]);
  expect(out).toBe(`prod/a changes
  shares            canary 10%, main 90% → canary 50%, main 50%  (gRPC seldon: a, namespace: prod; REST /seldon/prod/a/… and 1 more)

prod/b vanishes
  shares            canary 10%, main 90% → no Route  (gRPC seldon: b, namespace: prod; REST /seldon/prod/b/… and 1 more)

prod/d appears
  shares            canary 10%, main 90%  (gRPC seldon: d, namespace: prod; REST /seldon/prod/d/… and 1 more)

1 appears, 1 vanishes, 1 changes; 1 the same
`);
  expect((await compared(old, [deployment("a")], "--exit-code")).code).toBe(1);
});

const service = (port: number): string =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: a-main, namespace: prod }\nspec: { ports: [{ name: http, port: ${port} }] }\n`;

test.each<readonly [aspect: string, old: string, next: string, before: string, after: string]>([
  [
    "timeout",
    deployment("a"),
    deployment("a", { annotations: '{ seldon.io/rest-timeout: "5000" }' }),
    "3000 ms",
    "5000 ms",
  ],
  [
    "retries",
    deployment("a"),
    deployment("a", { annotations: '{ seldon.io/ambassador-retries: "3" }' }),
    "as usual",
    "3 on gateway-error",
  ],
  [
    "limits",
    deployment("a"),
    deployment("a", { annotations: "{ sluice.io/rate-limit: 9/s }" }),
    "as usual",
    "9/s (sluice.io/rate-limit of SeldonDeployment prod/a)",
  ],
  [
    "addresses",
    deployment("a"),
    deployment("a", { annotations: "{ sluice.io/deny: 10.0.0.0/8 }" }),
    "as usual",
    "not from 10.0.0.0/8 (sluice.io/deny of SeldonDeployment prod/a)",
  ],
  [
    "who may call",
    deployment("a"),
    deployment("a", { annotations: "{ sluice.io/auth: keys }" }),
    "anybody",
    "nobody: the policy has no provider keys, so Sluice rejects every request: write none, as the policy declares no provider, or have it declared there (--policy)",
  ],
  [
    "copies",
    deployment("a"),
    deployment("a", { rest: ", { name: next, graph: { name: c }, shadow: true, traffic: 100 }" }),
    "none",
    "next 100%",
  ],
  ["goes to", mapping(""), mapping("").replace("service: one", "service: two"), "one.prod:80", "two.prod:80"],
  [
    "request headers",
    mapping("add_request_headers: { x-a: one }"),
    mapping("add_request_headers: { x-a: secret }"),
    "with x-a",
    "with x-a, changed",
  ],
  ["response headers", mapping(""), mapping("remove_response_headers: [server]"), "as usual", "without server"],
  ["path", mapping(""), mapping("rewrite: /v2/"), "becomes /", "becomes /v2/"],
  ["host", mapping(""), mapping("host_rewrite: b.example"), "as usual", "b.example"],
  ["idle timeout", mapping(""), mapping("idle_timeout_ms: 1000"), "300000 ms", "1000 ms"],
  ["balancing", mapping(""), mapping("load_balancer: { policy: round_robin }"), "as usual", "round-robin"],
  ["other fields", mapping(""), mapping("cors: { origins: [https://a.example] }"), "as usual", "CORS"],
  [
    "other fields",
    mapping("cors: { origins: [https://a.example] }"),
    mapping("cors: { origins: [https://b.example] }"),
    "CORS",
    "CORS, changed",
  ],
  [
    "connections to the model",
    mapping(""),
    mapping("circuit_breakers: [{ max_requests: 5 }]"),
    "http1",
    "http1, circuit breaker",
  ],
  [
    "redirect",
    mapping("host_redirect: true"),
    mapping("host_redirect: true, redirect_response_code: 308"),
    "301",
    "308",
  ],
])("%s", async (aspect, old, next, before, after) => {
  const { differences } = await told([old], [next]);
  expect(differences).toHaveLength(1);
  expect(differences[0]!.changes.filter((change) => change.aspect === aspect)).toMatchObject([{ before, after }]);
  expect(JSON.stringify(differences)).not.toContain("secret");
});

test("a Route of a header that appears is a change of its deployment, and names its condition", async () => {
  const { out } = await compared(
    [deployment("a")],
    [
      deployment("a"),
      deployment("b", {
        annotations: '{ seldon.io/ambassador-service-name: a, seldon.io/ambassador-header: "location: london" }',
      }),
    ],
  );
  expect(out).toMatch(/^prod\/a changes\n {2}shares {12}no Route → .* \(.*with location: london/);
});

test("which Endpoints are ready is no difference", async () => {
  const slice = (ready: boolean): string =>
    `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: { name: x, namespace: prod, labels: { kubernetes.io/service-name: a-main } }\nports: [{ name: http, port: 1 }]\nendpoints: [{ addresses: [10.0.0.1], conditions: { ready: ${ready} } }]\n`;
  const { differences } = await told(
    [deployment("a"), service(8000), slice(true)],
    [deployment("a"), service(8000), slice(false)],
  );
  expect(differences).toEqual([]);
});

test("the Module is of every request", async () => {
  const module =
    "apiVersion: getambassador.io/v2\nkind: Module\nmetadata: { name: ambassador, namespace: default }\nspec: { config: { xff_num_trusted_hops: 1 } }\n";
  expect(await told([deployment("a")], [deployment("a"), module])).toMatchObject({
    differences: [{ title: "every request", changes: [{ aspect: "Module" }] }],
    same: 1,
  });
});

test("what a side does not serve is said, and an empty folder is one without Routes", async () => {
  const { code, out } = await compared([deployment("a")], ["{{{\n"]);
  expect(code).toBe(1);
  expect(out).toContain(`${at("new")} has 1 Problem at level error, and what is not served is not compared: `);
  expect(out).toContain("prod/a vanishes\n");
  expect((await compared([], [deployment("a")])).out).toContain("1 appears; 0 the same\n");
});

describe("Markdown", () => {
  test("is a table, and its first line says how much differs", async () => {
    const { out } = await compared([deployment("a")], [deployment("a", { main: 50 })], "-o", "markdown");
    expect(out.split("\n")).toEqual([
      "**sluice diff**: 1 changes; 0 the same",
      "",
      "| deployment | | what | before | after | requests |",
      "| --- | --- | --- | --- | --- | --- |",
      expect.stringMatching(
        /^\| prod\/a \| changes \| shares \| canary 10%, main 90% \| canary 50%, main 50% \| .* \|$/,
      ),
      "",
      "",
    ]);
  });

  test("holds nothing that a tenant wrote as more than text", async () => {
    const hostile = JSON.stringify("x|<img src=a>`*[a](http://b.example)@admin#1");
    const { out } = await compared([], [mapping(`headers: { x-a: ${hostile} }`)], "-o", "markdown");
    const row = out.split("\n").find((line) => line.startsWith("| ") && line.includes("img"))!;
    expect(row.match(/\|/g)).toHaveLength(7);
    expect(row).not.toMatch(/[<>`*[\]@]|:\/\/|(?<!&)#/);
  });
});

describe("use", () => {
  test.each([[], ["one"], ["one", "two", "three"], ["--cluster"], ["--cluster", "one", "two"]])(
    "%j is wrong",
    async (...argv) => {
      expect((await runTool("diff", ...argv)).code).toBe(2);
    },
  );

  test("a folder that is not there is one sentence", async () => {
    await compared([deployment("a")], []);
    for (const argv of [
      [at("none"), at("new")],
      [at("old"), at("none")],
    ])
      expect(await runTool("diff", ...argv)).toEqual({
        code: 1,
        out: "",
        err: `sluice diff: ${at("none")} is neither a directory nor a .yaml, .yml or .json file that exists\n`,
      });
  });
});

test("a cluster is the old side", async () => {
  const api = await FakeApi.start();
  try {
    const path = "/apis/machinelearning.seldon.io/v1/seldondeployments";
    api.installed.add(path);
    const predictors = ["main", "canary"].map((name) => ({ name, graph: { name: "c" }, traffic: 50 }));
    api.put(path, { metadata: { namespace: "prod", name: "a" }, spec: { predictors } });
    writeFileSync(
      at("kubeconfig"),
      JSON.stringify({
        "current-context": "f",
        clusters: [
          { name: "f", cluster: { server: `http://127.0.0.1:${api.port}`, "insecure-skip-tls-verify": true } },
        ],
        users: [{ name: "u", user: { token: "t" } }],
        contexts: [{ name: "f", context: { cluster: "f", user: "u" } }],
      }),
    );
    await compared([], [deployment("a")]);
    const { code, out } = await runTool("diff", "--cluster", "--kubeconfig", at("kubeconfig"), at("new"));
    expect(code).toBe(0);
    expect(out).toMatch(
      /^prod\/a changes\n {2}shares {12}canary 50%, main 50% → canary 10%, main 90% [^\n]*\n\n1 changes; 0 the same\n$/,
    );
  } finally {
    await api.stop();
  }
});

test("a file that cannot be read may differ: --exit-code says so, and so does the exit code where nothing else is read", async () => {
  const [one, broken] = [deployment("a"), "kind: ["];
  expect((await compared([one], [one, broken], "--exit-code")).code).toBe(1);
  expect((await compared([one, broken], [one], "--exit-code")).code).toBe(1);
  expect((await compared([one], [one, broken])).code).toBe(0);
  expect((await compared([one], [broken])).code).toBe(1);
  expect((await compared([broken], [one])).code).toBe(1);
  expect((await compared([], [one])).code).toBe(0);
});
