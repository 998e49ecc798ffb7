import { printLimit } from "../../../routing/model/rate-limit.ts";
import { describe, expect, test } from "vitest";
import { apiKeysOf, type ApiKeysDeclaration } from "../../../gateway/callers/providers/api-keys.ts";
import {
  completePolicy,
  decodePolicyFile,
  maxPolicyBytes,
  type PolicyDeclaration,
} from "../../../gateway/callers/policy-file.ts";

function policyOf(text: string): PolicyDeclaration {
  const outcome = decodePolicyFile(text);
  if (outcome.kind === "wrong") throw new Error(outcome.sentences.join("\n"));
  return outcome.value;
}

function wrongOf(text: string): string {
  const outcome = decodePolicyFile(text);
  return outcome.kind === "wrong" ? outcome.sentences.join("\n") : "right";
}

const whole = `
clientHeader: true
defaults: { auth: keys, deny: 192.0.2.0/24 }
namespaces:
  sandbox: { auth: none, mayOpen: true }
  models: { auth: [keys, partners], allow: [10.0.0.0/8, "2001:DB8::/32, 10.1.2.3"] }
providers:
  keys: { kind: api-keys, secret: ops/keys }
  partners: { kind: api-keys, file: partners.txt, in: [header x-partner, query key, bearer, basic], namespaces: [models] }
`;

test("a whole file", () => {
  expect(policyOf(whole)).toEqual({
    clientHeader: true,
    limitsWithoutRedis: "share",
    viewers: {},
    defaults: { auth: ["keys"], allow: null, deny: ["192.0.2.0/24"], limits: null },
    namespaces: {
      sandbox: { auth: "none", allow: null, deny: null, limits: null, mayOpen: true },
      models: {
        auth: ["keys", "partners"],
        allow: ["10.0.0.0/8", "2001:db8::/32", "10.1.2.3/32"],
        deny: null,
        limits: null,
        mayOpen: false,
      },
    },
    providers: {
      keys: {
        kind: "api-keys",
        namespaces: [],
        from: { kind: "secret", namespace: "ops", name: "keys" },
        places: [{ kind: "header", name: "x-api-key" }],
      },
      partners: {
        kind: "api-keys",
        namespaces: ["models"],
        from: { kind: "file", file: "partners.txt" },
        places: [
          { kind: "header", name: "x-partner" },
          { kind: "query", name: "key" },
          { kind: "bearer" },
          { kind: "basic" },
        ],
      },
    },
  });
});

test("a file that says nothing", () => {
  expect(policyOf("{}")).toEqual({
    clientHeader: false,
    limitsWithoutRedis: "share",
    viewers: {},
    defaults: { auth: null, allow: null, deny: null, limits: null },
    namespaces: {},
    providers: {},
  });
});

test("a namespace called defaults has its rules beside those of all", () => {
  expect(
    policyOf("{ defaults: {}, namespaces: { defaults: { deny: 192.0.2.0/24 } } }").namespaces["defaults"]?.deny,
  ).toEqual(["192.0.2.0/24"]);
});

// As whoever writes in place leaves it for a moment: it must not open what was closed.
test.each([
  ["defaults:", /^defaults is empty/],
  ["namespaces:", /^namespaces is empty/],
  ["providers:", /^providers is empty/],
  ["clientHeader:", /^clientHeader is empty/],
  ["namespaces: { models: { mayOpen: } }", /^namespaces\.models\.mayOpen is empty/],
  ["providers: { keys: { kind: api-keys, file: f, namespaces: } }", /^providers\.keys\.namespaces is empty/],
  ["providers: { keys: { kind: api-keys, file: f, namespaces: [] } }", /^providers\.keys\.namespaces is empty/],
  ["providers: { keys: { kind: api-keys, file: f, in: } }", /^providers\.keys\.in is empty/],
  [
    "providers: { corp: { kind: jwt, issuer: i, audiences: [a], file: f, claims: } }",
    /^providers\.corp\.claims is empty/,
  ],
  [
    "providers: { corp: { kind: jwt, issuer: i, audiences: [a], file: f, claims: { role: } } }",
    /^providers\.corp\.claims\.role is empty/,
  ],
  [
    "providers: { corp: { kind: jwt, issuer: i, audiences: [a], file: f, claims: {} } }",
    /^providers\.corp\.claims is empty: write claims/,
  ],
  [
    'providers: { keys: { kind: api-keys, file: f, namespaces: [" "] } }',
    /^providers\.keys\.namespaces\[0\] is " ", which is not the name of a namespace/,
  ],
  [
    "{ namespaces: { defaults: { auth: keys } }, providers: { keys: { kind: api-keys, file: f } } }",
    /^namespaces\.defaults are rules of a namespace of this name/,
  ],
])("%j: what was forgotten, or is not yet written, lets nobody in", (text, sentence) => {
  expect(wrongOf(text)).toMatch(sentence);
});

