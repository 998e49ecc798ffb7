// EventStreams: readers of server-sent events. They are few, and each has a bounded amount of bytes on its way. A reader that is too slow
// loses events and gets their number. The publisher never waits.
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ServerResponse } from "node:http";
import { visibleLines } from "../../routing/text/visible.ts";
import type { Viewer } from "../api/viewer.ts";
import { keepOpen } from "./connections.ts";

/** Readers at once, of all streams. Each is a connection of the admin port. */
export const maxReaders = 16;
/** Of these, for the operator alone: viewers cannot take the last ones. */
export const operatorReaders = 4;
/** Bytes on their way to one reader beyond which events are dropped. */
export const maxQueuedBytes = 262_144;
/** Half of the time after which a silent connection is closed. */
const heartbeatMs = 5000;

export class EventStreams {
  readonly #readers = new Set<EventReader>();
  readonly #renewals = new WeakMap<FastifyRequest, () => Promise<Viewer | null>>();
  #heartbeat: NodeJS.Timeout | null = null;
  #ended = false;

  /** Ends all streams; none opens from now on. */
  end(): void {
    this.#ended = true;
    for (const reader of this.#readers) reader.end();
  }

  /** While the stream of this request is open, `renew` says who asks, because rights end; null: nobody any more, and it ends. */
  hold(request: FastifyRequest, renew: () => Promise<Viewer | null>): void {
    this.#renewals.set(request, renew);
  }

  /** null: there are too many, or the gateway drains, and the client has been told. */
  open(reply: FastifyReply, viewer: Viewer): EventReader | null {
    const max = viewer.isAdmin ? maxReaders : maxReaders - operatorReaders;
    if (this.#ended || this.#readers.size >= max) {
      const sentence = this.#ended
        ? "the gateway ends: ask another replica"
        : `${max} streams are open already: ask again when one has ended`;
      void reply.code(503).header("retry-after", "1").send({ error: "busy", sentence });
      return null;
    }
    const { raw, request } = reply.hijack();
    raw.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    const reader = new EventReader(raw, viewer, this.#renewals.get(reply.request) ?? null);
    if (request.method === "HEAD") {
      reader.end();
      return reader;
    }
    keepOpen(raw);
    // The head leaves at once, so that the client knows that it listens.
    raw.write(": open\n\n");
    this.#readers.add(reader);
    this.#heartbeat ??= setInterval(() => {
      for (const one of this.#readers) void one.beat();
    }, heartbeatMs).unref();
    raw.once("close", () => {
      this.#readers.delete(reader);
      if (this.#readers.size > 0 || this.#heartbeat === null) return;
      clearInterval(this.#heartbeat);
      this.#heartbeat = null;
    });
    return reader;
  }
}

class EventReader {
  readonly #response: ServerResponse;
  readonly #renew: (() => Promise<Viewer | null>) | null;
  #viewer: Viewer;
  /** Not told yet. */
  #dropped = 0;

  constructor(response: ServerResponse, viewer: Viewer, renew: (() => Promise<Viewer | null>) | null) {
    this.#response = response;
    this.#viewer = viewer;
    this.#renew = renew;
    response.on("drain", () => this.#tellDropped());
  }

  /** `json` is called where there is room. */
  send(event: string, json: () => unknown): void {
    if (this.#response.writableEnded || this.#response.destroyed) return;
    if (this.#dropped > 0 || this.#response.writableLength > maxQueuedBytes) {
      this.#dropped += 1;
      return;
    }
    this.#write(event, json());
  }

  /** Calls `gone` when nobody reads any more. */
  onClose(gone: () => void): void {
    if (this.#response.closed) gone();
    else this.#response.once("close", gone);
  }

  get viewer(): Viewer {
    return this.#viewer;
  }

  async beat(): Promise<void> {
    const viewer = this.#renew === null ? this.#viewer : await this.#renew();
    if (viewer === null) return this.end();
    this.#viewer = viewer;
    if (this.#response.writableEnded) return;
    if (this.#response.writableLength === 0) this.#response.write(": alive\n\n");
  }

  end(): void {
    this.#response.end();
  }

  #tellDropped(): void {
    if (this.#dropped === 0 || this.#response.writableEnded) return;
    const count = this.#dropped;
    this.#dropped = 0;
    this.#write("dropped", { count });
  }

  #write(event: string, value: unknown): void {
    this.#response.write(`event: ${event}\ndata: ${visibleLines(JSON.stringify(value))}\n\n`);
  }
}
