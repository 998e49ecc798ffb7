// Names that every plain object of JavaScript answers to, in the policy, in Grants and in options: they mean what any other word of their form means there, so they let nobody in.
import { load } from "js-yaml";
import { expect, test } from "vitest";
import { admittanceOf } from "../../../gateway/callers/effective.ts";
import { limitsOf } from "../../../gateway/callers/effective-limits.ts";
import { completePolicy, decodePolicyFile } from "../../../gateway/callers/policy-file.ts";
import { decodeGrants, grantFields } from "../../../gateway/options/grants.ts";
import { nameOf, variableOf } from "../../../gateway/options/option.ts";
import { serveOptions } from "../../../gateway/options/serve-options.ts";
import { changed, forms, names, wordLike, type Tree } from "../../prototype-words.ts";
import { decodeServe } from "./decode-serve.ts";

/** What `of` makes of a text with this word, with WORD in its place. */
function outcome(word: string, of: () => unknown): string {
  return JSON.stringify(of()).replaceAll(new RegExp(word, "gi"), "WORD");
}

function expectSame(tree: Tree, of: (tree: Tree, word: string) => unknown): void {
  const failures: string[] = [];
  for (const form of forms)
    for (const word of names) {
      const other = wordLike(word);
      const others = [...changed(tree, [], other, form)];
      for (const [at, one] of [...changed(tree, [], word, form)].entries())
        if (outcome(word, () => of(one, word)) !== outcome(other, () => of(others[at]!, other)))
          failures.push(JSON.stringify(one));
    }
  expect(failures.slice(0, 5)).toEqual([]);
}

const policy = `
clientHeader: true
limitsWithoutRedis: share
defaults: { auth: keys, deny: 192.0.2.0/24, rateLimit: 5/s }
namespaces: { models: { auth: [keys], allow: [10.0.0.0/8], mayOpen: true } }
viewers: { dashboard: { secret: ops/token, namespaces: [models] } }
providers:
  keys: { kind: api-keys, file: keys.txt, in: [header x-key, query key], namespaces: [models] }
  users: { kind: basic, secret: ops/users }
  tokens: { kind: jwt, issuer: https://a.example, jwks: https://a.example/keys, audiences: [a] }
  certificates: { kind: mtls, any: true }
`;

test("in the policy: who may call, and how much, in a namespace and by a provider of that name too", () => {
  expect(decodePolicyFile(policy)).not.toHaveProperty("sentences");
  expectSame(load(policy) as Tree, (tree, word) => {
    const decoded = decodePolicyFile(JSON.stringify(tree));
    if (decoded.kind === "wrong") return decoded.sentences;
    const said: string[] = [];
    const complete = completePolicy(
      decoded.value,
      () => null,
      (provider, sentence) => void said.push(`${provider} ${sentence}`),
    );
    const guards = [
      null,
      { kind: "none", granted: false },
      { kind: "providers", names: [word] },
      { kind: "providers", names: ["keys", word] },
    ];
    return [
      complete,
      said,
      ["models", word, "other"].map((namespace) => [
        guards.map((auth) => admittanceOf({ auth } as never, namespace, complete)),
        limitsOf({ limits: null } as never, namespace, complete),
      ]),
    ];
  });
});

test("in Grants", () => {
  const whole = Object.fromEntries(
    Object.keys(grantFields).map((field) => [field, field === "namespace" ? "prod" : field.endsWith("s") ? [] : true]),
  );
  expectSame({ grants: [whole, { namespace: "prod", prefixes: ["/pay/"], hosts: ["*.a.example"] }] }, (tree) =>
    decodeGrants(tree, "g.yaml"),
  );
});

test.each(Object.keys(serveOptions).map(nameOf))("in --%s, on the command line and in its variable", (name) => {
  for (const form of forms)
    for (const word of names) {
      const of = (one: string): unknown[] => {
        const value = form(one);
        const text = typeof value === "string" ? value : JSON.stringify(value);
        return [decodeServe([`--${name}`, text], {}), decodeServe([], { [variableOf(name)]: text })];
      };
      expect(outcome(word, () => of(word))).toBe(outcome(wordLike(word), () => of(wordLike(word))));
    }
});
