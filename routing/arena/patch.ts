// Patch: what makes one plain value of another. Nearly all Mappings differ in a dozen texts from any other, so what is kept of one in memory is
// how it differs from a plain one. JSON: a text, number, boolean or null stands for itself, `[value]` for a list or an object as a whole, and an
// object has a patch for each key whose value differs.
import { sameValue } from "../text/diff.ts";

export type Patch = string | number | boolean | null | readonly [unknown] | { readonly [key: string]: Patch };

/** The patch that makes `value` of `base`, both JSON; undefined: they are equal. */
export function patchOf(base: unknown, value: unknown): Patch | undefined {
  if (base === value) return undefined;
  if (typeof value !== "object" || value === null) return value as Patch;
  if (!isPlain(base) || !isPlain(value) || base["kind"] !== value["kind"]) return whole(base, value);
  let patch: Record<string, Patch> | undefined;
  let keys = 0;
  for (const key in value) {
    const before = base[key];
    // JSON has no undefined and no functions; `__proto__` is no key that could be set one by one.
    if (before === undefined || typeof before === "function" || key === "__proto__") return whole(base, value);
    keys += 1;
    const part = patchOf(before, value[key]);
    if (part !== undefined) (patch ??= {})[key] = part;
  }
  for (const _key in base) keys -= 1;
  return keys === 0 ? patch : [value];
}

/** The value that the patch makes of `base`; parts that do not differ are those of `base`. */
export function patched(base: unknown, patch: Patch | undefined): unknown {
  if (patch === undefined) return base;
  if (typeof patch !== "object" || patch === null) return patch;
  if (isWhole(patch)) return patch[0];
  const value: Record<string, unknown> = { ...(base as Readonly<Record<string, unknown>>) };
  for (const key in patch) value[key] = patched(value[key], patch[key]);
  return value;
}

function isWhole(patch: Patch): patch is readonly [unknown] {
  return Array.isArray(patch);
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function whole(base: unknown, value: unknown): Patch | undefined {
  return sameValue(base, value) ? undefined : [value];
}
