// The JSON Schemas of the policy and Grants files accept what the gateway accepts, and reject what an editor can see to be wrong.
import { Ajv } from "ajv";
import { load } from "js-yaml";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { decodePolicyFile } from "../../gateway/callers/policy-file.ts";
import { decodeGrants } from "../../gateway/options/grants.ts";
import { root } from "./packed-form.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const ajv = new Ajv({ allErrors: false });
const files = {
  policy: {
    validate: ajv.compile(JSON.parse(read("gateway/callers/policy.schema.json")) as object),
    accepts: (text: string) => decodePolicyFile(text).kind === "value",
  },
  grants: {
    validate: ajv.compile(JSON.parse(read("gateway/options/grants.schema.json")) as object),
    accepts: (text: string) => decodeGrants(load(text), "FILE").kind === "grants",
  },
} as const;
type FileKind = keyof typeof files;

type Example = readonly [kind: FileKind, where: string, text: string];

/** `policy` and `grants` files of goldens, and the examples of the pages. */
const examples: readonly Example[] = [
  ...readdirSync(join(root, "test/golden"), { recursive: true, encoding: "utf8" }).flatMap((path): Example[] => {
    const kind = /(?:^|\/)(policy|grants)\.yaml$/.exec(path)?.[1] as FileKind | undefined;
    return kind === undefined ? [] : [[kind, path, read(join("test/golden", path))]];
  }),
  ...["gateway/ACCESS.md", "gateway/TENANTS.md"].flatMap((page) =>
    Array.from(read(page).matchAll(/^```yaml\n([^]*?)^```/gm), ([, text]) => text!).flatMap((text): Example[] =>
      /^(?:defaults|providers):/.test(text)
        ? [["policy", page, text]]
        : text.startsWith("grants:")
          ? [["grants", page, text]]
          : [],
    ),
  ),
];

const right: readonly (readonly [FileKind, string])[] = [
  ["policy", "{}"],
  [
    "policy",
    "{ defaults: {}, namespaces: { a: { auth: [x, y], allow: 10.0.0.0/8 } }, providers: { x: { kind: mtls, any: true }, y: { kind: basic, file: f } } }",
  ],
  [
    "policy",
    'providers: { x: { kind: jwt, issuer: i, audiences: [a, b], secret: a/b.c, in: [bearer, cookie c], claims: { scope: a, "/a/b": [1, true] }, headers: { X-User: sub }, maxAgeSeconds: 1 } }',
  ],
  ["policy", `providers: { x: { kind: mtls, fingerprints: ${"AB:".repeat(31)}AB } }`],
  ["policy", "providers: { x: { kind: api-keys, file: f, in: [header x, query q, bearer, basic], namespaces: prod } }"],
  ["policy", "{ limitsWithoutRedis: close, defaults: { rateLimit: 1/s burst 2; 5/h per client } }"],
  ["grants", "grants: []"],
  ["grants", "grants: [{ namespace: a, prefixes: [/x/], hosts: ['*'], regex: true }]"],
];

/** An editor sees each of these. */
const wrong: readonly (readonly [FileKind, string])[] = [
  ["policy", "[]"],
  ["policy", "{ default: { auth: none } }"],
  ["policy", "{ defaults: { auht: none } }"],
  ["policy", "{ defaults: { auth: } }"],
  ["policy", "{ defaults: { auth: '' } }"],
  ["policy", "{ defaults: { mayOpen: true } }"],
  ["policy", "{ namespaces: { Prod: {} } }"],
  ["policy", "{ clientHeader: 'true' }"],
  ["policy", "{ limitsWithoutRedis: open }"],
  ["policy", "providers: { none: { kind: mtls, any: true } }"],
  ["policy", "providers: { x: { kind: magic, file: f } }"],
  ["policy", "providers: { x: { file: f } }"],
  ["policy", "providers: { x: { kind: basic, file: f, in: bearer } }"],
  ["policy", "providers: { x: { kind: api-keys, file: f, in: cookie c } }"],
  ["policy", "providers: { x: { kind: api-keys, file: f, namespaces: [] } }"],
  ["policy", "providers: { x: { kind: jwt, issuer: i, file: f } }"],
  ["policy", "providers: { x: { kind: jwt, issuer: i, audiences: [], file: f } }"],
  ["policy", "providers: { x: { kind: jwt, issuer: i, audiences: a, file: f, leewaySeconds: 301 } }"],
  ["policy", "providers: { x: { kind: jwt, issuer: i, audiences: a, file: f, algorithms: HS256 } }"],
  ["policy", "providers: { x: { kind: jwt, issuer: i, audiences: a, secret: keys } }"],
  ["policy", "providers: { x: { kind: mtls, dns: '*.example' } }"],
  ["policy", "providers: { x: { kind: mtls, fingerprints: ab } }"],
  ["grants", "{}"],
  ["grants", "grants: [{}]"],
  ["grants", "grants: [{ namespace: A }]"],
  ["grants", "grants: [{ namespace: a, prefix: /x/ }]"],
  ["grants", "grants: [{ namespace: a, hosts: [] }]"],
  ["grants", "grants: [{ namespace: a, hosts: a.com }]"],
  ["grants", "grants: [{ namespace: a, regex: 'yes' }]"],
  ["grants", "{ grants: [], hosts: [a.com] }"],
];

describe("the JSON Schema", () => {
  test("has examples of both files", () => {
    expect(examples.filter(([kind]) => kind === "policy").length).toBeGreaterThan(7);
    expect(examples.filter(([kind]) => kind === "grants").length).toBeGreaterThan(9);
  });

  test.each(examples)("of the %s file accepts the one of %s", (kind, _where, text) => {
    const { validate, accepts } = files[kind];
    expect(accepts(text)).toBe(true);
    validate(load(text));
    expect(validate.errors).toBeNull();
  });

  test.each(right)("of the %s file accepts %s", (kind, text) => {
    const { validate, accepts } = files[kind];
    expect(accepts(text)).toBe(true);
    validate(load(text));
    expect(validate.errors).toBeNull();
  });

  test.each(wrong)("of the %s file rejects %s", (kind, text) => {
    const { validate, accepts } = files[kind];
    expect([accepts(text), validate(load(text))]).toEqual([false, false]);
  });
});
