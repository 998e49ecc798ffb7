// Which tokens are taken, and what those who are refused are told.
import { describe, expect, test } from "vitest";
import type { JwtProvider } from "../../../../gateway/callers/providers/jwt.ts";
import { algorithms, mostUnnamedKeys } from "../../../../gateway/callers/providers/public-keys.ts";
import { judgeJwt, mostTokenBytes, mostUnverifiedClaims } from "../../../../gateway/edge/identity/jwt.ts";
import { Keyring } from "../../../../gateway/edge/identity/keyring.ts";
import { claims, confusedToken, issuer, jwtProvider, keysOf, now, pairOf, tokenOf, type Pair } from "./tokens.ts";

const pair = pairOf("a");
const other = pairOf("a");

function judged(
  token: string,
  changes: Partial<JwtProvider> = {},
  pairs: readonly Pair[] = [pair],
  atMs = now * 1000,
): string {
  const verdict = judgeJwt(token, jwtProvider(null, changes), new Keyring(keysOf(...pairs)), atMs);
  switch (verdict.kind) {
    case "verified":
      return `verified ${verdict.client}${verdict.fields.map(([name, value]) => ` ${name}=${value}`).join("")}`;
    case "refused":
      return `${verdict.error}: ${verdict.sentence}`;
    case "unknown-key":
    case "no-keys":
      return verdict.kind;
  }
}

describe("a good token of every algorithm is taken, and one with another signature is not", () => {
  test.each(algorithms)("%s", (alg) => {
    const [good, bad] = [pairOf("k", alg), pairOf("k", alg)];
    expect(judged(tokenOf(good, {}, {}, alg), { algorithms: [alg] }, [good])).toBe("verified alice");
    expect(judged(tokenOf(bad, {}, {}, alg), { algorithms: [alg] }, [good])).toContain(
      "invalid_token: the signature of the token is wrong",
    );
  });
});

test("long claims are read when it is known who wrote them, and not before", () => {
  // Four characters for three bytes.
  const bytes = (mostUnverifiedClaims * 3) / 4;
  const bare = JSON.stringify({ ...claims, exp: 1, pad: "" }).length;
  const ended = (more: number): string => tokenOf(other, { exp: 1, pad: "x".repeat(bytes + more - bare) });
  expect([-1, 0, 1].map((more) => ended(more).split(".")[1]!.length - mostUnverifiedClaims)).toEqual([-1, 0, 2]);
  expect([-1, 0, 1].map((more) => /expired|signature/.exec(judged(ended(more)))?.[0])).toEqual([
    "expired",
    "expired",
    "signature",
  ]);
  expect(judged(tokenOf(pair, { exp: 1, pad: "x".repeat(mostUnverifiedClaims) }))).toContain("has expired");
  expect(judged(tokenOf(pair, { pad: "x".repeat(mostUnverifiedClaims) }))).toBe("verified alice");
});

