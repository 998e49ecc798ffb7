// Raw Mappings: one AmbassadorMapping document, decoded with all fields that Ambassador knows, in the shapes of v0 to v3alpha1.
import { knownVariables, templateOf } from '../../routing/header-template.ts';
import type { ForwardTarget, HeaderAdd, HeaderEdits, HostRewrite, RedirectTarget, Rewrite, TimeLimit } from '../../routing/mapping.ts';
import type { Match } from '../../routing/match.ts';
import { maxSubstitutionLength, maxSubstitutionReferences, rewriteFault } from '../../routing/rewrite.ts';
import { isUntouchableHeader } from '../../routing/untouchable-headers.ts';
import { visible } from '../../routing/visible.ts';
import { defaultIdleMs, maxTimeMs } from './annotations.ts';
import { mappingFields } from './field-kinds.ts';
import type { Fields } from './fields.ts';
import { checkInnerKeys } from './mapping-shape.ts';
import { plainTarget } from './mappings.ts';
import { nearWord } from './near-word.ts';
import { decodeMatch } from './raw-match.ts';
import { decodeCors, decodeKept, decodeRetry, decodeUpgrades } from './raw-policy.ts';
import { decodeBreakers, decodeHealthCheck, decodeLoadBalancer } from './raw-pool.ts';
import { parseService, type RawService } from './raw-service.ts';
import { defaultConnectTimeoutMs, defaultUpstreamLimits, type UpstreamLimits } from './upstreams.ts';
import { booleanOf, fieldOf, isRecord, quoted, scalarText, textOf } from './value.ts';

/** One raw Mapping by itself: what its document says, before Services, TLS and tenancy are looked at. */
export interface RawMapping {
  readonly kind: 'Mapping';
  readonly name: string;
  /** Field of the document, for Problems. */
  readonly field: string;
  readonly match: Match;
  readonly precedence: number;
  readonly weight: number | null;
  /** Its share could not be read: it keeps its Route as one that is never ready. */
  readonly withheld: boolean;
  readonly shadow: boolean;
  readonly grpc: boolean;
  /** null for a redirect. */
  readonly service: RawService | null;
  readonly redirect: RedirectTarget | null;
  /** Name of a TLSContext; "" for TLS without one; null: as the service says. */
  readonly tls: string | null;
  readonly target: Omit<ForwardTarget, 'upstream' | 'dialService'>;
  readonly limits: UpstreamLimits;
  /** `resolver`, or null: the gateway's `--dial`. */
  readonly dial: 'endpoints' | 'service' | null;
  readonly regexes: number;
}

/** Read elsewhere: whose the document is, and what it is. */
const elsewhere = ['apiVersion', 'kind', 'name', 'namespace', 'generation', 'ambassador_id', 'ambassadorId', 'metadata_labels'];

/** Of no effect on what is served, so that nothing is lost without them. */
const withoutEffect: Readonly<Record<string, string>> = {
  cluster_tag: 'Upstreams are apart by address and protocol here',
  docs: 'it describes the Mapping for a developer portal',
  v2ExplicitTLS: "it is a note of Ambassador's conversion between its versions",
  v2BoolHeaders: "it is a note of Ambassador's conversion between its versions",
  v2BoolQueryParameters: "it is a note of Ambassador's conversion between its versions",
};

/** Known to Ambassador and lost here. */
const lost = ['keepalive', 'dns_type', 'respect_dns_ttl', 'enable_ipv4', 'enable_ipv6', 'add_linkerd_headers', 'stats_name', 'v3StatsName', 'modules', 'envoy_override', 'outlier_detection', 'error_response_overrides', 'bypass_error_response_overrides', 'circuit_breaker', 'cluster_timeout_ms'];

/** What a redirect answers with needs none of these. */
const ofForwarding = [
  'rewrite', 'regex_rewrite', 'host_rewrite', 'auto_host_rewrite', 'tls', 'grpc', 'timeout_ms', 'idle_timeout_ms', 'connect_timeout_ms', 'cluster_idle_timeout_ms',
  'cluster_max_connection_lifetime_ms', 'retry_policy', 'circuit_breakers', 'load_balancer', 'health_checks', 'v3health_checks', 'resolver', 'priority', 'cors', 'allow_upgrade',
  'use_websocket', 'add_request_headers', 'add_response_headers', 'remove_request_headers', 'remove_response_headers',
];

