// Host and TLSContext objects of Ambassador: what each declares about TLS with clients.
import { describe, expect, test } from "vitest";
import { plainTerms, type HostDeclaration } from "../../../../routing/model/host-tls.ts";
import type { SourceObject } from "../../../../k8s/translate/model/object.ts";
import type { TranslateSettings } from "../../../../k8s/translate/model/translation.ts";
import { Translator } from "../../../../k8s/translate/translator.ts";
import { clusterSettings, codesOf, noGrant, object, translate } from "../objects.ts";

const settings: Partial<TranslateSettings> = { gatewayNamespace: "ops" };
const pem = (text: string): string => `-----BEGIN ${text}-----`;
const secret = (name: string, texts: Readonly<Record<string, string>>): SourceObject =>
  object("Secret", name, JSON.stringify({ stringData: texts }));
const pair = secret("ops/pair", { "tls.crt": pem("CERTIFICATE"), "tls.key": pem("PRIVATE KEY") });
const identity = { certPem: pem("CERTIFICATE"), keyPem: pem("PRIVATE KEY") };
const ca = secret("ops/ca", { "ca.crt": pem("CA") });
const crl = secret("ops/crl", { "crl.pem": pem("X509 CRL") });

function hostOf(spec: Readonly<Record<string, unknown>>, name = "ops/door"): SourceObject {
  return object("Host", name, JSON.stringify({ spec }), "getambassador.io/v2");
}

function contextOf(spec: Readonly<Record<string, unknown>>, name = "ops/ctx"): SourceObject {
  return object("TLSContext", name, JSON.stringify({ spec }));
}

interface Outcome {
  readonly hosts: readonly HostDeclaration[];
  readonly codes: readonly string[];
}

function declared(objects: readonly SourceObject[], more: Partial<TranslateSettings> = {}): Outcome {
  const translation = translate(objects, { ...settings, ...more });
  return { hosts: translation.hosts, codes: codesOf(translation) };
}

