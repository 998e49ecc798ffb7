// Comparison: what became of all pairs of one shadow and the predictor whose requests it got. Its memory is bounded, however many pairs come.
import { readAnswer, type CapturedAnswer } from "./answer.ts";
import { compareValues, type Difference, type Pair } from "./compare-values.ts";
import { lookUpNames, PathTree } from "./path-tree.ts";
import type { CompareRules } from "./rules.ts";

/** One request, answered by both. */
export interface AnsweredPair {
  readonly isGrpc: boolean;
  /** Of the request: the method of a gRPC call. */
  readonly path: string;
  readonly primary: CapturedAnswer;
  /** null: it gave no answer. */
  readonly shadow: CapturedAnswer | null;
}

export type PairVerdict =
  | { readonly kind: "agreed" }
  | { readonly kind: "disagreed"; readonly differences: readonly Difference[] }
  /** A sentence of a few that this file and `readAnswer` have. */
  | { readonly kind: "incomparable"; readonly reason: string };

/** How often each came. */
export type Reasons = readonly { readonly reason: string; readonly count: number }[];

/** Pairs of replicas add up (`addedCounts`). */
export interface ComparisonCounts {
  readonly agreed: number;
  readonly disagreed: number;
  /** Why answers could not be compared. */
  readonly incomparable: Reasons;
  /** Why answers were not looked at: they are no part of the sample. */
  readonly leftOut: Reasons;
  /** Where answers differ. */
  readonly paths: readonly PathCounts[];
  /** Paths beyond the bound came. */
  readonly morePaths: boolean;
}

export interface PathCounts {
  /** "": the whole answer. */
  readonly path: string;
  /** Rules redact it: only its pairs are counted. */
  readonly redacted: boolean;
  readonly pairsApart: number;
  readonly numbersApart: number;
  readonly maxDifference: number;
}

export class Comparison {
  readonly #tree: PathTree;
  readonly #incomparable = new Map<string, number>();
  readonly #leftOut = new Map<string, number>();
  agreed = 0;
  disagreed = 0;
  #pairs = 0;

  constructor(rules: CompareRules) {
    this.#tree = new PathTree(rules);
  }

  /** Never throws, whatever the answers are. */
  add(pair: AnsweredPair): PairVerdict {
    const verdict = this.#judge(pair);
    this.#tree.forget();
    if (verdict.kind === "incomparable") count(this.#incomparable, verdict.reason, 1);
    else this[verdict.kind] += 1;
    return verdict;
  }

  /** `reason`: of a few. */
  leave(reason: string, pairs: number): void {
    count(this.#leftOut, reason, pairs);
  }

  #judge({ primary, shadow, isGrpc, path }: AnsweredPair): PairVerdict {
    if (shadow === null) return incomparable("the shadow gave no answer");
    const [one, other] = [statusOf(primary, isGrpc), statusOf(shadow, isGrpc)];
    if (one !== other) return this.#apart("(status)", one, other);
    // Texts of errors differ from server to server.
    if (isGrpc ? primary.grpcStatus > 0 : primary.status >= 300) return { kind: "agreed" };
    if (isSame(primary.body, shadow.body)) return { kind: "agreed" };
    const answer = readAnswer(primary, isGrpc, path);
    if (answer.kind === "unreadable") return incomparable(`the primary's answer ${answer.reason}`);
    const copy = readAnswer(shadow, isGrpc, path);
    if (copy.kind === "unreadable") return this.#apart("", "an answer", `an answer that ${copy.reason}`);
    const made: Pair = { number: this.#pairs++, agrees: true, differences: [] };
    compareValues(this.#tree.root, answer.tree, copy.tree, made);
    if (this.#tree.isSpent) return this.#tooManyNames(answer.tree);
    return made.agrees ? { kind: "agreed" } : { kind: "disagreed", differences: made.differences };
  }

  /** They differ as wholes. */
  #apart(path: string, primary: string, shadow: string): PairVerdict {
    const { root } = this.#tree;
    (path === "" ? root : root.child(path)).apart(this.#pairs++);
    return { kind: "disagreed", differences: [{ path, primary, shadow }] };
  }

  #tooManyNames(primary: unknown): PairVerdict {
    this.#tree.forget();
    lookUpNames(this.#tree.root, primary);
    const words = "has more names than its rules are looked up for";
    return this.#tree.isSpent
      ? incomparable(`the primary's answer ${words}`)
      : this.#apart("", "an answer", `an answer that ${words}`);
  }

  get counts(): ComparisonCounts {
    return {
      agreed: this.agreed,
      disagreed: this.disagreed,
      incomparable: reasonsOf(this.#incomparable),
      leftOut: reasonsOf(this.#leftOut),
      paths: this.#tree.nodes
        .filter(({ pairsApart }) => pairsApart > 0)
        .map(({ path, redacted, pairsApart, numbersApart, maxDifference }) => ({
          path,
          redacted,
          pairsApart,
          numbersApart,
          maxDifference,
        })),
      morePaths: this.#tree.overflowed,
    };
  }
}

function count(counts: Map<string, number>, reason: string, more: number): void {
  counts.set(reason, (counts.get(reason) ?? 0) + more);
}

function reasonsOf(counts: ReadonlyMap<string, number>): Reasons {
  return Array.from(counts, ([reason, of]) => ({ reason, count: of })).toSorted(
    (one, other) => other.count - one.count,
  );
}

function incomparable(reason: string): PairVerdict {
  return { kind: "incomparable", reason };
}

function statusOf({ status, grpcStatus }: CapturedAnswer, isGrpc: boolean): string {
  return isGrpc ? `gRPC status ${grpcStatus}` : String(status);
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && Buffer.compare(one, other) === 0;
}

/** What two replicas counted of the same. */
export function addedCounts(one: ComparisonCounts, other: ComparisonCounts): ComparisonCounts {
  return {
    agreed: one.agreed + other.agreed,
    disagreed: one.disagreed + other.disagreed,
    incomparable: addedReasons(one.incomparable, other.incomparable),
    leftOut: addedReasons(one.leftOut, other.leftOut),
    paths: addedPaths(one.paths, other.paths),
    morePaths: one.morePaths || other.morePaths,
  };
}

function addedReasons(...all: readonly Reasons[]): Reasons {
  const sums = new Map<string, number>();
  for (const { reason, count: of } of all.flat()) count(sums, reason, of);
  return reasonsOf(sums);
}

function addedPaths(...all: readonly (readonly PathCounts[])[]): readonly PathCounts[] {
  const sums = new Map<string, PathCounts>();
  for (const one of all.flat()) {
    const sum = sums.get(one.path);
    sums.set(
      one.path,
      sum === undefined
        ? one
        : {
            path: one.path,
            redacted: one.redacted || sum.redacted,
            pairsApart: one.pairsApart + sum.pairsApart,
            numbersApart: one.numbersApart + sum.numbersApart,
            maxDifference: Math.max(one.maxDifference, sum.maxDifference),
          },
    );
  }
  return [...sums.values()];
}
