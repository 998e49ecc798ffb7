// What tests start a gateway process from: the sources, or with SLUICE_TEST_ENTRY=packed the packed form, which is what the image runs.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { root } from "./packed-form.ts";

function entryOf(form: string): string {
  if (form === "sources") return join(root, "gateway/main.ts");
  if (form !== "packed") throw new Error(`SLUICE_TEST_ENTRY is "${form}": write packed or sources`);
  execFileSync(process.execPath, [join(root, "gateway/packing/main.ts")]);
  return join(root, "packed/main.js");
}

export const entry = entryOf(process.env["SLUICE_TEST_ENTRY"] ?? "sources");
