// ClientHello: what a TLS client says before anything is agreed (RFC 8446 §4.1.2), read ahead of OpenSSL, so that the whole of a host's terms holds from
// the first byte of its handshake: who may resume, who is asked for a certificate, which versions there are. Node's SNICallback comes after a
// session was resumed, or not at all.

/** The name in it, and the first bytes of the ticket that it wants to go on from. */
export interface ClientHello {
  /** As `plainServerName` says; null: none, or none that could be a host. */
  readonly serverName: string | null;
  /** The name of the key that sealed the ticket (RFC 5077 §4), 16 bytes; null: no ticket. */
  readonly ticketKeyName: Buffer | null;
  /** Protocols that it offers (RFC 7301), each behind a byte of its length; null: none, or no list that can be read. */
  readonly protocols: Buffer | null;
}

export type HelloReading =
  | { readonly kind: "hello"; readonly hello: ClientHello }
  /** It goes on in bytes that have not come. */
  | { readonly kind: "partial" }
  /** It is none, or none that is read here: OpenSSL says what is wrong with it. */
  | { readonly kind: "unreadable" };

/** Longest ClientHello that is read, without the head of its message: OpenSSL's own limit is 131,396 bytes, and none in the wild is over 4 KiB. */
export const mostHelloBytes = 16 * 1024;
/** Records in which one may come: clients send one or two, and a record holds as much as the longest hello. */
export const mostHelloRecords = 16;

const recordHeadBytes = 5;
const messageHeadBytes = 4;
const handshakeRecord = 22;
const clientHelloMessage = 1;
const serverNameExtension = 0;
const protocolsExtension = 16;
const ticketExtension = 35;
const preSharedKeyExtension = 41;
const keyNameBytes = 16;
/** Bytes of a name that could be a host (RFC 1035 §2.3.4). */
const mostNameBytes = 253;

const nothing = Buffer.alloc(0);
const leastRoomBytes = 512;
const partial: HelloReading = Object.freeze({ kind: "partial" });
const unreadable: HelloReading = Object.freeze({ kind: "unreadable" });

/**
 * Reads the ClientHello that a connection begins with, as its bytes come. Each byte is looked at once and copied a bounded number of times, however a client
 * cuts its records and its segments. What is kept is bounded by the longest hello and the most records.
 */
export class ClientHelloReader {
  /** All that came, in room for more. */
  #bytes: Buffer = nothing;
  #length = 0;
  /** Where the bodies of whole records begin and end: the message lies in these, and in the record that comes. */
  readonly #bodies: { readonly start: number; readonly end: number }[] = [];
  /** Of the message, in whole records. */
  #have = 0;
  /** Where the record begins that comes. */
  #recordStart = 0;
  /** Length of the message without its head; −1: not known yet. */
  #wanted = -1;

