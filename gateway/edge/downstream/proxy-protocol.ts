// PROXY protocol: the connections of balancers that say for whom they are, before TLS and before anything else is read. Who must say it is
// the operator's choice (`--proxy-protocol`, `--proxy-protocol-from`), never the client's: to others the header is a malformed request.
import type { Socket } from "node:net";
import { AddressBlocks } from "../../../routing/text/address-block.ts";
import { readAddress } from "../../../routing/text/address.ts";
import { failures, type Failure } from "../../failures.ts";
import type { ProxySettings } from "../../options/settings.ts";
import { unservedEntry } from "../access/access-entry.ts";
import { Deadline, type Timed } from "../io/deadline.ts";
import { PartialRead } from "../io/partial-read.ts";
import type { SocketTransport, TransportOwner } from "../io/transport.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { DownstreamContext } from "./downstream-context.ts";
import { readProxyHeader } from "./proxy-header.ts";

/** Whose connections to a port begin with a header. */
export type MustSpeak = (peer: string) => boolean;

/** null: nobody's. */
export function mustSpeakOn(port: "plain" | "tls", { on, from }: ProxySettings): MustSpeak | null {
  if (on !== "both" && on !== port) return null;
  if (from === null) return () => true;
  const blocks = new AddressBlocks(from);
  const bytes = new Uint8Array(16);
  return (peer) => {
    const length = readAddress(Buffer.from(peer), 0, peer.length, bytes);
    // A connection that has no address any more is broken already.
    return length === 0 || blocks.holds(bytes, length);
  };
}

/** What becomes of a connection whose header has come. */
interface Awaiting {
  /** `bytes[start..end)` are what has come behind the header. */
  spoken(client: string, bytes: Buffer, start: number, end: number): void;
  close(): void;
}

/** A header that is awaited: at most as long as the head of a request, and told as a client that is no client where it is none. */
class AwaitedHeader implements ClientConnection, Timed {
  readonly #context: DownstreamContext;
  readonly #worker: WorkerContext;
  readonly #peer: string;
  readonly #awaiting: Awaiting;
  readonly #deadline = new Deadline(this);
  readonly #partial = new PartialRead();
  over = false;
  readonly idleSinceMs: number;
  readonly busy = false;
  /** Nothing is asked on it: it ends, or becomes another connection. */
  readonly retiring = true;

  constructor(context: DownstreamContext, peer: string, awaiting: Awaiting) {
    const { worker } = context;
    this.#context = context;
    this.#worker = worker;
    this.#peer = peer;
    this.#awaiting = awaiting;
    this.idleSinceMs = worker.tick();
    context.connections.add(this);
    worker.wheel.set(this.#deadline, worker.nowMs + worker.limits.headTimeoutMs);
  }

  received(bytes: Buffer, start: number, end: number): void {
    this.#worker.tick();
    const partial = this.#partial;
    const kept = partial.length > 0;
    if (kept) partial.append(bytes, start, end);
    const [all, from, to] = kept ? [partial.bytes, partial.start, partial.end] : [bytes, start, end];
    const header = readProxyHeader(all, from, to);
    switch (header.kind) {
      case "more":
        if (!kept) partial.append(bytes, start, end);
        return;
      case "wrong":
        this.#refuse(failures.proxyHeader, header.reason);
        return;
      case "read":
        this.leave();
        this.#awaiting.spoken(header.client ?? this.#peer, all, from + header.length, to);
    }
  }

  /** No more comes. A balancer that only looks whether the port is open says nothing at all, and nothing is wrong with that. */
  ended(): void {
    if (this.#partial.length > 0) this.#refuse(failures.proxyHeader, "it ended within it");
    else this.destroy();
  }

  expired(): void {
    this.#refuse(failures.proxyTimeout, "");
  }

  drain(): void {
    // Its client may have a request still.
  }

  destroy(): void {
    this.leave();
    this.#awaiting.close();
  }

  /** It is awaited no more. */
  leave(): void {
    this.over = true;
    this.#context.connections.delete(this);
    this.#worker.wheel.remove(this.#deadline);
  }

  #refuse(failure: Failure, reason: string): void {
    const worker = this.#worker;
    worker.counters.failure(failure.flag);
    worker.log(failure.flag, "", true, () => unservedEntry(failure, reason, 0, this.#peer, "", false));
    this.destroy();
  }
}

/** A plain connection until its header has come: `serve` then gets its Transport, whose peer is the client. */
export class ProxiedTransport implements TransportOwner {
  readonly #context: DownstreamContext;
  readonly #peer: string;
  readonly #serve: (transport: SocketTransport) => void;
  #transport: SocketTransport | null = null;
  #header: AwaitedHeader | null = null;
  /** Under whose name it is admitted; null: nobody's yet. */
  #client: string | null = null;

  constructor(context: DownstreamContext, peer: string, serve: (transport: SocketTransport) => void) {
    this.#context = context;
    this.#peer = peer;
    this.#serve = serve;
  }

  start(transport: SocketTransport): void {
    this.#transport = transport;
    transport.onceClosed(() => this.#context.admission.release(this.#client));
    this.#header = new AwaitedHeader(this.#context, this.#peer, {
      spoken: (client, bytes, start, end) => this.#spoken(transport, client, bytes, start, end),
      close: () => transport.destroy(),
    });
  }

  #spoken(transport: SocketTransport, client: string, bytes: Buffer, start: number, end: number): void {
    if (!this.#context.admission.name(client)) {
      transport.destroy();
      return;
    }
    this.#client = client;
    transport.peer = client;
    this.#serve(transport);
    if (end > start) transport.owner.received(bytes, start, end);
  }

  received(bytes: Buffer, start: number, end: number): void {
    this.#header!.received(bytes, start, end);
  }

  ended(): void {
    this.#header!.ended();
  }

  drained(): void {
    // Nothing was sent.
  }

  broken(): void {
    this.#header!.leave();
  }

  crashed(error: unknown): void {
    this.#context.worker.faulted(error);
    this.#header!.leave();
    this.#transport!.destroy();
  }
}

/** Reads the header of a socket, of which `begin` then gets the rest, for this client, as if nothing had been read. */
export function awaitHeaderBelowTls(
  context: DownstreamContext,
  socket: Socket,
  peer: string,
  begin: (socket: Socket, client: string) => void,
): void {
  const { admission, worker } = context;
  let named: string | null = null;
  const header = new AwaitedHeader(context, peer, {
    spoken: (client, bytes, start, end) => {
      stop();
      if (!admission.name(client)) {
        socket.destroy();
        return;
      }
      named = client;
      if (end > start) socket.unshift(Buffer.from(bytes.subarray(start, end)));
      begin(socket, client);
    },
    close: () => {
      stop();
      socket.destroy();
    },
  });
  const caught = (call: () => void) => (): void => {
    try {
      call();
    } catch (error) {
      worker.faulted(error);
      header.destroy();
    }
  };
  const readable = caught(() => {
    while (!header.over) {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      header.received(chunk, 0, chunk.length);
    }
  });
  const ended = caught(() => header.ended());
  const stop = (): void => {
    socket.off("readable", readable).off("end", ended);
  };
  socket.on("error", () => undefined);
  socket.once("close", () => {
    header.leave();
    admission.release(named);
  });
  socket.on("end", ended).on("readable", readable);
}
