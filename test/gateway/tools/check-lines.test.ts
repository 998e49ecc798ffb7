// What `check` prints, and how much of it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keysOfCode, linesOfCode, printProblems } from "../../../gateway/tools/check/problem-list.ts";
import type { Problem, ProblemCode } from "../../../routing/text/problem.ts";
import { FakeApi } from "../../k8s/source/cluster/fake-api.ts";
import { runTool, type Ran } from "./run-tool.ts";

let folder: string;

const at = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-lines-"));
});

afterAll(() => rmSync(folder, { recursive: true }));

const deployment = (name: string, annotations = "{}", predictors = "[{ name: main, graph: { name: c } }]"): string =>
  `apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: { name: ${name}, namespace: prod, annotations: ${annotations} }\nspec: { predictors: ${predictors} }\n`;

async function checked(documents: readonly string[], ...argv: string[]): Promise<Ran> {
  writeFileSync(at("all.yaml"), documents.join("---\n"));
  return runTool("check", at("all.yaml"), ...argv);
}

describe("lines of one code", () => {
  const listing = { all: false, originOf: () => "" };
  const problem = (code: ProblemCode, name: string, field = ""): Problem => ({
    code,
    level: "error",
    subject: { kind: "Mapping", namespace: "prod", name },
    field,
    sentence: "x",
  });
  const many = (count: number, name = (index: number): string => `m${index}`): Problem[] =>
    Array.from({ length: count }, (_, index) => problem("bad-name", name(index), `spec.predictors[${index}].name`));

  test("are all printed up to the bound", () => {
    for (const count of [linesOfCode - 1, linesOfCode])
      expect(printProblems(many(count), listing).split("\n")).toHaveLength(count + 1);
  });

  test("are folded beyond it, with the number of the others, and --all prints them", () => {
    expect(printProblems(many(linesOfCode + 1), listing)).toMatch(
      new RegExp(
        `^(?:error bad-name Mapping .*\\n){${linesOfCode}}… and 1 more of error bad-name in name, on 1 object: --all prints it\\n$`,
      ),
    );
    expect(printProblems(many(85_004), listing)).toMatch(
      /… and 84999 more of error bad-name in name, on 84999 objects: --all prints them\n$/,
    );
    expect(printProblems(many(linesOfCode + 1), { ...listing, all: true }).split("\n")).toHaveLength(linesOfCode + 2);
  });

  test("of an object with many hide no other object of that code, and no other code", () => {
    const text = printProblems(
      [
        ...many(100, () => "noisy"),
        problem("bad-name", "quiet", "spec.predictors[0].name"),
        problem("bad-value", "noisy"),
      ],
      listing,
    );
    expect(text).toContain("error bad-name Mapping prod/quiet spec.predictors[0].name: x\n");
    expect(text).toContain("error bad-value Mapping prod/noisy: x\n");
    expect(text).toContain(`and ${101 - linesOfCode} more of error bad-name in name, on 1 object:`);
  });

  test("of another key are others, up to a bound", () => {
    const keys = (count: number): string =>
      printProblems(
        Array.from({ length: count }, (_, index) => [`m${index}`, `n${index}`])
          .flatMap((names, index) => names.map((name) => problem("differs", name, `spec["key${index}"]`)))
          .flatMap((one) => Array.from({ length: linesOfCode }, () => ({ ...one }))),
        listing,
      );
    const more = (text: string): readonly string[] => text.split("\n").filter((line) => line.startsWith("…"));
    expect(more(keys(keysOfCode - 1))).toHaveLength(keysOfCode - 1);
    expect(more(keys(keysOfCode))).toHaveLength(keysOfCode);
    expect(more(keys(keysOfCode + 2))).toHaveLength(keysOfCode + 1);
    expect(more(keys(keysOfCode + 2)).at(-1)).toContain(`and ${3 * linesOfCode} more of error differs, on `);
  });

  test("of another level are others", () => {
    expect(
      printProblems(
        [...many(linesOfCode), ...many(linesOfCode).map((one): Problem => ({ ...one, level: "info" }))],
        listing,
      ),
    ).not.toContain("more of");
  });

  test("are all counted in the last line, and all in -o json", async () => {
    const documents = Array.from({ length: 8 }, (_, index) => deployment(`d${index}`, "{ sluice.io/traffic: x }"));
    const { out } = await checked(documents);
    expect(out).toMatch(
      /\n… and 3 more of error bad-value in sluice\.io\/traffic, on 3 objects: --all prints them\nk8s\/PROBLEMS\.md explains each code\.\n8 error, 0 warning, 0 info in /,
    );
    expect((await checked(documents, "--all")).out.match(/^error bad-value/gm)).toHaveLength(8);
    expect((JSON.parse((await checked(documents, "-o", "json")).out) as { problems: unknown[] }).problems).toHaveLength(
      8,
    );
  });
});