describe("a Host", () => {
  test("has the certificate of its Secret, and redirects cleartext", () => {
    expect(declared([hostOf({ hostname: "A.Example.com", tlsSecret: { name: "pair" } }), pair])).toEqual({
      hosts: [
        {
          name: "Host ops/door",
          subject: { kind: "Host", namespace: "ops", name: "door" },
          field: "",
          hosts: ["a.example.com"],
          identity,
          terms: plainTerms,
          clientName: "",
          cleartext: "redirect",
        },
      ],
      codes: [],
    });
  });

  test("without hostname is for all; of another namespace has that Secret", () => {
    expect(declared([hostOf({ tlsSecret: { name: "pair", namespace: "ops" } }, "ops/x"), pair]).hosts).toMatchObject([
      { hosts: ["*"], identity },
    ]);
  });

  test.each([
    ["Redirect", "redirect"],
    ["Route", "route"],
    ["Reject", "reject"],
    ["reject", "reject"],
  ])("insecure action %s", (action, cleartext) => {
    expect(declared([hostOf({ requestPolicy: { insecure: { action } } })]).hosts).toMatchObject([
      { cleartext, identity: null },
    ]);
  });

  test.each([[{ insecure: { action: "Perhaps" } }], [{ insecure: 7 }], ["x"]])(
    "an action that cannot be read rejects: %j",
    (requestPolicy) => {
      expect(declared([hostOf({ requestPolicy })])).toMatchObject({
        hosts: [{ cleartext: "reject" }],
        codes: ["error bad-value"],
      });
    },
  );

  test("terms of its own, of its TLSContext, and the Secret of either", () => {
    const tls = {
      min_tls_version: "v1.3",
      cipher_suites: ["[A-B|C-D]", "E"],
      ecdh_curves: ["X25519"],
      alpn_protocols: "http/1.1",
      ca_secret: "ca",
      crl_secret: "crl",
      cert_required: true,
    };
    const terms = {
      minVersion: "TLSv1.3",
      maxVersion: null,
      ciphers: ["A-B", "C-D", "E"],
      curves: ["X25519"],
      alpn: ["http/1.1"],
      client: { caPem: pem("CA"), crlPem: pem("X509 CRL"), required: true },
    };
    const { crl_secret: v3CRLSecret, ...others } = tls;
    for (const written of [tls, { ...others, v3CRLSecret }])
      expect(declared([hostOf({ tlsSecret: { name: "pair" }, tls: written }), pair, ca, crl]).hosts).toMatchObject([
        { identity, terms, clientName: "ops/ca ops/crl true" },
      ]);
    expect(
      declared([hostOf({ tlsContext: { name: "ctx" } }), contextOf({ ...tls, secret: "pair" }), pair, ca, crl]).hosts,
    ).toMatchObject([{ identity, terms }]);
  });

  test("a Secret that comes later is read when it does", () => {
    const translator = new Translator({ ...clusterSettings, ...settings });
    translator.apply({ set: [hostOf({ tlsSecret: { name: "pair" } })], removed: [] });
    expect([...translator.wantedSecrets]).toEqual(["ops/pair"]);
    const before = translator.current().hosts;
    expect(before).toMatchObject([
      { identity: { missing: expect.stringContaining("there is no Secret pair in ops") as string } },
    ]);
    translator.apply({ set: [pair], removed: [] });
    expect(translator.current().hosts).toMatchObject([{ identity }]);
    const { hosts } = translator.current();
    translator.apply({ set: [object("Service", "prod/x", "")], removed: [] });
    expect(translator.current().hosts).toBe(hosts);
    translator.apply({ set: [], removed: ["Host ops/door"] });
    expect([translator.current().hosts, [...translator.wantedSecrets]]).toEqual([[], []]);
  });

  test.each<readonly [string, Readonly<Record<string, unknown>>, readonly SourceObject[]]>([
    ["a TLSContext that is not there", { tlsContext: { name: "ctx" } }, []],
    ["authorities that are not there", { tls: { ca_secret: "ca" } }, []],
    ["authorities that are none", { tls: { ca_secret: "ca" } }, [secret("ops/ca", { "ca.crt": "x" })]],
    ["a list of what was revoked that is not there", { tls: { ca_secret: "ca", crl_secret: "crl" } }, [ca]],
    ["certificates of clients by nobody", { tls: { cert_required: true } }, []],
    ["cert_required that cannot be read", { tls: { cert_required: "perhaps", ca_secret: "ca" } }, [ca]],
    ["a version that cannot be read", { tls: { min_tls_version: "1.3" } }, []],
    ["a version that is too old for any", { tls: { max_tls_version: "v1.1" } }, []],
    ["authorities in a file", { tls: { cacert_chain_file: "/ca.crt" } }, []],
    ["ciphers that are no list", { tls: { cipher_suites: "A:B" } }, []],
    ["65 ciphers", { tls: { cipher_suites: Array.from({ length: 65 }, () => "A") } }, []],
    ["a misspelt field of tls", { tls: { cert_requird: true } }, []],
    ["tls that is no record", { tls: "x" }, []],
    ["a misspelt field", { tlsSecrets: {} }, []],
    ["a Secret without a name", { tlsSecret: {} }, []],
  ])("%s: the host has no TLS", (_what, spec, objects) => {
    const { hosts, codes } = declared([
      hostOf({ hostname: "a.example.com", tlsSecret: { name: "pair" }, ...spec }),
      pair,
      ...objects,
    ]);
    expect(hosts).toMatchObject([
      { hosts: ["a.example.com"], identity: { closed: expect.any(String) as string }, clientName: "closed" },
    ]);
    expect(codes).toHaveLength(1);
    expect(codes[0]).toMatch(/^error /);
  });

  test("64 ciphers", () => {
    expect(declared([hostOf({ tls: { cipher_suites: Array.from({ length: 64 }, () => "A") } })]).codes).toEqual([]);
  });

  test.each(["a*.example.com", "*.*.example.com", "a b", "", "x".repeat(254)])("no host: %j", (hostname) => {
    expect(declared([hostOf({ hostname })])).toEqual({ hosts: [], codes: ["error bad-value"] });
  });

  test.each(["a.example.com:443", "https://a.example.com", "https://A.example.com:443/x"])(
    "no host, and that which was meant is closed: %j",
    (hostname) => {
      const { hosts, codes } = declared([hostOf({ hostname, requestPolicy: { insecure: { action: "Route" } } })]);
      expect([hosts, codes]).toMatchObject([
        [{ hosts: ["a.example.com"], identity: { closed: "unreadable" }, cleartext: "reject" }],
        ["error bad-value"],
      ]);
    },
  );
});

