// JwksCache: the key sets of issuers, by URL, kept fresh. A set that cannot be got, or read, leaves the last good one as it is.
import { readPublicKeys } from "../../callers/providers/public-keys.ts";
import type { Alarm, Clock } from "../../shared/clock.ts";
import type { HttpAnswer } from "../../shared/messages.ts";

export const jwksTimes = {
  /** Least time between two fetches of one URL because somebody asks, ms. */
  leastMs: 5000,
  /** A set is fetched again after so long, or sooner where its server says so. */
  refreshMs: 300_000,
  /** But not sooner than after so long, unless somebody asks. */
  leastRefreshMs: 30_000,
  /** Longest time between tries while it cannot be got. */
  retryMs: 60_000,
} as const;

/** Of a URL that is wanted. */
export interface JwksState {
  /** The last one that could be used; null: never got. */
  readonly text: string | null;
  /** Why there are no keys, or none that are new; one sentence a fault. Empty: all is well. Those of the set itself are not among them. */
  readonly faults: readonly string[];
}

interface KeySet {
  readonly url: string;
  text: string | null;
  faults: readonly string[];
  /** Time of the last fetch because somebody asked. */
  askedMs: number;
  failuresInRow: number;
  fetching: boolean;
  /** Somebody waits for the next answer. */
  asked: boolean;
  alarm: Alarm | null;
  /** Time of the alarm. */
  dueMs: number;
  /** Resolves when it has been tried. */
  first: Promise<void>;
}

export interface JwksCacheOutside {
  readonly clock: Clock;
  readonly fetch: (url: string) => Promise<HttpAnswer>;
  /** What `stateOf` says of this URL is another. */
  readonly changed: (url: string) => void;
  /** It was fetched because somebody asked; called after `changed`. */
  readonly looked: (url: string) => void;
}

const unknown: JwksState = Object.freeze({ text: null, faults: [] });

export class JwksCache {
  readonly #outside: JwksCacheOutside;
  readonly #sets = new Map<string, KeySet>();

  constructor(outside: JwksCacheOutside) {
    this.#outside = outside;
  }

  /** These URLs and no others are fetched. A new one is fetched at once. */
  want(urls: Iterable<string>): void {
    const wanted = new Set(urls);
    for (const [url, set] of this.#sets) {
      if (wanted.has(url)) continue;
      set.alarm?.cancel();
      this.#sets.delete(url);
    }
    for (const url of wanted) {
      if (this.#sets.has(url)) continue;
      const set: KeySet = {
        url,
        text: null,
        faults: [],
        askedMs: -Infinity,
        failuresInRow: 0,
        fetching: false,
        asked: false,
        alarm: null,
        dueMs: 0,
        first: Promise.resolve(),
      };
      this.#sets.set(url, set);
      set.first = this.#fetch(set);
    }
  }

  /** Resolves when all that are wanted now have been tried. */
  async tried(): Promise<void> {
    await Promise.all([...this.#sets.values()].map(({ first }) => first));
  }

  stateOf(url: string): JwksState {
    return this.#sets.get(url) ?? unknown;
  }

  /** A token names a key that is not among those of the URL: it is fetched as soon as may be. */
  ask(url: string): void {
    const set = this.#sets.get(url);
    if (set === undefined) return;
    set.asked = true;
    if (!set.fetching)
      this.#fetchIn(set, Math.min(set.dueMs, set.askedMs + jwksTimes.leastMs) - this.#outside.clock.now());
  }

  stop(): void {
    this.want([]);
  }

  #fetchIn(set: KeySet, ms: number): void {
    set.alarm?.cancel();
    set.alarm = null;
    set.dueMs = this.#outside.clock.now() + ms;
    if (ms <= 0) void this.#fetch(set);
    else set.alarm = this.#outside.clock.after(ms, () => void this.#fetch(set));
  }

  async #fetch(set: KeySet): Promise<void> {
    set.alarm?.cancel();
    set.alarm = null;
    set.fetching = true;
    if (set.asked) set.askedMs = this.#outside.clock.now();
    const answer = await this.#outside.fetch(set.url);
    set.fetching = false;
    if (this.#sets.get(set.url) !== set) return;
    const changed = take(set, answer);
    const { asked } = set;
    set.asked = false;
    this.#fetchIn(set, restMs(set, answer));
    if (changed) this.#outside.changed(set.url);
    if (asked) this.#outside.looked(set.url);
  }
}

/** Takes what came. True: it is something else than before. */
function take(set: KeySet, answer: HttpAnswer): boolean {
  const outcome =
    answer.kind === "failed"
      ? ({ kind: "refused", sentence: `they cannot be fetched: ${answer.reason}` } as const)
      : readPublicKeys(answer.text);
  set.failuresInRow = outcome.kind === "keys" ? 0 : set.failuresInRow + 1;
  const text = outcome.kind === "keys" && answer.kind === "got" ? answer.text : set.text;
  const faults = outcome.kind === "keys" ? [] : [outcome.sentence];
  const changed = text !== set.text || faults.join() !== set.faults.join();
  set.text = text;
  set.faults = faults;
  return changed;
}

/** Until the next fetch: before its server says that the set ends, and at the latest as stated. */
function restMs({ failuresInRow }: KeySet, answer: HttpAnswer): number {
  if (failuresInRow > 0) return Math.min(jwksTimes.retryMs, jwksTimes.leastMs * 2 ** Math.min(failuresInRow - 1, 10));
  const maxAgeMs = answer.kind === "got" ? answer.maxAgeMs : null;
  return Math.max(
    jwksTimes.leastRefreshMs,
    Math.min(jwksTimes.refreshMs, maxAgeMs === null ? Infinity : maxAgeMs * 0.8),
  );
}
