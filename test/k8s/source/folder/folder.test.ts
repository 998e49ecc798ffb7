import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  watch,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { FolderBounds } from "../../../../k8s/source/entries/entries.ts";
import { ManifestFiles } from "../../../../k8s/source/files/files.ts";
import { folderSource } from "../../../../k8s/source/folder/folder.ts";
import { readManifests } from "../../../../k8s/source/read.ts";
import type { Source, SourceChange } from "../../../../k8s/source/objects/source.ts";
import { finish } from "../../../../k8s/source/objects/work.ts";
import { objectKey, type SourceObject } from "../../../../k8s/translate/model/object.ts";
import { compareText } from "../../../../routing/text/problem.ts";

/** Long enough never to come in a test that does not ask for it. */
const noPollMs = 1_000_000;

let folder: string;
let source: Source | null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-folder-"));
  source = null;
});

afterEach(async () => {
  await source?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function service(name: string, port = 8000): string {
  return `apiVersion: v1\nkind: Service\nmetadata: { name: ${name}, namespace: prod }\nspec: { ports: [{ port: ${port} }] }\n`;
}

function put(name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

/** Write beside, then rename over: how careful writers write. */
function replace(name: string, text: string): void {
  writeFileSync(join(folder, ".new"), text);
  renameSync(join(folder, ".new"), join(folder, name));
}

/** What a consumer of the Source holds, with the changes that led there. */
class Follower {
  readonly changes: SourceChange[] = [];
  readonly objects = new Map<string, SourceObject>();
  #wake: (() => void) | null = null;

  take(change: SourceChange): void {
    this.changes.push(change);
    for (const { ref, apiVersion, origin, object } of change.set)
      this.objects.set(objectKey(ref), { ref, apiVersion, origin, object });
    for (const key of change.removed) this.objects.delete(key);
    this.#wake?.();
  }

  /** Waits until what is held satisfies `condition`; the test's own time limit is the limit. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  ports(): Record<string, number> {
    return Object.fromEntries(
      [...this.objects.values()]
        .map(
          ({ ref, object }) =>
            [ref.name, (object as { spec: { ports: { port: number }[] } }).spec.ports[0]!.port] as const,
        )
        .sort((a, b) => compareText(a[0], b[0])),
    );
  }

  async untilPorts(ports: Record<string, number>): Promise<void> {
    await this.until(() => JSON.stringify(this.ports()) === JSON.stringify(ports));
  }

  codes(): string[] {
    return this.changes.at(-1)!.problems.map(({ code }) => code);
  }
}

async function follow(folders: readonly string[] = [folder], pollMs = noPollMs): Promise<Follower> {
  const follower = new Follower();
  source = folderSource({ folders, defaultNamespace: "default", releasesFile: null, pollMs });
  await source.start((change) => follower.take(change));
  return follower;
}

describe("start", () => {
  test("the first change holds everything and comes before start resolves", async () => {
    put("a.yaml", service("a"));
    put("deep/er/b.yml", service("b"));
    put(
      "c.json",
      JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name: "c" }, spec: { ports: [{ port: 1 }] } }),
    );
    put("notes.txt", service("no"));
    put(".git/d.yaml", service("no"));
    const follower = await follow();
    expect(follower.changes).toHaveLength(1);
    expect([...follower.objects.keys()].sort(compareText)).toEqual([
      "Service default/c",
      "Service prod/a",
      "Service prod/b",
    ]);
    expect(follower.objects.get("Service prod/b")!.origin).toBe(`${folder}/deep/er/b.yml:1`);
    expect(source!.ageSeconds()).toBe(0);
  });

  test("an empty folder delivers an empty change", async () => {
    const follower = await follow();
    expect(follower.changes).toMatchObject([{ set: [], removed: [], problems: [] }]);
  });

  test.each(["nowhere", "a.yaml"])("a folder that is no folder is one clear sentence (%s)", async (name) => {
    put("a.yaml", service("a"));
    source = folderSource({
      folders: [join(folder, name)],
      defaultNamespace: "default",
      releasesFile: null,
      pollMs: noPollMs,
    });
    await expect(source.start(() => {})).rejects.toThrow(
      `folder ${join(folder, name)} does not exist or is not a directory`,
    );
  });

  test("several folders are one Source; the same one twice counts once", async () => {
    put("x/a.yaml", service("a"));
    put("y/b.yaml", service("b"));
    const follower = await follow([join(folder, "x"), join(folder, "y"), `${folder}/x/`]);
    expect(follower.ports()).toEqual({ a: 8000, b: 8000 });
    expect(follower.codes()).toEqual([]);
    put("y/b.yaml", service("b", 2));
    await follower.untilPorts({ a: 8000, b: 2 });
  });
});

describe("bounds", () => {
  const followWithin = async (bounds: FolderBounds): Promise<Follower> => {
    const follower = new Follower();
    source = folderSource(
      { folders: [folder], defaultNamespace: "default", releasesFile: null, pollMs: noPollMs },
      bounds,
    );
    await source.start((change) => follower.take(change));
    return follower;
  };

  test.each([
    [5, 4, []],
    [4, 4, []],
    [3, 3, ["over-limit"]],
  ])("with room for %i entries %i of four files are read", async (entries, read, codes) => {
    for (const name of ["a", "b", "c", "d"]) put(`${name}.yaml`, service(name));
    const follower = await followWithin({ entries, depth: 8 });
    expect(follower.objects.size).toBe(read);
    expect(follower.codes()).toEqual(codes);
    const tool = readManifests(
      { paths: [folder], standardInput: null, defaultNamespace: "default" },
      { entries, depth: 8 },
    );
    expect(tool.objects).toHaveLength(read);
    expect(tool.problems.map(({ code }) => code)).toEqual(codes);
  });

  test("a file that comes when there is no room is said, and room that is made is used", async () => {
    put("a.yaml", service("a"));
    put("x/b.yaml", service("b"));
    const follower = await followWithin({ entries: 3, depth: 8 });
    expect(follower.codes()).toEqual([]);
    put("x/c.yaml", service("c"));
    await follower.until(() => follower.codes().includes("over-limit"));
    expect(follower.ports()).toEqual({ a: 8000, b: 8000 });
    rmSync(join(folder, "a.yaml"));
    await follower.untilPorts({ b: 8000 });
    put("x/d.yaml", service("d"));
    await follower.untilPorts({ b: 8000, d: 8000 });
  });

  test.each([
    [4, ["a", "b", "c"], []],
    [3, ["a", "b", "c"], []],
    [2, ["a", "b"], ["over-limit"]],
  ])("of three folders inside each other with a limit of %i", async (depth, names, codes) => {
    put("a.yaml", service("a"));
    put("x/b.yaml", service("b"));
    put("x/y/c.yaml", service("c"));
    const follower = await followWithin({ entries: 100, depth });
    expect(Object.keys(follower.ports())).toEqual(names);
    expect(follower.codes()).toEqual(codes);
    const tool = readManifests(
      { paths: [folder], standardInput: null, defaultNamespace: "default" },
      { entries: 100, depth },
    );
    expect(tool.problems.map(({ code }) => code)).toEqual(codes);
  });

  test("a link that leads nowhere, to itself or to a device is said by the tools", () => {
    put("a.yaml", service("a"));
    for (const [name, to] of [
      ["gone.yaml", "nowhere"],
      ["loop.json", "loop.json"],
      ["zero.yml", "/dev/zero"],
      ["note.txt", "nowhere"],
    ] as const)
      symlinkSync(to, join(folder, name));
    const { objects, problems } = readManifests({ paths: [folder], standardInput: null, defaultNamespace: "default" });
    expect(objects.map(({ ref }) => ref.name)).toEqual(["a"]);
    expect(problems.map(({ code, subject }) => [code, subject.name])).toEqual(
      ["gone.yaml", "loop.json", "zero.yml"].map((name) => ["unreadable-file", join(folder, name)]),
    );
  });

  test("a link to a folder around the one that is served, such as /, is not followed and said", async () => {
    put("a.yaml", service("a"));
    symlinkSync("/", join(folder, "root"));
    const follower = await follow();
    expect(follower.ports()).toEqual({ a: 8000 });
    expect(follower.codes()).toEqual(["link-above"]);
    expect(
      readManifests({ paths: [folder], standardInput: null, defaultNamespace: "default" }).problems.map(
        ({ code }) => code,
      ),
    ).toEqual(["link-above"]);
    rmSync(join(folder, "root"));
    await follower.until(() => follower.codes().length === 0);
  });

  test("while a large file is read, others have turns", async () => {
    put("a.yaml", `${service("a")}---\n`.repeat(4000));
    let turns = 0;
    let done = false;
    const others = (): void => {
      turns += 1;
      if (!done) setImmediate(others);
    };
    setImmediate(others);
    await follow();
    done = true;
    expect(turns).toBeGreaterThan(4);
  });
});

describe("what has the name of a manifest and is none", () => {
  function pipe(name: string): void {
    execFileSync("mkfifo", [join(folder, name)]);
  }

  test("is said, never waited for, and the same as by the tools", async () => {
    put("good.yaml", service("a"));
    pipe("pipe.yaml");
    symlinkSync("nowhere", join(folder, "gone.yaml"));
    symlinkSync("loop.json", join(folder, "loop.json"));
    symlinkSync("/dev/zero", join(folder, "zero.yml"));
    symlinkSync("nowhere", join(folder, "notes"));
    const follower = await follow();
    const { problems } = readManifests({ paths: [folder], standardInput: null, defaultNamespace: "default" });
    expect(problems).toHaveLength(4);
    expect(follower.changes[0]!.problems).toEqual(problems);
    expect(follower.ports()).toEqual({ a: 8000 });
  });

  test("is said when it comes, and no more when it is mended or gone", async () => {
    put("a.yaml", service("a"));
    const follower = await follow();
    rmSync(join(folder, "a.yaml"));
    pipe("a.yaml");
    await follower.until(() => follower.codes().includes("unreadable-file"));
    expect(follower.ports()).toEqual({});
    replace("a.yaml", service("a", 1));
    await follower.untilPorts({ a: 1 });
    expect(follower.codes()).toEqual([]);
    symlinkSync("later.txt", join(folder, "b.yaml"));
    await follower.until(() => follower.codes().includes("unreadable-file"));
    rmSync(join(folder, "b.yaml"));
    await follower.until(() => follower.codes().length === 0);
  });

  test("a link whose target comes is read by the poll", async () => {
    symlinkSync("later.txt", join(folder, "b.yaml"));
    const follower = await follow([folder], 20);
    expect(follower.codes()).toEqual(["unreadable-file"]);
    put("later.txt", service("b"));
    await follower.untilPorts({ b: 8000 });
    expect(follower.codes()).toEqual([]);
  });

  test("a folder that is removed takes its Problems with it", async () => {
    mkdirSync(join(folder, "below"));
    symlinkSync("nowhere", join(folder, "below", "b.yaml"));
    const follower = await follow();
    expect(follower.codes()).toEqual(["unreadable-file"]);
    rmSync(join(folder, "below"), { recursive: true });
    await follower.until(() => follower.codes().length === 0);
  });

  test("a pipe that takes the place of a file between the look and the reading is not waited for", () => {
    put("file.yaml", service("a"));
    pipe("pipe.yaml");
    const files = new ManifestFiles("default");
    finish(files.read(join(folder, "pipe.yaml"), "pipe.yaml", statSync(join(folder, "file.yaml"))));
    expect(files.problems().map(({ code, sentence }) => [code, sentence])).toEqual([
      ["unreadable-file", "the file cannot be read (it is no longer a file); make it readable, or delete it"],
    ]);
  });

  test("counts against the bound as files do", async () => {
    put("a.yaml", service("a"));
    source = folderSource(
      { folders: [folder], defaultNamespace: "default", releasesFile: null, pollMs: noPollMs },
      { entries: 2, depth: 32 },
    );
    const follower = new Follower();
    await source.start((change) => follower.take(change));
    pipe("b.yaml");
    await follower.until(() => follower.codes().includes("unreadable-file"));
    put("c.yaml", service("c"));
    await follower.until(() => follower.codes().includes("over-limit"));
    rmSync(join(folder, "b.yaml"));
    await follower.until(() => !follower.codes().includes("unreadable-file"));
    replace("c.yaml", service("c"));
    await follower.untilPorts({ a: 8000, c: 8000 });
  });
});

describe("edits", () => {
  test("an atomic replace delivers the changed object alone", async () => {
    put("a.yaml", `${service("a")}---\n${service("b")}`);
    const follower = await follow();
    replace("a.yaml", `${service("a")}---\n${service("b", 2)}`);
    await follower.untilPorts({ a: 8000, b: 2 });
    expect(follower.changes[1]).toMatchObject({ set: [{ ref: { name: "b" } }], removed: [] });
  });

  test("what is written above an object in its file is no change of it", async () => {
    put("a.yaml", `${service("a", 1)}---\n${service("b", 2)}`);
    const follower = await follow();
    replace("a.yaml", `# of two\n${service("a", 3)}---\n# the other\n${service("b", 2)}`);
    await follower.untilPorts({ a: 3, b: 2 });
    expect(follower.changes.slice(1).map(({ set }) => set.map(({ ref }) => ref.name))).toEqual([["a"]]);
  });

  test("a folder that comes, goes and comes is read", async () => {
    const follower = await follow();
    const outside = mkdtempSync(join(tmpdir(), "sluice-outside-"));
    writeFileSync(join(outside, "a.yaml"), service("a", 1));
    for (const [from, to] of [
      [outside, join(folder, "x")],
      [join(folder, "x"), outside],
      [outside, join(folder, "x")],
    ] as const)
      renameSync(from, to);
    await follower.untilPorts({ a: 1 });
  });

  test("a folder that is put in the place of an empty one is read", async () => {
    const follower = await follow();
    const outside = mkdtempSync(join(tmpdir(), "sluice-outside-"));
    writeFileSync(join(outside, "a.yaml"), service("a", 1));
    mkdirSync(join(folder, "x"));
    renameSync(outside, join(folder, "x"));
    await follower.untilPorts({ a: 1 });
  });

  test("a link to a folder that is moved at once is followed", async () => {
    const follower = await follow();
    const outside = mkdtempSync(join(tmpdir(), "sluice-outside-"));
    writeFileSync(join(outside, "a.yaml"), service("a", 1));
    symlinkSync("nowhere", join(folder, "x"));
    symlinkSync(outside, join(folder, ".x"));
    renameSync(join(folder, ".x"), join(folder, "x"));
    await follower.untilPorts({ a: 1 });
    rmSync(outside, { recursive: true });
  });

  test("a bug that the reading of one file meets is that file's Problem, and all others are read", async () => {
    put("a.yaml", service("a"));
    put("b.yaml", service("b"));
    const readBytes = Object.getOwnPropertyDescriptor(ManifestFiles.prototype, "readBytes")!
      .value as ManifestFiles["readBytes"];
    const bug = vi.spyOn(ManifestFiles.prototype, "readBytes").mockImplementation(function* (
      this: ManifestFiles,
      ...of
    ) {
      if (of[1].endsWith("/a.yaml")) throw new TypeError("a bug");
      yield* readBytes.apply(this, of);
    });
    try {
      const follower = await follow();
      expect([...follower.objects.keys()]).toEqual(["Service prod/b"]);
      expect(follower.changes[0]!.problems).toMatchObject([
        {
          code: "unreadable-file",
          sentence: expect.stringContaining("Sluice met a bug of its own: TypeError: a bug") as string,
        },
      ]);
      replace("a.yaml", service("a", 1));
      replace("c.yaml", service("c"));
      await follower.until(() => follower.objects.has("Service prod/c"));
      bug.mockRestore();
      replace("a.yaml", service("a", 2));
      await follower.until(() => follower.objects.has("Service prod/a"));
      expect(follower.changes.at(-1)!.problems).toEqual([]);
    } finally {
      bug.mockRestore();
    }
  });

  test("a write in place, a new file and a removal are followed", async () => {
    put("a.yaml", service("a"));
    const follower = await follow();
    put("a.yaml", service("a", 2));
    await follower.untilPorts({ a: 2 });
    put("b.yaml", service("b"));
    await follower.untilPorts({ a: 2, b: 8000 });
    rmSync(join(folder, "a.yaml"));
    await follower.untilPorts({ b: 8000 });
    expect(follower.changes.at(-1)!.removed).toEqual(["Service prod/a"]);
  });

  test("a rename is one change that removes nothing", async () => {
    put("a.yaml", service("a"));
    const follower = await follow();
    renameSync(join(folder, "a.yaml"), join(folder, "z.yaml"));
    await follower.until(() => follower.objects.get("Service prod/a")!.origin.endsWith("z.yaml:1"));
    expect(follower.changes).toHaveLength(2);
    expect(follower.changes[1]).toMatchObject({ removed: [], problems: [] });
  });

  test("a file that is removed and written again, as git does, is never missing", async () => {
    put("a.yaml", service("a"));
    const follower = await follow();
    rmSync(join(folder, "a.yaml"));
    put("a.yaml", service("a", 2));
    await follower.untilPorts({ a: 2 });
    expect(follower.changes.flatMap(({ removed }) => removed)).toEqual([]);
  });

  test("a file that turned empty keeps its last good objects until it is written or deleted", async () => {
    put("a.yaml", service("a"));
    put("b.yaml", service("b"));
    const follower = await follow();
    truncateSync(join(folder, "a.yaml"));
    put("b.yaml", service("b", 2));
    await follower.untilPorts({ a: 8000, b: 2 });
    put("a.yaml", service("a", 2));
    await follower.untilPorts({ a: 2, b: 2 });
    expect(follower.changes.flatMap(({ removed }) => removed)).toEqual([]);
    truncateSync(join(folder, "a.yaml"));
    await follower.until(() =>
      follower.changes
        .at(-1)!
        .problems.some(({ sentence }) => sentence.includes("(it is empty) and its last good objects stay")),
    );
    expect(follower.ports()).toEqual({ a: 2, b: 2 });
    rmSync(join(folder, "a.yaml"));
    await follower.untilPorts({ b: 2 });
  });

  test("a touch and a rewrite of the same bytes deliver nothing", async () => {
    put("a.yaml", service("a"));
    put("b.yaml", service("b"));
    const follower = await follow();
    utimesSync(join(folder, "a.yaml"), 1, 1);
    replace("a.yaml", service("a"));
    put("b.yaml", service("b", 2));
    await follower.untilPorts({ a: 8000, b: 2 });
    expect(follower.changes).toHaveLength(2);
    expect(follower.changes[1]!.set).toMatchObject([{ ref: { name: "b" } }]);
  });

  test("subfolders that come, move and go are followed", async () => {
    const follower = await follow();
    put("n/m/a.yaml", service("a"));
    await follower.untilPorts({ a: 8000 });
    put("n/m/a.yaml", service("a", 2));
    await follower.untilPorts({ a: 2 });
    renameSync(join(folder, "n"), join(folder, "o"));
    await follower.until(() => follower.objects.get("Service prod/a")?.origin === `${folder}/o/m/a.yaml:1`);
    put("o/m/a.yaml", service("a", 3));
    await follower.untilPorts({ a: 3 });
    rmSync(join(folder, "o"), { recursive: true });
    await follower.untilPorts({});
  });

  test("a burst of 500 files arrives whole", async () => {
    const follower = await follow();
    for (let index = 0; index < 500; index++) replace(`${index}.yaml`, service(`s${index}`, index));
    await follower.until(() => follower.objects.size === 500);
    for (let index = 0; index < 500; index++) replace(`${index}.yaml`, service(`s${index}`, index + 1));
    await follower.until(() => Object.entries(follower.ports()).every(([name, port]) => name === `s${port - 1}`));
    expect(follower.changes.length).toBeLessThan(200);
  });

  test("nothing is delivered by a Source that is stopped while it reads", async () => {
    for (let file = 0; file < 200; file++) put(`${file}.yaml`, service(`s${file}`).repeat(10));
    let delivered = 0;
    source = folderSource({
      folders: [folder],
      defaultNamespace: "default",
      releasesFile: null,
      pollMs: noPollMs,
    });
    const started = source.start(() => {
      delivered += 1;
    });
    await source.stop();
    await started;
    expect(delivered).toBe(0);
  });

  test("nothing is delivered after stop", async () => {
    const follower = await follow();
    await source!.stop();
    put("a.yaml", service("a"));
    const other = await follow();
    put("b.yaml", service("b"));
    await other.untilPorts({ a: 8000, b: 8000 });
    expect(follower.changes).toHaveLength(1);
  });
});

describe("a file that is written in place", () => {
  // Time moves when the test says so.
  let nowMs = 0;

  beforeEach(() => {
    nowMs = 1000;
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    vi.spyOn(performance, "now").mockImplementation(() => nowMs);
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  /** Time passes, a millisecond at a time, with what is read meanwhile. */
  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      nowMs += 1;
      await vi.advanceTimersByTimeAsync(1);
      for (let turn = 0; turn < 5; turn++) await new Promise((resume) => setImmediate(resume));
    }
  }

  /** Does it, and waits until the folder's watchers were told. */
  async function told(edit: () => void): Promise<void> {
    const watcher = watch(folder);
    const heard = once(watcher, "change");
    edit();
    await heard;
    watcher.close();
  }

  test("is read once nothing was written to it for 40 ms, and half of it never", async () => {
    put("a.yaml", `${service("a", 1)}---\n${service("b", 1)}`);
    const follower = await follow();
    await told(() => put("a.yaml", service("a", 2)));
    await pass(39);
    expect(follower.changes).toHaveLength(1);
    await told(() => appendFileSync(join(folder, "a.yaml"), `---\n${service("b", 2)}`));
    await pass(39);
    expect(follower.changes).toHaveLength(1);
    await pass(20);
    expect(follower.ports()).toEqual({ a: 2, b: 2 });
    expect(follower.changes.flatMap(({ removed }) => removed)).toEqual([]);
  });

  test("without end keeps its last good objects and no other file waits for it, but what is gone, for a second", async () => {
    for (const name of ["a", "b", "c"]) put(`${name}.yaml`, service(name, 1));
    const follower = await follow();
    await told(() => put("b.yaml", service("b", 2)));
    await told(() => rmSync(join(folder, "c.yaml")));
    let [changed, removed] = [0, 0];
    for (let passed = 0; passed < 1200; passed += 20) {
      await told(() => put("a.yaml", service("a", 2)));
      await pass(20);
      if (changed === 0 && follower.ports()["b"] === 2) changed = passed;
      if (removed === 0 && !follower.objects.has("Service prod/c")) removed = passed;
    }
    expect(follower.ports()).toEqual({ a: 1, b: 2 });
    expect([changed, removed].map((ms) => Math.round(ms / 100))).toEqual([0, 10]);
  });
});

