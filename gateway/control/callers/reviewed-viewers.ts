// ReviewedViewers: callers who show a token of the cluster. The API server says whose it is and what that caller may read; its word holds for a short time, and
// without its word there is no answer. Tokens that nobody has vouched for have little room, so that who makes them up keeps no viewer out.
import type { AccessReviews, ReviewedUser } from "../../../k8s/source/objects/source.ts";
import { refused, unauthorized, type Access, type TokenReviews } from "../../admin/access.ts";
import { tenant, watcher } from "../../api/viewer.ts";
import { parseAddress } from "../../../routing/text/address.ts";

/** How long a word of the API server holds, ms. */
export const reviewMs = 10_000;
/** Words that are remembered. */
export const maxReviews = 1000;
/** Questions of one kind at once: callers beyond them have to ask again. */
export const maxQuestions = 8;
/** Bytes of an IPv6 address that say whose it is: who has one address has all of its /64. */
const networkBytes = 8;
/** Questions at once of one address about new tokens, or about the rights of one user. */
export const maxOfOne = 2;
/** Questions about new tokens in a second, of all, and of one address. */
export const maxNewTokens = { all: 20, ofOne: 5 } as const;
/** Questions about new rights in a second, of all, and of one user. */
export const maxNewRights = { all: 40, ofOne: 10 } as const;
/** A token that the API server has vouched for, and a right that it has granted, is no new one for so long, ms. */
export const knownMs = 600_000;

interface Kept<T> {
  readonly value: T;
  readonly untilMs: number;
}

/** What is kept for a while; the oldest goes for one too many. */
class Remembered<T> {
  readonly #nowMs: () => number;
  readonly #keptMs: number;
  readonly #kept = new Map<string, Kept<T>>();

  constructor(nowMs: () => number, keptMs: number) {
    this.#nowMs = nowMs;
    this.#keptMs = keptMs;
  }

  get(key: string): T | null {
    const kept = this.#kept.get(key);
    return kept !== undefined && kept.untilMs > this.#nowMs() ? kept.value : null;
  }

  keep(key: string, value: T): void {
    this.#kept.delete(key);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= maxReviews && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(key, { value, untilMs: this.#nowMs() + this.#keptMs });
  }
}

/** The second half of the room is for askers who have no question in it, so that a few leave room for others. `all`, `ofOne`: the questions before this one, of all and of its asker. */
function hasRoom(max: { readonly all: number; readonly ofOne: number }, all: number, ofOne: number): boolean {
  return ofOne === 0 ? all < max.all : ofOne < max.ofOne && all < max.all / 2;
}

/** Questions that are under way, each once; few at once, and of one asker fewer. */
class Questions<T> {
  readonly #asked = new Map<string, Promise<T>>();
  readonly #of = new Map<string, number>();

  underWay(key: string): Promise<T> | null {
    return this.#asked.get(key) ?? null;
  }

