// Comparison: what became of all pairs of one shadow and the predictor whose requests it got. Its memory is bounded, however many pairs come.
import { maxAnswerBytes, readAnswer, type CapturedAnswer } from "./answer.ts";
import { compareValues, type Difference, type Pair } from "./compare-values.ts";
import { differenceBucket } from "./difference-scale.ts";
import { labelsOf } from "./labels.ts";
import { lookUpNames, PathTree } from "./path-tree.ts";
import { redactedTree } from "./redacted.ts";
import type { CompareRules } from "./rules.ts";

/** Labels of a confusion table; further ones count together. */
export const maxLabels = 32;
const otherLabels = "(other labels)";

/** One request, answered by both. */
export interface AnsweredPair {
  readonly isGrpc: boolean;
  /** Of the request: the method of a gRPC call. */
  readonly path: string;
  readonly primary: CapturedAnswer;
  /** null: it gave no answer. */
  readonly shadow: CapturedAnswer | null;
  /** False: the predictor was to be asked twice, and had no other Endpoint. */
  readonly isAsked: boolean;
  /** How much longer the shadow took, ms; below 0: it was faster. */
  readonly slowerMs: number;
}

export const comparisonOutcomes = ["agreed", "disagreed", "incomparable", "unanswered", "unasked"] as const;
export type ComparisonOutcome = (typeof comparisonOutcomes)[number];

export interface PairVerdict {
  readonly outcome: ComparisonOutcome;
  /** Why, where it is not of values; "": it agrees, or the differences say it. */
  readonly reason: string;
  readonly differences: readonly Difference[];
}

/** What may go from thread to thread, and adds up. */
export interface ComparisonCounts {
  readonly outcomes: Readonly<Record<ComparisonOutcome, number>>;
  /** Why answers were not compared, or disagreed as wholes. */
  readonly reasons: readonly (readonly [reason: string, count: number])[];
  readonly paths: readonly PathCounts[];
  /** Paths beyond the bound came. */
  readonly morePaths: boolean;
  /** Rows that both gave a label. */
  readonly rows: number;
  readonly rowsApart: number;
  readonly confusion: readonly (readonly [primary: string, shadow: string, count: number])[];
  readonly slower: readonly (readonly [bucket: number, count: number])[];
  readonly primaryBytes: number;
  readonly shadowBytes: number;
}

export interface PathCounts {
  readonly path: string;
  /** Rules redact it: only its pairs are counted. */
  readonly redacted: boolean;
  readonly numbers: number;
  readonly numbersApart: number;
  readonly sumDifference: number;
  readonly maxDifference: number;
  readonly pairsApart: number;
}

/** Sentences of one comparison. */
export const maxReasons = 32;

