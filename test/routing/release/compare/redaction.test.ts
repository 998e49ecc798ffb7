// What rules redact leaves by no way: kept answers, differences, paths. And what is cut keeps nothing else in memory.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { Comparison } from "../../../../routing/release/compare/comparison.ts";
import type { CapturedAnswer } from "../../../../routing/release/compare/answer.ts";
import { maxNameLength } from "../../../../routing/release/compare/path-tree.ts";
import { keptAnswer } from "../../../../routing/release/compare/redacted.ts";
import { plainRules, readCompareRules, type CompareRules } from "../../../../routing/release/compare/rules.ts";

function rulesOf(text: string): CompareRules {
  const read = readCompareRules(text);
  if ("mistake" in read || read.rules === null) throw new Error(`no rules: ${text}`);
  return read.rules;
}

function answerOf(value: unknown): CapturedAnswer {
  return { status: 200, grpcStatus: -1, headerBytes: -1, body: Buffer.from(JSON.stringify(value)) };
}

/** All that can be seen of a pair. */
function shownOf(primary: unknown, shadow: unknown, rules: CompareRules): string {
  const comparison = new Comparison(rules);
  const [one, other] = [answerOf(primary), answerOf(shadow)];
  const verdict = comparison.add({ isGrpc: false, path: "/", primary: one, shadow: other });
  expect(verdict.kind).toBe("disagreed");
  const kept = [one, other].map((answer) => keptAnswer(answer, false, "/", rules));
  return JSON.stringify([verdict, comparison.counts, kept]);
}

describe("redacted values are shown nowhere", () => {
  const long = "n".repeat(maxNameLength + 1);
  test.each<readonly [redacted: string, answer: (secret: string) => unknown]>([
    ["strData", (secret) => ({ strData: secret })],
    ["data.names", (secret) => ({ data: { names: [secret, "b"], ndarray: [[2, 1]] } })],
    ["data.ndarray", (secret) => ({ data: { ndarray: [secret] } })],
    ["predictions", (secret) => ({ predictions: [secret] })],
    ["outputs.user.data", (secret) => ({ outputs: [{ name: "user", shape: [1], data: [secret] }] })],
    [
      "outputs.user.data",
      (secret) => ({
        outputs: [
          { name: "user", data: [] },
          { name: "user", data: [secret] },
        ],
      }),
    ],
    ["outputs.user.data", (secret) => ({ outputs: [{ name: "user", data: [secret] }, { data: [1] }] })],
    ["outputs.user.data", (secret) => ({ outputs: [null, { name: "user", data: [secret] }] })],
    ["users", (secret) => ({ users: { [secret]: { age: 3 } } })],
    ["users", (secret) => ({ users: [{ [secret]: [{ [secret]: 1 }] }] })],
    ["user.email", (secret) => ({ "user.email": secret })],
    ["a.user.email.b", (secret) => ({ a: { "user.email": { b: secret } } })],
    ["*.b", (secret) => ({ "x.y": { b: secret } })],
    ["user", (secret) => ({ "user.email": secret })],
    ["a.user", (secret) => ({ a: { "user.email.home": { b: secret } } })],
    ["user", (secret) => ({ [`user.${"x".repeat(2000)}`]: secret })],
    [`user.${"x".repeat(900)}`, (secret) => ({ [`user.${"x".repeat(900)}.${"y".repeat(200)}`]: secret })],
    [long, (secret) => ({ [long]: secret })],
    [`${long}.x`, (secret) => ({ [long]: { x: secret } })],
  ])("%s", (path, answer) => {
    const shown = shownOf(answer("hush-one"), answer("hush-two"), rulesOf(`redact ${path}`));
    expect(shown).not.toContain("hush");
    expect(shownOf(answer("hush-one"), answer("hush-two"), plainRules)).toContain("hush");
  });
});

