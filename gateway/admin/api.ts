// /api: what the gateway does and why, as JSON, or as the text of the command-line tools when `accept: text/plain` asks for it.
// Answers are built from Routes and Problems alone: nothing of an Upstream's TLS is in them.
import type { CallPolicy } from "../callers/call-policy.ts";
import type { CertificateSet } from "../shared/certificates.ts";
import { servedHosts } from "../explain/host-words.ts";
import { withoutCredentials, type CredentialLook } from "../callers/shown.ts";
import { nobodyNamed, printWho, whoOf, type Who } from "../explain/who.ts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Problem } from "../../routing/text/problem.ts";
import { printTable, tableJson } from "../../routing/print.ts";
import { visibleLines } from "../../routing/text/visible.ts";
import { printExplanationText } from "../explain/explanation-text.ts";
import { printExplanation, requestLine } from "../explain/explanation.ts";
import { explainShown, type Looker } from "../explain/explanation-shown.ts";
import { inSigns, inWords } from "../explain/match-words.ts";
import { routesNamed } from "../explain/route-blocks.ts";
import { printRouteList } from "../explain/route-list.ts";
import { askedByBody, askedByQuery, mostExplainBytes, type AskedExplanation } from "./explain-request.ts";
import { sendShared } from "./send-shared.ts";
import { SharedAnswers } from "./shared-answers.ts";
import { problemsJson, problemsText } from "./problem-list.ts";
import { slicesOfThread, type Slices } from "./slices.ts";
import type { AdminView } from "./view.ts";

/** A gateway that runs has read what there is. */
const nothingUnread: ReadonlySet<string> = new Set();

/** What answers are made of beside the view. */
export interface ApiParts {
  /** The longest body that the gateway takes, 0: any. */
  readonly bodyBytes: number;
  /** Seldon's OAuth gateway is served. */
  readonly oauth: boolean;
  /** Proxies that are believed, as the option says it; null: it does not. */
  readonly trustedHops: number | null;
  readonly policy: () => CallPolicy;
  /** What is wrong with it and its keys. */
  readonly policyProblems: () => readonly Problem[];
  /** Certificates that are served; null: none yet. */
  readonly certificateSet: () => CertificateSet | null;
  /** Who looks at credentials of requests that are explained. */
  readonly openLook: () => Promise<CredentialLook>;
}

