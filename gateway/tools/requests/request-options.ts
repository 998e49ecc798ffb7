// What `sluice failures` and `sluice logs` have in common.
import { failureFlags } from "../../failures.ts";
import { text } from "../../options/option.ts";

export const flagOption = {
  flag: text(
    "FLAG",
    "only requests with this failure flag, for example UH; -: failures that the model answered itself",
  ),
};

export function isFlag(written: string): boolean {
  return written === "-" || Object.hasOwn(failureFlags, written);
}
