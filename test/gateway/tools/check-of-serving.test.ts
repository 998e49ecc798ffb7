// `check` says what a gateway that serves the same would say at its start.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Authority, type Issued } from "../../authority.ts";
import { FakeApi } from "../../k8s/source/cluster/fake-api.ts";
import { runTool, type Ran } from "./run-tool.ts";

let folder: string;
let authority: Authority;
let good: Issued;
let ended: Issued;
let api: FakeApi;

const hosts = "/apis/getambassador.io/v2/hosts";
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-check-"));
  authority = await Authority.make();
  good = await authority.issue("good", "DNS:a.example.com", { to: "20990101000000Z" });
  ended = await authority.issue("ended", "DNS:a.example.com", { from: "20200101000000Z", to: "20210101000000Z" });
  api = await FakeApi.start();
  writeFileSync(
    at("kubeconfig"),
    JSON.stringify({
      "current-context": "fake",
      clusters: [
        { name: "fake", cluster: { server: `http://127.0.0.1:${api.port}`, "insecure-skip-tls-verify": true } },
      ],
      users: [{ name: "user", user: { token: "good" } }],
      contexts: [{ name: "fake", context: { cluster: "fake", user: "user" } }],
    }),
  );
});

afterAll(async () => {
  await api.stop();
  authority.remove();
  rmSync(folder, { recursive: true });
});

const deployment =
  "apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: { name: iris, namespace: prod }\nspec: { predictors: [{ name: main, graph: { name: c } }] }\n";
const service =
  "apiVersion: v1\nkind: Service\nmetadata: { name: iris-main, namespace: prod }\nspec: { ports: [{ name: http, port: 8000 }] }\n";
const slice = (name: string, endpoints = "[{ addresses: [10.0.0.1] }]"): string =>
  `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: { name: s, namespace: prod, labels: { kubernetes.io/service-name: iris-main } }\nports: [{ name: ${name}, port: 9000 }]\nendpoints: ${endpoints}\n`;
const host =
  "apiVersion: getambassador.io/v2\nkind: Host\nmetadata: { name: door, namespace: gate }\nspec: { hostname: a.example.com, tlsSecret: { name: door }, requestPolicy: { insecure: { action: Route } } }\n";
const secret = (fields: string): string =>
  `apiVersion: v1\nkind: Secret\nmetadata: { name: door, namespace: gate }\n${fields}\n`;
const pair = ({ certPem, keyPem }: Issued): string =>
  secret(`stringData: ${JSON.stringify({ "tls.crt": certPem, "tls.key": keyPem })}`);

async function checked(documents: readonly string[], ...argv: string[]): Promise<Ran> {
  writeFileSync(at("manifests.yaml"), documents.join("---\n"));
  return runTool("check", at("manifests.yaml"), ...argv);
}

describe("hosts", () => {
  test.each<[string, () => string, number, RegExp | null]>([
    ["that has what it needs", () => pair(good), 0, null],
    ["that has ended", () => pair(ended), 1, /^error certificate-expired Host gate\/door.*has ended on 2021-01-01/m],
    [
      "without a key",
      () => secret(`stringData: ${JSON.stringify({ "tls.crt": good.certPem })}`),
      1,
      /^error bad-certificate Host gate\/door.*has no tls\.crt and tls\.key in PEM/m,
    ],
    [
      "that is none",
      () => secret("stringData: { tls.crt: '-----BEGIN CERTIFICATE-----', tls.key: '-----BEGIN PRIVATE KEY-----' }"),
      1,
      /^error bad-certificate Host gate\/door/m,
    ],
    [
      "with the key of another",
      () => pair({ ...good, keyPem: ended.keyPem }),
      1,
      /^error bad-certificate Host gate\/door.*belongs to another one/m,
    ],
  ])("with a Secret %s", async (_, written, code, line) => {
    const { code: exit, out } = await checked([deployment, host, written()], "--gateway-namespace", "gate");
    expect(exit).toBe(code);
    if (line === null) expect(out).toMatch(/^1 SeldonDeployment: 1 as before\n\nno Problems in /);
    else expect(out).toMatch(line);
  });

  test("without their Secret are a warning in files, where Secrets are seldom exported, and an error of a cluster", async () => {
    const { code, out } = await checked([deployment, host], "--gateway-namespace", "gate");
    expect(code).toBe(0);
    expect(out).toMatch(/^warning bad-certificate Host gate\/door.*there is no Secret door in gate/m);
    api.installed.add(hosts);
    api.put(hosts, {
      metadata: { namespace: "gate", name: "door" },
      spec: { hostname: "a.example.com", tlsSecret: { name: "door" } },
    });
    const ofCluster = await runTool(
      "check",
      "--cluster",
      "--mappings",
      "--gateway-namespace",
      "gate",
      "--kubeconfig",
      at("kubeconfig"),
    );
    expect(ofCluster.err).toBe("");
    expect(ofCluster.out).toMatch(/^error bad-certificate Host gate\/door/m);
    expect(ofCluster.code).toBe(1);
  });

  test.each(["ca_secret: clients", "ca_secret: clients, crl_secret: revoked"])(
    "that ask clients by %s, which is not there",
    async (fields) => {
      const { code, out } = await checked(
        [deployment, host.replace("requestPolicy", `tls: { ${fields} }, requestPolicy`), pair(good)],
        "--gateway-namespace",
        "gate",
      );
      expect(code).toBe(0);
      expect(out).toMatch(/^warning tls-missing Host gate\/door.*there is no Secret clients/m);
    },
  );
});

