// Comparisons: every comparison of the thread, by whose answers they are. Bounded: of the namespace that has most the one that had
// no pair for longest goes first.
import { Comparison } from "../../routing/release/compare/comparison.ts";
import { maxAnswerBytes, type CapturedAnswer } from "../../routing/release/compare/answer.ts";
import { keptAnswer } from "../../routing/release/compare/redacted.ts";
import { plainRules, readCompareRules, type CompareRules } from "../../routing/release/compare/rules.ts";
import type { PostedAnswer, PostedPair } from "../shared/compared-pairs.ts";
import { disagreementKey } from "./disagreement-key.ts";
import { crowdedOut } from "./crowded-out.ts";
import { plainBody } from "./plain-body.ts";
import { KeptDisagreements } from "./kept-disagreements.ts";
import type { ComparisonState, Disagreement } from "./messages.ts";

/** Comparisons that are kept. */
export const maxComparisons = 1000;
/** Of which counts leave at one time. */
const maxTold = 100;

interface Counted {
  readonly key: string;
  readonly of: Omit<ComparisonState, "counts">;
  readonly rules: CompareRules;
  readonly comparison: Comparison;
}

/** Of a text that cannot be read: pairs are counted, and nothing of a value is shown. */
const unknownRules: CompareRules = Object.freeze({ ...plainRules, redacted: ["*"], keeps: false });

/** Stands for every body that is too long. */
const tooLong = new Uint8Array(maxAnswerBytes + 1);

export class Comparisons {
  readonly #counted = new Map<string, Counted>();
  readonly #changed = new Set<Counted>();
  readonly #kept = new KeptDisagreements();
  readonly #keeps: boolean;

  /** `keeps` false: no disagreement is kept, whatever rules say. */
  constructor(keeps: boolean) {
    this.#keeps = keeps;
  }

  /** Never throws, whatever the answers are. */
  add(pair: PostedPair, bytes: Uint8Array): void {
    const { isGrpc, isAsked, path } = pair;
    const counted = this.#countedOf(pair);
    const primary = answerIn(pair.primary, bytes);
    const shadow = pair.shadow === null ? null : answerIn(pair.shadow, bytes);
    const verdict = counted.comparison.add({
      isGrpc,
      isAsked,
      path,
      primary,
      shadow,
      slowerMs: pair.shadowMs - pair.primaryMs,
    });
    this.#changed.add(counted);
    if (verdict.outcome !== "disagreed" || !this.#keeps || !counted.rules.keeps || shadow === null) return;
    const { namespace, deployment, predictor, against, atMs, requestId, primaryMs, shadowMs } = pair;
    const [primaryStatus, shadowStatus] = [statusIn(primary, isGrpc), statusIn(shadow, isGrpc)];
    const key = disagreementKey({ ...verdict, predictor, against, path, primaryStatus, shadowStatus });
    if (this.#kept.again(namespace, deployment, key, atMs)) return;
    this.#kept.add(key, {
      namespace,
      deployment,
      predictor,
      against,
      ...verdict,
      atMs,
      count: 1,
      lastMs: atMs,
      requestId,
      path,
      primaryStatus,
      shadowStatus,
      primaryMs,
      shadowMs,
      primary: keptAnswer(primary, isGrpc, path, counted.rules),
      shadow: keptAnswer(shadow, isGrpc, path, counted.rules),
    });
  }

  #countedOf({ namespace, deployment, predictor, against, rules: text, atMs }: PostedPair): Counted {
    const key = JSON.stringify([namespace, deployment, predictor, against]);
    const known = this.#counted.get(key);
    if (known !== undefined) {
      this.#counted.delete(key);
      if (known.of.rules === text) {
        this.#counted.set(key, known);
        return known;
      }
      this.#changed.delete(known);
    }
    const read = readCompareRules(text);
    // The translation reads the same text by the same grammar: only a table of another version says what is none, and it may redact.
    const rules = read.kind === "rules" && read.rules !== null ? read.rules : unknownRules;
    const of = { namespace, deployment, predictor, against, rules: text, sinceMs: atMs };
    const counted: Counted = { key, of, rules, comparison: new Comparison(rules) };
    this.#counted.set(key, counted);
    if (this.#counted.size > maxComparisons) {
      const { namespace: most } = crowdedOut([...this.#counted.values()].map((one) => one.of));
      const first = this.#counted.values().find((one) => one.of.namespace === most)!;
      this.#counted.delete(first.key);
      this.#changed.delete(first);
    }
    return counted;
  }

  /** Counts that changed since they were last taken, some at a time. */
  takeChanged(): readonly ComparisonState[] {
    const taken = [...this.#changed].slice(0, maxTold);
    for (const one of taken) this.#changed.delete(one);
    return taken.map(({ of, comparison }) => ({ ...of, counts: comparison.counts }));
  }

  /** Another control worker knows none. */
  allChanged(): void {
    for (const one of this.#counted.values()) this.#changed.add(one);
  }

  disagreements(namespace: string, deployment: string): readonly Disagreement[] {
    return this.#kept.of(namespace, deployment);
  }
}

function answerIn(posted: PostedAnswer, bytes: Uint8Array): CapturedAnswer {
  const { status, grpcStatus, headerBytes, encoding, start, end } = posted;
  const body = posted.tooLong ? tooLong : plainBody(bytes.subarray(start, end), encoding);
  return { status, grpcStatus, headerBytes, body };
}

function statusIn({ status, grpcStatus }: CapturedAnswer, isGrpc: boolean): number {
  return isGrpc && grpcStatus >= 0 ? grpcStatus : status;
}
