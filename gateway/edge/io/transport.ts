// Transport: a byte stream, plain or TLS, as the codecs see it. Both kinds behave alike: every wire test runs on both.
import type { Socket } from "node:net";
import type { Sink } from "./out-buffer.ts";
import type { ReadBuffer } from "./read-buffer.ts";
import { unsentOf, writeBothNow, writeNow } from "./write-now.ts";
import type { WriteQueue } from "./write-stall.ts";

/** Whom a Transport tells. One at a time; nothing is told after `destroy`. */
export interface TransportOwner {
  /** Bytes came: `bytes[start..end)`, followed by a zero byte, valid only during the call. */
  received(bytes: Buffer, start: number, end: number): void;
  /** The peer sends no more. */
  ended(): void;
  /** What was congested has left. */
  drained(): void;
  /** The stream is broken or closed by the peer: it is destroyed already. */
  broken(reason: string): void;
  /** One of the calls above threw: a bug. End what it served and nothing else. */
  crashed(error: unknown): void;
}

export interface Transport extends Sink, WriteQueue {
  /** Address of the client, without port; IPv4 as such: the socket's, unless a balancer of connections said whose it is. */
  readonly peer: string;
  readonly secure: boolean;
  /** Protocol agreed in the TLS handshake, or null. */
  readonly alpn: string | null;
  owner: TransportOwner;
  /** More is queued than the peer takes: wait for `drained`. */
  readonly congested: boolean;
  /** Sends bytes that the caller gives away: they are never copied. */
  give(bytes: Buffer): void;
  /** Stops and starts reading. */
  pause(): void;
  resume(): void;
  /** Sends no more, after what is queued. */
  end(): void;
  /** Ends at once. What the peer has not taken is lost to it: a plain connection with a queue is reset, so that the kernel frees its own part too. */
  destroy(): void;
}

/** A Transport on a Node socket. Whoever makes it gives it an owner before anything can come: in the same callback. */
export class SocketTransport implements Transport {
  /** Set anew by whoever learns before the first request for whom the connection is. */
  peer: string;
  readonly secure: boolean;
  readonly alpn: string | null;
  owner!: TransportOwner;
  readonly #socket: Socket;
  #destroyed = false;

  constructor(socket: Socket, tls: { readonly alpn: string | null } | null) {
    this.#socket = socket;
    this.peer = peerOf(socket);
    this.secure = tls !== null;
    this.alpn = tls?.alpn ?? null;
    socket.on("end", () => this.#tell(() => this.owner.ended()));
    socket.on("drain", () => this.#tell(() => this.owner.drained()));
    socket.on("error", (error: NodeJS.ErrnoException) => this.#broken(error.code ?? error.message));
    socket.on("close", () => this.#broken("closed"));
  }

  /** Reads by 'data' events: TLS, and plain sockets where the static buffer cannot be had. */
  readByEvents(reads: ReadBuffer): void {
    const use = this.receive;
    this.#socket.on("data", (chunk: Buffer) => reads.copied(chunk, use));
  }

  /** `call` is called when the socket is closed, by whomever. */
  onceClosed(call: () => void): void {
    this.#socket.once("close", call);
  }

  /** What a static read buffer calls with the bytes it got. */
  readonly receive = (bytes: Buffer, start: number, end: number): void => {
    if (this.#destroyed) return;
    try {
      this.owner.received(bytes, start, end);
    } catch (error) {
      this.#crashed(error);
    }
  };

  get congested(): boolean {
    return this.#socket.writableNeedDrain;
  }

  get queued(): number {
    return this.#socket.writableLength;
  }

  get unsent(): number {
    return unsentOf(this.#socket);
  }

  write(bytes: Buffer): void {
    if (this.#destroyed) return;
    // TLS makes records of the bytes when it likes.
    const sent = this.secure ? 0 : writeNow(this.#socket, bytes);
    if (sent < bytes.length) this.#socket.write(Buffer.from(bytes.subarray(sent)));
  }

  writeBoth(first: Buffer, second: Buffer): void {
    if (this.#destroyed) return;
    const sent = this.secure ? 0 : writeBothNow(this.#socket, first, second);
    if (sent === first.length + second.length) return;
    this.#socket.write(
      sent < first.length
        ? Buffer.concat([first.subarray(sent), second])
        : Buffer.from(second.subarray(sent - first.length)),
    );
  }

  give(bytes: Buffer): void {
    if (!this.#destroyed) this.#socket.write(bytes);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#destroyed) this.#socket.resume();
  }

  end(): void {
    if (!this.#destroyed) this.#socket.end();
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    const socket = this.#socket;
    // Closed in good order, a peer that does not read leaves some MB in the kernel's send queue for minutes. Node resets TCP handles only.
    if (!this.secure && !socket.connecting && !socket.destroyed && socket.writableLength > 0) socket.resetAndDestroy();
    // It alone would wait for the queue.
    socket.destroy();
  }

  #tell(call: () => void): void {
    if (this.#destroyed) return;
    try {
      call();
    } catch (error) {
      this.#crashed(error);
    }
  }

  #broken(reason: string): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#socket.destroy();
    try {
      this.owner.broken(reason);
    } catch (error) {
      this.#crashed(error);
    }
  }

  #crashed(error: unknown): void {
    try {
      this.owner.crashed(error);
    } catch {
      // It was told; nothing more can be done for it, and nobody else is concerned.
    }
    this.destroy();
  }
}

/** Address of a socket's peer; IPv4 on a dual-stack socket is printed as IPv4. */
export function peerOf(socket: Socket): string {
  const address = socket.remoteAddress;
  if (address === undefined) return "unknown";
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