/** Fields that say nothing without, or beside, another one. */
const dependent: readonly (readonly [name: string, depends: 'without' | 'beside', other: string])[] = [
  ['path_redirect', 'without', 'host_redirect'],
  ['prefix_redirect', 'without', 'host_redirect'],
  ['regex_redirect', 'without', 'host_redirect'],
  ['redirect_response_code', 'without', 'host_redirect'],
  ['host_regex', 'without', 'host'],
  ['method_regex', 'without', 'method'],
  ['host', 'beside', 'hostname'],
  ['rewrite', 'beside', 'regex_rewrite'],
  ['auto_host_rewrite', 'beside', 'host_rewrite'],
  ['prefix_exact', 'beside', 'prefix_regex'],
  ['case_sensitive', 'beside', 'prefix_regex'],
  ['health_checks', 'beside', 'v3health_checks'],
  ...ofForwarding.map((name) => [name, 'beside', 'host_redirect'] as const),
];

/** Decodes a document's fields; null when it is not valid, which has been reported. */
export function decodeRawMapping(name: string, field: string, fields: Fields, defaultTimeoutMs: number, owner: string): RawMapping | null {
  const match = decodeMatch(fields);
  const shadow = fields.boolean('shadow');
  const grpc = fields.boolean('grpc');
  const written = fields.text('service');
  const redirect = decodeRedirect(fields, written, shadow);
  const tls = decodeTls(fields);
  const service = redirect === null ? parseService(written ?? '', tls !== null) : null;
  if (redirect === null && service === null) fields.refuse('bad-mapping', 'service', `${quoted(written ?? '')} is not a service; write name:port or name.namespace:port`);
  const rewrite = decodeRewrite(fields);
  const weight = fields.weight('weight');
  const raw: Omit<RawMapping, 'regexes' | 'match' | 'withheld'> = {
    kind: 'Mapping',
    name,
    field,
    precedence: fields.integer('precedence', -1_000_000, 1_000_000) ?? 0,
    weight: fields.unreadable.has('weight') ? 0 : weight,
    shadow,
    grpc,
    service,
    redirect,
    tls,
    target: {
      ...plainTarget,
      rewrite: rewrite ?? plainTarget.rewrite,
      hostRewrite: decodeHostRewrite(fields),
      requestHeaders: decodeEdits(fields, 'request'),
      responseHeaders: decodeEdits(fields, 'response'),
      timeout: decodeLimit(fields, 'timeout_ms', owner) ?? { ms: defaultTimeoutMs, setBy: null },
      idleTimeout: decodeLimit(fields, 'idle_timeout_ms', owner) ?? { ms: defaultIdleMs, setBy: null },
      retry: decodeRetry(fields),
      loadBalancer: decodeLoadBalancer(fields),
      priority: decodePriority(fields),
      cors: decodeCors(fields),
      upgrades: decodeUpgrades(fields),
      kept: decodeKept(fields),
    },
    limits: decodeUpstreamLimits(fields, grpc),
    dial: decodeResolver(fields),
  };
  checkUnread(fields);
  const withheld = fields.unreadable.has('weight');
  // A share that nobody can read is like that of an unready one; a copy or a redirect has none that could be withheld.
  const readable = fields.unreadable.size === (withheld && !shadow && redirect === null ? 1 : 0);
  return match === null || rewrite === null || !readable ? null : { ...raw, match, withheld, regexes: fields.regexes };
}

function checkUnread(fields: Fields): void {
  for (const name of elsewhere) fields.take(name);
  for (const name of lost) {
    if (fields.has(name)) fields.report('warning', 'field-lost', name, 'Sluice does not have this and ignores it; remove it');
    fields.take(name);
  }
  for (const [name, because] of Object.entries(withoutEffect)) {
    if (fields.has(name)) fields.report('info', 'field-without-effect', name, `this changes nothing here, because ${because}; it may stay`);
    fields.take(name);
  }
  checkInnerKeys(fields);
  for (const [name, depends, other] of dependent) {
    if (!fields.says(name) || fields.says(other) !== (depends === 'beside')) continue;
    fields.report('warning', 'field-ignored', name, `this says nothing ${depends} ${other} and is ignored; ${depends === 'beside' ? 'remove one of the two' : `write ${other} as well, or remove it`}`);
  }
  const known = new Set([...Object.keys(mappingFields), ...Object.keys(withoutEffect), ...lost, ...elsewhere]);
  for (const name of fields.unread().slice(0, 16)) {
    const near = nearWord(name, known);
    const field = name.slice(0, 60);
    if (near === null) fields.report('warning', 'unknown-field', field, 'this is not a field of a Mapping and is ignored; correct its spelling or remove it');
    // Ignored, a misspelt condition or share would give the Mapping requests that were not meant for it; one that is there as well decides already.
    else if ((mappingFields[near] ?? 'how') === 'how' || near === 'ambassador_id' || (fields.has(near) && !/headers|parameters/.test(near))) fields.report('warning', 'unknown-field', field, `this is not a field of a Mapping and is ignored; write ${near}, or remove it`);
    else fields.refuse('unknown-field', field, `this is not a field of a Mapping, and what it seems to mean decides where requests go, so the Mapping is not served in this form; write ${near}, or remove it`);
  }
}

