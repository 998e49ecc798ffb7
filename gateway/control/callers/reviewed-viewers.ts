// ReviewedViewers: callers who show a token of the cluster. The API server says whose it is and what that caller may read; its word holds for a short time, and
// without its word there is no answer.
import type { AccessReviews, ReviewedUser } from "../../../k8s/source/objects/source.ts";
import { refused, unauthorized, type Access, type TokenReviews } from "../../admin/access.ts";
import { tenant, watcher } from "../../api/viewer.ts";

/** How long a word of the API server holds, ms. */
export const reviewMs = 10_000;
/** Words that are remembered. */
export const maxReviews = 1000;
/** Questions at once: callers beyond them have to ask again. */
export const maxQuestions = 8;

interface Kept<T> {
  readonly value: T;
  readonly untilMs: number;
}

/** Answers that are remembered for a while, and of which few are asked for at once. */
class Remembered<T> {
  readonly #nowMs: () => number;
  readonly #kept = new Map<string, Kept<T>>();
  readonly #asked = new Map<string, Promise<T>>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** null: too many are asked for. `keep`: is this worth remembering? */
  get(key: string, ask: () => Promise<T>, keep: (value: T) => boolean): Promise<T> | null {
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.untilMs > this.#nowMs()) return Promise.resolve(kept.value);
    const asked = this.#asked.get(key);
    if (asked !== undefined) return asked;
    if (this.#asked.size >= maxQuestions) return null;
    const answer = ask()
      .then((value) => {
        if (keep(value)) this.#keep(key, value);
        return value;
      })
      .finally(() => this.#asked.delete(key));
    this.#asked.set(key, answer);
    return answer;
  }

  #keep(key: string, value: T): void {
    this.#kept.delete(key);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= maxReviews && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(key, { value, untilMs: this.#nowMs() + reviewMs });
  }
}

export class ReviewedViewers implements TokenReviews {
  readonly #reviews: AccessReviews;
  readonly #users: Remembered<ReviewedUser>;
  readonly #rights: Remembered<"yes" | "no" | "away">;

  /** `nowMs` never goes back. */
  constructor(reviews: AccessReviews, nowMs: () => number) {
    this.#reviews = reviews;
    this.#users = new Remembered(nowMs);
    this.#rights = new Remembered(nowMs);
  }

  /** `digest` stands for the token in what is remembered. `namespace` null: all. */
  async accessOf(token: string, digest: string, namespace: string | null): Promise<Access> {
    const user = await this.#users.get(
      digest,
      () => this.#reviews.userOf(token),
      ({ kind }) => kind !== "away",
    );
    if (user === null || user.kind === "away") return away;
    if (user.kind === "nobody") return unauthorized;
    const right = await this.#rights.get(
      `${digest} ${namespace ?? ""}`,
      () => this.#reviews.mayRead(user, namespace ?? ""),
      (value) => value !== "away",
    );
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
}

const away = refused(
  503,
  "unavailable",
  "the API server does not say what you may read: ask again, or with the token of --admin-token",
);
