// Tokens that carry themselves: what is signed is verified, and nothing else is.
import { describe, expect, test, vi } from "vitest";
import {
  clockMarginMs,
  factsOf,
  mostAheadMs,
  tokenBytes,
  tokenClient,
  tokenLength,
  tokenMs,
  TokenSigner,
} from "../../../gateway/callers/oauth-token.ts";
import { mostVerified, OAuthTokens } from "../../../gateway/edge/oauth/oauth-tokens.ts";
import { OAuthClients } from "../../../gateway/edge/oauth/oauth-clients.ts";
import { oauthClient } from "../../wire/oauth-clients.ts";

const iris = oauthClient("prod", "iris", "iris-key", "iris-secret");
const wine = oauthClient("test", "wine", "wine-key", "wine-secret");
const [first, second, third] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

interface Worker {
  readonly tokens: OAuthTokens;
  readonly clients: OAuthClients;
  readonly isValid: (text: string) => boolean;
  nowMs: number;
}

function start(...keys: readonly Uint8Array[]): Worker {
  const clients = new OAuthClients();
  clients.apply({ whole: true, set: [iris, wine], removed: [] });
  const worker: Worker = {
    nowMs: 1_700_000_000_000,
    clients,
    tokens: new OAuthTokens(keys, clients, () => worker.nowMs),
    isValid: (text) => worker.tokens.verify(Buffer.from(text, "latin1")) !== null,
  };
  return worker;
}

describe("a token", () => {
  test("says its client, its end and its id, and holds neither names nor a digest of a secret", () => {
    const { tokens } = start(first);
    const text = tokens.give(iris, 0);
    expect(text).toMatch(/^[\w-]{96}$/);
    expect(tokens.verify(Buffer.from(text))).toEqual({
      client: iris,
      facts: {
        client: tokenClient("prod", "iris"),
        endMs: 1_700_000_000_000 + tokenMs,
        id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      },
    });
    const bytes = Buffer.from(text, "base64url");
    for (const secret of [iris.id, iris.secret])
      expect(bytes.includes(Buffer.from(secret, "hex").subarray(0, 8))).toBe(false);
    expect(tokens.give(iris, 0)).not.toBe(text);
  });

  test("each of its 576 bits counts", () => {
    const { tokens, isValid } = start(first);
    const bytes = Buffer.from(tokens.give(iris, 0), "base64url");
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const forged = Buffer.from(bytes);
      forged[bit >> 3]! ^= 1 << (bit & 7);
      expect(isValid(forged.toString("base64url"))).toBe(false);
    }
    expect(isValid(bytes.toString("base64url"))).toBe(true);
  });

  test("has one spelling", () => {
    const { tokens, isValid } = start(first);
    // One that has both characters in which base64 and base64url differ.
    let text = tokens.give(iris, 0);
    while (!/-[^]*_/.test(text)) text = tokens.give(iris, 0);
    const others = [
      text.replaceAll("-", "+"),
      text.replaceAll("_", "/"),
      `${text}=`,
      `${text.slice(0, -1)}=`,
      ` ${text}`,
      `${text}\n`,
      `${text.slice(0, -1)}\n`,
      text.slice(0, -1),
      `${text}A`,
      text.slice(1),
      "",
      text + text,
      text.replace("-", "ä"),
    ];
    for (const other of others) expect([other, isValid(other)]).toEqual([other, false]);
  });

  test("of another length costs no signature, of whatever length", () => {
    const { isValid } = start(first);
    const verified = vi.spyOn(TokenSigner.prototype, "isSigned");
    for (const length of [0, 1, tokenLength - 1, tokenLength + 1, 2 ** 20])
      expect(isValid("A".repeat(length))).toBe(false);
    // Of this length, and of another version.
    expect(isValid("A".repeat(tokenLength))).toBe(false);
    expect(verified).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  test("of another client is not made by its bytes", () => {
    const { tokens, isValid } = start(first);
    const [of, other] = [tokens.give(iris, 0), tokens.give(wine, 0)].map((text) => Buffer.from(text, "base64url"));
    of!.copy(other!, 2, 2, 18);
    expect(isValid(other!.toString("base64url"))).toBe(false);
  });

  test("ends with its client, the secret of it, and time; a clock that jumped back far ends it, too", () => {
    const worker = start(first);
    const text = worker.tokens.give(iris, 0);
    const changed = oauthClient("prod", "iris", "iris-key", "another-secret");
    const take = (set: readonly (typeof iris)[], removed: readonly string[]): void =>
      worker.clients.apply({ whole: false, set, removed });
    expect(worker.isValid(text)).toBe(true);
    take([changed], [iris.id]);
    // Also where the worker does not remember it any more.
    for (let time = 0; time < 2; time++) expect(worker.isValid(text)).toBe(false);
    take([iris], [changed.id]);
    expect(worker.isValid(text)).toBe(true);
    take([], [iris.id]);
    expect(worker.isValid(text)).toBe(false);
    take([iris], []);
    worker.nowMs += tokenMs - 1;
    expect(worker.isValid(text)).toBe(true);
    worker.nowMs += 1;
    expect(worker.isValid(text)).toBe(false);
    worker.nowMs -= mostAheadMs;
    expect(worker.isValid(text)).toBe(true);
    worker.nowMs -= 1;
    expect(worker.isValid(text)).toBe(false);
  });
});

test("the first key signs, all verify, and a key that is taken away ends its tokens at once", () => {
  const worker = start(first);
  const text = worker.tokens.give(iris, 0);
  expect(start(second).isValid(text)).toBe(false);
  worker.tokens.setKeys([second, first]);
  expect(worker.isValid(text)).toBe(true);
  const next = worker.tokens.give(iris, 0);
  expect([start(second).isValid(next), start(first).isValid(next)]).toEqual([true, false]);
  worker.tokens.setKeys([third, second]);
  expect([worker.isValid(text), worker.isValid(next)]).toEqual([false, true]);
});

test(`a worker verifies a token once, and remembers ${mostVerified}`, () => {
  const { tokens, isValid } = start(first);
  const verified = vi.spyOn(TokenSigner.prototype, "isSigned");
  const texts = Array.from({ length: mostVerified + 1 }, () => tokens.give(iris, 0));
  for (let time = 0; time < 3; time++) expect(isValid(texts[0]!)).toBe(true);
  expect(verified).toHaveBeenCalledTimes(1);
  for (const text of texts.slice(1, mostVerified)) isValid(text);
  isValid(texts[0]!);
  expect(verified).toHaveBeenCalledTimes(mostVerified);
  isValid(texts[mostVerified]!);
  isValid(texts[0]!);
  expect(verified).toHaveBeenCalledTimes(mostVerified + 2);
  // A forged one is not remembered.
  for (let time = 0; time < 2; time++) isValid(`AQ${"A".repeat(tokenLength - 2)}`);
  expect(verified).toHaveBeenCalledTimes(mostVerified + 4);
  vi.restoreAllMocks();
});

test("a token of a client that was just revoked as a whole ends later than those", () => {
  const { tokens } = start(first);
  const endMs = 1_700_000_000_000 + tokenMs + clockMarginMs;
  expect(factsOf(tokenBytes(tokens.give(iris, endMs + 1))!).endMs).toBe(endMs + 1);
});
