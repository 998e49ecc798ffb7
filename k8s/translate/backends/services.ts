// Services: which one is a predictor's, and its ports (routing rule 13).
import { createHash } from "node:crypto";
import type { Deployment, Predictor } from "../model/deployment.ts";
import { arrayOf, fieldOf, integerOf, recordOf, textOf } from "../values/value.ts";

export interface ServicePort {
  /** "" when it has none. */
  readonly name: string;
  readonly port: number;
}

/** The part of a Service that routing reads. */
export interface Service {
  readonly namespace: string;
  readonly name: string;
  readonly ports: readonly ServicePort[];
  /** Names by which an SD owns it: owner references, else the label `seldon-deployment-id`. */
  readonly owners: readonly string[];
  /** A Service to one container of a graph, or of an explainer: never a predictor's. */
  readonly inner: boolean;
  /** ClusterIP, or "" for a headless Service. */
  readonly clusterIp: string;
  /** `ExternalName` Services: the name, else "". */
  readonly externalName: string;
  readonly createdAt: string;
}

export function decodeService(namespace: string, name: string, object: unknown): Service {
  const root = recordOf(object);
  const metadata = recordOf(fieldOf(root, "metadata"));
  const spec = recordOf(fieldOf(root, "spec"));
  const ports: ServicePort[] = [];
  for (const value of arrayOf(fieldOf(spec, "ports"))) {
    const port = integerOf(fieldOf(recordOf(value), "port"));
    if (port !== null && port > 0 && port <= 65535)
      ports.push({ name: textOf(fieldOf(recordOf(value), "name")), port });
  }
  const clusterIp = textOf(fieldOf(spec, "clusterIP"));
  return {
    namespace,
    name,
    ports,
    owners: ownersOf(object),
    inner:
      fieldOf(recordOf(fieldOf(metadata, "labels")), "seldon-app-svc") !== undefined ||
      fieldOf(recordOf(fieldOf(spec, "selector")), "seldon-app-svc") !== undefined ||
      name.endsWith("-explainer"),
    clusterIp: clusterIp === "None" ? "" : clusterIp,
    externalName: fieldOf(spec, "type") === "ExternalName" ? textOf(fieldOf(spec, "externalName")) : "",
    createdAt: textOf(fieldOf(metadata, "creationTimestamp")),
  };
}

/** Names of SDs that own an object: its owner references, else its label (routing rule 12). */
export function ownersOf(object: unknown): readonly string[] {
  const metadata = recordOf(fieldOf(recordOf(object), "metadata"));
  const references = arrayOf(fieldOf(metadata, "ownerReferences")).map(recordOf);
  const owners = references
    .filter((reference) => fieldOf(reference, "kind") === "SeldonDeployment")
    .map((reference) => textOf(fieldOf(reference, "name")));
  const label = textOf(fieldOf(recordOf(fieldOf(metadata, "labels")), "seldon-deployment-id"));
  return owners.length > 0 || label === "" ? owners : [label];
}

/** What the label of an SD's Services may say, by operator version; its own name first. */
export function ownerNamesOf({ ref, specName }: Pick<Deployment, "ref" | "specName">): readonly string[] {
  const names = [ref.name];
  const bounded = boundedName(ref.name);
  if (bounded !== ref.name) names.push(bounded);
  if (specName !== "") names.push(`${specName}-${ref.name}`);
  if (specName !== "" && specName !== ref.name) names.push(specName);
  return names;
}

export interface ServiceCandidate {
  readonly name: string;
  /** Only a Service that belongs to the SD counts: the name alone is too general. */
  readonly ownedOnly: boolean;
}

/** Names in the order tried. */
export function predictorCandidates({ ref, specName }: Deployment, predictor: Predictor): readonly ServiceCandidate[] {
  const candidates: ServiceCandidate[] = [];
  const add = (name: string, ownedOnly: boolean): void => {
    if (!candidates.some((candidate) => candidate.name === name)) candidates.push({ name, ownedOnly });
  };
  if (predictor.serviceName !== null) add(predictor.serviceName, false);
  add(boundedName(`${ref.name}-${predictor.name}`), false);
  add(boundedName(`${ref.name}-${specName}-${predictor.name}`), false);
  if (specName !== "") {
    add(boundedName(`${specName}-${ref.name}`), true);
    add(boundedName(specName), true);
  }
  return candidates;
}

export function explainerCandidate({ ref }: Deployment, predictor: Predictor): ServiceCandidate {
  return { name: boundedName(`${ref.name}-${predictor.name}-explainer`), ownedOnly: false };
}

/** Seldon's rule for names over 63 bytes: `seldon-` and the MD5 of the whole. */
function boundedName(name: string): string {
  // Kubernetes names are ASCII, so most are done with their length.
  if (name.length <= 21) return name;
  return Buffer.byteLength(name) > 63 ? `seldon-${createHash("md5").update(name).digest("hex")}` : name;
}

/** The Service's port of that name, or null. */
export function portNamed(service: Service, name: string): number | null {
  return service.ports.find((port) => port.name === name)?.port ?? null;
}
