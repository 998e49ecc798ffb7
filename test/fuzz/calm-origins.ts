// Origins that mean well: one of HTTP/1.1 that echoes and judges what it hears, one of HTTP/2 that echoes.
import {
  createServer as createHttp2Server,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { hear } from "../wire/grammar.ts";
import { wellPath } from "./manifests.ts";

export class CalmOrigins {
  readonly #http1: Server;
  readonly #http2: Http2Server;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  /** What no gateway may send, by the tests' own grammar; the first of them. */
  fault: string | null = null;
  /** When it was last asked whether it is well. */
  probedMs = performance.now();

  constructor() {
    this.#http1 = createServer({ noDelay: true }, (socket) => this.#hear(socket));
    this.#http2 = createHttp2Server({ settings: { maxConcurrentStreams: 1000 } });
    this.#http2.on("session", (session) => {
      this.#sessions.add(session);
      session.on("error", () => undefined);
      session.on("close", () => this.#sessions.delete(session));
    });
    this.#http2.on("stream", (stream: ServerHttp2Stream) => {
      stream.on("error", () => undefined);
      const pieces: Buffer[] = [];
      stream.on("data", (piece: Buffer) => pieces.push(piece));
      stream.on("end", () => {
        if (stream.destroyed) return;
        stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
        stream.end(Buffer.concat(pieces));
      });
    });
  }

  async listen(): Promise<{ readonly http1: number; readonly http2: number }> {
    for (const server of [this.#http1, this.#http2]) {
      await new Promise<void>((resolve) => {
        server.listen(0, "127.0.0.1", resolve);
      });
    }
    return { http1: (this.#http1.address() as AddressInfo).port, http2: (this.#http2.address() as AddressInfo).port };
  }

  /** Ends connections, which a gateway may keep for later. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
    for (const session of this.#sessions) session.destroy();
  }

  close(): void {
    this.drop();
    this.#http1.close();
    this.#http2.close();
  }

  #hear(socket: Socket): void {
    this.#sockets.add(socket);
    let rest = "";
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("data", (bytes: Buffer) => {
      const heard = hear(rest + bytes.toString("latin1"));
      rest = heard.rest;
      for (const { method, target, body, faults } of heard.requests) {
        if (target === wellPath) this.probedMs = performance.now();
        else if (faults.length > 0) this.fault ??= `sent upstream, ${method} ${target}: ${faults.join("; ")}`;
        socket.write(
          Buffer.from(
            `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${method === "HEAD" ? "" : body}`,
            "latin1",
          ),
        );
      }
    });
  }
}
