import { isDeepStrictEqual } from "node:util";
import { assert, boolean, constantFrom, oneof, property, record, string, tuple } from "fast-check";
import { describe, expect, test } from "vitest";
import { parseHostGlob } from "../../../../k8s/translate/meaning/grant.ts";
import {
  areaText,
  entryKey,
  stamped,
  type ClaimRecord,
  type ClaimEntry,
} from "../../../../k8s/translate/claims/claim-entry.ts";
import type { SourceObject } from "../../../../k8s/translate/model/object.ts";
import type { ClaimArea } from "../../../../k8s/translate/meaning/meaning.ts";
import type { HostMatch } from "../../../../routing/model/match.ts";
import { Translator } from "../../../../k8s/translate/translator.ts";
import { clusterSettings, codesOf, deployment, noGrant, object, reportedOf } from "../objects.ts";

const any: HostMatch = { kind: "any" };

function mapping(name: string, prefix: string, createdAt = "", more = ""): SourceObject {
  return object(
    "Mapping",
    name,
    `metadata: {creationTimestamp: "${createdAt}"}\nspec: {prefix: "${prefix}", service: x${more}}`,
  );
}

function prefix(namespace: string, path: string, sinceMs: number): ClaimEntry {
  return {
    namespace,
    sinceMs,
    thing: { kind: "prefix", area: { prefix: path, exact: false, caseSensitive: true, host: { kind: "any" } } },
  };
}

function name(namespace: string, bare: string, sinceMs: number): ClaimEntry {
  return { namespace, sinceMs, thing: { kind: "name", name: bare } };
}

function recordOf(...held: readonly ClaimEntry[]): ClaimRecord {
  return new Map(held.map((one) => [entryKey(one.namespace, one.thing), one]));
}

/** A replica whose record is kept elsewhere. */
class Replica {
  readonly translator: Translator;
  #nowMs = 1000;

  constructor(...held: readonly ClaimEntry[]) {
    this.translator = new Translator(clusterSettings, { kind: "elsewhere", held });
  }

  take(set: readonly SourceObject[], removed: readonly string[] = []): this {
    this.translator.apply({ set, removed });
    return this;
  }

