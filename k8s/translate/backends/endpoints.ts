// Endpoints: EndpointSlices decoded and joined to Services by port name (routing rule 7).
import { compareText, type ObjectRef, type Problem } from "../../../routing/text/problem.ts";
import { printEndpoint, type Endpoint } from "../../../routing/model/upstream.ts";
import { readAddress, refusalOf, type Address, type ReachSettings } from "./reach.ts";
import type { Service } from "./services.ts";
import {
  arrayOf,
  booleanOf,
  fieldOf,
  integerOf,
  isRecord,
  quoted,
  recordOf,
  textOf,
  type UnknownRecord,
} from "../values/value.ts";

/** One EndpointSlice: addresses that may be dialled, and its ports. The addresses are one text, because there may be a million in all. */
export interface Slice {
  /** The Service it belongs to, or "". */
  readonly service: string;
  readonly ports: readonly SlicePort[];
  /** In order of text, each once: `10.1.0.2,10.1.0.3 terminating`. */
  readonly addresses: string;
  /** `ip:port` of what must not be dialled at one of the ports and may be at another. */
  readonly refused: readonly string[];
  readonly problems: readonly Problem[];
}

interface SlicePort {
  /** "" for none. */
  readonly name: string;
  readonly port: number;
}

/** Controller that computes slices from Services' selectors. Mirrored slices hold what somebody wrote into an Endpoints object, so they count as written by hand. */
const controller = "endpointslice-controller.k8s.io";

/**
 * Decodes a slice. Addresses that must not be dialled are left out with a Problem. `handWritten` says whether slices that no Kubernetes
 * controller manages are accepted: in a folder, or by a Grant.
 */
export function decodeSlice(ref: ObjectRef, object: unknown, settings: ReachSettings, handWritten: boolean): Slice {
  const root = recordOf(object);
  const labels = recordOf(fieldOf(recordOf(fieldOf(root, "metadata")), "labels"));
  const service = textOf(fieldOf(labels, "kubernetes.io/service-name"));
  if (!handWritten && fieldOf(labels, "endpointslice.kubernetes.io/managed-by") !== controller) {
    const sentence =
      "no Kubernetes controller made this EndpointSlice, so Sluice does not connect to its addresses; ask the operator of the gateway for a Grant with endpointSlices: true";
    return {
      service,
      ports: noPorts,
      addresses: "",
      refused: noTexts,
      problems: [{ code: "not-granted", level: "error", subject: ref, field: "metadata.labels", sentence }],
    };
  }
  const ports = portsOf(root);
  const unread: unknown[] = [];
  const targets = arrayOf(fieldOf(root, "endpoints")).flatMap((value) => addressesOf(recordOf(value), unread));
  const reasons = new Map<string, string>();
  const reached = new Set<Target>();
  const refused: { readonly target: Target; readonly text: string }[] = [];
  for (const { port } of ports) {
    for (const target of targets) {
      const reason = refusalOf(settings, target.address, port);
      if (reason === null) reached.add(target);
      else {
        reasons.set(target.written, reason);
        if (target.address !== null) refused.push({ target, text: printEndpoint(target.address.canonical, port) });
      }
    }
  }
  const elsewhere = refused.filter(({ target }) => reached.has(target)).map(({ text }) => text);
  const problems = [...reasons].slice(0, 8).map(([ip, reason]): Problem => {
    return {
      code: "address-refused",
      level: "error",
      subject: ref,
      field: "endpoints",
      sentence: `the address ${ip.slice(0, 60)} ${reason}, so Sluice does not connect to it; remove it`,
    };
  });
  if (unread.length > 0)
    problems.push({
      code: "bad-value",
      level: "error",
      subject: ref,
      field: "endpoints",
      sentence: `${unread.length} endpoints have conditions that cannot be read, such as ${quoted(unread[0])}, so they get no requests; write true or false`,
    });
  return {
    service,
    ports,
    addresses: textOfTargets([...reached]),
    refused: elsewhere.length === 0 ? noTexts : [...new Set(elsewhere)],
    problems: problems.length === 0 ? noProblems : problems,
  };
}

