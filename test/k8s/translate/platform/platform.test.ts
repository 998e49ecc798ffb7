import { expect, test } from "vitest";
import { isWatched, platformNamespaces, refusesPlatform } from "../../../../k8s/translate/platform/platform.ts";
import { noGrant } from "../objects.ts";

const granted = { ...noGrant, namespace: "edge", gateway: true };

test("what configures the whole gateway counts from its own namespace and by a Grant, and nowhere else", () => {
  const settings = { gatewayNamespace: "ops", grants: [granted, { ...noGrant, namespace: "prod", prefixes: ["/"] }] };
  expect(platformNamespaces(settings)).toEqual(["ops", "edge"]);
  expect(["ops", "edge"].map((namespace) => refusesPlatform("Module", namespace, settings))).toEqual([null, null]);
  expect(refusesPlatform("Module", "prod", settings)).toMatch(
    /only from its own namespace, ops, or from one with a Grant.*gateway: true, or for --gateway-namespace prod$/,
  );
  expect(refusesPlatform("Host", "prod", { gatewayNamespace: null, grants: [] })).toMatch(
    /takes a Host only from its own namespace \(--gateway-namespace is not set\)/,
  );
});

test("it exists whichever namespaces are watched, and only it", () => {
  const settings = { gatewayNamespace: "ops", grants: [granted], namespaces: ["prod"] };
  const seen = (kind: string): readonly string[] =>
    ["prod", "ops", "edge", "other"].filter((namespace) => isWatched({ kind, namespace, name: "x" }, settings));
  expect(seen("Module")).toEqual(["prod", "ops", "edge"]);
  expect(seen("Mapping")).toEqual(["prod"]);
  expect(
    ["prod", "other"].filter((namespace) =>
      isWatched({ kind: "Mapping", namespace, name: "x" }, { ...settings, namespaces: [] }),
    ),
  ).toHaveLength(2);
});
