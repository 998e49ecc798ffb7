// `check --back`: nothing that Sluice protects opens without having been listed.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FakeApi } from "../../k8s/source/cluster/fake-api.ts";
import { runTool, type Ran } from "./run-tool.ts";

let folder: string;

const at = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-back-"));
  writeFileSync(at("keys"), "app 0123456789abcdef\n");
});

afterAll(() => rmSync(folder, { recursive: true }));

const predictors =
  "[{ name: main, graph: { name: c }, traffic: 100 }, { name: canary, graph: { name: c }, traffic: 0 }]";
const deployment = (annotations: string, { name = "iris", metadata = "", spec = "" } = {}): string =>
  `apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: { name: ${name}, namespace: prod, annotations: { ${annotations} }${metadata} }\nspec: { predictors: ${predictors}${spec} }\n`;
const providers = (): string => `providers: { keys: { kind: api-keys, file: ${JSON.stringify(at("keys"))} } }\n`;

async function back(documents: readonly string[], policy: string | null = "", ...argv: string[]): Promise<Ran> {
  writeFileSync(at("all.yaml"), documents.join("---\n"));
  if (policy !== null) writeFileSync(at("policy.yaml"), `${policy}\n${providers()}`);
  return runTool(
    "check",
    "--back",
    at("all.yaml"),
    ...(policy === null ? [] : ["--policy", at("policy.yaml")]),
    ...argv,
  );
}

test("of what Ambassador serves alike there is nothing to say", async () => {
  expect(await back([deployment("")])).toEqual({
    code: 0,
    out: "nothing that would open was found in 1 SeldonDeployment\n",
    err: "",
  });
});

describe("annotations", () => {
  test.each([
    ["sluice.io/auth: keys", "opens", "sluice.io/auth", "any caller may call it"],
    ["sluice.io/auth: nonsense in it", "opens", "sluice.io/auth", "any caller may call it"],
    ["sluice.io/auht: keys", "opens", "sluice.io/auht", "any caller may call it"],
    ["sluice.io/allow: 10.0.0.0/8", "opens", "sluice.io/allow", "any address may call it"],
    ["sluice.io/deny: 10.0.0.0/8", "opens", "sluice.io/deny", "any address may call it"],
    ["sluice.io/rate-limit: 9/s", "opens", "sluice.io/rate-limit", "it has no rate limit"],
  ])("%s", async (annotation, code, key, becomes) => {
    const { code: exit, out } = await back([deployment(""), deployment(annotation, { name: "closed" })]);
    expect(exit).toBe(1);
    expect(out).toMatch(
      new RegExp(
        `^error ${code} SeldonDeployment prod/closed \\(${at("all.yaml")}:6\\) metadata\\.annotations\\["${key}"\\]: .*, so ${becomes}; `,
      ),
    );
    expect(out).toMatch(/\n1 object would open, or lose limits, with Ambassador, in 2 SeldonDeployments\n$/);
  });

  test.each([
    [
      "in spec.annotations",
      deployment("", { spec: ", annotations: { sluice.io/auth: keys }" }),
      'spec.annotations["sluice.io/auth"]',
    ],
    [
      "beside metadata.annotations",
      deployment("", { metadata: ", annotation: { sluice.io/auth: keys }" }),
      'metadata.annotation["sluice.io/auth"]',
    ],
    [
      "in a predictor",
      deployment("").replace("traffic: 100", "traffic: 100, annotations: { sluice.io/auth: keys }"),
      'spec.predictors[0].annotations["sluice.io/auth"]',
    ],
    [
      "of a Mapping",
      "apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: { name: m, namespace: prod, annotations: { sluice.io/auth: keys } }\nspec: { prefix: /m/, service: x }\n",
      'metadata.annotations["sluice.io/auth"]',
    ],
    [
      "of an annotated Service",
      'apiVersion: v1\nkind: Service\nmetadata: { name: s, namespace: prod, annotations: { sluice.io/auth: keys, getambassador.io/config: "{apiVersion: ambassador/v1, kind: Mapping, name: m, prefix: /m/, service: s}" } }\nspec: { ports: [{ port: 80 }] }\n',
      'metadata.annotations["sluice.io/auth"]',
    ],
  ])("are found %s", async (_, document, field) => {
    const { code, out } = await back([document]);
    expect(code).toBe(1);
    expect(out).toContain(`opens `);
    expect(out).toContain(` ${field}: `);
  });

  test("of what serves nothing there are not listed", async () => {
    const service =
      "apiVersion: v1\nkind: Service\nmetadata: { name: s, namespace: prod, annotations: { sluice.io/auth: keys } }\nspec: { ports: [{ port: 80 }] }\n";
    expect((await back([deployment(""), service])).code).toBe(0);
    expect(
      (
        await back([
          deployment(""),
          deployment("sluice.io/auth: keys, seldon.io/ambassador-id: other", { name: "others" }),
        ])
      ).code,
    ).toBe(0);
  });

  test("none is open on both sides, but where the policy does not let it", async () => {
    expect((await back([deployment("sluice.io/auth: none")])).code).toBe(0);
    expect((await back([deployment("sluice.io/auth: none")], "defaults: { auth: keys }")).out).toMatch(/^error opens /);
    expect(
      (
        await back(
          [deployment("sluice.io/auth: none")],
          "defaults: { auth: keys }\nnamespaces: { prod: { mayOpen: true } }",
        )
      ).code,
    ).toBe(0);
  });

  test("an AuthService is asked there, too", async () => {
    const service =
      "apiVersion: getambassador.io/v2\nkind: AuthService\nmetadata: { name: a, namespace: gate }\nspec: { auth_service: a }\n";
    expect(
      (await back([deployment("sluice.io/auth: keys"), service], "", "--gateway-namespace", "gate")).out,
    ).toContain("so all callers that the AuthService admits may call it; ");
  });

  test("sluice.io/traffic is told where it differs from the spec, and opens nothing", async () => {
    const { code, out } = await back([deployment('sluice.io/traffic: "main=60,canary=40"')]);
    expect(code).toBe(0);
    expect(out).toContain("info differs SeldonDeployment prod/iris ");
  });

  test.each(["rollout: canary", 'bandit: "policy thompson; floor 5%; every 1m"'])(
    "sluice.io/%s ends with the shares of the spec, and opens nothing",
    async (annotation) => {
      const { code, out } = await back([deployment(`sluice.io/${annotation}`)]);
      expect(code).toBe(0);
      const [name] = annotation.split(":");
      expect(out).toMatch(
        new RegExp(
          `^warning ends-release SeldonDeployment prod/iris .*\\["sluice.io/${name}"\\]: Ambassador does not read this, so the traffic of the spec holds: "main" 100, "canary" 0; write the shares `,
        ),
      );
    },
  );
});

