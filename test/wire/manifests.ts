// Manifests served by a data plane for tests, translated as `serve` would translate them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeServe } from "../gateway/options/decode-serve.ts";
import { serveManifests } from "../../gateway/tools/manifests.ts";
import type { Gateway } from "./gateway.ts";

/** Serves the documents. `argv`: further options of `serve`. Throws on manifests with a Problem at level error. */
export async function serveDocuments(
  gateway: Gateway,
  documents: readonly string[],
  argv: readonly string[] = [],
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-manifests-"));
  try {
    writeFileSync(join(folder, "manifests.yaml"), documents.join("\n---\n"));
    const config = decodeServe(["--source=folder", `--folder=${folder}`, ...argv], {});
    if (config.kind !== "settings") throw new Error("these are no options of serve");
    const served = await serveManifests([folder], config.settings);
    if (typeof served === "string") throw new Error(served);
    const errors = served.problems.filter(({ level }) => level === "error");
    if (errors.length > 0) throw new Error(JSON.stringify(errors));
    const { settings, mappings, upstreams, endpoints } = served.translation;
    gateway.serve([...mappings.values()], [...upstreams.values()], [...endpoints.values()], { settings });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A Service with one EndpointSlice on loopback: REST at `http`, gRPC at `grpc`. */
export function modelService(
  namespace: string,
  name: string,
  { http = 1, grpc }: { readonly http?: number; readonly grpc: number },
): string {
  return `apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { ports: [{ name: http, port: 8000 }, { name: grpc, port: 5001 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, namespace: ${namespace}, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: http, port: ${http}, protocol: TCP }, { name: grpc, port: ${grpc}, protocol: TCP }]
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]`;
}

/** A SeldonDeployment; `predictors` and `annotations` in YAML flow form. */
export function deployment(
  namespace: string,
  name: string,
  predictors: readonly string[] = ["{ name: default, graph: { name: m, type: MODEL } }"],
  annotations: Readonly<Record<string, string>> = {},
): string {
  return `apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: ${name}, namespace: ${namespace}, annotations: ${JSON.stringify(annotations)} }
spec: { predictors: [${predictors.join(", ")}] }`;
}
