// A namespace that costs a gateway as much as it can: deployments with thousands of annotations that are nearly ones of ours, edited in a loop.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { replaceManifest } from "./manifests.ts";

const files = 20;
const annotations = 3000;
const editMs = 5;

function manifest(file: number, edit: number): string {
  const keys = Array.from({ length: annotations }, (_, key) => `    seldon.io/ambassador-weihgt-${key}: "${edit}"\n`);
  return `apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata:
  name: noisy-${file}
  namespace: noisy
  annotations:
${keys.join("")}spec:
  predictors: [{ name: main, graph: { name: classifier } }]
`;
}

/** Edits one of its files every some milliseconds, from now on. Calling what it gives ends it, and says how many edits there were. */
export function startNoisyNamespace(folder: string): () => number {
  mkdirSync(join(folder, "noisy"), { recursive: true });
  let edits = 0;
  const timer = setInterval(() => {
    const file = edits % files;
    replaceManifest(join(folder, "noisy", `noisy-${file}.yaml`), manifest(file, edits));
    edits += 1;
  }, editMs);
  return () => {
    clearInterval(timer);
    return edits;
  };
}
