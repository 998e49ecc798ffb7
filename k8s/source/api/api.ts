// Requests to the API server: credentials for each, 401 tried once more with fresh ones, failures as values.
import { Agent as HttpAgent, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { fieldOf, recordOf, textOf } from "../../translate/values/value.ts";
import { responseTo, textOfBody, within } from "../http/http-call.ts";
import type { ApiAccess, Credentials } from "./api-access.ts";

export type ApiFailure =
  /** No answer: connection refused, reset, silent, no credentials. */
  | { readonly kind: "unreachable"; readonly sentence: string }
  /** An answer that is none of 2xx. `reason` is the API's word (`Expired`, `Forbidden`), or "". */
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly reason: string;
      readonly sentence: string;
      readonly retryAfterMs: number | null;
    };

export type ApiOpened = { readonly kind: "opened"; readonly body: IncomingMessage } | ApiFailure;
export type ApiAnswer = { readonly kind: "answer"; readonly value: unknown } | ApiFailure;

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PATCH" | "PUT";
  /** With its query. */
  readonly path: string;
  /** JSON; null: none. */
  readonly body: unknown;
  /** Longest wait for the head of the answer, for the rest of one that is read as one value, and without a byte of any other, ms. */
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

/** Longest body of an answer that is read as one value, bytes. */
const answerBytes = 4 * 1024 * 1024;
/** Longest wait for credentials, ms: a plugin of a kubeconfig may ask a person. */
const credentialsMs = 60_000;

export class Api {
  readonly #access: ApiAccess;
  readonly #agent: HttpAgent;

  constructor(access: ApiAccess) {
    this.#access = access;
    this.#agent = access.server.startsWith("https:")
      ? new HttpsAgent({ keepAlive: true })
      : new HttpAgent({ keepAlive: true });
  }

  get server(): string {
    return this.#access.server;
  }

  /** A 2xx answer, whose body the caller reads to its end or destroys. Never rejects. */
  async open(request: ApiRequest): Promise<ApiOpened> {
    const first = await this.#send(request);
    if (first.kind !== "refused" || first.status !== 401) return first;
    try {
      await within(credentialsMs, () => this.#access.renew());
    } catch (error) {
      return { kind: "unreachable", sentence: reasonOf(error) };
    }
    return this.#send(request);
  }

  /** The whole answer as JSON; an empty one is null. Never rejects. */
  async ask(request: ApiRequest): Promise<ApiAnswer> {
    const opened = await this.open(request);
    if (opened.kind !== "opened") return opened;
    try {
      const text = await within(request.idleMs, () => textOfBody(opened.body, answerBytes));
      if (text === null) return { kind: "unreachable", sentence: `the answer has more than ${answerBytes} bytes` };
      return { kind: "answer", value: text === "" ? null : JSON.parse(text) };
    } catch (error) {
      opened.body.destroy();
      return { kind: "unreachable", sentence: reasonOf(error) };
    }
  }

  /** Ends every connection. */
  close(): void {
    this.#agent.destroy();
  }

  async #send(request: ApiRequest): Promise<ApiOpened> {
    try {
      const credentials = await within(credentialsMs, () => this.#access.credentials());
      return await within(request.idleMs, async (late) => {
        const response = await this.#response(request, credentials, AbortSignal.any([request.signal, late]));
        const status = response.statusCode ?? 0;
        if (status >= 200 && status < 300) return { kind: "opened", body: response };
        return refusalOf(response, status);
      });
    } catch (error) {
      return { kind: "unreachable", sentence: reasonOf(error) };
    }
  }

  #response(
    { method, path, body, idleMs }: ApiRequest,
    { headers, tls, proxy }: Credentials,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const text = body === null ? null : JSON.stringify(body);
    const { protocol, hostname, port, pathname, search } = new URL(this.#access.server + path);
    const secure = protocol === "https:";
    return responseTo(
      secure,
      {
        hostname: hostname.replace(/^\[|\]$/g, ""),
        port,
        path: pathname + search,
        method,
        signal,
        agent: proxy ?? this.#agent,
        timeout: idleMs,
        headers: {
          ...headers,
          accept: "application/json",
          "user-agent": "sluice",
          ...(text === null ? {} : bodyHeaders(method, text)),
        },
        ...(secure ? tlsOptions(tls) : {}),
      },
      text,
    );
  }
}

function bodyHeaders(method: string, text: string): Record<string, string | number> {
  return {
    "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
    "content-length": Buffer.byteLength(text),
  };
}

function tlsOptions({ ca, cert, key, verify, serverName }: Credentials["tls"]): Record<string, unknown> {
  return {
    rejectUnauthorized: verify,
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
    ...(serverName === null ? {} : { servername: serverName }),
  };
}

/** What the API server says in its Status; bodies of proxies in between are not Status objects. */
async function refusalOf(response: IncomingMessage, status: number): Promise<ApiFailure> {
  const { reason, sentence } = await wordsOf(response, status);
  return { kind: "refused", status, reason, sentence, retryAfterMs: retryAfterOf(response.headers["retry-after"]) };
}

/** `reason` is the API's word, or "". Rejects when the body is cut. */
export async function wordsOf(
  response: IncomingMessage,
  status: number,
): Promise<{ readonly reason: string; readonly sentence: string }> {
  const text = (await textOfBody(response, answerBytes)) ?? "";
  let body: unknown = null;
  try {
    body = JSON.parse(text);
  } catch {
    // Not of the API server: the number says enough.
  }
  const record = recordOf(body);
  const message = textOf(fieldOf(record, "message")).slice(0, 300);
  return {
    reason: textOf(fieldOf(record, "reason")).slice(0, 60),
    sentence: message === "" ? `it answers ${status}` : `it answers ${status}: ${message}`,
  };
}

/** `Retry-After` in seconds (RFC 9110 §10.2.3), as ms up to a minute; the form with a date is not used by the API server. */
function retryAfterOf(value: string | undefined): number | null {
  return value !== undefined && /^\d{1,6}$/.test(value) ? Math.min(Number(value) * 1000, 60_000) : null;
}

/** One line, for people. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Happy Eyeballs hides the reasons in a list.
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const message = inner instanceof Error && inner.message !== "" ? inner.message : error.message;
  return message.split("\n", 1)[0]!.slice(0, 300);
}
