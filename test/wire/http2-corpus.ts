// The corpus of HTTP/2 requests on their way to HTTP/1.1, written from RFC 9113 §8 and the public classes of desynchronisation by downgrade.
// What HTTP/2 can carry and HTTP/1.1 cannot say must be refused, or go on in exactly one form. Families are generated: each bad byte in each
// place that can hold it.

/** A header list as it is sent: any bytes, latin1. */
export type FieldTexts = readonly (readonly [name: string, value: string])[];

/** What must become of a vector. */
export type Http2Outcome =
  /**
   * The stream is reset as malformed; nothing complete is forwarded. `surplus`: what came before the mistake was a whole request by its
   * content-length, and may have been forwarded as that.
   */
  | { readonly kind: "reset"; readonly surplus: boolean }
  /** One answer with this status and nothing forwarded. */
  | { readonly kind: "refused"; readonly status: number }
  /** One request is forwarded, as stated. */
  | {
      readonly kind: "forwarded";
      readonly method: string;
      readonly target: string;
      readonly body: string;
      readonly gone: readonly string[];
      readonly kept: readonly (readonly [string, string])[];
      readonly trailers: readonly string[];
    };

export interface Http2Vector {
  readonly family: string;
  readonly name: string;
  readonly fields: FieldTexts;
  /** Payloads of its DATA frames; none: END_STREAM stands on HEADERS, or on the trailers. */
  readonly body: readonly string[];
  readonly trailers: FieldTexts | null;
  readonly outcome: Http2Outcome;
}

const vectors: Http2Vector[] = [];
let family = "";

interface Sent {
  readonly fields: FieldTexts;
  readonly body: readonly string[];
  readonly trailers: FieldTexts | null;
}

const target = "/seldon/prod/iris/v";

/** A POST without a body; `changes` replace pseudo headers (null: left out), `fields` follow. */
function list(changes: Readonly<Record<string, string | null>>, fields: FieldTexts = []): FieldTexts {
  const pseudo: Record<string, string | null> = {
    ":method": "POST",
    ":scheme": "http",
    ":authority": "gateway",
    ":path": target,
    ...changes,
  };
  return [...Object.entries(pseudo).filter((entry): entry is [string, string] => entry[1] !== null), ...fields];
}

function plain(...fields: FieldTexts): Sent {
  return { fields: list({}, fields), body: [], trailers: null };
}

function withPseudo(changes: Readonly<Record<string, string | null>>, ...fields: FieldTexts): Sent {
  return { fields: list(changes, fields), body: [], trailers: null };
}

function withBody(fields: FieldTexts, ...body: readonly string[]): Sent {
  return { fields: list({}, fields), body, trailers: null };
}

function add(name: string, sent: Sent, outcome: Http2Outcome): void {
  vectors.push({ family, name, ...sent, outcome });
}

function reset(name: string, sent: Sent, surplus = false): void {
  add(name, sent, { kind: "reset", surplus });
}

function refused(name: string, sent: Sent, status = 400): void {
  add(name, sent, { kind: "refused", status });
}

type Forwarded = Extract<Http2Outcome, { kind: "forwarded" }>;
const asSent: Forwarded = {
  kind: "forwarded",
  method: "POST",
  target: "/v",
  body: "",
  gone: [],
  kept: [],
  trailers: [],
};

function forwarded(name: string, sent: Sent, outcome: Partial<Forwarded> = {}): void {
  add(name, sent, { ...asSent, ...outcome });
}

const byteName = (byte: number): string => `0x${byte.toString(16).padStart(2, "0")}`;
const allBytes = Array.from({ length: 256 }, (_, byte) => byte);
const tokenBytes = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz";

family = "every byte in a name (RFC 9113 §8.2.1)";
for (const byte of allBytes) {
  const name = `a${String.fromCharCode(byte)}b`;
  if (tokenBytes.includes(name[1]!)) forwarded(byteName(byte), plain([name, "v"]), { kept: [[name, "v"]] });
  else reset(byteName(byte), plain([name, "v"]));
}