describe("TLS towards models", () => {
  const sealed = deployment.replace("{ name: c } }", "{ name: c }, ssl: { certSecretName: cert } }");
  const context =
    "apiVersion: getambassador.io/v2\nkind: TLSContext\nmetadata: { name: up, namespace: prod }\nspec: { secret: cert, ca_secret: authority }\n---\napiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: { name: m, namespace: prod }\nspec: { prefix: /m/, service: iris-main, tls: up }\n";

  test.each([
    [sealed, /^warning tls-missing .*the Secret cert, which is not there/m],
    [`${deployment}---\n${context}`, /^warning tls-missing .*the Secret cert in prod, which is not there/m],
  ])("whose Secret is not there is a warning in files", async (written, said) => {
    const { code, out } = await checked([written]);
    expect(code).toBe(0);
    expect(out).toMatch(said);
  });

  test("whose Secret has no key, or whose TLSContext is not there, is an error in files too", async () => {
    expect(
      await checked([sealed, "apiVersion: v1\nkind: Secret\nmetadata: { name: cert, namespace: prod }\ndata: {}\n"]),
    ).toMatchObject({ code: 1, out: expect.stringMatching(/^error tls-missing /m) as string });
    expect(await checked([deployment, context.split("---\n")[1]!])).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^error tls-missing .*TLSContext up/m) as string,
    });
  });
});

describe("certificates towards models", () => {
  const sealed = deployment.replace("{ name: c } }", "{ name: c }, ssl: { certSecretName: cert } }");
  const cert = (texts: Readonly<Record<string, string>>): string =>
    `apiVersion: v1\nkind: Secret\nmetadata: { name: cert, namespace: prod }\nstringData: ${JSON.stringify(texts)}\n`;
  const own = ({ certPem, keyPem }: Issued): Record<string, string> => ({ "tls.crt": certPem, "tls.key": keyPem });
  const broken = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n";

  test.each<[string, () => Readonly<Record<string, string>>, RegExp | null]>([
    ["that can be used", () => ({ ...own(good), "ca.crt": authority.caPem }), null],
    [
      "that is none",
      () => ({ "tls.crt": broken, "tls.key": good.keyPem }),
      /TLS by cert: the certificate that the gateway shows cannot be read: .*, so requests get 503; /,
    ],
    [
      "with the key of another",
      () => ({ ...own(good), "tls.key": ended.keyPem }),
      /belongs to another one, so requests get 503; /,
    ],
    ["that has ended", () => own(ended), /has ended on 2021-01-01, and models that check refuse it; /],
    [
      "with authorities that are none",
      () => ({ ...own(good), "ca.crt": broken }),
      /its authorities cannot be read, so Sluice trusts no upstream/,
    ],
  ])("%s", async (_, texts, sentence) => {
    const { code, out } = await checked([sealed, cert(texts())]);
    expect(code).toBe(sentence === null ? 0 : 1);
    // REST and gRPC go by the same.
    expect(out.match(/^error bad-certificate SeldonDeployment prod\/iris /gm)?.length ?? 0).toBe(
      sentence === null ? 0 : 1,
    );
    if (sentence !== null) expect(out).toMatch(sentence);
  });
});

