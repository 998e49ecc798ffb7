// A raw client: writes bytes, reads bytes, plain or TLS.
import { connect, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { eventually } from "../turns.ts";

/** A text longer than this is looked at when nothing more has come for a moment: each look reads all of it. */
const longText = 256 * 1024;
const quietMs = 20;

export class RawClient {
  readonly socket: Socket;
  readonly #chunks: string[] = [];
  #text = "";
  #length = 0;
  ended = false;
  closed = false;
  /** Of a long text: more has come a moment ago. */
  #growing: NodeJS.Timeout | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk.toString("latin1"));
      this.#length += chunk.length;
      if (this.#length < longText) return;
      if (this.#growing !== null) clearTimeout(this.#growing);
      this.#growing = setTimeout(() => (this.#growing = null), quietMs);
    });
    socket.on("end", () => {
      this.ended = true;
    });
    socket.on("error", () => undefined);
    socket.on("close", () => (this.closed = true));
  }

  /** Everything received, latin1. */
  get text(): string {
    if (this.#chunks.length > 0) this.#text += this.#chunks.splice(0).join("");
    return this.#text;
  }

  static async open(port: number, secure: boolean): Promise<RawClient> {
    const socket = secure
      ? connectTls(tlsOptions(port))
      : connect({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once(secure ? "secureConnect" : "connect", resolve);
      socket.once("error", reject);
    });
    return new RawClient(socket);
  }

  write(text: string): void {
    this.socket.write(Buffer.from(text, "latin1"));
  }

  /** Waits until `holds`. Throws once the connection is closed and it does not. */
  async until(holds: (client: RawClient) => boolean, what = "what the test waits for"): Promise<void> {
    const seen = (): string => `the client saw ${what}; it has: ${JSON.stringify(this.text.slice(-500))}`;
    await eventually(() => this.closed || ((this.#growing === null || this.ended) && holds(this)), seen);
    if (!holds(this)) throw new Error(`never: ${seen()}`);
  }

  /** Waits for so many whole answers and gives them. */
  async answers(count: number): Promise<readonly WireAnswer[]> {
    await this.until(() => answersIn(this.text).length >= count, `${count} answers`);
    return answersIn(this.text);
  }

  /** Waits for the connection's end. */
  async end(): Promise<void> {
    await this.until(() => this.ended || this.closed, "the end of the connection");
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** `allowHalfOpen` works and is not in the types. */
function tlsOptions(port: number): ConnectionOptions {
  const options = { host: "127.0.0.1", port, rejectUnauthorized: false, allowHalfOpen: true };
  return options;
}

export interface WireAnswer {
  readonly status: number;
  readonly head: string;
  /** Decoded. */
  readonly body: string;
  /** Trailer section of a chunked body. */
  readonly trailers: string;
}

/** The value of a field of an answer's head, or null. */
export function fieldOf(answer: WireAnswer, name: string): string | null {
  const found = new RegExp(`\\r\\n${name}: *([^\\r]*)`, "i").exec(answer.head);
  return found === null ? null : found[1]!;
}

/** The whole answers at the start of a byte text. Bodies framed by the end of the connection are not read. */
export function answersIn(text: string, bodiless = false): WireAnswer[] {
  const answers: WireAnswer[] = [];
  let at = 0;
  for (;;) {
    const blank = text.indexOf("\r\n\r\n", at);
    if (blank < 0) return answers;
    const head = text.slice(at, blank + 4);
    const status = Number(head.slice(9, 12));
    const start = blank + 4;
    const framed = !bodiless && status >= 200 && status !== 204 && status !== 304;
    if (framed && /\r\ntransfer-encoding: chunked/i.test(head)) {
      const decoded = dechunk(text, start);
      if (decoded === null) return answers;
      answers.push({ status, head, body: decoded.body, trailers: decoded.trailers });
      at = decoded.end;
      continue;
    }
    const length = framed ? Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0) : 0;
    if (text.length < start + length) return answers;
    answers.push({ status, head, body: text.slice(start, start + length), trailers: "" });
    at = start + length;
  }
}

/** Strict: throws on what is no chunked body; null when it is not complete. */
export function dechunk(
  text: string,
  start: number,
): { readonly body: string; readonly trailers: string; readonly end: number } | null {
  let body = "";
  let at = start;
  for (;;) {
    const line = text.indexOf("\r\n", at);
    if (line < 0) return null;
    const size = text.slice(at, line);
    if (!/^[0-9a-f]+$/.test(size)) throw new Error(`no chunk size: ${JSON.stringify(size)}`);
    const length = Number.parseInt(size, 16);
    at = line + 2;
    if (length === 0) {
      if (text.startsWith("\r\n", at)) return { body, trailers: "", end: at + 2 };
      const end = text.indexOf("\r\n\r\n", at);
      return end < 0 ? null : { body, trailers: text.slice(at, end + 2), end: end + 4 };
    }
    if (text.length < at + length + 2) return null;
    if (text.slice(at + length, at + length + 2) !== "\r\n") throw new Error("a chunk does not end with CRLF");
    body += text.slice(at, at + length);
    at += length + 2;
  }
}