describe("links", () => {
  /** A ConfigMap volume: `k.yaml -> ..data/k.yaml`, `..data -> ..1`. */
  function mount(revision: number, text: string): void {
    mkdirSync(join(folder, `..${revision}/sub`), { recursive: true });
    writeFileSync(join(folder, `..${revision}/k.yaml`), text);
    writeFileSync(join(folder, `..${revision}/sub/l.yaml`), text.replace("name: k", "name: l"));
    symlinkSync(`..${revision}`, join(folder, "..data_tmp"));
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
  }

  test("the swap of a ConfigMap volume is followed, also in its subfolders", async () => {
    mount(1, service("k", 1));
    symlinkSync("..data/k.yaml", join(folder, "k.yaml"));
    symlinkSync("..data/sub", join(folder, "sub"));
    const follower = await follow();
    expect(follower.ports()).toEqual({ k: 1, l: 1 });
    for (const revision of [2, 3]) {
      mount(revision, service("k", revision));
      rmSync(join(folder, `..${revision - 1}`), { recursive: true });
      await follower.untilPorts({ k: revision, l: revision });
    }
    expect(follower.changes.flatMap(({ removed }) => removed)).toEqual([]);
  });

  test("a folder that is a link itself may be moved to another release", async () => {
    put("releases/1/a.yaml", service("a", 1));
    put("releases/1/b.yaml", service("b", 1));
    put("releases/2/a.yaml", service("a", 2));
    symlinkSync("releases/1", join(folder, "current"));
    const follower = await follow([join(folder, "current")]);
    expect(follower.ports()).toEqual({ a: 1, b: 1 });
    symlinkSync("releases/2", join(folder, "next"));
    renameSync(join(folder, "next"), join(folder, "current"));
    await follower.untilPorts({ a: 2 });
    put("releases/2/a.yaml", service("a", 3));
    await follower.untilPorts({ a: 3 });
  });

  test("a folder that is gone keeps its objects, with a Problem, until it is back", async () => {
    put("f/a.yaml", service("a", 1));
    const follower = await follow([join(folder, "f")]);
    renameSync(join(folder, "f"), join(folder, "g"));
    await follower.until(() => follower.codes().includes("folder-gone"));
    expect(follower.ports()).toEqual({ a: 1 });
    put("g/a.yaml", service("a", 2));
    renameSync(join(folder, "g"), join(folder, "f"));
    await follower.untilPorts({ a: 2 });
    expect(follower.codes()).toEqual([]);
  });

  test("a folder that is removed with all that is in it keeps its objects, until it is back without them", async () => {
    put("f/a.yaml", service("a", 1));
    put("f/below/b.yaml", service("b", 1));
    put("other/c.yaml", service("c", 1));
    const follower = await follow([join(folder, "f"), join(folder, "other")]);
    rmSync(join(folder, "f"), { recursive: true });
    await follower.until(() => follower.codes().includes("folder-gone"));
    // What events named before is looked at before this.
    put("other/c.yaml", service("c", 2));
    await follower.until(() => follower.ports()["c"] === 2);
    expect(follower.ports()).toEqual({ a: 1, b: 1, c: 2 });
    put("g/a.yaml", service("a", 2));
    renameSync(join(folder, "g"), join(folder, "f"));
    await follower.untilPorts({ a: 2, c: 2 });
    expect(follower.codes()).toEqual([]);
  });

  test("a link to a folder above is not followed in circles", async () => {
    put("a/a.yaml", service("a"));
    symlinkSync("..", join(folder, "a/up"));
    const follower = await follow();
    expect(follower.ports()).toEqual({ a: 8000 });
    expect(follower.codes()).toEqual([]);
  });

  test("the target of a link outside is found by the poll", async () => {
    const outside = mkdtempSync(join(tmpdir(), "sluice-outside-"));
    writeFileSync(join(outside, "x.yaml"), service("a", 1));
    symlinkSync(join(outside, "x.yaml"), join(folder, "a.yaml"));
    const follower = await follow([folder], 20);
    writeFileSync(join(outside, "x.yaml"), service("a", 22));
    await follower.untilPorts({ a: 22 });
    rmSync(outside, { recursive: true });
    await follower.untilPorts({});
  });
});