  /** Everything that came, from the first byte on. Valid until more is added. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Takes what came next. Nothing is read after a reading that is not partial. */
  add(chunk: Buffer): HelloReading {
    this.#keep(chunk);
    for (;;) {
      const at = this.#recordStart;
      const end = this.#length;
      if (at < end && this.#bodies.length === mostHelloRecords) return unreadable;
      if (at < end && this.#bytes[at] !== handshakeRecord) return unreadable;
      if (at + 1 < end && this.#bytes[at + 1] !== 3) return unreadable;
      if (end - at < recordHeadBytes) return partial;
      const bodyStart = at + recordHeadBytes;
      const recordEnd = bodyStart + this.#bytes.readUInt16BE(at + 3);
      if (recordEnd === bodyStart) return unreadable;
      const body = { start: bodyStart, end: Math.min(end, recordEnd) };
      const have = this.#have + body.end - body.start;
      if (have > 0 && this.#first(0, body) !== clientHelloMessage) return unreadable;
      if (have >= messageHeadBytes) {
        if (this.#wanted < 0)
          this.#wanted = this.#first(1, body) * 0x10000 + this.#first(2, body) * 0x100 + this.#first(3, body);
        if (this.#wanted > mostHelloBytes) return unreadable;
        if (have - messageHeadBytes >= this.#wanted) return this.#hello(body);
      }
      if (recordEnd > end) return partial;
      this.#bodies.push(body);
      this.#have = have;
      this.#recordStart = recordEnd;
    }
  }

  /** Most clients send theirs in one piece, which is not copied. */
  #keep(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (this.#length === 0) this.#bytes = chunk;
    else {
      if (length > this.#bytes.length) {
        const room = Buffer.allocUnsafe(Math.max(leastRoomBytes, length * 2));
        this.#bytes.copy(room, 0, 0, this.#length);
        this.#bytes = room;
      }
      chunk.copy(this.#bytes, this.#length);
    }
    this.#length = length;
  }

  /** One of the first bytes of the message, which have come, of whom each may lie in a record of its own. */
  #first(index: number, last: { readonly start: number; readonly end: number }): number {
    let rest = index;
    for (const { start, end } of this.#bodies) {
      if (rest < end - start) return this.#bytes[start + rest]!;
      rest -= end - start;
    }
    return this.#bytes[last.start + rest]!;
  }

  #hello(last: { readonly start: number; readonly end: number }): HelloReading {
    const pieces = [...this.#bodies, last].map(({ start, end }) => this.#bytes.subarray(start, end));
    const joined = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
    const hello = new Reader(joined.subarray(messageHeadBytes, messageHeadBytes + this.#wanted)).hello();
    return hello === null ? unreadable : { kind: "hello", hello };
  }
}

/** Reads fields one after the other; what lies beyond the end makes it void. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;
  #isVoid = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  hello(): ClientHello | null {
    this.#skip(2 + 32);
    this.#skip(this.#number(1));
    this.#skip(this.#number(2));
    this.#skip(this.#number(1));
    let serverName: string | null = null;
    let ticketKeyName: Buffer | null = null;
    let protocols: Buffer | null = null;
    if (!this.#isVoid && this.#at === this.#bytes.length) return { serverName, ticketKeyName, protocols };
    const end = this.#number(2) + this.#at;
    if (this.#isVoid || end !== this.#bytes.length) return null;
    const seen = new Set<number>();
    while (this.#at < end) {
      const type = this.#number(2);
      const length = this.#number(2);
      const next = this.#at + length;
      if (this.#isVoid || next > end || seen.has(type)) return null;
      seen.add(type);
      if (type === serverNameExtension) serverName = this.#serverName(next);
      else if (type === protocolsExtension) protocols = this.#protocols(next);
      else if (type === ticketExtension && length >= keyNameBytes)
        ticketKeyName = this.#bytes.subarray(this.#at, this.#at + keyNameBytes);
      else if (type === preSharedKeyExtension) ticketKeyName = this.#firstIdentity(next);
      if (this.#isVoid) return null;
      this.#at = next;
    }
    return { serverName, ticketKeyName, protocols };
  }

  /** A list of at least one, none of them empty. Anything else is for OpenSSL to refuse. */
  #protocols(end: number): Buffer | null {
    const listEnd = this.#number(2) + this.#at;
    if (this.#isVoid || listEnd !== end) return null;
    const list = this.#bytes.subarray(this.#at, end);
    let at = 0;
    while (at < list.length && list[at]! > 0) at += 1 + list[at]!;
    return list.length > 0 && at === list.length ? list : null;
  }

  /** One name of type host_name (RFC 6066 §3). Anything else is for OpenSSL to refuse. */
  #serverName(end: number): string | null {
    const listEnd = this.#number(2) + this.#at;
    const type = this.#number(1);
    const length = this.#number(2);
    if (this.#isVoid || listEnd !== end || type !== 0 || this.#at + length !== end) return null;
    return plainServerName(this.#bytes.toString("latin1", this.#at, end));
  }

  /** The identity of the first key that it offers is a ticket of ours, or of nobody. */
  #firstIdentity(end: number): Buffer | null {
    this.#skip(2);
    const length = this.#number(2);
    if (this.#isVoid || length < keyNameBytes || this.#at + length > end) return null;
    return this.#bytes.subarray(this.#at, this.#at + keyNameBytes);
  }

  #number(size: 1 | 2): number {
    if (this.#at + size > this.#bytes.length) {
      this.#isVoid = true;
      return 0;
    }
    const value = size === 1 ? this.#bytes[this.#at]! : this.#bytes.readUInt16BE(this.#at);
    this.#at += size;
    return value;
  }

  #skip(count: number): void {
    this.#at += count;
    if (this.#at > this.#bytes.length) this.#isVoid = true;
  }
}

/** Is one of `names` among the protocols that a client offers? */
export function offersOneOf(protocols: Buffer, names: readonly string[]): boolean {
  for (let at = 0; at < protocols.length; at += 1 + protocols[at]!)
    if (names.includes(protocols.toString("latin1", at + 1, at + 1 + protocols[at]!))) return true;
  return false;
}

/**
 * A server's name as hosts are compared: lower case, without a final dot. Null where it could be no host: empty, over 253 bytes, with bytes that names do
 * not have, or an address, which has no SNI (RFC 6066 §3).
 */
export function plainServerName(text: string): string | null {
  const name = (text.endsWith(".") ? text.slice(0, -1) : text).toLowerCase();
  if (name.length === 0 || name.length > mostNameBytes || !/^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(name)) return null;
  return /^[0-9.]+$/.test(name) ? null : name;
}
