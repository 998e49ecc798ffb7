// The demo's folder of manifests: what a user would apply, and the Services and EndpointSlices that a cluster would derive from it,
// pointing at the model processes of this machine.
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

/** File name to text. `traffic` is the value of `sluice.io/traffic` in `annotatedFile`. */
export function manifests(ports: ModelPorts, traffic: string): ReadonlyMap<string, string> {
  return new Map([
    [
      "plain.yaml",
      documents(
        `# One deployment, one predictor.
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: iris, namespace: ${namespace} }
spec:
  predictors:
    - name: default
      graph: { name: classifier, type: MODEL }`,
        ...service("iris-default", ports.first),
      ),
    ],
    [
      "canary.yaml",
      documents(
        `# Two predictors; \`traffic\` is each one's share in percent.
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: iris-canary, namespace: ${namespace} }
spec:
  predictors:
    - name: main
      traffic: 75
      graph: { name: classifier, type: MODEL }
    - name: canary
      traffic: 25
      graph: { name: classifier, type: MODEL }`,
        ...service("iris-canary-main", ports.first),
        ...service("iris-canary-canary", ports.second),
      ),
    ],
    [
      annotatedFile,
      documents(
        `# The annotation moves traffic without an edit of the spec (which would restart pods).
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata:
  name: iris-annotated
  namespace: ${namespace}
  annotations:
    sluice.io/traffic: ${traffic}
spec:
  predictors:
    - name: main
      traffic: 100
      graph: { name: classifier, type: MODEL }
    - name: canary
      traffic: 0
      graph: { name: classifier, type: MODEL }`,
        ...service("iris-annotated-main", ports.first),
        ...service("iris-annotated-canary", ports.second),
      ),
    ],
    [
      "canary-by-second-deployment.yaml",
      documents(
        `# The first years' way: a second SeldonDeployment takes part of the first one's traffic.
apiVersion: machinelearning.seldon.io/v1alpha2
kind: SeldonDeployment
metadata: { name: example, namespace: ${namespace} }
spec:
  name: production-model
  predictors:
    - name: single
      graph: { name: classifier, type: MODEL }`,
        `apiVersion: machinelearning.seldon.io/v1alpha2
kind: SeldonDeployment
metadata: { name: example-canary, namespace: ${namespace} }
spec:
  name: canary-model
  annotations:
    seldon.io/ambassador-service-name: example
    seldon.io/ambassador-weight: "25"
  predictors:
    - name: single
      graph: { name: classifier, type: MODEL }`,
        ...service("example-single", ports.first),
        ...service("example-canary-single", ports.second),
      ),
    ],
    [
      "shadow.yaml",
      documents(
        `# The shadow gets a copy of every request; its answers are thrown away.
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: iris-shadow, namespace: ${namespace} }
spec:
  predictors:
    - name: default
      graph: { name: classifier, type: MODEL }
    - name: shadow
      shadow: true
      graph: { name: classifier, type: MODEL }`,
        ...service("iris-shadow-default", ports.first),
        ...service("iris-shadow-shadow", ports.shadow),
      ),
    ],
    [
      "header.yaml",
      documents(
        `# Requests with the header \`location: london\` go to the second deployment.
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: iris-header, namespace: ${namespace} }
spec:
  predictors:
    - name: single
      graph: { name: classifier, type: MODEL }`,
        `apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: iris-london, namespace: ${namespace} }
spec:
  annotations:
    seldon.io/ambassador-service-name: iris-header
    seldon.io/ambassador-header: "location: london"
  predictors:
    - name: single
      graph: { name: classifier, type: MODEL }`,
        ...service("iris-header-single", ports.first),
        ...service("iris-london-single", ports.second),
      ),
    ],
    [
      "custom.yaml",
      documents(
        `# A raw Ambassador Mapping replaces what Sluice would make of the deployment.
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: iris-custom, namespace: ${namespace} }
spec:
  annotations:
    seldon.io/ambassador-config: |
      apiVersion: ambassador/v2
      kind: Mapping
      name: iris_custom_mapping
      prefix: /mycompany/ml/
      service: iris-custom-single.${namespace}:8000
      timeout_ms: 3000
  predictors:
    - name: single
      graph: { name: classifier, type: MODEL }`,
        ...service("iris-custom-single", ports.second),
      ),
    ],
    [
      "private.yaml",
      documents(
        `# Only clients with an API key may call it; the policy file says what keys those are.
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata:
  name: iris-private
  namespace: ${namespace}
  annotations:
    sluice.io/auth: keys
spec:
  predictors:
    - name: default
      graph: { name: classifier, type: MODEL }`,
        `apiVersion: v1
kind: Secret
metadata: { name: api-keys, namespace: ${namespace} }
stringData:
  notebook: ${demoKey}`,
        ...service("iris-private-default", ports.first),
      ),
    ],
  ]);
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

function documents(...texts: readonly string[]): string {
  return `${texts.join("\n---\n")}\n`;
}

/** A predictor's Service and its one EndpointSlice, joined by port name as in a cluster. */
function service(name: string, { http, grpc }: ModelAddress): readonly [string, string] {
  return [
    `apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  ports: [{ name: http, port: 8000 }, { name: grpc, port: 5001 }]`,
    `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, namespace: ${namespace}, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: http, port: ${http}, protocol: TCP }, { name: grpc, port: ${grpc}, protocol: TCP }]
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]`,
  ];
}