describe("last good", () => {
  test("a file that does not parse keeps its objects; its good documents count", async () => {
    put("a.yaml", `${service("a", 1)}---\n${service("b", 1)}`);
    put("c.yaml", service("c", 1));
    const follower = await follow();
    replace("a.yaml", `${service("a", 2)}---\n{{{\n`);
    await follower.untilPorts({ a: 2, b: 1, c: 1 });
    expect(follower.changes.at(-1)!.problems).toMatchObject([
      {
        code: "bad-yaml",
        subject: { kind: "File", name: `${folder}/a.yaml` },
        field: expect.stringMatching(/^line 7, column 1$/) as string,
      },
    ]);
    replace("a.yaml", service("a", 3));
    await follower.untilPorts({ a: 3, c: 1 });
    expect(follower.codes()).toEqual([]);
  });

  test("a file in which an object lost its name keeps that object, and says so", async () => {
    put("a.yaml", `${service("a", 1)}---\n${service("b", 1)}`);
    const follower = await follow();
    replace("a.yaml", `${service("a", 2)}---\n${service('"b/c"', 2)}`);
    await follower.untilPorts({ a: 2, b: 1 });
    expect(follower.changes.at(-1)!.problems).toMatchObject([
      {
        code: "bad-name",
        sentence:
          'a Service has no usable metadata.name and is not served, and its last good form stays; write letters, digits, "-" and ".", at most 253',
      },
    ]);
  });

  test("Problems of files are gathered when there are others, and not for each change", () => {
    put("bad.yaml", "{{{");
    const files = new ManifestFiles("default");
    const read = (name: string): void => finish(files.read(join(folder, name), name, statSync(join(folder, name))));
    read("bad.yaml");
    const before = files.problems();
    expect(before.length).toBe(1);
    for (const port of [1, 2]) {
      put("a.yaml", service("a", port));
      read("a.yaml");
      expect(files.changes().set.length).toBe(1);
      expect(files.problems()).toBe(before);
    }
    put("b.yaml", service("a", 3));
    read("b.yaml");
    expect(
      files
        .problems()
        .map(({ code }) => code)
        .sort(),
    ).toEqual(["bad-yaml", "declared-twice"]);
    files.forget("bad.yaml");
    expect(files.problems().map(({ code }) => code)).toEqual(["declared-twice"]);
    files.forget("b.yaml");
    expect(files.problems()).toEqual([]);
  });

  test("a Problem that comes without an object is delivered", async () => {
    const follower = await follow();
    put("a.yaml", "{{{");
    await follower.until(() => follower.codes().includes("bad-yaml"));
    rmSync(join(folder, "a.yaml"));
    await follower.until(() => follower.codes().length === 0);
  });

  test.skipIf(process.getuid?.() === 0)("a file that may not be read keeps its objects", async () => {
    put("a.yaml", service("a", 1));
    const follower = await follow();
    chmodSync(join(folder, "a.yaml"), 0);
    await follower.until(() => follower.codes().includes("unreadable-file"));
    expect(follower.ports()).toEqual({ a: 1 });
  });
});

