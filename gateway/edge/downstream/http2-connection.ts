// One HTTP/2 connection of a client: its requests become exchanges, a stream each.
import { decide } from "../../../routing/decide.ts";
import { metadataOf, namesDeployment } from "../../../routing/request/metadata.ts";
import { grpcColumn, httpColumn, withoutSeries } from "../../shared/memory/counters.ts";
import { fixed } from "../../shared/metrics/fixed.ts";
import { unservedEntry } from "../access/access-entry.ts";
import { bodyOf, failureAnswer, identified } from "../message/answers.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { DownstreamContext } from "./downstream-context.ts";
import { failures, type Failure } from "../../failures.ts";
import { healthMethodOf } from "./health.ts";
import { serving } from "../message/grpc-message.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { ClientTls } from "../message/client-certificate.ts";
import { clientFacts, type ClientFacts } from "../message/client-facts.ts";
import type { Transport, TransportOwner } from "../io/transport.ts";
import { HealthCall } from "./health-call.ts";
import { writeAnswerBlock } from "../http2/response-writer.ts";
import type { ServedStream, StreamOwner } from "./http2-stream.ts";
import type { ServedStreams } from "./http2-streams.ts";
import { ServerConnection, type ServerOwner } from "../http2/server.ts";
import type { Stream, RequestUser } from "../http2/stream.ts";

/** A call for health that the gateway does not answer itself. */
const notOurs = -1;
/** Bytes of answers that may wait for the windows of one client, and what is left of that while all clients together have too much. */
const mostQueuedBytes = 1024 * 1024;
const leastQueuedBytes = 64 * 1024;

export class ServedConnection implements ServerOwner, ClientConnection, StreamOwner {
  readonly context: DownstreamContext;
  readonly #worker: WorkerContext;
  readonly #streams: ServedStreams;
  readonly transport: Transport;
  readonly #connection: ServerConnection;
  readonly #tls: ClientTls | null;
  #facts: ClientFacts | null = null;
  readonly #active = new Set<ServedStream>();
  /** It has so much queued that no upstream is read from for it. */
  full = false;
  /** Whose request was read last, and may have bytes in the out buffer. */
  #reading: ServedStream | null = null;

  /** Serves the transport, whose owner is `receiver` from now on. `tls` null: it is in cleartext. */
  constructor(context: DownstreamContext, streams: ServedStreams, transport: Transport, tls: ClientTls | null) {
    this.#tls = tls;
    this.context = context;
    this.#worker = context.worker;
    this.#streams = streams;
    this.transport = transport;
    this.#connection = new ServerConnection(transport, context.http2.shared, this, context.http2.head);
    context.connections.add(this);
    this.#worker.counters.add(fixed.clientConnectionsHttp2, 1);
    if (context.draining) this.drain();
  }

  /** What the transport tells. */
  get receiver(): TransportOwner {
    return this.#connection;
  }

  /** About every request of this client. */
  get facts(): ClientFacts {
    const { front } = this.#worker;
    if (this.#facts?.front !== front) this.#facts = clientFacts(this.transport.peer, this.#tls, front);
    return this.#facts;
  }

  get busy(): boolean {
    return this.#connection.streamCount > 0;
  }

  /** It ends itself when a drain begins: nobody else closes it for being idle. */
  get idleSinceMs(): number {
    return Infinity;
  }

  get retiring(): boolean {
    return this.#connection.isRetiring;
  }

  drain(): void {
    this.#connection.drain();
  }

  destroy(): void {
    this.#connection.destroy();
  }

  request(stream: Stream, head: WireRequestHead, ended: boolean): RequestUser {
    const method = head.grpc ? healthMethodOf(head) : null;
    const known = method === null ? notOurs : this.#knownHealth(head);
    if (known !== notOurs) return new HealthCall(this.context, stream, method!, known, ended);
    const served = this.#streams.take();
    this.#active.add(served);
    this.read(served);
    served.begin(this, stream, head, ended);
    return served;
  }

  /**
   * The health of what the metadata of a call names. null: they name nothing. `notOurs`: a Route has the call, and its deployment answers for
   * itself; or the caller must say more.
   */
  #knownHealth(head: WireRequestHead): number | null {
    const decision = decide(this.context.exchange.table, head, this.#worker.draw());
    if (decision.kind === "forward" || decision.reason === "namespace-needed") return notOurs;
    if (decision.reason !== "no-route") return serving.no;
    return namesDeployment(metadataOf(head)) ? serving.unknownService : null;
  }

  refused(stream: Stream, failure: Failure, grpc: boolean): void {
    const worker = this.#worker;
    const requestId = this.context.exchange.ids.draw();
    const answer = identified(failureAnswer(failure, "", false, grpc), requestId);
    const body = bodyOf(answer);
    worker.counters.failure(failure.flag);
    worker.counters.answered(
      grpc ? withoutSeries.grpc : withoutSeries.http,
      grpc ? grpcColumn(failure.grpcStatus) : httpColumn(answer.code),
      true,
      0,
    );
    const writer = this.context.http2.takeWriter();
    writeAnswerBlock(writer, answer, body.length, worker.dateLine);
    stream.sendHead(writer.bytes, writer.length, true, body.length === 0);
    if (body.length > 0) stream.sendData(body, 0, body.length, true);
    worker.log(failure.flag, "", true, () =>
      unservedEntry(failure, "", answer.code, this.transport.peer, requestId, grpc),
    );
  }

  /** What follows belongs to this stream: what was read for another one leaves first. Null: to none of those that are open. */
  read(served: ServedStream | null): void {
    const before = this.#reading;
    if (before === served) return;
    this.#reading = served;
    before?.flush();
  }

  readOver(): void {
    this.read(null);
  }

  /** Its exchange is over. */
  release(served: ServedStream): void {
    if (this.#reading === served) this.#reading = null;
    this.#active.delete(served);
    this.#streams.giveBack(served);
  }

  queueChanged(bytes: number): void {
    const { counters, limits } = this.#worker;
    const { queuedBytes } = this.context.http2.shared;
    counters.set(fixed.http2QueuedBytes, queuedBytes);
    const most = queuedBytes > limits.http2QueuedBytes ? leastQueuedBytes : mostQueuedBytes;
    if (!this.full) {
      if (bytes < most) return;
      this.full = true;
      for (const served of this.#active) served.holdResponse();
    } else if (bytes * 2 <= most) {
      this.full = false;
      for (const served of this.#active) served.resumeResponse();
    }
  }

  connectionFailed(sentence: string): void {
    const worker = this.#worker;
    worker.counters.failure(failures.brokenRules.flag);
    worker.log(failures.brokenRules.flag, "", true, () =>
      unservedEntry(failures.brokenRules, sentence, 0, this.transport.peer, "", false),
    );
  }

  connectionClosed(): void {
    // Its streams have been told one by one.
  }

  connectionGone(): void {
    this.context.connections.delete(this);
    this.#worker.counters.add(fixed.clientConnectionsHttp2, -1);
  }
}
