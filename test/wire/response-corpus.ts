// The corpus of answers that a hostile or broken upstream gives: each is passed on as exactly one answer, or the client is told whose fault it
// is, and the upstream connection is never used again.

export interface ResponseVector {
  readonly family: string;
  readonly name: string;
  /** latin1 */
  readonly bytes: string;
  /** Sent as soon as the connection is open, before any request. */
  readonly early: boolean;
  /** What the upstream does after it. */
  readonly afterwards: "waits" | "ends" | "resets";
  readonly method: string;
  readonly outcome: ResponseOutcome;
}

export type ResponseOutcome =
  /** The gateway answers itself: 502 for what is no HTTP/1.1, 503 for what ended too soon. */
  | { readonly kind: "answered"; readonly status: number; readonly flag: string }
  /** The client sees that it is cut, once something of it has left. `malformed`: else it is told so by 502. */
  | { readonly kind: "cut"; readonly malformed: boolean }
  /** Passed on whole. `kept`: the upstream connection may be used again. */
  | {
      readonly kind: "passed";
      readonly status: number;
      readonly body: string;
      readonly kept: boolean;
      readonly gone: readonly string[];
      readonly trailers: string;
      readonly informational: readonly number[];
    };

const vectors: ResponseVector[] = [];
let family = "";

type Passed = Extract<ResponseOutcome, { kind: "passed" }>;
const passing: Passed = {
  kind: "passed",
  status: 200,
  body: "hello",
  kept: true,
  gone: [],
  trailers: "",
  informational: [],
};

function add(name: string, bytes: string, outcome: ResponseOutcome, how: Partial<ResponseVector>): void {
  vectors.push({ family, name, bytes, early: false, afterwards: "waits", method: "GET", ...how, outcome });
}

/** Malformed: 502, whatever the upstream does next. */
function bad(name: string, bytes: string, how: Partial<ResponseVector> = {}): void {
  add(name, bytes, { kind: "answered", status: 502, flag: "UPE" }, how);
}

/** Ends before its head is complete: 503. */
function lost(name: string, bytes: string, how: Partial<ResponseVector> = {}): void {
  for (const afterwards of ["ends", "resets"] as const)
    add(`${name}, and ${afterwards}`, bytes, { kind: "answered", status: 503, flag: "UC" }, { ...how, afterwards });
}

function cut(name: string, bytes: string, how: Partial<ResponseVector> = {}): void {
  add(name, bytes, { kind: "cut", malformed: false }, how);
}

/** Malformed behind its head: 502 where all of it comes in one read, a cut where the head has left already. */
function badLater(name: string, bytes: string): void {
  add(name, bytes, { kind: "cut", malformed: true }, {});
}

function passed(name: string, bytes: string, outcome: Partial<Passed> = {}, how: Partial<ResponseVector> = {}): void {
  add(name, bytes, { ...passing, ...outcome }, how);
}

const ok = "HTTP/1.1 200 OK\r\n";
const hello = "Content-Length: 5\r\n\r\nhello";
const chunkedField = "Transfer-Encoding: chunked\r\n";
const chunkedHello = "5\r\nhello\r\n0\r\n\r\n";
const forged = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged";

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}