family = "every control byte, and some others, in a value";
for (const byte of allBytes) {
  const value = `a${String.fromCharCode(byte)}b`;
  if (byte === 9 || (byte >= 0x20 && byte !== 0x7f)) {
    if (byte % 16 === 0 || byte === 9) forwarded(byteName(byte), plain(["x-v", value]), { kept: [["x-v", value]] });
  } else {
    reset(byteName(byte), plain(["x-v", value]));
    reset(`${byteName(byte)} in :authority`, withPseudo({ ":authority": value }));
    reset(`${byteName(byte)} in :method`, withPseudo({ ":method": value }));
    reset(`${byteName(byte)} in :path`, withPseudo({ ":path": `${target}${value}` }));
    reset(`${byteName(byte)} in :scheme`, withPseudo({ ":scheme": `http${String.fromCharCode(byte)}` }));
  }
}
for (const space of [" ", "\t"]) {
  reset(`${JSON.stringify(space)} before a value`, plain(["x-v", `${space}v`]));
  reset(`${JSON.stringify(space)} behind a value`, plain(["x-v", `v${space}`]));
  reset(`${JSON.stringify(space)} alone`, plain(["x-v", space]));
}
forwarded("an empty value", plain(["x-v", ""]), { kept: [["x-v", ""]] });

family = "request splitting by fields";
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: gateway\r\n\r\n";
reset("CRLF and a request in a value", plain(["x-v", `v\r\n\r\n${smuggled}`]));
reset("CRLF and a field in a value", plain(["x-v", "v\r\ntransfer-encoding: chunked"]));
reset("LF and a field in a value", plain(["x-v", "v\ntransfer-encoding: chunked"]));
reset("CR and a field in a value", plain(["x-v", "v\rtransfer-encoding: chunked"]));
reset("a field in a name", plain(["x: v\r\ntransfer-encoding", "chunked"]));
reset("a colon that ends a name", plain(["transfer-encoding:", "chunked"]));
reset("a name with a space", plain(["transfer-encoding ", "chunked"]));
reset("an empty name", plain(["", "v"]));
reset("a name that is a colon", plain([":", "v"]));
reset("a request line in :path", withPseudo({ ":path": `${target} HTTP/1.1\r\nx: y\r\n\r\n${smuggled}` }));
refused("a version in :path", withPseudo({ ":path": `${target} HTTP/1.1` }));
reset("a request line in :method", withPseudo({ ":method": `GET ${target} HTTP/1.1\r\nx: y\r\n\r\nPOST` }));
reset("a path in :method", withPseudo({ ":method": "GET /smuggled" }));
reset("a field in :authority", withPseudo({ ":authority": "gateway\r\nx: y" }));
reset("a path in :authority", withPseudo({ ":authority": "gateway/smuggled" }));
reset("a request in :scheme", withPseudo({ ":scheme": `http://gateway/smuggled?` }));

family = "capitals (RFC 9113 §8.2.1)";
for (const name of ["Host", "Content-Length", "Transfer-Encoding", "X-Own", "tE", "coNnection", "SELDON"])
  reset(name, plain([name, "0"]));

family = "fields of the connection (RFC 9113 §8.2.2)";
for (const [name, value] of [
  ["connection", "close"],
  ["connection", "keep-alive"],
  ["connection", ""],
  ["connection", "seldon"],
  ["keep-alive", "timeout=5"],
  ["proxy-connection", "keep-alive"],
  ["transfer-encoding", "chunked"],
  ["transfer-encoding", "identity"],
  ["transfer-encoding", ""],
  ["transfer-encoding", "xchunked"],
  ["upgrade", "h2c"],
  ["upgrade", "websocket"],
  ["te", "gzip"],
  ["te", "trailers, gzip"],
  ["te", ""],
  ["te", "chunked"],
] as const)
  reset(`${name}: ${value}`, plain([name, value]));
reset(
  "transfer-encoding with a body",
  withBody([["transfer-encoding", "chunked"]], "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: gateway\r\n\r\n"),
);
forwarded("te: trailers", plain(["te", "trailers"]), { kept: [["te", "trailers"]] });
forwarded("te: Trailers", plain(["te", "Trailers"]), { kept: [["te", "trailers"]] });
for (const name of ["http2-settings", "proxy-authorization", "proxy-authenticate", "proxy-anything"])
  forwarded(name, plain([name, "v"]), { gone: [name] });

