// Settings: every option of `sluice serve`, decoded and checked. Plain values: they travel to the workers by structured clone.
import type { Grant } from "../../k8s/translate/model/translation.ts";
import type { EdgeLimits } from "./limits.ts";
import type { PeerPlace } from "./peer-place.ts";
import type { RedisSettings } from "./redis-settings.ts";
import type { plainFields, ServeValues } from "./serve-options.ts";
import type { TlsDefaults } from "./tls-defaults.ts";

/** Addresses: of host null every one, dual stack where there is IPv6; of port 0 any free one. */
export interface Settings extends Pick<ServeValues, (typeof plainFields)[number]> {
  readonly source: FolderSettings | ClusterSettings;
  readonly tls: TlsSettings | null;
  readonly admin: {
    readonly host: string | null;
    readonly port: number;
    readonly token: string | null;
    readonly hosts: readonly string[];
    readonly viewers: ServeValues["adminViewers"];
  };
  readonly ambassadorIds: readonly string[];
  readonly namespaces: readonly string[];
  readonly singleNamespace: string | null;
  readonly grants: readonly Grant[];
  /** Namespace of the gateway itself; null: in a pod that of its service account, else nobody has said it. */
  readonly gatewayNamespace: string | null;
  /** File that says who may call; null: nobody says so. */
  readonly policyFile: string | null;
  /** Secrets by which puids name predictors; null: each process has its own. */
  readonly puidKeyFile: string | null;
  /** Keys of the tokens of the OAuth gateway; null: the process has one of its own. */
  readonly oauthKeyFile: string | null;
  readonly proxyProtocol: ProxySettings;
  /** The other replicas; null: none is asked. */
  readonly peers: readonly PeerPlace[] | null;
  /** What replicas share lives there; null: in the memory of the process. */
  readonly redis: RedisSettings | null;
  readonly limits: EdgeLimits;
  /** Somebody wrote `connectionIdleTimeoutMs`: no Module changes it. */
  readonly connectionIdleWritten: boolean;
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
  /** File with the record of releases; null: it is not kept. */
  readonly releasesFile: string | null;
}

export interface ClusterSettings {
  readonly kind: "cluster";
  /** In a pod its service account; else a kubeconfig, null: the default one, and its current context. */
  readonly access:
    | { readonly kind: "pod"; readonly server: string; readonly folder: string }
    | { readonly kind: "kubeconfig"; readonly file: string | null; readonly context: string | null };
  /** The same of releases. */
  readonly releases: { readonly namespace: string | null; readonly name: string } | null;
  /** File for the last good objects; null: none. */
  readonly snapshotFile: string | null;
}
