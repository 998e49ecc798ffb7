// Benchmark of the core: decide at 10,000 deployments, building the table, changing it. Targets: issue "Manifests in, predictions out".
import { decide } from '../../routing/decide.ts';
import type { TableDelta } from '../../routing/delta.ts';
import { RequestHead } from '../../routing/head.ts';
import { headOf } from '../../routing/head-text.ts';
import type { Mapping } from '../../routing/mapping.ts';
import type { Match, PathMatch } from '../../routing/match.ts';
import { applyDelta, emptyTable } from '../../routing/table.ts';
import type { RouteTable } from '../../routing/table.ts';

const deployments = 10_000;
const decisionsPerRound = 10_000;
const rounds = 300;

function policy(upstream: string, rewrite: string): Mapping['target'] {
  return {
    kind: 'forward',
    upstream,
    rewrite: rewrite === '' ? { kind: 'none' } : { kind: 'prefix', with: rewrite },
    hostRewrite: { kind: 'client' },
    requestHeaders: { remove: [], add: [] },
    responseHeaders: { remove: [], add: [] },
    timeout: { ms: 3000, setBy: null },
    idleTimeout: { ms: 300_000, setBy: null },
    retry: null,
    loadBalancer: { kind: 'least-request' },
    priority: 'default',
    cors: null,
    upgrades: [],
    dialService: false,
    kept: { bypassAuth: false, authContextExtensions: {}, labels: null },
  };
}

function mapping(id: string, namespace: string, space: string | null, name: string, match: Match, target: Mapping['target'], share: number): Mapping {
  return {
    id,
    source: { kind: 'SeldonDeployment', namespace, name },
    namespace,
    space,
    granted: false,
    member: `SeldonDeployment ${namespace}/${name}`,
    match,
    precedence: 0,
    role: { kind: 'live', weight: null, share },
    target,
    series: { namespace, deployment: name, predictor: 'main', role: 'live', protocol: match.path.kind === 'grpc' ? 'grpc' : 'http' },
  };
}

function matchOf(path: PathMatch, headers: Match['headers'] = []): Match {
  return { path, host: { kind: 'any' }, method: null, headers, query: [] };
}

const prefix = (text: string): PathMatch => ({ kind: 'prefix', prefix: text, caseSensitive: true });

/** REST and gRPC of every deployment, in so many namespaces. */
function deploymentMappings(namespaces: number): Mapping[] {
  return Array.from({ length: deployments }, (_, index) => {
    const namespace = `team-${index % namespaces}`;
    const name = `model-${index}`;
    const metadata = [['seldon', name], ['namespace', namespace]] as const;
    return [
      mapping(`SeldonDeployment ${namespace}/${name} main http`, namespace, namespace, name, matchOf(prefix(`/seldon/${namespace}/${name}/`)), policy(`service ${namespace}/${name}-main:8000 http1`, '/'), 1),
      mapping(`SeldonDeployment ${namespace}/${name} main grpc`, namespace, namespace, name, matchOf({ kind: 'grpc' }, metadata.map(([key, value]) => ({ name: key, value: { kind: 'exact', value } }))), policy(`service ${namespace}/${name}-main:5001 http2`, ''), 1),
    ];
  }).flat();
}

/** Raw Mappings that other namespaces declare in shared space. */
function foreignMappings(count: number): Mapping[] {
  return Array.from({ length: count }, (_, index) => mapping(`Mapping other-${index}/x`, `other-${index}`, null, 'x', matchOf(prefix(`/api/${index}/${'x'.repeat(index % 40)}`)), policy(`service other-${index}/x:80 http1`, '/'), 1));
}

/** Regexes that the namespace itself declares: longer than its prefixes, so tried first, and none matches. */
function ownRegexes(namespace: string, count: number): Mapping[] {
  return Array.from({ length: count }, (_, index) => mapping(`Mapping ${namespace}/r${index}`, namespace, namespace, 'r', matchOf({ kind: 'regex', pattern: `/seldon/${namespace}/model-[0-9]+/(v[0-9]+|beta|alpha)/experiment-${index}/.*` }), policy(`service ${namespace}/r:80 http1`, '/'), 1));
}