test("each Problem names the file and the line of its object", async () => {
  const documents = [deployment("a"), deployment("b", "{ sluice.io/traffic: x }")];
  const place = `${at("all.yaml")}:6`;
  expect((await checked(documents)).out).toContain(
    `error bad-value SeldonDeployment prod/b (${place}) metadata.annotations["sluice.io/traffic"]: `,
  );
  expect(JSON.parse((await checked(documents, "-o", "json")).out)).toMatchObject({
    problems: [{ code: "bad-value", origin: place }],
  });
  writeFileSync(at("policy.yaml"), "providers: { keys: { kind: api-keys, file: none } }\n");
  expect((await checked([deployment("a")], "--policy", at("policy.yaml"))).out).toContain(
    `Policy policy (${at("policy.yaml")}) providers.keys: `,
  );
});

describe("sluice.io/traffic", () => {
  const two = (main: number, canary: number): string =>
    `[{ name: main, graph: { name: c }, traffic: ${main} }, { name: canary, graph: { name: c }, traffic: ${canary} }]`;

  test("that differs from the spec is a difference from Ambassador", async () => {
    const { out, code } = await checked([
      deployment("iris", '{ sluice.io/traffic: "main=90,canary=10" }', two(50, 50)),
    ]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^1 SeldonDeployment: 1 to look at\n {2}to look at {2}prod\/iris \(\S+:1\): 1 info \(differs\)\n\ndiffers from Ambassador:\ninfo differs SeldonDeployment prod\/iris .*"main" 90 %, "canary" 10 % here, and by the spec alone .*"main" 50 %, "canary" 50 % with the operator's v2 writer/,
    );
  });

  test("that says what the spec says is none", async () => {
    expect(
      (await checked([deployment("iris", '{ sluice.io/traffic: "main=90,canary=10" }', two(90, 10))])).out,
    ).toMatch(/^1 SeldonDeployment: 1 as before\n\nno Problems/);
  });

  test("of a shadow counts as well", async () => {
    const shadowed =
      "[{ name: main, graph: { name: c }, traffic: 100 }, { name: next, graph: { name: c }, traffic: 100, shadow: true }]";
    expect((await checked([deployment("iris", '{ sluice.io/traffic: "main=100,next=10" }', shadowed)])).out).toContain(
      "info differs ",
    );
  });
});

describe("of a gateway that has nothing to do with it", () => {
  const another = "{ seldon.io/ambassador-id: other }";
  const others = [another, "{ seldon.io/ambassador-id: third }"];
  const service =
    "apiVersion: v1\nkind: Service\nmetadata: { name: iris-main, namespace: prod }\nspec: { ports: [{ name: http, port: 8000 }] }\n";

  test("a folder of which all is of another ambassador-id is an error", async () => {
    const { code, out } = await checked([...others.map((one, index) => deployment(`d${index}`, one)), service]);
    expect(code).toBe(1);
    expect(out).toMatch(
      /^error nothing-read File .*all 2 objects are of the ambassador-id other, third, and this gateway's is default, so nothing is served; write --ambassador-id/m,
    );
    expect((await checked([deployment("a", another)])).out).toContain(
      ": the one object is of the ambassador-id other, ",
    );
  });

  test("a folder of Services alone is an error, too", async () => {
    expect(await checked([service])).toMatchObject({
      code: 1,
      out: expect.stringMatching(
        /^error nothing-read File .*: the one object declares no Route, so nothing is served; /,
      ) as string,
    });
  });

  test("one object of its own is enough", async () => {
    expect(await checked([deployment("a", another), deployment("b")])).toMatchObject({
      code: 0,
      out: expect.stringMatching(
        /^2 SeldonDeployments: 1 as before, 1 not ours\n {2}not ours [^\n]*\n\nno Problems/,
      ) as string,
    });
    expect((await checked([deployment("a", another)], "--ambassador-id", "other")).code).toBe(0);
  });

  test("of a cluster too", async () => {
    const api = await FakeApi.start();
    try {
      const deployments = "/apis/machinelearning.seldon.io/v1/seldondeployments";
      api.installed.add(deployments);
      api.put(deployments, {
        metadata: { namespace: "prod", name: "iris", annotations: { "seldon.io/ambassador-id": "other" } },
        spec: { predictors: [{ name: "main", graph: { name: "c" } }] },
      });
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
      expect(await runTool("check", "--cluster", "--kubeconfig", at("kubeconfig"))).toMatchObject({
        code: 1,
        out: expect.stringMatching(
          /^error nothing-read Cluster cluster: the one object is of the ambassador-id other/m,
        ) as string,
      });
    } finally {
      await api.stop();
    }
  });
});

test("a kubeconfig with http is told so, not to log in again", async () => {
  writeFileSync(
    at("kubeconfig"),
    JSON.stringify({
      "current-context": "f",
      clusters: [{ name: "f", cluster: { server: "http://127.0.0.1:1" } }],
      users: [{ name: "u", user: { token: "t" } }],
      contexts: [{ name: "f", context: { cluster: "f", user: "u" } }],
    }),
  );
  const { code, err } = await runTool("check", "--cluster", "--kubeconfig", at("kubeconfig"));
  expect([code, err]).toEqual([1, expect.stringContaining("write its address with https")]);
  expect(err).not.toContain("log in again");
});

