// Deployment to Mappings: REST, gRPC, explainers, single-namespace and bare-name forms, both eras of canary and of shadow.
import type { ForwardTarget, HeaderEdits, HostRewrite, Kept, LoadBalancer, Mapping, Rewrite, Role, Series, TimeLimit } from '../../routing/mapping.ts';
import type { HostMatch, NamedMatch, PathMatch } from '../../routing/match.ts';
import type { Upstream, UpstreamTls } from '../../routing/upstream.ts';
import { predictorShares } from '../../routing/weights.ts';
import { annotationOf, decodePolicy, type DeploymentPolicy } from './annotations.ts';
import type { Deployment, Predictor } from './deployment.ts';
import { reportDeploymentDifferences } from './deployment-differences.ts';
import { explainerCandidate, portNamed, predictorCandidates, type Service, type ServiceCandidate } from './services.ts';
import { previousServices } from './previous.ts';
import { predictorTls, plainTls } from './tls.ts';
import { isUpstreamGranted } from './grant.ts';
import { MeaningBuilder, notReady, ownedStanding, type Standing, type Lookups, type UnitMeaning } from './unit.ts';
import { absentServiceAddress, defaultUpstreamLimits, planUpstream, serviceAddress, type UpstreamLimits, type UpstreamPlan } from './upstreams.ts';

// Parts that most Mappings have in common: one frozen object each.
const anyHost: HostMatch = Object.freeze({ kind: 'any' });
const grpcPath: PathMatch = Object.freeze({ kind: 'grpc' });
const stripPrefix: Rewrite = Object.freeze({ kind: 'prefix', with: '/' });
const keepPath: Rewrite = Object.freeze({ kind: 'none' });
const clientHost: HostRewrite = Object.freeze({ kind: 'client' });
const noEdits: HeaderEdits = Object.freeze({ remove: Object.freeze([]), add: Object.freeze([]) });
const leastRequest: LoadBalancer = Object.freeze({ kind: 'least-request' });
const nothingKept: Kept = Object.freeze({ bypassAuth: false, authContextExtensions: Object.freeze({}), labels: null });
const noUpgrades: readonly string[] = Object.freeze([]);
/** Of a Deployment's only predictor, with nothing written about its share. */
const soleRole: Role = Object.freeze({ kind: 'live', weight: null, share: 1 });
const noQuery: readonly NamedMatch[] = Object.freeze([]);

/** The target of a Mapping with nothing special. */
export const plainTarget: Omit<ForwardTarget, 'upstream' | 'timeout' | 'idleTimeout'> = Object.freeze({
  kind: 'forward',
  rewrite: stripPrefix,
  hostRewrite: clientHost,
  requestHeaders: noEdits,
  responseHeaders: noEdits,
  retry: null,
  loadBalancer: leastRequest,
  priority: 'default',
  cors: null,
  upgrades: noUpgrades,
  dialService: false,
  kept: nothingKept,
});

/** Everything that Sluice makes from an SD without `seldon.io/ambassador-config`. */
export function translateDeployment(deployment: Deployment, around: Lookups): UnitMeaning {
  return new DeploymentTranslation(deployment, around).meaning();
}

/** null: plain; `missing`: TLS is asked for and cannot be had; `withheld`: a value that decides about it cannot be read. */
type Tls = UpstreamTls | 'missing' | 'withheld' | null;

interface Backend {
  /** Part of ids: what sets previous predictors apart from current ones of the same name. */
  readonly suffix: '' | '-previous';
  readonly predictor: string;
  readonly role: Role;
  readonly http: UpstreamPlan;
  readonly grpc: UpstreamPlan;
}

class DeploymentTranslation {
  readonly #deployment: Deployment;
  readonly #around: Lookups;
  readonly #builder: MeaningBuilder;
  readonly #policy: DeploymentPolicy;
  readonly #limits: UpstreamLimits;
  readonly #namespace: string;
  readonly #member: string;
  readonly #regexes: number;
  readonly #explainers = new Map<Predictor, UpstreamPlan>();

