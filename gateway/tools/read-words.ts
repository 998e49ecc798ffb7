// What a tool has read of manifests, and what of them it has not, in words.
import { visible } from "../../routing/text/visible.ts";
import type { ReadCounts, Served } from "./manifests.ts";

/** `12 SeldonDeployments and 4 Services (3 objects of other kinds)`. `ofAnotherId`: objects of another ambassador-id. */
export function readWords(
  { kinds, unwatched, otherKinds, withoutNamespace, orphans }: ReadCounts,
  ofAnotherId: number,
): string {
  const order = [
    "SeldonDeployment",
    "Mapping",
    "Host",
    "TLSContext",
    "Module",
    "AuthService",
    "RateLimitService",
    "Service",
    "EndpointSlice",
    "Secret",
  ];
  const read = order.flatMap((kind) => (kinds.has(kind) ? [plural(kinds.get(kind)!, kind)] : []));
  const there =
    read.length === 0
      ? "nothing"
      : read.length === 1
        ? read[0]!
        : `${read.slice(0, -1).join(", ")} and ${read.at(-1)!}`;
  const beside = [
    otherKinds === 0 ? "" : `${plural(otherKinds, "object")} of other kinds`,
    unwatched === 0 ? "" : `${unwatched} in namespaces that are not watched`,
    ofAnotherId === 0 ? "" : `${ofAnotherId} of another ambassador-id`,
    orphans.length === 0 ? "" : `${orphans.length} of SeldonDeployments that are not there: ${orphanText(orphans)}`,
    withoutNamespace === 0
      ? ""
      : `${withoutNamespace} without a namespace, taken as of default: -n NAMESPACE for another`,
  ].filter((part) => part !== "");
  return `${there}${beside.length === 0 ? "" : ` (${beside.join(", ")})`}`;
}

/** Most objects that the line names. */
const mostNamed = 3;

function orphanText(orphans: ReadCounts["orphans"]): string {
  const named = orphans
    .slice(0, mostNamed)
    .map(({ ref, owner }) => visible(`${ref.kind} ${ref.namespace}/${ref.name} of ${owner}`));
  return orphans.length > mostNamed ? `${named.join("; ")}; …` : named.join("; ");
}

/** `3 Services`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** What a tool prints that finds no Routes; ends with a newline. */
export function nothingText({ read, translation }: Pick<Served, "read" | "translation">): string {
  return `no Routes; what was read: ${readWords(read, translation.ofAnother.length)}\n`;
}

/** Is there no object that routing reads, or none that is this gateway's? */
export function isNothingRead({ problems }: Pick<Served, "problems">): boolean {
  return problems.some(({ code }) => code === "nothing-read");
}
