// Messages of gRPC and the two of grpc.health.v1 in protobuf, by hand: a code generator for two fields would be the larger dependency.

/** Flag and length before each message (gRPC over HTTP/2, "Length-Prefixed-Message"). */
export const prefixBytes = 5;

/** A message with its prefix, not compressed. */
export function framed(flag: number, message: Uint8Array): Buffer {
  const bytes = Buffer.alloc(prefixBytes + message.length);
  bytes[0] = flag;
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, prefixBytes);
  return bytes;
}

/** Bytes of the message that begins at `start`, with its prefix; 0: what is there of it does not say so. */
export function declaredBytes(bytes: Buffer, start: number, end: number): number {
  return end - start >= prefixBytes && bytes[start]! <= 1 ? prefixBytes + bytes.readUInt32BE(start + 1) : 0;
}

/** A grpc-message: percent-encoded where it is not printable ASCII (gRPC over HTTP/2 protocol, "Status-Message"). */
export function grpcMessage(sentence: string): string {
  return sentence.toWellFormed().replace(/[^ -$&-~]/gu, (character) => encodeURIComponent(character));
}

/** grpc.health.v1.HealthCheckResponse.ServingStatus. */
export const serving = { yes: 1, no: 2, unknownService: 3 } as const;

/** A HealthCheckResponse. */
export function healthResponse(status: number): Buffer {
  return Buffer.from([0x08, status]);
}

/** A HealthListResponse with one entry, for the service "". */
export function healthList(status: number): Buffer {
  const entry = Buffer.concat([Buffer.from([0x0a, 0, 0x12, 2]), healthResponse(status)]);
  return Buffer.concat([Buffer.from([0x0a, entry.length]), entry]);
}

/** `service` of a HealthCheckRequest, the last one if there are several; null: this is no protobuf. */
export function serviceOf(message: Buffer): string | null {
  let service = "";
  let at = 0;
  while (at < message.length) {
    const tag = varint(message, at);
    if (tag === null) return null;
    at = tag.end;
    const wire = tag.value & 7;
    if (wire === 2) {
      const length = varint(message, at);
      if (length === null || length.end + length.value > message.length) return null;
      at = length.end + length.value;
      if (tag.value >>> 3 === 1) service = message.toString("utf8", length.end, at);
    } else if (wire === 0) {
      const skipped = varint(message, at);
      if (skipped === null) return null;
      at = skipped.end;
    } else if (wire === 1 || wire === 5) {
      at += wire === 1 ? 8 : 4;
    } else {
      return null;
    }
  }
  return at === message.length ? service : null;
}

/** A number of at most 5 bytes, below 2^32; null: there is none. */
function varint(message: Buffer, at: number): { readonly value: number; readonly end: number } | null {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = message[at++];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return value < 2 ** 32 ? { value, end: at } : null;
  }
  return null;
}
