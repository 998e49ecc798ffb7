// Call policies for tests.
import { createHash } from "node:crypto";
import { noPolicy, type CallPolicy } from "../gateway/callers/call-policy.ts";
import type { ApiKeysProvider } from "../gateway/callers/providers/api-keys.ts";
import { plainGuard, type Guard } from "../routing/model/guard.ts";

/** A provider of API keys in `x-api-key`: clients by key. */
export function keysProvider(
  clients: Readonly<Record<string, string>>,
  more: Partial<ApiKeysProvider> = {},
): ApiKeysProvider {
  const hashed = Object.fromEntries(
    Object.entries(clients).map(([key, client]) => [createHash("sha256").update(key).digest("hex"), client]),
  );
  return {
    kind: "api-keys",
    namespaces: [],
    places: [{ kind: "header", name: "x-api-key" }],
    clients: hashed,
    ...more,
  };
}

/** A policy that knows these providers, which know nobody. */
export function policyWith(...names: readonly string[]): CallPolicy {
  return { ...noPolicy, providers: Object.fromEntries(names.map((name) => [name, keysProvider({})])) };
}

/** It names these providers. */
export function guardOf(...names: readonly string[]): Guard {
  return { ...plainGuard, auth: { kind: "providers", names } };
}
