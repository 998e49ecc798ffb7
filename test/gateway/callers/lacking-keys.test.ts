import { expect, test } from "vitest";
import { lackingKeys } from "../../../gateway/callers/lacking-keys.ts";
import { decodePolicyFile } from "../../../gateway/callers/policy-file.ts";

const providers = "providers: { a: { kind: api-keys, file: /a }, b: { kind: api-keys, file: /b } }\n";

/** Those of the policy with these rules, where the places of these providers gave nothing. */
function lacking(rules: string, lack: readonly string[], opens = false): readonly string[] {
  const outcome = decodePolicyFile(providers + rules);
  if (outcome.kind === "wrong") throw new Error(outcome.sentences.join());
  return lackingKeys(outcome.value, (name) => lack.includes(name), opens);
}

test("nobody is admitted where every rule names providers and no provider has keys", () => {
  expect(lacking("defaults: { auth: a }", ["a", "b"])).toEqual(["a", "b"]);
  expect(
    lacking("defaults: { auth: a }\nnamespaces: { prod: { auth: b }, dev: { allow: 10.0.0.0/8 } }", ["a", "b"]),
  ).toEqual(["a", "b"]);
});

test.each([
  ["an object may name a provider that has keys", "defaults: { auth: a }", ["a"], false],
  ["nothing is said", "defaults: {}", ["a", "b"], false],
  ["the default is open", "defaults: { auth: none }", ["a", "b"], false],
  ["a namespace is open", "defaults: { auth: a }\nnamespaces: { prod: { auth: none } }", ["a", "b"], false],
  ["a namespace may open", "defaults: { auth: a }\nnamespaces: { prod: { mayOpen: true } }", ["a", "b"], false],
  ["a Grant opens", "defaults: { auth: a }", ["a", "b"], true],
])("somebody may be admitted: %s", (_, rules, lack, opens) => {
  expect(lacking(rules, lack, opens)).toEqual([]);
});
