import { describe, expect, test } from "vitest";
import { clientCertificateLine } from "../../../../gateway/edge/message/client-certificate.ts";
import { clientFacts } from "../../../../gateway/edge/message/client-facts.ts";
import { frontWith } from "../../fixtures.ts";

const certificate = {
  subject: "CN=batch,O=Example",
  dnsNames: ["batch.example"],
  uris: ["spiffe://example/batch"],
  emails: [],
  fingerprint: "ab".repeat(32),
};

describe("x-forwarded-client-cert", () => {
  test("is written as Envoy writes it", () => {
    expect(clientCertificateLine(certificate)).toBe(
      `x-forwarded-client-cert: Hash=${"ab".repeat(32)};Subject="CN=batch,O=Example";URI=spiffe://example/batch;DNS=batch.example\r\n`,
    );
  });

  test("is one of the lines of every request of the client", () => {
    const facts = clientFacts("192.0.2.7", { certificate, clientDigest: "" }, frontWith(0));
    expect(facts.lines.toString()).toContain(`\r\n${facts.certificateLine.toString()}x-forwarded-host: `);
    expect(
      clientFacts("192.0.2.7", { certificate: null, clientDigest: "" }, frontWith(0)).lines.toString(),
    ).not.toContain("client-cert");
  });

  test("a name that holds a separator poses as no other part", () => {
    expect(clientCertificateLine({ ...certificate, uris: ['a;Hash=00,By="x"'], dnsNames: [] })).toContain(
      String.raw`;URI="a;Hash=00,By=\"x\""`,
    );
  });

  test("a line end in a name ends no line", () => {
    expect(clientCertificateLine({ ...certificate, subject: "CN=a\r\nx-evil: 1", uris: ["\u00e9\n"] })).toBe(
      `x-forwarded-client-cert: Hash=${"ab".repeat(32)};Subject="CN=a??x-evil: 1";URI=??;DNS=batch.example\r\n`,
    );
  });
});
