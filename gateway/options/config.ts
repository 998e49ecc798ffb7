// From the values of `sluice serve` to Settings: what belongs together, and what contradicts.
import { mostPlatformBlocks, readBlocks } from "../../routing/text/address-block.ts";
import { limitFields } from "./limits.ts";
import {
  decoding,
  isLoopback,
  isNamespace,
  pick,
  readNamespace,
  valuesOf,
  wrongValue,
  type Written,
} from "./option.ts";
import { readPeerPlace } from "./peer-place.ts";
import { plainFields, serveOptions, serviceAccountFolder, type ServeValues } from "./serve-options.ts";
import type { ClusterSettings, Settings } from "./settings.ts";
import { plainTlsDefaults, type TlsDefaults } from "./tls-defaults.ts";

export type ServeConfig =
  /** `settings.grants` is empty still: `grantsFile` names the file to read them from, or null. */
  | {
      readonly kind: "settings";
      readonly settings: Settings;
      readonly grantsFile: string | null;
      /** What is said once at the start, or null. */ readonly notice: string | null;
    }
  | { readonly kind: "wrong"; readonly sentence: string };

type Environment = Readonly<Record<string, string | undefined>>;

/** Decoded options, and which of them were written. */
export interface Chosen {
  readonly values: ServeValues;
  readonly written: ReadonlyMap<string, Written>;
  readonly positionals: readonly string[];
}

/** Besides `SLUICE_…`, which are read with the arguments, AMBASSADOR_SINGLE_NAMESPACE and AMBASSADOR_NAMESPACE count (routing rule 2), and in a pod those of Kubernetes. */
export function serveConfig(chosen: Chosen, environment: Environment): ServeConfig {
  const [stray] = chosen.positionals;
  if (stray !== undefined)
    return {
      kind: "wrong",
      sentence: `"${stray}" is not an option: write --folder ${stray} to serve a directory of manifests`,
    };
  const decoded = decoding(() => settingsOf(chosen, environment));
  if (decoded.kind === "wrong") return decoded;
  return {
    kind: "settings",
    settings: decoded.value,
    grantsFile: chosen.values.grants,
    notice: chosen.written.has("claims") ? null : openClaimsNotice(decoded.value),
  };
}

/** These values, and defaults for all others. A value counts as written. */
export function chosenOf(values: Partial<ServeValues>, written: ReadonlyMap<string, Written> = new Map()): Chosen {
  return { values: { ...valuesOf(serveOptions, new Map()), ...values }, written, positionals: [] };
}

/** Nobody has said who may claim what: what the default means where several namespaces meet. */
function openClaimsNotice({ namespaces }: Settings): string | null {
  if (namespaces.length === 1) return null;
  return `Sluice watches several namespaces and --claims is open by default: a prefix outside /seldon/ or a bare gRPC name belongs to the namespace whose object is the oldest. This does not isolate tenants from each other. Write --claims granted with --grants FILE where tenants do not trust each other, or --claims open if you mean this.`;
}

function settingsOf(chosen: Chosen, environment: Environment): Settings {
  const { values } = chosen;
  const inPod = (environment["KUBERNETES_SERVICE_HOST"] ?? "") !== "";
  const namespaces = namespacesOf(chosen, environment);
  const source = sourceOf(chosen, environment);
  const admin = {
    ...(values.admin ?? { host: inPod ? null : "127.0.0.1", port: 8877 }),
    token: values.adminToken,
    hosts: values.adminHost,
    viewers: adminViewersOf(values.adminViewers, source),
  };
  return {
    ...pick(values, plainFields),
    source,
    tls: tlsOf(chosen),
    admin,
    ambassadorIds: values.ambassadorId.length === 0 ? ["default"] : values.ambassadorId,
    namespaces: namespaces.watched,
    singleNamespace: namespaces.single,
    grants: [],
    gatewayNamespace: gatewayNamespaceOf(values, environment, source, namespaces.single),
    policyFile: values.policy,
    puidKeyFile: values.puidKey,
    oauthKeyFile: oauthKeyOf(chosen),
    proxyProtocol: proxyOf(chosen),
    peers: peersOf(chosen, source.kind, admin),
    redis: redisOf(chosen),
    limits: pick(values, limitFields),
    connectionIdleWritten: chosen.written.has("connectionIdleTimeoutMs"),
  };
}

