// Providers jwt, basic and mtls as the policy file says them: what is read, what is wrong, and what they come to with their keys.
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { completePolicy, decodePolicyFile } from "../../../gateway/callers/policy-file.ts";
import type { Provider } from "../../../gateway/callers/providers/kinds.ts";
import type { Material } from "../../../gateway/callers/providers/material.ts";
import { jwksOf, pairOf } from "../edge/identity/tokens.ts";

type Fields = Readonly<Record<string, unknown>>;

function decoded(provider: Fields): unknown {
  const outcome = decodePolicyFile(JSON.stringify({ providers: { corp: provider } }));
  return outcome.kind === "wrong" ? outcome.sentences.join("\n") : outcome.value.providers["corp"];
}

const jwt: Fields = {
  kind: "jwt",
  issuer: "https://login.example",
  audiences: "models",
  jwks: "https://login.example/jwks",
};

test("a provider of tokens in few words", () => {
  expect(decoded(jwt)).toEqual({
    kind: "jwt",
    namespaces: [],
    issuer: "https://login.example",
    audiences: ["models"],
    algorithms: ["RS256", "ES256"],
    leewaySeconds: 30,
    maxAgeSeconds: null,
    requiredClaims: [],
    claimHeaders: [],
    clientClaim: ["sub"],
    places: [{ kind: "bearer" }],
    forwardsToken: false,
    from: { kind: "url", url: "https://login.example/jwks" },
  });
});

test("a provider of tokens in all words", () => {
  const said = {
    kind: "jwt",
    issuer: "i",
    audiences: ["a", "b"],
    secret: "ops/keys",
    namespaces: ["prod"],
    algorithms: ["ES512", "EdDSA"],
    leewaySeconds: 0,
    maxAgeSeconds: 3600,
    in: ["bearer", "header X-Token", "cookie __Host-session", "query access_token"],
    client: "/realm_access/a~1b~0",
    claims: { scope: "predict", level: [1, 2], admin: true, "/realm_access/roles": ["a"] },
    headers: { "X-User": "sub", "x-roles": "/realm_access/roles", "x-tenant": "https://example/tenant" },
    forwardToken: true,
  };
  expect(decoded(said)).toEqual({
    kind: "jwt",
    namespaces: ["prod"],
    issuer: "i",
    audiences: ["a", "b"],
    algorithms: ["ES512", "EdDSA"],
    leewaySeconds: 0,
    maxAgeSeconds: 3600,
    requiredClaims: [
      { path: ["scope"], values: ["predict"] },
      { path: ["level"], values: [1, 2] },
      { path: ["admin"], values: [true] },
      { path: ["realm_access", "roles"], values: ["a"] },
    ],
    claimHeaders: [
      { path: ["sub"], name: "x-user" },
      { path: ["realm_access", "roles"], name: "x-roles" },
      { path: ["https://example/tenant"], name: "x-tenant" },
    ],
    clientClaim: ["realm_access", "a/b~"],
    places: [
      { kind: "bearer" },
      { kind: "header", name: "x-token" },
      { kind: "cookie", name: "__Host-session" },
      { kind: "query", name: "access_token" },
    ],
    forwardsToken: true,
    from: { kind: "secret", namespace: "ops", name: "keys" },
  });
});

