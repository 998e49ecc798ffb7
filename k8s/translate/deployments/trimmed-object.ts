// Trimmed objects: an object without the parts that routing never reads, so that a Source need not keep them: most of a SeldonDeployment is pods.
import { isReleased } from "../fields/annotation-names.ts";
import { podKeys, podMetadataKeys, podScalers, predictorWords } from "../fields/deployment-keys.ts";
import { keptSecret } from "../model/oauth-key.ts";
import { serviceSpecFields } from "../fields/service-config.ts";
import { isOfObjects } from "../fields/unknown-keys.ts";
import { arrayOf, isRecord, recordOf, type UnknownRecord } from "../values/value.ts";

/** kubectl writes the whole object into it once more. */
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/** Decoding gives the same for an object and its trimmed form. What has an unexpected shape stays as it is, so that decoding can say so. */
export function trimmedObject(kind: string, object: UnknownRecord): UnknownRecord {
  const { status: _status, ...rest } = object;
  const metadata = recordIn(rest, "metadata", trimmedMetadata);
  switch (kind) {
    case "SeldonDeployment":
      // Of a release it counts whether its pods are others.
      return isReleased(object)
        ? { ...rest, ...metadata, ...recordIn(rest, "spec", (spec) => ({ ...spec, ...keptSecret(spec) })) }
        : { ...rest, ...metadata, ...recordIn(rest, "spec", trimmedSpec) };
    case "Service":
      // Keys that no Service has may belong to its annotations.
      return { ...without(rest, objectFields), ...metadata, ...recordIn(rest, "spec", trimmedService) };
    case "EndpointSlice":
      return {
        ...recordIn(rest, "metadata", (slice) => picked(slice, ["labels"])),
        ...picked(rest, ["ports"]),
        ...listIn(rest, "endpoints", ({ addresses, conditions }) => ({ addresses, conditions })),
      };
    case "ConfigMap":
      // Whoever writes it says which version it replaces.
      return { ...recordIn(rest, "metadata", (map) => picked(map, ["resourceVersion"])), ...picked(rest, ["data"]) };
    default:
      return { ...rest, ...metadata };
  }
}

const objectFields: ReadonlySet<string> = new Set(["apiVersion", "kind", "spec"]);
const serviceFields: ReadonlySet<string> = new Set(serviceSpecFields);

/** What the API server writes, and changes with every update of any part. */
const bookkeeping: ReadonlySet<string> = new Set(["managedFields", "uid", "resourceVersion", "generation", "selfLink"]);

function trimmedMetadata(metadata: UnknownRecord): UnknownRecord {
  return {
    ...without(metadata, bookkeeping),
    ...recordIn(metadata, "annotations", ({ [lastApplied]: _applied, ...annotations }) => annotations),
  };
}

function trimmedService(spec: UnknownRecord): UnknownRecord {
  return {
    ...without(spec, serviceFields),
    ...picked(spec, ["type", "clusterIP", "externalName", "selector"]),
    ...listIn(spec, "ports", ({ name, port }) => ({ name, port })),
  };
}

function trimmedSpec(spec: UnknownRecord): UnknownRecord {
  return { ...spec, ...keptSecret(spec), ...listIn(spec, "predictors", trimmedPredictor) };
}

function trimmedPredictor(predictor: UnknownRecord): UnknownRecord {
  return {
    ...predictor,
    ...listIn(predictor, "componentSpecs", trimmedPod),
    ...recordIn(predictor, "componentSpec", trimmedPod),
  };
}

/** Of pods the names and ports of their containers count, and whether there are any: ports of predictors without an engine follow from them. */
function trimmedPod(pod: UnknownRecord): UnknownRecord {
  const containers = arrayOf(recordOf(pod["spec"])["containers"]).map((value) => {
    const { name, ports } = recordOf(value);
    return { name, ports };
  });
  const metadata = podMetadata(recordOf(pod["metadata"]));
  return {
    ...without(pod, podKeys),
    ...picked(pod, ["replicas"]),
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    ...Object.fromEntries(
      podScalers.flatMap((name) => {
        const strays = straysOf(recordOf(pod[name]));
        return Object.keys(strays).length === 0 ? [] : [[name, strays]];
      }),
    ),
    spec: { ...straysOf(recordOf(pod["spec"])), containers },
  };
}

/** Keys of a part of a pod that belong to the SeldonDeployment. */
function straysOf(part: UnknownRecord): UnknownRecord {
  return Object.fromEntries(Object.entries(part).filter(([key]) => predictorWords.includes(key) || isOfObjects(key)));
}

/** Of labels and annotations those that belong to the SeldonDeployment. */
function podMetadata(metadata: UnknownRecord): UnknownRecord {
  const texts = (name: string): UnknownRecord => {
    const ours = Object.entries(recordOf(metadata[name])).filter(([key]) => isOfObjects(key));
    return ours.length === 0 ? {} : { [name]: Object.fromEntries(ours) };
  };
  return { ...without(metadata, podMetadataKeys), ...texts("labels"), ...texts("annotations") };
}

function without(record: UnknownRecord, names: ReadonlySet<string>): UnknownRecord {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !names.has(name)));
}

/** The named fields that are there. */
function picked(record: UnknownRecord, names: readonly string[]): UnknownRecord {
  const fields: Record<string, unknown> = {};
  for (const name of names) if (Object.hasOwn(record, name)) fields[name] = record[name];
  return fields;
}

/** The named part of a record, changed; nothing when it is no record. */
function recordIn(record: UnknownRecord, name: string, change: (part: UnknownRecord) => UnknownRecord): UnknownRecord {
  const part = record[name];
  return isRecord(part) ? { [name]: change(part) } : {};
}

/** The named list of a record with its records changed; nothing when it is no list. */
function listIn(record: UnknownRecord, name: string, change: (item: UnknownRecord) => UnknownRecord): UnknownRecord {
  const list = record[name];
  return Array.isArray(list) ? { [name]: list.map((item: unknown) => (isRecord(item) ? change(item) : item)) } : {};
}