describe("the same object twice", () => {
  test("the first file in text order is served, whichever came first, and the other is a Problem", async () => {
    put("b.yaml", service("x", 2));
    const follower = await follow();
    put("c.yaml", service("x", 3));
    await follower.until(() => follower.codes().includes("declared-twice"));
    expect(follower.ports()).toEqual({ x: 2 });
    expect(follower.changes.at(-1)!.problems).toMatchObject([
      {
        level: "error",
        subject: { name: "x" },
        field: `${folder}/c.yaml:1`,
        sentence: `${folder}/b.yaml:1 declares the same object, and that one is served; remove one of the two`,
      },
    ]);
    put("a.yaml", service("x", 1));
    await follower.untilPorts({ x: 1 });
    rmSync(join(folder, "a.yaml"));
    await follower.untilPorts({ x: 2 });
    rmSync(join(folder, "b.yaml"));
    await follower.untilPorts({ x: 3 });
    expect(follower.codes()).toEqual([]);
    expect(follower.changes.flatMap(({ removed }) => removed)).toEqual([]);
  });

  test("in one file the first counts", () => {
    put("a.yaml", `${service("x", 1)}---\n${service("x", 2)}`);
    const { objects, problems } = readManifests({ paths: [folder], standardInput: null, defaultNamespace: "default" });
    expect(objects).toMatchObject([{ object: { spec: { ports: [{ port: 1 }] } } }]);
    expect(problems.map(({ code }) => code)).toEqual(["declared-twice"]);
  });
});