function wholeDelta(mappings: readonly Mapping[]): TableDelta {
  const keys = new Set(mappings.map(({ target }) => (target.kind === 'forward' ? target.upstream : '')));
  const endpoints = [...keys].map((key) => ({ key, ready: true, endpoints: [] }));
  return { version: 1, base: 0, settings: { singleNamespace: null }, mappings, removedMappings: [], upstreams: [], removedUpstreams: [], endpoints, slots: [], breakerSlots: [] };
}

function build(delta: TableDelta): RouteTable<null> {
  return applyDelta(emptyTable<null>(), delta, () => null);
}

/** Requests for deployments all over the table, in no order that memory could foresee. */
function requests(headAt: (index: number) => RequestHead): readonly RequestHead[] {
  return Array.from({ length: deployments }, (_, step) => headAt((step * 7919) % deployments));
}

function restHeads(namespaces: number): readonly RequestHead[] {
  const headers = [['host', 'gateway'], ['user-agent', 'bench'], ['content-type', 'application/json'], ['content-length', '70'], ['accept', '*/*']] as const;
  return requests((index) => headOf({ method: 'POST', path: `/seldon/team-${index % namespaces}/model-${index}/api/v0.1/predictions`, host: 'gateway', headers, grpc: false }));
}

function grpcHeads(namespaces: number): readonly RequestHead[] {
  return requests((index) => {
    const headers = [['content-type', 'application/grpc'], ['te', 'trailers'], ['user-agent', 'bench'], ['seldon', `model-${index}`], ['namespace', `team-${index % namespaces}`]] as const;
    return headOf({ method: 'POST', path: '/seldon.protos.Seldon/Predict', host: 'gateway', headers, grpc: true });
  });
}

/** Least ns of one decision over many short rounds: what is left when nobody else uses the machine. Every decision must forward. */
function decideNs(table: RouteTable<null>, heads: readonly RequestHead[]): number {
  const load = loaderOf(heads);
  let least = Infinity;
  for (let round = 0; round < rounds; round++) {
    let forwarded = 0;
    const start = performance.now();
    for (let i = 0; i < decisionsPerRound; i++) if (decide(table, load((round * decisionsPerRound + i) % heads.length), 0.5).kind === 'forward') forwarded++;
    least = Math.min(least, ((performance.now() - start) * 1e6) / decisionsPerRound);
    if (forwarded !== decisionsPerRound) throw new Error(`${decisionsPerRound - forwarded} decisions found no Route`);
  }
  return least;
}

/** As in the data plane there is one head object, over bytes that were just read: here the bytes of all requests lie one after the other. */
function loaderOf(heads: readonly RequestHead[]): (index: number) => RequestHead {
  const one = new RequestHead();
  one.bytes = new Uint8Array(heads.reduce((sum, { bytes }) => sum + bytes.length, 0));
  one.pathBytes = one.bytes;
  one.grpc = heads[0]!.grpc;
  one.fieldCount = heads[0]!.fieldCount;
  const starts: number[] = [];
  let end = 0;
  for (const { bytes } of heads) {
    one.bytes.set(bytes, end);
    starts.push(end);
    end += bytes.length;
  }
  return (index) => {
    const from = heads[index]!;
    const at = starts[index]!;
    one.pathStart = at + from.pathStart;
    one.pathEnd = at + from.pathEnd;
    // REST Routes of this table read no field.
    if (one.grpc) for (let i = 0; i < one.fieldCount * 4; i++) one.fields[i] = at + from.fields[i]!;
    return one;
  };
}

/** Median ms of one change of one deployment, on a table of all. */
function changeMs(table: RouteTable<null>, mappings: readonly Mapping[]): number {
  const times: number[] = [];
  let current = table;
  for (let step = 0; step < 400; step++) {
    const changed = mappings[(step * 7919) % mappings.length]!;
    const target = { ...policy(changed.target.kind === 'forward' ? changed.target.upstream : '', '/'), timeout: { ms: 3000 + step, setBy: 'bench' } };
    const delta: TableDelta = { ...wholeDelta([]), version: current.version + 1, base: current.version, mappings: [{ ...changed, target }] };
    const start = performance.now();
    current = applyDelta(current, delta, () => null);
    times.push(performance.now() - start);
  }
  return median(times.slice(100));
}

