// start.mjs runs the packed form of the gateway where it fits the sources, on a checkout of a few lines.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pack } from "../../gateway/packing/pack.ts";
import { root } from "./packed-form.ts";

let checkout: string;

function write(path: string, text: string): void {
  mkdirSync(dirname(join(checkout, path)), { recursive: true });
  writeFileSync(join(checkout, path), text);
}

function node(...argv: readonly string[]): {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
} {
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
    cwd: checkout,
    encoding: "utf8",
    env: { PATH: process.env["PATH"] },
  });
  return { code: status, out: stdout, err: stderr };
}

/** What the gateway prints when start.mjs runs it: what it was run from, and the text of one of its sources. */
function started(...argv: readonly string[]): string {
  const { code, out, err } = node("gateway/start.mjs", "gateway/main.ts", ...argv);
  expect([code, err]).toEqual([0, ""]);
  return out.trim();
}

const packedFile = (path: string): string => join(checkout, "packed", path);

/** Entries of the generations that are there. */
function entriesPacked(): readonly string[] {
  return readdirSync(join(checkout, "packed")).filter((file) => file.startsWith("main-"));
}

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), "sluice-checkout-"));
  for (const path of ["gateway/start.mjs", "gateway/sluice.mjs", "gateway/packing"])
    cpSync(join(root, path), join(checkout, path), { recursive: true });
  write("package.json", '{ "type": "module" }');
  write("package-lock.json", "{}");
  write("node_modules/.package-lock.json", "{}");
  symlinkSync(join(root, "node_modules/rolldown"), join(checkout, "node_modules/rolldown"));
  write(
    "gateway/main.ts",
    "#!/usr/bin/env node\nimport { text } from './text.ts';\nimport type { Unused } from './type.ts';\nconst from: Unused = import.meta.filename.replace(/^.*[\\\\/]main(?:-[0-9a-f]{16})?/, 'main');\nconsole.log(from, text, process.argv.slice(2).join(), process.env['MALLOC_ARENA_MAX']);\n",
  );
  write("gateway/type.ts", "export type Unused = string;\n");
  write("gateway/text.ts", "export const text = 'one';\n");
  write("gateway/edge/identity/password-thread.ts", "");
});
afterEach(() => rmSync(checkout, { recursive: true }));

test("it is packed once, and again after a source has changed", () => {
  expect(started("serve")).toBe("main.js one serve 2");
  // Run as it is, not packed again.
  const [first] = entriesPacked();
  writeFileSync(packedFile(first!), readFileSync(packedFile(first!), "utf8").replace("one", "the same one"));
  expect(started("serve", "--x")).toBe("main.js the same one serve,--x 2");
  write("gateway/text.ts", "export const text = 'two';\n");
  expect(started("serve")).toBe("main.js two serve 2");
  expect(node(packedFile("main.js"), "by hand").out).toBe("main.js two by hand undefined\n");
  expect(readdirSync(checkout).filter((name) => name.startsWith("packed"))).toEqual(["packed"]);
});

test("the generation before stays, for threads of a gateway that was started from it, and no older one", () => {
  const generations: string[] = [];
  for (const text of ["one", "two", "three"]) {
    write("gateway/text.ts", `export const text = '${text}';\n`);
    expect(started("serve")).toBe(`main.js ${text} serve 2`);
    const now = entriesPacked();
    expect(now).toHaveLength(Math.min(generations.length + 1, 2));
    generations.push(now.find((file) => !generations.includes(file))!);
    // What a thread of the gateway before loads.
    if (text === "two") expect(node(packedFile(generations[0]!)).out).toBe("main.js one  undefined\n");
  }
  expect(entriesPacked()).toEqual(generations.slice(1).sort());
});

