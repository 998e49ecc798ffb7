// The verdicts of `check`, which Problems count, and which are shown.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { linesOfVerdict } from "../../../gateway/tools/check/verdict-list.ts";
import { runTool, type Ran } from "./run-tool.ts";

let folder: string;
let file: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-verdicts-"));
  file = join(folder, "all.yaml");
});

afterAll(() => rmSync(folder, { recursive: true }));

const deployment = (name: string, annotations = "{}", namespace = "prod"): string =>
  `apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: { name: ${name}, namespace: ${namespace}, annotations: ${annotations} }\nspec: { predictors: [{ name: main, graph: { name: c } }] }\n`;
const bad = "{ sluice.io/traffic: x }";
const other = "{ seldon.io/ambassador-id: other }";
const differing = '{ seldon.io/ambassador-retries: "40" }';
const mapping = (name: string, spec: string): string =>
  `apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: { name: ${name}, namespace: prod }\nspec: { prefix: /${name}/, ${spec} }\n`;

async function checked(documents: readonly string[], ...argv: string[]): Promise<Ran> {
  writeFileSync(file, documents.join("---\n"));
  return runTool("check", file, ...argv);
}

/** The lines above the Problems. */
function verdicts({ out }: Ran): readonly string[] {
  return out.slice(0, out.indexOf("\n\n")).split("\n");
}

describe("verdicts", () => {
  test("come first: their numbers, then each that is not as before, those to look at first", async () => {
    const ran = await checked([
      deployment("a", other),
      deployment("b"),
      deployment("c", bad),
      deployment("d", differing),
      mapping("m", "service: x"),
      mapping("n", "service: x, weight: many"),
    ]);
    expect(verdicts(ran)).toEqual([
      "4 SeldonDeployments: 1 as before, 2 to look at, 1 not ours",
      `  to look at  prod/c (${file}:11): 1 error (bad-value)`,
      expect.stringMatching(/^ {2}to look at {2}prod\/d \(\S+:16\): 1 info \(differs\)$/),
      `  not ours    prod/a (${file}:1): ambassador-id other`,
      "2 Mappings: 1 as before, 1 to look at",
      expect.stringMatching(/^ {2}to look at {2}prod\/n .*.*: 1 error \(bad-value\)$/),
    ]);
  });

  test("a Problem at level info that is no difference from Ambassador leaves it as before", async () => {
    const service =
      "apiVersion: v1\nkind: Service\nmetadata: { name: other, namespace: prod }\nspec: { ports: [{ port: 1 }] }\n";
    const ran = await checked([deployment("a"), service]);
    expect(ran.out).toContain("info no-such-service SeldonDeployment prod/a ");
    expect(verdicts(ran)).toEqual(["1 SeldonDeployment: 1 as before"]);
  });

  test("a Problem of the Service that its requests go to concerns it, and no other deployment", async () => {
    const service =
      "apiVersion: v1\nkind: Service\nmetadata: { name: a-main, namespace: prod }\nspec: { ports: [{ name: http, port: 8000 }] }\n";
    const slice =
      "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: { name: x, namespace: prod, labels: { kubernetes.io/service-name: a-main } }\nports: [{ name: htp, port: 1 }]\nendpoints: [{ addresses: [10.0.0.1] }]\n";
    const ran = await checked([deployment("a"), deployment("b"), service, slice]);
    expect(verdicts(ran)[0]).toBe("2 SeldonDeployments: 1 as before, 1 to look at");
    expect(verdicts(ran)[1]).toMatch(/^ {2}to look at {2}prod\/a .*no-such-port/);
  });

  test("an AuthService that cannot answer concerns all that it is asked about; a RateLimitService what has labels", async () => {
    const asked = (kind: string, spec: string): string =>
      `apiVersion: getambassador.io/v2\nkind: ${kind}\nmetadata: { name: edge, namespace: default }\nspec: { ${spec} }\n`;
    const limited = "labels: { ambassador: [{ g: [a] }] }";
    const ran = await checked([
      asked("AuthService", 'auth_service: "127.0.0.1:8500", proto: grpc, status_on_error: { code: 504 }'),
      asked("RateLimitService", 'service: "127.0.0.1:8500"'),
      deployment("a"),
      mapping("health", "service: x, bypass_auth: true"),
      mapping("limited", `service: x, bypass_auth: true, ${limited}`),
    ]);
    expect(verdicts(ran).map((line) => line.replace(/\(\/.*?\)/, ""))).toEqual([
      "1 SeldonDeployment: 1 to look at",
      "  to look at  prod/a : 1 warning (service-unreachable)",
      "2 Mappings: 1 as before, 1 to look at",
      "  to look at  prod/limited : 1 warning (service-unreachable)",
    ]);
    expect(ran.out).toMatch(/AuthService default\/edge .* spec.auth_service: .*every deployment is answered 504/);
  });

  test("those of one kind are folded beyond the bound, and --all prints each deployment", async () => {
    const many = (count: number): string[] => Array.from({ length: count }, (_, index) => deployment(`d${index}`, bad));
    expect(verdicts(await checked(many(linesOfVerdict)))).toHaveLength(linesOfVerdict + 1);
    const folded = [...many(linesOfVerdict + 1), deployment("good")];
    expect(verdicts(await checked(folded)).at(-1)).toBe("  … and 1 more to look at: --all prints it");
    const whole = verdicts(await checked(folded, "--all"));
    expect(whole).toHaveLength(linesOfVerdict + 3);
    expect(whole.at(-1)).toMatch(/^ {2}as before {3}prod\/good /);
  });

  test("an ambassador-id moves no line, whatever is in it", async () => {
    const { out } = await checked([deployment("a", '{ seldon.io/ambassador-id: "x\\n\\u001b[2Jno Problems" }')]);
    expect(out).toContain("not ours    prod/a ");
    expect(out).not.toContain("\u001b");
    expect(out).not.toMatch(/^no Problems/m);
  });

  test("are in -o json, with places and codes", async () => {
    const { out } = await checked([deployment("a"), deployment("b", bad), deployment("c", other)], "-o", "json");
    expect(JSON.parse(out)).toMatchObject({
      deployments: [
        { namespace: "prod", name: "b", origin: `${file}:6`, verdict: "to-look-at", codes: ["bad-value"] },
        { namespace: "prod", name: "c", verdict: "not-ours", ambassadorIds: ["other"] },
        { namespace: "prod", name: "a", origin: `${file}:1`, verdict: "as-before", codes: [] },
      ],
      ignored: 0,
      ofOthers: 0,
    });
  });
});

