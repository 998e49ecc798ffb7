// Settings: every option of `sluice serve`, decoded and checked. Plain values: they travel to the workers by structured clone.
import type { Grant } from "../../k8s/translate/model/translation.ts";
import type { RedisSettings } from "./redis-settings.ts";
import type { TlsDefaults } from "./tls-defaults.ts";

/** Data workers that a gateway may have. */
export const mostWorkers = 64;

export interface Settings {
  readonly source: FolderSettings | ClusterSettings;
  /** null host: every address, dual stack where there is IPv6. Port 0: any free one. */
  readonly listen: { readonly host: string | null; readonly port: number };
  readonly tls: TlsSettings | null;
  readonly admin: {
    readonly host: string | null;
    readonly port: number;
    readonly token: string | null;
    readonly hosts: readonly string[];
  };
  /** Data workers, 1..mostWorkers. */
  readonly workers: number;
  /** Memory that the table may take, MiB, 16..1024. */
  readonly tableMebibytes: number;
  readonly ambassadorIds: readonly string[];
  readonly namespaces: readonly string[];
  readonly singleNamespace: string | null;
  readonly claims: "open" | "granted";
  readonly grants: readonly Grant[];
  /** Namespace of the gateway itself; null: in a pod that of its service account, else nobody has said it. */
  readonly gatewayNamespace: string | null;
  /** File that says who may call; null: nobody says so. */
  readonly policyFile: string | null;
  readonly bareNames: "on" | "off";
  /** Seldon's OAuth gateway is served: tokens, and paths that name no deployment. */
  readonly oauth: boolean;
  readonly mappings: boolean;
  readonly dial: "endpoints" | "service";
  /** Proxies in front whose x-forwarded-* and x-request-id are believed, 0..10; null: nobody wrote it, and a Module may say it. */
  readonly trustedHops: number | null;
  readonly proxyProtocol: ProxySettings;
  readonly accessLog: "off" | "errors" | "all";
  /** What replicas share lives there; null: in the memory of the process. */
  readonly redis: RedisSettings | null;
  readonly limits: EdgeLimits;
  /** Somebody wrote `connectionIdleTimeoutMs`: no Module changes it. */
  readonly connectionIdleWritten: boolean;
  /** After SIGTERM: time in which new connections are still served, ms (default 5000), and the limit for what is in flight, ms (default 60000). */
  readonly drainWaitMs: number;
  readonly drainGraceMs: number;
  /** A data worker that has not turned for so long is replaced, ms, 1000 or more (default 5000); 0: never. */
  readonly workerStallMs: number;
}

/** Which connections begin with a header of the PROXY protocol: those to these ports, from these blocks of addresses (null: from everywhere). */
export interface ProxySettings {
  readonly on: "off" | "plain" | "tls" | "both";
  readonly from: readonly string[] | null;
}

export interface TlsSettings {
  readonly host: string | null;
  readonly port: number;
  /** The default certificate: both or neither. */
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** Folders of certificates. */
  readonly folders: readonly string[];
  /** Seeds of ticket keys that replicas share; null: each process has its own. */
  readonly ticketKeysFile: string | null;
  /** For hosts of which nobody says more. */
  readonly defaults: TlsDefaults;
}

export interface FolderSettings {
  readonly kind: "folder";
  readonly folders: readonly string[];
  /** File with the record of claims; null: it is not kept, or not needed. */
  readonly claimsFile: string | null;
}

export interface ClusterSettings {
  readonly kind: "cluster";
  /** In a pod its service account; else a kubeconfig, null: the default one, and its current context. */
  readonly access:
    | { readonly kind: "pod"; readonly server: string; readonly folder: string }
    | { readonly kind: "kubeconfig"; readonly file: string | null; readonly context: string | null };
  /** ConfigMap with the record of claims, namespace null: that of the pod; null: it is not kept, or not needed. */
  readonly claims: { readonly namespace: string | null; readonly name: string } | null;
  /** File for the last good objects; null: none. */
  readonly snapshotFile: string | null;
}

