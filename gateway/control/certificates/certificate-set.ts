// From declarations to the CertificateSet that data workers serve by: who is served what, what cannot be, and what stays from before.
import { createHash } from "node:crypto";
import type { HostDeclaration, Identity, TlsTerms, Cleartext } from "../../../routing/model/host-tls.ts";
import type { Problem, ProblemCode } from "../../../routing/text/problem.ts";
import type { CertificateEntry, CertificateSet, CertificateExpiry } from "../../shared/certificates.ts";
import {
  checkIdentity,
  checkTerms,
  mostCertificateNames,
  type CertificateCheck,
  type CertificateFacts,
} from "./certificate-check.ts";

/** Most certificates that are served. */
export const mostCertificates = 20_000;

export interface AssembledCertificates {
  readonly set: CertificateSet;
  readonly problems: readonly Problem[];
  readonly expiries: readonly CertificateExpiry[];
}

/** Remembers what was good, so that something bad in its place changes nothing. */
export class CertificateAssembly {
  /** By both texts: many hosts may have one certificate. */
  #checked = new Map<string, CertificateCheck>();
  /** By name: what is served. */
  readonly #good: Map<string, Identity>;
  readonly #termsChecked = new Map<string, string | null>();

  /** `before`: of an earlier assembly. */
  constructor(before: CertificateSet | null) {
    this.#good = before === null ? new Map() : identitiesOf(before);
  }

  /** In order: of several that declare a host the first has it. */
  assemble(
    declarations: readonly HostDeclaration[],
    ticketSeeds: readonly Uint8Array[],
    nowMs: number,
  ): AssembledCertificates {
    const before = this.#checked;
    this.#checked = new Map();
    const work = new Assembling(
      declarations,
      nowMs,
      this.#good,
      (identity) => this.#check(identity, before),
      (terms) => this.#checkTerms(terms),
    );
    const names = new Set(declarations.map(({ name }) => name));
    for (const name of this.#good.keys()) if (!names.has(name)) this.#good.delete(name);
    if (this.#termsChecked.size > declarations.length + 1) this.#termsChecked.clear();
    return work.done(ticketSeeds);
  }

  #check(identity: Identity, before: ReadonlyMap<string, CertificateCheck>): CertificateCheck {
    const key = `${identity.certPem}\0${identity.keyPem}`;
    const check = this.#checked.get(key) ?? before.get(key) ?? checkIdentity(identity);
    this.#checked.set(key, check);
    return check;
  }

  #checkTerms(terms: TlsTerms): string | null {
    const key = JSON.stringify(terms);
    const known = this.#termsChecked.get(key);
    if (known !== undefined) return known;
    const reason = checkTerms(terms);
    this.#termsChecked.set(key, reason);
    return reason;
  }
}

class Assembling {
  readonly #problems: Problem[] = [];
  readonly #expiries: CertificateExpiry[] = [];
  readonly #texts: Buffer[] = [];
  #textBytes = 0;
  readonly #entries: CertificateEntry[] = [];
  readonly #hosts = new Map<string, number>();
  readonly #cleartext = new Map<string, Cleartext>();
  readonly #nowMs: number;
  readonly #good: Map<string, Identity>;
  readonly #check: (identity: Identity) => CertificateCheck;
  readonly #checkTerms: (terms: TlsTerms) => string | null;

