// ServedCertificates: which certificate and terms a TLS client gets for the name that it asks for. Contexts are made when a host is first asked for, and
// are bounded: each takes about 33 KiB and 0.2 ms.
import { constants } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import { byHost, noCertificates, type CertificateEntry, type CertificateSet } from "../../shared/certificates.ts";
import type { Clock } from "../../shared/clock.ts";
import { handshakeOptions, type TlsDefaults } from "../../options/tls-defaults.ts";
import { keyNamed, ticketKeys, type TicketKey } from "./ticket-keys.ts";

/** Contexts that a worker keeps: about 130 MiB. With more hosts than these in turn each handshake makes one. */
const mostContexts = 4096;
/** How often it is looked which keys seal. */
const keyLookMs = 60_000;

export class ServedCertificates {
  readonly #clock: Clock;
  readonly #ownSeeds: readonly Uint8Array[];
  readonly #defaults: TlsDefaults;
  #set: CertificateSet = noCertificates;
  /** Which there are was said. */
  known = false;
  /** By digest of the entry and key of tickets; the one that was used last is last. */
  readonly #contexts = new Map<string, SecureContext>();
  #keys: readonly TicketKey[];
  #keysAtMs: number;

  /** `seed`: of the ticket keys of this process, 32 bytes. */
  constructor(clock: Clock, seed: Uint8Array, defaults: TlsDefaults) {
    this.#clock = clock;
    this.#defaults = defaults;
    this.#ownSeeds = [seed];
    this.#keysAtMs = clock.now();
    this.#keys = ticketKeys(this.#ownSeeds, Date.now());
  }

  /** For handshakes from now on. Connections that there are stay. */
  take(set: CertificateSet): void {
    this.known = true;
    this.#set = set;
    this.#deriveKeys();
    const digests = new Set(set.entries.map(({ digest }) => digest));
    for (const key of this.#contexts.keys())
      if (!digests.has(key.slice(0, key.indexOf(" ")))) this.#contexts.delete(key);
  }

  /** What a client gets that asks for this name; null asks for none. Null: nothing, so that there is no handshake. */
  entryOf(serverName: string | null): CertificateEntry | null {
    const place = byHost(this.#set.hosts, serverName);
    return place === null ? null : this.#set.entries[place]!;
  }

  /** The context of an entry, for a client whose ticket was sealed by the key of this name. Null: it has no certificate that can be used. */
  contextOf(entry: CertificateEntry, ticketKeyName: Buffer | null): SecureContext | null {
    if (entry.identity === null) return null;
    if (this.#clock.now() - this.#keysAtMs >= keyLookMs) this.#deriveKeys();
    const ticketKey = keyNamed(this.#keys, ticketKeyName);
    const key = `${entry.digest} ${ticketKey.id}`;
    const known = this.#contexts.get(key);
    if (known !== undefined) {
      // Order matters only where one has to go.
      if (this.#contexts.size > mostContexts / 2) {
        this.#contexts.delete(key);
        this.#contexts.set(key, known);
      }
      return known;
    }
    const made = this.#make(entry, entry.identity, ticketKey);
    if (this.#contexts.size >= mostContexts) this.#contexts.delete(this.#contexts.keys().next().value!);
    this.#contexts.set(key, made);
    return made;
  }

  /** Contexts that are kept. */
  get size(): number {
    return this.#contexts.size;
  }

  #make(
    { terms, sessionDigest }: CertificateEntry,
    { certStart, keyStart, end }: NonNullable<CertificateEntry["identity"]>,
    ticketKey: TicketKey,
  ): SecureContext {
    const text = (from: number, to: number): string => Buffer.from(this.#set.texts, from, to - from).toString("utf8");
    const { client } = terms;
    const options: SecureContextOptions = {
      cert: text(certStart, keyStart),
      key: text(keyStart, end),
      ...handshakeOptions(terms, this.#defaults),
      ...(client === null ? {} : { ca: client.caPem, ...(client.crlPem === null ? {} : { crl: client.crlPem }) }),
      // HTTP/2 has no renegotiation (RFC 9113 §9.2.1), and nobody else needs it.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      // A session goes on only where the same host asks for the same certificates: OpenSSL compares this before it believes a ticket.
      sessionIdContext: sessionDigest,
      ticketKeys: ticketKey.bytes,
    };
    return createSecureContext(options);
  }

  #deriveKeys(): void {
    const { ticketSeeds } = this.#set;
    this.#keysAtMs = this.#clock.now();
    this.#keys = ticketKeys(ticketSeeds.length === 0 ? this.#ownSeeds : ticketSeeds, Date.now());
  }
}
