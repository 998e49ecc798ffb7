// Certificates that cannot be used: each is one clear Problem, and nobody else notices.
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { byHost, type CertificateSet } from "../../../../gateway/shared/certificates.ts";
import {
  CertificateAssembly,
  mostCertificates,
  type AssembledCertificates,
} from "../../../../gateway/control/certificates/certificate-set.ts";
import {
  plainTerms,
  type HostDeclaration,
  type MissingIdentity,
  type TlsTerms,
} from "../../../../routing/model/host-tls.ts";
import { Authority, type Issued } from "../../../authority.ts";
import { hostDeclaration } from "../../../wire/certificates.ts";

const nowMs = Date.UTC(2027, 0, 1);

let authority: Authority;
let a: Issued;
let b: Issued;
let ended: Issued;

beforeAll(async () => {
  authority = await Authority.make();
  a = await authority.issue("a", "DNS:a.example,DNS:A2.example");
  b = await authority.issue("b", "DNS:b.example");
  ended = await authority.issue("ended", "DNS:a.example", { to: "20261231000000Z" });
});
afterAll(() => authority.remove());

function assemble(
  declarations: readonly HostDeclaration[],
  assembly = new CertificateAssembly(null),
  atMs = nowMs,
): AssembledCertificates {
  return assembly.assemble(declarations, [], atMs);
}

function certOf({ entries, hosts, texts }: CertificateSet, host: string): string | null {
  const place = byHost(hosts, host);
  const identity = place === null ? null : entries[place]!.identity;
  return identity === null
    ? null
    : new X509Certificate(Buffer.from(texts, identity.certStart, identity.keyStart - identity.certStart)).subject;
}

const texts = ({ problems }: AssembledCertificates): string =>
  problems.map(({ code, level, sentence }) => `${level} ${code}: ${sentence}`).join("\n");

