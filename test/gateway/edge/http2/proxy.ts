// A proxy on the engine, as small as it can be: what an exchange does between two streams. For tests of the engine as a whole.
import { kind } from "../../../../gateway/edge/fields/field-kind.ts";
import type { FieldList } from "../../../../gateway/edge/fields/fields.ts";
import type { WireRequestHead } from "../../../../gateway/edge/message/request-head.ts";
import { errorCode } from "../../../../gateway/edge/frames/constants.ts";
import { BlockWriter, staticEntry, staticName } from "../../../../gateway/edge/hpack/hpack-encode.ts";
import type { Http2Limits } from "../../../../gateway/edge/frames/limits.ts";
import type { Stream, ResponseUser, StreamUser } from "../../../../gateway/edge/http2/stream.ts";
import { startClient, startServer, type RunningClient, type RunningServer } from "./peers.ts";

const writer = new BlockWriter();

function writeFields(list: FieldList): void {
  const { bytes, fields, kinds, fieldCount } = list;
  for (let field = 0; field < fieldCount; field++) {
    if (kinds[field] === kind.host || kinds[field] === kind.hop) continue;
    const at = field * 4;
    writer.field(bytes, fields[at]!, fields[at + 1]!, fields[at + 2]!, fields[at + 3]!, 0);
  }
}

/** The request's half and the response's, which credit each other. */
class Forwarding implements ResponseUser {
  readonly isHead: boolean;
  readonly #client: Stream;
  #upstream: Stream | null = null;
  readonly clientUser: StreamUser = {
    streamData: (stream, bytes, start, end) =>
      stream.credit(this.#upstream?.sendData(bytes, start, end, false) ?? end - start),
    streamEnd: (_, trailers) => {
      writer.clear();
      if (trailers === null) {
        this.#upstream?.sendData(writer.bytes, 0, 0, true);
      } else {
        writeFields(trailers);
        this.#upstream?.sendTrailers(writer.bytes, writer.length);
      }
    },
    streamPassedOn: (_, bytes) => this.#upstream?.credit(bytes),
    streamLost: () => this.#upstream?.reset(errorCode.cancel),
  };

  constructor(client: Stream, head: WireRequestHead, ended: boolean, connection: RunningClient) {
    this.#client = client;
    this.isHead = head.isHead;
    writer.clear();
    writer.named(staticName.method, head.bytes, head.methodStart, head.methodEnd);
    writer.indexed(staticEntry.schemeHttp);
    writer.named(staticName.path, head.pathBytes, head.pathStart, head.queryEnd);
    writer.named(staticName.authority, head.bytes, head.authorityStart, head.authorityEnd);
    writeFields(head);
    this.#upstream = connection.connection.request(this, writer.bytes, writer.length, ended);
  }

  streamInformational(): void {}

  streamResponse(_: Stream, head: FieldList & { readonly status: number }): void {
    writer.clear();
    writer.status(head.status);
    writeFields(head);
    this.#client.sendHead(writer.bytes, writer.length, true, false);
  }

  streamData(stream: Stream, bytes: Buffer, start: number, end: number): void {
    stream.credit(this.#client.sendData(bytes, start, end, false));
  }

  streamEnd(_: Stream, trailers: FieldList | null): void {
    writer.clear();
    if (trailers === null) {
      this.#client.sendData(writer.bytes, 0, 0, true);
    } else {
      writeFields(trailers);
      this.#client.sendTrailers(writer.bytes, writer.length);
    }
    this.#upstream = null;
  }

  streamPassedOn(_: Stream, bytes: number): void {
    this.#client.credit(bytes);
  }

  streamLost(): void {
    this.#upstream = null;
    this.#client.reset(errorCode.internalError);
  }
}

export interface RunningProxy extends RunningServer {
  readonly upstream: RunningClient;
}

export async function startProxy(upstreamPort: number, limits: Partial<Http2Limits>): Promise<RunningProxy> {
  const upstream = await startClient(upstreamPort, limits);
  const server = await startServer(
    (stream, head, ended) => new Forwarding(stream, head, ended, upstream).clientUser,
    limits,
  );
  return { ...server, upstream };
}