describe("a token is refused", () => {
  const [head, body, tail] = tokenOf(pair).split(".") as [string, string, string];
  test.each<readonly [what: string, token: string, says: string]>([
    ["without an algorithm", tokenOf(pair, {}, { alg: undefined }), "have it signed by ES256"],
    ["of algorithm none", `${Buffer.from('{"alg":"none"}').toString("base64url")}.${body}.`, "no JSON Web Token"],
    ["of algorithm none, with a signature", tokenOf(pair, {}, { alg: "none" }), "have it signed by ES256"],
    ["of algorithm nOnE", tokenOf(pair, {}, { alg: "nOnE" }), "have it signed by ES256"],
    ["signed with the public key as a secret", confusedToken(pair), "have it signed by ES256"],
    [
      "of an algorithm that is known and not allowed",
      tokenOf(pairOf("a", "RS256"), {}, {}, "RS256"),
      "have it signed by ES256",
    ],
    ["whose alg is a list", tokenOf(pair, {}, { alg: ["ES256"] }), "have it signed by ES256"],
    ["whose alg is inherited", tokenOf(pair, {}, '{"__proto__":{"alg":"ES256"},"kid":"a"}'), "have it signed by ES256"],
    ["that demands an extension", tokenOf(pair, {}, { crit: ["exp"], exp: 1 }), "demands extensions (crit)"],
    ["that demands no extension", tokenOf(pair, {}, { crit: [] }), "demands extensions (crit)"],
    ["with a payload that is not encoded", tokenOf(pair, {}, { b64: false }), "demands extensions"],
    ["whose kid is a number", tokenOf(pair, {}, { kid: 7 }), "no text of at most 256"],
    ["whose kid is too long", tokenOf(pair, {}, { kid: "k".repeat(257) }), "no text of at most 256"],
    ["whose header is no object", tokenOf(pair, {}, "[]"), "the first part of the token is no JSON object"],
    ["whose header is no JSON", tokenOf(pair, {}, "{"), "the first part of the token is no JSON object"],
    ["whose claims are a list", tokenOf(pair, "[]"), "the second part of the token is no JSON object"],
    ["whose claims are no JSON", tokenOf(pair, "x"), "the second part of the token is no JSON object"],
    ["whose claims are nested deep", tokenOf(pair, "[".repeat(9000)), "the second part of the token is no JSON object"],
    ["that has ended a second ago", tokenOf(pair, { exp: now - 1 }), "has expired"],
    ["that ends now", tokenOf(pair, { exp: now }), "has expired"],
    ["without an end", tokenOf(pair, { exp: undefined }), "has no exp"],
    ["whose end is a text", tokenOf(pair, { exp: String(now + 60) }), "the exp of the token is no number"],
    ["that is not valid yet", tokenOf(pair, { nbf: now + 1 }), "not valid yet"],
    ["that was issued in the future", tokenOf(pair, { iat: now + 1 }), "issued in the future"],
    ["whose iat is a text", tokenOf(pair, { iat: "now" }), "the iat of the token is no number"],
    ["of another issuer", tokenOf(pair, { iss: "https://evil.example" }), `not from the issuer ${issuer}`],
    ["of an issuer that begins the same", tokenOf(pair, { iss: `${issuer}.evil` }), "not from the issuer"],
    ["without an issuer", tokenOf(pair, { iss: undefined }), "not from the issuer"],
    ["for others", tokenOf(pair, { aud: ["others"] }), "get one for the audience models"],
    ["without an audience", tokenOf(pair, { aud: undefined }), "get one for the audience models"],
    ["without a client", tokenOf(pair, { sub: undefined }), "does not say who the client is"],
    ["whose client is empty", tokenOf(pair, { sub: "" }), "does not say who the client is"],
    ["whose client is too long", tokenOf(pair, { sub: "s".repeat(257) }), "does not say who the client is"],
    ["whose client is an object", tokenOf(pair, { sub: {} }), "does not say who the client is"],
    [
      "whose body was changed",
      `${head}.${Buffer.from(JSON.stringify({ ...claims, sub: "bob" })).toString("base64url")}.${tail}`,
      "the signature of the token is wrong",
    ],
    ["of another key of that name", tokenOf(other), "the signature of the token is wrong"],
    ["whose signature is cut", `${head}.${body}.${tail.slice(0, -4)}`, "the signature of the token is wrong"],
    ["whose signature is longer", `${head}.${body}.${tail}AAAA`, "the signature of the token is wrong"],
    [
      "whose signature is in DER",
      `${head}.${body}.${Buffer.alloc(70, 0x30).toString("base64url")}`,
      "the signature of the token is wrong",
    ],
    [
      "whose signature is all zeros",
      `${head}.${body}.${Buffer.alloc(64).toString("base64url")}`,
      "the signature of the token is wrong",
    ],
    ["in base64 with padding", `${head}.${body}.${tail}==`, "no JSON Web Token"],
    ["of two parts", `${head}.${body}`, "no JSON Web Token"],
    ["of four parts", `${head}.${body}.${tail}.${tail}`, "no JSON Web Token"],
    ["that is empty", "", "no JSON Web Token"],
    ["that is two, with a comma", `${head}.${body}.${tail},${head}.${body}.${tail}`, "no JSON Web Token"],
    ["that is encrypted", "a.b.c.d.e", "the token is encrypted"],
  ])("%s", (_what, token, says) => {
    expect(judged(token)).toMatch(/^invalid_token: /);
    expect(judged(token)).toContain(says);
  });

  test("whose signature has another spelling", () => {
    // The last of the 86 characters of 64 bytes holds 4 bits that mean nothing.
    const last = tail.at(-1)!;
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const twin = alphabet[alphabet.indexOf(last) ^ 1]!;
    expect(judged(`${head}.${body}.${tail.slice(0, -1)}${twin}`)).toContain("the signature of the token is wrong");
  });

  test("above the most bytes, and not with as many", () => {
    const padded = (length: number): string => {
      const short = tokenOf(pair, { pad: "" }).length;
      return tokenOf(pair, { pad: "x".repeat(Math.floor(((length - short) * 3) / 4)) });
    };
    const most = padded(mostTokenBytes);
    expect(most.length).toBeGreaterThan(mostTokenBytes - 4);
    expect(judged(most)).toBe("verified alice");
    expect(judged(padded(mostTokenBytes + 4))).toContain("more than 16384 bytes");
    expect(judged("x".repeat(65_536))).toContain("more than 16384 bytes");
  });
});

