// Direct reads: what a plain socket reads, without Node's stream around it: two functions and their look at timers and listeners a read
// (DECISIONS.md has what it saves).
//
// Undocumented: the handle is the socket's own and `process.binding` is deprecated. So it lives here alone, is tested against the pinned Node,
// and is used only where all of it is there; else sockets are used as documented.
import type { Socket } from "node:net";
import type { ReadBuffer } from "./read-buffer.ts";

/** The handle of a socket, as far as it is used. */
interface SocketHandle {
  /** Called after each read; `streamBaseState` says what was read. */
  onread?: (this: SocketHandle, buffer: unknown) => void;
}

interface StreamBinding {
  /** What the call to or from a handle that runs now says about itself. */
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
}

const binding = streamBinding();

function streamBinding(): StreamBinding | null {
  const { binding: load } = process as unknown as { readonly binding?: (name: string) => Partial<StreamBinding> };
  try {
    const { streamBaseState, kReadBytesOrError } = load?.call(process, "stream_wrap") ?? {};
    return streamBaseState instanceof Int32Array && typeof kReadBytesOrError === "number"
      ? { streamBaseState, kReadBytesOrError }
      : null;
  } catch {
    return null;
  }
}

/**
 * Gives what a plain socket with `onread`, a buffer of its user's, reads straight to `receive`. Ends and errors go the way they went. Where
 * this Node cannot do it (false), the socket's own `onread` gets everything as before.
 */
export function readDirectly(
  socket: Socket,
  reads: ReadBuffer,
  receive: (bytes: Buffer, start: number, end: number) => void,
): boolean {
  const { _handle: handle } = socket as unknown as { readonly _handle: SocketHandle | null };
  const streamOnread = handle?.onread;
  if (binding === null || handle === null || streamOnread === undefined) return false;
  const { streamBaseState, kReadBytesOrError } = binding;
  handle.onread = (buffer) => {
    const length = streamBaseState[kReadBytesOrError]!;
    if (length > 0 && !socket.destroyed) reads.filled(length, receive);
    else streamOnread.call(handle, buffer);
  };
  return true;
}