const noPorts: readonly SlicePort[] = Object.freeze([]);
const noTexts: readonly string[] = Object.freeze([]);
const noProblems: readonly Problem[] = Object.freeze([]);

function portsOf(root: UnknownRecord): readonly SlicePort[] {
  const ports: SlicePort[] = [];
  for (const value of arrayOf(fieldOf(root, "ports"))) {
    const port = integerOf(fieldOf(recordOf(value), "port"));
    if (port !== null && port >= 1 && port <= 65535)
      ports.push({ name: textOf(fieldOf(recordOf(value), "name")), port });
  }
  return ports;
}

/** `ready` sorts before `terminating`, so the first of an address is the one to keep. */
function textOfTargets(targets: readonly Target[]): string {
  const texts = targets.map(({ address, state }) =>
    state === "ready" ? address!.canonical : `${address!.canonical} ${state}`,
  );
  if (texts.length === 1) return texts[0]!;
  return texts
    .sort(compareText)
    .filter((text, index) => index === 0 || ipOf(texts[index - 1]!) !== ipOf(text))
    .join(",");
}

function ipOf(text: string): string {
  const end = text.indexOf(" ");
  return end < 0 ? text : text.slice(0, end);
}

interface Target {
  readonly written: string;
  readonly address: Address | null;
  readonly state: Endpoint["state"];
}

/** `unread`: takes what cannot be read. */
function addressesOf(endpoint: UnknownRecord, unread: unknown[]): readonly Target[] {
  const state = stateOf(fieldOf(endpoint, "conditions") ?? null, unread);
  if (state === null) return [];
  return arrayOf(fieldOf(endpoint, "addresses")).map((value) => ({
    written: textOf(value),
    address: readAddress(textOf(value)),
    state,
  }));
}

/** Absent `ready` is ready, absent `serving` is as ready (discovery.k8s.io/v1). Where one of them cannot be read it is neither. */
function stateOf(conditions: unknown, unread: unknown[]): Endpoint["state"] | null {
  if (conditions === null) return "ready";
  const [ready, serving, terminating] = ["ready", "serving", "terminating"].map((name) =>
    isRecord(conditions) ? booleanOf(fieldOf(conditions, name) ?? name === "ready") : null,
  );
  if (ready === null || (ready === false && (serving === null || terminating === null))) {
    unread.push(conditions);
    return null;
  }
  if (ready === true) return "ready";
  return serving === true && terminating === true ? "terminating" : null;
}

/** Endpoints of one port of a Service: all its slices merged, each address once (ready beats terminating), in order of text. */
export function joinEndpoints(service: Service, port: number, slices: readonly Slice[]): readonly Endpoint[] {
  const lists: (readonly Endpoint[])[] = [];
  for (const candidate of service.ports) {
    if (candidate.port !== port) continue;
    for (const slice of slices) {
      if (slice.addresses === "") continue;
      for (const at of slice.ports) if (at.name === candidate.name) lists.push(endpointsAt(slice, at.port));
    }
  }
  if (lists.length === 0) return none;
  return lists.length === 1 ? lists[0]! : merged(lists);
}

function endpointsAt({ addresses, refused }: Slice, port: number): readonly Endpoint[] {
  const endpoints = addresses.split(",").map((text): Endpoint => {
    const ip = ipOf(text);
    return { ip, port, state: ip.length === text.length ? "ready" : "terminating" };
  });
  return refused.length === 0 ? endpoints : endpoints.filter(({ ip }) => !refused.includes(printEndpoint(ip, port)));
}

const none: readonly Endpoint[] = Object.freeze([]);

function merged(lists: readonly (readonly Endpoint[])[]): readonly Endpoint[] {
  const found: Endpoint[] = lists
    .flat()
    .sort((a, b) => compareText(a.ip, b.ip) || a.port - b.port || compareText(a.state, b.state));
  // `ready` sorts before `terminating`, so the first of an address is the one to keep.
  return found.filter(
    ({ ip, port }, index) => index === 0 || found[index - 1]!.ip !== ip || found[index - 1]!.port !== port,
  );
}
