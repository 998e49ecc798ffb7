// Misplaced fields of a Mapping that other readers of the same document report.
import type { Misplaced } from "../fields/places.ts";

/** The readers of the guard, of a Mapping's fields and of what is in them report these. */
export function isReportedBelow({ place, level, near, decides }: Misplaced, isFlat: boolean): boolean {
  if (level === "metadata.annotations") return place === "here" || (place === "value" && near !== null);
  const spec = isFlat ? "" : "spec";
  if (place === "value" && (isFlat || level.startsWith("spec."))) return true;
  return (place === "here" && level === spec) || (!decides && (isFlat || level === spec || level.startsWith("spec.")));
}
