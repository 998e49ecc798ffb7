// The pages name every option, metric, command and path of the admin port, and none that is not there.
import { releasedManifest } from "./gateway/release-fixtures.ts";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { afterEach, describe, expect, test } from "vitest";
import { commandsOf } from "../gateway/commands.ts";
import { ShownCredentials } from "../gateway/edge/identity/shown-credentials.ts";
import { nameOf } from "../gateway/options/option.ts";
import { metrics } from "../gateway/shared/metrics/all.ts";
import { kindNames } from "../k8s/source/objects/kinds.ts";
import { compareText } from "../routing/text/problem.ts";
import { Manifests, ModelServer, serving } from "./gateway/gateway-process.ts";
import { root } from "./gateway/packed-form.ts";
import { page, pageNames, quotedIn, rowsUnder } from "./pages.ts";
import { freePort } from "./ports.ts";
import { until } from "./gateway/until.ts";

const [install, manifests] = [page("k8s/INSTALL.md"), page("k8s/MANIFESTS.md")];
const allPages = pageNames.map((name) => page(name)).join("\n");

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

test("every option that a page writes is one of Sluice, or of another program", async () => {
  const ours = new Set(["help"]);
  for (const { load } of commandsOf(async () => new ShownCredentials()))
    for (const field of Object.keys((await load()).options)) ours.add(nameOf(field));
  // Of docker, the packing, the fuzzer, helm, docker, kubectl and Node; --testTimeout of vitest.
  const others =
    "build-arg check minutes create-namespace set platform field-selector overwrite disable-sigusr1 test".split(" ");
  for (const name of others) ours.add(name);
  const written = [...allPages.matchAll(/(?<![\w-])--([a-z][a-z0-9-]*)/g)].map(([, name]) => name!);
  expect([...new Set(written)].filter((name) => !ours.has(name))).toEqual([]);
});

describe("the admin port", () => {
  test("every metric is there with the labels that its declaration has, and no other is", async () => {
    const [folder, model, silent] = [await Manifests.create(), await ModelServer.start(), await ModelServer.start()];
    silent.answer = () => undefined;
    closers.push(
      () => folder.remove(),
      () => model.stop(),
      () => silent.stop(),
    );
    await folder.deploy("full", silent.port, "prod", {
      "seldon.io/rest-timeout": "60000",
      "seldon.io/ambassador-circuit-breakers-max-requests": "1",
    });
    await folder.deploy("iris", model.port);
    await folder.deploy("copy", model.port, "prod", {
      "seldon.io/ambassador-service-name": "iris",
      "seldon.io/ambassador-shadow": "true",
      "sluice.io/compare": "true",
    });
    await folder.deploy("dead", await freePort(), "prod", { "seldon.io/ambassador-retries": "1" });
    await folder.write("bad.yaml", "{{{");
    const port = await freePort();
    const predictors = ["main", "canary"].map((name) => [name, port, name] as const);
    await folder.write(
      "released.yaml",
      releasedManifest({ name: "released", annotations: { "sluice.io/rollout": "canary" }, predictors }),
    );
    const gateway = serving(folder.folder, 1, "--releases-record", join(folder.folder, ".releases"));
    closers.push(() => gateway.kill());
    const { traffic, admin } = await gateway.listening();
    expect(
      (await fetch(`${traffic}/seldon/prod/iris/api/v1.0/predictions`, { method: "POST", body: "{}" })).status,
    ).toBe(200);
    const feedback = await fetch(`${traffic}/seldon/prod/iris/api/v1.0/feedback`, {
      method: "POST",
      body: '{"reward":1}',
    });
    expect(feedback.status).toBe(200);
    const dead = await fetch(`${traffic}/seldon/prod/dead/api/v1.0/predictions`, { method: "POST", body: "{}" });
    expect(dead.status).toBe(503);
    const waiting = new AbortController();
    closers.push(() => waiting.abort());
    // Its breaker has something in use, and is at its limit, until the test ends.
    fetch(`${traffic}/seldon/prod/full/api/v1.0/predictions`, {
      method: "POST",
      body: "{}",
      signal: waiting.signal,
    }).catch(() => undefined);
    const scrape = async (): Promise<string> => (await fetch(`${admin}/metrics`)).text();
    await until(async () => /^sluice_comparisons_total\{.*outcome="agreed"\} [1-9]/m.test(await scrape()));
    await until(async () => /^sluice_rollout_step_age_seconds\{/m.test(await scrape()));
    await until(async () => /^sluice_shadow_requests_total\{.*outcome="sent"/m.test(await scrape()));
    await until(async () =>
      /^sluice_breakers_open\{.*deployment="full".*resource="requests"\} 1$/m.test(await scrape()),
    );
    const text = await scrape();
    const families = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name!);
    expect([...metrics.keys()].toSorted()).toEqual(families.sort());
    for (const { name, labels } of metrics.values()) {
      const sample = new RegExp(`^${name}(?:_bucket)?(?:\\{(.*)\\})? `, "m").exec(text);
      const found = [...(sample?.[1] ?? "").matchAll(/(\w+)="/g)]
        .map(([, label]) => label!)
        .filter((label) => label !== "le");
      // Of a certificate, where there is none.
      if (sample === null) expect(name).toBe("sluice_certificate_expiry_timestamp_seconds");
      else expect([name, found.toSorted()]).toEqual([name, labels.toSorted()]);
    }
  });
});

test("every value of the chart that it names is one of the chart", () => {
  const values = load(readFileSync(join(root, "k8s/chart/values.yaml"), "utf8")) as Readonly<Record<string, unknown>>;
  const isThere = (path: string): boolean => {
    let at: unknown = values;
    for (const part of path.split(".")) {
      if (typeof at !== "object" || at === null || !Object.hasOwn(at, part)) return false;
      at = (at as Readonly<Record<string, unknown>>)[part];
    }
    return true;
  };
  const named = rowsUnder(install, "value").flatMap(([names]) => {
    const [first, ...more] = quotedIn(names!);
    return [first!, ...more.map((name) => (name.startsWith(".") ? `${first!.split(".")[0]!}${name}` : name))];
  });
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((path) => !isThere(path))).toEqual([]);
});

test("every right that the chart gives is said, and no other", () => {
  const templates = ["_rules.tpl", "rbac.yaml"]
    .map((file) => readFileSync(join(root, "k8s/chart/templates", file), "utf8"))
    .join("\n");
  const given = new Set(
    [...templates.matchAll(/resources: \[(.*)\]\n(?: *resourceNames: .*\n)? *verbs: \[(.*)\]/g)].flatMap(
      ([, resources, verbs]) => rightsOf(resources!, verbs!.split(", ")),
    ),
  );
  expect(given.size).toBeGreaterThan(20);
  const table = install.slice(install.indexOf("**What it may do**")).split("\n\n")[1]!.split("\n").slice(2);
  const said = table.flatMap((row) => {
    const [resources, what] = row.slice(2, -2).split(" | ") as [string, string];
    return rightsOf(resources, what.match(/\b(?:get|list|watch|create|update|patch|delete)\b/g)!);
  });
  expect(said.toSorted(compareText)).toEqual([...given].toSorted(compareText));
});

function rightsOf(resources: string, verbs: readonly string[]): readonly string[] {
  return resources.split(", ").flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`));
}

test("every kind that is read in a folder is said, and no other", () => {
  const kinds = /- Kinds that are read .*?: ([^.]*)\./.exec(manifests)![1]!;
  expect(kinds.split(", ")).toEqual(kindNames);
});
