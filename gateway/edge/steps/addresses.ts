// Addresses: may the address that a request comes from call this Mapping?
import { AddressBlocks } from "../../../routing/text/address-block.ts";
import { printAddress } from "../../../routing/text/address.ts";
import type { AddressRules } from "../../callers/address-rules.ts";
import { failures } from "../../failures.ts";
import { readClientAddress } from "../message/request-values.ts";
import { goOn, requestStep, type Step, type Verdict } from "./step.ts";

/** By list: those of the platform belong to many Mappings. */
const compiled = new WeakMap<readonly string[], AddressBlocks>();

function blocksOf(list: readonly string[]): AddressBlocks {
  const known = compiled.get(list);
  if (known !== undefined) return known;
  const blocks = new AddressBlocks(list);
  compiled.set(list, blocks);
  return blocks;
}

/** Of the request that is looked at: steps do not nest. */
const address = new Uint8Array(16);

/** Nobody's address is in no list that lets in, and is kept out by any that keeps out: it may be the one that was meant. */
const nobodys: Verdict = Object.freeze({
  kind: "fail",
  failure: failures.addressRefused,
  detail: "a proxy in front did not say which it is",
});

export function addressesStep({ deny, allow }: AddressRules): Step {
  const denied = deny.map(({ blocks }) => blocksOf(blocks));
  const allowed = allow.map(({ blocks }) => blocksOf(blocks));
  return requestStep("addresses", ({ head, facts }) => {
    const length = readClientAddress(head, facts, address);
    if (length === 0) return nobodys;
    for (const blocks of denied) if (blocks.holds(address, length)) return refused(length);
    for (const blocks of allowed) if (!blocks.holds(address, length)) return refused(length);
    return goOn;
  });
}

/** It is told which address we see, for whoever looks for the reason, and nothing of the lists. */
function refused(length: 4 | 16): Verdict {
  return { kind: "fail", failure: failures.addressRefused, detail: printAddress([...address.subarray(0, length)]) };
}
