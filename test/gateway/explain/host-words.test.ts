import { describe, expect, test } from "vitest";
import { comparableHost, type CertificateEntry, type CertificateSet } from "../../../gateway/shared/certificates.ts";
import { declaredHosts, hostWords, servedHosts } from "../../../gateway/explain/host-words.ts";
import { plainTerms, type HostDeclaration } from "../../../routing/model/host-tls.ts";

const entry = (name: string, more: Partial<CertificateEntry> = {}): CertificateEntry => ({
  name,
  digest: name,
  sessionDigest: "",
  clientDigest: "",
  identity: { certStart: 0, keyStart: 0, end: 0 },
  terms: plainTerms,
  ...more,
});

const set: CertificateSet = {
  texts: new SharedArrayBuffer(0),
  entries: [
    entry("Host models/door"),
    entry("wild.crt", { clientDigest: "x" }),
    entry("Host models/broken", { identity: null }),
  ],
  hosts: new Map([
    ["a.example", 0],
    ["*.example", 1],
    ["broken.test", 2],
  ]),
  cleartext: new Map([
    ["a.example", "redirect"],
    ["plain.test", "reject"],
  ]),
  ticketSeeds: [],
};

describe("of a gateway that serves", () => {
  test.each([
    ["a.example", "a.example: certificate of Host models/door; cleartext is redirected to https"],
    ["A.Example.:443", "a.example: certificate of Host models/door; cleartext is redirected to https"],
    ["x.y.example", "x.y.example: certificate of wild.crt, and clients are asked for theirs; cleartext is served"],
    [
      "broken.test",
      "broken.test: no handshake, as Host models/broken has no certificate that can be used; cleartext is served",
    ],
    ["plain.test", "plain.test: no certificate; cleartext is answered 404"],
    ["other.test", null],
  ])("%s", (host, words) => {
    expect(hostWords(host, servedHosts(set))).toBe(words);
  });

  test("without TLS there is nothing to say", () => {
    expect(hostWords("a.example", servedHosts(null))).toBeNull();
  });
});

test("of what is declared, the first has a host", () => {
  const declared = (name: string, more: Partial<HostDeclaration>): HostDeclaration => ({
    name,
    subject: { kind: "Host", namespace: "models", name },
    field: "",
    hosts: ["a.example"],
    identity: { certPem: "c", keyPem: "k" },
    terms: plainTerms,
    clientName: "",
    cleartext: null,
    ...more,
  });
  const book = declaredHosts([
    declared("first", { cleartext: "reject" }),
    declared("second", { clientName: "ca", cleartext: "route" }),
    declared("missing", { hosts: ["b.example"], identity: { level: "error" as const, missing: "a Secret" } }),
    declared("by its names", { hosts: null }),
  ]);
  expect(hostWords("a.example", book)).toBe("a.example: certificate of first; cleartext is answered 404");
  expect(hostWords("b.example", book)).toBe(
    "b.example: no handshake, as missing has no certificate that can be used; cleartext is served",
  );
});

test.each([
  ["[::1]:8080", "[::1]"],
  ["10.0.0.1", "10.0.0.1"],
  ["", ""],
  ["A:", "a"],
])("the host of %j", (authority, host) => {
  expect(comparableHost(authority)).toBe(host);
});