/** Limits and deadlines of the data plane. 0 is "none" only where it says so. */
export interface EdgeLimits {
  readonly requestLineBytes: number;
  readonly headBytes: number;
  readonly headFields: number;
  /** 0: none. */
  readonly bodyBytes: number;
  /** From the first byte of a head to its end. */
  readonly headTimeoutMs: number;
  /** Between two bytes of a request body. */
  readonly bodyIdleTimeoutMs: number;
  /** A client that does not read. */
  readonly writeStallTimeoutMs: number;
  /** A pause of an answer to an HTTP/1.1 client that has ended its side: it is gone then. */
  readonly halfClosedIdleMs: number;
  /** An idle client connection. */
  readonly connectionIdleTimeoutMs: number;
  /** Client connections of all workers together; 0: any number. */
  readonly connections: number;
  /** Of these, from one address to one worker; 0: any number. */
  readonly connectionsPerAddress: number;
  readonly pipelinedRequests: number;
  /** Streams that an HTTP/2 client may have open at once. */
  readonly http2Streams: number;
  /** What an HTTP/2 client may send on one stream, and on all streams of a connection together, before it is passed on. */
  readonly http2StreamWindowBytes: number;
  readonly http2ConnectionWindowBytes: number;
  /** Bytes of answers that wait for the windows of HTTP/2 clients, a worker: above it upstreams are read from no faster than the slowest of them read. */
  readonly http2QueuedBytes: number;
  readonly defaultTimeoutMs: number;
  readonly streamIdleTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** An idle upstream connection is not reused after this. */
  readonly upstreamIdleMs: number;
  /** Idle upstream connections to one address that a worker keeps. */
  readonly upstreamIdleConnections: number;
  /** A client connection's age at which it is closed after an answer, ± 10 %; 0: never. */
  readonly connectionMaxAgeMs: number;
  /** A body larger than this is not sent again. */
  readonly retryBodyBytes: number;
  /** Bytes of requests held for another try, a worker. */
  readonly retryTotalBytes: number;
  /** A body larger than this is not copied to shadows. */
  readonly shadowBodyBytes: number;
  /** Bytes of bodies held for shadows, a worker. */
  readonly shadowTotalBytes: number;
  /** Copies in flight and queued, a worker. */
  readonly shadowConcurrency: number;
  readonly shadowQueue: number;
  readonly shadowTimeoutMs: number;
  /** Tokens of the OAuth gateway that are kept in memory, of all workers together. */
  readonly oauthTokens: number;
  /** Clients that limits of rate count at once, all workers together. */
  readonly rateLimitClients: number;
  /** Lines about one kind of failure that a worker writes in a second, unless every request has its line; 0: any number. */
  readonly accessLinesPerSecond: number;
}

/** Defaults: Ambassador's and Envoy's edge values where there is no reason to differ. */
export const defaultLimits: EdgeLimits = {
  requestLineBytes: 8 * 1024,
  headBytes: 60 * 1024,
  headFields: 100,
  bodyBytes: 0,
  headTimeoutMs: 10_000,
  bodyIdleTimeoutMs: 60_000,
  writeStallTimeoutMs: 30_000,
  halfClosedIdleMs: 5000,
  connectionIdleTimeoutMs: 3_600_000,
  connections: 50_000,
  connectionsPerAddress: 0,
  pipelinedRequests: 8,
  http2Streams: 100,
  http2StreamWindowBytes: 64 * 1024,
  http2ConnectionWindowBytes: 1024 * 1024,
  http2QueuedBytes: 16 * 1024 * 1024,
  defaultTimeoutMs: 3000,
  streamIdleTimeoutMs: 300_000,
  connectTimeoutMs: 3000,
  upstreamIdleMs: 1000,
  upstreamIdleConnections: 1024,
  connectionMaxAgeMs: 600_000,
  retryBodyBytes: 64 * 1024,
  retryTotalBytes: 64 * 1024 * 1024,
  shadowBodyBytes: 8 * 1024 * 1024,
  shadowTotalBytes: 64 * 1024 * 1024,
  shadowConcurrency: 64,
  shadowQueue: 1024,
  shadowTimeoutMs: 10_000,
  oauthTokens: 65_536,
  rateLimitClients: 100_000,
  accessLinesPerSecond: 100,
};
