// Accepted sockets on the static read buffer. Node offers `onread` for sockets that connect and not for those that are accepted; wrapping the
// accepted handle in a new Socket does it (2.6 µs of CPU a request). Undocumented, so it lives here alone, is
// tested against the pinned Node, and falls back to 'data' events.
import { Socket, type OnReadOpts, type SocketConstructorOpts } from "node:net";
import { readDirectly } from "../io/direct-read.ts";
import type { ReadBuffer } from "../io/read-buffer.ts";
import { SocketTransport, type TransportOwner } from "../io/transport.ts";

/** What is used of a socket's inside. */
interface Inside {
  _handle: { useUserBuffer?: unknown } | null;
}

/** How a socket is read: its handle directly, its stream with the static buffer, or its stream by 'data' events. */
export type SocketUse = "direct" | "static" | "events";

/**
 * A Transport on a socket that a server with `pauseOnConnect` accepted, used as `most` says, or by less where this Node cannot do it.
 */
export function acceptedTransport(
  accepted: Socket,
  reads: ReadBuffer,
  owner: TransportOwner,
  most: SocketUse,
): SocketTransport {
  const inside = accepted as unknown as Inside;
  const handle = inside._handle;
  if (most === "events" || handle === null || typeof handle.useUserBuffer !== "function") {
    const transport = new SocketTransport(accepted, null);
    transport.owner = owner;
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
  transport = new SocketTransport(socket, null);
  transport.owner = owner;
  if (most === "direct") readDirectly(socket, reads, transport.receive);
  return transport;
}
