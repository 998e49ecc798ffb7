import { expect, test } from "vitest";
import { clockMarginMs } from "../../../gateway/callers/oauth-token.ts";
import { mostOfClient, mostRevocations, RevokedTokens } from "../../../gateway/callers/revoked-tokens.ts";

const nowMs = 1_700_000_000_000;
const endMs = nowMs + 1000;
const idOf = (at: number): string => String(at).padStart(32, "0");

function isRevoked(tokens: RevokedTokens, client: string, id: string, end = endMs): boolean {
  return tokens.of(client)?.covers({ client, id, endMs: end }) ?? false;
}

test("a token, or all of a client that end by a time, and of nobody else", () => {
  const tokens = new RevokedTokens();
  expect(tokens.take({ client: "a", id: "1", endMs }, nowMs)).toBe(true);
  expect([isRevoked(tokens, "a", "1"), isRevoked(tokens, "a", "2"), isRevoked(tokens, "b", "1")]).toEqual([
    true,
    false,
    false,
  ]);
  expect(tokens.take({ client: "a", id: null, endMs: endMs + 5 }, nowMs)).toBe(true);
  expect([5, 6].map((more) => isRevoked(tokens, "a", "2", endMs + more))).toEqual([true, false]);
  expect(tokens.all()).toEqual([{ client: "a", id: null, endMs: endMs + 5 }]);
  // An earlier end takes nothing back.
  tokens.take({ client: "a", id: null, endMs }, nowMs);
  expect(isRevoked(tokens, "a", "2", endMs + 5)).toBe(true);
});

test(`a client has ${mostOfClient}: one more is refused, none is forgotten, and the client as a whole can be revoked`, () => {
  const tokens = new RevokedTokens();
  for (let at = 0; at < mostOfClient; at++) expect(tokens.take({ client: "a", id: idOf(at), endMs }, nowMs)).toBe(true);
  const more = { client: "a", id: idOf(mostOfClient), endMs };
  expect([tokens.take(more, nowMs), tokens.take({ ...more, client: "b" }, nowMs)]).toEqual([false, true]);
  // What is revoked is revoked.
  expect(tokens.take({ client: "a", id: idOf(0), endMs }, nowMs)).toBe(true);
  expect([isRevoked(tokens, "a", idOf(0)), isRevoked(tokens, "a", more.id)]).toEqual([true, false]);
  expect(tokens.take({ client: "a", id: null, endMs }, nowMs)).toBe(true);
  expect(isRevoked(tokens, "a", more.id)).toBe(true);
});

test("what has ended makes room", () => {
  const tokens = new RevokedTokens();
  for (let at = 0; at < mostOfClient; at++) tokens.take({ client: "a", id: idOf(at), endMs }, nowMs);
  const more = { client: "a", id: idOf(mostOfClient), endMs: endMs + 60_000 };
  expect(tokens.take(more, endMs + clockMarginMs)).toBe(false);
  expect(tokens.take(more, endMs + clockMarginMs + 1)).toBe(true);
  expect(tokens.all()).toEqual([more]);
});

test(`all have ${mostRevocations}: one more is refused`, () => {
  const tokens = new RevokedTokens();
  for (let at = 0; at < mostRevocations; at++) {
    const client = `c${Math.floor(at / mostOfClient)}`;
    if (at % mostOfClient === 0) expect(tokens.take({ client, id: idOf(at), endMs }, nowMs)).toBe(true);
    else tokens.of(client)!.add(idOf(at), endMs);
  }
  for (const id of [idOf(0), null]) expect(tokens.take({ client: "more", id, endMs }, nowMs)).toBe(false);
  expect(tokens.all()).toHaveLength(mostRevocations);
  expect(tokens.take({ client: "c0", id: null, endMs }, nowMs)).toBe(true);
  expect(tokens.take({ client: "more", id: null, endMs }, nowMs)).toBe(true);
});
