// What tests start a gateway process from: the packed form, which is what people run (start.mjs, the image, the npm package) and which starts with a third of the CPU time;
// or with SLUICE_TEST_ENTRY=sources the sources.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { staleReason } from "../../gateway/packing/inputs.ts";
import { root } from "./packed-form.ts";

function entryOf(form: string): string {
  if (form === "sources") return join(root, "gateway/main.ts");
  if (form !== "packed") throw new Error(`SLUICE_TEST_ENTRY is "${form}": write packed or sources`);
  const folder = join(root, "packed");
  // A process of its own: who packs loads the packages that do.
  if (staleReason(root, folder) !== null) execFileSync(process.execPath, [join(root, "gateway/packing/main.ts")]);
  return join(folder, "main.js");
}

export const entry = entryOf(process.env["SLUICE_TEST_ENTRY"] ?? "packed");
