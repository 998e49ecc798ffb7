// gRPC's framing of messages in DATA: a flag, a length, and the bytes (gRPC over HTTP/2, "Length-Prefixed-Message").

const prefixBytes = 5;

export function frame(message: Buffer): Buffer {
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** Takes messages out of a stream of bytes, as they become complete. */
export class Unframer {
  #rest = Buffer.alloc(0);

  /** The messages that these bytes complete. */
  take(bytes: Buffer): readonly Buffer[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const messages: Buffer[] = [];
    while (this.#rest.length >= prefixBytes) {
      const end = prefixBytes + this.#rest.readUInt32BE(1);
      if (this.#rest.length < end) break;
      messages.push(this.#rest.subarray(prefixBytes, end));
      this.#rest = this.#rest.subarray(end);
    }
    return messages;
  }
}