  constructor(
    declarations: readonly HostDeclaration[],
    nowMs: number,
    good: Map<string, Identity>,
    check: (identity: Identity) => CertificateCheck,
    terms: (terms: TlsTerms) => string | null,
  ) {
    this.#nowMs = nowMs;
    this.#good = good;
    this.#check = check;
    this.#checkTerms = terms;
    for (const declaration of declarations.slice(0, mostCertificates)) this.#declare(declaration);
    const [over] = declarations.slice(mostCertificates);
    if (over !== undefined)
      this.#report(
        over,
        "error",
        "over-limit",
        `${mostCertificates} certificates are served already, so this one and ${declarations.length - mostCertificates - 1} more are not; remove some`,
      );
  }

  done(ticketSeeds: readonly Uint8Array[]): AssembledCertificates {
    const texts = new SharedArrayBuffer(this.#textBytes);
    const bytes = new Uint8Array(texts);
    let at = 0;
    for (const text of this.#texts) {
      bytes.set(text, at);
      at += text.length;
    }
    return {
      set: { texts, entries: this.#entries, hosts: this.#hosts, cleartext: this.#cleartext, ticketSeeds },
      problems: this.#problems,
      expiries: this.#expiries,
    };
  }

  #report({ subject, field }: HostDeclaration, level: Problem["level"], code: ProblemCode, sentence: string): void {
    this.#problems.push({ code, level, subject, field, sentence });
  }

  #declare(declaration: HostDeclaration): void {
    const { name, cleartext } = declaration;
    for (const host of declaration.hosts ?? [])
      if (cleartext !== null && !this.#cleartext.has(host)) this.#cleartext.set(host, cleartext);
    if (declaration.identity === null) return;
    const refusedTerms = this.#checkTerms(declaration.terms);
    if (refusedTerms !== null)
      this.#report(
        declaration,
        "error",
        "bad-value",
        `OpenSSL refuses the versions, ciphers, curves or authorities of ${name} (${refusedTerms}), so its hosts have no TLS; correct them`,
      );
    const served = refusedTerms === null ? this.#identityOf(declaration) : null;
    const hosts = declaration.hosts ?? served?.facts.names ?? [];
    const free = hosts.filter((host) => !this.#hosts.has(host));
    const taken = hosts.find((host) => this.#hosts.has(host));
    if (taken !== undefined)
      this.#report(
        declaration,
        "warning",
        "host-taken",
        `${this.#entries[this.#hosts.get(taken)!]!.name} declares ${taken} already and serves it; give each host one certificate`,
      );
    if (free.length === 0) return;
    if (served !== null) this.#reportFacts(declaration, served.facts, free);
    for (const host of free) this.#hosts.set(host, this.#entries.length);
    this.#entries.push(this.#entryOf(declaration, served?.identity ?? null));
  }

  /** What it is served with: what it says, or what it said before that can be used; null: nothing. */
  #identityOf(declaration: HostDeclaration): { readonly identity: Identity; readonly facts: CertificateFacts } | null {
    const identity = declaration.identity!;
    // Its Problem is told where it was found.
    if ("closed" in identity) {
      this.#good.delete(declaration.name);
      return null;
    }
    const check: CertificateCheck =
      "missing" in identity ? { kind: "bad", reason: identity.missing } : this.#check(identity);
    const isNow =
      check.kind === "good" && check.facts.notBeforeMs <= this.#nowMs && this.#nowMs < check.facts.notAfterMs;
    if (check.kind === "good" && isNow && !("missing" in identity)) {
      this.#good.set(declaration.name, identity);
      return { identity, facts: check.facts };
    }
    const before = this.#good.get(declaration.name);
    const beforeCheck = before === undefined ? null : this.#check(before);
    const isOther = before !== undefined && !("missing" in identity) && before.certPem !== identity.certPem;
    if (check.kind === "good" && !("missing" in identity)) {
      const when =
        this.#nowMs < check.facts.notBeforeMs
          ? `is not valid before ${dayOf(check.facts.notBeforeMs)}`
          : `has ended on ${dayOf(check.facts.notAfterMs)}`;
      if (isOther && beforeCheck?.kind === "good" && this.#nowMs < beforeCheck.facts.notAfterMs) {
        this.#report(
          declaration,
          "error",
          "certificate-expired",
          `the certificate ${when}, so the one from before stays; write one that is valid now`,
        );
        return { identity: before, facts: beforeCheck.facts };
      }
      this.#report(
        declaration,
        "error",
        "certificate-expired",
        `the certificate ${when} and is served, but clients refuse it; write one that is valid now`,
      );
      return { identity, facts: check.facts };
    }
    const reason = check.kind === "bad" ? check.reason : "";
    if (before !== undefined && beforeCheck?.kind === "good") {
      this.#report(
        declaration,
        "error",
        "bad-certificate",
        `the certificate ${reason}, so the one from before stays; write a certificate and its key`,
      );
      return { identity: before, facts: beforeCheck.facts };
    }
    this.#report(
      declaration,
      "missing" in identity ? identity.level : "error",
      "bad-certificate",
      `the certificate ${reason}, so its hosts have no TLS; write a certificate and its key`,
    );
    return null;
  }

  #reportFacts(
    declaration: HostDeclaration,
    { names, isCut, notAfterMs }: CertificateFacts,
    hosts: readonly string[],
  ): void {
    this.#expiries.push({ name: declaration.name, notAfterMs });
    if (isCut)
      this.#report(
        declaration,
        "warning",
        "over-limit",
        `the certificate has more than ${mostCertificateNames} names, and the others are not read; write several certificates`,
      );
    const foreign =
      declaration.hosts === null
        ? undefined
        : hosts.find(
            (host) => host !== "*" && !names.includes(host) && !names.includes(`*${host.slice(host.indexOf("."))}`),
          );
    if (foreign !== undefined)
      this.#report(
        declaration,
        "warning",
        "certificate-of-another",
        `the certificate does not name ${foreign}, and clients that check refuse it; write one that names it`,
      );
  }

  #entryOf({ name, terms, clientName }: HostDeclaration, identity: Identity | null): CertificateEntry {
    const session = JSON.stringify([name, terms.client, clientName]);
    return {
      name,
      digest: digestOf(JSON.stringify([session, terms, identity?.certPem, identity?.keyPem])),
      sessionDigest: digestOf(session),
      clientDigest:
        terms.client === null && clientName === "" ? "" : digestOf(identity === null ? `none ${name}` : clientName),
      identity: identity === null ? null : this.#place(identity),
      terms,
    };
  }

  #place({ certPem, keyPem }: Identity): CertificateEntry["identity"] {
    const certStart = this.#textBytes;
    const cert = Buffer.from(certPem);
    const key = Buffer.from(keyPem);
    this.#texts.push(cert, key);
    this.#textBytes += cert.length + key.length;
    return { certStart, keyStart: certStart + cert.length, end: this.#textBytes };
  }
}

function identitiesOf({ entries, texts }: CertificateSet): Map<string, Identity> {
  const text = (from: number, to: number): string => Buffer.from(texts, from, to - from).toString("utf8");
  return new Map(
    entries.flatMap(({ name, identity }) =>
      identity === null
        ? []
        : [
            [
              name,
              { certPem: text(identity.certStart, identity.keyStart), keyPem: text(identity.keyStart, identity.end) },
            ] as const,
          ],
    ),
  );
}

/** 32 characters: OpenSSL takes no more for the context of a session. */
function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
