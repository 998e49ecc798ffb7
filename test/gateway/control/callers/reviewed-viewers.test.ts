import { beforeEach, describe, expect, test } from "vitest";
import type { Access } from "../../../../gateway/admin/access.ts";
import {
  knownMs,
  maxNewRights,
  maxNewTokens,
  maxOfOne,
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
let rightsHeld: Promise<void> | null = null;
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
    await rightsHeld;
    return isAway ? "away" : rights.has(`${user} ${namespace}`) ? "yes" : "no";
  },
};
beforeEach(() => {
  now = 0;
  asked = [];
  isAway = false;
  held = rightsHeld = null;
  rights = new Set(["jane models", "root "]);
  viewers = new ReviewedViewers(reviews, () => now);
});
/** From an address of its own, unless it says otherwise. */
const ask = (token: string, namespace: string | null, address = token): Promise<Access> =>
  viewers.accessOf(token, `digest of ${token}`, namespace, address);
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
    // So many new tokens are asked about in a second; those that are known, and rights that were granted, again at once.
    rights = new Set(Array.from({ length: maxReviews }, (_, at) => `caller-${at} models`));
    for (let at = 0; at < maxReviews; at++) {
      if (at % maxNewTokens.all === 0) now += 1000;
      await ask(`caller-${at}`, "models");
    }
    now += reviewMs;
    for (let at = 0; at < maxReviews; at++) await ask(`caller-${at}`, "models");
    asked = [];
    await ask("caller-0", "models");
    expect(asked).toEqual([]);
    await ask("one more", "models");
    asked = [];
    await ask("caller-0", "models");
    expect(asked).toEqual(["caller-0", "caller-0 models"]);
  });

  test.each([
    ["of one address", maxNewTokens.ofOne, () => "10.0.0.1"],
    ["of one network of IPv6", maxNewTokens.ofOne, (at: number) => `2001:db8::${at}`],
    ["of all in networks of IPv6", maxNewTokens.all, (at: number) => `2001:db8:0:${at}::1`],
    ["of all by IPv4 on a socket of IPv6", maxNewTokens.all, (at: number) => `::ffff:10.0.0.${at}`],
    ["of all", maxNewTokens.all, (at: number) => `10.0.0.${at}`],
  ])("is one of so many new ones a second %s: %i", async (_, most, address) => {
    for (let at = 0; at < most; at++) expect(seen(await ask(`new-${at}`, "models", address(at)))).toBe(403);
    asked = [];
    expect(seen(await ask("one more", "models", address(most)))).toBe(503);
    expect(asked).toEqual([]);
    now = 1000;
    expect(seen(await ask("one more", "models", address(most)))).toBe(403);
  });

  test("finds room as a new one beside made-up tokens of four addresses", async () => {
    for (let at = 0; at < 40; at++) await viewers.accessOf("none", `made-up-${at}`, null, `10.0.0.${at % 4}`);
    expect(asked.length).toBeLessThan(maxNewTokens.all);
    expect(seen(await ask("jane", "models", "10.0.0.9"))).toEqual([false, false, true, false]);
  });

  test(`asks about ${maxNewRights.ofOne} new rights a second, by however many tokens; what was granted lately is none`, async () => {
    const asJane = (token: string, namespace: string): Promise<Access> =>
      viewers.accessOf("jane", token, namespace, token);
    await asJane("first", "models");
    await asJane("second", "models");
    now = reviewMs;
    asked = [];
    for (let at = 0; at < 40; at++) await asJane(at % 2 === 0 ? "first" : "second", `made-up-${at}`);
    expect(asked.filter((one) => one !== "jane")).toHaveLength(maxNewRights.ofOne);
    expect(seen(await asJane("second", "models"))).toEqual([false, false, true, false]);
    expect(seen(await ask("root", null))).toEqual([false, true, true, true]);
  });

  test(`is one of ${maxOfOne} new ones of an address that are asked about at once`, async () => {
    held = Promise.withResolvers<void>().promise;
    for (let at = 0; at < maxOfOne; at++) void ask(`new-${at}`, "models", "10.0.0.1");
    expect(seen(await ask("one more", "models", "10.0.0.1"))).toBe(503);
    void ask("elsewhere", "models", "10.0.0.2");
    expect(asked).toHaveLength(maxOfOne + 1);
  });

  test("is let in beside any number of made-up tokens where the API server vouched for it lately", async () => {
    await ask("jane", "models", "10.0.0.1");
    for (now = reviewMs; now < knownMs; now += reviewMs) {
      held = null;
      for (let at = 0; at < 3 * maxNewTokens.all; at++) await ask("none", `made-up-${now}-${at}`, "10.0.0.1");
      for (let at = 0; at < 3 * maxNewTokens.all; at++) void viewers.accessOf("none", `${now} ${at}`, null, "10.0.0.1");
      expect(seen(await ask("jane", "models", "10.0.0.1")), String(now)).toEqual([false, false, true, false]);
    }
  });

  test(`asks about ${maxOfOne} of its rights at once, and others about theirs beside it`, async () => {
    for (const token of ["jane", "root"]) await ask(token, "models");
    const gate = Promise.withResolvers<void>();
    rightsHeld = gate.promise;
    for (let at = 0; at < maxOfOne; at++) void ask("jane", `n-${at}`);
    expect(seen(await ask("jane", "one more"))).toBe(503);
    const root = ask("root", null);
    gate.resolve();
    expect(seen(await root)).toEqual([false, true, true, true]);
  });
});
