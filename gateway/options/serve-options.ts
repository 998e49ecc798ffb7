// Every option of `sluice serve`. Help, pages, the chart's schema, completion and the types of the values follow from here.
import { availableParallelism } from "node:os";
import { limitOptions, maxWorkers } from "./limits.ts";
import {
  address,
  choice,
  dayMs,
  flag,
  hourMs,
  integer,
  list,
  readNamespace,
  text,
  wrongValue,
  type Values,
} from "./option.ts";
import { parseRedisUrl, type RedisUrl } from "./redis-settings.ts";
import { suiteFault } from "./tls-defaults.ts";

/** Where Kubernetes mounts a pod's service account. */
export const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

const sourceOptions = {
  source: choice(["cluster", "folder"], "where Sluice reads manifests", "cluster; folder when --folder is given"),
  folder: list("DIR", "a directory of manifests (.yaml, .yml, .json, subdirectories too); Sluice watches it"),
  kubeconfig: text(
    "FILE",
    "how to reach the cluster; only a checkout can read a kubeconfig",
    "in a pod its service account, else KUBECONFIG or ~/.kube/config",
  ),
  context: text("NAME", "context of the kubeconfig", "the current one"),
  serviceAccount: text(
    "DIR",
    "in a pod, the directory with token and ca.crt; Sluice reads them for each request",
    serviceAccountFolder,
  ),
  snapshot: text(
    "FILE",
    "keep the last good objects in this file, so that Sluice can start while the API server is down",
    "none",
  ),
  namespace: list("NS", "watch this namespace only", "all", readNamespace),
  singleNamespace: flag("also serve /seldon/<name>/; needs exactly one --namespace"),
  ambassadorId: {
    ...list(
      "ID",
      "ambassador_id of this gateway; Sluice ignores manifests for another one",
      "AMBASSADOR_ID, else default",
      (ids) =>
        ids
          .split(",")
          .map((id) => id.trim())
          .filter((id) => id !== ""),
    ),
    variable: "AMBASSADOR_ID",
  },
  mappings: flag("also read Mapping objects, the Module and annotated Services", "off; always on for a folder"),
  gatewayNamespace: text(
    "NS",
    "namespace of the gateway; its Module counts",
    "AMBASSADOR_NAMESPACE; in a pod its own; for a folder that of objects without one",
    readNamespace,
  ),
};

const accessOptions = {
  claims: choice(
    ["open", "granted"],
    "who may claim paths outside /seldon/; open: every namespace, granted: only those with a Grant",
  ),
  releasesRecord: text(
    "[NS/]NAME|FILE",
    "where Sluice records how far each release has come: a ConfigMap, for a folder a file",
    "none",
  ),
  grants: text("FILE", "file of Grants: what a namespace may claim that it does not own", "none"),
  policy: text(
    "FILE",
    "file that says who may call: the providers that authenticate callers, and the defaults where a manifest says nothing; Sluice watches it",
    "none",
  ),
  bareNames: choice(["on", "off"], "accept gRPC calls that name no namespace"),
  oauth: flag("serve Seldon's OAuth gateway: POST /oauth/token, and /api/v0.1 and v1.0 with its tokens"),
  oauthKey: text(
    "FILE",
    "secret that replicas share, so that tokens of --oauth are valid at every replica and after a restart: lines of `openssl rand -base64 48`, the first one signs, all verify; Sluice reads it at the start and on SIGHUP",
    "each process makes its own",
  ),
};

const trafficOptions = {
  listen: address({ host: null, port: 8080 }, "address for cleartext traffic"),
  dial: choice(["endpoints", "service"], "connect to Endpoints or to the ClusterIPs of Services"),
  answeredBy: flag("name the predictor that answered in x-sluice-predictor of each answer of a model"),
  trustedHops: integer(
    { byDefault: null, min: 0, max: 10, shownDefault: "as Ambassador's Module says, else 0" },
    "number of proxies in front whose x-forwarded-* headers Sluice trusts",
  ),
  proxyProtocol: choice(
    ["off", "plain", "tls", "both"],
    "ports on which every connection begins with a PROXY protocol header, version 1 or 2",
  ),
  proxyProtocolFrom: list(
    "BLOCK",
    "expect that header only from these addresses, for example 10.0.0.0/8; all others are clients",
    "expect it from all",
    (blocks) => blocks.split(",").map((block) => block.trim()),
  ),
  puidKey: text(
    "FILE",
    "secret that replicas share, so that feedback finds the predictor that answered, whichever replica gets it and after a restart: lines of `openssl rand -base64 48`, the first one in use; Sluice reads it at the start",
    "each process makes its own",
  ),
  keepDisagreements: choice(
    ["on", "off"],
    "keep the last answers of shadows that disagreed with the primary's (`sluice.io/compare`), in memory",
  ),
  accessLog: choice(["errors", "off", "all"], "which requests get a line in the log"),
};

