// A connection to a port of a pod through the API server: pods/portforward by a WebSocket, in the protocol that kubelets speak (v4.channel.k8s.io).
import { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Credentials } from "./api-access.ts";
import { within } from "../http/http-call.ts";
import { wordsOf } from "./api.ts";

const protocol = "v4.channel.k8s.io";
/** Of the one port: its bytes, and what went wrong. */
const channels = { bytes: 0, error: 1 } as const;
/** Each channel begins with the number of the port. */
const portBytes = 2;
/** Longest message of a peer. */
const maxMessageBytes = 16 * 1024 * 1024;
const handshakeMs = 10_000;

/** Rejects with one sentence: the API server is away, the caller may not, the pod does not run. The first error of the pod ends the connection with its text. */
export async function forwardPort(server: string, path: string, { headers, tls, proxy }: Credentials): Promise<Duplex> {
  const { ca, cert, key, verify, serverName } = tls;
  // It comes with what reads kubeconfigs, and the image has neither.
  const { WebSocket } = await import("ws");
  const socket = new WebSocket(server.replace(/^http/, "ws") + path, [protocol], {
    headers: { ...headers, "user-agent": "sluice" },
    rejectUnauthorized: verify,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    handshakeTimeout: handshakeMs,
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
    ...(serverName === null ? {} : { servername: serverName }),
    ...(proxy === null ? {} : { agent: proxy }),
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
    socket.once("unexpected-response", (_, response) => {
      // The server keeps it open for more, and the process with it.
      const { socket: connection } = response;
      void within(handshakeMs, () => wordsOf(response, response.statusCode ?? 0))
        .then(({ sentence }) => reject(new Error(sentence)), reject)
        .finally(() => connection.destroy());
    });
  });
  return new ForwardedPort(socket);
}

class ForwardedPort extends Duplex {
  readonly #socket: WebSocket;
  readonly #skipped = new Map<number, number>();

  constructor(socket: WebSocket) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    // An error may come before its user listens, who finds it in `errored`.
    this.on("error", () => undefined);
    socket.on("message", (message: Buffer) => this.#take(message));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.push(null));
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.send(Buffer.concat([Buffer.of(channels.bytes), chunk]), done);
  }

  override _final(done: () => void): void {
    // The protocol has no word for the end of one side.
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.terminate();
    done(error);
  }

  #take(message: Buffer): void {
    const channel = message[0];
    if (channel === undefined) return;
    const before = this.#skipped.get(channel) ?? 0;
    const skip = Math.min(portBytes - before, message.length - 1);
    this.#skipped.set(channel, before + skip);
    const bytes = message.subarray(1 + skip);
    if (bytes.length === 0) return;
    if (channel === channels.error) this.destroy(new Error(bytes.toString("utf8").split("\n", 1)[0]!.slice(0, 300)));
    else if (channel === channels.bytes && !this.push(bytes)) this.#socket.pause();
  }
}
