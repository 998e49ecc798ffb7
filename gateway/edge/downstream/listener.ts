// Listener: accepts connections, plain and TLS, and gives each to what it speaks.
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { ClientTls } from "../message/client-certificate.ts";
import type { ServedCertificates } from "../tls/served-certificates.ts";
import { acceptedTransport } from "./accepted.ts";
import { PartialRead } from "../io/partial-read.ts";
import type { DownstreamContext } from "./downstream-context.ts";
import type { ServedStreams } from "./http2-streams.ts";
import { Http1Connection } from "./http1-connection.ts";
import { ServedConnection } from "./http2-connection.ts";
import { beginHandshake } from "./handshake.ts";
import { ProxiedTransport, awaitHeaderBelowTls, type MustSpeak } from "./proxy-protocol.ts";
import { sniff } from "./sniff.ts";
import { SocketTransport, peerOf, type Transport, type TransportOwner } from "../io/transport.ts";

/** Connections that wait to be accepted. */
const backlog = 4096;

/** What accepted connections are given to. */
export interface Acceptor {
  readonly context: DownstreamContext;
  readonly streams: ServedStreams;
}

export interface Listening {
  readonly host: string;
  readonly port: number;
  readonly server: Server;
}

/** Listens for plain connections. Host null: every address, both stacks where there is IPv6. Rejects when the address cannot be bound. */
export function listenPlain(
  acceptor: Acceptor,
  host: string | null,
  port: number,
  mustSpeak: MustSpeak | null,
): Promise<Listening> {
  const { admission, worker } = acceptor.context;
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => {
    const address = peerOf(socket);
    if (mustSpeak?.(address)) {
      if (!admits(acceptor.context, socket, null)) return;
      const proxied = new ProxiedTransport(acceptor.context, address, (transport) =>
        new Sniffed(acceptor).take(transport, null),
      );
      proxied.start(acceptedTransport(socket, worker.reads, proxied, "direct"));
      return;
    }
    if (!admits(acceptor.context, socket, address)) return;
    const sniffed = new Sniffed(acceptor);
    const transport = acceptedTransport(socket, worker.reads, sniffed, "direct");
    transport.onceClosed(() => admission.release(address));
    sniffed.start(transport, null);
  });
  return listen(server, host, port);
}

/**
 * Listens for TLS connections, each with the certificate and terms of the host that it asks for. What they cost is admitted before the handshake, which costs
 * more than the request behind it.
 */
export function listenTls(
  acceptor: Acceptor,
  host: string | null,
  port: number,
  certificates: ServedCertificates,
  mustSpeak: MustSpeak | null,
): Promise<Listening> {
  const { admission, worker } = acceptor.context;
  const begin = (raw: Socket, client: string): void => {
    beginHandshake(worker, certificates, raw, (socket, { alpn, tls }) => {
      const transport = new SocketTransport(socket, { alpn });
      transport.peer = client;
      new Sniffed(acceptor).take(transport, tls);
      transport.readByEvents(worker.reads);
    });
  };
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (raw) => {
    const address = peerOf(raw);
    if (mustSpeak?.(address)) {
      if (admits(acceptor.context, raw, null)) awaitHeaderBelowTls(acceptor.context, raw, address, begin);
      return;
    }
    if (!admits(acceptor.context, raw, address)) return;
    raw.once("close", () => admission.release(address));
    begin(raw, address);
  });
  return listen(server, host, port);
}

function listen(server: Server, host: string | null, port: number): Promise<Listening> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, reusePort: true, backlog, ...(host === null ? {} : { host }) }, () => {
      server.removeListener("error", reject);
      // After the start an error of accept(2), such as no file descriptors, passes.
      server.on("error", () => undefined);
      const address = server.address() as AddressInfo;
      resolve({ host: address.address, port: address.port, server });
    });
  });
}

/** `address` null: a balancer will say whose it is. */
function admits({ worker, admission }: DownstreamContext, socket: Socket, address: string | null): boolean {
  if (!worker.closed && admission.admit(address)) return true;
  socket.destroy();
  return false;
}

/** A connection whose protocol is not known yet. */
class Sniffed implements TransportOwner {
  readonly #acceptor: Acceptor;
  readonly #partial = new PartialRead();
  #transport: Transport | null = null;
  #http1: Http1Connection | null = null;
  #tls: ClientTls | null = null;

  constructor(acceptor: Acceptor) {
    this.#acceptor = acceptor;
  }

  /** Owns a Transport from its first byte. */
  take(transport: SocketTransport, tls: ClientTls | null): void {
    transport.owner = this;
    this.start(transport, tls);
  }

  /** What ALPN says; without it HTTP/1.1 until the first bytes say otherwise: so an idle connection has its deadlines from the start. */
  start(transport: Transport, tls: ClientTls | null): void {
    const { context, streams } = this.#acceptor;
    context.worker.tick();
    if (transport.alpn === "h2") {
      transport.owner = new ServedConnection(context, streams, transport, tls).receiver;
      return;
    }
    const http1 = new Http1Connection(context, transport, tls);
    if (transport.alpn !== null) {
      transport.owner = http1;
      return;
    }
    this.#transport = transport;
    this.#tls = tls;
    this.#http1 = http1;
  }

  received(bytes: Buffer, start: number, end: number): void {
    const transport = this.#transport!;
    const http1 = this.#http1!;
    const partial = this.#partial;
    if (partial.length > 0) partial.append(bytes, start, end);
    const kept = partial.length > 0;
    switch (kept ? sniff(partial.bytes, partial.start, partial.end) : sniff(bytes, start, end)) {
      case "http1":
        transport.owner = http1;
        http1.received(bytes, start, end);
        return;
      case "http2":
        http1.leave();
        transport.owner = new ServedConnection(
          this.#acceptor.context,
          this.#acceptor.streams,
          transport,
          this.#tls,
        ).receiver;
        if (kept) transport.owner.received(partial.bytes, partial.start, partial.end);
        else transport.owner.received(bytes, start, end);
        return;
      case "undecided":
        if (!kept) partial.append(bytes, start, end);
        // Until it is decided it is the beginning of a head, with a head's deadline.
        http1.received(bytes, start, end);
    }
  }

  ended(): void {
    this.#http1!.ended();
  }

  drained(): void {
    this.#http1!.drained();
  }

  broken(): void {
    this.#http1!.broken();
  }

  crashed(error: unknown): void {
    this.#http1!.crashed(error);
  }
}
