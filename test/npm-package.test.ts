// The npm package: made here, and installed and used in an empty folder by a user who may write nothing else, without a registry.
import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { plainTranslateSettings } from "../gateway/library/translate.ts";
import { translateSettingsOf } from "../gateway/options/translate-settings.ts";
import { makeNpmPackage } from "../gateway/packing/npm-package.ts";
import { readCommandLine } from "../gateway/options/command-line.ts";
import { manifestOptions, readSettings } from "../gateway/tools/manifests.ts";
import { Manifests, ModelServer } from "./gateway/gateway-process.ts";
import { packedForm, root } from "./gateway/packed-form.ts";

/** The user of the image. Who is not root tries it as themselves. */
const ordinary = process.getuid?.() === 0 ? { uid: 1000, gid: 1000 } : {};

const node24 = spawnSync(join(root, "test/tools/node-24.sh"), { encoding: "utf8" });

let folder: string;
let tarball: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-package-"));
  tarball = await makeNpmPackage(root, await packedForm(), join(folder, "out"), "git+https://example.org/sluice.git");
  mkdirSync(join(folder, "unpacked"));
  execFileSync("tar", ["-xzf", tarball], { cwd: join(folder, "unpacked") });
  // Of a folder that only root may enter.
  execFileSync("chmod", ["755", folder]);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true }));

const unpacked = (path: string): string => readFileSync(join(folder, "unpacked/package", path), "utf8");

/** Somewhere to install: a Node of its own, which that user can reach wherever this checkout is, a home and an empty folder. */
class Place {
  readonly path: string;
  readonly #environment: Record<string, string>;

  constructor(name: string, node: string) {
    this.path = join(folder, name);
    for (const part of ["bin", "home", "app"]) {
      mkdirSync(join(this.path, part), { recursive: true });
      if (ordinary.uid !== undefined) chownSync(join(this.path, part), ordinary.uid, ordinary.gid);
    }
    cpSync(node, join(this.path, "bin/node"));
    this.#environment = {
      HOME: join(this.path, "home"),
      PATH: `${join(this.path, "bin")}${delimiter}${process.env["PATH"]!}`,
      npm_config_update_notifier: "false",
    };
  }

  options(): {
    readonly cwd: string;
    readonly env: Record<string, string>;
    readonly uid?: number;
    readonly gid?: number;
  } {
    return { cwd: join(this.path, "app"), env: this.#environment, ...ordinary };
  }

  async run(
    program: string,
    ...argv: readonly string[]
  ): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
    try {
      const { stdout, stderr } = await promisify(execFile)(program, argv, this.options());
      return { code: 0, out: stdout, err: stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, out: stdout, err: stderr };
    }
  }
}

describe("the tarball", () => {
  test("holds the packed form, two libraries with their types, and licences: no source, no test, no other package", () => {
    const files = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trim().split("\n");
    const kindOf = (file: string): string =>
      file
        .replace(/^package\/types\/.*\.d\.ts$/, "types")
        .replace(/^package\/library\/.*\.js$/, "library")
        .replace(/^package\/[\w-]+-[0-9a-f]{16}\d?\.js$/, "code");
    expect([...new Set(files.map(kindOf))].sort()).toEqual([
      "code",
      "library",
      "package/LICENSE",
      "package/NOTICES.txt",
      "package/README.md",
      "package/kubectl-sluice.js",
      "package/main.js",
      "package/package.json",
      "package/sluice.cdx.json",
      "types",
    ]);
    // Of one generation.
    expect(new Set(files.flatMap((file) => /-([0-9a-f]{16})\d?\.js$/.exec(file)?.[1] ?? [])).size).toBe(1);
    expect(statSync(tarball).size).toBeLessThan(5 << 20);
    expect(tarball.endsWith("/out/sluice-0.1.0.tgz")).toBe(true);
  });

  test("depends on nothing, and says which Node it runs on and where its sources are", () => {
    const manifest = JSON.parse(unpacked("package.json")) as Record<string, unknown>;
    for (const field of ["dependencies", "optionalDependencies", "devDependencies", "scripts", "private"])
      expect(manifest).not.toHaveProperty(field);
    expect(manifest).toMatchObject({
      engines: { node: ">=24" },
      bin: { "kubectl-sluice": "kubectl-sluice.js", sluice: "main.js" },
      repository: { type: "git", url: "git+https://example.org/sluice.git" },
    });
  });

  test("has the licence of each package whose code is in it", () => {
    const bom = JSON.parse(unpacked("sluice.cdx.json")) as {
      readonly components: readonly { readonly name: string; readonly version: string }[];
    };
    expect(bom.components.length).toBeGreaterThan(50);
    const notices = unpacked("NOTICES.txt");
    expect(bom.components.filter(({ name, version }) => !notices.includes(`${name} ${version} (`))).toEqual([]);
    expect(unpacked("LICENSE")).toBe(readFileSync(join(root, "LICENSE"), "utf8"));
  });

  test("npm pack in a checkout gives one that says how the package is made", () => {
    const stub = join(folder, "stub");
    mkdirSync(stub);
    execFileSync("npm", ["pack", "--silent", "--offline", "--pack-destination", stub], { cwd: root, stdio: "ignore" });
    execFileSync("sh", ["-c", "tar -xzf *.tgz"], { cwd: stub });
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(stub, "package/gateway/sluice.mjs"), "version"],
      { encoding: "utf8" },
    );
    expect({ status, stdout, stderr }).toEqual({
      status: 1,
      stdout: "",
      stderr:
        "sluice: this package holds no gateway: run npm run tarball in a checkout, and install the file that it names\n",
    });
  });
});