describe("ports", () => {
  test("an EndpointSlice whose port has another name than the Service says", async () => {
    expect((await checked([deployment, service, slice("http")])).out).not.toContain("endpoint");
    const { code, out } = await checked([deployment, service, slice("htp")]);
    expect(code).toBe(1);
    expect(out).toMatch(
      /^error no-such-port Service prod\/iris-main \(\S+:6\) spec\.ports: .*"http" of its port 8000 \(there is "htp"\).* get 503/m,
    );
  });

  test("an EndpointSlice without an address that is ready", async () => {
    const { code, out } = await checked([
      deployment,
      service,
      slice("http", "[{ addresses: [10.0.0.1], conditions: { ready: false } }]"),
    ]);
    expect(code).toBe(0);
    expect(out).toMatch(/^info no-ready-address Service prod\/iris-main/m);
  });

  test("of a Service that no request goes to are nobody's affair", async () => {
    expect((await checked([deployment.replaceAll("iris", "other"), service, slice("htp")])).out).not.toContain(
      "no-such-port",
    );
  });
});

test.each(["AuthService", "RateLimitService"])("an %s whose Service is not among the manifests", async (kind) => {
  const asked = `apiVersion: getambassador.io/v2\nkind: ${kind}\nmetadata: { name: asked, namespace: gate }\nspec: { ${kind === "AuthService" ? "auth_service" : "service"}: asked }\n`;
  const there =
    "apiVersion: v1\nkind: Service\nmetadata: { name: asked, namespace: gate }\nspec: { ports: [{ port: 80 }] }\n";
  expect((await checked([deployment, asked], "--gateway-namespace", "gate")).out).toMatch(
    new RegExp(`^warning no-such-service ${kind} gate/asked`, "m"),
  );
  expect((await checked([deployment, asked, there], "--gateway-namespace", "gate")).out).not.toContain(
    `no-such-service ${kind}`,
  );
});

describe("--policy", () => {
  const policy = (provider: string): string => {
    writeFileSync(at("policy.yaml"), `providers:\n  people: ${provider}\n`);
    return at("policy.yaml");
  };
  const bcrypt = `ann:$2b$04$${"a".repeat(53)}\n`;

  test.each<[string, string | null, RegExp | null]>([
    ["kind: basic", bcrypt, null],
    ["kind: basic", "ann:$apr1$abc$def\n", /line 1 has no hash that is taken here: write it by htpasswd -B/],
    ["kind: basic", "# nobody yet\n", /it has no keys .* admits nobody/],
    ["kind: basic", null, /its keys are not there \(file .*\), so it admits nobody/],
    ["kind: api-keys", "app 0123456789abcdef\n", null],
    ["kind: api-keys", "", /it has no keys .* admits nobody/],
    ["kind: api-keys", null, /its keys are not there/],
    ['kind: jwt, issuer: "https://i.example", audiences: a', '{"keys":[]}', /it holds no keys/],
  ])("{ %s } with keys %j", async (provider, keys, sentence) => {
    rmSync(at("keys"), { force: true });
    if (keys !== null) writeFileSync(at("keys"), keys);
    const { code, out } = await checked(
      [deployment],
      "--policy",
      policy(`{ ${provider}, file: ${JSON.stringify(at("keys"))} }`),
    );
    expect(code).toBe(sentence === null ? 0 : 1);
    if (sentence === null) expect(out).not.toContain("provider-keys");
    else
      expect(out).toMatch(
        new RegExp(
          `^error provider-keys Policy policy \\(\\S+policy.yaml\\) providers\\.people: .*${sentence.source}`,
          "m",
        ),
      );
  });

  test("a Secret that is not there is a warning in files, and an error of a cluster; one that is there is read", async () => {
    const written = policy("{ kind: api-keys, secret: gate/door }");
    expect(await checked([deployment], "--policy", written)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^warning provider-keys /m) as string,
    });
    expect(
      (await checked([deployment, secret("stringData: { app: 0123456789abcdef }")], "--policy", written)).out,
    ).not.toContain("provider-keys");
    expect(await checked([deployment, secret("stringData: { app: short }")], "--policy", written)).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^error provider-keys .*the key of client app cannot be used/m) as string,
    });
    const ofCluster = async (): Promise<string> =>
      (await runTool("check", "--cluster", "--kubeconfig", at("kubeconfig"), "--policy", written)).out;
    expect(await ofCluster()).toMatch(/^error provider-keys .*secret gate\/door/m);
    api.put("/api/v1/secrets", {
      metadata: { namespace: "gate", name: "door" },
      data: { app: Buffer.from("0123456789abcdef").toString("base64") },
    });
    expect(await ofCluster()).not.toContain("provider-keys");
  });

  test("keys that an issuer publishes are not fetched, and nothing is said of them", async () => {
    expect(
      (
        await checked(
          [deployment],
          "--policy",
          policy('{ kind: jwt, issuer: "https://i.example", audiences: a, jwks: "https://127.0.0.1:1/keys" }'),
        )
      ).out,
    ).toMatch(/^1 SeldonDeployment: 1 as before\n\nno Problems/);
  });
});
