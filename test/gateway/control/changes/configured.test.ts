// What another policy and other certificates say otherwise, without a word of their keys.
import { expect, test } from "vitest";
import { certificateDifferences, policyDifferences } from "../../../../gateway/control/changes/configured.ts";
import { noPolicy, type CallPolicy } from "../../../../gateway/callers/call-policy.ts";
import { whatChanged } from "../../../../gateway/api/changes.ts";
import type { CertificateEntry } from "../../../../gateway/shared/certificates.ts";

test("a policy: providers, defaults and namespaces by name, options with their values", () => {
  const with_ = (more: object): CallPolicy => ({ ...noPolicy, ...more });
  const before = with_({ providers: { gone: { key: "secret1" }, other: { key: "secret2" }, same: {} } });
  const after = with_({
    providers: { other: { key: "secret3" }, same: {}, come: { key: "secret4" } },
    defaults: { ...noPolicy.defaults, auth: "x" },
    namespaces: { prod: {} },
    limitsWithoutRedis: "close",
  });
  const told = policyDifferences(before, after);
  expect(told.map(whatChanged)).toEqual([
    "providers.gone: absent",
    "providers.other: changed",
    "providers.come: absent → present",
    "namespaces.prod: absent → present",
    "defaults: changed",
    "limitsWithoutRedis: share → close",
  ]);
  expect(JSON.stringify(told)).not.toContain("secret");
  expect(policyDifferences(after, after)).toEqual([]);
});

test("certificates: by name, with the day until which a new one is valid", () => {
  const entry = (name: string, digest: string) => ({ name, digest }) as CertificateEntry;
  const told = certificateDifferences(
    [entry("gone.crt", "1"), entry("a.crt", "1"), entry("b.crt", "1"), entry("c.crt", "1")],
    [entry("a.crt", "2"), entry("b.crt", "1"), entry("c.crt", "2"), entry("come.crt", "1")],
    [{ name: "a.crt", notAfterMs: Date.UTC(2027, 0, 2) }],
  );
  expect(told.map((one) => `${one.object.name} ${whatChanged(one)}`)).toEqual([
    "gone.crt deleted",
    "a.crt certificate: valid until 2027-01-02T00:00:00.000Z",
    "c.crt certificate: changed",
    "come.crt created",
  ]);
});
