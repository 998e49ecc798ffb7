// Endpoints: EndpointSlices decoded and joined to Services by port name (routing rule 7).
import { compareText, type ObjectRef, type Problem } from '../../routing/problem.ts';
import type { Endpoint } from '../../routing/upstream.ts';
import { readAddress, refusalOf, type Address, type ReachSettings } from './reach.ts';
import type { Service } from './services.ts';
import { arrayOf, fieldOf, integerOf, recordOf, textOf, type UnknownRecord } from './value.ts';

/** One EndpointSlice: addresses that may be dialled, by port name ("" for none). */
export interface Slice {
  /** The Service it belongs to, or "". */
  readonly service: string;
  readonly ports: readonly SlicePort[];
  readonly problems: readonly Problem[];
}

interface SlicePort {
  readonly name: string;
  /** In order of text, each address once. */
  readonly endpoints: readonly Endpoint[];
}

/** Controller that computes slices from Services' selectors. Mirrored slices hold what somebody wrote into an Endpoints object, so they count as written by hand. */
const controller = 'endpointslice-controller.k8s.io';

/**
 * Decodes a slice. Addresses that must not be dialled are left out with a Problem. `handWritten` says whether slices that no Kubernetes
 * controller manages are accepted: in a folder, or by a Grant.
 */
export function decodeSlice(ref: ObjectRef, object: unknown, settings: ReachSettings, handWritten: boolean): Slice {
  const root = recordOf(object);
  const labels = recordOf(fieldOf(recordOf(fieldOf(root, 'metadata')), 'labels'));
  const service = textOf(fieldOf(labels, 'kubernetes.io/service-name'));
  const problems: Problem[] = [];
  const ports: SlicePort[] = [];
  if (!handWritten && fieldOf(labels, 'endpointslice.kubernetes.io/managed-by') !== controller) {
    problems.push({ code: 'slice-not-managed', level: 'error', subject: ref, field: 'metadata.labels', sentence: 'no Kubernetes controller computes this EndpointSlice, so its addresses are not dialled; ask the operator of the gateway for a Grant with endpointSlices: true' });
    return { service, ports, problems };
  }
  const refused = new Map<string, string>();
  const targets = arrayOf(fieldOf(root, 'endpoints')).flatMap((value) => addressesOf(recordOf(value)));
  for (const value of arrayOf(fieldOf(root, 'ports'))) {
    const port = integerOf(fieldOf(recordOf(value), 'port'));
    if (port === null || port < 1 || port > 65535) continue;
    const name = textOf(fieldOf(recordOf(value), 'name'));
    const reached: Endpoint[] = [];
    for (const { written, address, state } of targets) {
      const reason = refusalOf(settings, address, port);
      if (reason === null) reached.push({ ip: address!.canonical, port, state });
      else refused.set(written, reason);
    }
    ports.push({ name, endpoints: inOrder(reached) ? reached : merged([reached]) });
  }
  for (const [ip, reason] of [...refused].slice(0, 8)) {
    problems.push({ code: 'address-refused', level: 'error', subject: ref, field: 'endpoints', sentence: `the address ${ip.slice(0, 60)} ${reason} and is not dialled; remove it` });
  }
  return { service, ports, problems };
}

interface Target {
  readonly written: string;
  readonly address: Address | null;
  readonly state: Endpoint['state'];
}

function addressesOf(endpoint: UnknownRecord): readonly Target[] {
  const state = stateOf(recordOf(fieldOf(endpoint, 'conditions')));
  if (state === null) return [];
  return arrayOf(fieldOf(endpoint, 'addresses')).map((value) => ({ written: textOf(value), address: readAddress(textOf(value)), state }));
}

/** Absent `ready` is ready, absent `serving` is as ready (discovery.k8s.io/v1). */
function stateOf(conditions: UnknownRecord): Endpoint['state'] | null {
  const ready = fieldOf(conditions, 'ready') !== false;
  if (ready) return 'ready';
  const serving = fieldOf(conditions, 'serving') === true;
  return serving && fieldOf(conditions, 'terminating') === true ? 'terminating' : null;
}

/** Endpoints of one port of a Service: all its slices merged, each address once (ready beats terminating), in order of text. */
export function joinEndpoints(service: Service, port: number, slices: Iterable<Slice>): readonly Endpoint[] {
  const lists: (readonly Endpoint[])[] = [];
  for (const candidate of service.ports) {
    if (candidate.port !== port) continue;
    for (const slice of slices) for (const { name, endpoints } of slice.ports) if (name === candidate.name && endpoints.length > 0) lists.push(endpoints);
  }
  if (lists.length === 0) return none;
  return lists.length === 1 ? lists[0]! : merged(lists);
}

const none: readonly Endpoint[] = Object.freeze([]);

/** Addresses rise and none is there twice. */
function inOrder(endpoints: readonly Endpoint[]): boolean {
  for (let i = 1; i < endpoints.length; i++) if (endpoints[i - 1]!.ip >= endpoints[i]!.ip) return false;
  return true;
}

function merged(lists: readonly (readonly Endpoint[])[]): readonly Endpoint[] {
  const found: Endpoint[] = lists.flat().sort((a, b) => compareText(a.ip, b.ip) || a.port - b.port || compareText(a.state, b.state));
  // `ready` sorts before `terminating`, so the first of an address is the one to keep.
  return found.filter(({ ip, port }, index) => index === 0 || found[index - 1]!.ip !== ip || found[index - 1]!.port !== port);
}

export function sameEndpoints(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  return a.length === b.length && a.every((endpoint, index) => endpoint.ip === b[index]!.ip && endpoint.port === b[index]!.port && endpoint.state === b[index]!.state);
}
