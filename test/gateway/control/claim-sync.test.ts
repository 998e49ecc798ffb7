import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ClaimSync, syncTimes } from "../../../gateway/control/claim-sync.ts";
import type { RecordStore, RecordWrite, StoredRecord } from "../../../k8s/source/objects/source.ts";
import { printRecord } from "../../../k8s/translate/claims/claim-record.ts";
import type { SourceObject } from "../../../k8s/translate/model/object.ts";
import { Translator } from "../../../k8s/translate/translator.ts";
import { clusterSettings, object } from "../../k8s/translate/objects.ts";

/** What two replicas share. */
class SharedText {
  text: string | null = null;
  version = 0;
  refuses: string | null = null;
  /** Its watch is behind: what it would tell waits here. null: it tells at once. */
  behind: StoredRecord[] | null = null;
  readonly followers: ((stored: StoredRecord) => void)[] = [];
  writes = 0;

  get stored(): StoredRecord {
    return this.text === null ? { kind: "absent" } : { kind: "text", text: this.text, version: String(this.version) };
  }

  /** As somebody else than a gateway. */
  set(text: string | null): void {
    this.text = text;
    this.version += 1;
    this.tell(this.stored);
  }

  tell(stored: StoredRecord): void {
    if (this.behind !== null) this.behind.push(stored);
    else for (const told of this.followers) told(stored);
  }

  store(): RecordStore {
    return {
      subject: { kind: "ConfigMap", namespace: "sluice", name: "sluice-claims" },
      follow: (told) => this.followers.push(told),
      write: (text, over): Promise<RecordWrite> => {
        this.writes += 1;
        if (this.refuses !== null) return Promise.resolve({ kind: "failed", sentence: this.refuses });
        if (over !== (this.text === null ? null : String(this.version))) {
          queueMicrotask(() => this.tell(this.stored));
          return Promise.resolve({ kind: "conflict" });
        }
        this.set(text);
        return Promise.resolve({ kind: "written", version: String(this.version) });
      },
    };
  }
}

class Replica {
  readonly translator = new Translator(clusterSettings, { kind: "elsewhere", held: [] });
  readonly sync: ClaimSync;
  readonly log = { write: vi.fn(), flush: vi.fn() };
  current = true;

  constructor(shared: SharedText) {
    const outside = {
      nowMs: () => Date.now(),
      random: () => 0,
      log: this.log,
      isCurrent: () => this.current,
      recorded: (record: Parameters<Translator["setRecord"]>[0]) => void this.translator.setRecord(record),
      problemsChanged: () => {},
    };
    this.sync = new ClaimSync(shared.store(), this.translator, outside, syncTimes);
    shared.followers.at(-1)!(shared.stored);
  }

  take(set: readonly SourceObject[], removed: readonly string[] = []): void {
    this.translator.apply({ set, removed });
    this.sync.changed();
  }

  get served(): readonly string[] {
    return [...this.translator.current().mappings.keys()].sort();
  }

  get codes(): readonly string[] {
    return this.sync.problems.map(({ level, code }) => `${level} ${code}`);
  }
}

function mapping(name: string, prefix: string, createdAt = ""): SourceObject {
  return object(
    "Mapping",
    name,
    `metadata: {creationTimestamp: "${createdAt}"}\nspec: {prefix: "${prefix}", service: x}`,
  );
}

const old = mapping("a/m", "/x/", "2020-01-01T00:00:00Z");
const young = mapping("b/m", "/x/", "2026-01-01T00:00:00Z");
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(syncTimes.settleMs * 4);

