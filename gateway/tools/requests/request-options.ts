// What `sluice failures` and `sluice logs` have in common.
import { failureFlags } from "../../failure-flags.ts";
import { text } from "../../options/option.ts";

export const flagOption = {
  flag: text(
    "FLAG",
    "only requests with this failure flag, for example UH; -: failures that the model answered itself",
  ),
};

/** One sentence; null: it is right, or not written. */
export function wrongFlag(written: string | null): string | null {
  return written === null || written === "-" || Object.hasOwn(failureFlags, written)
    ? null
    : `--flag is "${written}": write a failure flag, for example UH, or -`;
}
