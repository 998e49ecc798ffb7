// What another policy, or other certificates, say otherwise than those before. No value is told that could be a credential.
import { sameValue } from "../../../routing/text/diff.ts";
import type { Change } from "../../api/changes.ts";
import type { CallPolicy } from "../../callers/call-policy.ts";
import type { Settings } from "../../options/settings.ts";
import type { CertificateEntry, CertificateExpiry } from "../../shared/certificates.ts";

type Said = Pick<Change, "object" | "field" | "from" | "to">;

const policyObject = { kind: "Policy", namespace: "", name: "policy" };

/** One for each part: a provider with its keys, the defaults, the rules of a namespace. */
export function policyDifferences(before: CallPolicy, after: CallPolicy): readonly Said[] {
  const named = (["providers", "namespaces"] as const).flatMap((part) =>
    namesThatDiffer(before[part], after[part]).map(([name, from, to]) => ({ field: `${part}.${name}`, from, to })),
  );
  const defaults = sameValue(before.defaults, after.defaults) ? [] : [{ field: "defaults", from: "", to: "" }];
  const options = (["clientHeader", "limitsWithoutRedis"] as const).flatMap((field) =>
    before[field] === after[field] ? [] : [{ field, from: String(before[field]), to: String(after[field]) }],
  );
  return [...named, ...defaults, ...options].map((one) => ({ object: policyObject, ...one }));
}

/** By the namespace that they are for. */
export function grantDifferences(before: Settings["grants"], after: Settings["grants"]): readonly Said[] {
  const byNamespace = (grants: Settings["grants"]): Readonly<Record<string, unknown>> =>
    Object.fromEntries(Map.groupBy(grants, ({ namespace }) => namespace));
  const object = { kind: "Grants", namespace: "", name: "grants" };
  return namesThatDiffer(byNamespace(before), byNamespace(after)).map(([field, from, to]) => ({
    object,
    field,
    from,
    to,
  }));
}

/** By name: one that comes, goes, or is another. */
export function certificateDifferences(
  before: readonly CertificateEntry[],
  after: readonly CertificateEntry[],
  expiries: readonly CertificateExpiry[],
): readonly Said[] {
  const digests = (entries: readonly CertificateEntry[]): Readonly<Record<string, string>> =>
    Object.fromEntries(entries.map(({ name, digest }) => [name, digest]));
  const ends = new Map(expiries.map(({ name, notAfterMs }) => [name, notAfterMs]));
  return namesThatDiffer(digests(before), digests(after)).map(([name, from, to]) => {
    const endMs = ends.get(name);
    const object = { kind: "Certificate", namespace: "", name };
    if (to === "absent") return { object, field: "", from: "", to: "deleted" };
    if (from === "absent") return { object, field: "", from: "", to: "created" };
    const valid = endMs === undefined ? "" : `valid until ${new Date(endMs).toISOString()}`;
    return { object, field: "certificate", from: "", to: valid };
  });
}

type NamedDifference = readonly [name: string, from: "" | "absent", to: "" | "absent" | "present"];

/** `absent` stands for nothing, "" for something that is not shown. */
function namesThatDiffer(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): readonly NamedDifference[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name): readonly NamedDifference[] => {
    const [was, is] = [Object.hasOwn(before, name), Object.hasOwn(after, name)];
    if (was && is) return sameValue(before[name], after[name]) ? [] : [[name, "", ""]];
    return [[name, was ? "" : "absent", is ? "present" : "absent"]];
  });
}
