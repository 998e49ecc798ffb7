// The comparisons of the thread: which pairs count together, and what is kept of those that disagree.
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { Comparisons, maxComparisons } from "../../../gateway/comparing/comparisons.ts";
import { KeptDisagreements, maxOfDeployment } from "../../../gateway/comparing/kept-disagreements.ts";
import type { Disagreement } from "../../../gateway/comparing/messages.ts";
import { maxKeptLength } from "../../../routing/release/compare/redacted.ts";
import type { PostedAnswer, PostedPair } from "../../../gateway/shared/compared-pairs.ts";

function added(
  comparisons: Comparisons,
  primary: Buffer,
  shadow: Buffer,
  more: Partial<PostedPair> = {},
  encoding = "",
): void {
  const bytes = Buffer.concat([primary, shadow]);
  const answer = { status: 200, grpcStatus: -1, headerBytes: -1, encoding, tooLong: false };
  const [one, other]: readonly PostedAnswer[] = [
    { ...answer, start: 0, end: primary.length },
    { ...answer, start: primary.length, end: bytes.length },
  ];
  comparisons.add(
    {
      namespace: "prod",
      deployment: "iris",
      predictor: "next",
      against: "main",
      rules: "true",
      atMs: 1,
      requestId: "id",
      isGrpc: false,
      path: "/",
      primary: one!,
      shadow: other!,
      isAsked: true,
      primaryMs: 1,
      shadowMs: 3,
      ...more,
    },
    bytes,
  );
}

test("pairs of one shadow and one primary count together; other rules begin anew", () => {
  const comparisons = new Comparisons(true);
  const [same, other] = [Buffer.from("{}"), Buffer.from('{"a":1}')];
  added(comparisons, same, same);
  added(comparisons, same, other);
  added(comparisons, same, same, { against: "canary" });
  expect(
    comparisons
      .takeChanged()
      .map(({ against, counts }) => [against, counts.outcomes.agreed, counts.outcomes.disagreed]),
  ).toEqual([
    ["main", 1, 1],
    ["canary", 1, 0],
  ]);
  expect(comparisons.takeChanged()).toEqual([]);
  added(comparisons, same, other, { rules: "ignore a" });
  expect(comparisons.takeChanged()).toMatchObject([
    { rules: "ignore a", counts: { outcomes: { agreed: 1, disagreed: 0 } } },
  ]);
  comparisons.allChanged();
  expect(comparisons.takeChanged()).toHaveLength(2);
});

test("compressed answers are compared; what cannot be decompressed, or is too long then, is no JSON", () => {
  const comparisons = new Comparisons(true);
  const zipped = gzipSync('{"a":1}');
  added(comparisons, zipped, gzipSync('{"a":1}', { level: 1 }), {}, "gzip");
  added(comparisons, zipped, Buffer.from("garbage"), {}, "gzip");
  added(comparisons, zipped, gzipSync(Buffer.alloc(20_000_000, " ")), {}, "gzip");
  expect(comparisons.takeChanged()[0]!.counts).toMatchObject({
    outcomes: { agreed: 1, disagreed: 2 },
    reasons: [["the shadow's answer is not JSON", 2]],
  });
});

test("disagreements are kept unless an option or a rule says otherwise", () => {
  const pair = [Buffer.from('{"a":1}'), Buffer.from('{"a":2}')] as const;
  for (const [keeps, rules, count] of [
    [true, "true", 1],
    [true, "keep off", 0],
    [false, "true", 0],
  ] as const) {
    const comparisons = new Comparisons(keeps);
    added(comparisons, ...pair, { rules });
    expect(comparisons.disagreements("prod", "iris")).toHaveLength(count);
  }
});

test("pairs that disagree alike are kept once, with their count and the time of the last", () => {
  const comparisons = new Comparisons(true);
  const body = (value: number): Buffer => Buffer.from(`{"a":${value}}`);
  let atMs = 0;
  const add = (value: number, more: Partial<PostedPair> = {}): void =>
    added(comparisons, body(0), body(value), { atMs: ++atMs, requestId: `${atMs}`, ...more });
  for (let round = 0; round < 3; round++)
    for (let value = 1; value <= maxOfDeployment; value++) add(value, { path: `/predict?time=${atMs}` });
  const kept = comparisons.disagreements("prod", "iris");
  expect(kept.map(({ count, lastMs, requestId }) => [count, lastMs, requestId])).toEqual(
    Array.from({ length: maxOfDeployment }, (_, at) => [3, 3 * maxOfDeployment - at, `${maxOfDeployment - at}`]),
  );
  // One more drops the one that came last the longest ago. Another shadow, path or answer is another one.
  add(maxOfDeployment + 1);
  add(2);
  add(2, { against: "canary" });
  add(2, { path: "/other" });
  expect(
    comparisons
      .disagreements("prod", "iris")
      .slice(0, 5)
      .map(({ count, lastMs }) => [count, lastMs]),
  ).toEqual([
    [1, atMs],
    [1, atMs - 1],
    [1, atMs - 2],
    [1, atMs - 3],
    [3, 3 * maxOfDeployment],
  ]);
  expect(comparisons.disagreements("prod", "iris")).toHaveLength(maxOfDeployment);
});