describe("a provider of tokens is wrong", () => {
  test.each<readonly [change: Fields, says: RegExp]>([
    [{ issuer: undefined }, /^providers\.corp\.issuer is missing: write/],
    [{ issuer: "" }, /providers\.corp\.issuer is not a text/],
    [{ audiences: undefined }, /providers\.corp\.audiences is missing: write whom/],
    [{ audiences: [] }, /audiences is empty: write whom/],
    [{ audiences: [7] }, /audiences\[0\] is not a text/],
    [{ jwks: undefined }, /needs a place of its keys: write jwks: URL, secret: NAMESPACE\/NAME or file: FILE/],
    [{ file: "f" }, /keys in two places/],
    [{ secret: "a/b" }, /keys in two places/],
    [{ jwks: "login.example/jwks" }, /is not a URL: write https/],
    [{ jwks: "http://login.example/jwks" }, /is not safe: write https/],
    [{ jwks: "http://login.example.svc.evil/jwks" }, /is not safe/],
    [{ jwks: "file:///etc/passwd" }, /is not safe/],
    [
      { jwks: "https://user:secret@login.example/jwks" },
      /^providers\.corp\.jwks is not safe[^]*without user and password(?![^]*secret@)/,
    ],
    [{ algorithms: ["none"] }, /algorithms\[0\] is "none", which is not an algorithm that Sluice verifies/],
    [{ algorithms: ["HS256"] }, /is "HS256".*the gateway could issue tokens/],
    [{ algorithms: [] }, /algorithms is empty: write some/],
    [{ algorithms: "rs256" }, /algorithms is "rs256", which is not/],
    [{ leewaySeconds: -1 }, /from 0 to 300/],
    [{ leewaySeconds: 301 }, /from 0 to 300/],
    [{ leewaySeconds: "30s" }, /from 0 to 300/],
    [{ maxAgeSeconds: 0 }, /maxAgeSeconds is not a whole number from 1/],
    [{ in: [] }, /in is empty/],
    [{ in: Array.from({ length: 9 }, (_, index) => `header x-${index}`) }, /more than 8/],
    [{ in: "basic" }, /in is "basic", which is not a place for it: write/],
    [{ in: "header authorization" }, /not a place for it/],
    [{ in: "header content-length" }, /not a place for it/],
    [{ in: "header x-forwarded-for" }, /not a place for it/],
    [{ in: "query a&b" }, /not a place for it/],
    [{ client: "/a~2" }, /client is not a JSON Pointer/],
    [{ claims: { team: {} } }, /claims\.team is not a value/],
    [{ claims: { team: [] } }, /claims\.team is empty/],
    [{ claims: ["team"] }, /claims is not a map/],
    [
      { claims: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`c${index}`, "v"])) },
      /more than 32 names/,
    ],
    [{ headers: { host: "sub" } }, /headers\.host is not the name of a field that a claim may become/],
    [{ headers: { "x-sluice-client": "sub" } }, /is not the name of a field/],
    [{ headers: { "x user": "sub" } }, /is not the name of a field/],
    [{ headers: { "x-user": 7 } }, /headers\.x-user is not a text/],
    [{ headers: { "x-user": "sub", X_User: "name" } }, /one field twice/],
    [{ forwardToken: "no" }, /forwardToken is neither/],
    [{ forwardTokens: true }, /forwardTokens is not known here: write forwardToken, or remove it/],
  ])("%j", (change, says) => {
    expect(decoded({ ...jwt, ...change })).toMatch(says);
  });
});

test.each([
  "http://login.auth.svc/jwks",
  "http://login.auth.svc.cluster.local:8080/jwks",
  "http://127.0.0.1:8080/jwks",
  "http://localhost/jwks",
  "http://[::1]/jwks",
])("keys from %s are taken", (jwks) => {
  expect(decoded({ ...jwt, jwks })).toMatchObject({ from: { url: jwks } });
});

test("a provider of passwords", () => {
  expect(decoded({ kind: "basic", secret: "ops/users" })).toEqual({
    kind: "basic",
    namespaces: [],
    places: [{ kind: "basic" }],
    from: { kind: "secret", namespace: "ops", name: "users" },
    forwardsCredentials: false,
  });
  expect(decoded({ kind: "basic", file: "users", forwardCredentials: true })).toMatchObject({
    from: { kind: "file", file: "users" },
    forwardsCredentials: true,
  });
  expect(decoded({ kind: "basic" })).toMatch(/needs a place of its keys/);
  expect(decoded({ kind: "basic", file: "users", realm: "r" })).toMatch(/realm is not known here/);
});

