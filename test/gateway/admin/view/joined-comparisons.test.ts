// The joined view: what several replicas have compared is what one would have that had compared it all.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { joinedComparisons, type ReplicaPart } from "../../../../gateway/admin/view/joined-comparisons.ts";
import { forPeer, ownComparison } from "../../../../gateway/admin/view/own-comparison.ts";
import { peerComparisonReader, type ComparedDeployment } from "../../../../gateway/api/comparisons.ts";
import { Comparisons } from "../../../../gateway/comparing/comparisons.ts";
import { maxOfDeployment } from "../../../../gateway/comparing/kept-disagreements.ts";

interface Pair {
  readonly primary: number;
  readonly shadow: number;
  readonly slowerMs: number;
  readonly predictor: string;
  readonly replica: number;
}

async function partOf(pairs: readonly (Pair & { readonly atMs: number })[], rules = "true"): Promise<ReplicaPart> {
  const comparisons = new Comparisons(true);
  for (const { primary, shadow, slowerMs, predictor, atMs } of pairs) {
    const [one, other] = [primary, shadow].map((value) =>
      Buffer.from(JSON.stringify({ strData: `label ${value % 3}`, value })),
    ) as [Buffer, Buffer];
    const answer = { status: 200, grpcStatus: -1, headerBytes: -1, encoding: "", tooLong: false };
    comparisons.add(
      {
        namespace: "prod",
        deployment: "iris",
        predictor,
        against: "main",
        rules,
        atMs,
        requestId: `${atMs}`,
        isGrpc: false,
        path: "/",
        isAsked: true,
        primaryMs: 1,
        shadowMs: 1 + slowerMs,
        primary: {
          ...answer,
          start: 0,
          end: one.length,
        },
        shadow: {
          ...answer,
          start: one.length,
          end: one.length + other.length,
        },
      },
      Buffer.concat([one, other]),
    );
  }
  const states = comparisons.takeChanged();
  const view = { states, disagreements: () => Promise.resolve(comparisons.disagreements("prod", "iris")) };
  return { replica: "", sentence: null, compared: await ownComparison(view, "prod", "iris") };
}

/** Without what depends on the order of sums and of equals. */
function rounded({ comparisons, disagreements }: ComparedDeployment): unknown {
  return JSON.parse(
    JSON.stringify([
      comparisons.map(({ slower, labels, ...rest }) => ({
        ...rest,
        labels: { ...labels, confusion: sorted(labels.confusion) },
        slower: { ...slower, buckets: sorted(slower.buckets) },
      })),
      disagreements.map(({ differences, count, lastMs }) => ({ differences, count, lastMs })),
    ]),
    (_, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(9)) : value),
  );
}

function sorted(list: readonly unknown[]): readonly string[] {
  return list.map((one) => JSON.stringify(one)).toSorted();
}

const small = fc.integer({ min: 0, max: 6 });

test("of any pairs on any replicas", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          primary: small,
          shadow: small,
          slowerMs: fc.integer({ min: -50, max: 50 }),
          predictor: fc.constantFrom("next", "other"),
          replica: fc.integer({ min: 0, max: 2 }),
        }),
        { minLength: 1, maxLength: 60 },
      ),
      async (pairs) => {
        const timed = pairs.map((pair, at) => ({ ...pair, atMs: 1000 + at }));
        const parts = await Promise.all(
          [0, 1, 2].map((replica) => partOf(timed.filter((pair) => pair.replica === replica))),
        );
        const whole = await partOf(timed);
        expect(rounded(joinedComparisons(parts)!)).toEqual(rounded(joinedComparisons([whole])!));
      },
    ),
    { numRuns: 60 },
  );
});

test("the last hundred of all replicas, by time; other rules than the last ones do not count", async () => {
  const pairs = (replica: number, count: number): readonly (Pair & { readonly atMs: number })[] =>
    Array.from({ length: count }, (_, at) => ({
      primary: 2 * at + replica,
      shadow: 1e4 + at,
      slowerMs: 0,
      predictor: "next",
      replica,
      atMs: 2 * at + replica,
    }));
  for (const count of [maxOfDeployment / 2 - 1, maxOfDeployment / 2, maxOfDeployment / 2 + 1]) {
    const joined = joinedComparisons([await partOf(pairs(0, count)), await partOf(pairs(1, count))])!;
    expect(joined.disagreements.map(({ lastMs }) => lastMs)).toEqual(
      Array.from({ length: Math.min(2 * count, maxOfDeployment) }, (_, at) => 2 * count - 1 - at),
    );
  }
  const older = await partOf(pairs(0, 5), "true");
  const newer = await partOf(
    pairs(0, 3).map((pair) => ({ ...pair, atMs: pair.atMs + 1000 })),
    "tolerance 1",
  );
  for (const parts of [
    [older, newer],
    [newer, older],
  ])
    expect(joinedComparisons(parts)!.comparisons).toMatchObject([{ rules: "tolerance 1", pairs: 3 }]);
  expect(joinedComparisons([{ replica: "a", sentence: "it is away", compared: null }])).toBeNull();
});

