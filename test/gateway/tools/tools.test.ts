import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { printProblem, type Problem } from "../../../routing/text/problem.ts";
import { readRequest } from "../../../gateway/tools/request.ts";
import { Authority } from "../../authority.ts";
import { FakeApi, refuse } from "../../k8s/source/cluster/fake-api.ts";
import { entry } from "../entry.ts";
import { runTool as run } from "./run-tool.ts";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-tools-"));
  const predictors =
    "{ predictors: [{ name: main, graph: { name: c }, traffic: 75 }, { name: canary, graph: { name: c }, traffic: 25 }] }";
  const iris = `apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: { name: iris, namespace: prod }\nspec: ${predictors}\n`;
  writeFileSync(join(folder, "good.yaml"), iris);
  writeFileSync(join(folder, "bad.yaml"), `${iris}---\n{{{\n`);
  writeFileSync(join(folder, "warned.yaml"), `${iris}---\nreplicas: 1\n`);
  writeFileSync(join(folder, "grants.yaml"), "grants:\n  - namespace: shop\n    prefixes: [/shop/]\n");
  writeFileSync(
    join(folder, "shop.yaml"),
    "apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: { name: shop, namespace: shop }\nspec: { prefix: /shop/, precedence: 0, service: shop }\n",
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

describe("who", () => {
  const guarded =
    "apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: { name: own, namespace: prod, annotations: { sluice.io/auth: keys, sluice.io/rate-limit: 9/s } }\nspec: { predictors: [{ name: main, graph: { name: c } }] }\n";

  beforeAll(() => {
    const keys = `providers:\n  keys: { kind: api-keys, file: ${at("keys")}, in: [header x-api-key, query key] }\n`;
    writeFileSync(at("keys"), "mobile-app correct-horse-battery\n");
    writeFileSync(at("policy.yaml"), keys);
    writeFileSync(at("strict.yaml"), `defaults: { auth: keys }\n${keys}`);
    writeFileSync(at("broken.yaml"), "defaults: { auth: kyes }\n");
    writeFileSync(at("own.yaml"), guarded);
  });

  test("prints who may call, and since what", async () => {
    expect(await run("who", at("good.yaml"), at("own.yaml"), "--policy", at("policy.yaml"))).toMatchObject({
      code: 0,
      out: "DEPLOYMENT  WHO MAY CALL     SINCE                                        LIMITS                                                   ADDRESSES\nprod/iris   anybody          nothing says otherwise                       any number                                               any\nprod/own    clients of keys  sluice.io/auth of SeldonDeployment prod/own  9/s (sluice.io/rate-limit of SeldonDeployment prod/own)  any\n",
    });
    expect(
      (await run("who", at("good.yaml"), "--policy", at("strict.yaml"), "--deployment", "prod/iris")).out,
    ).toContain("clients of keys  defaults.auth of the policy  any number  any\n");
    expect((await run("who", at("own.yaml"))).out).toContain("nobody: the policy has no provider keys");
    expect(await run("who", at("own.yaml"), "--deployment", "other")).toEqual({
      code: 1,
      out: "",
      err: "sluice who: no deployment or Mapping is named other: write NAME or NAMESPACE/NAME as sluice routes shows it\n",
    });
    expect(JSON.parse((await run("who", at("own.yaml"), "-o", "json", "--policy", at("policy.yaml"))).out)).toEqual({
      items: [
        {
          source: { kind: "SeldonDeployment", namespace: "prod", name: "own" },
          callers: "clients of keys",
          since: "sluice.io/auth of SeldonDeployment prod/own",
          addresses: [],
          limits: "9/s (sluice.io/rate-limit of SeldonDeployment prod/own)",
          paths: [],
        },
      ],
      cleartext: [],
      problems: [],
      continue: null,
    });
  });

  test("prints from which addresses, and since what", async () => {
    writeFileSync(
      at("addresses.yaml"),
      `defaults: { deny: [${Array.from({ length: 10 }, (_, index) => `192.0.2.${index}`).join()}] }\nnamespaces: { prod: { allow: 10.0.0.0/8 } }\n`,
    );
    writeFileSync(
      at("inside.yaml"),
      guarded
        .replace("sluice.io/auth: keys, sluice.io/rate-limit: 9/s", 'sluice.io/allow: "10.1.0.0/16, 2001:db8::/32"')
        .replace("own", "inside"),
    );
    const args = [at("inside.yaml"), "--policy", at("addresses.yaml")];
    const addresses = [
      "only from 10.0.0.0/8 (namespaces.prod.allow of the policy)",
      "only from 10.1.0.0/16, 2001:db8::/32 (sluice.io/allow of SeldonDeployment prod/inside)",
      "not from 192.0.2.0/32, 192.0.2.1/32, 192.0.2.2/32, 192.0.2.3/32, 192.0.2.4/32, 192.0.2.5/32, 192.0.2.6/32, 192.0.2.7/32 and 2 more (defaults.deny of the policy)",
    ];
    expect(JSON.parse((await run("who", ...args, "-o", "json")).out)).toEqual({
      items: [
        {
          source: { kind: "SeldonDeployment", namespace: "prod", name: "inside" },
          callers: "anybody",
          since: "nothing says otherwise",
          addresses,
          limits: "",
          paths: [],
        },
      ],
      cleartext: [],
      problems: [],
      continue: null,
    });
    expect((await run("who", ...args)).out).toBe(
      `DEPLOYMENT   WHO MAY CALL  SINCE                   LIMITS      ADDRESSES\nprod/inside  anybody       nothing says otherwise  any number  ${addresses.join("; ")}\n`,
    );
    expect((await run("explain", "/seldon/prod/inside/x", ...args)).out).toContain(addresses[1]!);
  });

  test.each<readonly [name: string, provider: string, callers: string, problem: string]>([
    [
      "a file with hashes that are not taken",
      `{ kind: basic, file: APR1 }`,
      "nobody: keys has no keys",
      "line 1 has no hash that is taken here: write it by htpasswd -B (bcrypt)",
    ],
    [
      "a file that is not there",
      `{ kind: api-keys, file: /nowhere/keys }`,
      "nobody: keys has no keys",
      "its keys are not there (file /nowhere/keys), so it admits nobody: create it",
    ],
    [
      "an empty file",
      `{ kind: api-keys, file: EMPTY }`,
      "nobody: keys has no keys",
      "so it admits nobody: write some there",
    ],
    [
      "a Secret that is not among manifests, which a gateway may have",
      `{ kind: api-keys, secret: ops/keys }`,
      "clients of keys  ",
      "its keys are not there (secret ops/keys), so it admits nobody: create it",
    ],
  ])("of keys in %s says what serve would do", async (_, provider, callers, problem) => {
    writeFileSync(at("apr1"), "alice:$apr1$abcdefgh$abcdefghijklmnopqrstu.\n");
    writeFileSync(at("empty"), "");
    writeFileSync(
      at("keyless.yaml"),
      `providers:\n  keys: ${provider.replace("APR1", at("apr1")).replace("EMPTY", at("empty"))}\n  others: { kind: api-keys, file: ${at("keys")} }\n`,
    );
    const { code, out } = await run("who", at("own.yaml"), "--policy", at("keyless.yaml"));
    expect([code, out]).toEqual([0, expect.stringContaining(callers)]);
    expect(out).toMatch(/\n\n(?:error|warning) provider-keys Policy policy providers\.keys: /);
    expect(out).toContain(problem);
    expect(out).not.toContain("apr1$");
    const { out: explained } = await run(
      "explain",
      "/seldon/prod/own/x",
      at("own.yaml"),
      "--policy",
      at("keyless.yaml"),
    );
    expect(explained).toContain(callers.trim());
    const both = readFileSync(at("own.yaml"), "utf8").replace("sluice.io/auth: keys", 'sluice.io/auth: "keys, others"');
    writeFileSync(at("both.yaml"), both);
    expect((await run("who", at("both.yaml"), "--policy", at("keyless.yaml"))).out).toContain(
      callers.startsWith("nobody")
        ? "clients of keys or others (keys has no keys, so it admits nobody)"
        : "clients of keys or others  ",
    );
  });

  describe("of what the whole gateway is configured by", () => {
    const configuration = (kind: string, name: string, spec: string): string =>
      `---\napiVersion: getambassador.io/v2\nkind: ${kind}\nmetadata: { name: ${name}, namespace: default }\nspec: ${spec}\n`;
    const target = "seldon/prod/iris/api/v1.0/predictions";
    const say = (name: string, text: string): string => {
      writeFileSync(at(name), text);
      return at(name);
    };

    test("an AuthService is asked, but not about a Mapping that bypasses it", async () => {
      const two = ["open", "asked"]
        .map(
          (name) =>
            `      ---\n      apiVersion: getambassador.io/v1\n      kind: Mapping\n      name: ${name}\n      prefix: /${name}/\n      service: two\n${name === "open" ? "      bypass_auth: true\n" : ""}`,
        )
        .join("");
      const annotated = `---\napiVersion: v1\nkind: Service\nmetadata:\n  name: two\n  namespace: prod\n  annotations:\n    getambassador.io/config: |\n${two}spec: { ports: [{ port: 80 }] }\n`;
      const file = say(
        "auth.yaml",
        `${configuration("AuthService", "auth", '{ auth_service: "auth:3000" }')}${annotated}`,
      );
      const asked = "as the AuthService says (http auth:3000; without an answer in 5000 ms it is answered 403)";
      const { items: rows } = JSON.parse((await run("who", at("good.yaml"), file, "-o", "json")).out) as {
        items: readonly {
          readonly source: { readonly name: string };
          readonly callers: string;
          readonly since: string;
          readonly paths: readonly string[];
        }[];
      };
      expect(rows.map(({ source, callers, since, paths }) => [source.name, callers, since, paths])).toEqual([
        ["iris", asked, "the AuthService", []],
        ["two", asked, "the AuthService", ["/asked/…"]],
        ["two", "anybody", "nothing says otherwise", ["/open/…"]],
      ]);
      expect(
        (await run("who", at("own.yaml"), file, "--policy", at("policy.yaml"), "--deployment", "own")).out,
      ).toContain(`clients of keys, and ${asked}`);
      const unread = say(
        "unread-auth.yaml",
        configuration("AuthService", "auth", '{ auth_service: "auth:3000", timeout_ms: soon }'),
      );
      expect((await run("who", at("good.yaml"), unread)).out).toContain("nobody: the AuthService is invalid (500)");
      expect((await run("explain", `/${target}`, at("good.yaml"), unread)).out).toContain(
        "nobody: the AuthService is invalid (500)",
      );
      expect((await run("explain", "--as", "keys/app", `/${target}`, at("good.yaml"), unread)).out).toContain(
        "app of keys may not call, as nobody may",
      );
      expect((await run("explain", "--as", "keys/app", `/${target}`, at("good.yaml"), file)).out).toContain(
        "app of keys may call, as anybody may; the AuthService was not asked",
      );
    });

    test("addresses of the Module count for everybody", async () => {
      const file = say(
        "module.yaml",
        configuration(
          "Module",
          "ambassador",
          "{ config: { ip_allow: [{ remote: 10.0.0.0/8 }, { peer: 192.0.2.7 }] } }",
        ),
      );
      const from =
        "only from 10.0.0.0/8 or 192.0.2.7/32 at the other end of the connection (ip_allow of Ambassador's Module)";
      expect((await run("who", at("good.yaml"), file)).out).toContain(from);
      expect((await run("explain", `/${target}`, at("good.yaml"), file)).out).toContain(from);
      const unread = say("unread-module.yaml", configuration("Module", "ambassador", "{ config: { ip_allow: all } }"));
      expect((await run("who", at("good.yaml"), unread)).out).toContain(
        "nobody: the list of addresses that may call is invalid (403)",
      );
    });

    test("cleartext that a Host redirects goes nowhere, and by TLS it goes where it goes", async () => {
      const file = say(
        "host.yaml",
        configuration("Host", "door", "{ hostname: a.example, requestPolicy: { insecure: { action: Redirect } } }"),
      );
      expect((await run("who", at("good.yaml"), file)).out).toContain(
        "\ncleartext is redirected to https for a.example\n",
      );
      const ask = async (written: string, ...more: string[]): Promise<string> =>
        (await run("explain", ...more, written, at("good.yaml"), file)).out;
      expect(await ask(`http://a.example/${target}`)).toMatch(
        /^GET a\.example\/[^]* {2}answers +301: a request in cleartext to a\.example is redirected to https\n/,
      );
      expect(await ask(`http://a.example/${target}`)).not.toContain("SHARE");
      expect(await ask(`http://a.example/${target}`, "-X", "POST")).toContain("308: ");
      expect(
        await ask(
          "http://a.example/seldon.protos.Seldon/Predict",
          "--grpc",
          "-H",
          "seldon: iris",
          "-H",
          "namespace: prod",
        ),
      ).toContain("FAILED_PRECONDITION: ");
      expect(await ask(`https://a.example/${target}`)).toMatch(/^GET https:\/\/a\.example\/[^]* {2}SHARE/);
      expect(await ask(`http://b.example/${target}`)).toContain("SHARE");
      expect(await ask("http://a.example/.well-known/acme-challenge/x")).toContain("404: no route");
    });
  });

  test("a policy that cannot be read is exit 1, for every tool", async () => {
    for (const name of ["who", "check", "routes"])
      expect(await run(name, at("good.yaml"), "--policy", at("broken.yaml"))).toMatchObject({
        code: 1,
        err: expect.stringMatching(/names the provider kyes/) as string,
      });
    expect((await run("who", at("good.yaml"), "--policy", at("absent.yaml"))).err).toMatch(/ENOENT.*--policy FILE/);
    expect((await run("who")).code).toBe(2);
  });

  test.each([
    ["keys/app", "app of keys may call, once its credentials prove it"],
    ["keys", "a client of keys may call"],
    ["corp/app", "app of corp may not call: the policy has no provider corp"],
  ])("explain --as %s", async (as, sentence) => {
    expect(
      (await run("explain", "--as", as, "/seldon/prod/own/x", at("own.yaml"), "--policy", at("policy.yaml"))).out,
    ).toContain(sentence);
  });

  describe("explain of a request with credentials", () => {
    const shown = async (...argv: string[]): Promise<string> => {
      const { out, err } = await run(
        "explain",
        ...argv,
        "/seldon/prod/own/x?a=1",
        at("own.yaml"),
        "--policy",
        at("policy.yaml"),
      );
      expect(out + err).not.toMatch(/correct-horse|wrong-horse|bm90aGluZw/);
      return out;
    };

    test("says who the caller would be, and prints no credential", async () => {
      expect(await shown("-H", "X-Api-Key: correct-horse-battery")).toContain(
        "the request shows mobile-app of keys, who may call\n",
      );
      expect(await shown("-H", "x-api-key: wrong-horse-battery")).toContain(
        "what the request shows does not let it in (keys: this API key is nobody's: send the one that you were given)\n",
      );
      expect(await shown("-H", "authorization: Basic bm90aGluZw==")).toContain(
        "what the request shows does not let it in (keys: it shows nothing)\n",
      );
      expect(await shown("-H", "location: london")).not.toContain("shows");
      for (const form of ["-ojson", "-owide"])
        expect(
          await shown("-H", "x-api-key: correct-horse-battery", "-H", "authorization: Basic bm90aGluZw==", form),
        ).toContain("mobile-app of keys, who may call");
      const { out } = await run(
        "explain",
        "/seldon/prod/own/x?key=correct-horse-battery&a=1",
        at("own.yaml"),
        "--policy",
        at("policy.yaml"),
      );
      for (const form of ["-ojson", "-owide", "--body-bytes=1"])
        expect(
          (
            await run(
              "explain",
              "/seldon/prod/own/x?k%65y=correct-horse-battery&a=1",
              at("own.yaml"),
              "--policy",
              at("policy.yaml"),
              form,
            )
          ).out,
        ).not.toContain("correct-horse");
      expect(out).toMatch(/^GET localhost\/seldon\/prod\/own\/x\?key=\(not shown\)&a=1\n/);
      expect(out).toContain("mobile-app of keys, who may call");
    });

    test.each([[], ["--oauth"]])("prints no token of the OAuth gateway (%s)", async (...options) => {
      for (const target of [
        "/api/v0.1/predictions?access_token=f1e2d3c4",
        "/seldon/prod/own/x?access%5Ftoken=f1e2d3c4",
      ]) {
        for (const form of ["-ojson", "-owide", "--body-bytes=1"])
          expect(
            (
              await run(
                "explain",
                "-X",
                "POST",
                "-H",
                "oauth_token: f1e2d3c4",
                target,
                at("own.yaml"),
                ...options,
                form,
              )
            ).out,
          ).not.toContain("f1e2d3c4");
      }
    });

    test("says that it did not look, and why", async () => {
      expect(
        (await run("explain", "-H", "authorization: Bearer x", "/seldon/prod/iris/x", at("good.yaml"))).out,
      ).toContain("what the request shows was not looked at, as no provider is asked\n");
      writeFileSync(
        at("far.yaml"),
        'providers:\n  keys: { kind: jwt, issuer: https://login.example, audiences: [models], jwks: "https://login.example/jwks" }\n',
      );
      expect(
        (
          await run(
            "explain",
            "-H",
            "authorization: Bearer a.b.c",
            "/seldon/prod/own/x",
            at("own.yaml"),
            "--policy",
            at("far.yaml"),
          )
        ).out,
      ).toContain(
        "it is not known whether what the request shows lets it in (keys: it was not looked at, as its keys at https://login.example/jwks are not known here)",
      );
    });
  });

  test("explain --as nobody in particular", async () => {
    expect((await run("explain", "--as", "/x", "/seldon/prod/own/x", at("own.yaml"))).code).toBe(2);
    expect((await run("explain", "--as", "keys/app", "/seldon/prod/iris/x", at("good.yaml"))).out).toContain(
      "app of keys may call, as anybody may",
    );
  });
});

describe("check", () => {
  test("of an export without EndpointSlices says so, and counts its Services as ready", async () => {
    writeFileSync(
      at("export.yaml"),
      `apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: { name: iris, namespace: prod }\nspec: { predictors: [{ name: main, graph: { name: c } }] }\n---\napiVersion: v1\nkind: Service\nmetadata: { name: iris-main, namespace: prod }\nspec: { ports: [{ name: http, port: 8000 }, { name: grpc, port: 5001 }] }\n`,
    );
    expect((await run("check", at("export.yaml"))).out).toContain(
      "kubectl get sdep,svc,endpointslices -n prod -o yaml",
    );
    expect((await run("routes", at("export.yaml"))).out).not.toContain("unready");
  });

  test("exits 0 when there is no Problem", async () => {
    expect(await run("check", at("good.yaml"))).toEqual({
      code: 0,
      out: "1 SeldonDeployment: 1 as before\n\nno Problems in 1 SeldonDeployment\n",
      err: "",
    });
  });

  test("exits 1 for an error and names file, line and column", async () => {
    const { code, out } = await run("check", at("bad.yaml"));
    expect(code).toBe(1);
    expect(out).toContain(`error bad-yaml File ${at("bad.yaml")} line 7, column 1: `);
    expect(out).toMatch(/\n1 error, 0 warning, 0 info in 1 SeldonDeployment\n$/);
  });

  test("exits 0 for warnings alone", async () => {
    const { code, out } = await run("check", at("warned.yaml"));
    expect(code).toBe(0);
    expect(out).toMatch(/^1 SeldonDeployment: 1 as before\n\nwarning not-an-object /);
  });

  test("-o json prints the same as values", async () => {
    const { code, out } = await run("check", "-o", "json", at("bad.yaml"));
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      problems: [{ code: "bad-yaml", level: "error", field: "line 7, column 1" }],
    });
  });

  test("says what was read and what was not", async () => {
    const sd = (metadata: string): string =>
      `apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: ${metadata}\nspec: { predictors: [{ name: main, graph: { name: c } }] }\n`;
    const service =
      "apiVersion: v1\nkind: Service\nmetadata: { name: iris-main, namespace: prod }\nspec: { ports: [{ name: http, port: 8000 }, { name: grpc, port: 5001 }] }\n";
    const slices =
      "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: { name: x, namespace: prod, labels: { kubernetes.io/service-name: iris-main } }\nports: [{ name: http, port: 1 }, { name: grpc, port: 1 }]\nendpoints: [{ addresses: [10.0.0.1] }]\n";
    const others =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: { name: a }\n";
    writeFileSync(
      at("many.yaml"),
      [
        sd("{ name: iris, namespace: prod }"),
        sd("{ name: a, namespace: staging }"),
        sd("{ name: b, namespace: prod, annotations: { seldon.io/ambassador-id: x } }"),
        sd("{ name: c }"),
        service,
        slices,
        others,
      ].join("---\n"),
    );
    const { out } = await run("check", at("many.yaml"), "--namespace", "prod", "-n", "prod");
    expect(out).toMatch(
      / in 3 SeldonDeployments, 1 Service and 1 EndpointSlice \(2 objects of other kinds, 1 in namespaces that are not watched, 1 of another ambassador-id\)\n$/,
    );
    expect((await run("check", at("many.yaml"))).out).toMatch(
      /, 1 without a namespace, taken as of default: -n NAMESPACE for another\)\n$/,
    );
    expect(JSON.parse((await run("check", "-o", "json", "-n", "x", at("many.yaml"))).out)).toMatchObject({
      read: { kinds: { SeldonDeployment: 4 }, otherKinds: 2, ofAnotherId: 1, withoutNamespace: 0 },
    });
    expect((await run("check", "-n", "A b", at("many.yaml"))).err).toContain("is not a namespace");
  });

  test("names objects of SeldonDeployments that are not there, by owner reference and by label", async () => {
    const sd =
      "apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: { name: iris, namespace: prod }\nspec: { name: old, predictors: [{ name: main, graph: { name: c } }] }\n";
    const service = (name: string, metadata: string): string =>
      `apiVersion: v1\nkind: Service\nmetadata: { name: ${name}, namespace: prod, ${metadata} }\nspec: { ports: [{ name: http, port: 8000 }, { name: grpc, port: 5001 }] }\n`;
    const mapping =
      "apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: { name: m, namespace: prod, ownerReferences: [{ apiVersion: machinelearning.seldon.io/v1, kind: SeldonDeployment, name: gone, uid: u }] }\nspec: { prefix: /x/, service: x }\n";
    writeFileSync(
      at("orphans.yaml"),
      [
        sd,
        service("iris-main", "labels: { seldon-deployment-id: old-iris }"),
        service("mine", "labels: { app: x }"),
      ].join("---\n"),
    );
    expect((await run("check", at("orphans.yaml"))).out).toMatch(/ in 1 SeldonDeployment and 2 Services\n$/);
    writeFileSync(
      at("orphans.yaml"),
      [sd, mapping, ...["a", "b", "c"].map((name) => service(name, "labels: { seldon-deployment-id: iriss }"))].join(
        "---\n",
      ),
    );
    expect((await run("check", at("orphans.yaml"))).out).toMatch(
      / in 1 SeldonDeployment, 1 Mapping and 3 Services \(4 of SeldonDeployments that are not there: Mapping prod\/m of gone; Service prod\/a of iriss; Service prod\/b of iriss; …\)\n$/,
    );
    expect(JSON.parse((await run("check", "-o", "json", at("orphans.yaml"))).out)).toMatchObject({
      read: { orphans: [{ owner: "gone" }, {}, {}, {}] },
    });
  });

  test.each([
    ["", [], "there is no object, so there is nothing to check"],
    [
      "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n",
      [],
      "the one object is of a kind that routing does not read, so there is nothing to check",
    ],
    [
      "apiVersion: v1\nkind: Service\nmetadata: { name: a }\n",
      ["--namespace", "prod"],
      "the one object is in a namespace that is not watched, so there is nothing to check",
    ],
  ])('nothing read is an error, never "no Problems": %j', async (text, argv, sentence) => {
    writeFileSync(at("nothing.yaml"), text);
    const { code, out } = await run("check", at("nothing.yaml"), ...argv);
    expect(code).toBe(1);
    expect(out).toContain(`error nothing-read File ${at("nothing.yaml")}: ${sentence}`);
    expect(out).toMatch(/\n1 error, 0 warning, 0 info in nothing/);
  });

  test("- reads standard input", async () => {
    const child = execFile(process.execPath, [entry, "check", "-"]);
    const out = new Promise<string>((done) => {
      let text = "";
      child.stdout!.on("data", (part) => (text += String(part))).on("end", () => done(text));
    });
    child.stdin!.end(
      JSON.stringify({
        apiVersion: "machinelearning.seldon.io/v1",
        kind: "SeldonDeployment",
        metadata: { name: "a", namespace: "b" },
        spec: { predictors: [{ name: "main", graph: { name: "c" } }] },
      }),
    );
    expect(await out).toMatch(/ in 1 SeldonDeployment\n$/);
  });

  test("reads Grants: with --claims granted a claim is refused without one", async () => {
    expect((await run("check", "--claims", "granted", at("shop.yaml"))).code).toBe(1);
    expect((await run("check", "--claims", "granted", "--grants", at("grants.yaml"), at("shop.yaml"))).code).toBe(0);
  });

  test.each([
    [
      [],
      2,
      "sluice check: it takes either manifests or a cluster: write sluice check DIR|FILE…, or sluice check --cluster\n",
    ],
    [["--nonsense", "x"], 2, "sluice check: unknown option --nonsense: write --help for the list\n"],
    [["--claims", "maybe", "x"], 2, 'sluice check: --claims is "maybe": write open or granted\n'],
    [
      ["/no/such/folder"],
      1,
      "sluice check: /no/such/folder is neither a directory nor a .yaml, .yml or .json file that exists\n",
    ],
  ])("%j ends with %i and one line", async (argv, code, err) => {
    expect(await run("check", ...argv)).toEqual({ code, out: "", err });
  });
});

