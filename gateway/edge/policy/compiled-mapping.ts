// What the data plane attaches to a Mapping when a table is built: everything a request needs, compiled once.
import { compileRedirect, compileRewrite } from '../../../routing/rewrite.ts';
import type { CompiledRedirect, CompiledRewrite } from '../../../routing/rewrite.ts';
import type { HostRewrite, Mapping } from '../../../routing/mapping.ts';
import type { Upstream } from '../../../routing/upstream.ts';
import { compileCors } from './cors.ts';
import type { CompiledCors } from './cors.ts';
import { isAuthority } from '../message/authority.ts';
import { compileEdits, isGoneName } from '../message/header-edits.ts';
import type { CompiledEdits } from '../message/header-edits.ts';
import type { HeadEdits } from '../message/head-edits.ts';
import { allOwnLines } from '../message/own-lines.ts';
import { compileRetry } from './retry-policy.ts';
import type { CompiledRetry } from './retry-policy.ts';
import { choiceOf, plainChoice } from '../upstream/balancing-policy.ts';
import type { Choice } from '../upstream/balancing-policy.ts';
import type { UpstreamPool } from '../upstream/pool.ts';
import type { UpstreamRegistry } from '../upstream/registry.ts';

/** In the order in which a request reads them; at the end what most requests do not read. */
export interface Attachment extends HeadEdits {
  /** Counter slot, or −1. */
  readonly slot: number;
  readonly responseEdits: CompiledEdits | null;
  readonly cors: CompiledCors | null;
  /** null: a redirect. */
  readonly pool: UpstreamPool | null;
  /** The rewrite may turn what a client sent into a dot segment, or fail: ask `rewriteRefusal` for each request. */
  readonly mayRefuse: boolean;
  readonly choice: Choice;
  /** null: an answer is passed on as it is. */
  readonly retry: CompiledRetry | null;
  /** 0: none. */
  readonly timeoutMs: number;
  /** Somebody wrote it: it limits the whole answer, not only the time to its head (design §4.17). */
  readonly timeoutWritten: boolean;
  /** 0: none. */
  readonly idleTimeoutMs: number;
  readonly serviceTime: boolean;
  readonly date: boolean;
  /** A client may ask for a tunnel to WebSocket. */
  readonly tunnels: boolean;
  /** Connections for copies; used when the Mapping is a shadow. */
  readonly shadowPool: UpstreamPool | null;
  /** Text of a 504. */
  readonly timeoutSentence: string;
  /** null: it forwards. */
  readonly redirect: CompiledRedirect | null;
}

const noRewrite: CompiledRewrite = Object.freeze({ kind: 'none' });

/** What compiling a Mapping needs besides it. */
export interface Compiler {
  readonly pools: Pick<UpstreamRegistry, 'liveOf' | 'shadowOf'>;
  /** Holds where nobody wrote an idle timeout. */
  readonly defaultIdleTimeoutMs: number;
}

/** What the table holds for a Mapping: compiled when the first request comes, because few of 10,000 deployments are asked at once. */
export class Attached {
  /** Counter slot, or −1. */
  readonly slot: number;
  readonly #mapping: Mapping;
  readonly #compiler: Compiler;
  #compiled: Attachment | null = null;

  constructor(mapping: Mapping, slot: number, compiler: Compiler) {
    this.slot = slot;
    this.#mapping = mapping;
    this.#compiler = compiler;
  }

