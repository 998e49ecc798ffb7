// The annotations of an SD that routing reads: where each is looked up, how its text is parsed, what a bad one gets.
import type { RetryPolicy, TimeLimit } from '../../routing/mapping.ts';
import type { NamedMatch } from '../../routing/match.ts';
import type { ObjectRef, Problem, ProblemLevel } from '../../routing/problem.ts';
import { defaultBreaker, type Breaker } from '../../routing/upstream.ts';
import { nearAnnotation } from './deployment-fields.ts';
import type { Deployment, DeploymentAnnotations, Predictor } from './deployment.ts';
import { parseHeaders, parseRegexHeaders } from './header-grammar.ts';
import { notText, numberOf, quoted } from './value.ts';

/** Longest time limit, ms: the longest timer there is. */
export const maxTimeMs = 2_147_483_647;
/** Idle limit of Seldon's Mappings; a longer timeout raises it (operator 0.4.1 and later). */
export const defaultIdleMs = 300_000;

/** Where an annotation was found: its text and its field for Problems. */
export interface WrittenAnnotation {
  readonly text: string;
  readonly field: string;
}

/** What the annotations of an SD say, with defaults. */
export interface DeploymentPolicy {
  /** External name: `seldon.io/ambassador-service-name`, else the SD's own. */
  readonly externalName: string;
  /** Level-1 weight of the SD among those that share its external name, or null. */
  readonly weight: number | null;
  /** `seldon.io/ambassador-shadow`: every predictor is a shadow. */
  readonly shadow: boolean;
  readonly headers: readonly NamedMatch[];
  /** `withheld`: its share cannot be read, so it is never ready. `no`: a condition or its name cannot, and it would take traffic that was not meant for it. */
  readonly served: 'yes' | 'withheld' | 'no';
  readonly restTimeout: TimeLimit;
  readonly grpcTimeout: TimeLimit;
  readonly restIdle: TimeLimit;
  readonly grpcIdle: TimeLimit;
  readonly retry: RetryPolicy | null;
  readonly breakers: readonly Breaker[];
  /** `traffic` of each predictor, `sluice.io/traffic` applied. */
  readonly traffic: readonly (number | null)[];
  /** Field of the `sluice.io/traffic` that was applied, or null. */
  readonly trafficField: string | null;
}

export const keys = {
  weight: 'seldon.io/ambassador-weight',
  serviceName: 'seldon.io/ambassador-service-name',
  header: 'seldon.io/ambassador-header',
  regexHeader: 'seldon.io/ambassador-regex-header',
  shadow: 'seldon.io/ambassador-shadow',
  config: 'seldon.io/ambassador-config',
  id: 'seldon.io/ambassador-id',
  retries: 'seldon.io/ambassador-retries',
  maxConnections: 'seldon.io/ambassador-circuit-breakers-max-connections',
  maxPending: 'seldon.io/ambassador-circuit-breakers-max-pending-requests',
  maxRequests: 'seldon.io/ambassador-circuit-breakers-max-requests',
  maxRetries: 'seldon.io/ambassador-circuit-breakers-max-retries',
  restTimeout: 'seldon.io/rest-timeout',
  restReadTimeout: 'seldon.io/rest-read-timeout',
  grpcTimeout: 'seldon.io/grpc-timeout',
  grpcReadTimeout: 'seldon.io/grpc-read-timeout',
  traffic: 'sluice.io/traffic',
} as const;

const known: ReadonlySet<string> = new Set(Object.values(keys));

/** Without these a SeldonDeployment would get requests that were not meant for it. */
const widening: ReadonlySet<string> = new Set([keys.header, keys.regexHeader, keys.shadow, keys.weight]);

/** Keys of a predictor's annotations that are only read on the SD, or (getambassador.io/config) not at all. */
export function misplacedAnnotations(annotations: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(annotations).filter((key) => known.has(key) || key === 'getambassador.io/config');
}

/** The annotation where it counts: in `spec` when the key is there, even empty, else in `metadata`. */
export function annotationOf(annotations: DeploymentAnnotations, key: string): WrittenAnnotation | null {
  const spec = annotations.spec[key];
  if (spec !== undefined) return { text: spec, field: `spec.annotations["${key}"]` };
  const metadata = annotations.metadata[key];
  return metadata === undefined ? null : { text: metadata, field: `metadata.annotations["${key}"]` };
}