describe("what is not there", () => {
  beforeAll(() => {
    writeFileSync(at("config.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x, namespace: prod }\n");
    writeFileSync(
      at("other.yaml"),
      readFileSync(at("good.yaml"), "utf8").replace(
        "namespace: prod }",
        "namespace: prod, annotations: { seldon.io/ambassador-id: other } }",
      ),
    );
  });

  test.each(["routes", "who"] as const)("%s of a name that nothing has is exit 1, with a sentence", async (name) => {
    const sentence =
      "no deployment or Mapping is named prod/wine: write NAME or NAMESPACE/NAME as sluice routes shows it";
    for (const form of [[], ["-o", "json"], ...(name === "routes" ? [["-o", "wide"]] : [])]) {
      expect(await run(name, at("good.yaml"), "--deployment", "prod/wine", ...form)).toEqual({
        code: 1,
        out: "",
        err: `sluice ${name}: ${sentence}\n`,
      });
      for (const named of ["iris", "prod/iris"])
        expect((await run(name, at("good.yaml"), at("shop.yaml"), "--deployment", named, ...form)).code).toBe(0);
    }
    expect((await run(name, at("good.yaml"), at("shop.yaml"), "--deployment", "shop")).out).not.toContain("iris");
  });

  test.each(["routes", "who"] as const)("%s of nothing says what was not read, and is exit 1", async (name) => {
    expect(await run(name, at("config.yaml"))).toEqual({
      code: 1,
      out: "no Routes; what was read: nothing (1 object of other kinds)\n",
      err: "",
    });
    expect(await run(name, at("other.yaml"))).toEqual({
      code: 1,
      out: "no Routes; what was read: 1 SeldonDeployment (1 of another ambassador-id)\n",
      err: "",
    });
    expect(await run(name, at("good.yaml"), "--namespace", "staging")).toEqual({
      code: 1,
      out: "no Routes; what was read: nothing (1 in namespaces that are not watched)\n",
      err: "",
    });
  });
});

describe("routes", () => {
  test("prints the table of manifests", async () => {
    const { code, out } = await run("routes", "-o", "wide", at("good.yaml"));
    expect(code).toBe(0);
    expect(out).toContain("# namespace prod\n");
    expect(out).toMatch(/75% {2}\S+ \S*prod/);
  });

  test("for people: a block a deployment, with the file and line that declare it, and no colour where there is no terminal", async () => {
    const { code, out } = await run("routes", at("good.yaml"));
    expect(code).toBe(0);
    expect(out).toContain(
      "\nprod/iris\n  REST  /seldon/prod/iris/…\n  gRPC  seldon: iris, namespace: prod (or seldon alone)\n",
    );
    expect(out).toMatch(
      new RegExp(
        `\n +75% +75% {2}yes {4}main +iris-main:8000, gRPC 5001 +SeldonDeployment iris \\(${at("good.yaml")}:1\\)\n`,
      ),
    );
    expect(out).toMatch(/\n1 deployment\n$/);
    expect(out).not.toContain("\u001b");
  });

  test("-o json prints shares 0..1 and nothing of TLS", async () => {
    const { out } = await run("routes", "-o", "json", at("good.yaml"));
    const table = JSON.parse(out) as { items: { members: { share: number }[] }[] };
    expect(table.items[0]!.members.map(({ share }) => share)).toEqual([0.25, 0.75]);
  });

  test.each([[[]], [["--url", "http://x", "dir"]]])("%j is wrong use", async (argv) => {
    expect((await run("routes", ...argv)).code).toBe(2);
  });
});

describe("explain", () => {
  test("says Route, shares, limits, what set them, and the Service", async () => {
    const { code, out } = await run(
      "explain",
      "-o",
      "wide",
      "-X",
      "POST",
      "/seldon/prod/iris/api/v1.0/predictions?x=1",
      at("good.yaml"),
    );
    expect(code).toBe(0);
    expect(out).toMatch(/^POST localhost\/seldon\/prod\/iris\/api\/v1\.0\/predictions\?x=1\n/);
    expect(out).toContain("looked up in namespace prod\n");
    expect(out).toContain("route ^ /seldon/prod/iris/\n");
    expect(out).toMatch(/75% forward \S+.* \/api\/v1\.0\/predictions\?x=1 {2}\(SeldonDeployment prod\/iris, main\)/);
    expect(out).toContain(
      "limits: 3000 ms to the response head, set by default; 300000 ms without a byte, set by default\n",
    );
    expect(out).toContain("iris-main, which does not exist; tried: iris-main");
  });

  test("for people: what was looked at, then who gets which share, in columns", async () => {
    const { code, out } = await run(
      "explain",
      "-X",
      "POST",
      "--body-bytes",
      "9",
      "/seldon/prod/iris/api/v1.0/predictions?x=1",
      at("good.yaml"),
    );
    expect(code).toBe(0);
    expect(out).toMatchInlineSnapshot(`
      "POST localhost/seldon/prod/iris/api/v1.0/predictions?x=1
        looked up in  namespace prod
        route         /seldon/prod/iris/…

        SHARE  DECLARED  READY  PREDICTOR  GOES TO                PATH THERE                 DECLARED IN
          75%       75%  yes    main       iris-main.prod:8000    /api/v1.0/predictions?x=1  SeldonDeployment prod/iris
          25%       25%  yes    canary     iris-canary.prod:8000  /api/v1.0/predictions?x=1  SeldonDeployment prod/iris

        steps         body-limit
        limits        3000 ms to the response head, set by default; 300000 ms without a byte, set by default
        Service       iris-canary is not there; tried iris-canary, iris--canary (canary)
        Service       iris-main is not there; tried iris-main, iris--main (main)
      "
    `);
  });

  test("lists the steps that the request passes, with the body limit that the gateway would have", async () => {
    const steps = async (...argv: string[]): Promise<unknown> =>
      (
        JSON.parse((await run("explain", "-o", "json", ...argv, "/seldon/prod/iris/x", at("good.yaml"))).out) as {
          ways: { steps: unknown }[];
        }
      ).ways.map((way) => way.steps);
    expect(await steps()).toEqual([[], []]);
    expect(await steps("--body-bytes", "1")).toEqual([["body-limit"], ["body-limit"]]);
    expect(await steps("--body-bytes", "0", "-H", "connection: upgrade", "-H", "upgrade: websocket")).toEqual([
      ["upgrade"],
      ["upgrade"],
    ]);
  });

  test("a gRPC call goes by its metadata", async () => {
    const { out } = await run(
      "explain",
      "--grpc",
      "-H",
      "seldon: iris",
      "-Hnamespace: prod",
      "/seldon.protos.Seldon/Predict",
      at("good.yaml"),
      "-o",
      "wide",
    );
    expect(out).toMatch(/75% forward .*http2/);
    const bare = await run("explain", "-o", "wide", "--grpc", "/seldon.protos.Seldon/Predict", at("good.yaml"));
    expect(bare.out).toContain("answers UNIMPLEMENTED: ");
  });

  test("-o json gives the same as values", async () => {
    const { out } = await run("explain", "-o", "json", "/seldon/prod/iris", at("good.yaml"));
    expect(JSON.parse(out)).toMatchObject({
      request: { method: "GET", path: "/seldon/prod/iris" },
      route: null,
      ways: [],
      reject: { reason: "no-route", answer: "404" },
    });
  });

  test.each([
    [["/x"]],
    [[]],
    [["/x", "--url", "http://y", "dir"]],
    [["x", "dir"]],
    [["-X", "A B", "/x", "dir"]],
    [["-H", "nothing", "/x", "dir"]],
  ])("%j is wrong use", async (argv) => {
    const { code, out, err } = await run("explain", ...argv);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/^sluice explain: .*: write [^\n]*\n$/);
  });
});