family = "status lines";
for (const line of [
  "hello",
  "<html>hello</html>",
  "HTTP/0.9 200 OK",
  "HTTP/2 200 OK",
  "HTTP/2.0 200 OK",
  "HTTP/1 200 OK",
  "HTTP/1.10 200 OK",
  "HTTP/11 200 OK",
  "http/1.1 200 OK",
  "ICY 200 OK",
  "HTTPS/1.1 200 OK",
  " HTTP/1.1 200 OK",
  "\tHTTP/1.1 200 OK",
  "\r\nHTTP/1.1 200 OK",
  "\nHTTP/1.1 200 OK",
  "HTTP/1.1  200 OK",
  "HTTP/1.1\t200 OK",
  "HTTP/1.1200 OK",
  "HTTP/1.1 20 OK",
  "HTTP/1.1 2000 OK",
  "HTTP/1.1 099 OK",
  "HTTP/1.1 000 OK",
  "HTTP/1.1 600 OK",
  "HTTP/1.1 999 OK",
  "HTTP/1.1 abc OK",
  "HTTP/1.1 +20 OK",
  "HTTP/1.1 -20 OK",
  "HTTP/1.1 2 0 OK",
  "HTTP/1.1 200OK",
  "HTTP/1.1 200\tOK",
  "HTTP/1.1 200\x00OK",
  "HTTP/1.1 200 O\x00K",
  "HTTP/1.1 200 O\x01K",
  "HTTP/1.1 200 O\x7fK",
  "HTTP/1.1 200 O\rK",
  "HTTP/1.1 200 OK\r",
  "GET / HTTP/1.1",
  "PRI * HTTP/2.0",
  "\x00",
  "\x16\x03\x01\x02\x00",
  "\x00\x00\x04\x04\x00\x00\x00\x00\x00",
]) {
  bad(shown(line), `${line}\r\n${hello}`);
}
for (const [line, status] of [
  ["HTTP/1.1 200", 200],
  ["HTTP/1.1 200 ", 200],
  ["HTTP/1.1 200 OK\tfine \xe9", 200],
  ["HTTP/1.1 299 Odd", 299],
  ["HTTP/1.1 599 Odd", 599],
  ["HTTP/1.1 404 Not Found", 404],
  ["HTTP/1.3 200 OK", 200],
] as const)
  passed(shown(line), `${line}\r\n${hello}`, { status });
passed("HTTP/1.0", `HTTP/1.0 200 OK\r\n${hello}`, { kept: false });

family = "1xx answers";
for (const status of [102, 103, 110, 199])
  passed(`${status} before the answer`, `HTTP/1.1 ${status} Early\r\nX: 1\r\n\r\n${ok}${hello}`, {
    informational: [status],
  });
