// ClientHello: what a TLS client says before anything is agreed (RFC 8446 §4.1.2), read ahead of OpenSSL, so that the whole of a host's terms holds from
// the first byte of its handshake: who may resume, who is asked for a certificate, which versions there are. Node's SNICallback comes after a
// session was resumed, or not at all.

/** The name in it, and the first bytes of the ticket that it wants to go on from. */
export interface ClientHello {
  /** As `plainServerName` says; null: none, or none that could be a host. */
  readonly serverName: string | null;
  /** The name of the key that sealed the ticket (RFC 5077 §4), 16 bytes; null: no ticket. */
  readonly ticketKeyName: Buffer | null;
}

export type HelloReading =
  | { readonly kind: 'hello'; readonly hello: ClientHello }
  /** It goes on in bytes that have not come. */
  | { readonly kind: 'partial' }
  /** It is none, or none that is read here: OpenSSL says what is wrong with it. */
  | { readonly kind: 'unreadable' };

/** Longest ClientHello that is read, with its records' heads: OpenSSL's own limit for its message is 131,396 bytes, and none in the wild is over 4 KiB. */
export const mostHelloBytes = 16 * 1024;

const recordHeadBytes = 5;
const handshakeRecord = 22;
const clientHelloMessage = 1;
const serverNameExtension = 0;
const ticketExtension = 35;
const preSharedKeyExtension = 41;
const keyNameBytes = 16;
/** Bytes of a name that could be a host (RFC 1035 §2.3.4). */
const mostNameBytes = 253;

const partial: HelloReading = Object.freeze({ kind: 'partial' });
const unreadable: HelloReading = Object.freeze({ kind: 'unreadable' });

/** Reads the ClientHello at `bytes[start..end)`. */
export function readClientHello(bytes: Buffer, start: number, end: number): HelloReading {
  const message = firstMessage(bytes, start, end);
  if (message === null) return unreadable;
  if (message === 'partial') return end - start > mostHelloBytes ? unreadable : partial;
  const hello = new Reader(message).hello();
  return hello === null ? unreadable : { kind: 'hello', hello };
}

/** The body of the first handshake message, which may lie in several records; null: it is no ClientHello. */
function firstMessage(bytes: Buffer, start: number, end: number): Buffer | 'partial' | null {
  const pieces: Buffer[] = [];
  let have = 0;
  for (let at = start; ; ) {
    if (at < end && bytes[at] !== handshakeRecord) return null;
    if (at + 1 < end && bytes[at + 1] !== 3) return null;
    if (end - at < recordHeadBytes) return 'partial';
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0) return null;
    const bodyStart = at + recordHeadBytes;
    const bodyEnd = Math.min(end, bodyStart + length);
    if (have === 0 && bodyStart < bodyEnd && bytes[bodyStart] !== clientHelloMessage) return null;
    pieces.push(bytes.subarray(bodyStart, bodyEnd));
    have += bodyEnd - bodyStart;
    if (have >= 4) {
      const joined = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
      const wanted = joined.readUIntBE(1, 3);
      if (wanted > mostHelloBytes) return null;
      if (have - 4 >= wanted) return joined.subarray(4, 4 + wanted);
    }
    if (bodyStart + length > end) return 'partial';
    at = bodyStart + length;
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
    if (!this.#isVoid && this.#at === this.#bytes.length) return { serverName, ticketKeyName };
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
      else if (type === ticketExtension && length >= keyNameBytes) ticketKeyName = this.#bytes.subarray(this.#at, this.#at + keyNameBytes);
      else if (type === preSharedKeyExtension) ticketKeyName = this.#firstIdentity(next);
      if (this.#isVoid) return null;
      this.#at = next;
    }
    return { serverName, ticketKeyName };
  }

  /** One name of type host_name (RFC 6066 §3). Anything else is for OpenSSL to refuse. */
  #serverName(end: number): string | null {
    const listEnd = this.#number(2) + this.#at;
    const type = this.#number(1);
    const length = this.#number(2);
    if (this.#isVoid || listEnd !== end || type !== 0 || this.#at + length !== end) return null;
    return plainServerName(this.#bytes.toString('latin1', this.#at, end));
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

/**
 * A server's name as hosts are compared: lower case, without a final dot. Null where it could be no host: empty, over 253 bytes, with bytes that names do
 * not have, or an address, which has no SNI (RFC 6066 §3).
 */
export function plainServerName(text: string): string | null {
  const name = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
  if (name.length === 0 || name.length > mostNameBytes || !/^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(name)) return null;
  return /^[0-9.]+$/.test(name) ? null : name;
}