/** A list of two Problems, in two parts. */
const partOf = (path: string): unknown => ({
  items: path.startsWith("/api/v1/problems") ? [problemNamed(path.includes("continue=") ? "b" : "a")] : [],
  continue: path.startsWith("/api/v1/problems") && !path.includes("continue=") ? "more" : null,
  ...(path.startsWith("/api/v1/who") ? { cleartext: [], problems: [] } : {}),
});
const problemNamed = (name: string): Problem => ({
  code: "bad-value",
  level: "warning",
  subject: { kind: "SeldonDeployment", namespace: "prod", name },
  field: "",
  sentence: "",
});

describe("a running gateway", () => {
  const seen: IncomingMessage[] = [];
  const bodies: unknown[] = [];
  let server: Server;
  let url: string;

  beforeAll(async () => {
    server = createServer((request, response) => {
      seen.push(request);
      void text(request).then((body) => {
        bodies.push(JSON.parse(body || "null"));
        if (request.headers.authorization === "Bearer wrong")
          response.writeHead(401).end('{"error":"unauthorized","sentence":"write another token"}');
        else if (request.headers.accept === "text/plain")
          response.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end("text");
        else response.end(JSON.stringify(partOf(request.url!)));
      });
    }).listen(0, "127.0.0.1");
    await new Promise((done) => server.once("listening", done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => server.close());

  test("routes asks for text or JSON", async () => {
    expect(await run("routes", "--url", url)).toEqual({ code: 0, out: "text\n", err: "" });
    expect((await run("routes", "--url", `${url}/`, "-o", "json")).out).toBe(
      '{\n  "items": [],\n  "continue": null\n}\n',
    );
    expect(seen.at(-1)!.url).toBe("/api/v1/routes?limit=10000");
    expect((await run("who", "--url", url, "-o", "yaml")).out).toBe(
      "items: []\ncontinue: null\ncleartext: []\nproblems: []\n",
    );
    await run("routes", "--url", url, "-o", "wide");
    expect(seen.at(-1)!.url).toBe("/api/v1/routes?wide=true");
    await run("explain", "/x", "--url", url, "-o", "wide");
    expect(bodies.at(-1)).toMatchObject({ path: "/x", wide: true });
  });

  test("problems prints all parts of the list, and needs a gateway", async () => {
    const printed = [problemNamed("a"), problemNamed("b")].map((one) => `${printProblem(one)}\n`).join("");
    expect(await run("problems", "--url", url)).toEqual({ code: 0, out: printed, err: "" });
    expect(JSON.parse((await run("problems", "--url", url, "-o", "json")).out)).toEqual({
      items: [problemNamed("a"), problemNamed("b")],
      continue: null,
      away: [],
    });
    expect(seen.at(-1)!.url).toBe("/api/v1/problems?limit=10000&continue=more");
    await run("problems", "--url", url, "-n", "prod");
    expect(seen.at(-1)!.url).toBe("/api/v1/problems?limit=10000&namespace=prod&continue=more");
    await run("explain", "/x", "--url", url, "-n", "prod");
    expect(seen.at(-1)!.url).toBe("/api/v1/explain?namespace=prod");
    expect(await run("problems")).toEqual({
      code: 2,
      out: "",
      err: "sluice problems: it takes a gateway: write --url with its admin port, for example http://127.0.0.1:8877\n",
    });
  });

  test("explain sends the whole request", async () => {
    await run("explain", "--grpc", "-H", "seldon: a&b", "/p?q=1", "--url", url, "--admin-token", "secret");
    expect([seen.at(-1)!.method, seen.at(-1)!.url]).toEqual(["POST", "/api/v1/explain"]);
    expect(bodies.at(-1)).toEqual({
      method: "POST",
      host: "localhost",
      path: "/p?q=1",
      headers: [
        ["content-type", "application/grpc"],
        ["seldon", "a&b"],
      ],
      grpc: true,
      secure: false,
      as: "",
      wide: false,
    });
    expect(seen.at(-1)!.headers.authorization).toBe("Bearer secret");
  });

  test("a refusal and silence are one line and exit 1", async () => {
    expect(await run("routes", "--url", url, "--admin-token", "wrong")).toEqual({
      code: 1,
      out: "",
      err: `sluice routes: ${url}/api/v1/routes answers 401: write another token\n`,
    });
    const gone = await run("routes", "--url", "http://127.0.0.1:1");
    expect(gone.code).toBe(1);
    expect(gone.err).toMatch(
      /^sluice routes: http:\/\/127\.0\.0\.1:1 does not answer \(.*\): write --url with the address of the admin port\n$/,
    );
  });

  test.each([
    ["a token that no header holds", ["--admin-token", "sec\nret"], "the admin token"],
    ["a token with letters that no header holds", ["--admin-token", "secret€"], "the admin token"],
    ["a URL with a password", ["--url", "http://user:secret@127.0.0.1:1"], "--url holds @"],
    ["an address with a password", ["--url", "user:secret@127.0.0.1:1"], "--url holds @"],
  ])("%s is wrong, and nothing prints it", async (_, argv, about) => {
    const asked = seen.length;
    const refused = await run("routes", ...(argv.includes("--url") ? [] : ["--url", url]), ...argv);
    expect(refused).toMatchObject({ code: 1, out: "" });
    expect(refused.err).toContain(about);
    expect(refused.err).not.toMatch(/sec|user:/);
    expect(seen.length).toBe(asked);
  });
});

describe("requests", () => {
  test.each([
    ["http://a.example:80/x?y", { host: "a.example:80", path: "/x?y" }],
    ["https://a.example", { host: "a.example", path: "/" }],
    ["http://a.example?q", { host: "a.example", path: "/?q" }],
    ["/a/../b%2F", { host: "localhost", path: "/a/../b%2F" }],
  ])("%s", (target, expected) => {
    expect(readRequest({ method: null, headers: [], grpc: false, target })).toMatchObject({
      kind: "request",
      request: { method: "GET", ...expected },
    });
  });

  test("a host header is the host", () => {
    expect(readRequest({ method: "PUT", headers: ["Host: b.example", "x:1"], grpc: false, target: "/" })).toMatchObject(
      { request: { method: "PUT", host: "b.example", headers: [["x", "1"]] } },
    );
  });
});

test.each(["check", "routes", "explain", "who"])("sluice %s --help says how", async (name) => {
  const out = await new Promise<string>((done, failed) => {
    execFile(process.execPath, [entry, name, "--help"], (error, stdout) =>
      error === null ? done(stdout) : failed(error),
    );
  });
  expect(out).toMatch(new RegExp(`^Use: sluice ${name} `));
  expect(out).toContain("--grants FILE");
});

test("sluice oauth --help says how", async () => {
  const { code, out } = await run("oauth", "--help");
  expect([code, out]).toEqual([0, expect.stringMatching(/^Use: sluice oauth revoke [^]*--deployment/)]);
});

describe("--cluster", () => {
  let fake: FakeApi;
  let kubeconfig: string;
  let authority: Authority;

  beforeAll(async () => {
    authority = await Authority.make();
    const { certPem, keyPem } = await authority.issue("gateway", "", { to: "20990101000000Z" });
    fake = await FakeApi.start();
    const deployments = "/apis/machinelearning.seldon.io/v1/seldondeployments";
    fake.installed.add(deployments);
    fake.put(deployments, {
      metadata: { namespace: "prod", name: "iris" },
      spec: { predictors: [{ name: "main", graph: { name: "c" }, ssl: { certSecretName: "cert" } }] },
    });
    fake.put("/api/v1/services", {
      metadata: { namespace: "prod", name: "iris-main" },
      spec: { clusterIP: "10.0.0.1", ports: [{ name: "http", port: 8000 }] },
    });
    fake.put("/api/v1/secrets", {
      metadata: { namespace: "prod", name: "cert" },
      data: { "tls.crt": Buffer.from(certPem).toString("base64"), "tls.key": Buffer.from(keyPem).toString("base64") },
    });
    kubeconfig = at("kubeconfig");
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        "current-context": "fake",
        clusters: [
          { name: "fake", cluster: { server: `http://127.0.0.1:${fake.port}`, "insecure-skip-tls-verify": true } },
        ],
        users: [{ name: "user", user: { token: "good" } }],
        contexts: [{ name: "fake", context: { cluster: "fake", user: "user" } }],
      }),
    );
  });

  afterAll(async () => {
    await fake.stop();
    authority.remove();
  });

  test("reads the objects of the cluster once, Secrets that they name included", async () => {
    const checked = await run("check", "--cluster", "--kubeconfig", kubeconfig);
    expect(checked).toMatchObject({ code: 0, err: "" });
    // The Secret was found: only what Ambassador would do otherwise is told, under its heading.
    expect(checked.out).toMatch(
      /^1 SeldonDeployment: 1 to look at\n {2}to look at {2}prod\/iris: \d info \(.*differs\)\n\n(?:info no-such-port .*\n\n)?differs from Ambassador:\ninfo differs SeldonDeployment prod\/iris .*\n\nk8s\/PROBLEMS\.md explains each code\.\n0 error, 0 warning, \d info in .*\n$/,
    );
    const printed = await run("routes", "--cluster", "--kubeconfig", kubeconfig);
    expect(printed).toMatchObject({ code: 0, err: "" });
    expect(printed.out).toContain("/seldon/prod/iris/");
    const explained = await run(
      "explain",
      "--cluster",
      "--kubeconfig",
      kubeconfig,
      "/seldon/prod/iris/api/v1.0/predictions",
    );
    expect(explained).toMatchObject({ code: 0, err: "" });
    expect(explained.out).toContain("iris-main");
  });

  test("fails with one line when there is no cluster, no permission or no answer", async () => {
    const failing = async (line: RegExp, ...argv: string[]): Promise<void> => {
      const { code, out, err } = await run("check", "--cluster", ...argv);
      expect({ code, out }).toEqual({ code: 1, out: "" });
      expect(err).toMatch(line);
      expect(err.trimEnd()).not.toContain("\n");
    };
    await failing(
      /^sluice check: there is no cluster: .* write --kubeconfig FILE, or a folder of manifests instead of --cluster/,
      "--kubeconfig",
      at("none"),
    );
    await failing(
      /^sluice check: the kubeconfig .* has no context "other": write --context/,
      "--kubeconfig",
      kubeconfig,
      "--context",
      "other",
    );
    fake.faults.push((_, response) => (refuse(response, 403, "Forbidden", "you may not"), true));
    await failing(
      /^sluice check: .* cannot be read in all namespaces: it answers 403: you may not; .* grant get, list and watch/,
      "--kubeconfig",
      kubeconfig,
    );
    fake.faults = [];
    const { port } = fake;
    await fake.stop();
    await failing(
      /^sluice check: http:\/\/127\.0\.0\.1:\d+ cannot be read: .*ECONNREFUSED/,
      "--kubeconfig",
      kubeconfig,
    );
    await fake.listen(port);
  });

  test("beside manifests or a gateway is wrong use", async () => {
    for (const argv of [
      ["--cluster", folder],
      ["--cluster", "--url", "http://127.0.0.1:1"],
    ])
      expect(await run("routes", ...argv)).toMatchObject({ code: 2, out: "" });
    expect(await run("check", folder, "--kubeconfig", "x")).toMatchObject({
      code: 2,
      err: "sluice check: --kubeconfig says which cluster: write --cluster with it and no manifests\n",
    });
  });
});

