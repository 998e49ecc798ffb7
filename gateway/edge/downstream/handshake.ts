// Handshake: an accepted socket of the TLS port until it has agreed with its client, or has not.
import { TLSSocket } from "node:tls";
import type { Socket } from "node:net";
import type { CertificateEntry } from "../../shared/certificates.ts";
import { Deadline, type Timed } from "../io/deadline.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import type { ClientCertificate, ClientTls } from "../message/client-certificate.ts";
import { ClientHelloReader, offersOneOf, type ClientHello } from "../tls/client-hello.ts";
import { clientCertificateOf } from "../tls/peer-certificate.ts";
import type { ServedCertificates } from "../tls/served-certificates.ts";

/** A handshake must end within this: it costs more than what follows, and a client that leaves in the middle is not seen before. */
const mostHandshakeMs = 5000;
const ignored = (): void => undefined;
/** What cannot be read here is OpenSSL's to refuse, with its alert. */
const unread: ClientHello = Object.freeze({ serverName: null, ticketKeyName: null, protocols: null });

/** What a connection agreed on. */
interface Agreement {
  /** Protocol; null: the client said nothing of it. */
  readonly alpn: string | null;
  readonly tls: ClientTls;
}

type Agreed = (socket: TLSSocket, agreement: Agreement) => void;

/**
 * Takes an accepted socket, of which nothing was read. Calls `agreed` once, in the callback in which the socket may first be read; or destroys the socket and
 * calls nobody: a handshake that fails concerns its client alone.
 */
export function beginHandshake(
  worker: WorkerContext,
  certificates: ServedCertificates,
  raw: Socket,
  agreed: Agreed,
): void {
  new Handshake(worker, certificates, raw, agreed).begin();
}

class Handshake implements Timed {
  readonly #worker: WorkerContext;
  readonly #certificates: ServedCertificates;
  readonly #raw: Socket;
  readonly #agreed: Agreed;
  readonly #deadline = new Deadline(this);
  #reader = new ClientHelloReader();
  #secure: TLSSocket | null = null;

  constructor(worker: WorkerContext, certificates: ServedCertificates, raw: Socket, agreed: Agreed) {
    this.#worker = worker;
    this.#certificates = certificates;
    this.#raw = raw;
    this.#agreed = agreed;
  }

  begin(): void {
    const worker = this.#worker;
    const raw = this.#raw;
    worker.wheel.set(this.#deadline, worker.tick() + Math.min(worker.limits.headTimeoutMs, mostHandshakeMs));
    raw.on("data", this.#received);
    raw.on("error", ignored);
    raw.on("end", this.#end);
    raw.on("close", this.#end);
    raw.resume();
  }

  readonly #received = (chunk: Buffer): void => {
    const reading = this.#reader.add(chunk);
    if (reading.kind !== "partial") this.#agree(reading.kind === "hello" ? reading.hello : unread);
  };

  #agree(hello: ClientHello): void {
    const raw = this.#raw;
    const entry = this.#certificates.entryOf(hello.serverName);
    const secureContext = entry === null ? null : this.#contextOf(entry, hello);
    if (entry === null || secureContext === null || this.#worker.closed) {
      this.#end();
      return;
    }
    raw.pause();
    raw.off("data", this.#received);
    raw.off("end", this.#end);
    // OpenSSL reads it again, from the first byte on.
    raw.unshift(this.#reader.bytes);
    this.#reader = new ClientHelloReader();
    const { alpn, client } = entry.terms;
    // OpenSSL would refuse a client that offers none of these. It is served as if it had said nothing, but HTTP/2 is for those who agreed on it.
    const isStranger = hello.protocols !== null && !offersOneOf(hello.protocols, alpn);
    const secure = new TLSSocket(raw, {
      isServer: true,
      secureContext,
      ...(isStranger ? {} : { ALPNProtocols: [...alpn] }),
      requestCert: client !== null,
      rejectUnauthorized: client?.required === true,
      allowHalfOpen: true,
    } as ConstructorParameters<typeof TLSSocket>[1]);
    this.#secure = secure;
    secure.on("error", ignored);
    secure.on("close", this.#end);
    secure.once("secure", () => this.#secured(secure, entry, isStranger));
  }

  #contextOf(entry: CertificateEntry, hello: ClientHello): ReturnType<ServedCertificates["contextOf"]> {
    try {
      return this.#certificates.contextOf(entry, hello.ticketKeyName);
    } catch (error) {
      this.#worker.stepFaulted(error);
      return null;
    }
  }

  #secured(secure: TLSSocket, entry: CertificateEntry, isStranger: boolean): void {
    const certificate = entry.terms.client === null ? null : this.#certificateOf(secure, entry.terms.client.required);
    if (certificate === "refused") {
      this.#end();
      return;
    }
    this.#leave();
    const agreed = typeof secure.alpnProtocol === "string" ? secure.alpnProtocol : null;
    this.#agreed(secure, {
      alpn: isStranger ? "http/1.1" : agreed,
      tls: { certificate, clientDigest: entry.clientDigest },
    });
  }

  /** Whatever a client shows must be good, also where it need not show any: who shows a bad one means something by it. */
  #certificateOf(secure: TLSSocket, required: boolean): ClientCertificate | "refused" | null {
    const shown = secure.getPeerX509Certificate();
    if (shown === undefined) return required ? "refused" : null;
    const error = verifyErrorOf(secure);
    // A session that goes on was verified when it began.
    if (error !== null || Date.parse(shown.validTo) <= Date.now()) return "refused";
    return clientCertificateOf(shown);
  }

  expired(nowMs: number): void {
    this.#worker.nowMs = nowMs;
    this.#end();
  }

  readonly #end = (): void => {
    this.#leave();
    this.#secure?.destroy();
    this.#raw.destroy();
  };

  #leave(): void {
    this.#worker.wheel.remove(this.#deadline);
    const raw = this.#raw;
    raw.off("data", this.#received);
    raw.off("end", this.#end);
    raw.off("close", this.#end);
    this.#secure?.off("close", this.#end);
  }
}

/** What is used of a TLS socket's inside: Node tells these to servers of its own only. */
interface Inside {
  readonly _handle: { readonly verifyError?: () => Error | null | undefined } | null;
}

function verifyErrorOf(secure: TLSSocket): Error | null {
  const handle = (secure as unknown as Inside)._handle;
  if (typeof handle?.verifyError !== "function")
    return new Error("this Node does not say whether a certificate is good");
  return handle.verifyError() ?? null;
}
