// Opens the cluster Source with its real times, draws and addresses.
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { LastGood } from "../objects/last-good.ts";
import type { Source } from "../objects/source.ts";
import { openAccess, type AccessChoice } from "../api/access.ts";
import { Api } from "../api/api.ts";
import { readAccountFile } from "../api/pod-access.ts";
import { ClusterSource, type RecordPlace } from "./cluster.ts";
import { reflectorTimes } from "./reflector-times.ts";

/** A ConfigMap, namespace null: that of the pod. */
export interface RecordChoice {
  readonly namespace: string | null;
  readonly name: string;
}

export interface ClusterChoice {
  readonly access: AccessChoice;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  readonly mappings: boolean;
  /** As in ClusterOptions. */
  readonly platformNamespaces: readonly string[];
  /** The same of releases. */
  readonly releases: RecordChoice | null;
  readonly lastGood: LastGood | null;
  /** For tools: what cannot be read at once ends the start with its sentence. */
  readonly once: boolean;
}

/** Longest wait for the first lists before the last good objects are served; a tool waits so long at most. */
const lastGoodAfterMs = 3000;
const toolMs = 60_000;
const secretsMs = 3000;

/** Rejects with one sentence when there is no cluster to read. */
export async function openCluster({ access: choice, releases, once, ...rest }: ClusterChoice): Promise<Source> {
  const access = await (once ? openAccess(choice, "a folder of manifests instead of --cluster") : openAccess(choice));
  const times = { reflector: reflectorTimes, lastGoodAfterMs: once ? toolMs : lastGoodAfterMs, secretsMs };
  const placeOf = async (record: RecordChoice | null, option: string): Promise<RecordPlace | null> =>
    record === null ? null : { name: record.name, namespace: record.namespace ?? (await namespaceOf(choice, option)) };
  return new ClusterSource({
    ...rest,
    releases: await placeOf(releases, "--releases-record"),
    api: new Api(access),
    forbiddenAddresses: await addressesOf(access.server),
    once,
    times,
    random: Math.random,
  });
}

/** The pod's own namespace. */
async function namespaceOf(choice: AccessChoice, option: string): Promise<string> {
  if (choice.kind !== "pod") throw new Error(`${option} names no namespace: write NAMESPACE/NAME`);
  return (await readAccountFile(choice.folder, "namespace")).trim();
}

/** Addresses of the API server that manifests must not lead to. A name that does not resolve now leads nowhere else either. */
async function addressesOf(server: string): Promise<readonly string[]> {
  const host = new URL(server).hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0) return [host];
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch {
    return [];
  }
}
