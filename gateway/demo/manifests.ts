// The demo's folder of manifests: those that a user would apply, and the Services and EndpointSlices that a cluster would derive from them,
// pointing at the model processes of this machine.
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

export const namespace = "seldon";

/** Where a model process listens on 127.0.0.1. */
export interface ModelAddress {
  readonly http: number;
  readonly grpc: number;
}

/** The three model processes: version 1, version 2, and a version 2 of its own that only gets shadow copies. */
export interface ModelPorts {
  readonly first: ModelAddress;
  readonly second: ModelAddress;
  readonly shadow: ModelAddress;
}

/** The file whose annotation `sluice.io/traffic` the demo edits while it runs, and the value that it starts with. */
export const annotatedFile = "canary-by-annotation.yaml";
export const annotatedTraffic = "main=50,canary=50";

/** The key of the client `notebook`. */
export const demoKey = "key-of-the-demo";

/** The demo's policy file. */
export const policyText = `# Who may call where a deployment names a provider by sluice.io/auth. Nothing else is asked of anybody.
providers:
  keys:
    kind: api-keys
    secret: ${namespace}/api-keys
    in: [header x-api-key, bearer]
`;

const sources = new URL("manifests/", import.meta.url);

/** The file of the rollout, whose canary the demo makes fail. */
export const rolloutFile = "rollout.yaml";

/**
 * File name to text: the files of `manifests/` with the ports of the models in place of `$FIRST_HTTP` and the like, and `traffic` as the value of `sluice.io/traffic`.
 * `released`: the REST port of the canary of the rollout; version 2 by default.
 */
export function manifests(
  ports: ModelPorts,
  traffic: string,
  released = ports.second.http,
): ReadonlyMap<string, string> {
  const values = new Map([
    ["TRAFFIC", traffic],
    ["RELEASED_HTTP", String(released)],
  ]);
  for (const [model, { http, grpc }] of Object.entries<ModelAddress>({ ...ports })) {
    values.set(`${model.toUpperCase()}_HTTP`, String(http));
    values.set(`${model.toUpperCase()}_GRPC`, String(grpc));
  }
  const files = readdirSync(sources).toSorted();
  return new Map(
    files.map((name) => [
      name,
      readFileSync(new URL(name, sources), "utf8").replaceAll(/\$([A-Z_]+)/g, (_, key: string) => values.get(key)!),
    ]),
  );
}

/** Writes the folder: it is made when it is missing, files of the same name are replaced. */
export async function writeManifests(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of files) await replaceFile(join(folder, name), text);
}

/** Replaces a file in one step, so that nobody reads half of it: write beside, then rename over. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const beside = `${file}.new`;
  await writeFile(beside, text);
  await rename(beside, file);
}
