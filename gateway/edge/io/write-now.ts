// Write now: hands bytes to the kernel within the call, and says how many it took. A write of Node's socket keeps a reference to what the
// kernel did not take, so that a buffer which is used again and again would have to be given up for each slow peer, with its tens of kB for the
// few that were left. Here the rest can be copied, and bodies leave from where they were read. `_handle.fd` is undocumented, so it is used here
// alone and tested against the pinned Node; where there is no descriptor, nothing is taken and the socket writes everything itself.
import { writeSync, writevSync } from "node:fs";
import type { Socket } from "node:net";

interface Handle {
  readonly fd?: number;
  readonly writeQueueSize?: number;
}

/** What is used of a socket's inside. `_parent` is what TLS stands on. `_handle` is null once its descriptor is closed: the number may be another connection's by then. */
interface Inside {
  readonly _handle: (Handle & { readonly _parent?: Handle }) | null;
}

/** Bytes that the kernel took, from the first on. The rest is for `socket.write`, which also tells what is wrong with the connection. */
export function writeNow(socket: Socket, bytes: Buffer): number {
  const fd = descriptorOf(socket);
  if (fd < 0) return 0;
  try {
    return writeSync(fd, bytes, 0, bytes.length);
  } catch {
    return 0;
  }
}

const both: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)];

/** As `writeNow`, of `first` and `second` behind it. */
export function writeBothNow(socket: Socket, first: Buffer, second: Buffer): number {
  if (first.length === 0) return writeNow(socket, second);
  const fd = descriptorOf(socket);
  if (fd < 0) return 0;
  both[0] = first;
  both[1] = second;
  try {
    return writevSync(fd, both);
  } catch {
    return 0;
  }
}

/** −1: nothing may be written now: other bytes are queued before, the socket has ended, or has no descriptor (yet, or any more). */
function descriptorOf(socket: Socket): number {
  const handle = (socket as unknown as Inside)._handle;
  if (handle === null || socket.writableLength !== 0 || socket.writableEnded || socket.connecting) return -1;
  return handle.fd ?? -1;
}

/** Bytes of the write under way that the kernel has not taken. */
export function unsentOf(socket: Socket): number {
  const handle = (socket as unknown as Inside)._handle;
  return (handle?._parent ?? handle)?.writeQueueSize ?? 0;
}
