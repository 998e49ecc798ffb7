import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { folderBounds } from "../../../../k8s/source/entries/entries.ts";
import type { FoundFile } from "../../../../k8s/source/files/files.ts";
import { firstReading, type FirstReadingLimits } from "../../../../k8s/source/first-reading/first-reading.ts";
import { folderSource } from "../../../../k8s/source/folder/folder.ts";
import { partsOf, type FromReadingThread } from "../../../../k8s/source/first-reading/reading-parts.ts";
import type { PartialChange, Source, SourceChange } from "../../../../k8s/source/objects/source.ts";
import { Turns, type Work } from "../../../../k8s/source/objects/turns.ts";
import { objectKey } from "../../../../k8s/translate/model/object.ts";
import { compareText } from "../../../../routing/text/problem.ts";

const golden = join(import.meta.dirname, "..", "..", "..", "golden");
const helped: FirstReadingLimits = { threads: 2, fromBytes: 1, taskMs: 20_000, taskBytes: 20_000 };
const alone: FirstReadingLimits = { ...helped, threads: 0 };

let folder: string;
let source: Source | null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-first-"));
  source = null;
});

afterEach(async () => {
  await source?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The corpus, several times, with namespaces of their own, and what cannot be read. */
function fill(copies: number): void {
  for (const { name } of readdirSync(golden, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    const text = readFileSync(join(golden, name, "input.yaml"), "utf8");
    for (let copy = 0; copy < copies; copy++) {
      mkdirSync(join(folder, String(copy)), { recursive: true });
      writeFileSync(
        join(folder, String(copy), `${name}.yaml`),
        text.replaceAll(/namespace: ([a-z])/g, `namespace: c${copy}-$1`),
      );
    }
  }
  writeFileSync(
    join(folder, "broken.yaml"),
    "apiVersion: v1\nkind: Service\nmetadata: { name: a }\n---\n{{{\n---\na: &x [*x]\n",
  );
  writeFileSync(join(folder, "bytes.yaml"), Buffer.from([0xff, 0xfe, 0xfd]));
  writeFileSync(join(folder, "wrong.json"), '{"apiVersion": "v1", "kind": "Service", ');
  writeFileSync(join(folder, "empty.yaml"), "");
  writeFileSync(
    join(folder, "numbers.yaml"),
    "apiVersion: v1\nkind: Service\nmetadata: { name: n }\nspec: { selector: { a: .inf, b: null }, ports: [{ port: 1 }] }\n",
  );
}

/** The first change, as text, with the objects in their order. */
async function first(
  reading: FirstReadingLimits,
): Promise<{ readonly text: string; readonly change: SourceChange; readonly objects: ReadonlyMap<string, string> }> {
  let text = "";
  const objects = new Map<string, string>();
  let change: SourceChange | null = null;
  source = folderSource(
    { folders: [folder], defaultNamespace: "default", claimsFile: null, pollMs: 1_000_000 },
    folderBounds,
    reading,
  );
  await source.start((given) => {
    change = given;
    for (const { ref, origin, object } of given.set) objects.set(objectKey(ref), JSON.stringify({ origin, object }));
    text = JSON.stringify(
      {
        objects: given.set.map(({ ref, apiVersion, origin, object }) => ({ ref, apiVersion, origin, object })),
        removed: given.removed,
        problems: given.problems,
      },
      null,
      1,
    );
  });
  return { text, change: change!, objects };
}

function found(): readonly FoundFile[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(yaml|json)$/.test(name))
    .sort(compareText);
  return names.map((name) => ({ path: join(folder, name), name, stats: statSync(join(folder, name)) }));
}

/** Does nothing before it may. */
class HeldTurns extends Turns {
  readonly #may: Promise<void>;

  constructor(may: Promise<void>) {
    super();
    this.#may = may;
  }

  override async run(begin: () => Work): Promise<void> {
    await this.#may;
    await super.run(begin);
  }
}

describe("threads", () => {
  let threads: Worker[];
  let onWorker: (worker: Worker) => void;
  const notice = (worker: Worker): void => {
    threads.push(worker);
    onWorker(worker);
  };

  beforeEach(() => {
    threads = [];
    process.on("worker", notice);
  });

  afterEach(() => {
    process.off("worker", notice);
  });

  const read = async (
    turns: Turns,
    limits: FirstReadingLimits,
    taken: () => void = () => {},
  ): Promise<readonly (readonly [name: string, parts: unknown])[]> => {
    const reads: [name: string, parts: unknown][] = [];
    await firstReading(
      found().toReversed(),
      { defaultNamespace: "default", digestKey: "" },
      turns,
      limits,
      function* (some) {
        for (const { file, read: one } of some) reads.push([file.name, partsOf(one)]);
        taken();
        yield;
      },
    );
    return reads;
  };

  test("read while the own one is busy, and give back what it would read", async () => {
    fill(2);
    const answered = Promise.withResolvers<void>();
    onWorker = (worker) =>
      worker.on("message", ({ kind }: FromReadingThread) => (kind === "done" ? answered.resolve() : undefined));
    const parallel = await read(new HeldTurns(answered.promise), helped);
    expect(threads).toHaveLength(2);
    expect(parallel).toEqual(await read(new Turns(), alone));
    expect(parallel.map(([name]) => name)).toEqual(found().map(({ name }) => name));
    expect(threads).toHaveLength(2);
  });

  test("let what was read be taken while the rest is not read yet", async () => {
    fill(2);
    onWorker = () => {};
    let [takes, answers] = [0, 0];
    let answersAtFirst = 0;
    onWorker = (worker) => worker.on("message", ({ kind }: FromReadingThread) => (answers += Number(kind === "done")));
    await read(new Turns(), { ...helped, taskBytes: 1000 }, () => {
      takes += 1;
      if (takes === 1) answersAtFirst = answers;
    });
    expect(takes).toBeGreaterThan(16);
    expect(answersAtFirst).toBeLessThan(takes / 2);
  });

  test("that end before they answer lose no file", async () => {
    fill(1);
    const ended = Promise.withResolvers<void>();
    onWorker = (worker) => {
      // Its first task is on its way.
      worker.once("message", () => setImmediate(() => void worker.terminate()));
      worker.once("exit", () => ended.resolve());
    };
    const parallel = await read(new HeldTurns(ended.promise), { ...helped, threads: 1 });
    expect(threads).toHaveLength(1);
    expect(parallel).toEqual(await read(new Turns(), alone));
  });

  test("that take too long lose no file", async () => {
    fill(1);
    onWorker = () => {};
    expect(await read(new Turns(), { ...helped, taskMs: 1 })).toEqual(await read(new Turns(), alone));
  });

  test.each([
    [0, 0],
    [1, 2],
  ])("are not started for less than the bound: %i bytes over it, %i threads", async (over, count) => {
    fill(1);
    onWorker = () => {};
    const bytes = found().reduce((sum, { stats }) => sum + stats.size, 0);
    await read(new Turns(), { ...helped, fromBytes: bytes + 1 - over });
    expect(threads).toHaveLength(count);
  });
});

describe("a large folder", () => {
  test("is read by several threads as by one, objects and Problems in the same order", async () => {
    fill(6);
    const serial = await first(alone);
    await source!.stop();
    const parallel = await first(helped);
    expect(parallel.change.set.length).toBeGreaterThan(1000);
    expect(parallel.change.problems.map(({ code }) => code)).toEqual(
      expect.arrayContaining(["bad-yaml", "not-utf8", "bad-json"]),
    );
    expect(parallel.text).toBe(serial.text);
  });

  test.each([
    ["alone", alone],
    ["helped", helped],
  ])("is given bit by bit to who gathers, and the first change ends it: %s", async (_, reading) => {
    fill(3);
    const whole = await first(reading);
    await source!.stop();
    const open = folderSource(
      { folders: [folder], defaultNamespace: "default", claimsFile: null, pollMs: 1_000_000 },
      folderBounds,
      reading,
    );
    source = open;
    const texts = new Map<string, string>();
    let [parts, last] = [0, -1];
    const take = ({ set, removed }: PartialChange): void => {
      for (const object of set)
        texts.set(objectKey(object.ref), JSON.stringify({ origin: object.origin, object: object.object }));
      expect(removed).toEqual([]);
    };
    await open.start(
      (change) => {
        take(change);
        last = change.set.length;
        expect(change.problems).toEqual(whole.change.problems);
      },
      (part) => {
        take(part);
        parts += 1;
      },
    );
    expect(parts).toBeGreaterThan(3);
    expect(last).toBe(0);
    expect(texts).toEqual(whole.objects);
  });

  test("of declarations of one object only the first is ever given", async () => {
    for (const [name, ip] of [
      ["a.yaml", "10.0.0.1"],
      ["a/b.yaml", "10.0.0.2"],
      ["b.yaml", "10.0.0.3"],
    ] as const) {
      mkdirSync(join(folder, "a"), { recursive: true });
      writeFileSync(
        join(folder, name),
        `apiVersion: v1\nkind: Service\nmetadata: { name: s }\nspec: { clusterIP: ${ip} }\n`,
      );
    }
    const given: unknown[] = [];
    source = folderSource(
      { folders: [folder], defaultNamespace: "default", claimsFile: null, pollMs: 1_000_000 },
      folderBounds,
      { ...helped, taskBytes: 1 },
    );
    await source.start(
      ({ set }) => expect(set).toEqual([]),
      ({ set }) => given.push(...set.map(({ object }) => object)),
    );
    expect(given).toEqual([{ metadata: { name: "s" }, spec: { clusterIP: "10.0.0.1" } }]);
  });

  test("is read all the same when threads take too long", async () => {
    fill(1);
    const serial = await first(alone);
    await source!.stop();
    expect((await first({ ...helped, taskMs: 1 })).text).toBe(serial.text);
  });

  test("a file that changes afterwards is compared with what the threads read", async () => {
    fill(2);
    const { promise, resolve } = Promise.withResolvers<SourceChange>();
    let changes = 0;
    source = folderSource(
      { folders: [folder], defaultNamespace: "default", claimsFile: null, pollMs: 1_000_000 },
      folderBounds,
      helped,
    );
    await source.start((change) => {
      changes += 1;
      if (changes === 2) resolve(change);
    });
    writeFileSync(
      join(folder, "numbers.yaml"),
      `${readFileSync(join(folder, "numbers.yaml"), "utf8")}---\napiVersion: v1\nkind: Service\nmetadata: { name: second }\n`,
    );
    expect((await promise).set.map(({ ref }) => ref.name)).toEqual(["second"]);
  });

  test("a Source that is stopped while it reads delivers nothing and keeps no thread", async () => {
    fill(6);
    let delivered = 0;
    source = folderSource(
      { folders: [folder], defaultNamespace: "default", claimsFile: null, pollMs: 1_000_000 },
      folderBounds,
      helped,
    );
    const started = source.start(() => {
      delivered += 1;
    });
    await new Promise((turn) => setImmediate(turn));
    await source.stop();
    await started;
    expect(delivered).toBe(0);
  });
});