test("of a deployment the last hundred are kept, and of all so many characters: the deployment with most gives them up", () => {
  const of = (deployment: string, atMs: number, length = 1): Disagreement => ({
    namespace: "prod",
    deployment,
    predictor: "next",
    against: "main",
    outcome: "disagreed",
    reason: "",
    differences: [],
    atMs,
    count: 1,
    lastMs: atMs,
    requestId: "",
    path: "/",
    primaryStatus: 200,
    shadowStatus: 200,
    primaryMs: 1,
    shadowMs: 1,
    primary: "x".repeat(length),
    shadow: "",
  });
  for (const count of [maxOfDeployment - 1, maxOfDeployment, maxOfDeployment + 1]) {
    const kept = new KeptDisagreements();
    for (let at = 0; at < count; at++) kept.add(`${at}`, of("iris", at));
    expect(kept.of("prod", "iris")).toHaveLength(Math.min(count, maxOfDeployment));
    expect(kept.of("prod", "iris")[0]!.atMs).toBe(count - 1);
  }
  const kept = new KeptDisagreements(100_000);
  kept.add("1", of("quiet", 1));
  for (let at = 0; at < 50; at++) kept.add(`${at}`, of("loud", at, 10_000));
  expect(kept.of("prod", "quiet")).toHaveLength(1);
  expect(kept.of("prod", "loud")).toHaveLength(6);
});

test.each([
  [maxComparisons - 1, false],
  [maxComparisons, true],
])("of %d comparisons of one namespace its own make room, and no other's", (count, isOver) => {
  const comparisons = new Comparisons(true);
  const same = Buffer.from("{}");
  added(comparisons, same, same, { namespace: "small" });
  for (let at = 0; at < count; at++) added(comparisons, same, same, { namespace: "greedy", deployment: `d${at}` });
  const kept: string[] = [];
  for (let told = comparisons.takeChanged(); told.length > 0; told = comparisons.takeChanged())
    kept.push(...told.map(({ namespace, deployment }) => `${namespace}/${deployment}`));
  expect(kept).toHaveLength(Math.min(maxComparisons, count + 1));
  expect([kept.includes("small/iris"), kept.includes("greedy/d0")]).toEqual([true, !isOver]);
});

test.each([
  [maxKeptLength - 1, false],
  [maxKeptLength, false],
  [maxKeptLength + 1, true],
])("a kept answer of %d characters: cut %s", (length, isCut) => {
  const comparisons = new Comparisons(true);
  const body = Buffer.from(JSON.stringify({ a: "x".repeat(length - '{"a":""}'.length) }));
  added(comparisons, body, Buffer.from("{}"));
  const [kept] = comparisons.disagreements("prod", "iris");
  expect(kept!.primary.length).toBe(Math.min(length, maxKeptLength));
  expect(kept!.primary.endsWith("…")).toBe(isCut);
});

test.each([
  [-1, 2],
  [0, 2],
  [1, 1],
])("two kept answers and %d character more than there is room for: %d stay", (more, count) => {
  const of = (at: number, length: number): Disagreement => ({
    namespace: "prod",
    deployment: "iris",
    predictor: "next",
    against: "main",
    outcome: "disagreed" as const,
    reason: "",
    differences: [],
    atMs: at,
    count: 1,
    lastMs: at,
    requestId: "",
    path: "/",
    primaryStatus: 200,
    shadowStatus: 200,
    primaryMs: 1,
    shadowMs: 1,
    primary: "x".repeat(length),
    shadow: "",
  });
  // Each takes 4 KiB beside its answers.
  const kept = new KeptDisagreements(2 * 4096 + 1000);
  kept.add("1", of(1, 500));
  kept.add("2", of(2, 500 + more));
  expect(kept.of("prod", "iris")).toHaveLength(count);
  expect(kept.of("prod", "iris")[0]!.atMs).toBe(2);
});

test("where answers differ counts towards what is kept: a model may write long paths", () => {
  const longPath = Array.from({ length: 60 }, () => "n".repeat(80)).join(".");
  const of = (atMs: number, path: string): Disagreement => ({
    namespace: "prod",
    deployment: "iris",
    predictor: "next",
    against: "main",
    outcome: "disagreed",
    reason: "",
    differences: Array.from({ length: 20 }, (_, at) => ({ path: `${path}${at}`, primary: "1", shadow: null })),
    atMs,
    count: 1,
    lastMs: atMs,
    requestId: "",
    path: "/",
    primaryStatus: 200,
    shadowStatus: 200,
    primaryMs: 1,
    shadowMs: 1,
    primary: "",
    shadow: "",
  });
  for (const [path, count] of [
    ["a", 50],
    [longPath, 2],
  ] as const) {
    const kept = new KeptDisagreements(250_000);
    for (let at = 0; at < 50; at++) kept.add(`${at}`, of(at, path));
    expect(kept.of("prod", "iris")).toHaveLength(count);
  }
});

test("rules that cannot be read count pairs, and show nothing of a value", () => {
  const comparisons = new Comparisons(true);
  const [one, other] = ["hush-one", "hush-two"].map((secret) =>
    Buffer.from(JSON.stringify({ strData: secret, data: { names: [secret], ndarray: [[1]] } })),
  );
  added(comparisons, one!, other!, { rules: "redact strData; newer rule" });
  const [state] = comparisons.takeChanged();
  expect(state!.counts.outcomes.disagreed).toBe(1);
  expect(JSON.stringify([state, comparisons.disagreements("prod", "iris")])).not.toContain("hush");
});
