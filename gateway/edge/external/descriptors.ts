// Descriptors of one request, from the labels of its Mapping (Ambassador `labels`).
import type { LabelGroup, Label } from "../../../routing/model/rate-limit-labels.ts";
import { clientAddress } from "../message/request-values.ts";
import { hostOf, methodOf, pathOf, valueOf, type AskedRequest } from "./asked-request.ts";
import type { Descriptor } from "./rate-limit-messages.ts";

/** What labels say beside the request. */
export interface Clusters {
  readonly source: string;
  readonly destination: string;
}

/** Longest value of a header in a descriptor, characters: a longer one would be a key of the service's store. */
const mostValueText = 1024;

/** Host of a request that names none: with none at all a client of HTTP/1.0 would not be limited where hosts are. */
const noHost = "unknown";

/** One for each group whose labels can all be told. */
export function descriptorsOf(
  groups: readonly LabelGroup[],
  request: AskedRequest,
  clusters: Clusters,
): readonly Descriptor[] {
  return groups.flatMap(({ labels }) => {
    const entries: (readonly [string, string])[] = [];
    for (const label of labels) {
      const entry = entryOf(label, request, clusters);
      if (entry === "dropped") return [];
      if (entry !== null) entries.push(entry);
    }
    return entries.length === 0 ? [] : [entries];
  });
}

/** null: it is left out; `dropped`: and with it all of its group. */
function entryOf(
  label: Label,
  { head, facts }: AskedRequest,
  clusters: Clusters,
): readonly [string, string] | "dropped" | null {
  switch (label.kind) {
    case "generic":
      return [label.key, label.value];
    case "remote-address":
      return ["remote_address", clientAddress(head, facts)];
    case "source-cluster":
      return ["source_cluster", clusters.source];
    case "destination-cluster":
      return ["destination_cluster", clusters.destination];
    case "header": {
      const value = headerOf(label.header, head);
      // Envoy leaves an empty value out as one that is missing.
      if (value === null || value === "") return label.optional ? null : "dropped";
      return [label.key, value.slice(0, mostValueText)];
    }
  }
}

/** Pseudo-headers have their values too. */
function headerOf(name: string, head: AskedRequest["head"]): string | null {
  if (name === ":path") return pathOf(head);
  if (name === ":method") return methodOf(head);
  return name === ":authority" || name === "host" ? hostOf(head) || noHost : valueOf(head, name);
}