const tlsOptions = {
  tlsListen: address(
    null,
    "address for TLS traffic; certificates come from the options below and from Host and TLSContext objects",
    "none",
  ),
  tlsCert: text(
    "FILE",
    "certificate chain for hosts without a certificate of their own, PEM; Sluice watches it",
    "none",
  ),
  tlsKey: text("FILE", "private key of --tls-cert, PEM", "none"),
  tlsCerts: list(
    "DIR",
    "a directory of certificates; Sluice watches it. NAME.crt with NAME.key, or NAME/tls.crt with NAME/tls.key, serves the hosts that the certificate names; default.crt serves all other hosts",
    "none",
  ),
  tlsTicketKeys: text(
    "FILE",
    "secret that replicas share, so that a client can resume its TLS session at any of them: a line of `openssl rand -base64 48`; Sluice watches it",
    "each process makes its own",
  ),
  tlsMinVersion: choice(["1.2", "1.3"], "lowest TLS version where no TLSContext sets one"),
  tlsCipherSuites: list(
    "NAME",
    "cipher suite by its OpenSSL name, in order of preference, where no TLSContext sets any",
    "Mozilla's intermediate: ECDHE with AES-GCM or ChaCha20",
    // As OpenSSL writes a list of them, too.
    (names, from) => names.split(/[,:]/).map((name) => readSuite(name, from)),
  ),
};

const adminOptions = {
  admin: address(null, "address for health, metrics and the admin API", "127.0.0.1:8877; in a pod :8877"),
  adminToken: text("TOKEN", "bearer token that /api requires when the admin port is bound beyond loopback", "none"),
  adminViewers: choice(
    ["policy", "subject-access-review"],
    "who may use the admin API, besides the holder of --admin-token: `policy`: the viewers of --policy; `subject-access-review`: also callers whose own token lets them get seldondeployments, as the API server says",
  ),
  adminHost: list(
    "NAME",
    "host name that the admin port accepts, besides addresses and localhost",
    "none",
    (name, from) =>
      /^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$/.test(name)
        ? name
        : wrongValue(`${from} is "${name}": write a host name without a port`),
  ),
};

const peerOptions = {
  peers: list(
    "URL|NS/SERVICE",
    "where the other replicas are, so that they add up what they count: the Service of their admin ports, or the URL of each. All have the same --admin-token",
    "none: Sluice asks no other replica",
  ),
};

const redisOptions = {
  redis: text(
    "URL",
    "where replicas share revoked tokens and rate limits: redis://HOST:PORT, rediss://, redis+sentinel://, redis+cluster://",
    "in the memory of this process",
    readRedis,
  ),
  redisPasswordFile: text("FILE", "file with the password for --redis; Sluice reads it before each connection", "none"),
  redisCa: text("FILE", "CA certificates for rediss://, PEM", "those of the system"),
  redisTimeoutMs: integer({ byDefault: 50, min: 1, max: 10_000 }, "how long Sluice waits for an answer of Redis"),
};

const processOptions = {
  workers: integer(
    {
      byDefault: Math.min(maxWorkers, availableParallelism()),
      min: 1,
      max: maxWorkers,
      shownDefault: "cores",
    },
    "threads that serve traffic",
  ),
  tableMib: integer(
    { byDefault: 512, min: 16, max: 1024 },
    "largest routing table in MiB; the next one is written beside it, and unused memory is not resident",
  ),
  workerStallMs: integer(
    { byDefault: 5000, min: 1000, max: hourMs, orZero: true },
    "replace a data worker whose event loop is blocked for this long; 1000 or more, 0: never",
  ),
  drainWaitMs: integer(
    { byDefault: 5000, min: 0, max: hourMs },
    "after SIGTERM, keep serving new connections for this long",
  ),
  drainGraceMs: integer(
    { byDefault: 60_000, min: 0, max: dayMs },
    "after that, give requests in flight at most this long to finish",
  ),
};

/** In the order of the help, under these headings. */
export const serveSections = {
  "What Sluice serves": sourceOptions,
  "Who may claim and call": accessOptions,
  Traffic: trafficOptions,
  TLS: tlsOptions,
  "Admin port": adminOptions,
  Replicas: peerOptions,
  Redis: redisOptions,
  Process: processOptions,
  Limits: limitOptions,
};

export const serveOptions = {
  ...sourceOptions,
  ...accessOptions,
  ...trafficOptions,
  ...tlsOptions,
  ...adminOptions,
  ...peerOptions,
  ...redisOptions,
  ...processOptions,
  ...limitOptions,
};

export type ServeValues = Values<typeof serveOptions>;

/** Options whose value Settings has as it is, under the same name. */
export const plainFields = [
  "listen",
  "workers",
  "tableMib",
  "claims",
  "bareNames",
  "answeredBy",
  "keepDisagreements",
  "oauth",
  "mappings",
  "dial",
  "trustedHops",
  "accessLog",
  "drainWaitMs",
  "drainGraceMs",
  "workerStallMs",
] as const;

function readRedis(url: string, from: string): Extract<RedisUrl, { kind: "url" }>["url"] {
  const parsed = parseRedisUrl(url);
  return parsed.kind === "url" ? parsed.url : wrongValue(`${from} ${parsed.sentence}`);
}

function readSuite(name: string, from: string): string {
  const fault = suiteFault(name);
  return fault === null
    ? name
    : wrongValue(
        `${from} has "${name}", ${fault}: write names such as ECDHE-ECDSA-AES128-GCM-SHA256 or TLS_AES_128_GCM_SHA256`,
      );
}