/** `seldon.io/ambassador-id`: ids, or null when the annotation is absent or empty. */
export function ambassadorIdsOf(annotations: DeploymentAnnotations): readonly string[] | null {
  const written = annotationOf(annotations, keys.id);
  const ids = written === null ? [] : parseIds(written.text);
  return ids.length === 0 ? null : ids;
}

/** A comma list or a YAML flow list of ids. */
export function parseIds(text: string): readonly string[] {
  const list = /^\s*\[(.*)\]\s*$/s.exec(text)?.[1] ?? text;
  return list.split(/[,\n]/).map((id) => id.trim().replace(/^-\s+/, '').replace(/^(["'])(.*)\1$/, '$2')).filter((id) => id !== '');
}

/** `seldon.io/ambassador-config` when it is not empty: it replaces everything that Sluice would make. */
export function customConfigOf(annotations: DeploymentAnnotations): WrittenAnnotation | null {
  const written = annotationOf(annotations, keys.config);
  return written === null || written.text.trim() === '' ? null : written;
}

/** `seldon.io/ambassador-service-name` without a Problem, for the index of names; else the SD's own name. */
export function externalNameOf(deployment: Deployment): string {
  const written = annotationOf(deployment.annotations, keys.serviceName);
  return written !== null && isExternalName(written.text) ? written.text : deployment.ref.name;
}

/** One or more path segments. A name with dot segments could never match a canonical path, one with `?` or `#` no path at all. */
export function isExternalName(text: string): boolean {
  return text.length <= 1024 && text.split('/').every((segment) => /^[A-Za-z0-9._~!$&'()*+,;=:@%-]+$/.test(segment) && segment !== '.' && segment !== '..');
}

export function isWeight(text: string): boolean {
  return (numberOf(text) ?? -1) >= 0;
}

export type TrafficText = { readonly kind: 'shares'; readonly shares: ReadonlyMap<string, number> } | { readonly kind: 'wrong'; readonly reason: string };

/** `main=75,canary=25`: percent by predictor, 0 or more. */
export function parseTraffic(text: string, predictors: readonly Predictor[]): TrafficText {
  const names = new Set(predictors.map(({ name }) => name));
  const shares = new Map<string, number>();
  for (const part of text.split(',')) {
    const [name = '', number = '', ...rest] = part.split('=').map((piece) => piece.trim());
    const value = numberOf(number);
    if (rest.length > 0 || value === null || value < 0) return { kind: 'wrong', reason: `${quoted(part === notText ? part : part.trim())} is not name=number` };
    if (!names.has(name)) return { kind: 'wrong', reason: `there is no predictor ${quoted(name)}` };
    if (shares.has(name)) return { kind: 'wrong', reason: `predictor ${quoted(name)} is named twice` };
    shares.set(name, value);
  }
  return { kind: 'shares', shares };
}

export function exampleTraffic(predictors: readonly Predictor[]): string {
  return predictors.map((predictor, index) => `${predictor.name}=${index === 0 ? 100 : 0}`).join(',').slice(0, 120);
}

/** Reads every annotation. One that decides which requests or how many and cannot be read is an error; any other keeps its default (warning). */
export function decodePolicy(deployment: Deployment, defaultTimeoutMs: number): { readonly policy: DeploymentPolicy; readonly problems: readonly Problem[] } {
  const reading = new Reading(deployment, defaultTimeLimit(defaultTimeoutMs));
  reading.checkKeys();
  const retries = reading.integer(keys.retries, 'a whole number of 0 or more');
  const breakers = reading.breakers();
  const header = reading.headers();
  const rest = reading.timeout([keys.restTimeout, keys.restReadTimeout]);
  const grpc = reading.timeout([keys.grpcTimeout, keys.grpcReadTimeout]);
  const [externalName, weight, shadow] = [reading.externalName(), reading.weight(), reading.shadow()];
  const policy: DeploymentPolicy = {
    externalName,
    weight,
    shadow,
    headers: header,
    served: reading.served,
    restTimeout: rest,
    grpcTimeout: grpc,
    restIdle: idleOf(rest),
    grpcIdle: idleOf(grpc),
    retry: retries === null || retries === 0 ? null : { retryOn: ['gateway-error'], numRetries: retries, perTryTimeoutMs: null },
    breakers,
    ...reading.traffic(deployment.predictors),
  };
  return { policy, problems: reading.problems };
}

const defaultIdle: TimeLimit = Object.freeze({ ms: defaultIdleMs, setBy: null });

let lastDefault = defaultIdle;

/** One object for all Mappings: what is shared here travels once and is kept once in every worker. */
function defaultTimeLimit(ms: number): TimeLimit {
  if (lastDefault.ms !== ms) lastDefault = Object.freeze({ ms, setBy: null });
  return lastDefault;
}

/** Strictly greater, as the operator does. */
function idleOf(timeout: TimeLimit): TimeLimit {
  return timeout.ms > defaultIdleMs ? timeout : defaultIdle;
}

class Reading {
  readonly problems: Problem[] = [];
  served: DeploymentPolicy['served'] = 'yes';
  readonly #subject: ObjectRef;
  readonly #deployment: Deployment;
  readonly #annotations: DeploymentAnnotations;
  readonly #defaultTimeout: TimeLimit;

  constructor(deployment: Deployment, defaultTimeout: TimeLimit) {
    this.#defaultTimeout = defaultTimeout;
    this.#deployment = deployment;
    this.#subject = deployment.ref;
    this.#annotations = deployment.annotations;
  }

  /** Hidden and misspelt annotations. */
  checkKeys(): void {
    const { spec, metadata } = this.#annotations;
    for (const key in metadata) {
      const hiding = spec[key];
      if (!known.has(key) || hiding === undefined || hiding === metadata[key]) continue;
      this.#report('warning', 'annotation-hidden', `metadata.annotations["${key}"]`, `spec.annotations has this key with another value and that one counts; remove it from spec.annotations or write the value there`);
    }
    for (const key of widening) {
      const written = this.#written(key);
      if (written?.text === '') this.#report('warning', 'empty-field', written.field, 'it has no value and counts as not written, so requests come here without what it would say; write its value, or remove it');
    }
    for (const [place, annotations] of [['spec', spec], ['metadata', metadata]] as const) {
      for (const key in annotations) {
        if (known.has(key)) continue;
        const near = nearAnnotation(key, known);
        const field = `${place}.annotations["${key.slice(0, 120)}"]`;
        if (near !== null && widening.has(near) && this.#written(near) === null) {
          this.served = 'no';
          this.#report('error', 'unknown-annotation', field, `this annotation is not known, and what it seems to mean decides which requests come here, so the SeldonDeployment is not served; write ${near}, or remove it`);
        } else if (near !== null || /^(?:seldon\.io\/ambassador-|sluice\.io\/)/.test(key)) {
          this.#report('warning', 'unknown-annotation', field, `this annotation is not known and is ignored; ${near === null ? 'correct its spelling or remove it' : `write ${near}, or remove it`}`);
        }
      }
    }
  }

  externalName(): string {
    const written = this.#written(keys.serviceName);
    const name = externalNameOf(this.#deployment);
    if (written?.text === '') this.#bad('bad-service-name', written, "the SeldonDeployment's own name is used", 'letters, digits, "-", "." and "/" between names, or remove it');
    else if (written !== null && !isExternalName(written.text)) this.#refuse('no', 'bad-service-name', written, 'is not a name for a path', 'letters, digits, "-", "." and "/" between names');
    return name;
  }

  weight(): number | null {
    const written = this.#written(keys.weight);
    if (written === null || written.text === '') return null;
    if (isWeight(written.text)) return numberOf(written.text);
    this.#refuse('withheld', 'bad-weight', written, 'is not a weight', 'a percentage from 0 to 100');
    return 0;
  }

  shadow(): boolean {
    const written = this.#written(keys.shadow);
    if (written === null || written.text === '') return false;
    if (written.text === notText) {
      this.#refuse('no', 'bad-shadow', written, 'is neither true nor false', 'true or false, in quotes');
      return false;
    }
    if (!['false', '0', 'no', 'off', 'n'].includes(written.text.trim().toLowerCase())) return true;
    this.#report('warning', 'shadow-false', written.field, `${quoted(written.text)} means no shadow here, while Seldon took any text for a shadow; remove the annotation`);
    return false;
  }

  headers(): readonly NamedMatch[] {
    const headers: NamedMatch[] = [];
    for (const [key, parse] of [[keys.header, parseHeaders], [keys.regexHeader, parseRegexHeaders]] as const) {
      const written = this.#written(key);
      if (written === null || written.text === '') continue;
      const { pairs, wrong } = parse(written.text);
      headers.push(...pairs);
      if (wrong.length > 0) this.#refuse('no', 'bad-header', written, wrong.join(' and '), '"name: value", one a line');
    }
    return headers;
  }

  /** The first key that is there counts, also with a bad value. */
  timeout(names: readonly string[]): TimeLimit {
    for (const key of names) {
      const written = this.#written(key);
      if (written === null) continue;
      const ms = numberOf(written.text);
      if (ms !== null && Number.isInteger(ms) && ms >= 0 && ms <= maxTimeMs) return { ms, setBy: `annotation ${key}` };
      this.#bad('bad-timeout', written, `the default of ${this.#defaultTimeout.ms} ms is used`, 'whole milliseconds, 0 for none');
      break;
    }
    return this.#defaultTimeout;
  }

  integer(key: string, what: string): number | null {
    const written = this.#written(key);
    if (written === null || written.text.trim() === '') return null;
    const number = numberOf(written.text);
    if (number !== null && Number.isInteger(number) && number >= 0 && number <= maxTimeMs) return number;
    this.#bad('bad-number', written, 'it counts as not written', what);
    return null;
  }

  /** Any of the four gives one entry; what is not written has Ambassador's default. */
  breakers(): readonly Breaker[] {
    const limits = [keys.maxConnections, keys.maxPending, keys.maxRequests, keys.maxRetries].map((key) => this.integer(key, 'a whole number of 0 or more'));
    if (limits.every((limit) => limit === null)) return [];
    const [connections, pending, requests, retries] = limits;
    return [
      {
        priority: 'default',
        maxConnections: connections ?? defaultBreaker.maxConnections,
        maxPendingRequests: pending ?? defaultBreaker.maxPendingRequests,
        maxRequests: requests ?? defaultBreaker.maxRequests,
        maxRetries: retries ?? defaultBreaker.maxRetries,
      },
    ];
  }

  /** `main=75,canary=25`: predictors that are not named get 0; with anything wrong the spec's values stay. */
  traffic(predictors: readonly Predictor[]): Pick<DeploymentPolicy, 'traffic' | 'trafficField'> {
    const fromSpec = { traffic: predictors.map(({ traffic }) => traffic), trafficField: null };
    const written = this.#written(keys.traffic);
    if (written === null || written.text === '') return fromSpec;
    const read = parseTraffic(written.text, predictors);
    if (read.kind === 'wrong') {
      this.#report('error', 'bad-traffic', written.field, `${read.reason}, so the traffic of the spec holds; write for example ${exampleTraffic(predictors)}`);
      return fromSpec;
    }
    return { traffic: predictors.map(({ name }) => read.shares.get(name) ?? 0), trafficField: written.field };
  }

  #written(key: string): WrittenAnnotation | null {
    return annotationOf(this.#annotations, key);
  }

  /** A value that decides which requests or how many, and cannot be read. */
  #refuse(served: 'withheld' | 'no', code: string, written: WrittenAnnotation, wrong: string, write: string): void {
    if (this.served !== 'no') this.served = served;
    this.#report('error', code, written.field, `${quoted(written.text)} ${wrong}: the SeldonDeployment is not served, because it could take requests that were not meant for it; write ${write}`);
  }

  #bad(code: string, written: WrittenAnnotation, instead: string, write: string): void {
    this.#report('warning', code, written.field, `${quoted(written.text)} cannot be read and ${instead}; write ${write}`);
  }

  #report(level: ProblemLevel, code: string, field: string, sentence: string): void {
    this.problems.push({ code, level, subject: this.#subject, field, sentence });
  }
}
