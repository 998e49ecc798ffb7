// Accepted sockets on the static read buffer. Node offers `onread` for sockets that connect and not for those that are accepted; wrapping the
// accepted handle in a new Socket does it (2.6 µs of CPU a request, reference http1-codec §2). Undocumented, so it lives here alone, is
// tested against the pinned Node, and falls back to 'data' events.
import { Socket } from 'node:net';
import type { OnReadOpts, SocketConstructorOpts } from 'node:net';
import type { ReadBuffer } from './read-buffer.ts';
import { SocketTransport } from './transport.ts';
import type { TransportOwner } from './transport.ts';

/** What is used of a socket's inside. */
interface Inside {
  _handle: { useUserBuffer?: unknown } | null;
}

/**
 * A Transport on a socket that a server with `pauseOnConnect` accepted. `fast` false: by 'data' events, whatever this Node can do.
 */
export function acceptedTransport(accepted: Socket, reads: ReadBuffer, owner: TransportOwner, fast: boolean): SocketTransport {
  const inside = accepted as unknown as Inside;
  const handle = inside._handle;
  if (!fast || handle === null || typeof handle.useUserBuffer !== 'function') {
    const transport = new SocketTransport(accepted, owner, null);
    transport.readByEvents(reads);
    accepted.resume();
    return transport;
  }
  inside._handle = null;
  let transport: SocketTransport | null = null;
  const onread: OnReadOpts = {
    buffer: reads.window,
    callback: (length) => {
      if (transport !== null) reads.filled(length, transport.receive);
      return true;
    },
  };
  const options = { handle, onread, allowHalfOpen: true };
  const socket = new Socket(options as SocketConstructorOpts);
  transport = new SocketTransport(socket, owner, null);
  return transport;
}
