// Public keys of a JWKS or of PEM: which are taken, which are left out, which sets are refused as a whole.
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  keyBounds,
  mostUnnamedKeys,
  readPublicKeys,
  type KeysOutcome,
  type PublicKey,
} from "../../../gateway/callers/providers/public-keys.ts";

const { publicKey: ec, privateKey: ecPrivate } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const { publicKey: rsa } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const { publicKey: ed } = generateKeyPairSync("ed25519");

type Fields = Readonly<Record<string, unknown>>;
const jwkOf = (key: KeyObject): Fields => key.export({ format: "jwk" }) as Fields;
const setOf = (...keys: readonly unknown[]): string => JSON.stringify({ keys });

function keysOf(text: string): readonly PublicKey[] {
  const outcome = readPublicKeys(text);
  if (outcome.kind !== "keys") throw new Error(outcome.sentence);
  return outcome.keys;
}

function sentenceOf(outcome: KeysOutcome): string {
  return outcome.kind === "refused" ? outcome.sentence : outcome.faults.join("; ");
}

test("keys of every kind are taken, with their names, and nothing private of them", () => {
  const keys = keysOf(
    setOf(
      { ...jwkOf(rsa), kid: "a", alg: "RS256", use: "sig" },
      { ...jwkOf(ecPrivate), kid: "b" },
      { ...jwkOf(ed), key_ops: ["verify"] },
    ),
  );
  expect(keys.map(({ kid, algorithm, jwk }) => [kid, algorithm, Object.keys(jwk).sort().join()])).toEqual([
    ["a", "RS256", "e,kty,n"],
    ["b", null, "crv,kty,x,y"],
    [null, null, "crv,kty,x"],
  ]);
});

test("PEM may hold public keys and certificates", () => {
  const pem = `${rsa.export({ type: "spki", format: "pem" })}\n${ec.export({ type: "spki", format: "pem" })}`;
  expect(keysOf(pem).map(({ kid, jwk }) => [kid, jwk.kty])).toEqual([
    [null, "RSA"],
    [null, "EC"],
  ]);
});

describe("a key is left out, and the others stay", () => {
  const weak = (bits: number): Fields => jwkOf(generateKeyPairSync("rsa", { modulusLength: bits }).publicKey);
  test.each<readonly [what: string, key: unknown, says: string]>([
    ["that is symmetric", { kty: "oct", k: "c2VjcmV0" }, "is symmetric"],
    ["of 512 bits", weak(512), "512 bits: the least is 2048"],
    ["of 2040 bits", weak(2040), "2040 bits: the least is 2048"],
    [
      "with a large exponent",
      { ...jwkOf(rsa), e: Buffer.from("ffffffffff", "hex").toString("base64url") },
      "exponent of more than 32 bits",
    ],
    ["whose alg is of another type", { ...jwkOf(rsa), alg: "ES256" }, "does not fit its alg"],
    ["whose alg is none", { ...jwkOf(rsa), alg: "none" }, "algorithm that is not known"],
    ["whose alg is symmetric", { ...jwkOf(rsa), alg: "HS256" }, "algorithm that is not known"],
    [
      "of an unknown curve",
      jwkOf(generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey),
      "verifies no signature known here",
    ],
    ["with a point that is not on its curve", { ...jwkOf(ec), y: jwkOf(ec)["x"] }, "cannot be read"],
    ["of an unknown type", { kty: "X" }, "cannot be read"],
    ["whose kid is a number", { ...jwkOf(ec), kid: 7 }, "kid that is no text"],
    [
      "whose kid is too long",
      { ...jwkOf(ec), kid: "k".repeat(keyBounds.kidCharacters + 1) },
      "kid that is no text of at most 256",
    ],
    ["that is no object", "key", "is no JSON Web Key"],
  ])("%s", (_what, key, says) => {
    const outcome = readPublicKeys(setOf(key, jwkOf(ed)));
    expect(outcome).toMatchObject({ kind: "keys", keys: [{ jwk: { crv: "Ed25519" } }] });
    expect(sentenceOf(outcome)).toContain(says);
    expect(readPublicKeys(setOf(key))).toMatchObject({
      kind: "refused",
      sentence: expect.stringContaining("none of its keys can be used") as string,
    });
  });

  test("but not one of exactly 2048 bits, or with a kid of the greatest length", () => {
    expect(keysOf(setOf({ ...jwkOf(rsa), kid: "k".repeat(keyBounds.kidCharacters) }))).toHaveLength(1);
  });
});