describe("explain, where no Route answers", () => {
  const asked = async (path: string, ...argv: string[]): Promise<string[]> =>
    (await run("explain", ...argv, path, at("hints.yaml"))).out
      .split("\n")
      .filter((line) => line.startsWith("  hint "))
      .map((line) => line.slice(16));

  beforeAll(() => {
    const sd = (name: string, id: string): string =>
      `apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: { name: ${name}, namespace: prod, annotations: { seldon.io/ambassador-id: ${id} } }\nspec: { predictors: [{ name: main, graph: { name: c } }] }\n`;
    writeFileSync(at("hints.yaml"), `${sd("iris", "default")}---\n${sd("other", "green")}`);
  });

  const form = "the form is /seldon/<namespace>/<name>/…";

  test.each([
    ["/seldon/prod/iris", ["the Route /seldon/prod/iris/… needs its last slash: write /seldon/prod/iris/"]],
    ["/seldon/prod/irsi/api/v1.0/predictions", ["the nearest Route is /seldon/prod/iris/… of prod"]],
    [
      "/seldon/iris/api/v1.0/predictions",
      [`${form}, so write /seldon/prod/iris/…; /seldon/<name>/… works with --single-namespace`],
    ],
    [
      "/seldon/nowhere/model/api",
      [`${form}, so this asks for "model" of the namespace "nowhere", which has no Route here`],
    ],
    ["/seldon/prod", [form]],
    [
      "/seldon/prod/other/api",
      [
        'SeldonDeployment prod/other has the ambassador-id "green", which is not this gateway\'s, so another one serves it',
      ],
    ],
    ["/shop/", []],
  ])("%s", async (path, hints) => {
    expect(await asked(path)).toEqual(hints);
  });

  test("gRPC of another ambassador-id", async () => {
    expect(
      await asked("/seldon.protos.Seldon/Predict", "--grpc", "-H", "seldon: other", "-H", "namespace: prod"),
    ).toEqual([
      'SeldonDeployment prod/other has the ambassador-id "green", which is not this gateway\'s, so another one serves it',
    ]);
  });

  test("candidates of the Service are labelled", async () => {
    expect((await run("explain", "/seldon/prod/iris/x", at("hints.yaml"))).out).toContain(
      "Service       iris-main is not there; tried iris-main, iris--main\n",
    );
    expect((await run("explain", "-o", "wide", "/seldon/prod/iris/x", at("hints.yaml"))).out).toContain(
      "iris-main, which does not exist; tried: iris-main",
    );
  });
});
