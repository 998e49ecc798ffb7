// CallerBucket: the group of callers that a request's caller is in. The evidence of a release is counted by it.
import { secondDraw } from "../../../routing/collections/key-hash.ts";
import { noKey } from "../../../routing/route/sticky-key.ts";
import { callerBuckets } from "../../shared/evidence-counts.ts";
import { hashRange, hashText } from "../balancing/sticky-hash.ts";
import { readClientAddress } from "../message/request-values.ts";
import type { StepRequest } from "./step.ts";

/** Nobody knows the caller. */
export const noBucket = -1;

/** Bytes of an IPv6 address that say whose it is: who has one address has all of its /64. */
const networkBytes = 8;
/** Groups are drawn for themselves: which member of the Route a key falls on says nothing of them. */
const salt = 0x6ca11e25;

/** Of the request that is looked at: steps do not nest. */
const address = new Uint8Array(16);

/**
 * 0 to `callerBuckets` − 1, by the sticky key of the request, else by who calls, else by the client's address; `noBucket`: none of them is known. The same in each worker and replica, and of both arms of
 * a release. Allocates nothing.
 */
export function callerBucket({
  stickyPoint,
  caller,
  head,
  facts,
}: Pick<StepRequest, "stickyPoint" | "caller" | "head" | "facts">): number {
  if (stickyPoint !== noKey) return Math.floor(secondDraw(stickyPoint, salt) * callerBuckets);
  if (caller !== null) return hashText(caller.client) % callerBuckets;
  const length = readClientAddress(head, facts, address);
  return length === 0 ? noBucket : hashRange(address, 0, Math.min(length, networkBytes)) % callerBuckets;
}
