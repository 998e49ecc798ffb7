// Dial: a new socket to an Endpoint, plain or TLS.
import { connect, type Socket } from "node:net";
import { createSecureContext, connect as connectTls, type SecureContext } from "node:tls";
import type { UpstreamTls } from "../../../routing/model/upstream.ts";
import { readDirectly } from "../io/direct-read.ts";
import type { ReadBuffer } from "../io/read-buffer.ts";
import { SocketTransport, type TransportOwner } from "../io/transport.ts";
import type { UpstreamView } from "./endpoint-view.ts";

/** What was dialled, and who was made for it. */
interface Dialled<Owner> {
  readonly socket: Socket;
  readonly transport: SocketTransport;
  readonly owner: Owner;
}

/**
 * Dials the Endpoint as its Upstream says. Throws on keys or authorities that OpenSSL does not read. The socket says `connect`, or with TLS
 * `secureConnect`.
 */
export function dial<Owner extends TransportOwner>(
  ip: string,
  port: number,
  pool: UpstreamView,
  reads: ReadBuffer,
  ownerOf: (transport: SocketTransport) => Owner,
): Dialled<Owner> {
  const { secureContext } = pool;
  if (secureContext === null) {
    let transport: SocketTransport | null = null;
    const socket = dialPlain(ip, port, reads, (bytes, start, end) => transport?.receive(bytes, start, end));
    transport = new SocketTransport(socket, null);
    readDirectly(socket, reads, transport.receive);
    return { socket, transport, owner: (transport.owner = ownerOf(transport)) };
  }
  const tls = pool.upstream!.tls!;
  const alpn = pool.upstream!.protocol === "http2" ? "h2" : "http/1.1";
  const socket = dialTls(ip, port, tls, secureContext, alpn);
  const transport = new SocketTransport(socket, { alpn });
  transport.readByEvents(reads);
  return { socket, transport, owner: (transport.owner = ownerOf(transport)) };
}

/** The kernel asks a silent peer after this, so that one that is gone without a word is noticed. */
const keepAliveAfterMs = 30_000;

/** A plain socket on the worker's read buffer (public: `onread` of net.connect), whose bytes `receive` gets. */
export function dialPlain(
  ip: string,
  port: number,
  reads: ReadBuffer,
  receive: (bytes: Buffer, start: number, end: number) => void,
): Socket {
  return connect({
    host: ip,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveAfterMs,
    allowHalfOpen: true,
    onread: {
      buffer: reads.upstreamWindow,
      callback: (length) => {
        reads.filled(length, receive);
        return true;
      },
    },
  });
}

/**
 * A TLS socket. Without authorities the peer is not verified; with them its chain is, and its name is not (as Ambassador ships
 * it). Offers one protocol (ALPN): whether the peer took it is the caller's to look at.
 */
function dialTls(ip: string, port: number, tls: UpstreamTls, secureContext: SecureContext, protocol: string): Socket {
  // `allowHalfOpen` works and is not in the types.
  const options = {
    host: ip,
    port,
    allowHalfOpen: true,
    secureContext,
    rejectUnauthorized: tls.caPem !== null,
    checkServerIdentity: () => undefined,
    ALPNProtocols: [protocol],
    ...(tls.sni === null ? {} : { servername: tls.sni }),
  };
  return connectTls(options).setNoDelay(true).setKeepAlive(true, keepAliveAfterMs);
}

export function secureContextOf(tls: UpstreamTls): SecureContext {
  return createSecureContext({
    ...(tls.caPem === null ? {} : { ca: tls.caPem }),
    ...(tls.certificate === null ? {} : { cert: tls.certificate.certPem, key: tls.certificate.keyPem }),
  });
}
