// One question to the admin port of one gateway. Whatever is at the other end, the answer is a value of the shape asked for, or one sentence.
import { request as httpRequest, type ClientRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import type { Shape, Shaped } from "../../api/shape.ts";
import { isWithinBounds } from "./json-bounds.ts";
import type { Gateway } from "./gateway.ts";

export interface Question {
  readonly method: "GET" | "POST";
  /** With its query. */
  readonly path: string;
  /** JSON; null: none. */
  readonly body: unknown;
  readonly accept: "application/json" | "text/plain" | "text/event-stream";
  readonly adminToken: string | null;
}

export type Answer<T> =
  | { readonly kind: "answer"; readonly value: T; readonly bytes: number }
  /** One sentence, which names the gateway. */
  | { readonly kind: "failed"; readonly sentence: string };

export interface AskBounds {
  /** For the whole answer. */
  readonly answerMs: number;
  readonly answerBytes: number;
}

export const askBounds: AskBounds = { answerMs: 10_000, answerBytes: 64 * 1024 * 1024 };

/** Of an answer whose first fault a sentence names: all faults are looked for. */
const maxShownBytes = 256 * 1024;

/** The JSON of an answer, which has this shape. Never rejects. */
export async function askFor<S extends Shape>(
  gateway: Gateway,
  question: Question,
  shape: S,
  bounds = askBounds,
): Promise<Answer<Shaped<S>>> {
  const asked = await askText(gateway, question, bounds);
  if (asked.kind === "failed") return asked;
  if (!isWithinBounds(asked.value))
    return failed(
      `${gateway.name} answers JSON that is nested too deep or holds too many values, so it is no admin port of Sluice: write --url with the address of one`,
    );
  let value: unknown;
  try {
    value = JSON.parse(asked.value);
  } catch {
    return failed(
      `${gateway.name} answers no JSON, so it is no admin port of Sluice: write --url with the address of one`,
    );
  }
  const { Value } = await import("typebox/value");
  if (Value.Check(shape, value)) return { ...asked, value: value as Shaped<S> };
  const [first] = asked.bytes <= maxShownBytes ? Value.Errors(shape, value) : [];
  const place = first === undefined ? "" : ` (${`${first.instancePath} ${first.message}`.trim().slice(0, 120)})`;
  return failed(
    `${gateway.name} answers in a form that this sluice does not know${place}: use the sluice of the gateway's version`,
  );
}

/** The text of an answer. Never rejects. */
export async function askText(gateway: Gateway, question: Question, bounds = askBounds): Promise<Answer<string>> {
  const { name } = gateway;
  const wrong = wrongQuestion(gateway, question);
  if (wrong !== null) return failed(wrong);
  const signal = AbortSignal.timeout(bounds.answerMs);
  try {
    const response = await send(gateway, question, signal);
    const text = await textOf(response, bounds.answerBytes);
    const { statusCode = 0 } = response;
    if (text === null) return failed(`the answer of ${name} is longer than ${bounds.answerBytes} bytes`);
    if (response.headers["content-type"]?.startsWith("text/html") === true && statusCode < 300)
      return failed(
        `${name} answers with a web page, so it is no admin port of Sluice: write --url with the address of one`,
      );
    if (statusCode < 200 || statusCode >= 300) return failed(refusalIn(gateway, question, statusCode, text));
    return question.accept === "text/plain" && response.headers["content-type"]?.startsWith("text/plain") !== true
      ? failed(`${name} answers no text, so it is no admin port of Sluice: write --url with the address of one`)
      : { kind: "answer", value: text, bytes: Buffer.byteLength(text) };
  } catch (error) {
    if (signal.aborted) return failed(`${name} does not answer within ${bounds.answerMs / 1000} s`);
    return failed(
      error instanceof Error && "code" in error && error.code === "ECONNRESET" && error.message === "aborted"
        ? `${name} broke off its answer`
        : `${name} does not answer (${reasonOf(error)}): write --url with the address of the admin port`,
    );
  }
}

/** A sentence: it cannot be sent. What fails later is printed, and a password would be with it. */
export function wrongQuestion({ name, base }: Gateway, { adminToken }: Pick<Question, "adminToken">): string | null {
  if (base.includes("@"))
    return "--url holds @, and Sluice sends no user or password: write http://HOST:PORT, and --admin-token TOKEN";
  if (!URL.canParse(base)) return `${name} is no address: write --url with the address of the admin port`;
  if (adminToken !== null && !/^[\x21-\x7e]+$/.test(adminToken))
    return "the admin token holds a line break or another character that no header holds: write it without";
  return null;
}

/** What an answer of another status than 2xx says. */
export function refusalIn(
  { name }: Gateway,
  { path }: Pick<Question, "path">,
  statusCode: number,
  text: string,
): string {
  if (isOfTrafficPort(text))
    return `${name} is the traffic port of a gateway: write --url with the address of its admin port, which \`listening\` in its log names`;
  const sentence = sentenceOf(text);
  // A name that nothing has is the same error in every command.
  if (statusCode === 404 && sentence.startsWith(": no ")) return sentence.slice(2);
  return `${name}${path.split("?", 1)[0]!} answers ${statusCode}${sentence}`;
}

/** The data plane's own refusals have a reason in Seldon's status, or the sentence alone where JSON is not taken. */
function isOfTrafficPort(text: string): boolean {
  if (text.startsWith("no route for this host and path")) return true;
  try {
    const { status } = JSON.parse(text) as { readonly status?: { readonly reason?: unknown; readonly info?: unknown } };
    return typeof status?.reason === "string" && typeof status.info === "string";
  } catch {
    return false;
  }
}

/** Rejects where nothing answers, and when the signal is given. */
export async function send(gateway: Gateway, question: Question, signal: AbortSignal): Promise<IncomingMessage> {
  const { method, path, body, accept, adminToken } = question;
  const text = body === null ? null : JSON.stringify(body);
  const options: RequestOptions = {
    method,
    signal,
    headers: {
      accept,
      ...(adminToken === null ? {} : { authorization: `Bearer ${adminToken}` }),
      ...(text === null ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
    },
  };
  const opened = gateway.connect === null ? null : await within(gateway.connect(), signal);
  if (opened?.destroyed === true) throw opened.errored ?? new Error("the connection ended");
  return new Promise((resolve, reject) => {
    opened?.once("error", reject);
    const sent: ClientRequest = (gateway.base.startsWith("https:") ? httpsRequest : httpRequest)(
      gateway.base + path,
      opened === null ? { ...options, agent: false } : { ...options, createConnection: () => opened },
      resolve,
    );
    sent.on("error", reject);
    sent.end(text ?? undefined);
  });
}

/** Whoever opens too late closes again. */
async function within(opening: Promise<Duplex>, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("late")), { once: true });
    opening.then((opened) => {
      if (signal.aborted) opened.destroy();
      else resolve(opened);
    }, reject);
  });
}