test("a peer is told all disagreements, with answers so short that they fit", async () => {
  const { compared } = await partOf([{ primary: 1, shadow: 2, slowerMs: 0, predictor: "next", replica: 0, atMs: 1 }]);
  const [one] = compared!.disagreements;
  // A control character is six bytes of JSON, and one of Chinese three of UTF-8.
  for (const character of ["\u0001", "\u6f22"]) {
    const long = character.repeat(64 * 1024);
    const disagreements = Array.from({ length: 100 }, (_, at) => ({
      ...one!,
      requestId: `${at}`,
      primary: long,
      shadow: long,
    }));
    const told = forPeer({ ...compared!, disagreements });
    expect(told.disagreements.map(({ requestId }) => requestId)).toEqual(
      disagreements.map(({ requestId }) => requestId),
    );
    expect(Buffer.byteLength(JSON.stringify(told))).toBeLessThan(4 * 1024 * 1024);
    expect(told.disagreements[0]!.primary.length).toBeGreaterThan(1000);
  }
  expect(forPeer(compared!)).toEqual(compared);
});

test("a sum of differences at its bound stays a number", async () => {
  const { compared } = await partOf([{ primary: 1, shadow: 2, slowerMs: 0, predictor: "next", replica: 0, atMs: 1 }]);
  const [one] = compared!.comparisons;
  for (const numbers of [1, 3, 7, 49, 1001]) {
    const path = { ...one!.paths[0]!, numbers, meanDifference: Number.MAX_VALUE / numbers };
    const joined = joinedComparisons([
      { replica: "", sentence: null, compared: { ...compared!, comparisons: [{ ...one!, paths: [path] }] } },
    ])!;
    expect(joined.comparisons[0]!.paths[0]!.meanDifference).toBeLessThan(Infinity);
  }
});

test("a peer's answer is of the deployment that was asked for, and its numbers are counts", async () => {
  const read = await peerComparisonReader("prod", "iris");
  const { compared } = await partOf([{ primary: 1, shadow: 2, slowerMs: 0, predictor: "next", replica: 0, atMs: 1 }]);
  const [one] = compared!.comparisons;
  const said = (more: Partial<ComparedDeployment>): unknown =>
    read(JSON.parse(JSON.stringify({ ...compared, ...more })));
  const ofOne = (more: Readonly<Record<string, unknown>>): Partial<ComparedDeployment> => ({
    comparisons: [{ ...one!, ...more }],
  });
  expect(said({})).not.toBeNull();
  expect(said({ namespace: "other" })).toBeNull();
  expect(said({ deployment: "other" })).toBeNull();
  expect(said(ofOne({ namespace: "other" }))).toBeNull();
  expect(said(ofOne({ deployment: "other" }))).toBeNull();
  for (const [pairs, isRead] of [
    [Number.MAX_SAFE_INTEGER, true],
    [Number.MAX_SAFE_INTEGER + 1, false],
    [1e308, false],
    [-1, false],
    [0.5, false],
  ] as const)
    expect([pairs, said(ofOne({ outcomes: { ...one!.outcomes, agreed: pairs } })) !== null]).toEqual([pairs, isRead]);
  expect(said(ofOne({ paths: [{ ...one!.paths[0]!, meanDifference: -1 }] }))).toBeNull();
});

test("what a later version says beside its view is no part of the joined one, however deep it is", async () => {
  const read = await peerComparisonReader("prod", "iris");
  const part = await partOf([{ primary: 1, shadow: 2, slowerMs: 0, predictor: "next", replica: 0, atMs: 1 }]);
  const { compared } = part;
  const deep = `${"[".repeat(1e6)}${"]".repeat(1e6)}`;
  const text = JSON.stringify(compared);
  for (const field of ["requestId", "numbers", "shadow", "primary", "bucket", "disagreements", "comparisons"]) {
    const said = read(JSON.parse(text.replaceAll(`"${field}":`, `"deep":${deep},"${field}":`)));
    const joined = joinedComparisons([{ ...part, compared: said }]);
    expect(JSON.parse(JSON.stringify(joined))).toEqual(JSON.parse(JSON.stringify(joinedComparisons([part]))));
  }
});
