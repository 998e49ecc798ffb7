// Access inside a pod: the service account's folder. Read by ourselves: KubeConfig takes 85 MB of memory and a second to load.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../objects/error-code.ts";
import type { ApiAccess } from "./api-access.ts";

/** The folder that Kubernetes mounts. `token` is replaced about hourly, `ca.crt` when authorities rotate: both are read for each request. */
export function podAccess(server: string, folder: string): ApiAccess {
  return {
    server,
    credentials: async () => ({
      headers: { authorization: `Bearer ${(await readAccountFile(folder, "token")).trim()}` },
      tls: { ca: await readAccountFile(folder, "ca.crt"), cert: null, key: null, verify: true, serverName: null },
      proxy: null,
    }),
    renew: async () => {},
  };
}

/** Rejects with one sentence. */
export async function readAccountFile(folder: string, name: string): Promise<string> {
  try {
    return await readFile(join(folder, name), "utf8");
  } catch (error) {
    throw new Error(
      `the service account's file ${join(folder, name)} cannot be read (${errorCode(error)}): mount the token (automountServiceAccountToken) or write --kubeconfig FILE`,
      { cause: error },
    );
  }
}