describe("a certificate that cannot be used", () => {
  test.each<readonly [string, () => { certPem: string; keyPem: string } | MissingIdentity, RegExp]>([
    [
      "no file",
      () => ({ missing: "cannot be read: there is no file x", level: "error" }),
      /^error bad-certificate: the certificate cannot be read: there is no file x/,
    ],
    ["garbage", () => ({ certPem: "garbage", keyPem: a.keyPem }), /is no PEM text of an X\.509 certificate/],
    [
      "garbage in PEM",
      () => ({ certPem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", keyPem: a.keyPem }),
      /is no PEM text of an X\.509 certificate/,
    ],
    ["a key that is none", () => ({ certPem: a.certPem, keyPem: "garbage" }), /has a key that cannot be read/],
    ["another's key", () => ({ certPem: a.certPem, keyPem: b.keyPem }), /has a key that belongs to another one/],
    [
      "a chain of a megabyte",
      () => ({ certPem: a.certPem + " ".repeat(1_000_000), keyPem: a.keyPem }),
      /its chain is longer than 256 KiB/,
    ],
  ])("%s: its host has no TLS, and others have theirs", (_what, identity, sentence) => {
    const assembled = assemble([
      hostDeclaration("a", ["a.example"], identity()),
      hostDeclaration("b", ["b.example"], b),
      hostDeclaration("all", ["*"], b),
    ]);
    expect(texts(assembled)).toMatch(sentence);
    expect(certOf(assembled.set, "a.example")).toBeNull();
    expect(certOf(assembled.set, "b.example")).toBe("CN=b");
  });

  test("no sentence holds anything of a key", () => {
    const assembled = assemble([
      hostDeclaration("a", ["a.example"], { certPem: b.keyPem, keyPem: a.keyPem.replace("M", "!") }),
    ]);
    for (const line of [...a.keyPem.split("\n"), ...b.keyPem.split("\n")].filter(
      (text) => text.length > 10 && !text.startsWith("-"),
    ))
      expect(texts(assembled)).not.toContain(line);
  });

  test("in the place of a good one: the good one stays, also for a successor", () => {
    const assembly = new CertificateAssembly(null);
    const { set } = assemble([hostDeclaration("a", ["a.example"], a)], assembly);
    const wrong = [hostDeclaration("a", ["a.example"], { certPem: b.certPem, keyPem: a.keyPem })];
    for (const one of [assembly, new CertificateAssembly(set)]) {
      const assembled = assemble(wrong, one);
      expect(certOf(assembled.set, "a.example")).toBe("CN=a");
      expect(texts(assembled)).toMatch(/bad-certificate: .*, so the one from before stays/);
      expect(assembled.set.entries[0]!.digest).toBe(set.entries[0]!.digest);
    }
  });

  test("one that has ended: the one from before stays while it is valid; without one it is served, and said", () => {
    const assembly = new CertificateAssembly(null);
    assemble([hostDeclaration("a", ["a.example"], a)], assembly);
    const assembled = assemble([hostDeclaration("a", ["a.example"], ended)], assembly);
    expect(certOf(assembled.set, "a.example")).toBe("CN=a");
    expect(texts(assembled)).toBe(
      "error certificate-expired: the certificate has ended on 2026-12-31, so the one from before stays; write one that is valid now",
    );
    const alone = assemble([hostDeclaration("a", ["a.example"], ended)]);
    expect(certOf(alone.set, "a.example")).toBe("CN=ended");
    expect(texts(alone)).toMatch(/is served, but clients refuse it/);
    expect(alone.expiries).toEqual([{ name: "a", notAfterMs: Date.UTC(2026, 11, 31) }]);
  });

  test("one that ends while it is served", () => {
    const assembly = new CertificateAssembly(null);
    const declared = [hostDeclaration("a", ["a.example"], ended)];
    expect(texts(assemble(declared, assembly, Date.UTC(2026, 11, 30)))).toBe("");
    expect(texts(assemble(declared, assembly))).toMatch(/^error certificate-expired/);
  });

  test("one that is for other hosts is served, and said", () => {
    expect(texts(assemble([hostDeclaration("a", ["b.example"], a)]))).toMatch(
      /^warning certificate-of-another: the certificate does not name b\.example/,
    );
    expect(texts(assemble([hostDeclaration("a", ["a.example", "*"], a)]))).toBe("");
  });
});

describe("hosts", () => {
  test("without hosts of its own a declaration has the names of its certificate", () => {
    expect([...assemble([hostDeclaration("a", null, a)]).set.hosts.keys()]).toEqual(["a.example", "a2.example"]);
  });

  test("of several that declare one the first has it", () => {
    const assembled = assemble([
      hostDeclaration("a", ["a.example"], a),
      hostDeclaration("other", ["a.example", "c.example"], b),
    ]);
    expect(certOf(assembled.set, "a.example")).toBe("CN=a");
    expect(certOf(assembled.set, "c.example")).toBe("CN=b");
    expect(texts(assembled)).toMatch(/warning host-taken: a declares a\.example already/);
  });

  test.each([
    [999, 0],
    [1000, 0],
    [1001, 1],
  ])("of a certificate with %i names: %i Problems", async (count, problems) => {
    const many = await authority.issue(
      `many${count}`,
      Array.from({ length: count }, (_, index) => `DNS:h${index}.example`).join(),
    );
    const assembled = assemble([hostDeclaration("many", null, many)]);
    expect(assembled.set.hosts.size).toBe(Math.min(count, 1000));
    expect(assembled.problems.filter(({ code }) => code === "over-limit")).toHaveLength(problems);
  });

  test.each([
    [-1, 0],
    [0, 0],
    [1, 1],
  ])("%i certificates over the bound: %i Problems", (over, problems) => {
    const declarations = Array.from({ length: mostCertificates + over }, (_, index) =>
      hostDeclaration(`d${index}`, [`h${index}.example`], { missing: "x", level: "error" }),
    );
    const assembled = assemble(declarations);
    expect(assembled.set.entries).toHaveLength(Math.min(mostCertificates, declarations.length));
    expect(assembled.problems.filter(({ code }) => code === "over-limit")).toHaveLength(problems);
  });
});

describe("terms that cannot be had", () => {
  test.each([
    ["ciphers", { ciphers: ["NO-SUCH-CIPHER"] }],
    ["curves", { curves: ["P-0"] }],
    [
      "authorities",
      {
        client: {
          caPem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
          crlPem: null,
          required: true,
        },
      },
    ],
    [
      "no authorities at all, which would be every one that there is",
      { client: { caPem: "", crlPem: null, required: true } },
    ],
  ])("%s: the host has no TLS", (_what, terms: Partial<TlsTerms>) => {
    const assembled = assemble([
      hostDeclaration("a", ["a.example"], a, { terms: { ...plainTerms, ...terms }, clientName: "x" }),
      hostDeclaration("all", ["*"], b),
    ]);
    expect(certOf(assembled.set, "a.example")).toBeNull();
    expect(texts(assembled)).toMatch(/^error bad-value: OpenSSL refuses/);
  });

  test("a list of what was revoked that is none: the host has no TLS", () => {
    const client = { caPem: authority.caPem, crlPem: "garbage", required: true };
    expect(
      certOf(
        assemble([hostDeclaration("a", ["a.example"], a, { terms: { ...plainTerms, client }, clientName: "x" })]).set,
        "a.example",
      ),
    ).toBeNull();
  });
});