/** Whom a folder would ask about callers nobody knows. */
function adminViewersOf(
  viewers: ServeValues["adminViewers"],
  { kind }: Settings["source"],
): ServeValues["adminViewers"] {
  return viewers === "policy" || kind === "cluster"
    ? viewers
    : wrongValue(
        "--admin-viewers subject-access-review asks the API server of a cluster: remove it, or remove --folder",
      );
}

/** Where the first of these that was written stands, or null. */
function firstWritten({ written }: Chosen, fields: readonly (keyof ServeValues)[]): string | null {
  return fields.map((field) => written.get(field)).find((one) => one !== undefined)?.from ?? null;
}

function sourceOf(chosen: Chosen, environment: Environment): Settings["source"] {
  const { values, written } = chosen;
  const { folder: folders, snapshot: snapshotFile } = values;
  const kind = folders.length > 0 && !written.has("source") ? "folder" : values.source;
  if (kind === "folder" && folders.length === 0) wrongValue("--source folder needs a directory: write --folder DIR");
  if (kind === "cluster" && folders.length > 0)
    wrongValue("--folder does not work with --source cluster: write --folder DIR alone");
  if (kind === "cluster") {
    const access = accessOf(chosen, environment);
    const inPod = access.kind === "pod";
    const releases = configMapOf(written.get("releasesRecord"), inPod);
    return { kind, access, releases, snapshotFile };
  }
  const stray = firstWritten(chosen, ["kubeconfig", "context", "serviceAccount", "snapshot"]);
  if (stray !== null) wrongValue(`${stray} works only with --source cluster: remove it, or remove --folder`);
  return { kind, folders, releasesFile: values.releasesRecord };
}

function configMapOf(written: Written | undefined, inPod: boolean): ClusterSettings["releases"] {
  if (written === undefined) return null;
  const text = written.texts[0]!;
  const [, namespace, name] = /^(?:([a-z0-9][-a-z0-9]{0,62})\/)?([a-z0-9][-a-z0-9.]{0,252})$/.exec(text) ?? [];
  if (name === undefined || (namespace === undefined && !inPod))
    wrongValue(`${written.from} is "${text}": write the ConfigMap as NAMESPACE/NAME${inPod ? " or NAME" : ""}`);
  return { namespace: namespace ?? null, name };
}

/** A kubeconfig that is written counts in a pod too. */
function accessOf(chosen: Chosen, environment: Environment): ClusterSettings["access"] {
  const { kubeconfig: file, context, serviceAccount } = chosen.values;
  const host = environment["KUBERNETES_SERVICE_HOST"] ?? "";
  const account = firstWritten(chosen, ["serviceAccount"]);
  if (account !== null && host === "")
    wrongValue(`${account} works only in a pod, and KUBERNETES_SERVICE_HOST is not set: write --kubeconfig FILE`);
  if (host === "" || file !== null || context !== null) return { kind: "kubeconfig", file, context };
  const port = environment["KUBERNETES_SERVICE_PORT"] ?? "";
  return {
    kind: "pod",
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port === "" ? "443" : port}`,
    folder: serviceAccount ?? serviceAccountFolder,
  };
}

function tlsOf(chosen: Chosen): Settings["tls"] {
  const {
    tlsListen,
    tlsCert: certFile,
    tlsKey: keyFile,
    tlsCerts: folders,
    tlsTicketKeys: ticketKeysFile,
  } = chosen.values;
  if (tlsListen === null) {
    const stray = firstWritten(chosen, ["tlsMinVersion", "tlsCipherSuites"]);
    if (stray !== null) wrongValue(`${stray} needs a TLS port: write --tls-listen HOST:PORT too`);
    const certificates = firstWritten(chosen, ["tlsCert", "tlsKey", "tlsCerts", "tlsTicketKeys"]);
    return certificates === null ? null : wrongValue("certificates need a TLS port: write --tls-listen HOST:PORT");
  }
  if ((certFile === null) !== (keyFile === null))
    wrongValue("a certificate needs its key: write --tls-cert FILE --tls-key FILE");
  return { ...tlsListen, certFile, keyFile, folders, ticketKeysFile, defaults: tlsDefaultsOf(chosen) };
}

function tlsDefaultsOf(chosen: Chosen): TlsDefaults {
  const { tlsMinVersion, tlsCipherSuites } = chosen.values;
  const from = firstWritten(chosen, ["tlsCipherSuites"]);
  const minVersion = `TLSv${tlsMinVersion}` as const;
  if (from === null) return { ...plainTlsDefaults, minVersion };
  if (tlsMinVersion === "1.3" && !tlsCipherSuites.some((name) => name.startsWith("TLS_")))
    wrongValue(
      `${from} has suites of TLS 1.2 only, and --tls-min-version is 1.3: write suites such as TLS_AES_128_GCM_SHA256, or --tls-min-version 1.2`,
    );
  if (tlsMinVersion === "1.2" && tlsCipherSuites.every((name) => name.startsWith("TLS_")))
    wrongValue(
      `${from} has suites of TLS 1.3 only, and --tls-min-version is 1.2: write suites such as ECDHE-ECDSA-AES128-GCM-SHA256 too, or --tls-min-version 1.3`,
    );
  return { minVersion, cipherSuites: tlsCipherSuites };
}

function peersOf(chosen: Chosen, kind: Settings["source"]["kind"], admin: Settings["admin"]): Settings["peers"] {
  const from = firstWritten(chosen, ["peers"]);
  if (from === null) return null;
  const places = chosen.values.peers.map((written) => readPeerPlace(written, from));
  if (kind === "folder" && places.some((place) => place.kind === "service"))
    wrongValue(
      `${from} names a Service, and --folder has none: write the admin port of each replica as http://HOST:PORT`,
    );
  if (admin.token === null && !isLoopback(admin.host ?? "::"))
    wrongValue(`${from} needs the token that all replicas have: write --admin-token, or SLUICE_ADMIN_TOKEN`);
  return places;
}

