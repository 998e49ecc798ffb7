// Endpoints: EndpointSlices decoded and joined to Services by port name (design §4.7, §5).
import { compareText, type ObjectRef, type Problem } from '../../routing/problem.ts';
import type { Endpoint } from '../../routing/upstream.ts';
import { canonicalAddress, refusal, type ReachSettings } from './reach.ts';
import type { Service } from './services.ts';
import { arrayOf, fieldOf, integerOf, recordOf, textOf, textRecordOf, type UnknownRecord } from './value.ts';

/** One EndpointSlice: addresses that may be dialled, by port name ("" for none). */
export interface Slice {
  /** The Service it belongs to, or "". */
  readonly service: string;
  readonly endpoints: ReadonlyMap<string, readonly Endpoint[]>;
  readonly problems: readonly Problem[];
}

/** Controller that computes slices from Services' selectors. Mirrored slices hold what somebody wrote into an Endpoints object, so they count as written by hand. */
const controller = 'endpointslice-controller.k8s.io';

/**
 * Decodes a slice. Addresses that must not be dialled are left out with a Problem. `handWritten` says whether slices that no Kubernetes
 * controller manages are accepted: in a folder, or by a Grant.
 */
export function decodeSlice(ref: ObjectRef, object: unknown, settings: ReachSettings, handWritten: boolean): Slice {
  const root = recordOf(object);
  const labels = textRecordOf(fieldOf(recordOf(fieldOf(root, 'metadata')), 'labels'));
  const service = labels['kubernetes.io/service-name'] ?? '';
  const problems: Problem[] = [];
  const endpoints = new Map<string, readonly Endpoint[]>();
  if (!handWritten && labels['endpointslice.kubernetes.io/managed-by'] !== controller) {
    problems.push({ code: 'slice-not-managed', level: 'error', subject: ref, field: 'metadata.labels', sentence: 'no Kubernetes controller computes this EndpointSlice, so its addresses are not dialled; ask the operator of the gateway for a Grant with endpointSlices: true' });
    return { service, endpoints, problems };
  }
  const refused = new Map<string, string>();
  const targets = arrayOf(fieldOf(root, 'endpoints')).flatMap((value) => addressesOf(recordOf(value)));
  for (const value of arrayOf(fieldOf(root, 'ports'))) {
    const port = integerOf(fieldOf(recordOf(value), 'port'));
    if (port === null || port < 1 || port > 65535) continue;
    const name = textOf(fieldOf(recordOf(value), 'name'));
    const reached: Endpoint[] = [];
    for (const { ip, state } of targets) {
      const reason = refusal(settings, ip, port);
      if (reason === null) reached.push({ ip: canonicalAddress(ip)!, port, state });
      else refused.set(ip, reason);
    }
    endpoints.set(name, [...(endpoints.get(name) ?? []), ...reached]);
  }
  for (const [ip, reason] of [...refused].slice(0, 8)) {
    problems.push({ code: 'address-refused', level: 'error', subject: ref, field: 'endpoints', sentence: `the address ${ip.slice(0, 60)} ${reason} and is not dialled; remove it` });
  }
  return { service, endpoints, problems };
}

function addressesOf(endpoint: UnknownRecord): readonly { readonly ip: string; readonly state: Endpoint['state'] }[] {
  const state = stateOf(recordOf(fieldOf(endpoint, 'conditions')));
  if (state === null) return [];
  return arrayOf(fieldOf(endpoint, 'addresses')).map(textOf).filter((ip) => ip !== '').map((ip) => ({ ip, state }));
}

/** Absent `ready` is ready, absent `serving` is as ready (discovery.k8s.io/v1). */
function stateOf(conditions: UnknownRecord): Endpoint['state'] | null {
  const ready = fieldOf(conditions, 'ready') !== false;
  if (ready) return 'ready';
  const serving = fieldOf(conditions, 'serving') === true;
  return serving && fieldOf(conditions, 'terminating') === true ? 'terminating' : null;
}

/** Endpoints of one port of a Service: all its slices merged, each address once (ready beats terminating), in order of text. */
export function joinEndpoints(service: Service, port: number, slices: readonly Slice[]): readonly Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const { name } of service.ports.filter((candidate) => candidate.port === port)) {
    for (const slice of slices) {
      for (const endpoint of slice.endpoints.get(name) ?? []) {
        const key = `${endpoint.ip} ${endpoint.port}`;
        const before = found.get(key);
        if (before === undefined || before.state === 'terminating') found.set(key, endpoint);
      }
    }
  }
  if (found.size <= 1) return [...found.values()];
  return [...found.values()].sort((a, b) => compareText(a.ip, b.ip) || a.port - b.port);
}

export function sameEndpoints(a: readonly Endpoint[], b: readonly Endpoint[]): boolean {
  return a.length === b.length && a.every((endpoint, index) => endpoint.ip === b[index]!.ip && endpoint.port === b[index]!.port && endpoint.state === b[index]!.state);
}