export class Comparison {
  readonly #tree: PathTree;
  readonly #outcomes: Record<ComparisonOutcome, number> = {
    agreed: 0,
    disagreed: 0,
    incomparable: 0,
    unanswered: 0,
    unasked: 0,
  };
  readonly #reasons = new Map<string, number>();
  readonly #labels = new Set<string>();
  readonly #confusion = new Map<string, Map<string, number>>();
  readonly #slower = new Map<number, number>();
  #pairs = 0;
  #rows = 0;
  #rowsApart = 0;
  #primaryBytes = 0;
  #shadowBytes = 0;

  constructor(rules: CompareRules) {
    this.#tree = new PathTree(rules);
  }

  /** Never throws, whatever the answers are. */
  add(pair: AnsweredPair): PairVerdict {
    const verdict = this.#judge(pair);
    this.#tree.forget();
    this.#outcomes[verdict.outcome] += 1;
    if (verdict.reason !== "" && (this.#reasons.has(verdict.reason) || this.#reasons.size < maxReasons))
      this.#reasons.set(verdict.reason, (this.#reasons.get(verdict.reason) ?? 0) + 1);
    if (pair.shadow !== null) {
      const bucket = differenceBucket(pair.slowerMs);
      this.#slower.set(bucket, (this.#slower.get(bucket) ?? 0) + 1);
      this.#primaryBytes += pair.primary.body.length;
      this.#shadowBytes += pair.shadow.body.length;
    }
    return verdict;
  }

  #judge({ primary, shadow, isAsked, isGrpc, path }: AnsweredPair): PairVerdict {
    if (!isAsked)
      return verdictOf("unasked", "no other Endpoint of the predictor could be asked, so there is no noise to measure");
    if (shadow === null) return verdictOf("unanswered", "the shadow gave no answer");
    const [one, other] = [statusOf(primary, isGrpc), statusOf(shadow, isGrpc)];
    // The status of a call comes behind its answer, which is not read to its end where it is too long.
    const isCut = isGrpc && shadow.body.length > maxAnswerBytes && shadow.grpcStatus < 0 && primary.grpcStatus === 0;
    if (one !== other && !isCut) return apart("status", one, other);
    // Texts of errors differ from server to server.
    if (isGrpc ? primary.grpcStatus > 0 : primary.status >= 300) return verdictOf("agreed", "");
    const answer = readAnswer(primary, isGrpc, path);
    if (answer.kind === "unreadable")
      return isSame(primary.body, shadow.body)
        ? verdictOf("agreed", "")
        : verdictOf("incomparable", `the primary's answer ${answer.reason}`);
    const copy = readAnswer(shadow, isGrpc, path);
    if (copy.kind === "unreadable") return verdictOf("disagreed", `the shadow's answer ${copy.reason}`);
    const made: Pair = { number: this.#pairs++, agrees: true, differences: [] };
    compareValues(this.#tree.root, answer.tree, copy.tree, made);
    if (this.#tree.isSpent) return this.#tooManyNames(answer.tree);
    this.#compareLabels(this.#shownOf(answer.tree), this.#shownOf(copy.tree));
    return { outcome: made.agrees ? "agreed" : "disagreed", reason: "", differences: made.differences };
  }

  #tooManyNames(primary: unknown): PairVerdict {
    this.#tree.forget();
    lookUpNames(this.#tree.root, primary);
    const words = "answer has more names than its rules are looked up for";
    return this.#tree.isSpent
      ? verdictOf("incomparable", `the primary's ${words}`)
      : verdictOf("disagreed", `the shadow's ${words}`);
  }

  /** Labels are shown: those that are redacted are none. */
  #shownOf(tree: unknown): unknown {
    const { root, rules } = this.#tree;
    this.#tree.forget();
    return rules.redacted.length === 0 ? tree : redactedTree(root, tree, null);
  }

  #compareLabels(primary: unknown, shadow: unknown): void {
    const one = labelsOf(primary);
    const other = one === null ? null : labelsOf(shadow);
    if (one === null || other === null || one.length !== other.length) return;
    for (const [row, label] of one.entries()) {
      const said = other[row]!;
      this.#rows += 1;
      if (label !== said) this.#rowsApart += 1;
      const [from, to] = [this.#known(label), this.#known(said)];
      let counts = this.#confusion.get(from);
      if (counts === undefined) this.#confusion.set(from, (counts = new Map<string, number>()));
      counts.set(to, (counts.get(to) ?? 0) + 1);
    }
  }

  #known(label: string): string {
    if (this.#labels.has(label)) return label;
    if (this.#labels.size >= maxLabels) return otherLabels;
    this.#labels.add(label);
    return label;
  }

  get counts(): ComparisonCounts {
    return {
      outcomes: { ...this.#outcomes },
      reasons: [...this.#reasons],
      paths: this.#tree.nodes
        .filter(({ numbers, pairsApart }) => numbers > 0 || pairsApart > 0)
        .map(({ path, redacted, numbers, numbersApart, sumDifference, maxDifference, pairsApart }) => ({
          path,
          redacted,
          numbers,
          numbersApart,
          sumDifference,
          maxDifference,
          pairsApart,
        })),
      morePaths: this.#tree.overflowed,
      rows: this.#rows,
      rowsApart: this.#rowsApart,
      confusion: [...this.#confusion].flatMap(([from, counts]) =>
        [...counts].map(([to, count]) => [from, to, count] as const),
      ),
      slower: [...this.#slower],
      primaryBytes: this.#primaryBytes,
      shadowBytes: this.#shadowBytes,
    };
  }
}

function verdictOf(outcome: ComparisonOutcome, reason: string): PairVerdict {
  return { outcome, reason, differences: [] };
}

function apart(path: string, primary: string, shadow: string): PairVerdict {
  return { outcome: "disagreed", reason: "their statuses differ", differences: [{ path, primary, shadow }] };
}

function statusOf({ status, grpcStatus }: CapturedAnswer, isGrpc: boolean): string {
  return isGrpc ? `gRPC status ${grpcStatus}` : String(status);
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