test("keys for something else are passed over without a word", () => {
  const others = [
    { ...jwkOf(rsa), use: "enc", alg: "RSA-OAEP" },
    { ...jwkOf(rsa), key_ops: ["sign"] },
  ];
  expect(readPublicKeys(setOf(...others, jwkOf(ed)))).toMatchObject({ keys: { length: 1 }, faults: [] });
  expect(sentenceOf(readPublicKeys(setOf(...others)))).toBe(
    "none of its keys can be used: they are not for signatures",
  );
});

describe("a set is refused", () => {
  test.each<readonly [what: string, text: string, says: string]>([
    ["that is HTML", "<!doctype html><html></html>", "HTML"],
    ["that is no JSON", "keys", "neither a JSON Web Key Set nor PEM"],
    ["that is a list", "[]", "no JSON Web Key Set"],
    ["whose keys are no list", '{"keys":{}}', "no list"],
    ["without keys", '{"keys":[]}', "holds no keys"],
    ["of a private key", ecPrivate.export({ type: "pkcs8", format: "pem" }), "private key"],
    [
      "of PEM that is something else",
      "-----BEGIN PGP MESSAGE-----\nAAAA\n-----END PGP MESSAGE-----",
      "without a public key",
    ],
    ["of PEM that is cut", ec.export({ type: "spki", format: "pem" }).slice(0, 60), "without a public key"],
  ])("%s", (_what, text, says) => {
    expect(sentenceOf(readPublicKeys(text))).toContain(says);
    expect(readPublicKeys(text).kind).toBe("refused");
  });

  test("with more keys than it may have, and not with as many", () => {
    const many = (count: number): string =>
      setOf(...Array.from({ length: count }, (_, index) => ({ ...jwkOf(ed), kid: String(index) })));
    expect(keysOf(many(keyBounds.keys))).toHaveLength(keyBounds.keys);
    expect(sentenceOf(readPublicKeys(many(keyBounds.keys + 1)))).toContain("257 keys, more than 256");
  });

  test("with more bytes than it may have, and not with as many", () => {
    const text = setOf(jwkOf(ed));
    expect(readPublicKeys(text + " ".repeat(keyBounds.bytes - text.length)).kind).toBe("keys");
    expect(sentenceOf(readPublicKeys(text + " ".repeat(keyBounds.bytes - text.length + 1)))).toContain(
      "more than 512 KiB",
    );
  });
});

test.each([mostUnnamedKeys - 1, mostUnnamedKeys, mostUnnamedKeys + 1])(
  "of %d keys of one type without names the first ones stay, beside any number with names",
  (count) => {
    const unnamed = jwkOf(ed);
    const outcome = readPublicKeys(
      setOf(
        ...Array.from({ length: count }, () => unnamed),
        ...Array.from({ length: 20 }, (_, at) => ({ ...unnamed, kid: `k${at}` })),
      ),
    );
    const stay = Math.min(count, mostUnnamedKeys);
    expect(outcome).toMatchObject({ kind: "keys", keys: { length: 20 + stay } });
    expect(outcome.kind === "keys" && outcome.faults).toEqual(
      count > stay
        ? [
            `key ${stay} has no name (kid), as ${mostUnnamedKeys} others of its type before it, and is not tried: give each key a kid`,
          ]
        : [],
    );
  },
);

test("a set in which a key of a map is written twice is refused: the last would count in silence", () => {
  const key = JSON.stringify({ ...jwkOf(ec), kid: "a" });
  for (const text of [
    `{"keys": [${key}], "keys": []}`,
    `{"keys": [${key.replace("{", '{"kid": "b", ')}]}`,
    `{"keys": [${key}], "x": {"a": 1, "\\u0061": 2}}`,
  ])
    expect(sentenceOf(readPublicKeys(text))).toContain("is written twice");
  expect(keysOf(`{"keys": [${key}], "x": [{"a": 1}, {"a": 2}]}`)).toHaveLength(1);
});
