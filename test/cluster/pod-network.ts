// Addresses for pods on this machine. Sluice never dials loopback or an address of its own machine for a cluster, so the model
// servers of the tests get a subnet that Linux delivers locally by a route alone ("AnyIP"): they can listen on each of its addresses, and no
// interface has one.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Why this machine gives pods no addresses, or null. */
export const podNetworkMissing =
  process.platform === "linux" && process.getuid?.() === 0
    ? null
    : "routes for the addresses of pods need Linux and root";

/** A /24 of 198.18.0.0/15, which is set aside for tests (RFC 2544). */
export class PodNetwork {
  readonly #prefix: string;
  #last = 0;

  private constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Rejects with what the system said where it cannot be had. */
  static async create(): Promise<PodNetwork> {
    for (;;) {
      const prefix = `198.${18 + Math.floor(Math.random() * 2)}.${Math.floor(Math.random() * 256)}`;
      try {
        await run("ip", ["route", "add", "local", `${prefix}.0/24`, "dev", "lo"]);
        return new PodNetwork(prefix);
      } catch (error) {
        const said = (error as { readonly stderr?: string }).stderr ?? String(error);
        if (!said.includes("File exists"))
          throw new Error(`no addresses for pods: ip route add local: ${said.trim()}`, { cause: error });
      }
    }
  }

  /** An address that no pod had before. */
  address(): string {
    this.#last += 1;
    if (this.#last > 254) throw new Error("254 pods in one test");
    return `${this.#prefix}.${this.#last}`;
  }

  async remove(): Promise<void> {
    await run("ip", ["route", "del", "local", `${this.#prefix}.0/24`, "dev", "lo"]);
  }
}