function redisOf(chosen: Chosen): Settings["redis"] {
  const { redis, redisCa: caFile, redisPasswordFile: passwordFile, redisTimeoutMs: timeoutMs } = chosen.values;
  const stray = firstWritten(chosen, ["redisPasswordFile", "redisCa", "redisTimeoutMs"]);
  if (redis === null) return stray === null ? null : wrongValue(`${stray} needs a Redis: write --redis URL too`);
  if (caFile !== null && !redis.tls) wrongValue("--redis-ca needs TLS: write --redis rediss://HOST:PORT");
  return { ...redis, caFile, passwordFile, timeoutMs };
}

function oauthKeyOf(chosen: Chosen): string | null {
  const from = firstWritten(chosen, ["oauthKey"]);
  if (from !== null && !chosen.values.oauth) wrongValue(`${from} needs the OAuth gateway: write --oauth too`);
  return chosen.values.oauthKey;
}

function proxyOf(chosen: Chosen): Settings["proxyProtocol"] {
  const { proxyProtocol: on, proxyProtocolFrom: blocks } = chosen.values;
  const from = firstWritten(chosen, ["proxyProtocolFrom"]);
  if (from === null) return { on, from: null };
  if (on === "off")
    wrongValue(`${from} needs --proxy-protocol: write --proxy-protocol plain, tls or both, or remove it`);
  const parsed = readBlocks(blocks, mostPlatformBlocks);
  return parsed.kind === "blocks"
    ? { on, from: parsed.blocks }
    : wrongValue(`${from} ${parsed.reason}: write addresses or blocks, for example 10.0.0.0/8`);
}

function namespacesOf(
  { values }: Chosen,
  environment: Environment,
): { watched: readonly string[]; single: string | null } {
  const ambassadors = environment["AMBASSADOR_NAMESPACE"] ?? "";
  // Ambassador's pair restricts and names the namespace; without the namespace it says nothing that could be served.
  const alsoAmbassador = (environment["AMBASSADOR_SINGLE_NAMESPACE"] ?? "") !== "" && ambassadors !== "";
  const watched =
    alsoAmbassador && values.namespace.length === 0
      ? [readNamespace(ambassadors, "AMBASSADOR_NAMESPACE")]
      : values.namespace;
  if (!values.singleNamespace && !alsoAmbassador) return { watched, single: null };
  const [only] = watched;
  if (only === undefined || watched.length !== 1)
    return wrongValue(
      `--single-namespace needs exactly one namespace and has ${watched.length}: write --single-namespace --namespace NS`,
    );
  return { watched, single: only };
}

/** A folder stands for the namespace that its objects without one have. In a cluster nothing is guessed. */
function gatewayNamespaceOf(
  { gatewayNamespace }: ServeValues,
  environment: Environment,
  source: Settings["source"],
  single: string | null,
): string | null {
  const ambassadors = environment["AMBASSADOR_NAMESPACE"] ?? "";
  if (gatewayNamespace !== null) return gatewayNamespace;
  if (isNamespace(ambassadors)) return ambassadors;
  return source.kind === "folder" ? (single ?? "default") : (source.releases?.namespace ?? null);
}