test.each(["", "\n", "# nothing", "null", "~"])("%j is no policy", (text) => {
  expect(wrongOf(text)).toMatch(/not YAML|is not a map/);
});

test.each<[string, RegExp]>([
  ["- a list", /is not a map/],
  ["a: [", /not YAML/],
  ["a: 1\na: 2", /not YAML/],
  ["default: { auth: x }", /^default is not known here/],
  ["defaults: { auht: x }", /^defaults.auht is not known here/],
  ["defaults: keys", /^defaults is not a map/],
  ["defaults: { auth: absent }", /names the provider absent/],
  ['defaults: { auth: "a,,b" }', /^defaults.auth does not say/],
  ['defaults: { auth: "" }', /^defaults.auth/],
  ["defaults: { auth: [none, x] }", /^defaults.auth does not say/],
  ["defaults: { auth: 7 }", /^defaults.auth/],
  ["limitsWithoutRedis: open", /^limitsWithoutRedis is none of share, close/],
  ["defaults: { rateLimit: many }", /^defaults\.rateLimit is not a rate limit \(it does not begin with a number/],
  ["defaults: { rateLimit: 7 }", /^defaults\.rateLimit/],
  ['defaults: { rateLimit: "" }', /^defaults\.rateLimit/],
  ["defaults: { rateLimit: }", /^defaults\.rateLimit/],
  ["defaults: { rateLimit: [1/s] }", /^defaults\.rateLimit/],
  ["namespaces: { prod: { rateLimit: 1/s; 1/s } }", /^namespaces\.prod\.rateLimit.*the same twice/],
  ["namespaces: { Prod: { auth: none } }", /not the name of a namespace/],
  ["namespaces: { __proto__: { auth: none } }", /not the name of a namespace/],
  ["namespaces: { prod: { mayOpen: yes please } }", /^namespaces.prod.mayOpen is neither/],
  ["providers: { Keys: { kind: api-keys, file: f } }", /not a name for a provider/],
  ["providers: { none: { kind: api-keys, file: f } }", /not a name for a provider/],
  ["providers: { keys: { kind: magic, file: f } }", /kind is "magic", which is not known: write api-keys, /],
  ["providers: { keys: { file: f } }", /^providers.keys.kind is missing/],
  ["providers: { keys: { kind: api-keys } }", /needs a place of its keys/],
  ["providers: { keys: { kind: api-keys, file: f, secret: a/b } }", /has its keys in two places/],
  ["providers: { keys: { kind: api-keys, secret: keys } }", /write NAMESPACE\/NAME/],
  ["providers: { keys: { kind: api-keys, file: f, in: [] } }", /in/],
  ["providers: { keys: { kind: api-keys, file: f, in: [cookie x] } }", /not a place for it/],
  ["providers: { keys: { kind: api-keys, file: f, in: [header host] } }", /not a place for it/],
  ["providers: { keys: { kind: api-keys, file: f, key: x } }", /^providers.keys.key is not known here/],
  ["defaults: { auth: }", /^defaults\.auth is empty/],
  ["defaults: { allow: }", /^defaults\.allow is empty/],
  ["defaults: { allow: [] }", /^defaults.allow names no address/],
  ['defaults: { deny: "" }', /^defaults.deny/],
  ["defaults: { deny: [10.0.0.0/8, office] }", /^defaults.deny has "office", which is neither/],
  ["defaults: { deny: [10.0.0.0/8, 7] }", /^defaults\.deny\[1\] is not a text/],
  ["namespaces: { prod: { allow: 10.0.0.1/8 } }", /^namespaces.prod.allow has "10.0.0.1\/8", whose address has bits/],
  ['clientHeader: "true"', /neither true nor false/],
])("%s", (text, sentence) => {
  expect(wrongOf(text)).toMatch(sentence);
});

test.each([
  [-1, "right"],
  [0, "right"],
  [1, "longer"],
])("a file of the most bytes and %i", (more, outcome) => {
  expect(wrongOf(`{}\n#${"x".repeat(maxPolicyBytes + more - 4)}`)).toContain(outcome);
});

describe("API keys", () => {
  const declaration = policyOf(whole).providers["partners"] as ApiKeysDeclaration;
  const read = (lines: string): { readonly clients: readonly string[]; readonly wrong: readonly string[] } => {
    const wrong: string[] = [];
    const { clients } = apiKeysOf(declaration, new Map([["", Buffer.from(lines)]]), wrong);
    return { clients: Object.values(clients), wrong };
  };

  test("one a line, or its hash", () => {
    expect(read(`# ours\n\napp  secret-key-1\r\nbatch\tsha256:${"A".repeat(64)}\n`)).toEqual({
      clients: ["app", "batch"],
      wrong: [],
    });
  });

  test("keys of a Secret by client, and nothing of them in what is said", () => {
    const wrong: string[] = [];
    const { clients } = apiKeysOf(
      policyOf(whole).providers["keys"] as ApiKeysDeclaration,
      new Map([
        ["app", Buffer.from("secret-key-1\n")],
        ["short", Buffer.from("short77")],
        ["a b", Buffer.from("secret-key-2")],
        ["nul", Buffer.from("secret\0key")],
      ]),
      wrong,
    );
    expect(Object.values(clients)).toEqual(["app"]);
    expect(wrong).toHaveLength(3);
    expect(wrong.join()).not.toMatch(/short77|secret/);
  });

  test("a key of two clients is nobody's", () => {
    expect(read("a the-same-key\nb the-same-key\nc another-key")).toEqual({
      clients: ["c"],
      wrong: [expect.stringContaining("key of another client") as string],
    });
  });

  test.each([
    [7, 0],
    [8, 1],
    [4096, 1],
    [4097, 0],
  ])("a key of %i characters", (length, count) => {
    expect(read(`app ${"k".repeat(length)}`).clients).toHaveLength(count);
  });

  test.each([
    [9999, 0],
    [10_000, 0],
    [10_001, 1],
  ])("%i of them", (count, wrongs) => {
    const { clients, wrong } = read(
      Array.from({ length: count }, (_, index) => `c${index} key-number-${index}`).join("\n"),
    );
    expect([clients.length, wrong.length]).toEqual([Math.min(count, 10_000), wrongs]);
  });
});

test("keys that are not there admit nobody, and that is said", () => {
  const told: string[] = [];
  const { providers } = completePolicy(
    policyOf(whole),
    () => null,
    (provider, sentence) => told.push(`${provider}: ${sentence}`),
  );
  expect(providers["keys"]).toMatchObject({ clients: {} });
  expect(told).toEqual([
    expect.stringMatching(/^keys: its keys are not there \(secret ops\/keys\)/),
    expect.stringMatching(/^partners: .*file partners.txt/),
  ]);
});

test.each([
  [999, "right"],
  [1000, "right"],
  [1001, "has 1001 blocks, and 1000 are the most"],
])("%i blocks in a list", (count, outcome) => {
  expect(
    wrongOf(
      JSON.stringify({
        defaults: { deny: Array.from({ length: count }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`) },
      }),
    ),
  ).toContain(outcome);
});

test("limits of rate, for all and for a namespace", () => {
  const policy = policyOf(
    'defaults: { rateLimit: "50/s; 6/min per address" }\nnamespaces: { lab: { rateLimit: 1/d } }',
  );
  expect(policy.defaults.limits?.map(printLimit)).toEqual(["50/s", "6/min per address"]);
  expect(policy.namespaces["lab"]?.limits?.map(printLimit)).toEqual(["1/d"]);
});
