// What the control worker keeps of compared pairs: a few at a time, bounded, by the rules that hold now, and each namespace its part of it.
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { joinedComparisons, maxShownBytes, ownComparison } from "../../../../gateway/admin/view/comparisons.ts";
import { maxKept } from "../../../../gateway/api/comparisons.ts";
import {
  ComparisonBook,
  maxComparisons,
  maxKeptBytes,
} from "../../../../gateway/control/comparisons/comparison-book.ts";
import { maxAnswerBytes, type PostedPair } from "../../../../gateway/shared/compared-pairs.ts";
import { leftOutWords } from "../../../../gateway/shared/metrics/left-out.ts";
import { StoppedClock } from "../../../stopped-clock.ts";

interface Said {
  readonly namespace?: string;
  readonly deployment?: string;
  readonly predictor?: string;
  readonly against?: string;
  readonly rules?: string;
  readonly primary?: string;
  readonly shadow?: string | Uint8Array<ArrayBuffer>;
  readonly encoding?: string;
  readonly atMs?: number;
}

function pairOf({ primary = '"a"', shadow = '"b"', encoding = "", ...sides }: Said): PostedPair {
  const answer = { status: 200, grpcStatus: -1, headerBytes: -1 };
  return {
    namespace: "prod",
    deployment: "iris",
    predictor: "next",
    against: "main",
    rules: "true",
    atMs: 1,
    requestId: "1",
    isGrpc: false,
    path: "/",
    ...sides,
    primary: { ...answer, encoding: "", body: new Uint8Array(Buffer.from(primary)) },
    shadow: { ...answer, encoding, body: typeof shadow === "string" ? new Uint8Array(Buffer.from(shadow)) : shadow },
  };
}

function bookOf(rulesOf: (deployment: string) => string = () => "true", keeps = true) {
  const clock = new StoppedClock();
  const leftOut: string[] = [];
  const book = new ComparisonBook({
    clock,
    keeps,
    rulesOf: (_namespace, deployment) => rulesOf(deployment),
    leftOut: (why) => void leftOut.push(why),
  });
  const compare = async (...pairs: readonly Said[]): Promise<void> => {
    let done = 0;
    for (const pair of pairs) book.take(pairOf(pair), () => (done += 1));
    await clock.goOnUntil(() => done === pairs.length, "all pairs compared");
  };
  return { book, compare, leftOut, clock };
}

test("pairs and how many agreed of a predictor, whichever of the two answered", async () => {
  const { book, compare } = bookOf();
  await compare({}, { shadow: '"a" ' }, { predictor: "twin", against: "canary" }, { deployment: "wine" });
  expect(book.comparedPairs("prod", "iris", "main")).toEqual({ pairs: 2, agreed: 1 });
  expect(book.comparedPairs("prod", "iris", "next")).toEqual({ pairs: 2, agreed: 1 });
  expect(book.comparedPairs("prod", "iris", "canary")).toEqual({ pairs: 1, agreed: 0 });
  expect(book.comparedPairs("prod", "other", "main")).toEqual({ pairs: 0, agreed: 0 });
});

test("pairs by other rules than those of now are left out, and other rules drop what is known", async () => {
  let rules = "true";
  const { book, compare, leftOut } = bookOf(() => rules);
  await compare({}, {});
  rules = "redact a";
  await compare({});
  expect(leftOut).toEqual(["rules"]);
  book.rulesChanged(["prod/other"]);
  expect(book.of("prod", "iris")!.disagreements).toHaveLength(2);
  book.rulesChanged(["prod/iris"]);
  expect([book.of("prod", "iris"), book.all]).toEqual([null, []]);
  await compare({ rules: "redact a" });
  expect(book.comparedPairs("prod", "iris", "next").pairs).toBe(1);
  rules = "";
  book.rulesChanged(null);
  expect(book.of("prod", "iris")).toBeNull();
});

test.each([
  ["on", "true", maxKept],
  ["on", "keep off", 0],
  ["off", "true", 0],
] as const)("the last disagreements are kept: --keep-disagreements %s, rules %s", async (kept, rules, count) => {
  const { book, compare } = bookOf(() => rules, kept === "on");
  for (const more of [-1, 0, 1]) {
    const { book: own, compare: next } = bookOf(() => rules, kept === "on");
    await next(...Array.from({ length: maxKept + more }, (_, at) => ({ rules, shadow: `"b${at}"` })));
    expect(own.of("prod", "iris")!.disagreements).toHaveLength(Math.min(count, maxKept + more));
  }
  await compare(...Array.from({ length: maxKept + 5 }, (_, at) => ({ rules, shadow: `"b${at}"` })));
  if (count > 0) expect(book.of("prod", "iris")!.disagreements[0]!.shadow).toBe(`"b${maxKept + 4}"`);
});