test("whoever starts while somebody else packs the same finds every file", async () => {
  started("serve");
  // As the other one, who has not begun to write, saw it.
  rmSync(packedFile("inputs.json"));
  const files = readdirSync(join(checkout, "packed"));
  const missing = new Set<string>();
  const packer = { isBusy: true };
  const packing = pack(checkout, join(checkout, "packed")).finally(() => (packer.isBusy = false));
  while (packer.isBusy) {
    for (const file of files) if (!existsSync(packedFile(file))) missing.add(file);
    await new Promise((resume) => setImmediate(resume));
  }
  await packing;
  expect([...missing]).toEqual([]);
  expect(readdirSync(join(checkout, "packed"))).toEqual([...files, "inputs.json"].sort());
  expect(readdirSync(checkout).filter((name) => name.startsWith("packed"))).toEqual(["packed"]);
});

test("the demo runs from the sources", () => {
  expect(started("demo")).toBe("main.ts one demo 2");
  expect(readdirSync(checkout)).not.toContain("packed");
});

test("one that does not fit is never run: the sources are, where it cannot be packed anew", () => {
  expect(started()).toBe("main.js one  2");
  rmSync(join(checkout, "node_modules/rolldown"));
  expect(started()).toBe("main.js one  2");
  const changes: readonly (readonly [path: string, text: string])[] = [
    ["gateway/text.ts", "export const text = 'one'; // and more\n"],
    ["node_modules/.package-lock.json", '{ "packages": {} }'],
    ["gateway/packing/pack.ts", ""],
    ["packed/inputs.json", "{}"],
    ["packed/inputs.json", "{"],
  ];
  for (const [path, text] of changes) {
    const before = readFileSync(join(checkout, path), "utf8");
    write(path, text);
    expect([path, started()]).toEqual([path, "main.ts one  2"]);
    expect(node("gateway/packing/main.ts", "--check")).toEqual({
      code: 1,
      out: "",
      err: expect.stringMatching(
        /^sluice: the packed form does not fit the sources \(.+\): run npm run pack\n$/,
      ) as string,
    });
    write(path, before);
    expect([path, started()]).toEqual([path, "main.js one  2"]);
  }
  rmSync(join(checkout, "gateway/text.ts"));
  expect(node("gateway/packing/main.ts", "--check").code).toBe(1);
});

test("a thread whose entry is not packed is found when it is packed, and the sources run", () => {
  write("gateway/main.ts", "console.log(new URL('other-thread.ts', import.meta.url).pathname.slice(-15));\n");
  const { code, out, err } = node("gateway/start.mjs", "gateway/main.ts");
  expect([code, out]).toEqual([0, "other-thread.ts\n"]);
  expect(err).toContain(
    "gateway/main.ts starts other-thread.ts, which is no entry of the packed form: write it into gateway/packing/pack.ts",
  );
});

test("the command of a checkout runs the packed form, in the folder that it is called in, as the process that was started", () => {
  write(
    "gateway/main.ts",
    "const from = import.meta.filename.includes('packed') ? 'packed' : 'sources';\nconsole.log(from, process.cwd().slice(-5), process.argv.slice(2).join(), process.pid, process.env['MALLOC_ARENA_MAX']);\n",
  );
  mkdirSync(join(checkout, "other"));
  for (const argv of [["serve", "--folder", "."], ["check", "."], ["version"]]) {
    const { pid, stdout, stderr } = spawnSync(process.execPath, ["../gateway/sluice.mjs", ...argv], {
      cwd: join(checkout, "other"),
      encoding: "utf8",
      env: { PATH: process.env["PATH"] },
    });
    expect([stdout, stderr]).toEqual([expect.stringMatching(new RegExp(`^packed other ${argv.join()} \\d+ 2\n$`)), ""]);
    if (process.platform === "linux") expect(stdout).toContain(` ${pid} `);
  }
});

test("what the environment says of memory arenas stays", () => {
  const { stdout } = spawnSync(process.execPath, ["gateway/start.mjs", "gateway/main.ts"], {
    cwd: checkout,
    encoding: "utf8",
    env: { PATH: process.env["PATH"], MALLOC_ARENA_MAX: "7" },
  });
  expect(stdout).toBe("main.js one  7\n");
});
