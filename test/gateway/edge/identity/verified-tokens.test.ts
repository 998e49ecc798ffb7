// Tokens that are remembered: within bounds, by all of their bytes.
import { expect, test } from "vitest";
import { VerifiedTokens } from "../../../../gateway/edge/identity/verified-tokens.ts";

const bytesOf = (text: string): Buffer => Buffer.from(`head.body.${text}`);

function keep(tokens: VerifiedTokens<string>, text: string): void {
  const bytes = bytesOf(text);
  tokens.keep(bytes, 0, bytes.length, 1000, text);
}

function find(tokens: VerifiedTokens<string>, text: string): string | null {
  const bytes = Buffer.concat([Buffer.from("Bearer "), bytesOf(text), Buffer.from(" ")]);
  return tokens.find(bytes, 7, bytes.length - 1, 999);
}

test("of as many as fit all are known; of more, those that were used last, and never more than twice as many", () => {
  const tokens = new VerifiedTokens<string>({ tokens: 8, bytes: 1_000_000 });
  for (let i = 0; i < 8; i++) keep(tokens, `t${i}`);
  for (let i = 0; i < 8; i++) expect(find(tokens, `t${i}`)).toBe(`t${i}`);
  for (let i = 8; i < 1000; i++) {
    keep(tokens, `t${i}`);
    expect(find(tokens, "t0")).toBe("t0");
    expect(find(tokens, `t${i}`)).toBe(`t${i}`);
    expect(tokens.count).toBeLessThanOrEqual(16);
  }
  expect(find(tokens, "t5")).toBeNull();
});

test("bytes are bounded as well", () => {
  const tokens = new VerifiedTokens<string>({ tokens: 1000, bytes: 2000 });
  for (let i = 0; i < 100; i++) keep(tokens, `${i}`.padStart(90, "x"));
  expect(tokens.count).toBeLessThanOrEqual(40);
  expect(tokens.count).toBeGreaterThanOrEqual(20);
});

test("a token of which any byte differs is not known", () => {
  const tokens = new VerifiedTokens<string>({ tokens: 8, bytes: 1000 });
  const bytes = bytesOf("x".repeat(100));
  tokens.keep(bytes, 0, bytes.length, 1000, "x");
  for (let at = 0; at < bytes.length; at++) {
    const other = Buffer.from(bytes);
    other[at]! ^= 1;
    expect(tokens.find(other, 0, other.length, 0)).toBeNull();
  }
  expect(tokens.find(bytes, 1, bytes.length, 0)).toBeNull();
  expect(tokens.find(bytes, 0, bytes.length, 999)).toBe("x");
  expect(tokens.find(bytes, 0, bytes.length, 1000)).toBeNull();
});
