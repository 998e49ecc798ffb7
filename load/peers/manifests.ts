// Writes a fleet as the manifests that Seldon's users and its operator make: for each deployment one file with the SeldonDeployment,
// the Services of its predictors and their EndpointSlices.
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { canaryPercent, deployments, type Deployment, type FleetPlan, type Place } from "./fleet.ts";

function predictor(name: string, fields: readonly string[]): string {
  return `    - name: ${name}
${fields.map((field) => `      ${field}\n`).join("")}      replicas: 1
      graph:
        name: classifier
        implementation: SKLEARN_SERVER
        modelUri: gs://models/iris/${name}
      componentSpecs:
        - spec:
            containers:
              - name: classifier
                resources:
                  requests: { cpu: 100m, memory: 512Mi }
`;
}

/** A Service and its EndpointSlice, joined by the port's name; without a place the slice is empty. */
export function serviceManifests(name: string, namespace: string, place: Place | null): string {
  const port = place?.port ?? 8000;
  return `---
apiVersion: v1
kind: Service
metadata:
  name: ${name}
  namespace: ${namespace}
  labels: { seldon-app: ${name} }
spec:
  type: ClusterIP
  selector: { seldon-app: ${name} }
  ports:
    - { name: http, port: 8000, targetPort: ${port}, protocol: TCP }
    - { name: grpc, port: 5001, targetPort: ${port}, protocol: TCP }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: ${name}-x1
  namespace: ${namespace}
  labels: { kubernetes.io/service-name: ${name}, endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io }
addressType: IPv4
ports:
  - { name: http, port: ${port}, protocol: TCP }
  - { name: grpc, port: ${port}, protocol: TCP }
endpoints:${place === null ? " []" : `\n  - addresses: [${place.host}]\n    conditions: { ready: true, serving: true, terminating: false }`}
`;
}

export interface Split {
  readonly mainFields: readonly string[];
  readonly canaryFields: readonly string[];
  /** Lines under `metadata.annotations`. */
  readonly annotations: readonly string[];
}

/** Everything to the main predictor. */
export const mainOnly: Split = { mainFields: ["traffic: 100"], canaryFields: ["traffic: 0"], annotations: [] };

export const plainSplit: Split = {
  mainFields: [`traffic: ${100 - canaryPercent}`],
  canaryFields: [`traffic: ${canaryPercent}`],
  annotations: [],
};

export function deploymentManifest(deployment: Deployment, split: Split): string {
  const { name, namespace } = deployment;
  return `apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata:
  name: ${name}
  namespace: ${namespace}
  labels: { team: ${namespace} }
${split.annotations.length === 0 ? "" : `  annotations:\n${split.annotations.map((line) => `    ${line}\n`).join("")}`}spec:
  protocol: seldon
  predictors:
${predictor("main", split.mainFields)}${predictor("canary", split.canaryFields)}`;
}

export function manifestFile(folder: string, deployment: Deployment): string {
  return join(folder, deployment.namespace, `${deployment.name}.yaml`);
}

export function wholeManifest(deployment: Deployment, split: Split): string {
  const { name, namespace } = deployment;
  return (
    deploymentManifest(deployment, split) +
    serviceManifests(`${name}-main`, namespace, deployment.main) +
    serviceManifests(`${name}-canary`, namespace, deployment.canary)
  );
}

/** One file for each deployment, in a folder for each namespace. */
export function writeManifests(folder: string, fleet: FleetPlan, split: Split = plainSplit): void {
  for (const deployment of deployments(fleet)) {
    mkdirSync(join(folder, deployment.namespace), { recursive: true });
    writeFileSync(manifestFile(folder, deployment), wholeManifest(deployment, split));
  }
}

/** Replaces a file as editors and GitOps tools do: written beside it (a name that no source reads), then renamed. Gives the time of the rename, performance.now(). */
export function replaceManifest(file: string, text: string): number {
  const beside = `${file}.new`;
  writeFileSync(beside, text);
  const renamedMs = performance.now();
  renameSync(beside, file);
  return renamedMs;
}
