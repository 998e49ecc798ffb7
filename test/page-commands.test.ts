// What the pages tell people to type works: links lead somewhere, examples are valid, commands run as they stand.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { dump, load, loadAll } from "js-yaml";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { decodePolicyFile } from "../gateway/callers/policy-file.ts";
import { decodeGrants } from "../gateway/options/grants.ts";
import { annotationKinds } from "../k8s/translate/fields/annotation-names.ts";
import { entry } from "./gateway/entry.ts";
import { GatewayProcess } from "./gateway/gateway-process.ts";
import { root } from "./gateway/packed-form.ts";
import { printed } from "./gateway/printed.ts";
import { until } from "./gateway/until.ts";
import { commandLines, fenced, page, pageNames, quotedIn, rowsUnder } from "./pages.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-pages-"));
});
afterAll(() => rm(folder, { recursive: true }));

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** Exit code and output of a command. */
function run(argv: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [entry, ...argv],
      { cwd: root, env: { PATH: process.env["PATH"] } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }),
    );
  });
}

/** Words of a line as a shell takes them apart. */
function words(line: string): readonly string[] {
  return [...line.matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) => word.replaceAll("'", ""));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What a shadow needs to be one: a live deployment with its name. */
function besideShadow(annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return "seldon.io/ambassador-shadow" in annotations ? { "seldon.io/ambassador-service-name": "example-0" } : {};
}

const policy = `defaults: { auth: keys }
namespaces: { models: { mayOpen: true } }
providers:
  keys: { kind: api-keys, file: FILE, in: [header x-api-key] }
  partners: { kind: api-keys, file: FILE, in: [bearer] }
`;

/** A policy file whose keys are there. */
async function policyFile(): Promise<string> {
  await writeFile(join(folder, "keys"), "mobile-app 0123456789abcdef\n");
  const file = join(folder, "policy.yaml");
  await writeFile(file, policy.replaceAll("FILE", join(folder, "keys")));
  return file;
}

const linked = [...pageNames, "gateway/ARCHITECTURE.md", "load/README.md"];

test.each(linked)("every link of %s leads to a file, and to a heading of it", (name) => {
  const text = readFileSync(join(root, name), "utf8");
  const dead = [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target]) => {
    if (/^https?:/.test(target!)) return [];
    const [path, anchor] = target!.split("#") as [string, string | undefined];
    const file = path === "" ? join(root, name) : join(root, dirname(name), path);
    if (!existsSync(file)) return [target];
    if (anchor === undefined) return [];
    const anchors = [...readFileSync(file, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, "")
        .replaceAll(" ", "-"),
    );
    return anchors.includes(anchor) ? [] : [target];
  });
  expect(dead).toEqual([]);
});

test("README is short, and its first two commands are the demo and the tests", () => {
  const readme = page("README.md");
  expect(readme.split("\n").length).toBeLessThanOrEqual(250);
  expect(commandLines(readme, "npm").slice(0, 2)).toEqual(["npm run demo", "npm test"]);
});

test("every number of README's table stands in the result that its row names", () => {
  const rows = page("README.md")
    .split("\n")
    .filter((line) => line.startsWith("| ") && line.includes("](load/results/"));
  expect(rows.length).toBeGreaterThan(5);
  for (const row of rows) {
    const [, what, ...cells] = row.split("|").map((cell) => cell.trim());
    const [, path] = /\]\((load\/results\/[^)]+)\)/.exec(row)!;
    const result = readFileSync(join(root, path!), "utf8");
    const numbers = cells.slice(0, 3).flatMap((cell) => cell.match(/\d+(?:\.\d+)?/g) ?? []);
    expect([
      what,
      numbers.filter((number) => !new RegExp(`(?<![\\d.])${RegExp.escape(number)}(?![\\d.])`).test(result)),
    ]).toEqual([what, []]);
  }
});

