// Who asks for dear work: what strangers cost is bounded and shared by it.
import { readClientAddress } from "../message/request-values.ts";
import type { IdentityRequest } from "./verifier.ts";

const address = new Uint8Array(16);

/** An address, of IPv6 its network of 64 bits, as one client has many of these. Those whose address nobody knows are one. */
export function askerOf({ head, facts }: Pick<IdentityRequest, "head" | "facts">): string {
  const length = readClientAddress(head, facts, address);
  return Buffer.from(address.subarray(0, length === 16 ? 8 : length)).toString("hex");
}
