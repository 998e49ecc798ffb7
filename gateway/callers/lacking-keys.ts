// Lacking keys: whether a policy could admit anybody at all with the keys that there are.
import type { PolicyDeclaration } from "./policy-file.ts";

/**
 * Names of providers without whose keys nobody at all is admitted; empty: somebody may be. `lacks`: the place of this provider's keys gave nothing so far, or nothing
 * that can be read (one that is there and empty lacks nothing: its operator said so). `opens`: something beside the policy lets anybody call, as a Grant with `anonymous: true` does.
 */
export function lackingKeys(
  { providers, defaults, namespaces }: PolicyDeclaration,
  lacks: (name: string) => boolean,
  opens: boolean,
): readonly string[] {
  const names = Object.keys(providers);
  const isOpen = (auth: readonly string[] | "none" | null): boolean => auth === null || auth === "none";
  if (opens || isOpen(defaults.auth)) return [];
  if (Object.values(namespaces).some(({ auth, mayOpen }) => mayOpen || auth === "none")) return [];
  return names.every(lacks) ? names : [];
}