describe("the policy", () => {
  test.each([
    ["defaults: { auth: keys }", "opens", "defaults.auth", "for clients of keys"],
    ["namespaces: { prod: { auth: keys } }", "opens", "namespaces.prod.auth", "for clients of keys"],
    ["defaults: { allow: 10.0.0.0/8 }", "opens", "defaults.allow", "for 10.0.0.0/8"],
    ["defaults: { deny: 10.0.0.0/8 }", "opens", "defaults.deny", "closed to 10.0.0.0/8"],
    ["namespaces: { prod: { rateLimit: 9/s } }", "opens", "namespaces.prod.rateLimit", "for 9/s"],
  ])("%s protects each object that does not say it itself", async (policy, code, part, here) => {
    const { code: exit, out } = await back([deployment("")], policy);
    expect(exit).toBe(1);
    expect(out).toContain(
      `error ${code} SeldonDeployment prod/iris (${at("all.yaml")}:1) ${part} of the policy: here it is ${here}, and Ambassador has no policy, so `,
    );
    expect((await back([deployment("").replace("namespace: prod", "namespace: other")], policy)).code).toBe(
      part.startsWith("defaults") ? 1 : 0,
    );
  });

  test("of objects that are not served here as well: Ambassador may serve them", async () => {
    const refused =
      "apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: { name: m, namespace: prod }\nspec: { prefix: /m/, service: x.other, method: [POST] }\n";
    expect((await back([refused], "defaults: { auth: keys }")).out).toMatch(/^error opens Mapping prod\/m /);
  });

  test("that is not named is said to be missing", async () => {
    expect(await back([deployment("")], null)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^warning no-policy .*write --policy FILE/) as string,
    });
  });
});

test("what cannot be read may protect something: exit 1", async () => {
  const { code, out } = await back([deployment(""), "{{{\n"]);
  expect(code).toBe(1);
  expect(out).toMatch(/^error bad-yaml /);
});

test("every object is listed, whatever their number, and -o json has the same", async () => {
  const documents = Array.from({ length: 20 }, (_, index) => deployment("sluice.io/auth: keys", { name: `d${index}` }));
  expect((await back(documents)).out.match(/^error opens /gm)).toHaveLength(20);
  expect((JSON.parse((await back(documents, "", "-o", "json")).out) as { problems: unknown[] }).problems).toHaveLength(
    20,
  );
});

test("of a cluster Mappings count only where they are read, and that is said", async () => {
  const api = await FakeApi.start();
  try {
    const mappings = "/apis/getambassador.io/v2/mappings";
    const deployments = "/apis/machinelearning.seldon.io/v1/seldondeployments";
    for (const path of [mappings, deployments]) api.installed.add(path);
    const annotations = { "sluice.io/auth": "keys" };
    api.put(mappings, {
      metadata: { namespace: "prod", name: "m", annotations },
      spec: { prefix: "/m/", service: "x" },
    });
    api.put(deployments, {
      metadata: { namespace: "prod", name: "iris", annotations },
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
    const listed = async (...argv: string[]): Promise<string> =>
      (await runTool("check", "--back", "--cluster", "--kubeconfig", at("kubeconfig"), ...argv)).out;
    expect(await listed()).toMatch(
      /^warning mappings-not-read .*\nwarning no-policy .*\nerror opens SeldonDeployment prod\/iris .*\nk8s\/PROBLEMS\.md explains each code\.\n1 object would open/,
    );
    expect(await listed("--mappings")).toMatch(
      /^warning no-policy .*\nerror opens Mapping prod\/m .*\nerror opens SeldonDeployment prod\/iris .*\nk8s\/PROBLEMS\.md explains each code\.\n2 objects would open/,
    );
  } finally {
    await api.stop();
  }
});
