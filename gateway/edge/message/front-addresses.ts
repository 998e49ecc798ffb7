// Addresses that may call anything at all, as the configuration says of every request.
import { printAddress, readAddress } from "../../../routing/text/address.ts";
import type { AddressBlocks } from "../../../routing/text/address-block.ts";
import type { FrontAddresses } from "../io/front.ts";
import type { ClientFacts } from "./client-facts.ts";
import type { WireRequestHead } from "./request-head.ts";
import { readClientAddress } from "./request-values.ts";

/** Of the request that is looked at. */
const client = new Uint8Array(16);
const peer = new Uint8Array(16);

/** Null: it may. Else what is told of the address, and nothing of the lists. */
export function refusedAddress(
  head: WireRequestHead,
  facts: ClientFacts,
  rules: readonly FrontAddresses[],
): string | null {
  const clientLength = readClientAddress(head, facts, client);
  const peerLength = readAddress(facts.peer, 0, facts.peer.length, peer);
  for (const rule of rules) {
    const isListed = holds(rule.remote, client, clientLength) || holds(rule.peer, peer, peerLength);
    // Nobody's address may be the one that was meant.
    const isUnknown = (rule.remote !== null && clientLength === 0) || (rule.peer !== null && peerLength === 0);
    if (rule.kind === "allow" ? isListed : !isListed && !isUnknown) continue;
    return clientLength === 0
      ? "a proxy in front did not say which it is"
      : printAddress([...client.subarray(0, clientLength)]);
  }
  return null;
}

function holds(blocks: AddressBlocks | null, address: Uint8Array, length: 0 | 4 | 16): boolean {
  return blocks !== null && length !== 0 && blocks.holds(address, length);
}
