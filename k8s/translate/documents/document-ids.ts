// Whose a document is: the ids of the gateways that it is for.
import { arrayOf, fieldOf, scalarText, type UnknownRecord } from "../values/value.ts";

/** Ids of the document with these fields, else those of its origin; null: they cannot be read. */
export function idsOf(fields: UnknownRecord, ofOrigin: readonly string[]): readonly string[] | null {
  const written = fieldOf(fields, "ambassador_id") ?? fieldOf(fields, "ambassadorId") ?? undefined;
  if (written === undefined) return ofOrigin;
  const list = (Array.isArray(written) ? arrayOf(written) : [written]).map(scalarText).filter((id) => id !== null);
  if (list.length < (Array.isArray(written) ? written.length : 1)) return null;
  if (list.length > 0 && list.every((id) => id === "")) return null;
  return list.length === 0 ? ["default"] : list.map((id) => id.replace(/^--apiVersion-v3alpha1-only--/, ""));
}