passed("100 is ours to say", `HTTP/1.1 100 Continue\r\n\r\n${ok}${hello}`);
passed("sixteen", `${"HTTP/1.1 103 Early\r\n\r\n".repeat(16)}${ok}${hello}`, {
  informational: Array.from({ length: 16 }, () => 103),
});
bad("seventeen", `${"HTTP/1.1 103 Early\r\n\r\n".repeat(17)}${ok}${hello}`);
bad("a thousand", "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000));
bad(
  "101 that nobody asked for",
  "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
);
bad("103 and then what is no answer", "HTTP/1.1 103 Early\r\n\r\nhello\r\n\r\n");
bad("103 with a length and a body", `HTTP/1.1 103 Early\r\nContent-Length: 5\r\n\r\nhello${ok}${hello}`);
passed("103 with a length, without a body", `HTTP/1.1 103 Early\r\nContent-Length: 5\r\n\r\n${ok}${hello}`, {
  informational: [103],
});
bad("103 framed twice", `HTTP/1.1 103 Early\r\nContent-Length: 5\r\n${chunkedField}\r\n${ok}${hello}`);
lost("103", "HTTP/1.1 103 Early\r\n\r\n");

family = "values of Content-Length";
for (const value of [
  "+5",
  "-5",
  "-1",
  "0x5",
  "5 5",
  "5,5",
  "5, 5",
  "5, 6",
  "5;",
  "5.0",
  '"5"',
  "",
  " ",
  "5\x0b",
  "\x0b5",
  "5\x00",
  "5\x7f",
  "5\xa0",
  "5a",
  ",5",
  "5,",
  "9007199254740992",
  "18446744073709551621",
  "9".repeat(400),
])
  bad(shown(value), `${ok}Content-Length: ${value}\r\n\r\nhello`);
for (const value of ["5", "05", " 5 ", "\t5"]) passed(shown(value), `${ok}Content-Length: ${value}\r\n\r\nhello`);
for (const [first, second] of [
  ["5", "5"],
  ["5", "6"],
  ["0", "5"],
  ["5", "0"],
  ["5", ""],
])
  bad(`${first} and ${second}`, `${ok}Content-Length: ${first}\r\nX: 1\r\ncontent-length: ${second}\r\n\r\nhello`);

family = "Transfer-Encoding";
for (const value of [
  "xchunked",
  "chunked, chunked",
  "gzip, chunked",
  "chunked, gzip",
  "identity",
  "gzip",
  "",
  '"chunked"',
  "chunked;a=b",
  "chunked,",
  ",chunked",
  "\x0bchunked",
  "chunked\x0b",
  "chunked\x00",
  "\xa0chunked",
  "chun ked",
])
  bad(shown(value), `${ok}Transfer-Encoding: ${value}\r\n\r\n${chunkedHello}`);
for (const value of ["chunked", "Chunked", " CHUNKED\t"])
  passed(shown(value), `${ok}Transfer-Encoding: ${value}\r\n\r\n${chunkedHello}`);
bad("twice", `${ok}${chunkedField}${chunkedField}\r\n${chunkedHello}`);
bad("with a length", `${ok}${chunkedField}Content-Length: 5\r\n\r\n${chunkedHello}`);
bad("after a length", `${ok}Content-Length: 5\r\n${chunkedField}\r\n${chunkedHello}`);
bad("in HTTP/1.0", `HTTP/1.0 200 OK\r\n${chunkedField}\r\n${chunkedHello}`);
bad("and a length, to HEAD", `${ok}${chunkedField}Content-Length: 5\r\n\r\n`, { method: "HEAD" });
bad("and a length, of 204", `HTTP/1.1 204 No Content\r\n${chunkedField}Content-Length: 5\r\n\r\n`);

family = "answers without a body";
passed("204", "HTTP/1.1 204 No Content\r\n\r\n", { status: 204, body: "" });
passed("204 with a length", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", {
  status: 204,
  body: "",
  gone: ["content-length"],
});
passed("204 with a coding", `HTTP/1.1 204 No Content\r\n${chunkedField}\r\n`, {
  status: 204,
  body: "",
  gone: ["transfer-encoding"],
});
passed("304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", { status: 304, body: "" });
passed("204 and a body", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", {
  status: 204,
  body: "",
  kept: false,
});
passed("204 and another answer", `HTTP/1.1 204 No Content\r\n\r\n${forged}`, { status: 204, body: "", kept: false });
passed("304 and a body", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", {
  status: 304,
  body: "",
  kept: false,
});
passed("304 and chunks", `HTTP/1.1 304 Not Modified\r\n${chunkedField}\r\n${chunkedHello}`, {
  status: 304,
  body: "",
  kept: false,
});
passed("HEAD", `${ok}Content-Length: 5\r\n\r\n`, { body: "" }, { method: "HEAD" });
passed("HEAD and a body", `${ok}${hello}`, { body: "", kept: false }, { method: "HEAD" });
passed(
  "HEAD and chunks",
  `${ok}${chunkedField}\r\n${chunkedHello}`,
  { body: "", kept: false, gone: ["transfer-encoding"] },
  { method: "HEAD" },
);
passed("length 0", `${ok}Content-Length: 0\r\n\r\n`, { body: "" });
passed("length 0 and a body", `${ok}Content-Length: 0\r\n\r\nhello`, { body: "", kept: false });

family = "defects of a field line";
for (const [name, value] of [
  ["Content-Length", "5"],
  ["Set-Cookie", "a=b"],
  ["X-Any", "1"],
] as const) {
  const other = name === "Content-Length" ? "" : "Content-Length: 5\r\n";
  for (const [defect, text] of [
    ["space before the colon", `${name} : ${value}`],
    ["tab before the colon", `${name}\t: ${value}`],
    ["space before the name", ` ${name}: ${value}`],
    ["NUL in the name", `${name}\x00: ${value}`],
    ["a letter above ASCII in the name", `${name}\xe9: ${value}`],
    ["no colon", `${name} ${value}`],
    ["nothing before the colon", `: ${value}`],
    ["NUL in the value", `${name}: ${value}\x00`],
    ["CR in the value", `${name}: ${value}\r${value}`],
    ["LF in the value", `${name}: ${value}\nX-Forged: 1`],
    ["a whole answer behind LF", `${name}: ${value}\n\nHTTP/1.1 200 OK`],
    ["CR CR LF", `${name}: ${value}\r`],
    ["bare LF before it", `X-Before: 1\n${name}: ${value}`],
    ["folded by a space", `${name}:\r\n ${value}`],
    ["folded by a tab", `${name}: ${value}\r\n\t${value}`],
  ] as const) {
    bad(`${name}: ${defect}`, `${ok}${other}${text}\r\n\r\nhello`);
  }
}