export function serveApi(
  api: FastifyInstance,
  view: AdminView,
  { bodyBytes, oauth, trustedHops, policy, policyProblems, certificateSet, openLook }: ApiParts,
): void {
  const who = (named: string | null): Who =>
    whoOf(
      view.table,
      {
        policy: policy(),
        trustedHops,
        unread: nothingUnread,
        problems: policyProblems(),
        hosts: servedHosts(certificateSet()),
      },
      named,
    );
  const routes = sendingWhole(
    () => tableJson(view.table),
    () => printRouteList(view.table, view.translation.upstreams, () => ""),
    () => printTable(view.table),
  );
  api.get("/api/routes", (request, reply) => {
    const named = queryOf(request).get("deployment");
    if (named === null) return routes(request, reply);
    const table = routesNamed(view.table, named);
    if (table.routesInOrder().length === 0)
      return reply.code(404).send({ error: "not-found", sentence: nobodyNamed(named) });
    return answer(
      request,
      reply,
      () => tableJson(table),
      () =>
        isWide(queryOf(request)) ? printTable(table) : printRouteList(table, view.translation.upstreams, () => ""),
    );
  });
  const gather = (slices: Slices): Promise<readonly Problem[]> => view.gatherProblems(slices);
  const problems = sendingShared(
    () => problemsJson(gather, slicesOfThread()),
    () => problemsText(gather, slicesOfThread()),
  );
  api.get("/api/problems", (request, reply) => problems(request, reply));
  const everybody = sendingWhole(
    () => who(null),
    () => printWho(who(null)),
    () => "",
  );
  api.get("/api/who", (request, reply) => {
    const named = queryOf(request).get("deployment");
    if (named === null) return everybody(request, reply);
    const told = who(named);
    if (told.who.length === 0) return reply.code(404).send({ error: "not-found", sentence: nobodyNamed(named) });
    return answer(
      request,
      reply,
      () => told,
      () => printWho(told),
    );
  });
  const explained = async (
    request: FastifyRequest,
    reply: FastifyReply,
    { request: asked, as, wide: isWide }: AskedExplanation,
    looker: () => Promise<Looker>,
  ): Promise<FastifyReply> => {
    const wide = !wantsText(request) || isWide;
    const held = policy();
    const explanation = await explainShown(
      view.table,
      asked,
      {
        translation: view.translation,
        bodyBytes,
        policy: held,
        as,
        oauth,
        trustedHops,
        unread: nothingUnread,
        hosts: servedHosts(certificateSet()),
        wording: wide ? inSigns : inWords,
      },
      looker,
    );
    const shown = withoutCredentials(asked, held);
    const text = (): string =>
      `${requestLine(shown)}\n${wide ? printExplanation(explanation) : printExplanationText(explanation)}`;
    return answer(request, reply, () => ({ request: shown, ...explanation }), text);
  };
  api.get("/api/explain", async (request, reply) => {
    const asked = askedByQuery(queryOf(request));
    if (asked === null) {
      return reply.code(400).send({
        error: "bad-request",
        sentence:
          "write ?path=/seldon/NS/NAME/api/v0.1/predictions and, if they matter, method, host, grpc=true, secure=true (TLS) and header=name: value; credentials only by POST",
      });
    }
    return explained(request, reply, asked, async () => "a URL is no place for credentials: ask by POST");
  });
  api.post("/api/explain", { bodyLimit: mostExplainBytes }, async (request, reply) => {
    const asked = askedByBody(request.body);
    if (asked === null)
      return reply.code(400).send({
        error: "bad-request",
        sentence:
          'write {"path": "/seldon/NS/NAME/api/v0.1/predictions"} as application/json and, if they matter, method, host, headers ([[name, value]]), grpc, secure, as and wide',
      });
    return explained(request, reply, asked, openLook);
  });
}

function queryOf({ url }: FastifyRequest): URLSearchParams {
  return new URLSearchParams(url.split("?", 2)[1] ?? "");
}

/** `?wide=true`: the text as `--wide` prints it. */
function isWide(query: URLSearchParams): boolean {
  return query.get("wide") === "true";
}

/** An answer about everything: large, and the same for all who ask. */
function sendingWhole(
  json: () => unknown,
  text: () => string,
  wide: () => string,
): (request: FastifyRequest, reply: FastifyReply) => FastifyReply | Promise<FastifyReply> {
  return sendingShared(
    async () => Buffer.from(visibleLines(JSON.stringify(json()))),
    async () => Buffer.from(text()),
    async () => Buffer.from(wide()),
  );
}

function sendingShared(
  json: () => Promise<Buffer>,
  text: () => Promise<Buffer>,
  wide: () => Promise<Buffer> = text,
): (request: FastifyRequest, reply: FastifyReply) => FastifyReply | Promise<FastifyReply> {
  const [asJson, asText, asWide] = [json, text, wide].map(
    (make) => new SharedAnswers(make, () => performance.now()),
  ) as [SharedAnswers, SharedAnswers, SharedAnswers];
  return (request, reply) => {
    if (!wantsText(request)) return sendShared(reply, asJson, jsonType);
    return sendShared(reply, isWide(queryOf(request)) ? asWide : asText, textType);
  };
}

const textType = "text/plain; charset=utf-8";
const jsonType = "application/json; charset=utf-8";

function wantsText(request: FastifyRequest): boolean {
  return (request.headers.accept ?? "").startsWith("text/plain");
}

function answer(request: FastifyRequest, reply: FastifyReply, json: () => unknown, text: () => string): FastifyReply {
  return wantsText(request)
    ? reply.type(textType).send(text())
    : reply.type(jsonType).send(visibleLines(JSON.stringify(json())));
}
