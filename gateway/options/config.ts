// The options of `sluice serve`: from arguments and environment to Settings.
import { availableParallelism } from "node:os";
import { mostPlatformBlocks, readBlocks } from "../../routing/text/address-block.ts";
import { limitOptions, limitsOf } from "./limit-options.ts";
import { addressOf, choiceOf, dayMs, hourMs, integerOf, textOf } from "./option-values.ts";
import { decoding, parseOptions, wrongValue, type Option, type Written } from "./options.ts";
import { parseRedisUrl } from "./redis-settings.ts";
import { mostWorkers, type ClusterSettings, type Settings } from "./settings.ts";
import { plainTlsDefaults, suiteFault, type TlsDefaults } from "./tls-defaults.ts";

export type ServeConfig =
  /** `settings.grants` is empty still: `grantsFile` names the file to read them from, or null. */
  | {
      readonly kind: "settings";
      readonly settings: Settings;
      readonly grantsFile: string | null;
      /** What is said once at the start, or null. */ readonly notice: string | null;
    }
  | { readonly kind: "help" }
  | { readonly kind: "wrong"; readonly sentence: string };

/** Where Kubernetes mounts a pod's service account. */
const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Every option of `sluice serve`, in the order of its help. */
export const serveOptions: readonly Option[] = [
  {
    name: "source",
    kind: "text",
    placeholder: "cluster|folder",
    help: "where Sluice reads manifests (cluster; folder when --folder is given)",
  },
  { name: "folder", kind: "list", placeholder: "DIR", help: "a directory of manifests; Sluice watches it" },
  {
    name: "kubeconfig",
    kind: "text",
    placeholder: "FILE",
    help: "how to reach the cluster (in a pod: its service account; else KUBECONFIG or ~/.kube/config)",
  },
  { name: "context", kind: "text", placeholder: "NAME", help: "context of the kubeconfig (the current one)" },
  {
    name: "service-account",
    kind: "text",
    placeholder: "DIR",
    help: `in a pod, the directory with token and ca.crt (${serviceAccountFolder})`,
  },
  {
    name: "snapshot",
    kind: "text",
    placeholder: "FILE",
    help: "keep the last good objects in this file, so that Sluice can start while the API server is down (none)",
  },
  { name: "listen", kind: "text", placeholder: "HOST:PORT", help: "address for cleartext traffic (:8080)" },
  {
    name: "tls-listen",
    kind: "text",
    placeholder: "HOST:PORT",
    help: "address for TLS traffic; certificates come from the options below and from Host and TLSContext objects",
  },
  {
    name: "tls-cert",
    kind: "text",
    placeholder: "FILE",
    help: "certificate chain for hosts without a certificate of their own, PEM; Sluice watches it",
  },
  { name: "tls-key", kind: "text", placeholder: "FILE", help: "private key of --tls-cert, PEM" },
  {
    name: "tls-certs",
    kind: "list",
    placeholder: "DIR",
    help: "a directory of certificates; Sluice watches it. NAME.crt with NAME.key, or NAME/tls.crt with NAME/tls.key, serves the hosts that the certificate names; default.crt serves all other hosts",
  },
  {
    name: "tls-ticket-keys",
    kind: "text",
    placeholder: "FILE",
    help: "secret that replicas share, so that a client can resume its TLS session at any of them: a line of `openssl rand -base64 48`; Sluice watches it (each process makes its own)",
  },
  {
    name: "tls-min-version",
    kind: "text",
    placeholder: "1.2|1.3",
    help: "lowest TLS version where no TLSContext sets one (1.2)",
  },
  {
    name: "tls-cipher-suites",
    kind: "list",
    placeholder: "NAME",
    help: "cipher suite by its OpenSSL name, in order of preference, where no TLSContext sets any (Mozilla's intermediate: ECDHE with AES-GCM or ChaCha20)",
  },
  {
    name: "admin",
    kind: "text",
    placeholder: "HOST:PORT",
    help: "address for health, metrics and the admin API (127.0.0.1:8877; in a pod :8877)",
  },
  {
    name: "admin-token",
    kind: "text",
    placeholder: "TOKEN",
    help: "bearer token that /api requires when the admin port is bound beyond loopback",
  },
  {
    name: "admin-host",
    kind: "list",
    placeholder: "NAME",
    help: "host name that the admin port accepts, besides addresses and localhost",
  },
  { name: "workers", kind: "text", placeholder: "N", help: `threads that serve traffic, 1 to ${mostWorkers} (cores)` },
  {
    name: "table-mib",
    kind: "text",
    placeholder: "N",
    help: "memory limit of the routing table in MiB, 16 to 1024 (512); unused memory is not resident",
  },
  {
    name: "ambassador-id",
    kind: "list",
    placeholder: "ID",
    help: "ambassador_id of this gateway (AMBASSADOR_ID, else default)",
  },
  { name: "namespace", kind: "list", placeholder: "NS", help: "watch this namespace only (all)" },
  {
    name: "single-namespace",
    kind: "flag",
    placeholder: "",
    help: "also serve /seldon/<name>/; needs exactly one --namespace",
  },
  {
    name: "claims",
    kind: "text",
    placeholder: "open|granted",
    help: "who may claim paths outside /seldon/; open: every namespace, granted: only those with a Grant (open)",
  },
  {
    name: "claims-record",
    kind: "text",
    placeholder: "[NS/]NAME|FILE",
    help: "where Sluice records which namespace owns each prefix and bare name: a ConfigMap (in a pod: sluice-claims in its namespace), for a folder a file (none)",
  },
  {
    name: "gateway-namespace",
    kind: "text",
    placeholder: "NS",
    help: "namespace of the gateway; its Module counts (AMBASSADOR_NAMESPACE; in a pod: the pod's; for a folder: that of objects without one)",
  },
  {
    name: "grants",
    kind: "text",
    placeholder: "FILE",
    help: "file of Grants: what a namespace may claim that it does not own",
  },
  {
    name: "policy",
    kind: "text",
    placeholder: "FILE",
    help: "file that says who may call: the providers that authenticate callers, and the defaults where a manifest says nothing; Sluice watches it",
  },
  { name: "bare-names", kind: "text", placeholder: "on|off", help: "accept gRPC calls that name no namespace (on)" },
  {
    name: "mappings",
    kind: "flag",
    placeholder: "",
    help: "also read Mapping objects, the Module and annotated Services (always on for a folder)",
  },
  {
    name: "dial",
    kind: "text",
    placeholder: "endpoints|service",
    help: "connect to Endpoints or to the ClusterIPs of Services (endpoints)",
  },
  {
    name: "trusted-hops",
    kind: "text",
    placeholder: "N",
    help: "number of proxies in front whose x-forwarded-* headers Sluice trusts, 0 to 10 (from the Module, else 0)",
  },
  {
    name: "proxy-protocol",
    kind: "text",
    placeholder: "off|plain|tls|both",
    help: "ports on which every connection begins with a PROXY protocol header, version 1 or 2 (off)",
  },
  {
    name: "proxy-protocol-from",
    kind: "list",
    placeholder: "BLOCK",
    help: "expect that header only from these addresses, for example 10.0.0.0/8; all others are clients (expect it from all)",
  },
  {
    name: "access-log",
    kind: "text",
    placeholder: "off|errors|all",
    help: "which requests get a line in the log (errors)",
  },
  {
    name: "oauth",
    kind: "flag",
    placeholder: "",
    help: "serve Seldon's OAuth gateway: POST /oauth/token, and /api/v0.1 and v1.0 with its tokens",
  },
  {
    name: "redis",
    kind: "text",
    placeholder: "URL",
    help: "where replicas share tokens and rate limits: redis://HOST:PORT, rediss://, redis+sentinel://, redis+cluster:// (in the memory of this process)",
  },
  {
    name: "redis-password-file",
    kind: "text",
    placeholder: "FILE",
    help: "file with the password for --redis; Sluice reads it before each connection (none)",
  },
  {
    name: "redis-ca",
    kind: "text",
    placeholder: "FILE",
    help: "CA certificates for rediss://, PEM (those of the system)",
  },
  {
    name: "redis-timeout-ms",
    kind: "text",
    placeholder: "MS",
    help: "how long Sluice waits for an answer of Redis, 1 to 10000 (50)",
  },
  {
    name: "worker-stall-ms",
    kind: "text",
    placeholder: "MS",
    help: "replace a data worker whose event loop is blocked for this long; 1000 or more, 0: never (5000)",
  },
  {
    name: "drain-wait-ms",
    kind: "text",
    placeholder: "MS",
    help: "after SIGTERM, keep serving new connections for this long (5000)",
  },
  {
    name: "drain-grace-ms",
    kind: "text",
    placeholder: "MS",
    help: "after that, give requests in flight at most this long to finish (60000)",
  },
  ...limitOptions,
];

