// What holds for a Mapping: what its object says, else its namespace, else the platform. One rule for the data plane, `explain`, `who` and `check`.
import type { Guard } from "../../routing/model/guard.ts";
import type { CallPolicy } from "./call-policy.ts";

/** Who may call. */
export type Admittance =
  | { readonly kind: "anybody"; readonly since: Since }
  /** Whom one of these admits; all of them are known. */
  | { readonly kind: "providers"; readonly names: readonly string[]; readonly since: Since }
  /** `sentence`: why, for whoever declared it. */
  | { readonly kind: "nobody"; readonly sentence: string; readonly since: Since };

/** What says so: the object itself (its annotation), the rules of its namespace or of all in the policy, or nothing at all. */
export type Since = "object" | "namespace" | "defaults" | "nothing";

/** Who may call what is declared so in this namespace. `policy` null: it is not known yet, and then nobody may. */
export function admittanceOf({ auth }: Guard, namespace: string, policy: CallPolicy | null): Admittance {
  if (policy === null) return { kind: "nobody", sentence: "the policy is not read yet", since: "defaults" };
  const own = Object.hasOwn(policy.namespaces, namespace) ? policy.namespaces[namespace]! : null;
  const [said, since]: [readonly string[] | "none" | null, Since] =
    own !== null && own.auth !== null
      ? [own.auth, "namespace"]
      : [policy.defaults.auth, policy.defaults.auth === null ? "nothing" : "defaults"];
  if (auth === null)
    return said === null || said === "none" ? { kind: "anybody", since } : providersOf(said, namespace, since, policy);
  if (auth.kind === "providers") return providersOf(auth.names, namespace, "object", policy);
  if (auth.granted || own?.mayOpen === true || said === null || said === "none")
    return { kind: "anybody", since: "object" };
  return {
    kind: "nobody",
    sentence: `the platform does not permit none in this namespace, so Sluice rejects every request: write names of providers, or ask the gateway's operator for mayOpen in the policy, or for a Grant with anonymous: true`,
    since: "object",
  };
}

function providersOf(names: readonly string[], namespace: string, since: Since, policy: CallPolicy): Admittance {
  const unknown = names.find((name) => !Object.hasOwn(policy.providers, name));
  if (unknown !== undefined) {
    const known = Object.keys(policy.providers).slice(0, 8).join(", ");
    return {
      kind: "nobody",
      sentence: `the policy has no provider ${unknown}, so Sluice rejects every request: write ${known === "" ? "none, as the policy declares no provider, or have it declared there (--policy)" : `one of ${known}, or have it declared in the policy`}`,
      since,
    };
  }
  const closed = names.find(
    (name) => policy.providers[name]!.namespaces.length > 0 && !policy.providers[name]!.namespaces.includes(namespace),
  );
  if (closed !== undefined)
    return {
      kind: "nobody",
      sentence: `the provider ${closed} does not serve namespace ${namespace}, so Sluice rejects every request: name another, or ask the gateway's operator to add the namespace to it in the policy`,
      since,
    };
  return { kind: "providers", names, since };
}
