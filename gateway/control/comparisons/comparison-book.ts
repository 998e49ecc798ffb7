// ComparisonBook: the sample of pairs that data workers hand over, compared a few at a time, and what it came to, by deployment. Other rules, the end of the
// annotation and that of the deployment drop all that is known of it.
import type { ControlPart } from "../part.ts";
import type { SourceChange } from "../../../k8s/source/objects/source.ts";
import { namespacedName } from "../../../routing/text/namespaced-name.ts";
import { Comparison, type ComparisonCounts, type PairVerdict } from "../../../routing/release/compare/comparison.ts";
import type { CapturedAnswer } from "../../../routing/release/compare/answer.ts";
import { keptAnswer } from "../../../routing/release/compare/redacted.ts";
import { readCompareRules, type CompareRules } from "../../../routing/release/compare/rules.ts";
import type { ComparedDeploymentView, ComparedSidesView, ComparedView } from "../../admin/view/view.ts";
import { maxKept, type ShownDisagreement } from "../../api/comparisons.ts";
import type { Clock } from "../../shared/clock.ts";
import {
  type ComparedSides,
  type PairsLeftOut,
  type PostedAnswer,
  type PostedPair,
} from "../../shared/compared-pairs.ts";
import { leftOutWords, type LeftOut } from "../../shared/metrics/left-out.ts";
import { plainBody } from "./plain-body.ts";

/** Pairs of predictors of which counts are kept; of the namespace that has most the one that had no pair for longest goes first. */
export const maxComparisons = 1000;
/** Bytes of all disagreements as JSON; the oldest of the namespace that has most go first. */
export const maxKeptBytes = 8 * 1024 * 1024;
/** A turn of comparing, ms: one pair is compared whole. Others of this thread have the time of four turns after each. */
const turnMs = 3;
const restOfTurn = 4;
const longestRestMs = 200;

export interface ComparisonOutside {
  readonly clock: Clock;
  /** False: no disagreement is kept, whatever rules say. */
  readonly keeps: boolean;
  /** Text of the rules that hold now; "": its answers are not compared. */
  readonly rulesOf: (namespace: string, deployment: string, predictor: string) => string;
  /** A pair was handed over and is not compared. */
  readonly leftOut: (why: LeftOut) => void;
}

/** How many pairs of a predictor and its shadow were compared, and how many of them agreed. */
export interface ComparedPairs {
  readonly pairs: number;
  readonly agreed: number;
}

class Sides implements ComparedSidesView {
  readonly sides: ComparedSides;
  readonly sinceMs: number;
  readonly comparison: Comparison;

  constructor(
    { namespace, deployment, predictor, against, rules }: ComparedSides,
    sinceMs: number,
    read: CompareRules,
  ) {
    this.sides = { namespace, deployment, predictor, against, rules };
    this.sinceMs = sinceMs;
    this.comparison = new Comparison(read);
  }

  get counts(): ComparisonCounts {
    return this.comparison.counts;
  }
}

interface Kept {
  readonly shown: ShownDisagreement;
  readonly bytes: number;
}

/** All of one deployment, by one text of rules. */
interface Book {
  readonly namespace: string;
  readonly deployment: string;
  readonly rules: string;
  readonly read: CompareRules;
  readonly all: Map<string, Sides>;
  /** The newest last. */
  kept: readonly Kept[];
}

interface Waiting {
  readonly pair: PostedPair;
  readonly done: () => void;
}

export class ComparisonBook implements ComparedView, ControlPart {
  readonly #outside: ComparisonOutside;
  /** By `NAMESPACE/NAME`; the one that had a pair last is last. */
  readonly #books = new Map<string, Book>();
  #sides = 0;
  #keptBytes = 0;
  #waiting: Waiting[] = [];
  #isDue = false;

  constructor(outside: ComparisonOutside) {
    this.#outside = outside;
  }

