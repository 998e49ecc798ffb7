// CertificateStore: gathers what files and objects declare, and tells the data workers when what they serve by changes.
import type { ControlPart, Send } from "../part.ts";
import { isDeepStrictEqual } from "node:util";
import type { HostDeclaration } from "../../../routing/model/host-tls.ts";
import type { Problem } from "../../../routing/text/problem.ts";
import type { CertificateSet, CertificateExpiry } from "../../shared/certificates.ts";
import type { Log } from "../../shared/log.ts";
import type { TlsSettings } from "../../options/settings.ts";
import { CertificateAssembly } from "./certificate-set.ts";
import { CertificateFiles, type FileReading } from "./certificate-files.ts";

export interface SyncOutside {
  readonly log: Log;
  nowMs(): number;
  /** What objects declare now: the same list where nothing has changed. */
  declared(): readonly HostDeclaration[];
  /** To every data worker, and to a successor. `before`: the one that was published last; null: none was. */
  publish(set: CertificateSet, before: CertificateSet | null, expiries: readonly CertificateExpiry[]): void;
  /** Other Problems than before. */
  problemsChanged(): void;
}

/** How often it is looked whether a certificate has ended. */
const lookEveryMs = 60_000;
const nothingRead: FileReading = { declarations: [], ticketSeeds: [], problems: [] };

export class CertificateStore implements ControlPart {
  readonly #outside: SyncOutside;
  readonly #assembly: CertificateAssembly;
  readonly #files: CertificateFiles | null;
  #read: FileReading = nothingRead;
  #declared: readonly HostDeclaration[] = [];
  #set: CertificateSet | null;
  #problems: readonly Problem[] = [];
  #expiries: readonly CertificateExpiry[] = [];
  #isOpen = false;
  #looking: NodeJS.Timeout | null = null;

  /** `settings` null: there is no TLS, and hosts only say what becomes of cleartext. `before`: what a predecessor published, or null. */
  constructor(settings: TlsSettings | null, before: CertificateSet | null, outside: SyncOutside) {
    this.#outside = outside;
    this.#set = before;
    this.#assembly = new CertificateAssembly(before);
    this.#files = settings === null ? null : new CertificateFiles(settings, () => this.reread());
  }

  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** When each certificate that is served ends. */
  get expiries(): readonly CertificateExpiry[] {
    return this.#expiries;
  }

  /** What the data workers serve by; null: nothing yet. */
  get set(): CertificateSet | null {
    return this.#set;
  }

  /**
   * Objects are known from here on: before, a host could be served on the terms of files where objects say others. Throws one clear sentence where
   * the options name what cannot be used, and nothing was served by them before.
   */
  synced(): void {
    this.#isOpen = true;
    this.#declared = this.#outside.declared();
    this.#files?.start();
    this.#looking = setInterval(() => this.#look(), lookEveryMs);
    this.#looking.unref();
    this.reread();
  }

  join(_worker: number, send: Send): void {
    if (this.#set !== null) send({ kind: "certificates", set: this.#set });
  }

  stop(): void {
    this.#files?.stop();
    if (this.#looking !== null) clearInterval(this.#looking);
  }

  reread(): void {
    if (!this.#isOpen) return;
    if (this.#files !== null) this.#read = this.#files.read();
    this.#assemble();
  }

  change(): void {
    const declared = this.#outside.declared();
    if (!this.#isOpen || declared === this.#declared) return;
    this.#declared = declared;
    this.#assemble();
  }

  /** With the time a certificate ends, or begins. */
  #look(): void {
    const nowMs = this.#outside.nowMs();
    const isDue =
      this.#expiries.some(({ notAfterMs }) => notAfterMs <= nowMs) ||
      this.#problems.some(({ code }) => code === "certificate-expired");
    if (isDue) this.#assemble();
  }

  #assemble(): void {
    const { declarations, ticketSeeds, problems: wrong } = this.#read;
    // Without TLS nobody serves a certificate: what is said of cleartext holds.
    const declared = this.#files === null ? this.#declared.map((one) => ({ ...one, identity: null })) : this.#declared;
    const { set, problems, expiries } = this.#assembly.assemble(
      [...declared, ...declarations],
      ticketSeeds,
      this.#outside.nowMs(),
    );
    this.#expiries = expiries;
    const all = [...wrong, ...problems];
    if (!isDeepStrictEqual(all, this.#problems)) {
      this.#problems = all;
      this.#outside.problemsChanged();
    }
    if (this.#set === null) {
      // Before anybody is told of certificates.
      const fault = this.#files?.faultIn(all) ?? null;
      if (fault !== null) throw new Error(fault);
    } else if (isSame(this.#set, set)) return;
    const before = this.#set;
    this.#set = set;
    if (set.entries.length > 0)
      this.#outside.log.write("certificates", { certificates: set.entries.length, hosts: set.hosts.size });
    this.#outside.publish(set, before, expiries);
  }
}

function isSame(a: CertificateSet, b: CertificateSet): boolean {
  const shape = ({ entries, hosts, cleartext, ticketSeeds }: CertificateSet): unknown => [
    entries.map(({ digest, clientDigest }) => [digest, clientDigest]),
    hosts,
    cleartext,
    ticketSeeds,
  ];
  return isDeepStrictEqual(shape(a), shape(b));
}
