// An origin that speaks HTTP/2: node:http2, plain by prior knowledge or TLS, which records what it gets.
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type SecureServerOptions,
} from "node:http2";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { certPem, keyPem } from "./identity.ts";

/** One request as the origin saw it. */
export interface Http2Request {
  readonly stream: ServerHttp2Stream;
  /** Names and values, pseudo headers too, in their order. */
  readonly raw: readonly string[];
  readonly headers: IncomingHttpHeaders;
  body: string;
  trailers: IncomingHttpHeaders | null;
  /** RST_STREAM code; null: it was not reset. */
  resetCode: number | null;
}

/** Called when a request is complete. */
export type Http2Behaviour = (request: Http2Request) => void;

const answerOk: Http2Behaviour = ({ stream }) => {
  stream.respond({ ":status": 200, "content-type": "text/plain" });
  stream.end("ok");
};

export class Http2Origin {
  readonly requests: Http2Request[] = [];
  readonly sessions: ServerHttp2Session[] = [];
  behaviour: Http2Behaviour;
  /** Called when a head came; a test that answers before the end does it here. */
  atHead: Http2Behaviour = () => undefined;
  port = 0;
  readonly #server: Http2Server | Http2SecureServer;

  constructor(behaviour: Http2Behaviour = answerOk, options: SecureServerOptions & { readonly secure?: boolean } = {}) {
    this.behaviour = behaviour;
    this.#server =
      options.secure === true ? createSecureServer({ key: keyPem, cert: certPem, ...options }) : createServer(options);
    this.#server.on("session", (session: ServerHttp2Session) => {
      this.sessions.push(session);
      session.on("error", () => undefined);
    });
    this.#server.on("sessionError", () => undefined);
    this.#server.on(
      "stream",
      (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) =>
        this.#serve(stream, headers, raw),
    );
  }

  #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[]): void {
    const request: Http2Request = { stream, raw, headers, body: "", trailers: null, resetCode: null };
    this.requests.push(request);
    stream.on("error", () => undefined);
    stream.on("aborted", () => (request.resetCode = stream.rstCode));
    stream.on("trailers", (trailers: IncomingHttpHeaders) => (request.trailers = trailers));
    stream.on("data", (chunk: Buffer) => (request.body += chunk.toString("latin1")));
    stream.on("end", () => {
      if (!stream.destroyed) this.behaviour(request);
    });
    this.atHead(request);
  }

  /** Serves a connection that somebody else has accepted. */
  take(socket: Socket): void {
    this.#server.emit("connection", socket);
  }

  async listen(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Stops listening; sessions end when their streams do. */
  close(): void {
    for (const session of this.sessions) session.destroy();
    this.#server.close();
  }
}

/** Answers a request with trailers. */
export function answerWithTrailers(
  { stream }: Http2Request,
  body: string,
  trailers: Readonly<Record<string, string>>,
): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.end(body);
}