test("after any series of edits the Source holds what a fresh reading gives", { timeout: 10_000 }, async () => {
  const follower = await follow();
  const held = (): string =>
    [...follower.objects.values()]
      .map((object) => JSON.stringify(object))
      .sort(compareText)
      .join("\n");
  const fresh = (): string =>
    readManifests({ paths: [folder], standardInput: null, defaultNamespace: "default" })
      .objects.map(({ ref, apiVersion, origin, object }) => JSON.stringify({ ref, apiVersion, origin, object }))
      .sort(compareText)
      .join("\n");
  // A small generator of its own: the same edits on every run.
  let seed = 42;
  const below = (limit: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % limit;
  };
  const names = ["a.yaml", "b.yaml", "c.yml", "x/a.yaml", "x/y/a.yaml", "x/y/b.yaml", "z/a.yaml"];
  const folders = ["x", "x/y", "z", "w"];
  const edit = (): void => {
    const name = names[below(names.length)]!;
    const text = service(`s${below(5)}`, below(1000));
    switch (below(6)) {
      case 0:
      case 1:
        return put(name, text);
      case 2:
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        return replace(name, `${text}---\n${service(`t${below(5)}`, below(1000))}`);
      case 3:
        return rmSync(join(folder, name), { force: true });
      case 4:
        return rmSync(join(folder, folders[below(folders.length)]!), { recursive: true, force: true });
      default: {
        const [from, to] = [folders[below(folders.length)]!, folders[below(folders.length)]!];
        try {
          renameSync(join(folder, from), join(folder, to));
        } catch {
          // Not there, not empty or below itself: no edit.
        }
      }
    }
  };
  for (let round = 0; round < 60; round++) {
    for (let edits = below(8); edits >= 0; edits--) edit();
    await follower.until(() => held() === fresh());
  }
});