family = "twins of framing fields";
for (const name of [
  "content_length",
  "transfer_encoding",
  "proxy_connection",
  "x_forwarded_for",
  "x_envoy_internal",
  "http2_settings",
]) {
  forwarded(name, plain([name, name === "transfer_encoding" ? "chunked" : "5"]), {
    gone: [name, name.replaceAll("_", "-") === "x-forwarded-for" ? "x-none" : name.replaceAll("_", "-")],
  });
}

family = "what a client may not say about itself";
for (const name of [
  "x-forwarded-port",
  "x-forwarded-prefix",
  "forwarded",
  "x-real-ip",
  "x-envoy-internal",
  "x-envoy-original-dst-host",
  "x-original-url",
  "x-original-host",
]) {
  forwarded(name, plain([name, "spoof"]), { gone: [name] });
}
forwarded("x-forwarded-for", plain(["x-forwarded-for", "10.0.0.1"]), { kept: [["x-forwarded-for", "127.0.0.1"]] });
forwarded("x-forwarded-host", plain(["x-forwarded-host", "spoof"]), { kept: [["x-forwarded-host", "gateway"]] });
forwarded("x-envoy-original-path", plain(["x-envoy-original-path", "/spoof"]), {
  kept: [["x-envoy-original-path", target]],
});

family = "pseudo headers (RFC 9113 §8.3)";
for (const name of [":method", ":scheme", ":path", ":authority"]) {
  const value = (
    { ":method": "POST", ":scheme": "http", ":path": target, ":authority": "gateway" } as Record<string, string>
  )[name]!;
  reset(`${name} twice`, { fields: [[name, value], ...list({})], body: [], trailers: null });
  reset(`${name} twice and different`, { fields: [[name, `${value}x`], ...list({})], body: [], trailers: null });
  reset(`${name} behind a field`, {
    fields: [...list({ [name]: null }), ["x-v", "v"], [name, value]],
    body: [],
    trailers: null,
  });
  reset(`${name} again behind a field`, {
    fields: [...list({}), ["x-v", "v"], [name, value]],
    body: [],
    trailers: null,
  });
  reset(`${name} is empty`, withPseudo({ [name]: "" }));
  if (name !== ":authority") reset(`no ${name}`, withPseudo({ [name]: null }));
  reset(`${name} with a capital`, {
    fields: [[name.replace(/[a-z]/, (letter) => letter.toUpperCase()), value], ...list({ [name]: null })],
    body: [],
    trailers: null,
  });
}
reset(":status", withPseudo({ ":status": "200" }));
reset(":protocol, an extended CONNECT", withPseudo({ ":method": "CONNECT", ":protocol": "websocket" }));
reset("an unknown one", withPseudo({ ":own": "v" }));