test("what is ignored below a redacted value is ignored, and others count at that value", () => {
  const rules = rulesOf("redact meta; tolerance 5 at meta.near");
  const comparison = new Comparison(rules);
  const pair = (primary: unknown, shadow: unknown) =>
    comparison.add({
      isGrpc: false,
      path: "/",
      primary: answerOf(primary),
      shadow: answerOf(shadow),
    });
  expect(pair({ meta: { puid: "a", near: 1 } }, { meta: { puid: "b", near: 5 } }).kind).toBe("agreed");
  expect(pair({ meta: { x: 1, y: 1 } }, { meta: { x: 2, y: 2 } })).toEqual({
    kind: "disagreed",
    differences: [{ path: "meta", primary: "redacted", shadow: "redacted" }],
  });
  expect(comparison.counts.paths.map(({ path, pairsApart }) => [path, pairsApart])).toEqual([["meta", 1]]);
});

test("a name of 80 characters is remembered, and one of 81 is compared only", () => {
  for (const [length, isRemembered] of [
    [maxNameLength - 1, true],
    [maxNameLength, true],
    [maxNameLength + 1, false],
  ] as const) {
    const name = "k".repeat(length);
    const comparison = new Comparison(plainRules);
    const verdict = comparison.add({
      isGrpc: false,
      path: "/",
      primary: answerOf({ [name]: { x: 1 } }),
      shadow: answerOf({ [name]: { x: 2 } }),
    });
    expect(verdict.kind === "disagreed" && verdict.differences).toHaveLength(1);
    const { paths, morePaths } = comparison.counts;
    expect([paths.length, morePaths]).toEqual([isRemembered ? 1 : 0, !isRemembered]);
  }
});

test("not-a-numbers and infinities have a place in unordered arrays", () => {
  const comparison = new Comparison(rulesOf("unordered outputs.*.data"));
  const tensor = (...values: readonly number[]): CapturedAnswer => {
    const data = Buffer.from(new Float64Array(values).buffer);
    const parameters = { binary_data_size: data.length };
    const json = Buffer.from(JSON.stringify({ outputs: [{ name: "y", datatype: "FP64", parameters }] }));
    return { status: 200, grpcStatus: -1, headerBytes: json.length, body: Buffer.concat([json, data]) };
  };
  const [primary, shadow] = [
    tensor(Number.NaN, 3, Infinity, 1, Infinity, -Infinity, 2),
    tensor(2, Infinity, 1, Number.NaN, -Infinity, 3, Infinity),
  ];
  expect(comparison.add({ isGrpc: false, path: "/", primary, shadow }).kind).toBe("agreed");
});

test("what is kept of a long answer keeps nothing else of it in memory", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const comparison = new Comparison(plainRules);
  const kept: unknown[] = [];
  const filler = "x".repeat(250_000);
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let at = 0; at < 15; at++) {
    const [one, other] = [
      answerOf({ value: `${at}${filler}`, [`${filler}${at}`]: 1, strData: `l${at}${filler}` }),
      answerOf({ value: filler, [`${filler}${at}`]: 2, strData: `m${at}${filler}` }),
    ];
    kept.push(comparison.add({ isGrpc: false, path: "/", primary: one, shadow: other }));
    kept.push(keptAnswer(one, false, "/", plainRules), keptAnswer(other, false, "/", plainRules));
  }
  collect();
  expect((process.memoryUsage().heapUsed - before) / 1e6).toBeLessThan(5);
  expect(kept).toHaveLength(45);
});

test("of redacted values only the pairs that differ are counted: no number, no length, no difference", () => {
  const rules = rulesOf("redact secret; tolerance 5 at secret.near");
  const comparison = new Comparison(rules);
  const pairs: readonly (readonly [primary: unknown, shadow: unknown])[] = [
    [{ secret: 41_001 }, { secret: 41_234 }],
    [{ secret: [41_001, 2] }, { secret: [41_001, 2, 3] }],
    [{ secret: { near: 1 } }, { secret: { near: 3 } }],
  ];
  const outcomes = pairs.map(([primary, shadow]) => {
    const [one, other] = [answerOf(primary), answerOf(shadow)];
    return comparison.add({ isGrpc: false, path: "/", primary: one, shadow: other });
  });
  const differences = [{ path: "secret", primary: "redacted", shadow: "redacted" }];
  expect(outcomes).toEqual([
    { kind: "disagreed", differences },
    { kind: "disagreed", differences },
    { kind: "agreed" },
  ]);
  expect(comparison.counts.paths).toEqual([
    { path: "secret", redacted: true, numbersApart: 0, maxDifference: 0, pairsApart: 2 },
  ]);
});