/** Median ms of one ready bit. */
function flipMs(table: RouteTable<null>, mappings: readonly Mapping[]): number {
  const times: number[] = [];
  let current = table;
  for (let step = 0; step < 400; step++) {
    const { target } = mappings[(step * 7919) % mappings.length]!;
    const delta: TableDelta = { ...wholeDelta([]), version: current.version + 1, base: current.version, endpoints: [{ key: target.kind === 'forward' ? target.upstream : '', ready: false, endpoints: [] }] };
    const start = performance.now();
    current = applyDelta(current, delta, () => null);
    times.push(performance.now() - start);
  }
  return median(times.slice(100));
}

function coldMs(delta: TableDelta): { readonly first: number; readonly warm: number } {
  const times = Array.from({ length: 5 }, () => {
    // As a worker gets it: a copy with nothing shared.
    const copy = structuredClone(delta);
    const start = performance.now();
    build(copy);
    return performance.now() - start;
  });
  return { first: times[0]!, warm: median(times.slice(1)) };
}

/** Bytes of heap that a table keeps alive, its Mappings included. */
function tableBytes(delta: TableDelta): number | null {
  if (globalThis.gc === undefined) return null;
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  let copy: TableDelta | null = structuredClone(delta);
  const table = build(copy);
  copy = null;
  globalThis.gc();
  const after = process.memoryUsage().heapUsed;
  return table.routeCount === 0 ? null : after - before;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function line(name: string, value: number, unit: string, target: string): void {
  console.log(`${name.padEnd(64)} ${value.toFixed(value < 10 ? 3 : 1).padStart(9)} ${unit}${target === '' ? '' : `   (target ${target})`}`);
}

export function benchDecide(): void {
  const cold = coldMs(wholeDelta(deploymentMappings(100)));
  line('build 20,000 Mappings, code cold', cold.first, 'ms', '< 250');
  line('build 20,000 Mappings, code warm', cold.warm, 'ms', '');
  for (const namespaces of [1, 100, deployments]) {
    const mappings = deploymentMappings(namespaces);
    const table = build(wholeDelta(mappings));
    const where = `${deployments} deployments in ${namespaces} namespace${namespaces === 1 ? '' : 's'}`;
    line(`decide REST, ${where}`, decideNs(table, restHeads(namespaces)), 'ns', '≤ 200');
    line(`decide gRPC, ${where}`, decideNs(table, grpcHeads(namespaces)), 'ns', '');
    line(`change one Mapping, ${where}`, changeMs(table, mappings), 'ms', '< 1');
    line(`flip one ready bit, ${where}`, flipMs(table, mappings), 'ms', '< 1');
    const bytes = tableBytes(wholeDelta(mappings));
    if (bytes !== null) line(`heap of the table, ${where}`, bytes / 2 ** 20, 'MiB', '');
  }
  const mappings = deploymentMappings(100);
  const plain = build(wholeDelta(mappings));
  const crowded = build(wholeDelta([...mappings, ...foreignMappings(1000)]));
  const heads = restHeads(100);
  const ratios = Array.from({ length: 5 }, () => decideNs(crowded, heads) / decideNs(plain, heads));
  line('decide with 1,000 foreign raw Mappings, against without', median(ratios), '×', '≤ 1.1');
  const regexes = build(wholeDelta([...mappings, ...ownRegexes('team-0', 50)]));
  const own = heads.filter((head) => decide(regexes, head, 0).kind === 'forward' && textOf(head).includes('/team-0/'));
  line('decide with 50 regexes of its own namespace', decideNs(regexes, own), 'ns', '≤ 25,000');
}

function textOf(head: RequestHead): string {
  return new TextDecoder().decode(head.pathBytes.subarray(head.pathStart, head.pathEnd));
}