  get compiled(): Attachment {
    return (this.#compiled ??= attachmentOf(this.#mapping, this.slot, this.#compiler));
  }
}

/** Compiles one Mapping. */
export function attachmentOf(mapping: Mapping, slot: number, { pools, defaultIdleTimeoutMs }: Compiler): Attachment {
  const { target } = mapping;
  if (target.kind === 'redirect') {
    return Object.freeze({
      slot,
      responseEdits: null,
      cors: null,
      pool: null,
      mayRefuse: false,
      redirect: compileRedirect(target, mapping.match.path),
      choice: plainChoice,
      retry: null,
      rewrite: noRewrite,
      hostLine: null,
      ownLines: allOwnLines,
      requestEdits: null,
      headBytes: 0,
      timeoutMs: 0,
      timeoutWritten: false,
      idleTimeoutMs: 0,
      serviceTime: true,
      date: true,
      tunnels: false,
      shadowPool: null,
      timeoutSentence: '',
    });
  }
  const requestEdits = compileEdits(target.requestHeaders);
  const responseEdits = compileEdits(target.responseHeaders);
  const pool = pools.liveOf(target.upstream);
  const rewrite = bufferedRewrite(compileRewrite(mapping.match.path, target.rewrite));
  const hostLine = hostLineOf(target.hostRewrite, pool.upstream);
  const { timeout, idleTimeout } = target;
  const setBy = timeout.setBy === null ? `set by default; annotate seldon.io/${mapping.series.protocol === 'grpc' ? 'grpc' : 'rest'}-timeout` : `set by ${timeout.setBy}`;
  return Object.freeze({
    slot,
    responseEdits,
    cors: compileCors(target.cors),
    pool,
    redirect: null,
    mayRefuse: rewrite.kind === 'regex' || (rewrite.kind === 'prefix' && rewrite.open),
    choice: choiceOf(target),
    retry: compileRetry(target.retry, timeout.ms),
    rewrite,
    hostLine,
    ownLines:
      requestEdits === null
        ? allOwnLines
        : {
            requestId: !isGoneName(requestEdits, 'x-request-id'),
            forwardedFor: !isGoneName(requestEdits, 'x-forwarded-for'),
            forwardedProto: !isGoneName(requestEdits, 'x-forwarded-proto'),
            forwardedHost: !isGoneName(requestEdits, 'x-forwarded-host'),
            originalPath: !isGoneName(requestEdits, 'x-envoy-original-path'),
          },
    requestEdits,
    headBytes: (requestEdits?.lines.length ?? 0) + (hostLine?.length ?? 0) + (rewrite.kind === 'prefix' || rewrite.kind === 'whole' ? rewrite.withBytes.length : 0),
    timeoutMs: timeout.ms,
    timeoutWritten: timeout.setBy !== null,
    idleTimeoutMs: idleTimeout.setBy === null ? defaultIdleTimeoutMs : idleTimeout.ms,
    serviceTime: !isGoneName(responseEdits, 'x-envoy-upstream-service-time'),
    date: !isGoneName(responseEdits, 'date'),
    tunnels: target.upgrades.includes('websocket'),
    shadowPool: mapping.role.kind === 'shadow' ? pools.shadowOf(target.upstream) : null,
    timeoutSentence: `timeout ${timeout.ms} ms ${setBy}`,
  });
}

/** The same bytes as a Buffer, so that the writer sees one kind of array; one for all that rewrite to `/`, as every deployment does. */
function bufferedRewrite(rewrite: CompiledRewrite): CompiledRewrite {
  if (rewrite.kind !== 'prefix' && rewrite.kind !== 'whole') return rewrite;
  return Object.freeze({ ...rewrite, withBytes: rewrite.with === '/' ? root : Buffer.from(rewrite.withBytes) });
}

const root = Buffer.from('/');

/** null: the client's Host. A literal that is no Host is left out; the control plane reports it. */
function hostLineOf(rewrite: HostRewrite, upstream: Upstream | null): Buffer | null {
  const host = rewrite.kind === 'literal' ? rewrite.host : rewrite.kind === 'upstream' ? hostOfUpstream(upstream) : null;
  if (host === null || !isAuthority(Buffer.from(host), 0, Buffer.byteLength(host))) return null;
  return Buffer.from(`host: ${host}\r\n`);
}

/** The Upstream's own DNS name, as `auto_host_rewrite` means it. */
function hostOfUpstream(upstream: Upstream | null): string | null {
  if (upstream === null) return null;
  const { address } = upstream;
  switch (address.kind) {
    case 'service':
      return `${address.name}.${address.namespace}`;
    case 'dns':
      return address.host;
    case 'address':
      return address.ip.includes(':') ? `[${address.ip}]` : address.ip;
  }
}
