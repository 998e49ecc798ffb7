// Claim entries: which namespace owns which prefix of shared space, or which bare gRPC name, and since when. The record of them is an input of translation, and
// what it should become is an output: only who holds something is in it, so that nobody gains a place by claiming what another holds.
import { hostText } from "../../../routing/model/match-precedence.ts";
import { hostWithin } from "../meaning/grant.ts";
import { beginsWith, foldedText, samePath } from "../values/letter-case.ts";
import type { ClaimArea } from "../meaning/meaning.ts";

export type ClaimedThing =
  | { readonly kind: "prefix"; readonly area: ClaimArea }
  | { readonly kind: "name"; readonly name: string };

export interface ClaimEntry {
  readonly namespace: string;
  readonly thing: ClaimedThing;
  /** Epoch ms; 0 for names. Of two that overlap, the earlier stands. Only its order counts: clocks of replicas differ. */
  readonly sinceMs: number;
}

/** By `entryKey`. */
export type ClaimRecord = ReadonlyMap<string, ClaimEntry>;

/** One that the record should hold from now on. */
export interface NewClaim {
  readonly namespace: string;
  readonly thing: ClaimedThing;
  /** Inherited from a wider claim of the namespace; null: from the moment when it is recorded. */
  readonly sinceMs: number | null;
  /** Number of the change in which it was first seen: an earlier one is recorded as earlier. */
  readonly sequence: number;
}

/** What the record should become. */
export interface RecordChange {
  readonly added: readonly NewClaim[];
  /** Keys of those that were given up. */
  readonly ended: readonly string[];
}

export function entryKey(namespace: string, thing: ClaimedThing): string {
  return thing.kind === "name" ? `${namespace} #${thing.name}` : `${namespace} ${areaText(thing.area)}`;
}

/** The same for areas that are the same and for no others: by it a claim is found to be another. Never begins with `#`, as bare names do in keys. */
export function areaText({ prefix, exact, caseSensitive, host }: ClaimArea): string {
  return `${exact ? "=" : "^"}${caseSensitive ? "" : "i"} ${JSON.stringify(caseSensitive ? prefix : foldedText(prefix))} ${host.kind} ${hostText(host)}`;
}

/** Is every request of `inner` one of `outer`? */
export function areaWithin(inner: ClaimArea, outer: ClaimArea): boolean {
  if ((outer.caseSensitive && !inner.caseSensitive) || (outer.exact && !inner.exact)) return false;
  if (!hostWithin(inner.host, outer.host)) return false;
  return outer.exact
    ? samePath(inner.prefix, outer.prefix, outer.caseSensitive)
    : beginsWith(inner.prefix, outer.prefix, outer.caseSensitive);
}

/** New claims as they are recorded: in order of their sequences, each sequence later than the one before and than `afterMs`. */
export function stamped(claims: readonly NewClaim[], afterMs: number, nowMs: number): readonly ClaimEntry[] {
  let sinceMs = Math.max(nowMs, afterMs + 1) - 1;
  let sequence = -Infinity;
  return [...claims]
    .sort((a, b) => a.sequence - b.sequence)
    .map((claim) => {
      if (claim.sinceMs === null && claim.sequence > sequence) {
        sequence = claim.sequence;
        sinceMs += 1;
      }
      return {
        namespace: claim.namespace,
        thing: claim.thing,
        sinceMs: claim.thing.kind === "name" ? 0 : (claim.sinceMs ?? sinceMs),
      };
    });
}

/** The latest time in a record; 0 when it is empty. */
export function latestOf(record: ClaimRecord): number {
  let latestMs = 0;
  for (const { sinceMs } of record.values()) latestMs = Math.max(latestMs, sinceMs);
  return latestMs;
}