describe("a TLSContext", () => {
  test("with hosts serves these; without it serves towards upstreams only", () => {
    expect(declared([contextOf({ hosts: ["a.example.com", "*.b.example.com"], secret: "pair" }), pair])).toMatchObject({
      hosts: [{ name: "TLSContext ops/ctx", hosts: ["a.example.com", "*.b.example.com"], identity, cleartext: null }],
      codes: [],
    });
    expect(declared([contextOf({ secret: "pair" }), pair])).toEqual({ hosts: [], codes: [] });
  });

  test("that requires certificates is not reached in cleartext; one that names a port to redirect from is redirected", () => {
    expect(
      declared([
        contextOf({ hosts: ["a.example.com"], secret: "pair", ca_secret: "ca", cert_required: true }),
        pair,
        ca,
      ]).hosts,
    ).toMatchObject([{ cleartext: "redirect" }]);
    expect(
      declared([contextOf({ hosts: ["a.example.com"], secret: "pair", redirect_cleartext_from: 8080 }), pair]).hosts,
    ).toMatchObject([{ cleartext: "redirect" }]);
  });

  test.each([
    [499, []],
    [500, []],
    [501, ["error over-limit"]],
  ])("%i hosts", (count, codes) => {
    const found = declared([
      contextOf({ hosts: Array.from({ length: count }, (_, index) => `h${index}.example.com`), secret: "pair" }),
      pair,
    ]);
    expect(found.codes).toEqual(codes);
    expect(found.hosts[0]!.hosts).toHaveLength(Math.min(500, count));
  });

  test("a misspelt field that decides closes its hosts", () => {
    expect(
      declared([contextOf({ hosts: ["a.example.com"], secret: "pair", cert_requird: true }), pair]).hosts,
    ).toMatchObject([{ identity: { closed: expect.any(String) as string } }]);
  });
});

describe("whose hosts count", () => {
  const host = hostOf({ hostname: "a.example.com", tlsSecret: { name: "pair" } }, "prod/door");
  const context = contextOf({ hosts: ["a.example.com"], secret: "pair" }, "prod/ctx");

  test("those of a tenant do not", () => {
    expect(declared([host])).toEqual({ hosts: [], codes: ["error not-granted"] });
    expect(declared([context])).toEqual({ hosts: [], codes: ["error not-granted"] });
  });

  test("those of a namespace with a Grant do", () => {
    const grants = [{ ...noGrant, namespace: "prod", gateway: true }];
    expect(declared([host], { grants }).hosts).toHaveLength(1);
    expect(declared([context], { grants }).hosts).toHaveLength(1);
  });

  test("where namespaces are chosen, the gateway's own is read all the same", () => {
    expect(declared([hostOf({})], { namespaces: ["prod"] }).hosts).toHaveLength(1);
  });

  test("Hosts come before TLSContexts, the oldest first", () => {
    const at = (one: SourceObject, createdAt: string): SourceObject => ({
      ...one,
      object: {
        ...(one.object as object),
        metadata: { ...(one.object as { metadata: object }).metadata, creationTimestamp: createdAt },
      },
    });
    const { hosts } = declared([
      at(contextOf({ hosts: ["a.example.com"] }), "2026-01-01T00:00:00Z"),
      at(hostOf({}, "ops/new"), "2026-03-01T00:00:00Z"),
      at(hostOf({}, "ops/old"), "2026-02-01T00:00:00Z"),
    ]);
    expect(hosts.map(({ name }) => name)).toEqual(["Host ops/old", "Host ops/new", "TLSContext ops/ctx"]);
  });
});

test.each(["tlsSecret", "tlsContext"])("a misspelt name in %s is told as one that belongs there", (field) => {
  const spec = { hostname: "a.example.com", tlsSecret: { name: "pair" }, tlsContext: { name: "ctx" } };
  const { problems } = translate(
    [hostOf({ ...spec, [field]: { ...spec.tlsContext, names: "x" } }), contextOf({}), pair],
    settings,
  );
  expect(problems.filter((one) => one.field === `spec.${field}.names`).map(({ code }) => code)).toEqual([
    "unknown-field",
  ]);
});