/** Decodes the arguments after `serve`. Besides `SLUICE_…` it reads AMBASSADOR_ID, AMBASSADOR_SINGLE_NAMESPACE and AMBASSADOR_NAMESPACE (routing rule 2). */
export function decodeServe(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ServeConfig {
  const parsed = parseOptions(serveOptions, argv, environment);
  if (parsed.kind !== "parsed") return parsed;
  const stray = parsed.positionals[0];
  if (stray !== undefined)
    return {
      kind: "wrong",
      sentence: `"${stray}" is not an option: write --folder ${stray} to serve a directory of manifests`,
    };
  const decoded = decoding(() => settingsOf(parsed.options, environment));
  if (decoded.kind === "wrong") return decoded;
  return {
    kind: "settings",
    settings: decoded.value,
    grantsFile: parsed.options.get("grants")?.values[0] ?? null,
    notice: parsed.options.has("claims") ? null : openClaimsNotice(decoded.value),
  };
}

/** Nobody has said who may claim what: what the default means where several namespaces meet. */
function openClaimsNotice({ namespaces, source }: Settings): string | null {
  if (namespaces.length === 1) return null;
  const isKept = (source.kind === "folder" ? source.claimsFile : source.claims) !== null;
  const record = isKept
    ? ""
    : " Sluice forgets the owners at a restart, and then the older object wins: write --claims-record to keep them.";
  return `Sluice watches several namespaces and --claims is open by default: the first namespace to use a prefix outside /seldon/ or a bare gRPC name owns it. This does not isolate tenants from each other.${record} Write --claims granted with --grants FILE where tenants do not trust each other, or --claims open if you mean this.`;
}

function settingsOf(
  options: ReadonlyMap<string, Written>,
  environment: Readonly<Record<string, string | undefined>>,
): Settings {
  const inPod = (environment["KUBERNETES_SERVICE_HOST"] ?? "") !== "";
  const limits = limitsOf(options);
  const namespaces = namespacesOf(options, environment);
  const claims = choiceOf(options, "claims", ["open", "granted"]);
  // One namespace contests nothing, and Grants say whose a prefix is.
  const source = sourceOf(options, environment, claims === "open" && namespaces.watched.length !== 1);
  return {
    source,
    listen: addressOf(options.get("listen"), { host: null, port: 8080 }),
    tls: tlsOf(options),
    admin: {
      ...addressOf(options.get("admin"), inPod ? { host: null, port: 8877 } : { host: "127.0.0.1", port: 8877 }),
      token: textOf(options, "admin-token"),
      hosts: hostsOf(options),
    },
    workers: integerOf(options, "workers", 1, mostWorkers, Math.min(mostWorkers, availableParallelism())),
    tableMebibytes: integerOf(options, "table-mib", 16, 1024, 512),
    ambassadorIds: idsOf(options, environment),
    namespaces: namespaces.watched,
    singleNamespace: namespaces.single,
    claims,
    grants: [],
    gatewayNamespace: gatewayNamespaceOf(options, environment, source, namespaces.single),
    policyFile: options.get("policy")?.values[0] ?? null,
    bareNames: choiceOf(options, "bare-names", ["on", "off"]),
    oauth: options.has("oauth"),
    mappings: options.has("mappings"),
    dial: choiceOf(options, "dial", ["endpoints", "service"]),
    trustedHops: options.has("trusted-hops") ? integerOf(options, "trusted-hops", 0, 10, 0) : null,
    proxyProtocol: proxyOf(options),
    accessLog: choiceOf(options, "access-log", ["errors", "off", "all"]),
    redis: redisOf(options),
    limits,
    connectionIdleWritten: options.has("connection-idle-timeout-ms"),
    drainWaitMs: integerOf(options, "drain-wait-ms", 0, hourMs, 5000),
    drainGraceMs: integerOf(options, "drain-grace-ms", 0, dayMs, 60_000),
    workerStallMs: stallOf(options),
  };
}

/** `recorded`: claims can be contested, so that it is kept who holds them. */
function sourceOf(
  options: ReadonlyMap<string, Written>,
  environment: Readonly<Record<string, string | undefined>>,
  recorded: boolean,
): Settings["source"] {
  const folders = options.get("folder")?.values ?? [];
  const kind =
    folders.length > 0 && !options.has("source") ? "folder" : choiceOf(options, "source", ["cluster", "folder"]);
  if (kind === "folder" && folders.length === 0) wrongValue("--source folder needs a directory: write --folder DIR");
  if (kind === "cluster" && folders.length > 0)
    wrongValue("--folder does not work with --source cluster: write --folder DIR alone");
  if (kind === "cluster") {
    const access = accessOf(options, environment);
    const claims = claimsMapOf(options.get("claims-record"), access.kind === "pod");
    return { kind, access, claims: recorded ? claims : null, snapshotFile: textOf(options, "snapshot") };
  }
  const stray = ["kubeconfig", "context", "service-account", "snapshot"]
    .map((name) => options.get(name))
    .find((written) => written !== undefined);
  if (stray !== undefined) wrongValue(`${stray.from} works only with --source cluster: remove it, or remove --folder`);
  return { kind, folders, claimsFile: recorded ? textOf(options, "claims-record") : null };
}

/** Outside a pod nothing is written into a cluster that nobody asked for. */
function claimsMapOf(written: Written | undefined, inPod: boolean): ClusterSettings["claims"] {
  if (written === undefined) return inPod ? { namespace: null, name: "sluice-claims" } : null;
  const text = written.values[0]!;
  const [, namespace, name] = /^(?:([a-z0-9][-a-z0-9]{0,62})\/)?([a-z0-9][-a-z0-9.]{0,252})$/.exec(text) ?? [];
  if (name === undefined || (namespace === undefined && !inPod))
    wrongValue(`${written.from} is "${text}": write the ConfigMap as NAMESPACE/NAME${inPod ? " or NAME" : ""}`);
  return { namespace: namespace ?? null, name };
}

/** A kubeconfig that somebody names counts in a pod too. */
function accessOf(
  options: ReadonlyMap<string, Written>,
  environment: Readonly<Record<string, string | undefined>>,
): ClusterSettings["access"] {
  const host = environment["KUBERNETES_SERVICE_HOST"] ?? "";
  const account = options.get("service-account");
  if (account !== undefined && host === "")
    wrongValue(`${account.from} works only in a pod, and KUBERNETES_SERVICE_HOST is not set: write --kubeconfig FILE`);
  if (host === "" || options.has("kubeconfig") || options.has("context"))
    return { kind: "kubeconfig", file: textOf(options, "kubeconfig"), context: textOf(options, "context") };
  const port = environment["KUBERNETES_SERVICE_PORT"] ?? "";
  return {
    kind: "pod",
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port === "" ? "443" : port}`,
    folder: textOf(options, "service-account") ?? serviceAccountFolder,
  };
}

function tlsOf(options: ReadonlyMap<string, Written>): Settings["tls"] {
  const listen = options.get("tls-listen");
  const certFile = textOf(options, "tls-cert");
  const keyFile = textOf(options, "tls-key");
  const folders = options.get("tls-certs")?.values ?? [];
  const ticketKeysFile = textOf(options, "tls-ticket-keys");
  const stray = listen === undefined ? (options.get("tls-min-version") ?? options.get("tls-cipher-suites")) : undefined;
  if (stray !== undefined) return wrongValue(`${stray.from} needs a TLS port: write --tls-listen HOST:PORT too`);
  if (listen === undefined && certFile === null && keyFile === null && folders.length === 0 && ticketKeysFile === null)
    return null;
  if (listen === undefined) return wrongValue("certificates need a TLS port: write --tls-listen HOST:PORT");
  if ((certFile === null) !== (keyFile === null))
    return wrongValue("a certificate needs its key: write --tls-cert FILE --tls-key FILE");
  return {
    ...addressOf(listen, { host: null, port: 8443 }),
    certFile,
    keyFile,
    folders,
    ticketKeysFile,
    defaults: tlsDefaultsOf(options),
  };
}

function tlsDefaultsOf(options: ReadonlyMap<string, Written>): TlsDefaults {
  const lowest = choiceOf(options, "tls-min-version", ["1.2", "1.3"]);
  const written = options.get("tls-cipher-suites");
  // As OpenSSL writes a list of them, too.
  const cipherSuites = written?.values.flatMap((text) => text.split(/[,:]/)) ?? plainTlsDefaults.cipherSuites;
  for (const name of written === undefined ? [] : cipherSuites) {
    const fault = suiteFault(name);
    if (fault !== null)
      wrongValue(
        `${written!.from} has "${name}", ${fault}: write names such as ECDHE-ECDSA-AES128-GCM-SHA256 or TLS_AES_128_GCM_SHA256`,
      );
  }
  const isOfLowest = cipherSuites.some((name) => name.startsWith("TLS_"));
  if (lowest === "1.3" && written !== undefined && !isOfLowest)
    wrongValue(
      `${written.from} has suites of TLS 1.2 only, and --tls-min-version is 1.3: write suites such as TLS_AES_128_GCM_SHA256, or --tls-min-version 1.2`,
    );
  if (lowest === "1.2" && cipherSuites.every((name) => name.startsWith("TLS_")))
    wrongValue(
      `${written!.from} has suites of TLS 1.3 only, and --tls-min-version is 1.2: write suites such as ECDHE-ECDSA-AES128-GCM-SHA256 too, or --tls-min-version 1.3`,
    );
  return { minVersion: `TLSv${lowest}`, cipherSuites };
}

function redisOf(options: ReadonlyMap<string, Written>): Settings["redis"] {
  const written = options.get("redis");
  const stray = ["redis-password-file", "redis-ca", "redis-timeout-ms"]
    .map((name) => options.get(name))
    .find((one) => one !== undefined);
  if (written === undefined)
    return stray === undefined ? null : wrongValue(`${stray.from} needs a Redis: write --redis URL too`);
  const parsed = parseRedisUrl(written.values[0]!);
  if (parsed.kind === "wrong") return wrongValue(`${written.from} ${parsed.sentence}`);
  const caFile = textOf(options, "redis-ca");
  if (caFile !== null && !parsed.url.tls) wrongValue("--redis-ca needs TLS: write --redis rediss://HOST:PORT");
  return {
    ...parsed.url,
    caFile,
    passwordFile: textOf(options, "redis-password-file"),
    timeoutMs: integerOf(options, "redis-timeout-ms", 1, 10_000, 50),
  };
}

function proxyOf(options: ReadonlyMap<string, Written>): Settings["proxyProtocol"] {
  const on = choiceOf(options, "proxy-protocol", ["off", "plain", "tls", "both"]);
  const from = options.get("proxy-protocol-from");
  if (from === undefined) return { on, from: null };
  if (on === "off")
    return wrongValue(`${from.from} needs --proxy-protocol: write --proxy-protocol plain, tls or both, or remove it`);
  const parsed = readBlocks(
    from.values.flatMap((text) => text.split(",")).map((text) => text.trim()),
    mostPlatformBlocks,
  );
  return parsed.kind === "blocks"
    ? { on, from: parsed.blocks }
    : wrongValue(`${from.from} ${parsed.reason}: write addresses or blocks, for example 10.0.0.0/8`);
}

function idsOf(
  options: ReadonlyMap<string, Written>,
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const written = options.get("ambassador-id")?.values ?? [environment["AMBASSADOR_ID"] ?? ""];
  const ids = written
    .flatMap((text) => text.split(","))
    .map((id) => id.trim())
    .filter((id) => id !== "");
  return ids.length === 0 ? ["default"] : ids;
}

function namespacesOf(
  options: ReadonlyMap<string, Written>,
  environment: Readonly<Record<string, string | undefined>>,
): { watched: readonly string[]; single: string | null } {
  const watched = [...(options.get("namespace")?.values ?? [])];
  const ambassadorSingle = (environment["AMBASSADOR_SINGLE_NAMESPACE"] ?? "") !== "";
  const ambassadorNamespace = environment["AMBASSADOR_NAMESPACE"] ?? "";
  // Ambassador's pair restricts and names the namespace; without the namespace it says nothing that could be served.
  const alsoAmbassador = ambassadorSingle && ambassadorNamespace !== "";
  if (alsoAmbassador && watched.length === 0) watched.push(ambassadorNamespace);
  const bad = watched.find((name) => !isNamespace(name));
  if (bad !== undefined) wrongValue(`"${bad}" is not a namespace: write lower-case letters, digits and -, at most 63`);
  if (!options.has("single-namespace") && !alsoAmbassador) return { watched, single: null };
  const [only] = watched;
  if (only === undefined || watched.length !== 1) {
    return wrongValue(
      `--single-namespace needs exactly one namespace and has ${watched.length}: write --single-namespace --namespace NS`,
    );
  }
  return { watched, single: only };
}

function isNamespace(name: string): boolean {
  return /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name);
}

/** A folder stands for the namespace that its objects without one have. In a cluster nothing is guessed. */
function gatewayNamespaceOf(
  options: ReadonlyMap<string, Written>,
  environment: Readonly<Record<string, string | undefined>>,
  source: Settings["source"],
  single: string | null,
): string | null {
  const written = textOf(options, "gateway-namespace");
  if (written !== null && !isNamespace(written))
    wrongValue(
      `${options.get("gateway-namespace")!.from} is "${written}", which is not a namespace: write lower-case letters, digits and -, at most 63`,
    );
  const ambassadors = environment["AMBASSADOR_NAMESPACE"] ?? "";
  if (written !== null || isNamespace(ambassadors)) return written ?? ambassadors;
  return source.kind === "folder" ? (single ?? "default") : (source.claims?.namespace ?? null);
}

function hostsOf(options: ReadonlyMap<string, Written>): readonly string[] {
  const written = options.get("admin-host");
  const bad = written?.values.find((name) => !/^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$/.test(name));
  return bad === undefined
    ? (written?.values ?? [])
    : wrongValue(`${written!.from} is "${bad}": write a host name without a port`);
}

function stallOf(options: ReadonlyMap<string, Written>): number {
  const name = "worker-stall-ms";
  const ms = integerOf(options, name, 0, hourMs, 5000);
  return ms === 0 || ms >= 1000
    ? ms
    : wrongValue(`${options.get(name)!.from} is "${ms}": write 0, or a whole number from 1000 to ${hourMs}`);
}