describe("which Problems count", () => {
  const warned = `${deployment("a")}---\nreplicas: 1\n`;

  test.each([
    ["error", [deployment("a", bad)], 1],
    ["error", [warned], 0],
    ["warning", [warned], 1],
    ["warning", [deployment("a", differing)], 0],
    ["info", [deployment("a", differing)], 1],
    ["info", [deployment("a", bad)], 1],
    ["info", [deployment("a")], 0],
  ])("--fail-on %s of %j exits %i", async (level, documents, code) => {
    expect(await checked(documents, "--fail-on", level)).toMatchObject({ code, err: "" });
  });

  test("those of an ignored code do not, in no verdict either, and their number is said", async () => {
    const documents = [deployment("a", bad), deployment("b", bad), deployment("c", differing)];
    const ran = await checked(documents, "--ignore", "bad-value", "--ignore", "bad-value");
    expect(ran.code).toBe(0);
    expect(ran.out).toContain("3 SeldonDeployments: 2 as before, 1 to look at\n");
    expect(ran.out).not.toContain("bad-value");
    expect(ran.out).toMatch(/ in 3 SeldonDeployments; --ignore leaves out 2 Problems\n$/);
  });

  test.each([
    ["bad-valeu", "did you mean bad-value?"],
    ["nonsense-of-mine", "k8s/PROBLEMS.md lists them"],
    ["toString", "k8s/PROBLEMS.md lists them"],
  ])("an unknown code to ignore is wrong use: %s", async (code, hint) => {
    expect(await checked([deployment("a")], "--ignore", code)).toEqual({
      code: 2,
      out: "",
      err: `sluice check: --ignore is "${code}", which is no code of a Problem: ${hint}\n`,
    });
  });
});

describe("--deployment", () => {
  const documents = [deployment("a", bad), deployment("b", bad), deployment("a", "{}", "test"), "{{{\n"];

  test("prints that one alone, and says how many Problems it does not print", async () => {
    const ran = await checked(documents, "--deployment", "prod/a");
    expect(ran.code).toBe(1);
    expect(verdicts(ran)).toHaveLength(2);
    expect(ran.out).not.toContain("prod/b");
    expect(ran.out).toMatch(/\n1 error, 0 warning, 0 info in .*; 2 Problems of other objects are not shown\n$/);
  });

  test("exits by what is printed", async () => {
    expect(await checked(documents, "--deployment", "test/a")).toMatchObject({ code: 0 });
  });

  test("of a name alone prints those of each namespace", async () => {
    expect(verdicts(await checked(documents, "--deployment", "a"))[0]).toBe(
      "2 SeldonDeployments: 1 as before, 1 to look at",
    );
  });

  test("that is not there is a failure", async () => {
    expect(await checked(documents, "--deployment", "prod/z")).toEqual({
      code: 1,
      out: "",
      err: "sluice check: no SeldonDeployment and no Mapping is named prod/z: write NAME or NAMESPACE/NAME as its manifest has it, or leave --deployment out for all\n",
    });
  });
});
