// What the items of a List take from it.

/** What the items of a List are when they do not say it themselves. */
export interface ListItems {
  readonly kind: string | null;
  readonly apiVersion: string | null;
}

/** null: the object is no List. */
export function listItemsOf(kind: unknown, apiVersion: unknown): ListItems | null {
  if (typeof kind !== "string" || typeof apiVersion !== "string" || !kind.endsWith("List")) return null;
  return kind === "List" ? { kind: null, apiVersion: null } : { kind: kind.slice(0, -"List".length), apiVersion };
}
