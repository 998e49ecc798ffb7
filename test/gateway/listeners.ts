import { readFile } from "node:fs/promises";

/** Listeners on a port: one a data worker. */
export async function listeners(port: number): Promise<number> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = (await readFile("/proc/net/tcp", "latin1")).split("\n").map((row) => row.trim().split(/\s+/));
  return rows.filter(([, local, , state]) => local?.endsWith(suffix) === true && state === "0A").length;
}