describe("clocks may differ by the leeway", () => {
  test.each([
    ["exp", -29, "verified"],
    ["exp", -30, "expired"],
    ["nbf", 30, "verified"],
    ["nbf", 31, "not valid yet"],
    ["iat", 30, "verified"],
    ["iat", 31, "in the future"],
  ])("%s %i s from now", (claim, seconds, says) => {
    expect(judged(tokenOf(pair, { [claim]: now + seconds }), { leewaySeconds: 30 })).toContain(says);
  });
});

test("a token is remembered until its end and the leeway, or until it is too old", () => {
  const verdict = (changes: Partial<JwtProvider>): unknown =>
    judgeJwt(tokenOf(pair), jwtProvider(null, changes), new Keyring(keysOf(pair)), now * 1000);
  expect(verdict({ leewaySeconds: 5 })).toMatchObject({ endMs: (now + 65) * 1000 });
  expect(verdict({ maxAgeSeconds: 10 })).toMatchObject({ endMs: (now + 10) * 1000 });
});

test("a token is too old with its greatest age, and needs to say how old it is", () => {
  expect(judged(tokenOf(pair, { iat: now - 10 }), { maxAgeSeconds: 10 })).toBe("verified alice");
  expect(judged(tokenOf(pair, { iat: now - 11 }), { maxAgeSeconds: 10 })).toContain("too old");
  expect(judged(tokenOf(pair, { iat: undefined }), { maxAgeSeconds: 10 })).toContain("has no iat");
});

describe("keys", () => {
  test("are chosen by name, among many", () => {
    const pairs = Array.from({ length: 9 }, (_, index) => pairOf(`k${index}`));
    expect(judged(tokenOf(pairs[8]!), {}, pairs)).toBe("verified alice");
    expect(judged(tokenOf(pair), {}, pairs)).toBe("unknown-key");
  });

  test.each([mostUnnamedKeys - 1, mostUnnamedKeys, mostUnnamedKeys + 1])(
    "of %d that no name tells apart as many are tried as may be",
    (count) => {
      const pairs = Array.from({ length: count }, (_, index) => pairOf(`k${index}`));
      const judgedBy = (index: number): string => judged(tokenOf(pairs[index]!, {}, { kid: undefined }), {}, pairs);
      expect([judgedBy(0), judgedBy(Math.min(count, mostUnnamedKeys) - 1)]).toEqual([
        "verified alice",
        "verified alice",
      ]);
      // A key that is not tried may be one that is not known: others are asked for.
      expect(judgedBy(count - 1)).toBe(count > mostUnnamedKeys ? "unknown-key" : "verified alice");
    },
  );

  test("that are new are asked for where none that is known and has no name verifies, unless they come from nowhere", () => {
    const unnamed = keysOf(...Array.from({ length: 3 }, (_, index) => pairOf(`k${index}`))).map((key) => ({
      ...key,
      kid: null,
    }));
    for (const header of [{}, { kid: undefined }]) {
      const verdict = (keysUrl: string | null): unknown =>
        judgeJwt(tokenOf(pair, {}, header), jwtProvider(null, { keysUrl }), new Keyring(unnamed), now * 1000);
      expect(verdict("https://login.example/jwks")).toEqual({ kind: "unknown-key" });
      expect(verdict(null)).toMatchObject({ kind: "refused", sentence: "the signature of the token is wrong" });
    }
  });

  test("without a name verify tokens of any name", () => {
    const keyring = new Keyring(keysOf(pair).map((key) => ({ ...key, kid: null })));
    expect(judgeJwt(tokenOf(pair), jwtProvider(null), keyring, now * 1000).kind).toBe("verified");
  });

  test("of another type than the algorithm are none", () => {
    expect(judged(tokenOf(pair), {}, [pairOf("a", "RS256")])).toBe("unknown-key");
    expect(judged(tokenOf(pairOf("a", "ES384"), {}, { alg: "ES384" }, "ES384"), { algorithms: ["ES384"] })).toBe(
      "unknown-key",
    );
  });
});

