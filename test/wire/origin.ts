// An origin that accepts everything and records bytes: it never judges a request, so a test that passes has seen the gateway judge it.
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { certPem, keyPem } from "./identity.ts";

/** One connection as the origin saw it. */
export class OriginConnection {
  readonly socket: Socket;
  /** Everything it received, latin1. */
  text = "";
  ended = false;
  closed = false;
  /** Requests answered by the origin's automatic answer. */
  answered = 0;

  constructor(socket: Socket) {
    this.socket = socket;
  }
}

/** Called on every read; writes whatever it likes. */
export type OriginBehaviour = (connection: OriginConnection, origin: Origin) => void;

export class Origin {
  readonly connections: OriginConnection[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  behaviour: OriginBehaviour;
  port = 0;

  constructor(
    behaviour: OriginBehaviour = answerEach("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
    secure = false,
  ) {
    this.behaviour = behaviour;
    const serve = (socket: Socket): void => {
      const connection = new OriginConnection(socket);
      this.connections.push(connection);
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("data", (chunk: Buffer) => {
        connection.text += chunk.toString("latin1");
        this.behaviour(connection, this);
      });
      socket.on("end", () => {
        connection.ended = true;
        socket.end();
      });
      socket.on("close", () => {
        connection.closed = true;
        this.#sockets.delete(socket);
      });
    };
    const options = { allowHalfOpen: true, noDelay: true };
    this.#server = secure
      ? createTlsServer({ ...options, cert: certPem, key: keyPem }, serve)
      : createServer(options, serve);
  }

  /** Everything received on all connections, in order of connection. */
  get text(): string {
    return this.connections.map(({ text }) => text).join("");
  }

  async listen(port = 0, host = "127.0.0.1"): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#server.listen(port, host, resolve);
    });
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}

/** Answers each complete request (by its own reading of Content-Length and chunked) with these bytes. */
export function answerEach(answer: string | ((request: string, index: number) => string)): OriginBehaviour {
  return (connection) => {
    for (;;) {
      const request = requestsIn(connection.text)[connection.answered];
      if (request === undefined) return;
      const text = typeof answer === "string" ? answer : answer(request, connection.answered);
      connection.answered += 1;
      connection.socket.write(Buffer.from(text, "latin1"));
    }
  };
}

/** The complete requests in a byte text, by the origin's own, lenient reading. */
export function requestsIn(text: string): string[] {
  const requests: string[] = [];
  let at = 0;
  for (;;) {
    const blank = text.indexOf("\r\n\r\n", at);
    if (blank < 0) return requests;
    const head = text.slice(at, blank + 4);
    let end = blank + 4;
    if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
      const last = /(?:^|\r\n)0+\r\n(?:[^\r]+\r\n)*\r\n/.exec(text.slice(end));
      if (last === null) return requests;
      end += last.index + last[0].length;
    } else {
      const length = /\r\ncontent-length: *(\d+)/i.exec(head);
      end += length === null ? 0 : Number(length[1]);
    }
    if (text.length < end) return requests;
    requests.push(text.slice(at, end));
    at = end;
  }
}
