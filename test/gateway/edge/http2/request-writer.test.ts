// What goes to an HTTP/2 upstream is what goes to an HTTP/1.1 one: both writers on the same heads.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { HeaderEdits, HostRewrite, Mapping, Rewrite } from "../../../../routing/model/mapping.ts";
import { noExternalServices } from "../../../../routing/model/external-services.ts";
import {
  compileMapping,
  type Compiler,
  type CompiledMapping,
} from "../../../../gateway/edge/policy/compiled-mapping.ts";
import { HeaderList } from "../../../../gateway/edge/hpack/header-list.ts";
import { HpackDecoder } from "../../../../gateway/edge/hpack/hpack-decode.ts";
import { BlockWriter } from "../../../../gateway/edge/hpack/hpack-encode.ts";
import { pseudo, pseudoNames } from "../../../../gateway/edge/hpack/field-meaning.ts";
import { putLength, writeRequestBlock, writeTrailerBlock } from "../../../../gateway/edge/http2/request-writer.ts";
import { WireRequestHead, readRequestHead } from "../../../../gateway/edge/message/request-head.ts";
import { writeRequestHead } from "../../../../gateway/edge/http1/request-writer.ts";
import type { ClientCertificate } from "../../../../gateway/edge/message/client-certificate.ts";
import { clientFacts } from "../../../../gateway/edge/message/client-facts.ts";
import { OutBuffer } from "../../../../gateway/edge/io/out-buffer.ts";
import { noPolicy } from "../../../../gateway/callers/call-policy.ts";
import { admittanceOf } from "../../../../gateway/callers/effective.ts";
import { frontWith, mappingOf } from "../../fixtures.ts";
import { textFields } from "./peers.ts";

type Field = readonly [name: string, value: string];

const requestId = Buffer.from("11111111-2222-4333-8444-555555555555");
const compiler = {
  pools: { liveOf: () => ({ upstream: null }), shadowOf: () => ({ upstream: null }) },
  defaultIdleTimeoutMs: 0,
  limits: { bodyBytes: 0, requestLineBytes: 8192 },
  external: { services: noExternalServices },
  callers: {
    policy: noPolicy,
    admittance: ({ guard, namespace }: Mapping) => admittanceOf(guard, namespace, noPolicy),
  },
  plantedSteps: [],
} as unknown as Compiler;

interface Case {
  readonly method: string;
  readonly rest: string;
  readonly fields: readonly Field[];
  readonly rewrite: Rewrite;
  readonly host: HostRewrite;
  readonly edits: HeaderEdits;
  readonly hops: number;
  readonly certificate: ClientCertificate | null;
  readonly shadow: boolean;
}

function compiledFor({ rewrite, host, edits }: Pick<Case, "rewrite" | "host" | "edits">): CompiledMapping {
  const mapping = mappingOf("iris", "iris");
  if (mapping.target.kind !== "forward") throw new Error("a redirect");
  return compileMapping(
    { ...mapping, target: { ...mapping.target, rewrite, hostRewrite: host, requestHeaders: edits } },
    0,
    compiler,
    null,
  );
}

