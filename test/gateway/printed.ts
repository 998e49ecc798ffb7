// What a command prints.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { entry } from "./entry.ts";

/** Its standard output. Rejects when it does not end well. */
export async function printed(...argv: readonly string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [entry, ...argv], { env: { PATH: process.env["PATH"] } })).stdout;
}