  /** Calls `done` once it is compared, or not. Senders bound how many wait. */
  take(pair: PostedPair, done: () => void): void {
    this.#waiting.push({ pair, done });
    if (!this.#isDue) this.#after(0);
  }

  takeLeftOut(all: readonly PairsLeftOut[]): void {
    for (const one of all) this.#sidesOf(one, Date.now())?.comparison.leave(leftOutWords[one.why], one.count);
  }

  #after(ms: number): void {
    this.#isDue = true;
    this.#outside.clock.after(ms, () => this.#turn());
  }

  #turn(): void {
    const { clock } = this.#outside;
    const beganMs = clock.now();
    let [tookMs, compared] = [0, 0];
    for (; compared < this.#waiting.length && tookMs < turnMs; tookMs = clock.now() - beganMs) {
      const { pair, done } = this.#waiting[compared++]!;
      this.#compare(pair);
      done();
    }
    this.#waiting = this.#waiting.slice(compared);
    this.#isDue = false;
    if (compared > 0) this.#after(Math.min(longestRestMs, tookMs * restOfTurn));
  }

  #compare(pair: PostedPair): void {
    const sides = this.#sidesOf(pair, pair.atMs);
    if (sides === null) return this.#outside.leftOut("rules");
    const [primary, shadow] = [plainAnswer(pair.primary), pair.shadow === null ? null : plainAnswer(pair.shadow)];
    if (primary === "too large" || shadow === "too large") {
      sides.comparison.leave(leftOutWords.too_large, 1);
      return this.#outside.leftOut("too_large");
    }
    const verdict = sides.comparison.add({ isGrpc: pair.isGrpc, path: pair.path, primary, shadow });
    if (verdict.kind === "disagreed" && shadow !== null) this.#keep(pair, verdict, primary, shadow);
  }

  /** null: other rules hold, or none. */
  #sidesOf(sides: ComparedSides, atMs: number): Sides | null {
    const { namespace, deployment, predictor, against, rules } = sides;
    if (this.#outside.rulesOf(namespace, deployment, predictor) !== rules) return null;
    const key = namespacedName(namespace, deployment);
    let book = this.#books.get(key);
    if (book?.rules !== rules) {
      if (book !== undefined) this.#drop(key, book);
      const read = readCompareRules(rules);
      if ("mistake" in read || read.rules === null) return null;
      book = { namespace, deployment, rules, read: read.rules, all: new Map(), kept: [] };
    }
    this.#books.delete(key);
    this.#books.set(key, book);
    const sidesKey = `${predictor}/${against}`;
    let found = book.all.get(sidesKey);
    if (found === undefined) {
      book.all.set(sidesKey, (found = new Sides(sides, atMs, book.read)));
      this.#sides += 1;
      if (this.#sides > maxComparisons) this.#crowdOut(book, found);
    }
    return found;
  }

  /** Of the namespace that has most; never the one that has just come where there is another. */
  #crowdOut(newest: Book, found: Sides): void {
    const most = namespaceOfMost(this.#books.values(), (book) => book.all.size);
    for (const [key, book] of this.#books) {
      if (book.namespace !== most) continue;
      if (book !== newest) return this.#drop(key, book);
      for (const [sidesKey, sides] of book.all) {
        if (sides === found) continue;
        book.all.delete(sidesKey);
        this.#sides -= 1;
        return;
      }
    }
  }

  #drop(key: string, book: Book): void {
    this.#books.delete(key);
    this.#sides -= book.all.size;
    for (const { bytes } of book.kept) this.#keptBytes -= bytes;
  }

  #keep(
    pair: PostedPair,
    { differences }: Extract<PairVerdict, { readonly kind: "disagreed" }>,
    primary: CapturedAnswer,
    shadow: CapturedAnswer,
  ): void {
    const { predictor, against, atMs, requestId, path, isGrpc } = pair;
    const book = this.#books.get(namespacedName(pair.namespace, pair.deployment))!;
    if (!this.#outside.keeps || !book.read.keeps) return;
    const shown: ShownDisagreement = {
      predictor,
      against,
      atMs,
      requestId,
      path,
      differences: [...differences],
      primaryStatus: statusIn(primary, isGrpc),
      shadowStatus: statusIn(shadow, isGrpc),
      primary: keptAnswer(primary, isGrpc, path, book.read),
      shadow: keptAnswer(shadow, isGrpc, path, book.read),
    };
    const bytes = Buffer.byteLength(JSON.stringify(shown));
    book.kept = [...book.kept, { shown, bytes }];
    this.#keptBytes += bytes;
    if (book.kept.length > maxKept) this.#dropOldest(book);
    while (this.#keptBytes > maxKeptBytes) {
      const most = namespaceOfMost(this.#books.values(), ({ kept }) => kept.reduce((sum, one) => sum + one.bytes, 0));
      this.#dropOldest(this.#books.values().find(({ namespace, kept }) => namespace === most && kept.length > 0)!);
    }
  }

  #dropOldest(book: Book): void {
    const [oldest, ...others] = book.kept;
    book.kept = others;
    this.#keptBytes -= oldest!.bytes;
  }

  change({ set, removed }: SourceChange): void {
    const changed = set.flatMap(({ ref }) =>
      ref.kind === "SeldonDeployment" ? [namespacedName(ref.namespace, ref.name)] : [],
    );
    this.rulesChanged(removed.length > 0 ? null : changed);
  }

  /** Objects have changed: what is known by other rules than those of now is gone. `deployments`: those that may have; null: any. */
  rulesChanged(deployments: Iterable<string> | null): void {
    for (const key of deployments ?? [...this.#books.keys()]) {
      const book = this.#books.get(key);
      if (book === undefined) continue;
      for (const [sidesKey, { sides }] of book.all) {
        if (this.#outside.rulesOf(sides.namespace, sides.deployment, sides.predictor) === sides.rules) continue;
        book.all.delete(sidesKey);
        this.#sides -= 1;
        for (const kept of book.kept) if (kept.shown.predictor === sides.predictor) this.#keptBytes -= kept.bytes;
        book.kept = book.kept.filter(({ shown }) => shown.predictor !== sides.predictor);
      }
      if (book.all.size === 0) this.#drop(key, book);
    }
  }

  get all(): readonly ComparedSidesView[] {
    return [...this.#books.values()].flatMap(({ all }) => [...all.values()]);
  }

  of(namespace: string, deployment: string): ComparedDeploymentView | null {
    const book = this.#books.get(namespacedName(namespace, deployment));
    if (book === undefined) return null;
    return { comparisons: [...book.all.values()], disagreements: book.kept.map(({ shown }) => shown).toReversed() };
  }

  /** Of a predictor beside others of its deployment, whichever of the two answered the client. An answer that a shadow did not give is no pair. */
  comparedPairs(namespace: string, deployment: string, predictor: string): ComparedPairs {
    let [pairs, agreed] = [0, 0];
    for (const { sides, comparison } of this.#books.get(namespacedName(namespace, deployment))?.all.values() ?? []) {
      if ((sides.predictor === predictor) === (sides.against === predictor)) continue;
      pairs += comparison.agreed + comparison.disagreed;
      agreed += comparison.agreed;
    }
    return { pairs, agreed };
  }
}

function namespaceOfMost(books: Iterable<Book>, sizeOf: (book: Book) => number): string {
  const sizes = new Map<string, number>();
  for (const book of books) sizes.set(book.namespace, (sizes.get(book.namespace) ?? 0) + sizeOf(book));
  return [...sizes].reduce((one, other) => (other[1] > one[1] ? other : one))[0];
}

function plainAnswer({ status, grpcStatus, headerBytes, encoding, body }: PostedAnswer): CapturedAnswer | "too large" {
  const plain = plainBody(body, encoding);
  return plain === null ? "too large" : { status, grpcStatus, headerBytes, body: plain };
}

function statusIn({ status, grpcStatus }: CapturedAnswer, isGrpc: boolean): number {
  return isGrpc && grpcStatus >= 0 ? grpcStatus : status;
}