function headOf({ method, rest, fields }: Pick<Case, "method" | "rest" | "fields">): WireRequestHead {
  const head = new WireRequestHead();
  const text = `${method} /seldon/prod/iris/${rest} HTTP/1.1\r\nHost: Gateway.example:8080\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  const after = readRequestHead(head, Buffer.from(`${text}\0`, "latin1"), 0, text.length, {
    requestLineBytes: 8192,
    headBytes: 61_440,
    headFields: 100,
  });
  if (after < 0) throw new Error(`${head.fault.name}: ${text}`);
  return head;
}

/** Fields that an HTTP/1.1 upstream gets, in lower case, the request line and Host as pseudo headers. */
function overHttp1(head: WireRequestHead, compiled: CompiledMapping, { hops, certificate, shadow }: Case): Field[] {
  const out = new OutBuffer(256);
  writeRequestHead(
    out,
    head,
    compiled,
    clientFacts("192.0.2.7", certificate === null ? null : { certificate, clientDigest: "" }, frontWith(hops)),
    requestId,
    shadow,
  );
  const [line, ...lines] = out.view().toString("latin1").split("\r\n").slice(0, -1);
  const [method, path] = line!.split(" ");
  const fields = lines.map((text): Field => [
    text.slice(0, text.indexOf(":")).toLowerCase(),
    text.slice(text.indexOf(":") + 1).trim(),
  ]);
  const authority = fields.find(([name]) => name === "host")![1];
  return [
    [":authority", authority],
    [":method", method!],
    [":path", path!],
    ...fields.filter(([name]) => name !== "host"),
  ];
}

function decoded(writer: BlockWriter): HeaderList {
  const list = new HeaderList({ bytes: 1 << 15, fields: 500 });
  expect(new HpackDecoder(4096).decode(writer.bytes, 0, writer.length, list)).toBe(true);
  expect([list.malformed, list.tooLarge]).toEqual([false, false]);
  return list;
}

function overHttp2(head: WireRequestHead, compiled: CompiledMapping, { hops, certificate, shadow }: Case): Field[] {
  const writer = new BlockWriter();
  writeRequestBlock(
    writer,
    head,
    compiled,
    clientFacts("192.0.2.7", certificate === null ? null : { certificate, clientDigest: "" }, frontWith(hops)),
    requestId,
    false,
    shadow,
  );
  const list = decoded(writer);
  const value = (number: number): string =>
    list.bytes.toString("latin1", list.pseudo[number * 2], list.pseudo[number * 2 + 1]);
  expect(value(pseudo.scheme)).toBe("http");
  return [
    ...[pseudo.authority, pseudo.method, pseudo.path].map((number): Field => [pseudoNames[number]!, value(number)]),
    ...textFields(list),
  ];
}

const sorted = (fields: readonly Field[]): readonly Field[] =>
  fields.toSorted((a, b) => (`${a[0]}:${a[1]}` < `${b[0]}:${b[1]}` ? -1 : 1));

const noEdits: HeaderEdits = { remove: [], add: [] };
const plain: Omit<Case, "fields"> = {
  method: "POST",
  rest: "api",
  rewrite: { kind: "none" },
  host: { kind: "client" },
  edits: noEdits,
  hops: 0,
  certificate: null,
  shadow: false,
};

const meaningful = [
  "accept",
  "Content-Type",
  "X-Request-Id",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-client-cert",
  "forwarded",
  "x-real-ip",
  "x-envoy-original-path",
  "x-envoy-anything",
  "x-original-url",
  "keep-alive",
  "proxy-authorization",
  "http2-settings",
  "trailer",
  "te",
  "cookie",
  "authorization",
  "date",
  "upgrade",
  "seldon",
  "Namespace",
  "grpc-timeout",
  "trace-bin",
  "x-custom",
  "User-Agent",
] as const;
const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/u);
const aField = fc.oneof(
  fc.tuple(fc.constantFrom(...meaningful), value),
  fc.tuple(
    fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_-]{0,40}$/u).map((name) => `q-${name}`),
    value,
  ),
);
const anEdit = fc.record({
  name: fc.constantFrom("x-custom", "X-Added", "x-request-id", "x-forwarded-for", "cookie"),
  value: fc.stringMatching(/^[a-z ]{0,12}$/u),
  append: fc.boolean(),
});
const aCase: fc.Arbitrary<Case> = fc.record({
  method: fc.constantFrom("GET", "POST", "PUT", "OPTIONS", "HEAD", "Custom"),
  rest: fc
    .stringMatching(/^[a-z0-9:%2F]{0,3}(\/[a-z]{1,5}){0,2}(\?[a-z=&]{0,8})?$/u)
    .map((rest) => rest.replaceAll("%", "")),
  fields: fc.array(aField, { maxLength: 12 }),
  rewrite: fc.constantFrom<Rewrite>(
    { kind: "none" },
    { kind: "prefix", with: "/" },
    { kind: "prefix", with: "/models/" },
    { kind: "regex", pattern: "/seldon/([a-z]+)/", substitution: "/x/\\1/" },
  ),
  host: fc.constantFrom<HostRewrite>({ kind: "client" }, { kind: "literal", host: "models.example:9000" }),
  edits: fc.record({
    remove: fc.array(fc.constantFrom("x-custom", "X-Forwarded-Host", "accept"), { maxLength: 2 }),
    add: fc.array(anEdit, { maxLength: 3 }),
  }),
  hops: fc.constantFrom(0, 0, 1, 2),
  certificate: fc.constantFrom(null, {
    subject: "CN=batch",
    dnsNames: ["batch.example"],
    uris: [],
    emails: [],
    fingerprint: "ab".repeat(32),
  }),
  shadow: fc.boolean(),
});

describe("the header block of a request", () => {
  test("holds exactly what an HTTP/1.1 upstream would get", () => {
    fc.assert(
      fc.property(aCase, (given) => {
        const compiled = compiledFor(given);
        // `te: gzip` and the like make no head at all.
        const fields = given.fields.map(([name, text]): Field => (name === "te" ? [name, "trailers"] : [name, text]));
        const head = headOf({ ...given, fields });
        expect(sorted(overHttp2(head, compiled, given))).toEqual(sorted(overHttp1(head, compiled, given)));
      }),
      { numRuns: 1000 },
    );
  });

  test("drops what belongs to a connection of HTTP/1.1, and keeps te: trailers", () => {
    const head = headOf({
      ...plain,
      fields: [
        ["Connection", "x-own"],
        ["x-own", "1"],
        ["Keep-Alive", "5"],
        ["Upgrade", "h2c"],
        ["HTTP2-Settings", "AAMAAABkAAQAoAAAAAIAAAAA"],
        ["TE", "trailers"],
        ["Transfer-Encoding", "chunked"],
        ["Expect", "100-continue"],
        ["x-stays", "1"],
      ],
    });
    const names = overHttp2(head, compiledFor(plain), { ...plain, fields: [] }).map(([name]) => name);
    expect(names).toEqual([
      ":authority",
      ":method",
      ":path",
      "x-stays",
      "x-request-id",
      "x-forwarded-for",
      "x-forwarded-proto",
      "x-forwarded-host",
      "te",
    ]);
  });

  test("keeps the length that the client gave", () => {
    const writer = new BlockWriter();
    writeRequestBlock(
      writer,
      headOf({ ...plain, fields: [["Content-Length", "72"]] }),
      compiledFor(plain),
      clientFacts("192.0.2.7", null, frontWith(0)),
      requestId,
      false,
      false,
    );
    expect(textFields(decoded(writer)).some(([name]) => name === "content-length")).toBe(false);
    putLength(writer, 72);
    expect(textFields(decoded(writer)).at(-1)).toEqual(["content-length", "72"]);
  });

  test("says https to an upstream with TLS", () => {
    const writer = new BlockWriter();
    writeRequestBlock(
      writer,
      headOf({ ...plain, fields: [] }),
      compiledFor(plain),
      clientFacts("192.0.2.7", null, frontWith(0)),
      requestId,
      true,
      false,
    );
    const list = decoded(writer);
    expect(list.bytes.toString("latin1", list.pseudo[pseudo.scheme * 2], list.pseudo[pseudo.scheme * 2 + 1])).toBe(
      "https",
    );
  });

  test("forbids to index what the client forbade to index", () => {
    const head = headOf({
      ...plain,
      fields: [
        ["x-secret", "a"],
        ["x-open", "b"],
      ],
    });
    head.neverIndexed = Uint8Array.of(0, 1, 0);
    const writer = new BlockWriter();
    writeRequestBlock(
      writer,
      head,
      compiledFor(plain),
      clientFacts("192.0.2.7", null, frontWith(0)),
      requestId,
      false,
      false,
    );
    const list = decoded(writer);
    const forbidden = textFields(list).filter((_, field) => list.neverIndexed[field] === 1);
    expect(forbidden).toEqual([["x-secret", "a"]]);
  });
});

test("trailers that frame, route or vouch do not pass, others do byte for byte", () => {
  const head = headOf({
    ...plain,
    fields: [
      ["checksum-bin", "AAECAw=="],
      ["Content-Length", "3"],
      ["authorization", "x"],
      ["seldon", "other"],
      ["x-note", "two  spaces"],
    ],
  });
  const writer = new BlockWriter();
  expect(writeTrailerBlock(writer, head)).toBe(true);
  expect(textFields(decoded(writer))).toEqual([
    ["checksum-bin", "AAECAw=="],
    ["x-note", "two  spaces"],
  ]);
  expect(writeTrailerBlock(writer, headOf({ ...plain, fields: [["seldon", "x"]] }))).toBe(false);
});
