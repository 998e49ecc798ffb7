// What a command of the sources prints.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const main = new URL("../../gateway/main.ts", import.meta.url).pathname;

/** Its standard output. Rejects when it does not end well. */
export async function printed(...argv: readonly string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [main, ...argv], { env: { PATH: process.env["PATH"] } })).stdout;
}