family = "control bytes in values";
for (let byte = 0; byte <= 0x1f; byte++)
  if (byte !== 0x09) bad(`0x${byte.toString(16)}`, `${ok}X: a${String.fromCharCode(byte)}b\r\n${hello}`);
bad("0x7f", `${ok}X: a\x7fb\r\n${hello}`);

family = "ends of lines";
bad("LF after the status line", `HTTP/1.1 200 OK\n${hello}`);
bad("LF everywhere", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello");
bad("LF for the blank line", `${ok}Content-Length: 5\r\n\nhello`);
bad("CR everywhere", "HTTP/1.1 200 OK\rContent-Length: 5\r\rhello");
bad("CR for the blank line", `${ok}Content-Length: 5\r\n\rhello`);

family = "fields that end here";
for (const [name, value] of [
  ["Keep-Alive", "timeout=5"],
  ["Proxy-Connection", "keep-alive"],
  ["Proxy-Authenticate", "Basic"],
  ["Upgrade", "h2c"],
  ["TE", "x"],
  ["Trailer", "x-sum"],
  ["X-Envoy-Internal", "1"],
  ["X-Envoy-Overloaded", "true"],
  ["Content_Length", "3"],
  ["Transfer_Encoding", "chunked"],
  ["HTTP2-Settings", "AAAA"],
] as const) {
  passed(name, `${ok}${name}: ${value}\r\n${hello}`, { gone: [name.toLowerCase()] });
}
passed("what Connection names", `${ok}X-One: 1\r\nConnection: x-one\r\n${hello}`, { gone: ["x-one", "connection"] });
passed("close", `${ok}Connection: close\r\n${hello}`, { kept: false, gone: ["connection"] });
for (const value of ["content-length", "transfer-encoding", "host", "set-cookie", "x-envoy-internal", "close;x", "a b"])
  bad(`Connection: ${value}`, `${ok}Connection: ${value}\r\n${hello}`);

family = "chunks";
for (const body of [
  "\r\nhello\r\n0\r\n\r\n",
  "x\r\nhello\r\n0\r\n\r\n",
  "+5\r\nhello\r\n0\r\n\r\n",
  "0x5\r\nhello\r\n0\r\n\r\n",
  "5 \r\nhello\r\n0\r\n\r\n",
  "5\nhello\r\n0\r\n\r\n",
  "5\r\nhello\n0\r\n\r\n",
  "5\r\nhello0\r\n\r\n",
  "5\r\nhelloo\r\n0\r\n\r\n",
  "6\r\nhello\r\n0\r\n\r\n",
  "5;a\nb\r\nhello\r\n0\r\n\r\n",
  `5;${"e".repeat(300)}\r\nhello\r\n0\r\n\r\n`,
  "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
  "5\r\nhello\r\n0\n\r\n",
  "5\r\nhello\r\n0\r\n\n",
  "5\r\nhello\r\n0\r\nX : 1\r\n\r\n",
  "5\r\nhello\r\n0\r\nX\r\n\r\n",
  "5\r\nhello\r\n0\r\nX: \x00\r\n\r\n",
  "5\r\nhello\r\n0\r\nX: 1\r\n 2\r\n\r\n",
  `5\r\nhello\r\n0\r\n${forged}`,
  `5\r\nhello\r\n0\r\nX: ${"a".repeat(9000)}\r\n\r\n`,
]) {
  badLater(`malformed: ${shown(body)}`, `${ok}${chunkedField}\r\n${body}`);
}
for (const body of [
  "5;a=b\r\nhello\r\n0\r\n\r\n",
  "0005\r\nhello\r\n000\r\n\r\n",
  "2\r\nhe\r\n3\r\nllo\r\n0;x\r\n\r\n",
])
  passed(shown(body), `${ok}${chunkedField}\r\n${body}`);
for (const name of [
  "Content-Length",
  "Transfer-Encoding",
  "Set-Cookie",
  "Location",
  "Connection",
  "Content-Type",
  "X-Envoy-Internal",
  "Content_Length",
  "Cache-Control",
  "Date",
])
  passed(`the trailer ${name} is forged`, `${ok}${chunkedField}\r\n5\r\nhello\r\n0\r\n${name}: 1\r\nX-Sum: 7\r\n\r\n`, {
    trailers: "X-Sum: 7\r\n",
  });

family = "what follows an answer";
for (const [name, rest] of [
  ["a byte", "X"],
  ["a line end", "\r\n"],
  ["another answer", forged],
  ["a 1xx answer", "HTTP/1.1 103 Early\r\n\r\n"],
  ["half an answer", "HTTP/1.1 200 OK\r\nContent-"],
  ["NUL", "\x00"],
  ["a last chunk", "0\r\n\r\n"],
  ["a hundred answers", forged.repeat(100)],
] as const) {
  passed(`of a length: ${name}`, `${ok}${hello}${rest}`, { kept: false });
  passed(`of chunks: ${name}`, `${ok}${chunkedField}\r\n${chunkedHello}${rest}`, { kept: false });
}

family = "ends too soon";
lost("nothing", "");
for (const part of [
  "H",
  "HTTP/1.1",
  "HTTP/1.1 200 OK",
  ok,
  `${ok}Content-Le`,
  `${ok}Content-Length: 5\r\n`,
  `${ok}Content-Length: 5\r\n\r`,
])
  lost(shown(part), part);
for (const afterwards of ["ends", "resets"] as const) {
  cut(`no body, and ${afterwards}`, `${ok}Content-Length: 5\r\n\r\n`, { afterwards });
  cut(`half a body, and ${afterwards}`, `${ok}Content-Length: 5\r\n\r\nhe`, { afterwards });
  cut(`chunks without a body, and ${afterwards}`, `${ok}${chunkedField}\r\n`, { afterwards });
  cut(`half a chunk, and ${afterwards}`, `${ok}${chunkedField}\r\n5\r\nhe`, { afterwards });
  cut(`no last chunk, and ${afterwards}`, `${ok}${chunkedField}\r\n5\r\nhello\r\n`, { afterwards });
  cut(`no last line, and ${afterwards}`, `${ok}${chunkedField}\r\n5\r\nhello\r\n0\r\n`, { afterwards });
  cut(`half a trailer, and ${afterwards}`, `${ok}${chunkedField}\r\n5\r\nhello\r\n0\r\nX: `, { afterwards });
  passed(`whole, and ${afterwards}`, `${ok}${hello}`, { kept: false }, { afterwards: "ends" });
}
passed("a body whose end is the connection's", `${ok}\r\nhello`, { kept: false }, { afterwards: "ends" });
passed("and in HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nhello", { kept: false }, { afterwards: "ends" });
passed(
  "what looks like a second answer is its body",
  `${ok}\r\n${forged}`,
  { body: forged, kept: false },
  { afterwards: "ends" },
);
cut("a body whose end is a reset", `${ok}\r\nhello`, { afterwards: "resets" });

family = "before it was asked";
passed("an answer", `${ok}${hello}`, { kept: false }, { early: true, afterwards: "ends" });
passed("an answer and another", `${ok}${hello}${forged}`, { kept: false }, { early: true });
bad("what is no answer", "hello\r\n\r\n", { early: true });
bad("a greeting of another protocol", "220 mail.example ESMTP\r\n", { early: true });
bad("1xx without an end", "HTTP/1.1 103 Early\r\n\r\n".repeat(40), { early: true });

family = "sizes";
const roomy = (bytes: number): string => {
  const start = `${ok}Content-Length: 5\r\nX: `;
  return `${start}${"a".repeat(bytes - start.length - 4)}\r\n\r\nhello`;
};
passed("a head of 61,439 bytes", roomy(60 * 1024 - 1));
passed("a head of 61,440 bytes", roomy(60 * 1024));
bad("a head of 61,441 bytes", roomy(60 * 1024 + 1));
bad("a head that never ends", `${ok}X: ${"a".repeat(100_000)}`);
bad("a reason that never ends", `HTTP/1.1 200 ${"a".repeat(100_000)}`);
const fields = (count: number): string => `${ok}Content-Length: 5\r\n${"x: 1\r\n".repeat(count - 1)}\r\nhello`;
passed("1023 fields", fields(1023));
passed("1024 fields", fields(1024));
bad("1025 fields", fields(1025));

export const responseCorpus: readonly ResponseVector[] = vectors;
