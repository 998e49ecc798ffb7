import { beforeEach, describe, expect, test } from "vitest";
import type { Access } from "../../../../gateway/admin/access.ts";
import {
  maxQuestions,
  maxReviews,
  reviewMs,
  ReviewedViewers,
} from "../../../../gateway/control/callers/reviewed-viewers.ts";
import type { AccessReviews, ReviewedUser } from "../../../../k8s/source/objects/source.ts";

let now = 0;
let asked: string[] = [];
let isAway = false;
let held: Promise<void> | null = null;
let rights = new Set<string>();
let viewers: ReviewedViewers;

const reviews: AccessReviews = {
  async userOf(token): Promise<ReviewedUser> {
    asked.push(token);
    await held;
    if (isAway) return { kind: "away" };
    return token === "none" ? { kind: "nobody" } : { kind: "user", user: token, uid: "", groups: [], extra: {} };
  },
  async mayRead({ user }, namespace) {
    asked.push(`${user} ${namespace}`);
    return isAway ? "away" : rights.has(`${user} ${namespace}`) ? "yes" : "no";
  },
};
beforeEach(() => {
  now = 0;
  asked = [];
  isAway = false;
  held = null;
  rights = new Set(["jane models", "root "]);
  viewers = new ReviewedViewers(reviews, () => now);
});
const ask = (token: string, namespace: string | null): Promise<Access> =>
  viewers.accessOf(token, `digest of ${token}`, namespace);
const seen = (access: Access): unknown =>
  access.kind === "refused"
    ? access.status
    : [access.viewer.isAdmin, access.viewer.seesAll, access.viewer.sees("models"), access.viewer.sees("other")];

describe("a caller with a token of the cluster", () => {
  test("sees what the API server lets the caller read, and changes nothing", async () => {
    expect(seen(await ask("jane", "models"))).toEqual([false, false, true, false]);
    expect(seen(await ask("jane", "other"))).toBe(403);
    expect(seen(await ask("jane", null))).toBe(403);
    expect(seen(await ask("root", null))).toEqual([false, true, true, true]);
    expect(seen(await ask("none", "models"))).toBe(401);
  });

  test(`is asked about again after ${reviewMs} ms and not before`, async () => {
    await ask("jane", "models");
    now = reviewMs - 1;
    await ask("jane", "models");
    expect(asked).toEqual(["jane", "jane models"]);
    rights.clear();
    now = reviewMs;
    expect(seen(await ask("jane", "models"))).toBe(403);
  });

  test("is refused while nobody can be asked, and that is not remembered", async () => {
    isAway = true;
    expect(seen(await ask("jane", "models"))).toBe(503);
    isAway = false;
    expect(seen(await ask("jane", "models"))).toEqual([false, false, true, false]);
    isAway = true;
    now = reviewMs;
    expect(seen(await ask("jane", "models"))).toBe(503);
  });

  test(`is one of ${maxQuestions} that are asked about at once, once each`, async () => {
    let release = (): void => undefined;
    held = new Promise((resolve) => {
      release = resolve;
    });
    const all = Array.from({ length: maxQuestions }, (_, at) => ask(`caller-${at}`, "models"));
    const again = ask("caller-0", "models");
    expect(seen(await ask("one more", "models"))).toBe(503);
    expect(asked).toHaveLength(maxQuestions);
    release();
    expect(await Promise.all([...all, again].map(async (one) => seen(await one)))).toEqual(
      Array.from({ length: maxQuestions + 1 }, () => 403),
    );
  });

  test(`is one of ${maxReviews} that are remembered`, async () => {
    for (let at = 0; at < maxReviews; at++) await ask(`caller-${at}`, "models");
    asked = [];
    await ask("caller-0", "models");
    expect(asked).toEqual([]);
    await ask("one more", "models");
    asked = [];
    await ask("caller-0", "models");
    expect(asked).toEqual(["caller-0", "caller-0 models"]);
  });
});
