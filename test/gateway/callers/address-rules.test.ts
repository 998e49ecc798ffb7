// Which lists of addresses hold for a Mapping: the platform's and its object's together.
import { expect, test } from "vitest";
import { addressRulesOf } from "../../../gateway/callers/address-rules.ts";
import { noPolicy, noRules, type CallPolicy } from "../../../gateway/callers/call-policy.ts";
import { plainGuard } from "../../../routing/model/guard.ts";

const [all, own, object] = [["10.0.0.0/8"], ["10.1.0.0/16"], ["10.1.2.0/24"]];
const policy: CallPolicy = {
  ...noPolicy,
  defaults: { ...noRules, allow: all, deny: ["192.0.2.0/24"] },
  namespaces: {
    prod: { ...noRules, allow: own, deny: ["10.1.9.0/24"], mayOpen: false },
    dev: { ...noRules, mayOpen: false },
  },
};

test("where nobody says anything any address may call", () => {
  expect(addressRulesOf(plainGuard, "prod", noPolicy)).toBeNull();
  expect(addressRulesOf(plainGuard, "prod", null)).toBeNull();
});

test("the object's holds beside the platform's; its namespace's in place of the defaults'", () => {
  expect(addressRulesOf({ allow: object, deny: null }, "prod", policy)).toMatchObject({
    allow: [
      { blocks: own, since: "namespace" },
      { blocks: object, since: "object" },
    ],
  });
  expect(addressRulesOf(plainGuard, "dev", policy)).toMatchObject({ allow: [{ blocks: all, since: "defaults" }] });
  expect(addressRulesOf(plainGuard, "other", policy)).toMatchObject({ allow: [{ blocks: all, since: "defaults" }] });
  expect(addressRulesOf({ allow: object, deny: null }, "prod", null)).toEqual({
    allow: [{ blocks: object, since: "object" }],
    deny: [],
  });
});

test("what anybody denies is denied", () => {
  expect(
    addressRulesOf({ allow: null, deny: ["10.1.2.3/32"] }, "prod", policy)!.deny.map(
      ({ blocks, since }) => `${since} ${blocks.join()}`,
    ),
  ).toEqual(["defaults 192.0.2.0/24", "namespace 10.1.9.0/24", "object 10.1.2.3/32"]);
  expect(addressRulesOf(plainGuard, "dev", policy)!.deny.map(({ since }) => since)).toEqual(["defaults"]);
});

test.each(["__proto__", "constructor", "toString"])("a namespace called %s has no rules of its own", (namespace) => {
  expect(addressRulesOf(plainGuard, namespace, policy)!.allow).toEqual([{ blocks: all, since: "defaults" }]);
});
