// Access by a kubeconfig: client certificates, tokens, exec plugins and OIDC, all read by KubeConfig of @kubernetes/client-node. No pod needs
// that package, so the image does not hold it: it is among the development packages of a checkout.
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node/dist/config.js";
import type { ApiAccess, Credentials } from "./api-access.ts";

/** Rejects with one sentence when there is no file, it does not parse, it lacks the context, or the package is not installed. `elsewhere`: what may be written instead of a cluster. */
export async function kubeconfigAccess(
  file: string | null,
  context: string | null,
  elsewhere: string,
): Promise<ApiAccess> {
  const files = file === null ? defaultFiles() : [file];
  const missing = file === null ? !files.some((one) => existsSync(one)) : !existsSync(file);
  if (missing) {
    throw new Error(
      `there is no cluster: this is no pod and the kubeconfig ${files.join(delimiter)} does not exist; write --kubeconfig FILE, or ${elsewhere}`,
    );
  }
  let config = await load(files, context);
  const { server } = config.getCurrentCluster()!;
  return {
    server: server.replace(/\/+$/, ""),
    credentials: () => credentialsOf(config),
    // Tokens of exec plugins and OIDC are remembered in the object.
    renew: async () => {
      config = await load(files, context);
    },
  };
}

/** Namespace of the context, as kubectl has it. Rejects as `kubeconfigAccess` does. */
export async function kubeconfigNamespace(file: string | null, context: string | null): Promise<string> {
  const config = await load(file === null ? defaultFiles() : [file], context);
  return config.getContextObject(config.getCurrentContext())?.namespace ?? "default";
}

function defaultFiles(): readonly string[] {
  const named = (process.env["KUBECONFIG"] ?? "").split(delimiter).filter((one) => one !== "");
  return named.length > 0 ? named : [join(homedir(), ".kube", "config")];
}

/** Several files are merged as kubectl does: the first one that says something counts. */
async function load(files: readonly string[], context: string | null): Promise<KubeConfig> {
  const { KubeConfig } = await loadModule();
  const config = new KubeConfig();
  const name = files.join(delimiter);
  try {
    const [first, ...others] = files.filter((file) => existsSync(file));
    config.loadFromFile(first!);
    for (const file of others) {
      const other = new KubeConfig();
      other.loadFromFile(file);
      config.mergeConfig(other, true);
    }
  } catch (error) {
    throw new Error(
      `the kubeconfig ${name} cannot be read (${firstLine(error)}): write --kubeconfig with a readable file`,
      { cause: error },
    );
  }
  if (context !== null) config.setCurrentContext(context);
  const chosen = config.getCurrentContext();
  if (config.getContextObject(chosen) === null) {
    const known = config
      .getContexts()
      .map((one) => one.name)
      .join(", ");
    throw new Error(
      `the kubeconfig ${name} has no context "${chosen}": write --context with one of ${known === "" ? "its contexts (it has none)" : known}`,
    );
  }
  if (config.getCurrentCluster() === null)
    throw new Error(
      `the context "${chosen}" of the kubeconfig ${name} names a cluster that it does not hold: write --context with another one`,
    );
  return config;
}

/** The module and not the package: the package loads every API besides. */
async function loadModule(): Promise<{ readonly KubeConfig: typeof KubeConfig }> {
  try {
    return await import("@kubernetes/client-node/dist/config.js");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND")) throw error;
    throw new Error(
      "a kubeconfig needs the package @kubernetes/client-node, which is not installed here (the image leaves it out): install it beside the npm package, use a checkout after npm ci, or run in a pod without --kubeconfig",
      { cause: error },
    );
  }
}

async function credentialsOf(config: KubeConfig): Promise<Credentials> {
  const applied: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(applied);
  } catch (error) {
    const server = config.getCurrentCluster()?.server ?? "";
    if (server.startsWith("http:"))
      throw new Error(
        `the kubeconfig names the API server ${server}, and credentials are not sent without TLS: write its address with https`,
        { cause: error },
      );
    throw new Error(
      `the kubeconfig gives no credentials (${firstLine(error)}): log in again or write another --context`,
      { cause: error },
    );
  }
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(applied.headers ?? {})) headers[name.toLowerCase()] = String(value);
  if (typeof applied.auth === "string")
    headers["authorization"] = `Basic ${Buffer.from(applied.auth).toString("base64")}`;
  const proxied = (config.getCurrentCluster()?.proxyUrl ?? "") !== "";
  return {
    headers,
    tls: {
      ca: pemOf(applied.ca),
      cert: pemOf(applied.cert),
      key: pemOf(applied.key),
      verify: applied.rejectUnauthorized !== false,
      serverName: applied.servername ?? null,
    },
    // Its agent is wanted for proxies alone: it remembers certificates for good.
    proxy: proxied && typeof applied.agent === "object" ? applied.agent : null,
  };
}

function pemOf(value: unknown): string | Buffer | null {
  return typeof value === "string" || Buffer.isBuffer(value) ? value : null;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0]!.slice(0, 200);
}
