// Exclusive bind: data workers listen with reusePort, and a second gateway would share their port silently. So each address is bound
// without it once, and given back, before the first worker starts.
import { createServer } from "node:net";

export type BindOutcome =
  | { readonly kind: "free"; readonly host: string }
  /** One clear line. */
  | { readonly kind: "failed"; readonly sentence: string };

/**
 * Tries an address. Host null becomes `::`, both stacks, or `0.0.0.0` where there is no IPv6. `option` is what to change when it fails.
 */
export async function tryAddress(host: string | null, port: number, option: string): Promise<BindOutcome> {
  const wanted = host ?? "::";
  const code = await bindOnce(wanted, port);
  if (code === null) return { kind: "free", host: wanted };
  if (host === null && (code === "EAFNOSUPPORT" || code === "EADDRNOTAVAIL"))
    return tryAddress("0.0.0.0", port, option);
  return { kind: "failed", sentence: sentenceOf(code, printAddress(wanted, port), option) };
}

export function printAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function sentenceOf(code: string, address: string, option: string): string {
  switch (code) {
    case "EADDRINUSE":
      return `${address} is in use: stop what listens there, or write ${option} with another port`;
    case "EACCES":
      return `this user may not listen on ${address}: write ${option} with a port of 1024 or more`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `${address} is not an address of this machine: write ${option} with one that is, or :PORT for all`;
    default:
      return `Sluice cannot listen on ${address} (${code}): write ${option} with another address`;
  }
}

function bindOnce(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
