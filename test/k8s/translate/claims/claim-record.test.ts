import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { printRecord, readRecord, withinRoom } from "../../../../k8s/translate/claims/claim-record.ts";
import { namespaceBytes, recordBytes } from "../../../../k8s/translate/values/record-text.ts";
import { entryKey, type ClaimRecord, type ClaimEntry } from "../../../../k8s/translate/claims/claim-entry.ts";
import type { HostMatch } from "../../../../routing/model/match.ts";

const any: HostMatch = { kind: "any" };

function prefix(namespace: string, path: string, sinceMs: number, more: object = {}): ClaimEntry {
  return {
    namespace,
    sinceMs,
    thing: { kind: "prefix", area: { prefix: path, exact: false, caseSensitive: true, host: any, ...more } },
  };
}

function name(namespace: string, bare: string): ClaimEntry {
  return { namespace, sinceMs: 0, thing: { kind: "name", name: bare } };
}

function recordOf(held: readonly ClaimEntry[]): ClaimRecord {
  return new Map(held.map((one) => [entryKey(one.namespace, one.thing), one]));
}

describe("the record of claims as text", () => {
  const record = recordOf([
    prefix("b", "/x/", 5),
    prefix("a", "/y/", 4, { exact: true, host: { kind: "suffix", suffix: ".x.com" } }),
    prefix("a", "/z/", 4, { caseSensitive: false, host: { kind: "regex", pattern: "a b.*" } }),
    prefix("a", '/w "\n/', 3, { host: { kind: "exact", host: "h" } }),
    name("b", "iris"),
    name("a", "wine"),
    name("a", 'a ^ "/y/" *'),
  ]);

  test("is read as it was written, and is the same whatever the order of its entries", () => {
    const text = printRecord(record);
    expect(readRecord(text)).toEqual({ kind: "record", record: expect.any(Map) });
    const read = readRecord(text);
    expect(read.kind === "record" ? read.record : null).toEqual(record);
    expect(printRecord(new Map([...record].reverse()))).toBe(text);
    expect(text.split("\n")[1]).toBe('{"namespace":"a","names":["a ^ \\"/y/\\" *","wine"]}');
  });

  test("an empty text is an empty record", () => {
    expect(readRecord("")).toEqual({ kind: "record", record: new Map() });
    expect(readRecord(printRecord(new Map()))).toEqual({ kind: "record", record: new Map() });
  });

  test("what was cut anywhere, or changed in one character, is not believed", () => {
    const text = printRecord(record);
    for (let end = 1; end < text.length; end++) expect(readRecord(text.slice(0, end)).kind).toBe("bad");
    for (let at = 0; at < text.length; at++)
      expect(readRecord(`${text.slice(0, at)}${text[at] === "x" ? "y" : "x"}${text.slice(at + 1)}`).kind).toBe("bad");
    expect(readRecord(`${text}x`).kind).toBe("bad");
  });

  test.each([
    ["{"],
    ["[]"],
    ['{"namespace":""}'],
    ['{"namespace":"a","names":1,"prefix":1}x'],
    ['{"namespace":"a","prefix":"/x/","sinceMs":-1}'],
    ['{"namespace":"a","prefix":"/x/","sinceMs":"1"}'],
    ['{"namespace":"a","prefix":1,"sinceMs":1}'],
    ['{"namespace":"a","prefix":"/x/","sinceMs":1,"host":"a*b"}'],
  ])("a line %j with a right checksum is not believed either", (line) => {
    const body = `sluice-claims 1\n${line}\n`;
    expect(readRecord(`${body}sha256 ${createHash("sha256").update(body).digest("hex")}\n`).kind).toBe("bad");
  });

  test("its length is bounded", () => {
    const long = (bytes: number): string => {
      const body = `sluice-claims 1\n{"namespace":"${"a".repeat(bytes - 16 - 14 - 13 - 2 - 72)}","names":[]}\n`;
      const text = `${body}sha256 ${createHash("sha256").update(body).digest("hex")}\n`;
      return text;
    };
    const at = long(recordBytes);
    const exact = long(recordBytes + (recordBytes - Buffer.byteLength(at)));
    expect(Buffer.byteLength(exact)).toBe(recordBytes);
    expect(readRecord(long(recordBytes - 1 + (recordBytes - Buffer.byteLength(at)))).kind).toBe("record");
    expect(readRecord(exact).kind).toBe("record");
    expect(readRecord(long(recordBytes + 1 + (recordBytes - Buffer.byteLength(at)))).kind).toBe("bad");
  });
});

describe("room in the record", () => {
  /** Takes exactly `bytes` of a namespace's room, its line included. */
  const filling = (bytes: number): ClaimEntry => name("a", "n".repeat(bytes - 80 - 1 - 3));

  test("a namespace has 64 KiB", () => {
    expect(withinRoom(new Map(), [filling(namespaceBytes - 1)]).over.size).toBe(0);
    expect(withinRoom(new Map(), [filling(namespaceBytes)]).over.size).toBe(0);
    expect([...withinRoom(new Map(), [filling(namespaceBytes + 1), name("b", "iris")]).over]).toEqual([["a", 1]]);
  });

  test("all together have 960 KiB; what is there stays, what comes is left out, and the text keeps the bound", () => {
    const many = Array.from({ length: 40 * 500 }, (_, index) =>
      prefix(`ns${index % 40}`, `/team-${index}/${"x".repeat(20)}/`, index),
    );
    const { record, over } = withinRoom(new Map(), many);
    expect(over.size).toBeGreaterThan(0);
    expect(Buffer.byteLength(printRecord(record))).toBeLessThanOrEqual(recordBytes);
    expect(withinRoom(record, []).record).toEqual(record);
    expect(record.size).toBeGreaterThan(3000);
  });

  test("ten thousand names of a hundred namespaces have room", () => {
    const names = Array.from({ length: 10_000 }, (_, index) =>
      name(`namespace-${index % 100}`, `deployment-number-${index}`),
    );
    const { record, over } = withinRoom(new Map(), names);
    expect([record.size, over.size]).toEqual([10_000, 0]);
  });
});
