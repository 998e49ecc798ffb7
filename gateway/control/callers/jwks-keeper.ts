// JwksKeeper: the key sets of issuers, by URL, kept fresh. A set that cannot be got, or read, leaves the last good one as it is.
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

interface Kept {
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

export interface JwksKeeperOutside {
  readonly clock: Clock;
  readonly fetch: (url: string) => Promise<HttpAnswer>;
  /** What `stateOf` says of this URL is another. */
  readonly changed: (url: string) => void;
  /** It was fetched because somebody asked; called after `changed`. */
  readonly looked: (url: string) => void;
}

const unknown: JwksState = Object.freeze({ text: null, faults: [] });

export class JwksKeeper {
  readonly #outside: JwksKeeperOutside;
  readonly #kept = new Map<string, Kept>();

  constructor(outside: JwksKeeperOutside) {
    this.#outside = outside;
  }

  /** These URLs and no others are kept. A new one is fetched at once. */
  want(urls: Iterable<string>): void {
    const wanted = new Set(urls);
    for (const [url, kept] of this.#kept) {
      if (wanted.has(url)) continue;
      kept.alarm?.cancel();
      this.#kept.delete(url);
    }
    for (const url of wanted) {
      if (this.#kept.has(url)) continue;
      const kept: Kept = {
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
      this.#kept.set(url, kept);
      kept.first = this.#fetch(kept);
    }
  }

  /** Resolves when all that are wanted now have been tried. */
  async tried(): Promise<void> {
    await Promise.all([...this.#kept.values()].map(({ first }) => first));
  }

  stateOf(url: string): JwksState {
    return this.#kept.get(url) ?? unknown;
  }

  /** A token names a key that is not among those of the URL: it is fetched as soon as may be. */
  ask(url: string): void {
    const kept = this.#kept.get(url);
    if (kept === undefined) return;
    kept.asked = true;
    if (!kept.fetching)
      this.#fetchIn(kept, Math.min(kept.dueMs, kept.askedMs + jwksTimes.leastMs) - this.#outside.clock.now());
  }

  stop(): void {
    this.want([]);
  }

  #fetchIn(kept: Kept, ms: number): void {
    kept.alarm?.cancel();
    kept.alarm = null;
    kept.dueMs = this.#outside.clock.now() + ms;
    if (ms <= 0) void this.#fetch(kept);
    else kept.alarm = this.#outside.clock.after(ms, () => void this.#fetch(kept));
  }

  async #fetch(kept: Kept): Promise<void> {
    kept.alarm?.cancel();
    kept.alarm = null;
    kept.fetching = true;
    if (kept.asked) kept.askedMs = this.#outside.clock.now();
    const answer = await this.#outside.fetch(kept.url);
    kept.fetching = false;
    if (this.#kept.get(kept.url) !== kept) return;
    const changed = take(kept, answer);
    const { asked } = kept;
    kept.asked = false;
    this.#fetchIn(kept, restMs(kept, answer));
    if (changed) this.#outside.changed(kept.url);
    if (asked) this.#outside.looked(kept.url);
  }
}

/** Takes what came. True: it is something else than before. */
function take(kept: Kept, answer: HttpAnswer): boolean {
  const outcome =
    answer.kind === "failed"
      ? ({ kind: "refused", sentence: `they cannot be fetched: ${answer.reason}` } as const)
      : readPublicKeys(answer.text);
  kept.failuresInRow = outcome.kind === "keys" ? 0 : kept.failuresInRow + 1;
  const text = outcome.kind === "keys" && answer.kind === "got" ? answer.text : kept.text;
  const faults = outcome.kind === "keys" ? [] : [outcome.sentence];
  const changed = text !== kept.text || faults.join() !== kept.faults.join();
  kept.text = text;
  kept.faults = faults;
  return changed;
}

/** Until the next fetch: before its server says that the set ends, and at the latest as stated. */
function restMs({ failuresInRow }: Kept, answer: HttpAnswer): number {
  if (failuresInRow > 0) return Math.min(jwksTimes.retryMs, jwksTimes.leastMs * 2 ** Math.min(failuresInRow - 1, 10));
  const maxAgeMs = answer.kind === "got" ? answer.maxAgeMs : null;
  return Math.max(
    jwksTimes.leastRefreshMs,
    Math.min(jwksTimes.refreshMs, maxAgeMs === null ? Infinity : maxAgeMs * 0.8),
  );
}
