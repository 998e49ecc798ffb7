// Key sets that are kept fresh: when they are fetched, and what stays when they cannot be.
import { expect, test } from "vitest";
import { readPublicKeys } from "../../../../gateway/callers/providers/public-keys.ts";
import type { HttpAnswer } from "../../../../gateway/shared/messages.ts";
import { JwksCache, jwksTimes } from "../../../../gateway/control/callers/jwks-cache.ts";
import { jwksOf, pairOf } from "../../edge/identity/tokens.ts";
import { StoppedClock } from "../../../stopped-clock.ts";
import { turns } from "../../../turns.ts";

const url = "https://login.example/keys";
const [first, second] = [pairOf("a"), pairOf("b")];
const got = (text: string, maxAgeMs: number | null = null): HttpAnswer => ({ kind: "got", text, maxAgeMs });
const failed: HttpAnswer = { kind: "failed", reason: "ECONNREFUSED" };

interface Stage {
  readonly cache: JwksCache;
  readonly clock: StoppedClock;
  /** Times of fetches, ms from the first. */
  readonly fetches: number[];
  readonly told: string[];
  answer: HttpAnswer;
}

function stageOf(answer: HttpAnswer): Stage {
  const clock = new StoppedClock();
  const startMs = clock.now();
  const [fetches, told]: [number[], string[]] = [[], []];
  const stage = { answer };
  const cache = new JwksCache({
    clock,
    fetch: () => {
      fetches.push(clock.now() - startMs);
      return Promise.resolve(stage.answer);
    },
    changed: () => told.push("changed"),
    looked: () => told.push("looked"),
  });
  return Object.assign(stage, { cache, clock, fetches, told });
}

function namesIn(text: string | null): readonly (string | null)[] | null {
  const outcome = text === null ? null : readPublicKeys(text);
  return outcome?.kind === "keys" ? outcome.keys.map(({ kid }) => kid) : null;
}

const kidsOf = ({ cache }: Stage): readonly (string | null)[] | null => namesIn(cache.stateOf(url).text);

test("a set is fetched when it is wanted, once for all who want it, and again from time to time", async () => {
  const stage = stageOf(got(jwksOf(first)));
  expect(kidsOf(stage)).toBeNull();
  stage.cache.want([url, url]);
  stage.cache.want([url]);
  await turns(2);
  expect(kidsOf(stage)).toEqual(["a"]);
  expect(stage.told).toEqual(["changed"]);
  stage.answer = got(jwksOf(first, second));
  await stage.clock.advance(jwksTimes.refreshMs);
  expect(kidsOf(stage)).toEqual(["a", "b"]);
  expect(stage.fetches).toEqual([0, jwksTimes.refreshMs]);
  await stage.clock.advance(jwksTimes.refreshMs);
  expect(stage.told).toEqual(["changed", "changed"]);
});

test.each([
  [100_000, 80_000],
  [0, jwksTimes.leastRefreshMs],
  [86_400_000, jwksTimes.refreshMs],
])("a set that its server gives for %i ms is fetched again after %i", async (maxAgeMs, afterMs) => {
  const stage = stageOf(got(jwksOf(first), maxAgeMs));
  stage.cache.want([url]);
  await turns(2);
  await stage.clock.advance(afterMs - 1);
  expect(stage.fetches).toHaveLength(1);
  await stage.clock.advance(1);
  expect(stage.fetches).toHaveLength(2);
});

test.each<readonly [what: string, answer: HttpAnswer, says: string]>([
  ["cannot be fetched", failed, "they cannot be fetched: ECONNREFUSED"],
  ["are HTML", got("<html>"), "HTML"],
  ["are all of 512 bits", got('{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}'), "none of its keys can be used"],
])("while keys %s the last ones stay, and it is tried more and more rarely", async (_what, answer, says) => {
  const stage = stageOf(got(jwksOf(first)));
  stage.cache.want([url]);
  await turns(2);
  stage.answer = answer;
  await stage.clock.advance(jwksTimes.refreshMs + 300_000);
  expect(kidsOf(stage)).toEqual(["a"]);
  expect(stage.cache.stateOf(url).faults.join()).toContain(says);
  const gaps = stage.fetches.slice(2).map((atMs, index) => atMs - stage.fetches[index + 1]!);
  expect(gaps).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
  stage.answer = got(jwksOf(second));
  await stage.clock.advance(jwksTimes.retryMs);
  expect(kidsOf(stage)).toEqual(["b"]);
  expect(stage.cache.stateOf(url).faults).toEqual([]);
});

test("a set that was never got is none, and is got when its server comes", async () => {
  const stage = stageOf(failed);
  stage.cache.want([url]);
  await turns(2);
  expect(stage.cache.stateOf(url)).toMatchObject({ text: null, faults: ["they cannot be fetched: ECONNREFUSED"] });
  stage.answer = got(jwksOf(first));
  await stage.clock.advance(5000);
  expect(kidsOf(stage)).toEqual(["a"]);
});

test("who asks for new keys has an answer, and a server one request in five seconds, whoever asks", async () => {
  const stage = stageOf(got(jwksOf(first)));
  stage.cache.want([url]);
  await turns(2);
  stage.told.length = 0;
  stage.answer = got(jwksOf(first, second));
  for (let i = 0; i < 1000; i++) stage.cache.ask(url);
  await turns(2);
  expect(stage.told).toEqual(["changed", "looked"]);
  for (let i = 0; i < 1000; i++) stage.cache.ask(url);
  await stage.clock.advance(jwksTimes.leastMs - 1);
  expect(stage.told).toEqual(["changed", "looked"]);
  await stage.clock.advance(1);
  expect(stage.fetches).toEqual([0, 0, 5000]);
  expect(stage.told).toEqual(["changed", "looked", "looked"]);
  await stage.clock.advance(jwksTimes.leastMs);
  expect(stage.fetches).toHaveLength(3);
});

test("who asks does not put off what is due", async () => {
  const stage = stageOf(got(jwksOf(first)));
  stage.cache.want([url]);
  await turns(2);
  await stage.clock.advance(jwksTimes.refreshMs - 1000);
  stage.cache.ask(url);
  await turns(2);
  stage.cache.ask(url);
  stage.cache.ask(url);
  await stage.clock.advance(5000);
  expect(stage.fetches).toEqual([0, jwksTimes.refreshMs - 1000, jwksTimes.refreshMs + 4000]);
});

test("nobody fetches what is no longer wanted, and an answer that comes then is nobody’s", async () => {
  const stage = stageOf(got(jwksOf(first)));
  stage.cache.want([url]);
  stage.cache.want([]);
  await stage.clock.advance(1_000_000);
  stage.cache.ask(url);
  expect(stage.fetches).toEqual([0]);
  expect(stage.told).toEqual([]);
  expect(stage.clock.waiting).toBe(0);
  expect(kidsOf(stage)).toBeNull();
});
