import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SnapshotFile } from "../../../gateway/control/snapshot-file.ts";
import type { StoredForm } from "../../../k8s/source/objects/last-good.ts";

let folder: string;
let file: string;
let logged: { event: string; fields: Readonly<Record<string, unknown>> }[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-snapshot-"));
  file = join(folder, "last-good");
  logged = [];
});

afterEach(() => rm(folder, { recursive: true }));

function snapshot(scope = "here", times = { settleMs: 60_000, betweenMs: 60_000 }): SnapshotFile {
  return new SnapshotFile({
    file,
    scope,
    times,
    log: { write: (event, fields) => logged.push({ event, fields }), flush: () => {} },
  });
}

const form = (name: string, kind = "Service"): StoredForm => ({
  ref: { kind, namespace: "prod", name },
  apiVersion: "v1",
  uid: `uid of "${name}"`,
  text: JSON.stringify({ metadata: { name }, ünicode: '\n"' }),
});

async function written(objects: readonly StoredForm[]): Promise<void> {
  const one = snapshot();
  one.changed(() => objects);
  await one.close();
}

describe("a snapshot file", () => {
  test("gives back what was written, for its owner alone", async () => {
    const objects = Array.from({ length: 3000 }, (_, at) => form(`s${at}`));
    await written(objects);
    const read = await snapshot().read();
    expect(read!.objects).toEqual(objects);
    expect(read!.ageSeconds).toBeGreaterThanOrEqual(0);
    expect(read!.ageSeconds).toBeLessThan(60);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test("holds no Secret", async () => {
    await written([form("cert", "Secret"), form("a")]);
    expect(await readFile(file, "utf8")).not.toContain("cert");
    expect((await snapshot().read())!.objects).toEqual([form("a")]);
  });

  test.each([
    ["forward", 7_200_000, 7200],
    ["back", -7_200_000, 0],
  ])("written before the clock jumped %s has an age that makes sense", async (_, jumpMs, age) => {
    await written([form("a")]);
    const now = Date.now();
    const clock = vi.spyOn(Date, "now").mockImplementation(() => now + jumpMs);
    const read = await snapshot().read();
    clock.mockRestore();
    expect(Math.round(read!.ageSeconds)).toBe(age);
  });

  test("that is not there is no reason to say anything", async () => {
    expect(await snapshot().read()).toBeNull();
    expect(logged).toEqual([]);
  });

  const broken: readonly (readonly [string, (text: string) => string, string])[] = [
    ["a changed byte", (text) => text.replace("prod", "evil"), "its checksum is wrong"],
    ["cut in the middle of a line", (text) => text.slice(0, text.length - 90), "its checksum is wrong"],
    ["cut before its last line", (text) => text.slice(0, text.lastIndexOf("sha256")), "its checksum is wrong"],
    ["something after its end", (text) => `${text}{}\n`, "something follows its end"],
    ["another version", (text) => text.replace('"version":1', '"version":2'), "it is of another version"],
    ["no snapshot at all", () => "hello\n", "its checksum is wrong"],
    ["nothing", () => "", "its checksum is wrong"],
  ];
  test.each(broken)("with %s is not read", async (_, breaking, reason) => {
    await written([form("a"), form("b")]);
    await writeFile(file, breaking(await readFile(file, "utf8")));
    expect(await snapshot().read()).toBeNull();
    expect(logged).toEqual([{ event: "snapshot-not-read", fields: { file, reason } }]);
  });

  test("of another cluster is not read", async () => {
    await written([form("a")]);
    expect(await snapshot("elsewhere").read()).toBeNull();
    expect(logged[0]!.fields["reason"]).toBe("it is of another cluster or of other namespaces");
  });

  test("is written once for many changes, with the newest objects", async () => {
    const one = snapshot("here", { settleMs: 20, betweenMs: 60_000 });
    const first = Promise.withResolvers<void>();
    let asked = 0;
    const objects = () => {
      asked += 1;
      first.resolve();
      return [form("newest")];
    };
    for (let at = 0; at < 10; at++) one.changed(objects);
    await first.promise;
    one.changed(objects);
    // The second write waits for its time; the end does not.
    await one.close();
    expect(asked).toBe(2);
    expect((await snapshot().read())!.objects).toEqual([form("newest")]);
  });

  test("that cannot be written is logged, and what was there stays", async () => {
    await written([form("a")]);
    const text = await readFile(file, "utf8");
    const nowhere = new SnapshotFile({
      file: join(folder, "missing", "file"),
      scope: "here",
      times: { settleMs: 0, betweenMs: 0 },
      log: { write: (event, fields) => logged.push({ event, fields }), flush: () => {} },
    });
    nowhere.changed(() => [form("b")]);
    await nowhere.close();
    expect(logged.map(({ event, fields }) => [event, fields["reason"]])).toEqual([["snapshot-not-written", "ENOENT"]]);
    expect(await readFile(file, "utf8")).toBe(text);
  });
});

const mounts = spawnSync("unshare", ["--mount", "true"]).status === 0;

test.skipIf(!mounts)(
  "on a full disk the file that was there stays whole, nothing is left of the draft, and a later one is written",
  () => {
    const source = new URL("../../../gateway/control/snapshot-file.ts", import.meta.url).href;
    const program = `
    const { SnapshotFile } = await import(${JSON.stringify(source)});
    const { readdirSync, rmSync, writeFileSync } = await import('node:fs');
    const logged = [];
    const one = () => new SnapshotFile({ file: '${file}', scope: 'here', times: { settleMs: 0, betweenMs: 0 }, log: { write: (event, { reason }) => event === 'snapshot-read' || logged.push(event + ' ' + reason), flush() {} } });
    const write = async (name) => { const file = one(); file.changed(() => [{ ref: { kind: 'Service', namespace: 'prod', name }, apiVersion: 'v1', uid: '1', text: JSON.stringify({ x: 'x'.repeat(20000) }) }]); await file.close(); return (await one().read()).objects[0].ref.name; };
    const names = [await write('first')];
    try { writeFileSync('${folder}/ballast', Buffer.alloc(1 << 20)); } catch {}
    names.push(await write('second'), readdirSync('${folder}').toSorted().join());
    rmSync('${folder}/ballast');
    names.push(await write('third'));
    console.log(JSON.stringify([names, logged]));`;
    const { stdout, stderr } = spawnSync(
      "unshare",
      [
        "--mount",
        "sh",
        "-c",
        'mount -t tmpfs -o size=64k tmpfs "$0" && exec "$@"',
        folder,
        process.execPath,
        "--input-type=module",
        "--eval",
        program,
      ],
      { encoding: "utf8" },
    );
    expect(stdout, stderr).not.toBe("");
    expect(JSON.parse(stdout)).toEqual([
      ["first", "first", "ballast,last-good", "third"],
      ["snapshot-not-written ENOSPC"],
    ]);
  },
);