describe("the record of claims and its store", () => {
  let shared: SharedText;
  beforeEach(() => {
    vi.useFakeTimers();
    shared = new SharedText();
  });
  afterEach(() => vi.useRealTimers());

  test("is written before the first table, and read by the next replica", async () => {
    const one = new Replica(shared);
    one.take([young]);
    await one.sync.open();
    expect(shared.text).toContain('"/x/"');
    const two = new Replica(shared);
    two.take([old, young]);
    await two.sync.open();
    expect([two.served, two.codes, shared.writes]).toEqual([["Mapping b/m"], [], 1]);
  });

  test("that was deleted while no gateway ran: the older object gets the prefix, and the operator is told", async () => {
    const one = new Replica(shared);
    one.take([young, mapping("b/alone", "/y/")]);
    await one.sync.open();
    one.take([old]);
    await settle();
    expect([one.served, one.codes, one.log.write.mock.calls]).toEqual([["Mapping b/alone", "Mapping b/m"], [], []]);
    one.sync.stop();
    shared.followers.length = 0;
    shared.text = null;
    const two = new Replica(shared);
    two.take([old, young, mapping("b/alone", "/y/")]);
    await two.sync.open();
    expect([two.served, two.codes]).toEqual([["Mapping a/m", "Mapping b/alone"], ["warning claims-decided-by-age"]]);
    expect(two.log.write.mock.calls.map(([code]) => code)).toEqual(["claims-decided-by-age"]);
    expect(two.sync.problems[0]!.sentence).toMatch(/deleted while no gateway ran.*restore the record from a backup/);
    // The next one finds what this one wrote.
    const three = new Replica(shared);
    three.take([old, young, mapping("b/alone", "/y/")]);
    await three.sync.open();
    expect([three.served, three.codes]).toEqual([["Mapping a/m", "Mapping b/alone"], []]);
  });

  test("that is not there at a start where nothing is contested is no Problem, nor later contests", async () => {
    const one = new Replica(shared);
    one.take([young]);
    await one.sync.open();
    const two = new Replica(new SharedText());
    await two.sync.open();
    two.take([old, young]);
    await settle();
    expect([one.codes, two.codes, two.served]).toEqual([[], [], ["Mapping a/m"]]);
  });

  test("two replicas that write at once agree", async () => {
    const [one, two] = [new Replica(shared), new Replica(shared)];
    one.take([young]);
    two.take([old]);
    one.take([old]);
    two.take([young]);
    expect([one.served, two.served]).toEqual([[], []]);
    await settle();
    expect(one.served).toEqual(two.served);
    expect(one.served.length).toBe(1);
    expect(one.translator.recordChange).toEqual({ added: [], ended: [] });
  });

  test("what a watch tells of versions that were written over since takes no claim back", async () => {
    const shared = new SharedText();
    const one = new Replica(shared);
    await one.sync.open();
    shared.behind = [];
    for (const name of ["a", "b", "c"]) {
      one.take([mapping(name, `/${name}/`)]);
      await vi.advanceTimersByTimeAsync(3000);
    }
    const told = shared.behind;
    expect(told).toHaveLength(3);
    shared.behind = null;
    const claims: number[] = [];
    for (const stored of told) {
      shared.tell(stored);
      claims.push(one.translator.record.size);
    }
    expect(claims).toEqual([3, 3, 3]);
    // What others write still counts.
    shared.set(printRecord(new Map()));
    expect(one.translator.record.size).toBe(0);
  });

  test("a restart keeps it although the older object came later", async () => {
    const one = new Replica(shared);
    one.take([young]);
    await settle();
    one.take([old]);
    await settle();
    one.sync.stop();
    const two = new Replica(shared);
    two.take([old, young]);
    await two.sync.open();
    expect(two.served).toEqual(["Mapping b/m"]);
  });

  test("one that is deleted is written again from what a running replica knows", async () => {
    const one = new Replica(shared);
    one.take([young]);
    await settle();
    const text = shared.text;
    shared.set(null);
    expect(one.served).toEqual(["Mapping b/m"]);
    await settle();
    expect(shared.text).toBe(text);
  });

  test.each([
    ["cut", (text: string) => text.slice(0, -10), "was cut or edited"],
    ["edited by hand", (text: string) => text.replace('"b"', '"a"'), "was cut or edited"],
    ["foreign", () => "hello", "not one that this version writes"],
    ["huge", () => `sluice-claims 1\n${"x".repeat(960 * 1024)}`, "has more than"],
  ])(
    "one that is %s is a Problem and is not overwritten: a running replica goes on, a new one takes nobody’s side",
    async (_name, spoil, reason) => {
      const one = new Replica(shared);
      one.take([young]);
      await settle();
      const spoilt = spoil(shared.text!);
      shared.set(spoilt);
      one.take([old]);
      await settle();
      expect([one.served, one.codes, shared.text === spoilt]).toEqual([
        ["Mapping b/m"],
        ["error claims-record-unreadable"],
        true,
      ]);
      expect(one.sync.problems[0]!.sentence).toContain(reason);
      const two = new Replica(shared);
      two.take([old, young, mapping("c/m", "/y/")]);
      await two.sync.open();
      expect([two.served, two.codes]).toEqual([["Mapping c/m"], ["error claims-record-unreadable"]]);
      shared.set(null);
      await settle();
      expect([one.served, two.served, two.codes]).toEqual([["Mapping b/m"], ["Mapping b/m", "Mapping c/m"], []]);
    },
  );

  test("one that may not be read is a Problem, and nothing waits for it", async () => {
    const one = new Replica(shared);
    shared.tell({ kind: "unreadable", sentence: "it may not be read" });
    one.take([old, young]);
    await one.sync.open();
    expect([one.served, one.codes, shared.writes]).toEqual([[], ["error claims-record-unreadable"], 0]);
  });

  test("one that may not be written is a Problem; what is contested is served to nobody, and it is tried again", async () => {
    shared.refuses = "it may not be written";
    const one = new Replica(shared);
    one.take([old, young, mapping("c/m", "/y/")]);
    await one.sync.open();
    expect([one.served, one.codes]).toEqual([["Mapping c/m"], ["error claims-record-unwritten"]]);
    shared.refuses = null;
    await vi.advanceTimersByTimeAsync(syncTimes.retryMs * 2);
    expect([one.served, one.codes]).toEqual([["Mapping a/m", "Mapping c/m"], []]);
  });

  test("a missing object keeps its claim for an hour of watching, and no longer", async () => {
    shared.set(
      printRecord(
        new Map([
          [
            "b",
            {
              namespace: "b",
              sinceMs: 1,
              thing: {
                kind: "prefix",
                area: { prefix: "/x/", exact: false, caseSensitive: true, host: { kind: "any" } },
              },
            },
          ],
        ]),
      ),
    );
    const one = new Replica(shared);
    one.take([old]);
    one.sync.sweep();
    await vi.advanceTimersByTimeAsync(syncTimes.missingMs - 1);
    one.sync.sweep();
    await settle();
    expect(one.served).toEqual([]);
    one.current = false;
    one.sync.sweep();
    await settle();
    one.current = true;
    one.sync.sweep();
    await settle();
    expect(one.served).toEqual([]);
    await vi.advanceTimersByTimeAsync(syncTimes.missingMs);
    one.sync.sweep();
    await settle();
    expect(one.served).toEqual(["Mapping a/m"]);
  });
});