describe("required claims", () => {
  const with_ = (
    payload: Readonly<Record<string, unknown>>,
    path: readonly string[],
    ...values: readonly (string | number | boolean)[]
  ): string => judged(tokenOf(pair, payload), { requiredClaims: [{ path, values }] });

  test.each<
    readonly [
      payload: Readonly<Record<string, unknown>>,
      path: readonly string[],
      values: readonly (string | number | boolean)[],
      holds: boolean,
    ]
  >([
    [{ team: "a" }, ["team"], ["a", "b"], true],
    [{ team: "c" }, ["team"], ["a", "b"], false],
    [{ team: "ab" }, ["team"], ["a", "b"], false],
    [{ team: ["x", "b"] }, ["team"], ["a", "b"], true],
    [{ team: [["a"]] }, ["team"], ["a"], false],
    [{ level: 3 }, ["level"], [3], true],
    [{ level: "3" }, ["level"], [3], false],
    [{ admin: true }, ["admin"], [true], true],
    [{ admin: "true" }, ["admin"], [true], false],
    [{ scope: "read predict" }, ["scope"], ["predict"], true],
    [{ scope: "predictors" }, ["scope"], ["predict"], false],
    [{ team: "read predict" }, ["team"], ["predict"], false],
    [{ realm: { roles: ["predict"] } }, ["realm", "roles"], ["predict"], true],
    [{ "realm.roles": ["predict"] }, ["realm", "roles"], ["predict"], false],
    [{ team: "a" }, ["team"], [], true],
    [{ team: null }, ["team"], [], false],
    [{}, ["constructor"], [], false],
    [{}, ["team", "length"], [], false],
  ])("%j has %j of %j: %s", (payload, path, values, holds) => {
    expect(
      with_(payload, path, ...values).startsWith(
        holds ? "verified" : "insufficient_scope: the token does not have the claim",
      ),
    ).toBe(true);
  });

  test("are asked of verified tokens only", () => {
    expect(judged(tokenOf(other, {}), { requiredClaims: [{ path: ["team"], values: ["a"] }] })).toContain("signature");
  });
});

test.each<readonly [value: unknown, field: string]>([
  ["a", " x-c=a"],
  [7, " x-c=7"],
  [false, " x-c=false"],
  [["a", "b,c", 1], " x-c=a,b%2Cc,1"],
  [["a,b"], " x-c=a%2Cb"],
  ["Doe, John", " x-c=Doe, John"],
  ["a\r\nx: y", " x-c=a%0D%0Ax: y"],
  ["é", " x-c=%C3%A9"],
  ["", ""],
  [[], ""],
  [null, ""],
  [{}, ""],
  [["a", {}], ""],
  ["x".repeat(2048), ` x-c=${"x".repeat(2048)}`],
  ["x".repeat(2049), ""],
])('the claim %j goes to the model as "%s"', (value, field) => {
  expect(judged(tokenOf(pair, { c: value }), { claimHeaders: [{ path: ["c"], name: "x-c" }] })).toBe(
    `verified alice${field}`,
  );
});

test("the client is the claim that was asked for, escaped", () => {
  expect(judged(tokenOf(pair, { azp: "Jürgen\n" }), { clientClaim: ["azp"] })).toBe("verified J%C3%BCrgen%0A");
});
