// The pages name every option, metric, command and path of the admin port, and none that is not there.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { afterEach, describe, expect, test } from "vitest";
import { serveOptions } from "../gateway/options/config.ts";
import { defaultLimits } from "../gateway/options/settings.ts";
import { manifestOptions } from "../gateway/tools/manifests.ts";
import { metrics } from "../gateway/shared/metrics.ts";
import { kindNames } from "../k8s/source/objects/kinds.ts";
import { compareText } from "../routing/text/problem.ts";
import { GatewayProcess, Manifests, ModelServer } from "./gateway/gateway-process.ts";
import { root } from "./gateway/packed-form.ts";
import { page, pageNames, quotedIn, rowsUnder } from "./pages.ts";
import { printed } from "./gateway/printed.ts";
import { until } from "./gateway/until.ts";

const [options, runbook, install, manifests] = [
  page("gateway/OPTIONS.md"),
  page("gateway/RUNBOOK.md"),
  page("k8s/INSTALL.md"),
  page("k8s/MANIFESTS.md"),
];
const allPages = pageNames.map((name) => page(name)).join("\n");

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

describe("options", () => {
  const rows = rowsUnder(options, "option of `serve`").map(([names, ...cells]) => ({
    options: quotedIn(names!),
    cells,
  }));

  test("every option of serve is in one table, once, and no other is", () => {
    const named = rows.flatMap(({ options }) => options.map((text) => text.split(" ", 1)[0]!));
    expect(named.toSorted()).toEqual(serveOptions.map(({ name }) => `--${name}`).sort());
  });

  test("each has the default and the value that its help has", () => {
    for (const { options, cells } of rows) {
      const defaults = cells[0]!.replaceAll(" and ", " ").split(/[ ,:;]+/);
      for (const [index, text] of options.entries()) {
        const [written, value] = text.split(" ") as [string, string | undefined];
        const { name, placeholder, kind } = serveOptions.find((option) => `--${option.name}` === written)!;
        const limit = defaultLimits[
          name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()) as keyof typeof defaultLimits
        ] as number | undefined;
        // What a limit takes is a number, of the unit in its name.
        if (limit !== undefined) expect([name, defaults[index]]).toEqual([name, String(limit)]);
        // REF is explained beside it.
        else if (value !== "REF")
          expect([name, value?.replaceAll("\\", "")]).toEqual([name, kind === "flag" ? undefined : placeholder]);
      }
    }
  });

  test("every option that it writes anywhere is one of Sluice, or of another program", () => {
    const ours = new Set([...serveOptions, ...manifestOptions].map(({ name }) => name));
    // Of tools, the demo, the packing and the fuzzer.
    for (const name of [
      "json",
      "all",
      "back",
      "wide",
      "url",
      "admin-token",
      "method",
      "header",
      "grpc",
      "as",
      "deployment",
      "once",
      "help",
      "check",
      "minutes",
    ])
      ours.add(name);
    // Of helm, docker, kubectl and Node; --testTimeout of vitest.
    for (const name of [
      "create-namespace",
      "set",
      "platform",
      "field-selector",
      "overwrite",
      "disable-sigusr1",
      "test",
    ])
      ours.add(name);
    const written = [...allPages.matchAll(/(?<![\w-])--([a-z][a-z0-9-]*)/g)].map(([, name]) => name!);
    expect([...new Set(written)].filter((name) => !ours.has(name))).toEqual([]);
  });

  test("those that decide what manifests mean are all there", () => {
    const sentence = /the options of `serve` that decide what manifests mean: ([^.]*)\./.exec(options)![1]!;
    const ofServe = manifestOptions
      .filter(({ name }) => serveOptions.some((option) => option.name === name))
      .map(({ name }) => `--${name}`);
    expect(
      quotedIn(sentence)
        .filter((name) => name !== "--cluster")
        .toSorted(),
    ).toEqual(ofServe.sort());
  });
});

describe("commands", () => {
  const lines = /\n## Commands\n\n((?: {4}.*\n)+)/
    .exec(options)![1]!
    .trim()
    .split("\n")
    .map((line) => line.trim());
  const onPage = new Set(lines.map((line) => line.split(" ")[1]!));

  test("every command is there, and no other is", async () => {
    const usage = await printed("--help");
    expect([...usage.matchAll(/^ {2}([a-z]+) +\S/gm)].map(([, name]) => name!).sort()).toEqual([...onPage].toSorted());
  });

  test.each([...onPage])("every option of %s is somewhere, and those in its lines are its own", async (name) => {
    const help = await printed(name, "--help");
    const own = new Set([...help.matchAll(/^ {2}--([a-z][a-z0-9-]*)/gm)].map(([, option]) => option!));
    for (const line of lines.filter((one) => one.split(" ")[1] === name))
      for (const [, option] of line.matchAll(/--([a-z][a-z0-9-]*)/g))
        expect([line, own.has(option!)]).toEqual([line, true]);
    expect([...own].filter((option) => !new RegExp(`--${option}(?![\\w-])`).test(options))).toEqual([]);
  });
});

describe("the admin port", () => {
  test("every metric is there with the labels that its declaration has, and no other is", async () => {
    const [folder, model] = [await Manifests.create(), await ModelServer.start()];
    closers.push(
      () => folder.remove(),
      () => model.stop(),
    );
    await folder.deploy("iris", model.port);
    await folder.deploy("copy", model.port, "prod", {
      "seldon.io/ambassador-service-name": "iris",
      "seldon.io/ambassador-shadow": "true",
    });
    await folder.write("bad.yaml", "{{{");
    const gateway = new GatewayProcess([
      "serve",
      "--folder",
      folder.folder,
      "--listen",
      "127.0.0.1:0",
      "--admin",
      "127.0.0.1:0",
      "--workers",
      "1",
    ]);
    closers.push(() => gateway.kill());
    const { traffic, admin } = await gateway.listening();
    expect(
      (await fetch(`${traffic}/seldon/prod/iris/api/v1.0/predictions`, { method: "POST", body: "{}" })).status,
    ).toBe(200);
    const scrape = async (): Promise<string> => (await fetch(`${admin}/metrics`)).text();
    await until(async () => /^sluice_shadow_requests_total\{.*outcome="sent"/m.test(await scrape()));
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
    const section = runbook.slice(runbook.indexOf("\n## Health and metrics\n"));
    const paths = quotedIn(section.slice(0, section.indexOf("<!--"))).filter((path) => path.startsWith("/"));
    // What it says itself of a path that it does not serve.
    const { sentence } = (await (await fetch(`${admin}/nowhere`)).json()) as { sentence: string };
    expect(
      [...sentence.slice(sentence.indexOf(": ask ")).matchAll(/\/[a-z/]+/g)]
        .map(([path]) => path)
        .filter((path) => !paths.includes(path)),
    ).toEqual([]);
    const missing = await Promise.all(paths.map(async (path) => [path, (await fetch(`${admin}${path}`)).status]));
    // Only with --oauth, and by POST.
    expect(missing.filter(([, status]) => status === 404)).toEqual([["/api/oauth/revoke", 404]]);
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
