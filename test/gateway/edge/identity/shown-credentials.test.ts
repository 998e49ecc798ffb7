// What the providers of a policy make of a request that is only explained: as a data worker would, without asking anybody.
import { hashSync } from "bcryptjs";
import { afterEach, expect, test } from "vitest";
import { noPolicy, type CallPolicy } from "../../../../gateway/callers/call-policy.ts";
import type { Provider } from "../../../../gateway/callers/providers/kinds.ts";
import { readPasswords } from "../../../../gateway/callers/providers/passwords.ts";
import type { LookedAt } from "../../../../gateway/callers/shown.ts";
import { ShownCredentials } from "../../../../gateway/edge/identity/shown-credentials.ts";
import { keysProvider } from "../../../policies.ts";
import { StoppedClock } from "../../../stopped-clock.ts";

const jwt: Provider = {
  kind: "jwt",
  namespaces: [],
  issuer: "https://login.example",
  audiences: ["models"],
  algorithms: ["RS256"],
  leewaySeconds: 30,
  maxAgeSeconds: null,
  requiredClaims: [],
  claimHeaders: [],
  clientClaim: ["sub"],
  places: [{ kind: "bearer" }],
  forwardsToken: false,
  keysUrl: "https://login.example/jwks",
  keys: [],
};
const policy: CallPolicy = {
  ...noPolicy,
  providers: {
    keys: keysProvider({ "correct-horse-battery": "mobile-app" }),
    people: {
      kind: "basic",
      namespaces: [],
      places: [{ kind: "basic" }],
      forwardsCredentials: false,
      users: readPasswords(`alice:${hashSync("right", 4)}`, []),
    },
    corp: jwt,
    far: { ...jwt, keys: null },
    machines: {
      kind: "mtls",
      namespaces: [],
      places: [],
      any: true,
      uris: [],
      dnsNames: [],
      emails: [],
      subjects: [],
      fingerprints: [],
    },
  },
};

let credentials = new ShownCredentials();
afterEach(() => {
  credentials.close();
  credentials = new ShownCredentials();
});

function look(provider: string, ...headers: (readonly [string, string])[]): Promise<LookedAt> {
  return credentials.look({ method: "POST", host: "h", path: "/p?a=1", headers }, provider, policy);
}

const basic = (pair: string): readonly [string, string] => [
  "Authorization",
  `Basic ${Buffer.from(pair).toString("base64")}`,
];
const text = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const unknownKey = `${text({ alg: "RS256", kid: "new" })}.${text({ iss: "https://login.example", aud: "models", exp: 4_000_000_000, sub: "x" })}.c2ln`;

test("each kind of provider", async () => {
  expect(await look("keys", ["x-api-key", "correct-horse-battery"])).toEqual({
    kind: "admitted",
    client: "mobile-app",
  });
  expect(await look("keys", ["x-api-key", "wrong"])).toMatchObject({ kind: "refused" });
  expect(await look("keys")).toEqual({ kind: "absent" });
  expect(await look("people", basic("alice:right"))).toEqual({ kind: "admitted", client: "alice" });
  expect(await look("people", basic("alice:wrong"))).toMatchObject({
    kind: "refused",
    sentence: "user or password is wrong",
  });
  expect(await look("corp", ["authorization", "Bearer a.b.c"])).toMatchObject({ kind: "refused" });
  expect(await look("far", ["authorization", "Bearer a.b.c"])).toEqual({
    kind: "not-looked",
    sentence: "its keys at https://login.example/jwks are not known here",
  });
  expect(await look("machines")).toEqual({
    kind: "not-looked",
    sentence: "a certificate is shown by TLS, and not in a header",
  });
});

test("a token of a key that is not there is refused, and nobody waits for a new one", async () => {
  // A request would wait 1.5 s, which never pass here.
  credentials = new ShownCredentials(new StoppedClock());
  expect(await look("corp", ["authorization", `Bearer ${unknownKey}`])).toMatchObject({
    kind: "refused",
    sentence: expect.stringContaining("does not publish") as string,
  });
});

test("another policy holds at once", async () => {
  expect(await look("keys", ["x-api-key", "correct-horse-battery"])).toMatchObject({ kind: "admitted" });
  const other = { ...policy, providers: { keys: keysProvider({ "another-key-of-theirs": "mobile-app" }) } };
  expect(
    await credentials.look(
      { method: "GET", host: "h", path: "/", headers: [["x-api-key", "correct-horse-battery"]] },
      "keys",
      other,
    ),
  ).toMatchObject({ kind: "refused" });
});

test.each([
  ["x-a", "a\r\nx-api-key: correct-horse-battery"],
  ["x-a", "a\0"],
  ["x a", "b"],
])("a field that no head can have is not looked at: %j", async (name, value) => {
  expect(await look("keys", [name, value], ["x-api-key", "correct-horse-battery"])).toEqual({
    kind: "not-looked",
    sentence: "the request is not one that can be sent",
  });
});
