// The provider `mtls`: whose certificates may call, and by which name they are known.
import { expect, test } from "vitest";
import type { MtlsProvider } from "../../../../gateway/callers/providers/mtls.ts";
import { MtlsVerifier } from "../../../../gateway/edge/identity/mtls.ts";
import type { ClientCertificate } from "../../../../gateway/edge/message/client-certificate.ts";
import { requestOf, verdictOf } from "./requests.ts";

const certificate: ClientCertificate = {
  subject: "CN=batch,OU=models,O=Example",
  dnsNames: ["Batch.example", "batch.internal"],
  uris: ["spiffe://example/ns/a/sa/batch"],
  emails: ["batch@example"],
  fingerprint: "ab".repeat(32),
};
const none: MtlsProvider = {
  kind: "mtls",
  namespaces: [],
  places: [],
  any: false,
  subjects: [],
  dnsNames: [],
  uris: [],
  emails: [],
  fingerprints: [],
};
const refusal =
  "forbidden: the client's certificate is not among those that may call by the provider corp: use another, or have one of its names added";

test.each<readonly [of: Partial<MtlsProvider>, says: string]>([
  [{}, refusal],
  [{ any: true }, "admitted spiffe://example/ns/a/sa/batch"],
  [{ uris: ["spiffe://example/ns/a/sa/batch"] }, "admitted spiffe://example/ns/a/sa/batch"],
  [{ uris: ["spiffe://example/ns/a/sa"] }, refusal],
  [{ dnsNames: ["batch.example"] }, "admitted batch.example"],
  [{ dnsNames: ["batch.internal"] }, "admitted batch.internal"],
  [{ dnsNames: ["example"] }, refusal],
  [{ dnsNames: ["batch@example"] }, refusal],
  [{ emails: ["batch@example"] }, "admitted batch@example"],
  [{ subjects: ["CN=batch,OU=models,O=Example"] }, "admitted CN=batch,OU=models,O=Example"],
  [{ subjects: ["CN=batch"] }, refusal],
  [{ fingerprints: ["ab".repeat(32)] }, `admitted ${"ab".repeat(32)}`],
  [{ fingerprints: ["ac".repeat(32)] }, refusal],
  [{ fingerprints: ["ab".repeat(32)], emails: ["batch@example"] }, "admitted batch@example"],
])("%j: %s", async (of, says) => {
  const verifier = new MtlsVerifier("corp", { ...none, ...of });
  const request = requestOf([], "/p", certificate);
  expect(await verdictOf(verifier, request)).toBe(says);
  expect(verifier.verify(request)).toBe(verifier.verify(request));
});

test("a connection without a certificate shows nothing, whatever its request says", async () => {
  const request = requestOf(['x-forwarded-client-cert: Hash=abab;Subject="CN=batch,OU=models,O=Example"']);
  expect(await verdictOf(new MtlsVerifier("corp", { ...none, any: true }), request)).toBe("absent");
});

test("a certificate without names is its fingerprint, and so is one whose names are too long", async () => {
  const verifier = new MtlsVerifier("corp", { ...none, any: true });
  const bare = { ...certificate, subject: "", dnsNames: [], uris: [], emails: [] };
  expect(await verdictOf(verifier, requestOf([], "/p", bare))).toBe(`admitted ${"ab".repeat(32)}`);
  const long = `spiffe://${"x".repeat(300)}`;
  const many = { ...bare, uris: [long] };
  expect(await verdictOf(new MtlsVerifier("corp", { ...none, uris: [long] }), requestOf([], "/p", many))).toBe(
    `admitted ${"ab".repeat(32)}`,
  );
});

test("a million names cost one look", async () => {
  const dnsNames = Array.from({ length: 100_000 }, (_, index) => `n${index}.example`);
  const verifier = new MtlsVerifier("corp", { ...none, dnsNames: ["n99999.example"] });
  const request = requestOf([], "/p", { ...certificate, dnsNames });
  expect(await verdictOf(verifier, request)).toBe("admitted n99999.example");
});
