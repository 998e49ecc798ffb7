// Dial: a new socket to an Endpoint, plain or TLS.
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { createSecureContext, connect as connectTls } from 'node:tls';
import type { SecureContext } from 'node:tls';
import type { UpstreamTls } from '../../../routing/upstream.ts';
import type { ReadBuffer } from '../read-buffer.ts';

/** Gets the bytes that a plain socket reads into the worker's buffer. */
export type Receive = (bytes: Buffer, start: number, end: number) => void;

/** A plain socket on the worker's read buffer (public: `onread` of net.connect). */
export function dialPlain(ip: string, port: number, reads: ReadBuffer, receive: Receive): Socket {
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
export function dialTls(ip: string, port: number, tls: UpstreamTls, secureContext: SecureContext): Socket {
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