const nodes: readonly (readonly [string, string | null])[] = [
  ["the Node of the lock file", process.execPath],
  ["Node 24", node24.status === 0 ? node24.stdout.trim() : null],
];

describe.each(nodes)("installed from its file, on %s", (name, node) => {
  const isHere = test.skipIf(node === null);
  let place: Place;
  let installed: Awaited<ReturnType<Place["run"]>>;

  beforeAll(async () => {
    if (node === null) return;
    place = new Place(name.replaceAll(" ", "-"), node);
    await place.run("npm", "init", "--yes");
    installed = await place.run("npm", "install", "--offline", tarball);
  }, 60_000);

  isHere("it brings no other package, and npm has no warning", () => {
    expect(installed).toMatchObject({ code: 0, err: "" });
    expect(installed.out).toContain("added 1 package,");
  });

  isHere("npx runs it from the file itself, in a folder where nothing is", async () => {
    const { code, out, err } = await place.run(
      "npx",
      "--offline",
      "--yes",
      "--prefix",
      "../home",
      `sluice@${tarball}`,
      "--version",
    );
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^sluice 0\.1\.0 \(commit .*, build [0-9a-f]{16}, Node [\d.]+\)\n$/);
  });

  isHere("its commands answer", async () => {
    cpSync(join(root, "k8s/examples"), join(place.path, "examples"), { recursive: true });
    const sluice = join(place.path, "app/node_modules/.bin/sluice");
    expect(await place.run(sluice, "check", "../examples")).toMatchObject({ code: 0, err: "" });
    expect((await place.run(sluice, "routes", "../examples")).out).toContain("\nmodels/iris-canary\n");
    expect(
      (await place.run(sluice, "explain", "-X", "POST", "/seldon/models/iris/api/v1.0/predictions", "../examples")).out,
    ).toContain("iris");
    expect((await place.run(sluice, "completion", "bash")).out).toContain("complete ");
    expect((await place.run(sluice, "demo")).err).toBe(
      "sluice demo: it needs the packages of a checkout: run npm run demo in one\n",
    );
  });

  isHere("it serves, and drains", async () => {
    const [manifests, model] = [await Manifests.create(), await ModelServer.start()];
    execFileSync("chmod", ["755", manifests.folder]);
    await manifests.deploy("iris", model.port);
    const sluice = join(place.path, "app/node_modules/.bin/sluice");
    const child = spawn(
      sluice,
      [
        "serve",
        "--folder",
        manifests.folder,
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "127.0.0.1:0",
        "--drain-wait-ms",
        "0",
      ],
      { ...place.options(), stdio: ["ignore", "pipe", "pipe"] },
    );
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    const ended = once(child, "close");
    try {
      for await (const line of createInterface(child.stdout)) {
        const record = JSON.parse(line) as { event: string; address: string; version: string; commit: string };
        if (record.event !== "listening") continue;
        expect(record.version).toBe("0.1.0");
        const answer = await fetch(`http://${record.address}/seldon/prod/iris/api/v1.0/predictions`, {
          method: "POST",
          body: "{}",
        });
        expect(answer.status).toBe(200);
        await answer.text();
        break;
      }
    } finally {
      child.kill("SIGTERM");
      await model.stop();
      await manifests.remove();
    }
    expect([(await ended)[0], errors]).toEqual([0, ""]);
  });

  isHere("the example of its page is of the right types, and runs", async () => {
    const app = join(place.path, "app");
    const [, example] = /```ts\n([^]*?)```/.exec(unpacked("README.md"))!;
    writeFileSync(
      join(app, "consumer.ts"),
      `declare const console: Record<"log" | "error", (text: string) => void>;\n${example!}`,
    );
    for (const [module, moduleResolution] of [
      ["nodenext", "nodenext"],
      ["preserve", "bundler"],
    ]) {
      const options = [
        "--ignoreConfig",
        "--noEmit",
        "--strict",
        "--target",
        "esnext",
        "--types",
        "",
        "--module",
        module!,
        "--moduleResolution",
        moduleResolution!,
      ];
      const { stdout, status } = spawnSync(
        process.execPath,
        [join(root, "node_modules/typescript/bin/tsc"), ...options, "consumer.ts"],
        {
          cwd: app,
          encoding: "utf8",
        },
      );
      expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
    }
    writeFileSync(join(app, "consumer.mts"), readFileSync(join(app, "consumer.ts")));
    const ran = await place.run("node", "consumer.mts");
    expect(ran.out).toBe(
      ["canary", "main"]
        .map(
          (name) =>
            `forward dns iris-${name}.models:8000 http1 /api/v1.0/predictions  (SeldonDeployment models/iris, ${name})\n`,
        )
        .join(""),
    );
  });
});

describe("an older Node", () => {
  test("is told by the command", () => {
    const older =
      "data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.20.0' } });";
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ["--import", older, join(folder, "unpacked/package/main.js"), "version"],
      { encoding: "utf8" },
    );
    expect({ status, stdout, stderr }).toEqual({
      status: 1,
      stdout: "",
      stderr: "sluice: Node 24 or later is needed, and this is Node 22.20.0\n",
    });
  });
});

test("settings of the library are those of sluice check without options", async () => {
  const parsed = readCommandLine(manifestOptions, [], {});
  if (parsed.kind !== "parsed") throw new Error(parsed.kind);
  const read = await readSettings(parsed);
  if (read.kind !== "settings") throw new Error(read.sentence);
  expect(plainTranslateSettings).toEqual(translateSettingsOf(read.settings, [], "ready"));
});