  /** What is wanted is recorded. */
  write(): this {
    const { added, ended } = this.translator.recordChange;
    const record = new Map(this.translator.record);
    for (const key of ended) record.delete(key);
    for (const held of stamped(added, 0, (this.#nowMs += 1000))) record.set(entryKey(held.namespace, held.thing), held);
    this.translator.setRecord(record);
    return this;
  }

  get served(): readonly string[] {
    return [...this.translator.current().mappings.keys()]
      .filter((id) => id.startsWith("Mapping") || id.includes("bare"))
      .map((id) => id.replace(" grpc-bare main", ""))
      .sort();
  }
}

describe("who holds a prefix is what the record says", () => {
  const old = (path: string): SourceObject => mapping("a/m", path, "2020-01-01T00:00:00Z");
  const young = mapping("b/m", "/x/", "2026-01-01T00:00:00Z");

  test("an old object that is edited to a held prefix does not win after a restart", () => {
    const before = new Replica().take([old("/other/"), young]).write();
    expect(before.take([old("/x/")]).write().served).toEqual(["Mapping b/m"]);
    const after = new Replica(...before.translator.record.values()).take([old("/x/"), young]);
    expect(after.served).toEqual(["Mapping b/m"]);
    expect(codesOf(after.translator.current())).toEqual(["error claim-contested", "error claim-contested"]);
  });

  test("nor when it was edited while no replica watched", () => {
    expect(new Replica(prefix("b", "/x/", 1), prefix("a", "/other/", 1)).take([old("/x/"), young]).served).toEqual([
      "Mapping b/m",
    ]);
  });

  test("of what the record does not know, nothing that is contested is served, and both are told", () => {
    const replica = new Replica().take([old("/x/"), young, mapping("c/m", "/y/")]);
    expect(replica.served).toEqual(["Mapping c/m"]);
    expect(replica.translator.isUndecided).toBe(true);
    expect(
      reportedOf(replica.translator.current()).map(
        ({ level, subject, sentence }) => `${level} ${subject.namespace} ${sentence.slice(0, 90)}`,
      ),
    ).toEqual([
      "error a the prefix /x/ is not served, because Mapping b/m claims /x/, which overlaps it, and the r",
      "error b the prefix /x/ is not served, because Mapping a/m claims /x/, which overlaps it, and the r",
    ]);
    expect(replica.write().served).toEqual(["Mapping a/m", "Mapping c/m"]);
    expect(replica.translator.isUndecided).toBe(false);
  });

  test("nor is what would lose to something undecided by its rank", () => {
    const open = ["a", "b"].map((namespace) => ({ ...noGrant, namespace, prefixes: ["/"], open: true }));
    const translator = new Translator({ ...clusterSettings, grants: open }, { kind: "elsewhere", held: [] });
    translator.apply({
      set: [mapping("a/m", "/x/"), mapping("b/m", "/x/"), mapping("c/m", "/x/"), mapping("c/n", "/y/")],
      removed: [],
    });
    expect([...translator.current().mappings.keys()]).toEqual(["Mapping c/n"]);
    expect(translator.recordChange.added.map(({ namespace }) => namespace).sort()).toEqual(["a", "c"]);
  });

  test("what overlaps only something undecided is undecided; what loses to a holder leaves nothing undecided", () => {
    expect(new Replica().take([mapping("a/m", "/x/"), mapping("b/m", "/"), mapping("c/m", "/y/")]).served).toEqual([
      "Mapping b/m own",
    ]);
    expect(
      new Replica(prefix("c", "/y/", 1)).take([mapping("a/m", "/x/"), mapping("b/m", "/"), mapping("c/m", "/y/")])
        .served,
    ).toEqual(["Mapping a/m", "Mapping b/m own", "Mapping c/m"]);
  });

  test("what was seen first is recorded first, whatever it is called or when it was created", () => {
    expect(
      new Replica()
        .take([young])
        .take([old("/x/")])
        .write().served,
    ).toEqual(["Mapping b/m"]);
  });

  test("a Grant needs no record", () => {
    const grants = [{ ...noGrant, namespace: "b", prefixes: ["/x/"] }];
    const translator = new Translator(
      { ...clusterSettings, grants },
      { kind: "elsewhere", held: [prefix("a", "/x/", 1)] },
    );
    translator.apply({ set: [old("/x/"), young], removed: [] });
    expect([...translator.current().mappings.keys()]).toEqual(["Mapping b/m"]);
  });

  test("it ends when it is given up, and not because nobody has claimed it yet", () => {
    const replica = new Replica(prefix("b", "/x/", 1)).take([old("/x/")]);
    expect(replica.served).toEqual([]);
    expect(replica.translator.missing).toEqual(['b ^ "/x/" any *']);
    expect(reportedOf(replica.translator.current()).map(({ sentence }) => sentence)).toEqual([
      expect.stringContaining(
        "belongs to the namespace b, which had it when its object was last seen and keeps it for an hour",
      ),
    ]);
    expect(replica.write().served).toEqual([]);
    expect(replica.take([young]).served).toEqual(["Mapping b/m"]);
    expect(replica.translator.missing).toEqual([]);
    expect(replica.take([], ["Mapping b/m"]).served).toEqual(["Mapping a/m"]);
    expect(replica.translator.recordChange.ended).toEqual(['b ^ "/x/" any *']);
    expect([...replica.write().translator.record.keys()]).toEqual(['a ^ "/x/" any *']);
  });

  test("a narrower claim inside a held one keeps its time; a wider one, in any letter case or on more hosts, does not", () => {
    const holds = (more: string, path = "/x/"): readonly string[] =>
      new Replica(prefix("b", "/x/", 1))
        .take([young, mapping("a/m", "/x/", "", ", hostname: h.com")])
        .write()
        .take([mapping("b/m", path, "", more)])
        .write().served;
    expect(holds(", hostname: h.com")).toEqual(["Mapping b/m"]);
    expect(holds(", prefix_exact: true")).toEqual(["Mapping b/m"]);
    expect(holds("", "/x/y/")).toEqual(["Mapping b/m"]);
    expect(holds(", case_sensitive: false")).toEqual(["Mapping a/m"]);
    expect(holds("", "/")).toEqual(["Mapping a/m", "Mapping b/m own"]);
  });

  test("two replicas that saw two claims in another order agree as soon as one has written", () => {
    const [one, other] = [
      new Replica().take([young]).take([old("/x/")]),
      new Replica().take([old("/x/")]).take([young]),
    ];
    expect([one.served, other.served]).toEqual([[], []]);
    other.translator.setRecord(one.write().translator.record);
    expect([one.served, other.served]).toEqual([["Mapping b/m"], ["Mapping b/m"]]);
    expect(other.translator.recordChange).toEqual({ added: [], ended: [] });
  });

  test("two that are recorded and overlap: the earlier has it", () => {
    expect(new Replica(prefix("b", "/x/", 1), prefix("a", "/x/", 2)).take([old("/x/"), young]).served).toEqual([
      "Mapping b/m",
    ]);
  });

  test("one namespace contests nothing and needs no record", () => {
    const translator = new Translator(
      { ...clusterSettings, namespaces: ["a"] },
      { kind: "elsewhere", held: [prefix("b", "/x/", 1)] },
    );
    translator.apply({ set: [old("/x/"), deployment("a/iris")], removed: [] });
    expect(translator.current().mappings.has("Mapping a/m")).toBe(true);
    expect([translator.record.size, translator.missing]).toEqual([0, []]);
  });
});

describe("who holds a bare name is what the record says", () => {
  test("the holder keeps it, through a restart too", () => {
    const replica = new Replica(name("b", "iris", 1)).take([deployment("a/iris"), deployment("b/iris")]);
    expect(replica.served).toEqual(["SeldonDeployment b/iris"]);
    expect(codesOf(replica.translator.current())).toEqual(["info bare-name-contested"]);
  });

  test("of what the record does not know, what several declare is served to none", () => {
    const replica = new Replica().take([deployment("a/iris"), deployment("b/iris"), deployment("c/wine")]);
    expect(replica.served).toEqual(["SeldonDeployment c/wine"]);
    expect(replica.translator.isUndecided).toBe(true);
    expect(codesOf(replica.translator.current())).toEqual(["error bare-name-contested", "error bare-name-contested"]);
    expect(replica.write().served).toEqual(["SeldonDeployment a/iris", "SeldonDeployment c/wine"]);
  });

  test("it is kept for a holder that is missing, and ends when it is given up", () => {
    const replica = new Replica(name("b", "iris", 1)).take([deployment("a/iris")]);
    expect([replica.served, replica.translator.missing]).toEqual([[], ["b #iris"]]);
    replica.take([deployment("b/iris")]).take([], ["SeldonDeployment b/iris"]);
    expect([replica.served, replica.translator.recordChange.ended]).toEqual([["SeldonDeployment a/iris"], ["b #iris"]]);
    expect([...replica.write().translator.record.keys()]).toEqual(["a #iris"]);
    replica.translator.setRecord(new Map());
    expect(replica.served).toEqual(["SeldonDeployment a/iris"]);
  });
});

describe("times in the record", () => {
  const proposal = (
    namespace: string,
    sequence: number,
    sinceMs: number | null = null,
  ): Parameters<typeof stamped>[0][number] => ({
    namespace,
    thing: { kind: "prefix", area: { prefix: "/x/", exact: false, caseSensitive: true, host: { kind: "any" } } },
    sinceMs,
    sequence,
  });

  test("follow the changes in which claims were seen, after all that is recorded, whatever the clock says", () => {
    const times = (afterMs: number, nowMs: number): readonly string[] =>
      stamped([proposal("c", 7), proposal("a", 3), proposal("b", 3), proposal("d", 9, 5)], afterMs, nowMs).map(
        ({ namespace, sinceMs }) => `${namespace} ${sinceMs}`,
      );
    expect(times(0, 1000)).toEqual(["a 1000", "b 1000", "c 1001", "d 5"]);
    expect(times(5000, 1000)).toEqual(["a 5001", "b 5001", "c 5002", "d 5"]);
  });
});

test("a record of another kind is the same record: keys of names and prefixes never meet", () => {
  expect(recordOf(prefix("a", "/x/", 1), name("a", '^ "/x/" any *', 1)).size).toBe(2);
});

test("areas that differ have different texts", () => {
  const text = string({ unit: constantFrom("~", "*", "a", "A"), minLength: 1, maxLength: 3 });
  const host = oneof(
    text.map((glob) => parseHostGlob(glob) ?? any),
    text.map((pattern): HostMatch => ({ kind: "regex", pattern })),
  );
  const area = record({ prefix: text.map((rest) => `/${rest}`), exact: boolean(), caseSensitive: boolean(), host });
  const canonical = ({ prefix: path, caseSensitive, ...more }: ClaimArea): object => ({
    ...more,
    caseSensitive,
    prefix: caseSensitive ? path : path.toLowerCase(),
  });
  const pair = tuple(area, area, constantFrom("prefix", "host", "both")).map(
    ([one, other, differ]): readonly [ClaimArea, ClaimArea] => [
      one,
      { ...one, ...(differ === "both" ? other : { [differ]: other[differ] }) },
    ],
  );
  assert(
    property(pair, ([one, other]) => {
      expect(areaText(one) === areaText(other)).toBe(isDeepStrictEqual(canonical(one), canonical(other)));
    }),
    { numRuns: 5000 },
  );
});