describe("a cluster without any object that declares a Route", () => {
  test.each([
    [
      [],
      [],
      "Sluice found none of the SeldonDeployments and Services that it looked for in any namespace, so nothing is checked; ",
    ],
    [
      ["--namespace", "prod", "--mappings"],
      [],
      "Sluice found none of the SeldonDeployments, Ambassador's objects and Services that it looked for in the namespaces prod, so nothing is checked; ",
    ],
    [[], ["iris-main"], "the one object declares no Route, so nothing is served; "],
    [[], ["iris-main", "wine-main"], "none of the 2 objects declares a Route, so nothing is served; "],
  ] as const)("is an error: %j %j", async (argv, services, sentence) => {
    const api = await FakeApi.start();
    try {
      api.installed.add("/apis/machinelearning.seldon.io/v1/seldondeployments");
      for (const name of services)
        api.put("/api/v1/services", { metadata: { namespace: "prod", name }, spec: { ports: [{ port: 8000 }] } });
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
      const { code, out } = await runTool("check", "--cluster", "--kubeconfig", at("kubeconfig"), ...argv);
      expect([code, out]).toEqual([1, expect.stringContaining(`error nothing-read Cluster cluster: ${sentence}`)]);
    } finally {
      await api.stop();
    }
  });
});

describe("files that are no manifests", () => {
  const inFolder = async (files: Readonly<Record<string, string>>): Promise<Ran> => {
    rmSync(at("chart"), { recursive: true, force: true });
    mkdirSync(at("chart"));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(at("chart"), name), text);
    return runTool("check", at("chart"));
  };

  test.each(["kustomization.yaml", "kustomization.yml", "values.yaml", "values-prod.yaml", "Chart.yaml"])(
    "%s is known",
    async (name) => {
      const { code, out } = await inFolder({ [name]: "apiVersion: v2\nreplicas: 1\n", "a.yaml": deployment("a") });
      expect(code).toBe(0);
      expect(out).toMatch(
        new RegExp(`^1 SeldonDeployment: 1 as before\\n\\ninfo not-a-manifest File .*${name}: .* serve the output of `),
      );
    },
  );

  test("others of such a name hold objects, and others of no name hold none", async () => {
    expect((await inFolder({ "values.yaml": deployment("a") })).out).toMatch(
      /^1 SeldonDeployment: 1 as before\n\nno Problems in 1 SeldonDeployment/,
    );
    expect((await inFolder({ "avalues.yaml": "replicas: 1\n", "a.yaml": deployment("a") })).out).toMatch(
      /^1 SeldonDeployment: 1 as before\n\nwarning not-an-object /,
    );
  });

  test("what is wrong with a file says already that nothing was read", async () => {
    const { code, out } = await inFolder({ "a.yaml": "a: [\n" });
    expect(code).toBe(1);
    expect(out).toMatch(/^error bad-yaml /);
    expect(out).not.toContain("nothing-read");
  });
});

test("an annotation that cannot be read says why nothing is served, and no other sentence does", async () => {
  const text =
    "apiVersion: ambassador/v1\\nkind: Mapping\\nname: a\\napiVersion: ambassador/v1\\nkind: Mapping\\nname: b\\n";
  const { code, out } = await checked([
    `apiVersion: v1\nkind: Service\nmetadata: { name: a, namespace: prod, annotations: { getambassador.io/config: "${text}" } }\nspec: { ports: [{ port: 80 }] }\n`,
  ]);
  expect(code).toBe(1);
  expect(out).toMatch(/^error bad-yaml .*duplicated/m);
  expect(out).not.toContain("nothing-read");
});

test("the last line counts objects of every kind that is read", async () => {
  const of = (kind: string, name: string, spec: string): string =>
    `apiVersion: getambassador.io/v2\nkind: ${kind}\nmetadata: { name: ${name}, namespace: prod }\nspec: ${spec}\n`;
  const documents = [
    deployment("a"),
    of("Host", "h", "{ hostname: a.b }"),
    of("Module", "ambassador", "{ config: {} }"),
    of("AuthService", "x", "{ auth_service: a }"),
    of("RateLimitService", "r", "{ service: a }"),
  ];
  expect((await checked(documents, "--gateway-namespace", "prod")).out).toMatch(
    / in 1 SeldonDeployment, 1 Host, 1 Module, 1 AuthService and 1 RateLimitService\n$/,
  );
});

test.each(["specs", "Spec", "sepc"])(
  "a Mapping whose spec is written %s is told to write spec, not to remove it",
  async (key) => {
    const { code, out } = await checked([
      `apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: { name: m, namespace: prod }\n${key}: { prefix: /m/, service: x }\n`,
    ]);
    expect(code).toBe(1);
    expect(out).toMatch(/; write spec\n/);
    expect(out).not.toContain("remove it");
  },
);
