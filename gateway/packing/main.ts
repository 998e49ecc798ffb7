// Makes the packed form in `packed/` where it does not fit the sources: `node gateway/packing/main.ts`. With --check it only says whether it fits.
// Exit codes: 0 it fits, 1 it does not, and why is on standard error.
import { fileURLToPath } from "node:url";
import { staleReason } from "./inputs.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = fileURLToPath(new URL("../../packed", import.meta.url));

async function run(argv: readonly string[]): Promise<number> {
  const reason = staleReason(root, folder);
  if (reason === null) return 0;
  if (argv.includes("--check")) return refuse(`the packed form does not fit the sources (${reason}): run npm run pack`);
  try {
    // Its packages belong to a checkout.
    const { pack } = await import("./pack.ts");
    await pack(root, folder);
    return 0;
  } catch (error) {
    return refuse(`the sources cannot be packed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function refuse(sentence: string): number {
  process.stderr.write(`sluice: ${sentence}\n`);
  return 1;
}

process.exitCode = await run(process.argv.slice(2));