/** The body as text; null when it is longer. Rejects when it is cut. */
export async function textOf(response: IncomingMessage, maxBytes: number): Promise<string | null> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > maxBytes) {
      response.destroy();
      return null;
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

function failed(sentence: string): { readonly kind: "failed"; readonly sentence: string } {
  return { kind: "failed", sentence };
}

export function reasonOf(error: unknown): string {
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error;
  // The texts of OpenSSL and of the parser of HTTP name places in their sources.
  const code = inner instanceof Error && "code" in inner ? String(inner.code) : "";
  if (code === "EPROTO" || code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG")
    return "it speaks no TLS, so write http:// in place of https://";
  if (code.startsWith("HPE_")) return "it speaks no HTTP";
  return (inner instanceof Error ? inner.message : String(inner)).split("\n", 1)[0]!.slice(0, 300);
}

/** What an answer says that is none of 2xx, after a colon: its sentence, or the first line of what is no answer of ours; "" where it says nothing. */
function sentenceOf(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && "sentence" in body && typeof body.sentence === "string")
      return `: ${body.sentence.slice(0, 500)}`;
  } catch {
    // Not one of our answers: shown as it is.
  }
  const line = text.split("\n", 1)[0]!.slice(0, 200);
  return line === "" ? "" : `: ${line}`;
}
