// Dial: a new socket to an Endpoint, plain or TLS.
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { createSecureContext, connect as connectTls } from 'node:tls';
import type { SecureContext } from 'node:tls';
import type { UpstreamTls } from '../../../routing/upstream.ts';
import type { ReadBuffer } from '../read-buffer.ts';
import { SocketTransport } from '../transport.ts';
import type { TransportOwner } from '../transport.ts';
import type { UpstreamPool } from './pool.ts';

/**
 * Dials the Endpoint as its Upstream says. Throws on keys or authorities that OpenSSL does not read. The socket says `connect`, or with TLS
 * `secureConnect`.
 */
export function dial(ip: string, port: number, pool: UpstreamPool, reads: ReadBuffer, owner: TransportOwner): { readonly socket: Socket; readonly transport: SocketTransport } {
  const { secureContext } = pool;
  if (secureContext === null) {
    let transport: SocketTransport | null = null;
    const socket = dialPlain(ip, port, reads, (bytes, start, end) => transport?.receive(bytes, start, end));
    transport = new SocketTransport(socket, owner, null);
    return { socket, transport };
  }
  const tls = pool.upstream!.tls!;
  const socket = dialTls(ip, port, tls, secureContext);
  const transport = new SocketTransport(socket, owner, { sni: tls.sni, alpn: null });
  transport.readByEvents(reads);
  return { socket, transport };
}

/** A plain socket on the worker's read buffer (public: `onread` of net.connect), whose bytes `receive` gets. */
export function dialPlain(ip: string, port: number, reads: ReadBuffer, receive: (bytes: Buffer, start: number, end: number) => void): Socket {
  return connect({
    host: ip,
    port,
    noDelay: true,
    allowHalfOpen: true,
    onread: {
      buffer: reads.window,
      callback: (length) => {
        reads.filled(length, receive);
        return true;
      },
    },
  });
}

/**
 * A TLS socket. Without authorities the peer is not verified; with them its chain is, and its name is not (as Ambassador ships it:
 * reference ambassador-mapping §1.2).
 */
function dialTls(ip: string, port: number, tls: UpstreamTls, secureContext: SecureContext): Socket {
  return connectTls({
    host: ip,
    port,
    secureContext,
    rejectUnauthorized: tls.caPem !== null,
    checkServerIdentity: () => undefined,
    ALPNProtocols: ['http/1.1'],
    ...(tls.sni === null ? {} : { servername: tls.sni }),
  }).setNoDelay(true);
}

export function secureContextOf(tls: UpstreamTls): SecureContext {
  return createSecureContext({
    ...(tls.caPem === null ? {} : { ca: tls.caPem }),
    ...(tls.certificate === null ? {} : { cert: tls.certificate.certPem, key: tls.certificate.keyPem }),
  });
}