  /** null: too many are under way. */
  ask(key: string, asker: string, ask: () => Promise<T>): Promise<T> | null {
    const others = this.#of.get(asker) ?? 0;
    if (!hasRoom({ all: maxQuestions, ofOne: maxOfOne }, this.#asked.size, others)) return null;
    this.#of.set(asker, others + 1);
    const answer = ask().finally(() => {
      this.#asked.delete(key);
      const left = this.#of.get(asker)! - 1;
      if (left === 0) this.#of.delete(asker);
      else this.#of.set(asker, left);
    });
    this.#asked.set(key, answer);
    return answer;
  }
}

/** How often something new is asked about in the second that runs. */
class NewQuestions {
  readonly #max: { readonly all: number; readonly ofOne: number };
  readonly #nowMs: () => number;
  #endsMs = 0;
  #all = 0;
  readonly #of = new Map<string, number>();

  constructor(max: { readonly all: number; readonly ofOne: number }, nowMs: () => number) {
    this.#max = max;
    this.#nowMs = nowMs;
  }

  mayAsk(asker: string): boolean {
    const nowMs = this.#nowMs();
    if (nowMs >= this.#endsMs) {
      this.#endsMs = nowMs + 1000;
      this.#all = 0;
      this.#of.clear();
    }
    const count = this.#of.get(asker) ?? 0;
    if (!hasRoom(this.#max, this.#all, count)) return false;
    this.#all += 1;
    this.#of.set(asker, count + 1);
    return true;
  }
}

export class ReviewedViewers implements TokenReviews {
  readonly #reviews: AccessReviews;
  readonly #users: Remembered<ReviewedUser>;
  readonly #rights: Remembered<"yes" | "no">;
  /** Tokens that the API server has vouched for lately. */
  readonly #known: Remembered<true>;
  /** Rights that the API server has granted lately. */
  readonly #granted: Remembered<true>;
  readonly #newTokens: NewQuestions;
  readonly #newRights: NewQuestions;
  readonly #ofNew = new Questions<ReviewedUser>();
  readonly #ofKnown = new Questions<ReviewedUser>();
  readonly #ofRights = new Questions<"yes" | "no" | "away">();

  /** `nowMs` never goes back. */
  constructor(reviews: AccessReviews, nowMs: () => number) {
    this.#reviews = reviews;
    this.#users = new Remembered(nowMs, reviewMs);
    this.#rights = new Remembered(nowMs, reviewMs);
    this.#known = new Remembered(nowMs, knownMs);
    this.#granted = new Remembered(nowMs, knownMs);
    this.#newTokens = new NewQuestions(maxNewTokens, nowMs);
    this.#newRights = new NewQuestions(maxNewRights, nowMs);
  }

  /** `digest` stands for the token in what is remembered. `namespace` null: all. `address`: of the caller's connection. */
  async accessOf(token: string, digest: string, namespace: string | null, address: string): Promise<Access> {
    const user = this.#users.get(digest) ?? (await this.#userOf(token, digest, address));
    if (user === null || user.kind === "away") return away;
    if (user.kind === "nobody") return unauthorized;
    const key = `${digest} ${namespace ?? ""}`;
    const right = this.#rights.get(key) ?? (await this.#rightOf(key, user, namespace ?? ""));
    if (right === null || right === "away") return away;
    if (right === "yes") return { kind: "viewer", viewer: namespace === null ? watcher : tenant(new Set([namespace])) };
    return refused(
      403,
      "forbidden",
      namespace === null
        ? "you may not get seldondeployments of all namespaces: write ?namespace=NAMESPACE (-n NAMESPACE of a command)"
        : `you may not get seldondeployments in the namespace ${namespace}: ask who manages it for that right`,
    );
  }

  #userOf(token: string, digest: string, address: string): Promise<ReviewedUser> | null {
    const ask = async (): Promise<ReviewedUser> => {
      const user = await this.#reviews.userOf(token);
      if (user.kind !== "away") this.#users.keep(digest, user);
      if (user.kind === "user") this.#known.keep(digest, true);
      return user;
    };
    if (this.#known.get(digest) !== null)
      return this.#ofKnown.underWay(digest) ?? this.#ofKnown.ask(digest, digest, ask);
    const asked = this.#ofNew.underWay(digest);
    if (asked !== null) return asked;
    const network = (parseAddress(address) ?? [address]).slice(0, networkBytes).join(" ");
    return this.#newTokens.mayAsk(network) ? this.#ofNew.ask(digest, network, ask) : null;
  }

  #rightOf(
    key: string,
    user: Extract<ReviewedUser, { readonly kind: "user" }>,
    namespace: string,
  ): Promise<"yes" | "no" | "away"> | null {
    const ask = async (): Promise<"yes" | "no" | "away"> => {
      const right = await this.#reviews.mayRead(user, namespace);
      if (right !== "away") this.#rights.keep(key, right);
      if (right === "yes") this.#granted.keep(key, true);
      return right;
    };
    const asked = this.#ofRights.underWay(key);
    if (asked !== null) return asked;
    if (this.#granted.get(key) === null && !this.#newRights.mayAsk(user.user)) return null;
    // A user may have any number of tokens.
    return this.#ofRights.ask(key, user.user, ask);
  }
}

const away = refused(
  503,
  "unavailable",
  "the API server does not say what you may read, or too many ask at once: ask again, or with the token of --admin-token",
);