family = ":method";
for (const method of ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE", "get", "M-SEARCH"])
  forwarded(method, withPseudo({ ":method": method }), { method });
refused("CONNECT", withPseudo({ ":method": "CONNECT" }), 405);
refused("TRACE", withPseudo({ ":method": "TRACE" }), 405);
refused("trace", withPseudo({ ":method": "trace" }), 405);
for (const method of ["GE T", "GET:", '"GET"', "GET/", "G\xc9T", " GET"])
  reset(JSON.stringify(method), withPseudo({ ":method": method }));

family = ":scheme";
for (const scheme of ["http", "https", "HTTP"]) forwarded(scheme, withPseudo({ ":scheme": scheme }));
for (const scheme of ["ftp", "httpx", "http:", "http/", "gopher", "*"])
  reset(scheme, withPseudo({ ":scheme": scheme }));

family = ":path";
for (const path of [
  "relative",
  "*",
  "seldon/prod/iris/v",
  "http://gateway/seldon/prod/iris/v",
  "?a=b",
  "@v",
  "\\seldon\\prod\\iris\\v",
])
  refused(JSON.stringify(path), withPseudo({ ":path": path }));
reset("a space at its end", withPseudo({ ":path": `${target} ` }));
for (const part of ["#", "#fragment", "\\", "%00", "a\\..\\b", "../../../../../up", "%2e%2e/../../../../up"])
  refused(`…/${part}`, withPseudo({ ":path": `/seldon/prod/iris/${part}` }));
for (const part of ["a b", "?a b", "?#", "?a#b"])
  refused(`…/${part}`, withPseudo({ ":path": `/seldon/prod/iris/v${part}` }));
for (const [path, forward] of [
  ["/seldon/prod/iris/./v", "/v"],
  ["/seldon/prod/./iris/v", "/v"],
  ["/seldon/prod/other/../iris/v", "/v"],
  ["/seldon/prod/other/%2e%2E/iris/v", "/v"],
  ["/seldon/prod/iris/%2e/v", "/v"],
  [`/seldon/prod/iris/./${"long/".repeat(20)}v?${"q".repeat(80)}`, `/${"long/".repeat(20)}v?${"q".repeat(80)}`],
  ["/seldon/prod/iris/a%2Fb", "/a%2Fb"],
  ["/seldon/prod/iris/a//b", "/a//b"],
  ["/seldon/prod/iris/m:predict", "/m:predict"],
  ["/seldon/prod/iris/v?a=../b", "/v?a=../b"],
  ["/seldon/prod/iris/%zz", "/%zz"],
  ["/seldon/prod/iris/v;p=1", "/v;p=1"],
  ["/seldon/prod/iris/%0d%0aX:y", "/%0d%0aX:y"],
  ["/seldon/prod/iris/\xc3\xa9", "/\xc3\xa9"],
  ["/seldon/prod/iris/v?", "/v?"],
] as const)
  forwarded(path.slice(0, 60), withPseudo({ ":path": path }), { target: forward });
for (const byte of allBytes.slice(0x21)) {
  if (byte === 0x7f || byte === 0x2e) continue;
  const path = `/seldon/prod/iris/a${String.fromCharCode(byte)}b`;
  if (byte === 0x23 || byte === 0x5c) refused(`${byteName(byte)} in it`, withPseudo({ ":path": path }));
  else
    forwarded(`${byteName(byte)} in it`, withPseudo({ ":path": path }), {
      target: path.slice("/seldon/prod/iris".length),
    });
}
for (const path of [
  "/",
  "/seldon/prod/iris",
  "//seldon/prod/iris/v",
  "/SELDON/prod/iris/v",
  "/seldon%2Fprod/iris/v",
  "/seldon/prod//iris/v",
])
  refused(`${path} has no route`, withPseudo({ ":path": path }), 404);

family = ":authority and Host (RFC 9113 §8.3.1)";
forwarded("Host alone", withPseudo({ ":authority": null }, ["host", "named"]), { kept: [["host", "named"]] });
forwarded("both, equal", plain(["host", "gateway"]), { kept: [["host", "gateway"]] });
forwarded("both, equal but for capitals", plain(["host", "GATEWAY"]), { kept: [["host", "GATEWAY"]] });
for (const host of ["other", "gateway.", "gateway:80", "gatewa", "gatewayx", ""])
  reset(`both, Host ${JSON.stringify(host)}`, plain(["host", host]));
reset("two Hosts", plain(["host", "gateway"], ["host", "gateway"]));
reset("two Hosts, no :authority", withPseudo({ ":authority": null }, ["host", "a"], ["host", "b"]));
reset("neither", withPseudo({ ":authority": null }));
for (const authority of [
  "user@gateway",
  "user:secret@gateway",
  "a b",
  "a,b",
  "a/b",
  "a?b",
  "a#b",
  "a\\b",
  ":80",
  "gateway:port",
  "gateway:99999",
  "[::1",
  "[not an address]",
  "http://gateway",
  '"gateway"',
  "<a>",
]) {
  reset(`:authority ${JSON.stringify(authority)}`, withPseudo({ ":authority": authority }));
  reset(`Host ${JSON.stringify(authority)}`, withPseudo({ ":authority": null }, ["host", authority]));
}
for (const authority of ["gateway:8080", "127.0.0.1", "[::1]:80", "under_score"])
  forwarded(authority, withPseudo({ ":authority": authority }), { kept: [["host", authority]] });

family = "content-length (RFC 9113 §8.1.1)";
for (const [length, body] of [
  ["5", ["hello"]],
  ["5", ["he", "llo"]],
  ["5", ["", "hello", ""]],
  ["0", [""]],
  ["0", []],
] as const) {
  forwarded(`${length} and ${JSON.stringify(body)}`, withBody([["content-length", length]], ...body), {
    body: body.join(""),
    kept: [["content-length", length]],
  });
}
forwarded("none, and a body", withBody([], "hello"), { body: "hello", kept: [["transfer-encoding", "chunked"]] });
forwarded("none, and no body", plain(), { gone: ["content-length", "transfer-encoding"] });
for (const [length, body] of [
  ["5", ["hell"]],
  ["5", ["hello!"]],
  ["5", ["hel", "lo!"]],
  ["5", []],
  ["5", [""]],
] as const) {
  reset(`${length} and ${JSON.stringify(body)}`, withBody([["content-length", length]], ...body));
}
for (const [length, body] of [
  ["0", ["x"]],
  ["1", ["x", "y"]],
  ["5", ["hello", "GET /smuggled HTTP/1.1\r\n\r\n"]],
] as const) {
  reset(`${length} and ${JSON.stringify(body)}`, withBody([["content-length", length]], ...body), true);
}
for (const length of [
  "",
  "+5",
  "-5",
  "5,5",
  "5, 5",
  "0x5",
  "5 ",
  "5.0",
  "5e0",
  "٥",
  "9007199254740992",
  "99999999999999999999",
  "five",
  "5;5",
])
  reset(JSON.stringify(length), withBody([["content-length", length]], "hello"));
reset(
  "twice",
  withBody(
    [
      ["content-length", "5"],
      ["content-length", "5"],
    ],
    "hello",
  ),
);
reset(
  "twice and different",
  withBody(
    [
      ["content-length", "5"],
      ["content-length", "6"],
    ],
    "hello",
  ),
);
forwarded("bytes that look like chunks", withBody([], "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: gateway\r\n\r\n"), {
  body: "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: gateway\r\n\r\n",
});
forwarded("bytes that look like a request", withBody([["content-length", String(smuggled.length)]], smuggled), {
  body: smuggled,
});

family = "trailers (RFC 9113 §8.1)";
const trailing = (trailers: FieldTexts, fields: FieldTexts = []): Sent => ({
  fields: list({}, fields),
  body: ["hello"],
  trailers,
});
forwarded("plain ones", trailing([["x-sum", "5"]]), { body: "hello", trailers: ["x-sum"] });
for (const name of [
  "content-length",
  "host",
  "authorization",
  "cookie",
  "seldon",
  "namespace",
  "x-forwarded-for",
  "x-envoy-internal",
  "content-encoding",
  "te",
  "expect",
  "trailer",
  "transfer-encoding",
  "connection",
  "upgrade",
  "content_length",
]) {
  forwarded(
    `${name} stays behind`,
    trailing([
      ["x-sum", "5"],
      [name, "1"],
    ]),
    { body: "hello", trailers: ["x-sum"] },
  );
}
for (const name of [":path", ":method", ":status", ":own"])
  reset(`${name} in trailers`, trailing([[name, "/smuggled"]]));
reset("a capital in trailers", trailing([["X-Sum", "5"]]));
reset("CRLF in trailers", trailing([["x-sum", "5\r\n\r\nGET /smuggled HTTP/1.1"]]));
reset("trailers before content-length is full", trailing([["x-sum", "5"]], [["content-length", "6"]]));
forwarded("trailers of a body with a length", trailing([["x-sum", "5"]], [["content-length", "5"]]), { body: "hello" });

family = "cookies (RFC 9113 §8.2.3)";
forwarded("in pieces", plain(["cookie", "a=1"], ["x-v", "v"], ["cookie", "b=2"], ["cookie", "c=3"]), {
  kept: [
    ["cookie", "a=1; b=2; c=3"],
    ["x-v", "v"],
  ],
});
forwarded("one", plain(["cookie", "a=1; b=2"]), { kept: [["cookie", "a=1; b=2"]] });
reset("CRLF in a piece", plain(["cookie", "a=1"], ["cookie", "b=2\r\nx: y"]));

family = "Expect";
refused("an unknown expectation", plain(["expect", "the worst"]), 417);
forwarded(
  "100-continue",
  withBody(
    [
      ["expect", "100-continue"],
      ["content-length", "5"],
    ],
    "hello",
  ),
  { body: "hello", gone: ["expect"] },
);

export const http2Corpus: readonly Http2Vector[] = vectors;