  constructor(deployment: Deployment, around: Lookups) {
    this.#deployment = deployment;
    this.#around = around;
    this.#builder = new MeaningBuilder(deployment.ref);
    const { policy, problems } = decodePolicy(deployment, around.settings.defaultTimeoutMs);
    this.#policy = policy;
    this.#builder.problems.push(...problems);
    this.#limits = policy.breakers.length === 0 ? defaultUpstreamLimits : { ...defaultUpstreamLimits, breakers: policy.breakers };
    this.#namespace = deployment.ref.namespace;
    this.#member = `SeldonDeployment ${this.#namespace}/${deployment.ref.name}`;
    this.#regexes = policy.headers.filter(({ value }) => value.kind === 'regex').length;
  }

  meaning(): UnitMeaning {
    if (this.#policy.served !== 'no') {
      const roles = this.#roles();
      reportDeploymentDifferences(this.#deployment, this.#policy, roles, (level, code, field, sentence) => this.#builder.report(level, code, field, sentence));
      for (const { backend, explainer } of this.#backends(roles)) {
        this.#addBackend(backend);
        if (explainer !== null) this.#addExplainer(explainer, backend.role);
      }
      this.#addExplainerAlias();
    }
    return this.#builder.meaning(0);
  }

  /** Role of each predictor, in order. */
  #roles(): readonly Role[] {
    const { predictors } = this.#deployment;
    const { traffic, trafficField, weight } = this.#policy;
    const live = predictors.flatMap(({ shadow }, index) => (shadow ? [] : [index]));
    const { shares, note } = predictorShares(live.map((index) => traffic[index]!));
    if (note?.kind === 'scaled') {
      this.#builder.report('warning', 'traffic-scaled', trafficField ?? 'spec.predictors', `the traffic of the predictors after the first sums to ${note.sum}, over 100: it is scaled to 100 and the first gets none; make it sum to 100`);
    } else if (note?.kind === 'remainder' && !predictors[live[0]!]!.withheld) {
      this.#builder.report('warning', 'traffic-remainder', trafficField ?? `${predictors[live[0]!]!.field}.traffic`, `${note.declared} is written, and the first predictor gets the remainder, ${note.remainder}; make the traffic of all predictors sum to 100`);
    }
    const shadowWeight = this.#policy.shadow ? this.#shadowPercent(weight ?? 100, annotationOf(this.#deployment.annotations, 'seldon.io/ambassador-weight')?.field ?? '') : 0;
    let nextLive = 0;
    return predictors.map(({ shadow, field }, index): Role => {
      if (predictors.length === 1 && !shadow && !this.#policy.shadow && weight === null) return soleRole;
      if (shadow) return { kind: 'shadow', percent: this.#shadowPercent(traffic[index] ?? 100, trafficField ?? `${field}.traffic`) };
      const share = shares[nextLive++]!;
      return this.#policy.shadow ? { kind: 'shadow', percent: share * shadowWeight } : { kind: 'live', weight, share };
    });
  }

  /** A request is copied to a shadow once at most. */
  #shadowPercent(percent: number, field: string): number {
    if (percent <= 100) return percent;
    this.#builder.report('warning', 'shadow-over-100', field, `${percent} is over 100 and counts as 100, a copy of every request; write a percentage from 0 to 100`);
    return 100;
  }

  /** The predictors of the spec, or those that served before while none of these is ready. */
  #backends(roles: readonly Role[]): readonly { readonly backend: Backend; readonly explainer: Predictor | null }[] {
    const { predictors } = this.#deployment;
    const chosen = predictors.map((predictor) => this.#choose(predictor));
    const previous = this.#policy.shadow ? [] : previousServices(this.#deployment, this.#around, chosen.filter((_, index) => roles[index]!.kind === 'live'));
    if (previous.length > 0) {
      this.#builder.report('warning', 'serving-previous-predictor', 'spec.predictors', `no predictor is ready, so ${previous.map(({ name }) => name).join(', ')}, which the spec no longer names, serves until one is; nothing to do if this is a rollout`);
    }
    const current = predictors.map((predictor, index) => {
      const role = roles[index]!;
      const { service, name, http, grpc } = chosen[index]!;
      const tls = this.#tlsOf(predictor);
      const backend: Backend = {
        suffix: '',
        predictor: predictor.name,
        role: previous.length > 0 && role.kind === 'live' ? { ...role, share: 0 } : role,
        http: this.#upstream(service, name, http, 'http1', tls),
        grpc: this.#upstream(service, name, grpc, 'http2', tls),
      };
      return { backend, explainer: predictor.explainer === null ? null : predictor };
    });
    const before = previous.map((service): { readonly backend: Backend; readonly explainer: null } => ({
      backend: {
        suffix: '-previous',
        predictor: service.name,
        role: { kind: 'live', weight: this.#policy.weight, share: 1 / previous.length },
        http: this.#upstream(service, service.name, portNamed(service, 'http') ?? 8000, 'http1', null),
        grpc: this.#upstream(service, service.name, portNamed(service, 'grpc') ?? 5001, 'http2', null),
      },
      explainer: null,
    }));
    return [...current, ...before];
  }

  /** The first candidate that exists, else the first; and its ports. */
  #choose(predictor: Predictor): ChosenService {
    const candidates = predictorCandidates(this.#deployment, predictor);
    const service = this.#find(candidates);
    const name = service?.name ?? candidates[0]!.name;
    this.#builder.choices.push({ mapping: this.#id('http', predictor.name), predictor, chosen: name, exists: service !== null });
    const http = service === null ? null : portNamed(service, 'http');
    if (service !== null && http === null && !service.ports.some(({ port }) => port === predictor.ports.http)) {
      this.#builder.report('warning', 'no-http-port', predictor.field, `the Service ${name} has neither a port named http nor the port ${predictor.ports.http}, so for REST ${notReady}; name its port http`);
    }
    const grpc = service === null ? null : portNamed(service, 'grpc');
    if (service !== null && service.externalName === '' && grpc === null && !service.ports.some(({ port }) => port === predictor.ports.grpc)) {
      this.#builder.report('info', 'no-grpc-port', predictor.field, `the Service ${name} has neither a port named grpc nor the port ${predictor.ports.grpc}, so for gRPC ${notReady} (UNAVAILABLE); name its port grpc if it has one`);
    }
    return { service, name, http: http ?? predictor.ports.http, grpc: grpc ?? predictor.ports.grpc };
  }

  #find(candidates: readonly ServiceCandidate[]): Service | null {
    let owned: ReadonlySet<string> | null = null;
    for (const { name, ownedOnly } of candidates) {
      if (ownedOnly) {
        owned ??= new Set(this.#around.servicesOf(this.#deployment).map((service) => service.name));
        if (!owned.has(name)) continue;
      }
      const service = this.#around.service(this.#namespace, name);
      if (service !== null) return service;
    }
    return null;
  }

  #isWithheld(predictor: Predictor): boolean {
    return predictor.withheld || this.#policy.served === 'withheld';
  }

  #tlsOf(predictor: Predictor): Tls {
    const { certSecretName } = predictor;
    if (this.#isWithheld(predictor)) return 'withheld';
    if (certSecretName === '') return null;
    const result = predictorTls(certSecretName, this.#around.secret(this.#namespace, certSecretName));
    if (result.kind === 'tls') return result.tls;
    this.#builder.report('error', 'tls-missing', `${predictor.field}.ssl.certSecretName`, `TLS to the predictor ${result.reason}, so ${notReady}, never sent in plain text; create the Secret`);
    return 'missing';
  }

  #upstream(service: Service | null, name: string, port: number, protocol: Upstream['protocol'], tls: Tls): UpstreamPlan {
    const { settings } = this.#around;
    const namespace = this.#namespace;
    if (tls === 'missing' || tls === 'withheld') return planUpstream({ kind: 'service', namespace, name, port }, 'none', protocol, tls === 'missing' ? plainTls() : null, this.#limits);
    if (service !== null && service.externalName !== '') {
      if (isUpstreamGranted(this.#around.grantsOf(namespace), [service.externalName])) {
        return planUpstream({ kind: 'dns', host: service.externalName, port }, 'resolver', protocol, tls, this.#limits);
      }
      if (protocol === 'http1') this.#builder.report('error', 'upstream-not-granted', '', `the Service ${name} is an ExternalName of ${service.externalName}, which needs a Grant; ask the operator of the gateway for one with this name under upstreams`);
      return planUpstream({ kind: 'service', namespace, name, port }, 'none', protocol, tls, this.#limits);
    }
    const { address, from } = service === null ? absentServiceAddress(namespace, name, port, settings.source) : serviceAddress(service, port, settings.dial);
    return planUpstream(address, from, protocol, tls, this.#limits);
  }

  #addBackend({ suffix, predictor, role, http, grpc }: Backend): void {
    const { externalName, headers, restTimeout, restIdle, grpcTimeout, grpcIdle } = this.#policy;
    const { settings } = this.#around;
    const namespace = this.#namespace;
    const rest = this.#served(http, stripPrefix, restTimeout, restIdle, predictor, role, 'http');
    this.#add(`http${suffix}`, predictor, rest, prefixPath(`/seldon/${namespace}/${externalName}/`), headers);
    if (settings.singleNamespace !== null) this.#add(`http-short${suffix}`, predictor, rest, prefixPath(`/seldon/${externalName}/`), headers);
    const custom = this.#grpcHeaders();
    if (custom === null) return;
    const seldon: NamedMatch = { name: 'seldon', value: { kind: 'exact', value: externalName } };
    const owner: NamedMatch = { name: 'namespace', value: { kind: 'exact', value: namespace } };
    const call = this.#served(grpc, keepPath, grpcTimeout, grpcIdle, predictor, role, 'grpc');
    this.#add(`grpc${suffix}`, predictor, call, grpcPath, [seldon, owner, ...custom]);
    if (settings.singleNamespace !== null) this.#add(`grpc-short${suffix}`, predictor, call, grpcPath, [seldon, ...custom]);
    else if (settings.bareNames === 'on') this.#add(`grpc-bare${suffix}`, predictor, call, grpcPath, [seldon, ...custom], { kind: 'bare', name: externalName });
  }

  /** Custom conditions without `seldon` and `namespace`, which nobody may override; null when nothing else is left of them. */
  #grpcHeaders(): readonly NamedMatch[] | null {
    const { headers } = this.#policy;
    const custom = headers.filter(({ name }) => name !== 'seldon' && name !== 'namespace');
    if (custom.length < headers.length && !this.#builder.problems.some(({ code }) => code === 'reserved-header')) {
      this.#builder.report('warning', 'reserved-header', annotationOf(this.#deployment.annotations, 'seldon.io/ambassador-header')?.field ?? 'seldon.io/ambassador-regex-header', `the metadata seldon and namespace name the deployment and cannot be matched otherwise, so ${custom.length === 0 ? 'gRPC is not served' : 'gRPC ignores them'}; use another header`);
    }
    return headers.length > 0 && custom.length === 0 ? null : custom;
  }

  #addExplainer(predictor: Predictor, role: Role): void {
    const base = `${this.#policy.externalName}-explainer`;
    const served = this.#servedExplainer(predictor, role, stripPrefix);
    const { headers } = this.#policy;
    this.#add('explainer', predictor.name, served, prefixPath(`/seldon/${this.#namespace}/${base}/${predictor.name}/`), headers);
    if (this.#around.settings.singleNamespace !== null) this.#add('explainer-short', predictor.name, served, prefixPath(`/seldon/${base}/${predictor.name}/`), headers);
  }

  /** The path of 0.4 to 1.0, without the predictor, while it can only mean one explainer. */
  #addExplainerAlias(): void {
    const { predictors, ref } = this.#deployment;
    const explained = predictors.filter(({ explainer }) => explainer !== null);
    const [predictor] = explained;
    const name = `${ref.name}-explainer`;
    if (predictor === undefined || explained.length > 1 || this.#around.nameTaken(this.#namespace, name)) return;
    const served = this.#servedExplainer(predictor, { kind: 'live', weight: null, share: 1 }, { kind: 'prefix', with: '/api/' });
    this.#add('explainer-alias', predictor.name, served, prefixPath(`/seldon/${this.#namespace}/${name}/api/`), this.#policy.headers);
  }

  /** An explainer takes all requests for it, whatever its predictor's traffic, and answers for a predictor that is a shadow too. */
  #explainerRole(role: Role): Role {
    return this.#policy.shadow ? role : { kind: 'live', weight: this.#policy.weight, share: 1 };
  }

  #servedExplainer(predictor: Predictor, role: Role, rewrite: Rewrite): Served {
    const { restTimeout, restIdle } = this.#policy;
    return this.#served(this.#explainerUpstream(predictor), rewrite, restTimeout, restIdle, `${predictor.name}-explainer`, this.#explainerRole(role), 'http');
  }

  /** Made once: today's path and the one of 0.4 to 1.0 share it. */
  #explainerUpstream(predictor: Predictor): UpstreamPlan {
    const plan = this.#explainers.get(predictor) ?? this.#planExplainer(predictor);
    this.#explainers.set(predictor, plan);
    return plan;
  }

  #planExplainer(predictor: Predictor): UpstreamPlan {
    const candidate = explainerCandidate(this.#deployment, predictor);
    const service = this.#find([candidate]);
    const port = (service === null ? null : portNamed(service, 'http')) ?? predictor.explainer!.port;
    if (service !== null && service.externalName === '' && !service.ports.some((known) => known.port === port)) {
      this.#builder.report('warning', 'no-explainer-port', `${predictor.field}.explainer`, `the Service ${service.name} has neither a port named http nor the port ${port}, so requests for the explainer are answered 503; name its port http`);
    }
    if (this.#isWithheld(predictor)) return this.#upstream(service, candidate.name, port, 'http1', 'withheld');
    const tls = predictor.certSecretName === '' ? null : predictorTls(predictor.certSecretName, this.#around.secret(this.#namespace, predictor.certSecretName));
    return this.#upstream(service, candidate.name, port, 'http1', tls === null ? null : tls.kind === 'tls' ? tls.tls : 'missing');
  }

  #id(part: string, predictor: string): string {
    return `SeldonDeployment ${this.#namespace}/${this.#deployment.ref.name} ${part} ${predictor}`;
  }

  /** What the forms of one Mapping have in common. */
  #served(plan: UpstreamPlan, rewrite: Rewrite, timeout: TimeLimit, idleTimeout: TimeLimit, predictor: string, role: Role, protocol: Series['protocol']): Served {
    return {
      plan,
      role,
      target: { ...plainTarget, upstream: plan.upstream.key, rewrite, timeout, idleTimeout, retry: this.#policy.retry, dialService: this.#around.settings.dial === 'service' },
      series: { namespace: this.#namespace, deployment: this.#deployment.ref.name, predictor, role: role.kind, protocol },
    };
  }

  #add(part: string, predictor: string, { plan, role, target, series }: Served, path: PathMatch, headers: readonly NamedMatch[], standing: Standing = ownedStanding): void {
    const mapping: Mapping = {
      id: this.#id(part, predictor),
      source: this.#deployment.ref,
      namespace: this.#namespace,
      space: standing.kind === 'owned' ? this.#namespace : null,
      granted: false,
      member: this.#member,
      match: { path, host: anyHost, method: null, headers, query: noQuery },
      precedence: 0,
      role,
      target,
      series,
    };
    this.#builder.drafts.push({ mapping, plan, standing, raw: false, regexes: this.#regexes, field: '' });
  }
}

interface Served {
  readonly plan: UpstreamPlan;
  readonly role: Role;
  readonly target: ForwardTarget;
  readonly series: Series;
}

interface ChosenService {
  readonly service: Service | null;
  readonly name: string;
  readonly http: number;
  readonly grpc: number;
}

function prefixPath(prefix: string): PathMatch {
  return { kind: 'prefix', prefix, caseSensitive: true };
}