describe("readManifests", () => {
  test("reads files and trees, and names what is not there", () => {
    put("x/y/a.yaml", service("a"));
    put("b.yaml", service("b"));
    const read = readManifests({
      paths: [join(folder, "x"), join(folder, "b.yaml"), join(folder, "no")],
      standardInput: null,
      defaultNamespace: "default",
    });
    expect(read.objects.map(({ ref }) => ref.name)).toEqual(["a", "b"]);
    expect(read.missing).toEqual([join(folder, "no")]);
  });
});

test("hundreds of files that move, or get other names, lose no object for a moment", async () => {
  const count = 600;
  for (let index = 0; index < count; index++) put(`a/${index}.yaml`, `${service(`s${index}`)}${"#".repeat(4000)}\n`);
  put("a/last.yaml", service("last"));
  mkdirSync(join(folder, "b"));
  const follower = await follow();
  for (let index = 0; index < count; index++)
    renameSync(join(folder, `a/${index}.yaml`), join(folder, index % 2 === 0 ? `b/${index}.yaml` : `a/n${index}.yaml`));
  rmSync(join(folder, "a/last.yaml"));
  await follower.until(() => !follower.objects.has("Service prod/last"));
  expect(follower.changes.flatMap(({ removed }) => removed)).toEqual(["Service prod/last"]);
  expect(follower.objects.size).toBe(count);
});
