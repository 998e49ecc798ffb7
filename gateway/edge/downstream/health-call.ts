// One call of grpc.health.v1.Health that the gateway answers itself (https://github.com/grpc/grpc/blob/master/doc/health-checking.md).
import type { DownstreamContext } from "./downstream-context.ts";
import { HealthSubject, type HealthMethod, type HealthWatch } from "./health.ts";
import {
  framed,
  grpcMessage,
  healthList,
  healthResponse,
  prefixBytes,
  serviceOf,
  serving,
} from "../message/grpc-message.ts";
import { writeStatusBlock } from "../http2/response-writer.ts";
import type { Stream, RequestUser } from "../http2/stream.ts";

/** A request says one name. */
const mostRequestBytes = 1024;
const grpc = {
  ok: 0,
  invalidArgument: 3,
  notFound: 5,
  resourceExhausted: 8,
  unimplemented: 12,
  unavailable: 14,
} as const;

export class HealthCall implements RequestUser, HealthWatch {
  /** It is answered at once, or watches for as long as it likes. */
  readonly callerMs = Infinity;
  readonly #context: DownstreamContext;
  readonly #method: HealthMethod;
  readonly #stream: Stream;
  /** What the head of the call says about its deployment; null: nothing, and the message decides. */
  readonly #known: number | null;
  #received = Buffer.alloc(0);
  #headSent = false;
  #requestEnded: boolean;
  #over = false;
  #subject: HealthSubject | null = null;
  /** What a watch was told last. */
  #told = -1;

  /** `known`: the status of the deployment that the metadata names; null: it names none. */
  constructor(context: DownstreamContext, stream: Stream, method: HealthMethod, known: number | null, ended: boolean) {
    this.#context = context;
    this.#stream = stream;
    this.#method = method;
    this.#known = known;
    this.#requestEnded = ended;
  }

  streamData(stream: Stream, bytes: Buffer, start: number, end: number): void {
    stream.credit(end - start);
    if (this.#over) return;
    if (this.#received.length + end - start > mostRequestBytes)
      this.#end(grpc.resourceExhausted, `a request for health is at most ${mostRequestBytes} bytes`);
    else this.#received = Buffer.concat([this.#received, bytes.subarray(start, end)]);
  }

  streamEnd(): void {
    this.#requestEnded = true;
    if (this.#over) return;
    const message = this.#received;
    this.#received = Buffer.alloc(0);
    if (message.length < prefixBytes || message.length !== prefixBytes + message.readUInt32BE(1)) {
      this.#end(grpc.invalidArgument, "a call for health has one message");
    } else if (message[0] !== 0) {
      this.#end(grpc.unimplemented, "a request for health is not compressed");
    } else {
      const service = serviceOf(message.subarray(prefixBytes));
      if (service === null) this.#end(grpc.invalidArgument, "this is no HealthCheckRequest");
      else this.#answer(service);
    }
  }

  #answer(service: string): void {
    const subject = new HealthSubject(this.#context, service);
    const status = this.#known ?? subject.status;
    switch (this.#method) {
      case "Check":
        if (status === serving.unknownService) {
          this.#end(grpc.notFound, 'unknown service: ask for "" or for <namespace>/<deployment>');
          return;
        }
        this.#send(healthResponse(status));
        this.#end(grpc.ok, "");
        return;
      case "List":
        // The gateway alone: names are for those who know them.
        this.#send(healthList(new HealthSubject(this.#context, "").status));
        this.#end(grpc.ok, "");
        return;
      case "Watch":
        this.#subject = subject;
        this.#context.healthWatches.add(this);
        this.#tell(status);
        // With metadata there is nothing to look at again: a deployment that comes back answers for itself.
        if (this.#known !== null) this.#end(grpc.unavailable, "the deployment does not serve: ask it again");
    }
  }

  healthChanged(): void {
    this.#tell(this.#subject!.status);
    if (this.#context.draining) this.#end(grpc.unavailable, "the gateway is draining");
  }

  #tell(status: number): void {
    if (status === this.#told) return;
    this.#told = status;
    this.#send(healthResponse(status));
  }

  #send(message: Buffer): void {
    this.#sendHead();
    const bytes = framed(0, message);
    this.#stream.sendData(bytes, 0, bytes.length, false);
  }

  #sendHead(): void {
    if (this.#headSent) return;
    this.#headSent = true;
    const writer = this.#context.http2.takeWriter();
    writer.clear();
    writer.status(200);
    writer.fieldText("content-type", "application/grpc");
    this.#stream.sendHead(writer.bytes, writer.length, true, false);
  }

  #end(status: number, message: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#context.healthWatches.remove(this);
    this.#sendHead();
    const writer = this.#context.http2.takeWriter();
    writeStatusBlock(writer, status, grpcMessage(message));
    this.#stream.sendTrailers(writer.bytes, writer.length);
    if (!this.#requestEnded) this.#stream.discardRest();
  }

  streamPassedOn(): void {
    // A few bytes at a time.
  }

  streamLost(): void {
    this.#over = true;
    this.#context.healthWatches.remove(this);
  }
}