test("bytes of disagreements are bounded in all, and a busy namespace gives its own away", async () => {
  const { book, compare } = bookOf();
  const long = { primary: `"${"ä".repeat(5000)}"`, shadow: `"${"ö".repeat(5000)}"` };
  await compare({ ...long, namespace: "quiet" });
  const count = Math.ceil(maxKeptBytes / 16_000 / maxKept) + 10;
  for (let at = 0; at < count; at++)
    await compare(...Array.from({ length: maxKept }, () => ({ ...long, namespace: "busy", deployment: `d${at}` })));
  const kept = book.all.flatMap(({ sides }) => book.of(sides.namespace, sides.deployment)!.disagreements);
  const bytes = kept.reduce((sum, one) => sum + Buffer.byteLength(JSON.stringify(one)), 0);
  expect(bytes).toBeLessThanOrEqual(maxKeptBytes);
  expect(bytes).toBeGreaterThan(maxKeptBytes - 40_000);
  expect(book.of("quiet", "iris")!.disagreements).toHaveLength(1);
});

test.each([-1, 0, 1])(
  "comparisons are bounded, and %d more of a busy namespace take no other's place",
  async (more) => {
    const { book, compare } = bookOf();
    await compare({ namespace: "quiet" });
    const count = maxComparisons - 1 + more;
    await compare(...Array.from({ length: count }, (_, at) => ({ namespace: "busy", deployment: `d${at}` })));
    expect(book.all).toHaveLength(Math.min(maxComparisons, count + 1));
    expect(book.of("quiet", "iris")).not.toBeNull();
    expect(book.of("busy", "d0") === null).toBe(more > 0);
  },
);

test.each([
  [maxAnswerBytes - 1, "disagreed"],
  [maxAnswerBytes, "disagreed"],
  [maxAnswerBytes + 1, "left out"],
])("a compressed answer of %d bytes: %s", async (bytes, outcome) => {
  const { book, compare, leftOut } = bookOf();
  await compare({ encoding: "gzip", shadow: new Uint8Array(gzipSync(`"${"x".repeat(bytes - 2)}"`)) });
  const { counts } = book.of("prod", "iris")!.comparisons[0]!;
  expect(counts.disagreed).toBe(outcome === "disagreed" ? 1 : 0);
  expect(leftOut).toEqual(outcome === "disagreed" ? [] : ["too_large"]);
  expect(counts.leftOut).toEqual(outcome === "disagreed" ? [] : [{ reason: leftOutWords.too_large, count: 1 }]);
});

test("an answer about one deployment is bounded, whatever is kept, and joins what replicas have", async () => {
  const { book, compare } = bookOf();
  const names = Array.from({ length: 90 }, (_, at) => `${"\u0001".repeat(70)}${at}`);
  const wide = (value: string): string => JSON.stringify(Object.fromEntries(names.map((name) => [name, value])));
  for (let at = 0; at < 30; at++)
    await compare({ against: `m${at}`, primary: wide("\u0001a"), shadow: wide("\u0001b"), atMs: at });
  const own = ownComparison(book, "prod", "iris")!;
  const joined = joinedComparisons([
    { replica: "a", sentence: null, compared: own },
    { replica: "b", sentence: null, compared: own },
    { replica: "c", sentence: "it is away", compared: null },
  ])!;
  expect(Buffer.byteLength(JSON.stringify(joined))).toBeLessThan(2 * maxShownBytes + 10_000);
  expect(joined.comparisons.length).toBeGreaterThan(0);
  expect(joined.comparisons[0]).toMatchObject({ against: "m0", pairs: 2, disagreed: 2, agreement: { share: 0 } });
  expect(joined.replicas.map(({ sentence }) => sentence)).toEqual([null, null, "it is away"]);
  const times = joined.disagreements.map(({ atMs }) => atMs);
  expect(times).toEqual(times.toSorted((one, other) => other - one));
  expect(joinedComparisons([{ replica: "c", sentence: "it is away", compared: null }])).toBeNull();
});
