// /api: what the gateway does and why, as JSON, or as the text of the command-line tools when `accept: text/plain` asks for it.
// Answers are built from Routes and Problems alone: nothing of an Upstream's TLS is in them.
import type { CallPolicy } from '../callers/call-policy.ts';
import type { CertificateSet } from '../certificates.ts';
import { servedHosts } from '../host-words.ts';
import { namedCaller } from '../callers/words.ts';
import { nobodyNamed, printWho, whoOf } from '../who.ts';
import type { Who } from '../who.ts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../../routing/problem.ts';
import { printTable, tableJson } from '../../routing/print.ts';
import { visibleLines } from '../../routing/visible.ts';
import { printExplanationText } from '../explanation-text.ts';
import { explain, printExplanation, requestLine } from '../explanation.ts';
import type { ExplainRequest } from '../explanation.ts';
import { inSigns, inWords } from '../match-words.ts';
import { printRouteList } from '../route-list.ts';
import { sendShared } from './send-shared.ts';
import { SharedAnswers } from './shared-answers.ts';
import { problemsJson, problemsText } from './problem-list.ts';
import { slicesOfThread } from './slices.ts';
import type { Slices } from './slices.ts';
import type { AdminView } from './view.ts';

/** Longest text of a request to explain. */
const requestLength = 16_384;

/** What answers are made of beside the view. */
export interface ApiParts {
  /** The longest body that the gateway takes, 0: any. */
  readonly bodyBytes: number;
  /** Proxies that are believed, as the option says it; null: it does not. */
  readonly trustedHops: number | null;
  readonly policy: () => CallPolicy;
  /** Certificates that are served; null: none yet. */
  readonly certificateSet: () => CertificateSet | null;
}

export function serveApi(api: FastifyInstance, view: AdminView, { bodyBytes, trustedHops, policy, certificateSet }: ApiParts): void {
  const who = (named: string | null): Who => whoOf(view.table, { policy: policy(), trustedHops, hosts: servedHosts(certificateSet()) }, named);
  serveWhole(api, '/api/routes', () => tableJson(view.table), () => printRouteList(view.table, view.translation.upstreams, () => ''), () => printTable(view.table));
  const gather = (slices: Slices): Promise<readonly Problem[]> => view.gatherProblems(slices);
  const problems = sendingShared(() => problemsJson(gather, slicesOfThread()), () => problemsText(gather, slicesOfThread()));
  api.get('/api/problems', (request, reply) => problems(request, reply));
  const everybody = sendingWhole(() => who(null), () => printWho(who(null)), () => '');
  api.get('/api/who', (request, reply) => {
    const named = queryOf(request).get('deployment');
    if (named === null) return everybody(request, reply);
    const told = who(named);
    if (told.who.length === 0) return reply.code(404).send({ error: 'not-found', sentence: nobodyNamed(named) });
    return answer(request, reply, () => told, () => printWho(told));
  });
  api.get('/api/explain', (request, reply) => {
    const query = queryOf(request);
    const asked = requestOf(query);
    if (asked === null) {
      return reply.code(400).send({ error: 'bad-request', sentence: 'write ?path=/seldon/NS/NAME/api/v0.1/predictions and, if they matter, method, host, grpc=true, secure=true (TLS) and header=name: value' });
    }
    const wide = !wantsText(request) || isWide(query);
    const explanation = explain(view.table, asked, { translation: view.translation, bodyBytes, policy: policy(), as: namedCaller(query.get('as') ?? ''), trustedHops, hosts: servedHosts(certificateSet()), wording: wide ? inSigns : inWords });
    const text = (): string => `${requestLine(asked)}\n${wide ? printExplanation(explanation) : printExplanationText(explanation)}`;
    return answer(request, reply, () => ({ request: asked, ...explanation }), text);
  });
}

function queryOf({ url }: FastifyRequest): URLSearchParams {
  return new URLSearchParams(url.split('?', 2)[1] ?? '');
}

/** `?wide=true`: the text as `--wide` prints it. */
function isWide(query: URLSearchParams): boolean {
  return query.get('wide') === 'true';
}

/** An answer about everything: large, and the same for all who ask. */
function serveWhole(api: FastifyInstance, path: string, json: () => unknown, text: () => string, wide: () => string = text): void {
  const whole = sendingWhole(json, text, wide);
  api.get(path, (request, reply) => whole(request, reply));
}

function sendingWhole(json: () => unknown, text: () => string, wide: () => string): (request: FastifyRequest, reply: FastifyReply) => FastifyReply | Promise<FastifyReply> {
  return sendingShared(async () => Buffer.from(visibleLines(JSON.stringify(json()))), async () => Buffer.from(text()), async () => Buffer.from(wide()));
}

function sendingShared(json: () => Promise<Buffer>, text: () => Promise<Buffer>, wide: () => Promise<Buffer> = text): (request: FastifyRequest, reply: FastifyReply) => FastifyReply | Promise<FastifyReply> {
  const [asJson, asText, asWide] = [json, text, wide].map((make) => new SharedAnswers(make, () => performance.now())) as [SharedAnswers, SharedAnswers, SharedAnswers];
  return (request, reply) => {
    if (!wantsText(request)) return sendShared(reply, asJson, jsonType);
    return sendShared(reply, isWide(queryOf(request)) ? asWide : asText, textType);
  };
}

const textType = 'text/plain; charset=utf-8';
const jsonType = 'application/json; charset=utf-8';

function wantsText(request: FastifyRequest): boolean {
  return (request.headers.accept ?? '').startsWith('text/plain');
}

function answer(request: FastifyRequest, reply: FastifyReply, json: () => unknown, text: () => string): FastifyReply {
  return wantsText(request) ? reply.type(textType).send(text()) : reply.type(jsonType).send(visibleLines(JSON.stringify(json())));
}

/** Null without a path, or when a part is too long to be a request. */
function requestOf(query: URLSearchParams): ExplainRequest | null {
  const path = query.get('path') ?? '';
  if (!path.startsWith('/') || query.toString().length > requestLength) return null;
  const grpc = query.get('grpc') === 'true';
  const headers = query.getAll('header').flatMap((header): [string, string][] => {
    const colon = header.indexOf(':');
    return colon > 0 ? [[header.slice(0, colon).trim(), header.slice(colon + 1).trim()]] : [];
  });
  return { method: query.get('method') ?? (grpc ? 'POST' : 'GET'), host: query.get('host') ?? 'localhost', path, headers, grpc, secure: query.get('secure') === 'true' };
}