/** undefined and "" differ: "" is no rewrite. null: a regex that cannot be used. */
function decodeRewrite(fields: Fields): Rewrite | null {
  const written = fields.take('rewrite');
  const regex = fields.record('regex_rewrite');
  if (regex !== null && Object.keys(regex).length > 0) {
    return decodeRegexRewrite(fields, 'regex_rewrite', regex);
  }
  if (written === undefined) return plainTarget.rewrite;
  const text = scalarText(written);
  if (text === '') return { kind: 'none' };
  if (text !== null && text.length <= longestPath && /^\/[^\0-\x20#?\\\x7f]*$/.test(text)) return { kind: 'prefix', with: text };
  fields.bad('rewrite', written, `a path that begins with /, of at most ${longestPath} characters, or "" for none`);
  return plainTarget.rewrite;
}

/** Longest path that a manifest writes, characters: what every request may grow by. */
const longestPath = 2048;
/** Longest host name (RFC 1035), with a port. */
const longestHost = 261;

function decodeRegexRewrite(fields: Fields, name: string, record: Readonly<Record<string, unknown>>): (Rewrite & { readonly kind: 'regex' }) | null {
  if (typeof (fieldOf(record, 'substitution') ?? '') !== 'string') {
    fields.bad(name, record, 'a pattern and a substitution that are texts');
    return null;
  }
  const rewrite = { kind: 'regex', pattern: textOf(fieldOf(record, 'pattern')), substitution: textOf(fieldOf(record, 'substitution')) } as const;
  if (!fields.regex(name, rewrite.pattern)) return null;
  const fault = rewriteFault(rewrite);
  if (fault === null) return rewrite;
  fields.refuse('bad-regex', name, `${fault}, so the Mapping is not served in this form; write a substitution of at most ${maxSubstitutionLength} characters and ${maxSubstitutionReferences} references, \\0 for the match and \\1 to \\9 for groups that the pattern has`);
  return null;
}

function decodeRedirect(fields: Fields, host: string | null, shadow: boolean): RedirectTarget | null {
  const wanted = fields.boolean('host_redirect');
  const path = fields.text('path_redirect');
  const prefix = fields.text('prefix_redirect');
  const regex = fields.record('regex_redirect');
  const code = fields.take('redirect_response_code');
  if (!wanted) return null;
  if (shadow) {
    fields.report('error', 'shadow-redirect', 'host_redirect', 'a shadow cannot redirect, and the redirect is ignored; remove one of the two');
    return null;
  }
  if ([path, prefix, regex].filter((kind) => kind !== null).length > 1) {
    fields.report('warning', 'bad-value', 'path_redirect', 'of path_redirect, prefix_redirect and regex_redirect only the first counts; remove the others');
  }
  const target = host === null ? '' : host.replace(/^https?:\/\//, '');
  const number = code === undefined ? 301 : Number(scalarText(code));
  const known = ([301, 302, 303, 307, 308] as const).find((candidate) => candidate === number);
  if (known === undefined) fields.bad('redirect_response_code', code, '301, 302, 303, 307 or 308');
  if (target.length > longestHost || !/^[A-Za-z0-9._:[\]-]*$/.test(target)) {
    fields.refuse('bad-mapping', 'service', `${quoted(target)} is not a host to redirect to; write a host name`);
    return null;
  }
  return { kind: 'redirect', host: target, code: known ?? 301, path: decodeRedirectPath(fields, path, prefix, regex) };
}

function decodeRedirectPath(fields: Fields, path: string | null, prefix: string | null, regex: Readonly<Record<string, unknown>> | null): RedirectTarget['path'] {
  const isPath = (text: string): boolean => text.length <= longestPath && /^\/[^\0-\x20\\\x7f]*$/.test(text);
  if (path !== null && isPath(path)) return { kind: 'path', path };
  if (path !== null && path !== '') fields.bad('path_redirect', path, `a path that begins with /, of at most ${longestPath} characters`);
  if (prefix !== null && isPath(prefix)) return { kind: 'prefix', with: prefix };
  if (prefix !== null && prefix !== '') fields.bad('prefix_redirect', prefix, `a path that begins with /, of at most ${longestPath} characters`);
  const rewrite = regex !== null && Object.keys(regex).length > 0 ? decodeRegexRewrite(fields, 'regex_redirect', regex) : null;
  return rewrite ?? { kind: 'keep' };
}

function decodeTls(fields: Fields): string | null {
  const written = fields.take('tls');
  const asked = booleanOf(written);
  if (written === undefined || asked === false || written === '') return null;
  if (asked === true) return '';
  const text = scalarText(written);
  if (text === null) fields.bad('tls', written, 'the name of a TLSContext');
  return text;
}

function decodeHostRewrite(fields: Fields): HostRewrite {
  const host = fields.text('host_rewrite');
  const auto = fields.boolean('auto_host_rewrite');
  if (host !== null && host !== '') {
    if (host.length <= longestHost && /^[\x21-\x7e]+$/.test(host)) return { kind: 'literal', host };
    fields.bad('host_rewrite', host, 'a host name');
  }
  return auto ? { kind: 'upstream' } : { kind: 'client' };
}

function decodeEdits(fields: Fields, direction: 'request' | 'response'): HeaderEdits {
  const addKey = `add_${direction}_headers`;
  const removeKey = `remove_${direction}_headers`;
  const add: HeaderAdd[] = [];
  for (const [name, written] of Object.entries(fields.record(addKey) ?? {})) {
    const value = scalarText(isRecord(written) ? fieldOf(written, 'value') : written);
    if (value === null || !isEditable(name) || visible(value.replaceAll('\t', ' ')) !== value.replaceAll('\t', ' ')) {
      fields.bad(addKey, name, 'a header that is not about the connection, with a text of one line');
      continue;
    }
    if (templateOf(name, value) === null) {
      fields.bad(addKey, value, `a value whose variables are of ${knownVariables.join(', ')}; %% is a percent sign`);
      continue;
    }
    add.push({ name: name.toLowerCase(), value, append: !isRecord(written) || booleanOf(fieldOf(written, 'append')) !== false });
  }
  const remove = fields.texts(removeKey).filter((name) => {
    if (isEditable(name)) return true;
    fields.bad(removeKey, name, 'names of headers that are not about the connection');
    return false;
  });
  const edits = { remove: within(fields, removeKey, remove, (name) => name.length), add: within(fields, addKey, add, ({ name, value }) => name.length + Buffer.byteLength(value)) };
  return edits.add.length === 0 && edits.remove.length === 0 ? plainTarget.requestHeaders : { remove: edits.remove.map((name) => name.toLowerCase()), add: edits.add };
}

/** Headers that one Mapping adds to a direction, and removes from it, and bytes of them all: what every request and answer may grow by. */
const mostEdits = 64;
const mostEditBytes = 8192;

function within<Edit>(fields: Fields, key: string, edits: readonly Edit[], bytesOf: (edit: Edit) => number): readonly Edit[] {
  let bytes = 0;
  const fitting = edits.filter((edit, index) => (bytes += bytesOf(edit)) <= mostEditBytes && index < mostEdits);
  if (fitting.length < edits.length) {
    fields.report('warning', 'too-many-edits', key, `only the first ${fitting.length} of its ${edits.length} headers count, because a Mapping has at most ${mostEdits} here, of ${mostEditBytes} bytes in all; write fewer or shorter ones`);
  }
  return fitting;
}

function isEditable(name: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) && !isUntouchableHeader(name);
}

function decodeLimit(fields: Fields, name: string, owner: string): TimeLimit | null {
  const ms = fields.integer(name, 0, maxTimeMs);
  return ms === null ? null : { ms, setBy: `${name} of ${owner}` };
}

function decodePriority(fields: Fields): 'default' | 'high' {
  const written = fields.text('priority');
  if (written !== 'high' && written !== null && written !== 'default') fields.bad('priority', written, 'default or high');
  return written === 'high' ? 'high' : 'default';
}

function decodeUpstreamLimits(fields: Fields, grpc: boolean): UpstreamLimits {
  const connect = fields.integer('connect_timeout_ms', 1, maxTimeMs);
  const idle = fields.integer('cluster_idle_timeout_ms', 0, maxTimeMs);
  const lifetime = fields.integer('cluster_max_connection_lifetime_ms', 0, maxTimeMs);
  const breakers = decodeBreakers(fields);
  const healthCheck = decodeHealthCheck(fields, grpc);
  if (connect === null && idle === null && lifetime === null && breakers.length === 0 && healthCheck === null) return defaultUpstreamLimits;
  return { connectTimeoutMs: connect ?? defaultConnectTimeoutMs, idleTimeoutMs: idle === 0 ? null : idle, maxLifetimeMs: lifetime === 0 ? null : lifetime, breakers, healthCheck };
}

function decodeResolver(fields: Fields): RawMapping['dial'] {
  const written = fields.text('resolver');
  if (written === null) return null;
  if (written === 'kubernetes-service') return 'service';
  if (written === 'endpoint' || written === 'kubernetes-endpoint') return 'endpoints';
  fields.bad('resolver', written, 'kubernetes-service or endpoint');
  return null;
}