test("README's folder of one's own: what init writes is served, and the models answer by their shares", async () => {
  const readme = page("README.md");
  const ports = new Map([
    ["9000", String(await freePort())],
    ["9001", String(await freePort())],
  ]);
  const own = join(folder, "iris");
  const typed = (command: string): readonly (readonly string[])[] =>
    commandLines(readme, `npx sluice ${command}`).map((line) =>
      words(line.replaceAll(/\b900[01]\b/g, (port) => ports.get(port)!)).slice(2),
    );
  const [init] = typed("init");
  expect(await run([...init!, "--folder", own])).toMatchObject({ code: 0 });
  for (const argv of typed("model")) {
    const child = spawn(process.execPath, [entry, ...argv], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    closers.push(() => child.kill("SIGKILL"));
    await once(child.stdout, "data");
  }
  const [serve] = typed("serve").filter((argv) => argv.includes("iris"));
  const gateway = new GatewayProcess([
    ...serve!.map((word) => (word === "iris" ? own : word)),
    "--listen",
    "127.0.0.1:0",
    "--admin",
    "127.0.0.1:0",
    "--workers",
    "1",
  ]);
  closers.push(() => gateway.kill());
  const { traffic } = await gateway.listening();
  const curl = words(commandLines(readme, "curl").find((line) => line.includes("models/iris"))!);
  const url = curl.at(-1)!.replace("http://localhost:8080", traffic);
  const ask = async (): Promise<string> => {
    const answer = await fetch(url, {
      method: "POST",
      body: curl[curl.indexOf("-d") + 1]!,
      headers: { "content-type": "application/json" },
    });
    return answer.status === 200 ? /iris:[12]/.exec(await answer.text())![0] : String(answer.status);
  };
  await until(async () => (await ask()).startsWith("iris:"));
  const seen = await Promise.all(Array.from({ length: 200 }, ask));
  expect(Object.keys(Object.groupBy(seen, (one) => one)).toSorted()).toEqual(["iris:1", "iris:2"]);
  expect(seen.filter((one) => one === "iris:1").length).toBeGreaterThan(140);
});

describe("commands", () => {
  // Those of README's folder of one's own are above.
  const lines = [...new Set(pageNames.flatMap((name) => commandLines(page(name), "npx sluice")))].filter(
    (line) => !/^npx sluice (?:init|model) /.test(line),
  );
  const placeheld = /\b(?:NAMESPACE|NAME|DIR|FILE|OLD|NEW)\b/g;
  const place: Readonly<Record<string, string>> = {
    NAMESPACE: "models",
    NAME: "iris",
    DIR: "k8s/examples",
    OLD: "k8s/examples",
    NEW: "k8s/examples",
  };

  test("there are some", () => expect(lines.length).toBeGreaterThan(15));

  test.each(lines.filter((line) => line.startsWith("npx sluice serve")))(
    "%s: its options are those of serve",
    async (line) => {
      const help = await printed("serve", "--help");
      for (const word of words(line).filter((one) => one.startsWith("--"))) expect(help).toContain(`  ${word} `);
    },
  );

  test("all others run: --cluster as a folder, --url as a gateway of it", { timeout: 180_000 }, async () => {
    const file = await policyFile();
    const gateway = new GatewayProcess([
      "serve",
      "--folder",
      join(root, "k8s/examples"),
      "--listen",
      "127.0.0.1:0",
      "--admin",
      "127.0.0.1:0",
      "--workers",
      "1",
      "--admin-token",
      "TOKEN",
    ]);
    closers.push(() => gateway.kill());
    const { admin, traffic } = await gateway.listening();
    // No Endpoint of the examples is there, so the request is one that failed.
    const failed = await fetch(`${traffic}/seldon/models/iris/api/v1.0/predictions`, { method: "POST" });
    const id = failed.headers.get("x-request-id")!;
    await until(async () => (await run(["failures", "--url", admin])).output.includes(id), "the failure is kept");
    for (const line of lines.filter((one) => !one.startsWith("npx sluice serve"))) {
      const argv = words(line)
        .slice(2)
        .map((word) =>
          word === "--cluster"
            ? "k8s/examples"
            : word === "FILE"
              ? file
              : word === "REQUEST-ID"
                ? id
                : word.replace(placeheld, (name) => place[name] ?? name),
        )
        .map((word) => (word === "http://127.0.0.1:8877" ? admin : word));
      const { code, output } = await run(argv);
      // --back says by its code that the policy protects something, rollout that no example has one, and status whether something is wrong.
      if (argv[0] === "status") expect(output).toMatch(/^(?:Well|Wrong): /);
      else
        expect([line, code, output]).toEqual([line, line.includes("--back") || argv[0] === "rollout" ? 1 : 0, output]);
    }
  });
});

describe("examples", () => {
  const blocks = pageNames.flatMap((name) => fenced(page(name), "yaml").map((text) => [name, text] as const));

  test.each(blocks)("%s: a block of YAML is what its page says (%#)", async (_name, text) => {
    if (text.startsWith("grants:")) expect(decodeGrants(load(text), "FILE").kind).toBe("grants");
    else if (/^(?:defaults|providers|viewers):/.test(text)) expect(decodePolicyFile(text).kind).toBe("value");
    else {
      const file = join(folder, "block.yaml");
      await writeFile(file, text);
      const { code, output } = await run(["check", file]);
      expect([code, output]).toEqual([0, output]);
      expect(loadAll(text).length).toBeGreaterThan(0);
    }
  });

  test("every annotation has an example, and each is read without an error", async () => {
    const rows = rowsUnder(page("k8s/MANIFESTS.md"), "annotation");
    expect(rows.map(([name]) => quotedIn(name!)[0]!).toSorted()).toEqual(Object.keys(annotationKinds).toSorted());
    const examples = rows.flatMap(([, example]) => {
      const [quoted] = quotedIn(example!);
      return quoted === undefined ? [] : [load(quoted) as Readonly<Record<string, string>>];
    });
    expect(examples.length).toBe(rows.length - 1);
    const annotated = pageNames
      .flatMap((name) => commandLines(page(name), "kubectl annotate"))
      .filter((line) => line.includes(" sdep "))
      .flatMap((line) => words(line).filter((word) => /^(?:sluice|seldon)\.io\/.*=/.test(word)))
      .map((word) => ({ [word.slice(0, word.indexOf("="))]: word.slice(word.indexOf("=") + 1) }));
    expect(annotated.length).toBeGreaterThan(5);
    const manifests = [...examples, ...annotated].map((annotations, at) =>
      dump({
        apiVersion: "machinelearning.seldon.io/v1",
        kind: "SeldonDeployment",
        metadata: {
          name: `example-${at}`,
          namespace: "models",
          annotations: { ...besideShadow(annotations), ...annotations },
        },
        spec: { predictors: ["main", "canary"].map((name) => ({ name, graph: { name: "classifier" } })) },
      }),
    );
    const file = join(folder, "annotations.yaml");
    await writeFile(file, manifests.join("---\n"));
    const { output } = await run([
      "check",
      file,
      "--policy",
      await policyFile(),
      "--ambassador-id",
      "default",
      "--ambassador-id",
      "sluice",
      "--all",
    ]);
    expect(output.split("\n").filter((line) => line.startsWith("error"))).toEqual([]);
    expect(output).toContain(`${manifests.length} SeldonDeployments`);
  });
});