test("a provider of certificates", () => {
  const fingerprint = "AB".repeat(32);
  const colons = fingerprint.replaceAll(/..(?=.)/g, "$&:");
  expect(
    decoded({
      kind: "mtls",
      uris: "spiffe://a",
      dns: ["A.example"],
      emails: "a@b",
      subjects: ["CN=a"],
      fingerprints: [fingerprint, colons],
    }),
  ).toEqual({
    kind: "mtls",
    namespaces: [],
    places: [],
    from: null,
    any: false,
    subjects: ["CN=a"],
    dnsNames: ["a.example"],
    uris: ["spiffe://a"],
    emails: ["a@b"],
    fingerprints: Array.from({ length: 2 }, () => fingerprint.toLowerCase()),
  });
  expect(decoded({ kind: "mtls", any: true })).toMatchObject({ any: true });
  expect(decoded({ kind: "mtls" })).toMatch(/must say whose certificates are taken/);
  expect(decoded({ kind: "mtls", any: true, dns: "a" })).toMatch(/and not both/);
  expect(decoded({ kind: "mtls", fingerprints: "ab" })).toMatch(/not a SHA-256/);
  expect(decoded({ kind: "mtls", dns: "*.example" })).toMatch(/dns is "\*\.example", which is not a whole name/);
});

describe("with its keys", () => {
  function completed(
    provider: Fields,
    material: Material | null,
  ): { readonly provider: Provider; readonly told: readonly string[] } {
    const outcome = decodePolicyFile(JSON.stringify({ providers: { corp: provider } }));
    if (outcome.kind === "wrong") throw new Error(outcome.sentences.join());
    const told: string[] = [];
    const { providers } = completePolicy(
      outcome.value,
      () => material,
      (_, sentence) => told.push(sentence),
    );
    return { provider: providers["corp"]!, told };
  }

  const { jwks: _, ...rest } = jwt;
  const inSecret = { ...rest, secret: "ops/keys" };
  const text = (value: string): Buffer => Buffer.from(value);
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

  test("a provider of tokens has those of all entries of its Secret", () => {
    const material = new Map([
      ["jwks.json", text(jwksOf(pairOf("a")))],
      ["tls.crt", text(publicKey.export({ type: "spki", format: "pem" }))],
    ]);
    expect(completed(inSecret, material)).toMatchObject({
      provider: { keysUrl: null, keys: [{ kid: "a" }, { kid: null }] },
      told: [],
    });
  });

  test("what is no key is told, without a word of it, and the others stay", () => {
    const secret = privateKey.export({ type: "pkcs8", format: "pem" });
    const { provider, told } = completed(
      inSecret,
      new Map([
        ["tls.key", text(secret)],
        ["a", text(jwksOf(pairOf("a")))],
      ]),
    );
    expect(provider).toMatchObject({ keys: [{ kid: "a" }] });
    expect(told).toEqual([
      "its keys cannot be used: tls.key: it holds a private key, which is not needed here: give the public key or the certificate",
    ]);
    expect(completed(inSecret, new Map([["tls.key", text(secret)]])).provider).toMatchObject({ keys: null });
  });

  test("keys that are not there are none", () => {
    expect(completed(inSecret, null)).toMatchObject({
      provider: { keys: null },
      told: ["its keys are not there (secret ops/keys), so it admits nobody: create it"],
    });
    expect(completed(jwt, null)).toMatchObject({
      provider: { keys: null, keysUrl: "https://login.example/jwks" },
      told: [],
    });
    expect(completed({ kind: "basic", file: "f" }, null)).toMatchObject({
      provider: { users: null },
      told: ["its keys are not there (file f), so it admits nobody: create it"],
    });
  });

  test("a provider of passwords has those of all entries", () => {
    const line = (user: string): string => `${user}:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=`;
    const { provider, told } = completed(
      { kind: "basic", secret: "ops/users" },
      new Map([
        ["auth", text(`${line("a")}\nplain:secret`)],
        ["more", text(line("b"))],
      ]),
    );
    expect(provider).toMatchObject({ users: { a: { kind: "sha1" }, b: { kind: "sha1" } } });
    expect(told).toEqual([expect.stringMatching(/^line 2 has no hash that is taken here(?!.*secret)/)]);
  });
});
