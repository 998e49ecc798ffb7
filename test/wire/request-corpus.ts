// The corpus of requests that proxies and servers have understood in two ways, written from RFC 9110, RFC 9112 and the public classes of
// desynchronisation. Families are generated: each defect meets each field that it can spoil.

/** What must become of a vector. */
export type Outcome =
  /** `before` requests of it are forwarded, then one answer of 4xx (`status`) and the end. */
  | { readonly kind: "refused"; readonly status: number; readonly before: number }
  /** Every request is forwarded; of the first, body and target are as stated, and fields and trailers are gone or kept. */
  | {
      readonly kind: "forwarded";
      readonly requests: number;
      readonly method: string;
      readonly target: string;
      readonly body: string;
      readonly gone: readonly string[];
      readonly kept: readonly (readonly [string, string])[];
      readonly trailers: readonly string[];
      readonly closes: boolean;
    }
  /** The client ends in the middle: nothing complete is forwarded. */
  | { readonly kind: "unfinished" };

export interface Vector {
  readonly family: string;
  readonly name: string;
  /** latin1 */
  readonly bytes: string;
  readonly outcome: Outcome;
}

const vectors: Vector[] = [];
let family = "";

function refused(name: string, bytes: string, status = 400, before = 0): void {
  vectors.push({ family, name, bytes, outcome: { kind: "refused", status, before } });
}

type Forwarded = Extract<Outcome, { kind: "forwarded" }>;
const plain: Forwarded = {
  kind: "forwarded",
  requests: 1,
  method: "POST",
  target: "/v",
  body: "",
  gone: [],
  kept: [],
  trailers: [],
  closes: false,
};

function forwarded(name: string, bytes: string, outcome: Partial<Forwarded> = {}): void {
  vectors.push({ family, name, bytes, outcome: { ...plain, ...outcome } });
}

function unfinished(name: string, bytes: string): void {
  vectors.push({ family, name, bytes, outcome: { kind: "unfinished" } });
}

const line = "POST /seldon/prod/iris/v HTTP/1.1";

/** A POST with these field lines (each with its CRLF) and what follows the head. */
function post(fields: string, rest = ""): string {
  return `${line}\r\nHost: gateway\r\n${fields}\r\n${rest}`;
}

function get(target: string, fields = "", method = "GET"): string {
  return `${method} ${target} HTTP/1.1\r\nHost: gateway\r\n${fields}\r\n`;
}

const chunkedField = "Transfer-Encoding: chunked\r\n";
const chunkedHello = "5\r\nhello\r\n0\r\n\r\n";

function chunked(body: string): string {
  return post(chunkedField, body);
}

/** What a desynchronised server would take for a request. */
const smuggled = "GET /seldon/prod/iris/smuggled HTTP/1.1\r\nHost: gateway\r\n\r\n";

/** Bytes in a message, for people. */
function shown(text: string): string {
  return JSON.stringify(text);
}

family = "values of Content-Length";
for (const value of [
  "+5",
  "-5",
  "-0",
  "+0",
  "0x5",
  "5 5",
  "5,5",
  "5, 5",
  "5,6",
  "5;5",
  "5.0",
  "5e0",
  '"5"',
  "'5'",
  "",
  " ",
  "5\x0b",
  "\x0b5",
  "5\x0c",
  "5\x00",
  "\x005",
  "5\x7f",
  "5\xa0",
  "\xa05",
  "\xb2",
  "5_",
  "5,",
  ",5",
  ",",
  "5a",
  "a",
  "０",
  "9007199254740992",
  "18446744073709551621",
  "4294967301x",
  `${"0".repeat(16)}5`,
  "1".repeat(400),
]) {
  refused(shown(value.slice(0, 30)), post(`Content-Length: ${value}\r\n`, "hello"));
}
for (const value of ["5", "05", "0000000000000005", " 5", "5 ", "\t5\t"])
  forwarded(shown(value), post(`Content-Length: ${value}\r\n`, "hello"), { body: "hello" });

family = "more than one Content-Length";
for (const [first, second] of [
  ["5", "5"],
  ["5", "6"],
  ["6", "5"],
  ["0", "5"],
  ["5", "0"],
  ["5", ""],
  ["", "5"],
  ["5", "+5"],
  ["5", "5, 5"],
]) {
  refused(`${first} and ${second}`, post(`Content-Length: ${first}\r\nContent-Length: ${second}\r\n`, "hello"));
  refused(
    `${first} and ${second}, apart and in other case`,
    post(`content-length: ${first}\r\nX-Between: 1\r\nCONTENT-LENGTH: ${second}\r\n`, "hello"),
  );
}

family = "values of Transfer-Encoding";
for (const value of [
  "xchunked",
  "chunkedx",
  "chunk",
  "chunked, chunked",
  "chunked,chunked",
  "chunked chunked",
  "gzip, chunked",
  "chunked, gzip",
  "identity",
  "chunked, identity",
  "identity, chunked",
  '"chunked"',
  "'chunked'",
  "chunked;a=b",
  "chunked;",
  ";chunked",
  "chunked,",
  ",chunked",
  ", chunked",
  "chunked ,",
  "chunked, ",
  "\x0bchunked",
  "chunked\x0b",
  "\x0cchunked",
  "\x00chunked",
  "chunked\x00",
  "chun\x00ked",
  "\x7fchunked",
  "\xa0chunked",
  "chunked\x85",
  "chunked\xa0",
  "cow",
  "gzip",
  "deflate",
  "compress",
  "trailers",
  "",
  "(a)chunked",
  "chunked=1",
  "[chunked]",
  "chunked\r chunked",
  "chun\tked",
]) {
  refused(shown(value), post(`Transfer-Encoding: ${value}\r\n`, chunkedHello));
}
for (const value of ["chunked", "Chunked", "CHUNKED", "cHuNkEd", " chunked ", "\tchunked\t", "  \t chunked"])
  forwarded(shown(value), post(`Transfer-Encoding: ${value}\r\n`, chunkedHello), { body: "hello" });

family = "Transfer-Encoding twice (TE.TE)";
for (const first of ["chunked", "identity", "xchunked", "gzip", ""]) {
  for (const second of ["chunked", "Chunked", "cow"])
    refused(
      `${shown(first)} and ${shown(second)}`,
      post(`Transfer-Encoding: ${first}\r\nTransfer-encoding: ${second}\r\n`, chunkedHello),
    );
}

family = "both framings (CL.TE, TE.CL)";
for (const length of [
  "0",
  "4",
  "6",
  "5, 5",
  String(chunkedHello.length),
  String(chunkedHello.length + smuggled.length),
]) {
  refused(`length ${length} first`, post(`Content-Length: ${length}\r\n${chunkedField}`, chunkedHello + smuggled));
  refused(`length ${length} last`, post(`${chunkedField}Content-Length: ${length}\r\n`, chunkedHello + smuggled));
}
for (const coding of ["identity", "xchunked", "CHUNKED", " chunked", "chunked\x0b"])
  refused(
    `length and ${shown(coding)}`,
    post(`Content-Length: 6\r\nTransfer-Encoding: ${coding}\r\n`, `0\r\n\r\n${smuggled}`),
  );
refused(
  "chunked in HTTP/1.0",
  `POST /seldon/prod/iris/v HTTP/1.0\r\nHost: gateway\r\n${chunkedField}\r\n${chunkedHello}`,
);
refused(
  "chunked in HTTP/1.0 and kept alive",
  `POST /seldon/prod/iris/v HTTP/1.0\r\nHost: gateway\r\nConnection: keep-alive\r\n${chunkedField}\r\n${chunkedHello}`,
);

family = "lengths that a server ignores (CL.0, 0.CL)";
for (const method of ["GET", "HEAD", "OPTIONS", "DELETE", "PUT", "PATCH", "POST", "PROPFIND", "get"]) {
  const start = `${method} /seldon/prod/iris/v HTTP/1.1\r\nHost: gateway\r\n`;
  forwarded(
    `${method} whose body looks like a request`,
    `${start}Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
    { method, body: smuggled },
  );
  forwarded(
    `${method} whose chunk looks like a request`,
    `${start}${chunkedField}\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
    { method, body: smuggled },
  );
}
forwarded(
  "length 0 and a request behind it: two requests",
  post("Content-Length: 0\r\n", get("/seldon/prod/iris/second")),
  { requests: 2 },
);
forwarded("no length and a request behind it: two requests", post("", get("/seldon/prod/iris/second")), {
  requests: 2,
});
refused("length 0 and bytes behind it", post("Content-Length: 0\r\n", "X\r\n\r\n"), 400, 1);
refused("no length and bytes behind it", post("", "hello there\r\n\r\n"), 400, 1);
refused("a body longer than its length", post("Content-Length: 4\r\n", "hello\r\n\r\n"), 400, 1);

family = "defects of a field line";
for (const [name, value, rest] of [
  ["Content-Length", "5", "hello"],
  ["Transfer-Encoding", "chunked", chunkedHello],
  ["Host", "other", ""],
  ["X-Any", "1", ""],
] as const) {
  const spoiled: readonly (readonly [string, string])[] = [
    ["space before the colon", `${name} : ${value}`],
    ["tab before the colon", `${name}\t: ${value}`],
    ["vertical tab before the colon", `${name}\x0b: ${value}`],
    ["NUL before the colon", `${name}\x00: ${value}`],
    ["CR before the colon", `${name}\r: ${value}`],
    ["LF before the colon", `${name}\n: ${value}`],
    ["space before the name", ` ${name}: ${value}`],
    ["tab before the name", `\t${name}: ${value}`],
    ["NUL in the name", `${name.slice(0, 2)}\x00${name.slice(2)}: ${value}`],
    ["space in the name", `${name.slice(0, 2)} ${name.slice(2)}: ${value}`],
    ["a letter above ASCII in the name", `${name}\xe9: ${value}`],
    ["DEL in the name", `${name}\x7f: ${value}`],
    ["quotes around the name", `"${name}": ${value}`],
    ["brackets in the name", `${name}[]: ${value}`],
    ["a slash in the name", `${name}/1: ${value}`],
    ["a comma in the name", `${name},${name}: ${value}`],
    ["an at sign in the name", `@${name}: ${value}`],
    ["no colon", `${name} ${value}`],
    ["nothing before the colon", `: ${value}`],
    ["NUL before the value", `${name}:\x00${value}`],
    ["NUL after the value", `${name}: ${value}\x00`],
    ["CR in the value", `${name}: ${value}\r${value}`],
    ["LF in the value", `${name}: ${value}\nX-Next: 1`],
    ["CR CR LF after the value", `${name}: ${value}\r`],
    ["bare LF after the line before", `X-Before: 1\n${name}: ${value}`],
    ["bare CR after the line before", `X-Before: 1\r${name}: ${value}`],
    ["folded before the value", `${name}:\r\n ${value}`],
    ["folded by a tab", `${name}:\r\n\t${value}`],
    ["folded after the value", `${name}: ${value}\r\n ${value}`],
    ["folded into the line before", `X-Before: 1\r\n ${name}: ${value}`],
  ];
  for (const [defect, text] of spoiled) refused(`${name}: ${defect}`, post(`${text}\r\n`, rest));
}
refused("the first line is folded", `${line}\r\n Host: gateway\r\nHost: gateway\r\n\r\n`);
refused("a line of spaces alone", post(" \r\n"));
refused("a line that is a word", post("garbage\r\n"));
forwarded("a field without a value", post("X-Empty:\r\nX-Blank: \t \r\n"), {
  kept: [
    ["x-empty", ""],
    ["x-blank", ""],
  ],
});
forwarded("no space after the colon", post("X-Close:1\r\nContent-Length:5\r\n", "hello"), {
  body: "hello",
  kept: [["x-close", "1"]],
});

family = "control bytes in values";
for (let byte = 0; byte <= 0x1f; byte++)
  if (byte !== 0x09) refused(`0x${byte.toString(16)}`, post(`X-Any: a${String.fromCharCode(byte)}b\r\n`));
refused("0x7f", post("X-Any: a\x7fb\r\n"));
forwarded("tab and bytes above ASCII pass as they are", post("X-Any: a\tb \x80\xff\r\n"), {
  kept: [["x-any", "a\tb \x80\xff"]],
});

family = "ends of lines";
refused("LF after the request line", `${line}\nHost: gateway\r\n\r\n`);
refused("LF after Host", `${line}\r\nHost: gateway\n\r\n`);
refused("LF for the blank line", `${line}\r\nHost: gateway\r\n\n`);
refused("LF everywhere", `${line}\nHost: gateway\nContent-Length: 0\n\n`);
refused("CR everywhere", `${line}\rHost: gateway\r\r`);
refused("LF CR", `${line}\n\rHost: gateway\n\r\n\r`);
refused("CR CR LF after the request line", `${line}\r\r\nHost: gateway\r\n\r\n`);
refused("CR for the blank line", `${line}\r\nHost: gateway\r\n\rX`);
refused("CR CR LF for the blank line", `${line}\r\nHost: gateway\r\n\r\r\n`);
refused("LF before the request", `\n${get("/seldon/prod/iris/v")}`);
refused("two empty lines before the request", `\r\n\r\n${get("/seldon/prod/iris/v")}`);
refused("a space before the request", ` ${get("/seldon/prod/iris/v")}`);
refused("CR alone before the request", `\r${get("/seldon/prod/iris/v")}`);
forwarded("one empty line before the request", `\r\n${get("/seldon/prod/iris/v")}`, { method: "GET" });

family = "the request line";
for (const [name, text] of [
  ["HTTP/0.9", "GET /seldon/prod/iris/v"],
  ["HTTP/0.9 by its number", "GET /seldon/prod/iris/v HTTP/0.9"],
  ["HTTP/1.2", "GET /seldon/prod/iris/v HTTP/1.2"],
  ["HTTP/1.9", "GET /seldon/prod/iris/v HTTP/1.9"],
  ["HTTP/1.10", "GET /seldon/prod/iris/v HTTP/1.10"],
  ["HTTP/01.1", "GET /seldon/prod/iris/v HTTP/01.1"],
  ["HTTP/2", "GET /seldon/prod/iris/v HTTP/2"],
  ["HTTP/2.0", "GET /seldon/prod/iris/v HTTP/2.0"],
  ["HTTP/3.0", "GET /seldon/prod/iris/v HTTP/3.0"],
  ["HTTP/1", "GET /seldon/prod/iris/v HTTP/1"],
  ["HTTP/1.", "GET /seldon/prod/iris/v HTTP/1."],
  ["HTTP/.1", "GET /seldon/prod/iris/v HTTP/.1"],
  ["HTTP/1,1", "GET /seldon/prod/iris/v HTTP/1,1"],
  ["HTTP/1.1x", "GET /seldon/prod/iris/v HTTP/1.1x"],
  ["HTTP/-1.1", "GET /seldon/prod/iris/v HTTP/-1.1"],
  ["http/1.1", "GET /seldon/prod/iris/v http/1.1"],
  ["HTTP /1.1", "GET /seldon/prod/iris/v HTTP /1.1"],
  ["HTTPS/1.1", "GET /seldon/prod/iris/v HTTPS/1.1"],
  ["ICY/1.1", "GET /seldon/prod/iris/v ICY/1.1"],
  ["a space behind the version", "GET /seldon/prod/iris/v HTTP/1.1 "],
  ["a tab behind the version", "GET /seldon/prod/iris/v HTTP/1.1\t"],
  ["NUL behind the version", "GET /seldon/prod/iris/v HTTP/1.1\x00"],
  ["two versions", "GET /seldon/prod/iris/v HTTP/1.1 HTTP/1.1"],
  ["two spaces before the target", "GET  /seldon/prod/iris/v HTTP/1.1"],
  ["two spaces before the version", "GET /seldon/prod/iris/v  HTTP/1.1"],
  ["tabs", "GET\t/seldon/prod/iris/v\tHTTP/1.1"],
  ["a vertical tab", "GET\x0b/seldon/prod/iris/v HTTP/1.1"],
  ["no target", "GET HTTP/1.1"],
  ["an empty target", "GET  HTTP/1.1"],
  ["no method", "/seldon/prod/iris/v HTTP/1.1"],
  ["an empty method", " /seldon/prod/iris/v HTTP/1.1"],
  ["NUL in the method", "GE\x00T /seldon/prod/iris/v HTTP/1.1"],
  ["a method in brackets", "(GET) /seldon/prod/iris/v HTTP/1.1"],
  ["a method with a slash", "GET/ /seldon/prod/iris/v HTTP/1.1"],
  ["a method with a colon", "GET: /seldon/prod/iris/v HTTP/1.1"],
  ["a method with quotes", '"GET" /seldon/prod/iris/v HTTP/1.1'],
  ["a method above ASCII", "G\xcbT /seldon/prod/iris/v HTTP/1.1"],
  ["a space in the target", "GET /seldon/prod/iris/v /admin HTTP/1.1"],
  ["a whole head in the target", "GET /seldon/prod/iris/v\rHost:a HTTP/1.1"],
] as const) {
  refused(name, `${text}\r\nHost: gateway\r\n\r\n`);
}
refused("CONNECT", "CONNECT gateway:80 HTTP/1.1\r\nHost: gateway:80\r\n\r\n", 405);
refused("CONNECT with a path", get("/seldon/prod/iris/v", "", "CONNECT"), 405);
refused("TRACE", get("/seldon/prod/iris/v", "", "TRACE"), 405);
refused("trace", get("/seldon/prod/iris/v", "", "trace"), 405);
refused("a status line", "HTTP/1.1 200 OK\r\nHost: gateway\r\n\r\n");
refused("a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n");
forwarded("an unknown method", get("/seldon/prod/iris/v", "", "BREW"), { method: "BREW" });
forwarded("a method of odd bytes", get("/seldon/prod/iris/v", "", "!#$%&'*+-.^_`|~"), { method: "!#$%&'*+-.^_`|~" });
forwarded("HTTP/1.0", "GET /seldon/prod/iris/v HTTP/1.0\r\nHost: gateway\r\n\r\n", { method: "GET", closes: true });
forwarded(
  "HTTP/1.0 kept alive",
  "GET /seldon/prod/iris/v HTTP/1.0\r\nHost: gateway\r\nConnection: keep-alive\r\n\r\n",
  { method: "GET" },
);

family = "the target";
for (let byte = 0; byte <= 0x20; byte++)
  refused(`byte 0x${byte.toString(16)}`, get(`/seldon/prod/iris/v${String.fromCharCode(byte)}w`));
for (const target of [
  "/seldon/prod/iris/v\x7f",
  "/seldon/prod/iris/v#f",
  "/seldon/prod/iris/#",
  "/seldon/prod/iris/v?a#f",
  "/seldon/prod/iris/a\\b",
  "/seldon/prod/iris/..\\v",
  "\\seldon\\prod\\iris\\v",
  "/seldon/prod/iris/v%00",
  "/seldon/prod/iris/%00/v",
  "*",
  "seldon/prod/iris/v",
  "./v",
  "?v",
  "#",
  "/../v",
  "/..",
  "/%2e%2e/v",
  "/.%2E/v",
  "/a/../../v",
  "/seldon/../../v",
  "/seldon/prod/iris/../../../../v",
  "/./../v",
  "/%2e/%2e%2e/v",
]) {
  refused(shown(target), get(target));
}
for (const [target, canonical] of [
  ["/seldon/prod/iris/./v", "/v"],
  ["/seldon/prod/iris/a/../v", "/v"],
  ["/seldon/prod/iris/a/%2e%2e/v", "/v"],
  ["/seldon/prod/iris/a/.%2E/./%2e/v", "/v"],
  ["/seldon/prod/other/../iris/v", "/v"],
  ["/x/../seldon/prod/iris/v", "/v"],
  ["/seldon/prod/iris/a/..", "/"],
  ["/seldon/prod/iris/a/.", "/a/"],
  ["/seldon/prod/iris//v", "//v"],
  ["/seldon/prod/iris/a%2fb", "/a%2fb"],
  ["/seldon/prod/iris/..%2f..%2fv", "/..%2f..%2fv"],
  ["/seldon/prod/iris/%252e%252e/v", "/%252e%252e/v"],
  ["/seldon/prod/iris/...", "/..."],
  ["/seldon/prod/iris/..v", "/..v"],
  ["/seldon/prod/iris/m:predict", "/m:predict"],
  ["/seldon/prod/iris/v?x=/../y", "/v?x=/../y"],
  ["/seldon/prod/iris/a/../v?x=%00", "/v?x=%00"],
  ["/seldon/prod/iris/v?", "/v?"],
  ["/seldon/prod/iris/%c0%ae%c0%ae/v", "/%c0%ae%c0%ae/v"],
  ["/seldon/prod/iris/%", "/%"],
] as const) {
  forwarded(shown(target), get(target), { method: "GET", target: canonical });
}

family = "a path that leaves its Route is decided by where it leads";
for (const target of [
  "/seldon/prod/iris/../other/v",
  "/seldon/prod/iris/%2e%2e/other/v",
  "/seldon/prod/iris/..",
  "/seldon/prod/iris/../../prod/other",
]) {
  refused(shown(target), get(target, "Connection: close\r\n"), 404);
}

family = "absolute form";
for (const [target, host] of [
  ["http://other/seldon/prod/iris/v", "gateway"],
  ["http://gateway:80/seldon/prod/iris/v", "gateway"],
  ["http://gateway/seldon/prod/iris/v", "gateway:80"],
  ["http://user@gateway/seldon/prod/iris/v", "gateway"],
  ["http://gateway@other/seldon/prod/iris/v", "gateway"],
  ["http://gateway.other/seldon/prod/iris/v", "gateway"],
  ["http://gatewa/seldon/prod/iris/v", "gateway"],
  ["http:///seldon/prod/iris/v", "gateway"],
  ["http:/seldon/prod/iris/v", "gateway"],
  ["http:seldon/prod/iris/v", "gateway"],
  ["http://gateway", "gateway"],
  ["http://gateway?x", "gateway"],
  ["http://gateway\\/seldon/prod/iris/v", "gateway"],
  ["ftp://gateway/seldon/prod/iris/v", "gateway"],
  ["gateway:80", "gateway:80"],
  ["http://gateway/../v", "gateway"],
  ["http://http://gateway/seldon/prod/iris/v", "gateway"],
] as const) {
  refused(`${shown(target)} for ${host}`, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
}
refused("absolute form without Host", "GET http://gateway/seldon/prod/iris/v HTTP/1.1\r\n\r\n");
forwarded("absolute form that agrees", "GET http://gateway/seldon/prod/iris/v HTTP/1.1\r\nHost: gateway\r\n\r\n", {
  method: "GET",
  kept: [["host", "gateway"]],
});
forwarded("absolute form in other case", "GET HTTPS://GateWay/seldon/prod/iris/v HTTP/1.1\r\nHost: gateway\r\n\r\n", {
  method: "GET",
  kept: [["host", "gateway"]],
});
forwarded("absolute form with dots", "GET http://gateway/seldon/prod/iris/a/../v HTTP/1.1\r\nHost: gateway\r\n\r\n", {
  method: "GET",
});

family = "Host";
const hostless = "GET /seldon/prod/iris/v HTTP/1.1\r\n";
refused("none", `${hostless}\r\n`);
const hostless10 = "GET /seldon/prod/iris/v HTTP/1.0\r\n";
forwarded("none in HTTP/1.0", `${hostless10}\r\n`, {
  method: "GET",
  kept: [
    ["host", "iris.prod"],
    ["x-forwarded-for", "127.0.0.1"],
  ],
  gone: ["x-forwarded-host"],
  closes: true,
});
forwarded("none in HTTP/1.0 that is kept alive", `${hostless10}Connection: keep-alive\r\n\r\n`, {
  method: "GET",
  kept: [["host", "iris.prod"]],
  gone: ["x-forwarded-host"],
});
forwarded("none in HTTP/1.0 with a body", `POST /seldon/prod/iris/v HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello`, {
  body: "hello",
  kept: [["host", "iris.prod"]],
  closes: true,
});
refused("none in HTTP/1.0 in absolute form", "GET http://gateway/seldon/prod/iris/v HTTP/1.0\r\n\r\n");
refused("no name in HTTP/1.0 in absolute form", "GET http:///seldon/prod/iris/v HTTP/1.0\r\n\r\n");
refused("an empty one in HTTP/1.0", `${hostless10}Host:\r\n\r\n`);
refused("two in HTTP/1.0", `${hostless10}Host: a\r\nHost: a\r\n\r\n`);
refused("two", `${hostless}Host: gateway\r\nHost: gateway\r\n\r\n`);
refused("two that differ", `${hostless}Host: gateway\r\nX-Between: 1\r\nhost: other\r\n\r\n`);
for (const host of [
  "",
  " ",
  "gateway, other",
  "gateway,",
  "gateway other",
  "gateway\tother",
  "user@gateway",
  "user:pass@gateway",
  "@",
  "gateway/",
  "/gateway",
  "gateway/path",
  "http://gateway",
  "gateway?x",
  "gateway#x",
  "gateway\\x",
  '"gateway"',
  "<gateway>",
  "gateway{}",
  "gate|way",
  "gate^way",
  "gate`way",
  "gate\x00way",
  "gate\x7fway",
  "gat\xe9way",
  "gateway:80:90",
  ":80",
  ":",
  "gateway:http",
  "gateway:-1",
  "gateway:+80",
  "gateway:8o",
  "gateway:0x50",
  "gateway: 80",
  "gateway:655360",
  "gateway:99999",
  "[::1",
  "::1",
  "::1]",
  "[::1]]",
  "[[::1]]",
  "[::1]x",
  "[::1]:80x",
  "[]",
  "[gateway]",
  "[::1%25lo]",
  "a[::1]",
  "gateway%00",
  "gateway%2fx",
  "gate%77ay",
  "%",
  "gateway%",
]) {
  refused(shown(host), `${hostless}Host: ${host}\r\n\r\n`);
}
for (const host of [
  "gateway",
  "GateWay",
  "gateway:80",
  "gateway:",
  "gateway:65535",
  "gate_way",
  "gateway.",
  "127.0.0.1:8080",
  "[::1]",
  "[::1]:8080",
  "[::ffff:127.0.0.1]",
  "a-b.c~d",
  "sub!$&'()*+;=delims",
]) {
  forwarded(shown(host), `${hostless}Host: ${host}\r\n\r\n`, {
    method: "GET",
    kept: [
      ["host", host],
      ["x-forwarded-host", host],
    ],
  });
}

family = "Connection names what it may not";
for (const name of [
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "authorization",
  "cookie",
  "seldon",
  "namespace",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "forwarded",
  "x-real-ip",
  "x-request-id",
  "x-envoy-internal",
  "x-original-url",
  "content-type",
  "content-encoding",
  "expect",
  "cache-control",
  "if-match",
  "range",
]) {
  refused(name, post(`Connection: ${name}\r\nContent-Length: 5\r\n`, "hello"));
  refused(
    `close, ${name.toUpperCase()}`,
    post(`Content-Length: 5\r\nConnection: close, ${name.toUpperCase()}\r\n`, "hello"),
  );
}
for (const value of [
  "close;x",
  '"close"',
  "close x",
  "close\x0b",
  "(close)",
  "a=b",
  "x/y",
  "@",
  ":authority",
  ":path",
  "close, :method",
  Array.from({ length: 33 }, (_, index) => `x-${index}`).join(","),
]) {
  refused(shown(value.slice(0, 30)), post(`Connection: ${value}\r\n`));
}

family = "hop-by-hop fields end here";
for (const [name, value] of [
  ["Keep-Alive", "timeout=5, max=100"],
  ["Proxy-Connection", "keep-alive"],
  ["Proxy-Connection", "close"],
  ["Proxy-Authorization", "Basic eDp5"],
  ["Proxy-Authenticate", "Basic"],
  ["Proxy-Foo", "1"],
  ["Proxy-", "1"],
  ["X-Envoy-", "1"],
  ["X-Forwarded-", "1"],
  ["X-Original-", "1"],
  ["TE", "gzip"],
  ["TE", "xtrailers"],
  ["TE", "trailersx"],
  ["Upgrade", "TLS/1.0"],
  ["Upgrade", "h2c"],
  ["HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"],
  ["Trailer", "X-Sum"],
] as const) {
  forwarded(`${name}: ${value}`, post(`${name}: ${value}\r\nContent-Length: 5\r\n`, "hello"), {
    body: "hello",
    gone: [name.toLowerCase()],
  });
}
forwarded(
  "fields that Connection names",
  post("Connection: x-one, X-Two\r\nX-One: 1\r\nx-two: 2\r\nX-TWO: 3\r\nX-Three: 3\r\n"),
  { gone: ["x-one", "x-two"], kept: [["x-three", "3"]] },
);
forwarded("a field that stands before the Connection that names it", post("X-One: 1\r\nConnection: x-one\r\n"), {
  gone: ["x-one"],
});
forwarded(
  "fields named by the second Connection",
  post("Connection: keep-alive\r\nX-One: 1\r\nConnection: x-one\r\n"),
  { gone: ["x-one"] },
);
forwarded("empty elements of Connection", post("Connection: ,, keep-alive ,\r\n"));
forwarded("close", post("Connection: close\r\n"), { closes: true });
forwarded("close among others", post("Connection: keep-alive, CLOSE\r\n"), { closes: true });
forwarded("TE: trailers", post("TE: gzip, trailers\r\nConnection: te\r\n"), { kept: [["te", "trailers"]] });
forwarded(
  "an upgrade to h2c",
  post(
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 5\r\n",
    "hello",
  ),
  { body: "hello" },
);
forwarded("an upgrade to something that is nearly WebSocket", post("Connection: Upgrade\r\nUpgrade: xwebsocket\r\n"));
forwarded(
  "a Trailer that Connection names",
  post(`Connection: trailer\r\nTrailer: x-sum\r\n${chunkedField}`, chunkedHello),
  { body: "hello", gone: ["trailer"] },
);

family = "names with _ that read as names with -";
for (const name of [
  "Content_Length",
  "Transfer_Encoding",
  "TRANSFER_ENCODING",
  "Content_Type",
  "X_Forwarded_For",
  "X_Forwarded-For",
  "x-forwarded_for",
  "X_Forwarded_Proto",
  "X_Forwarded_Host",
  "X_Forwarded_Port",
  "X_Real_IP",
  "X_Request_Id",
  "X_Envoy_Internal",
  "X-Envoy_Internal",
  "X_Original_URL",
  "Keep_Alive",
  "Proxy_Connection",
  "Proxy_Foo",
  "Proxy_",
  "X_Envoy_",
  "X_Forwarded-",
  "HTTP2_Settings",
  "X_Rewrite_Url",
]) {
  forwarded(name, post(`${name}: 3\r\nContent-Length: 5\r\n`, "hello"), { body: "hello", gone: [name.toLowerCase()] });
  forwarded(`${name} with chunks`, post(`${chunkedField}${name}: chunked\r\n`, chunkedHello), {
    body: "hello",
    gone: [name.toLowerCase()],
  });
}
forwarded("other names keep their _", post("X_Model_Version: 7\r\n_x: 1\r\nx_: 2\r\n"), {
  kept: [
    ["x_model_version", "7"],
    ["_x", "1"],
    ["x_", "2"],
  ],
});

family = "what a client says about itself";
for (const [name, value] of [
  ["X-Forwarded-For", "9.9.9.9"],
  ["X-FORWARDED-FOR", "9.9.9.9, 8.8.8.8"],
  ["X-Forwarded-Proto", "spoof"],
  ["X-Forwarded-Host", "evil"],
  ["X-Forwarded-Port", "1"],
  ["X-Forwarded-Server", "evil"],
  ["X-Forwarded-Prefix", "/evil"],
  ["Forwarded", "for=9.9.9.9"],
  ["X-Real-IP", "9.9.9.9"],
  ["X-Request-Id", "evil"],
  ["X-Envoy-Internal", "true"],
  ["X-Envoy-Original-Path", "/evil"],
  ["X-Envoy-Upstream-Rq-Timeout-Ms", "1"],
  ["X-Envoy-Retry-On", "5xx"],
  ["X-Envoy-Expected-Rq-Timeout-Ms", "1"],
  ["X-Envoy-External-Address", "1.1.1.1"],
  ["X-Original-URL", "/evil"],
  ["X-Original-Host", "evil"],
  ["X-Rewrite-URL", "/evil"],
] as const) {
  forwarded(name, post(`${name}: ${value}\r\n`), {
    kept: [
      ["x-forwarded-for", "127.0.0.1"],
      ["x-forwarded-host", "gateway"],
      ["x-envoy-original-path", "/seldon/prod/iris/v"],
    ],
    gone: ["forwarded", "x-real-ip", "x-forwarded-port", "x-rewrite-url"],
  });
  forwarded(`${name} twice`, post(`${name}: ${value}\r\nX-Between: 1\r\n${name.toLowerCase()}: ${value}\r\n`), {
    kept: [["x-forwarded-for", "127.0.0.1"]],
    gone: ["x-forwarded-port"],
  });
}

family = "Expect";
for (const value of [
  "tea",
  "100-continue, tea",
  "100-continue, 100-continue",
  "100",
  "100-continue;q=1",
  "",
  "x100-continue",
  "100-continu\xe9",
])
  refused(shown(value), post(`Expect: ${value}\r\nContent-Length: 5\r\n`, "hello"), 417);
refused("a hidden expectation", post("Expect: \x0b100-continue\r\nContent-Length: 5\r\n", "hello"));
for (const value of ["100-continue", "100-Continue", " 100-CONTINUE "]) {
  forwarded(`${value}, the body comes at once`, post(`Expect: ${value}\r\nContent-Length: 5\r\n`, "hello"), {
    body: "hello",
    gone: ["expect"],
  });
  forwarded(`${value} with chunks`, post(`Expect: ${value}\r\n${chunkedField}`, chunkedHello), {
    body: "hello",
    gone: ["expect"],
  });
}
forwarded("twice the same", post("Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 5\r\n", "hello"), {
  body: "hello",
});
forwarded("without a body", get("/seldon/prod/iris/v", "Expect: 100-continue\r\n"), { method: "GET" });
forwarded(
  "of a body that looks like a request",
  post(`Expect: 100-continue\r\nContent-Length: ${smuggled.length}\r\n`, smuggled),
  { body: smuggled },
);
forwarded("in HTTP/1.0", "GET /seldon/prod/iris/v HTTP/1.0\r\nHost: gateway\r\nExpect: 100-continue\r\n\r\n", {
  method: "GET",
  closes: true,
});

family = "chunk sizes";
for (const size of [
  "",
  " ",
  "+5",
  "-5",
  "0x5",
  "0X5",
  "5h",
  "g",
  "5g",
  " 5",
  "5 ",
  "\t5",
  "5\t",
  "5\x0b",
  "5\x00",
  "\x005",
  "5,5",
  "5.",
  "5_",
  '"5"',
  "5\x7f",
  "5\xa0",
  "00000000000005",
  "ffffffffffffffff",
  "10000000000000005",
  "-1",
  "5\r",
  "5 ;a",
  "5\n",
]) {
  refused(shown(size), chunked(`${size}\r\nhello\r\n0\r\n\r\n`));
}
for (const size of ["5", "05", "0000000000005"])
  forwarded(shown(size), chunked(`${size}\r\nhello\r\n0\r\n\r\n`), { body: "hello" });
forwarded("hexadecimal in both cases", chunked(`A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\n`), {
  body: "01234567890123456789a",
});
for (const last of ["00", "000", "0000000000000", "0;a", "0;a=b"])
  forwarded(`last chunk ${last}`, chunked(`5\r\nhello\r\n${last}\r\n\r\n`), { body: "hello" });
for (const last of ["-0", "+0", "0x0", " 0", "0 ", "0\n", "00000000000000"])
  refused(`last chunk ${shown(last)}`, chunked(`5\r\nhello\r\n${last}\r\n\r\n`));

family = "chunk extensions";
for (const extension of [
  ";a",
  ";a=b",
  ';a="b"',
  ';a="b;c"',
  ";a=b;c=d",
  "; a = b",
  ";",
  `;${"e".repeat(255)}`,
  `;${"e".repeat(256)}`,
])
  forwarded(shown(extension.slice(0, 30)), chunked(`5${extension}\r\nhello\r\n0\r\n\r\n`), { body: "hello" });
for (const extension of [
  ";a\n",
  ";a\nb",
  ";a\rb",
  ";\x00",
  ";a=\x7f",
  ';a="b\r\n"',
  ';a="\n"',
  `;${"e".repeat(257)}`,
  ";\n5\r\nhello",
  " a",
  ",a",
  "=a",
  "\\a",
])
  refused(shown(extension.slice(0, 30)), chunked(`5${extension}\r\nhello\r\n0\r\n\r\n`));
refused("in sum too long", chunked(Array.from({ length: 90 }, () => `1;${"e".repeat(200)}\r\na\r\n`).join("")));

family = "ends of chunks";
for (const [name, body] of [
  ["LF after a size", "5\nhello\r\n0\r\n\r\n"],
  ["CR after a size", "5\rhello\r\n0\r\n\r\n"],
  ["LF CR after a size", "5\n\rhello\r\n0\r\n\r\n"],
  ["LF after a chunk", "5\r\nhello\n0\r\n\r\n"],
  ["CR after a chunk", "5\r\nhello\r0\r\n\r\n"],
  ["LF CR after a chunk", "5\r\nhello\n\r0\r\n\r\n"],
  ["nothing after a chunk", "5\r\nhello0\r\n\r\n"],
  ["a longer chunk", "5\r\nhelloo\r\n0\r\n\r\n"],
  ["a shorter chunk", "6\r\nhello\r\n0\r\n\r\n"],
  ["two line ends after a chunk", "5\r\nhello\r\n\r\n0\r\n\r\n"],
  ["a space after a chunk", "5\r\nhello \r\n0\r\n\r\n"],
  ["LF after the last size", "5\r\nhello\r\n0\n\r\n"],
  ["LF for the last line", "5\r\nhello\r\n0\r\n\n"],
  ["CR for the last line", "5\r\nhello\r\n0\r\n\rX"],
  ["a space before the last line", "5\r\nhello\r\n0\r\n \r\n"],
  ["a request where the last line must be", `5\r\nhello\r\n0\r\n${smuggled}`],
] as const) {
  refused(name, chunked(body));
}
unfinished("a chunk that does not end", chunked("ffffff\r\nhello"));
unfinished("no last chunk", chunked("5\r\nhello\r\n"));
unfinished("no last line", chunked("5\r\nhello\r\n0\r\n"));
unfinished("a trailer that does not end", chunked("5\r\nhello\r\n0\r\nX: 1\r\n"));
unfinished("a body shorter than its length", post("Content-Length: 500\r\n", "hello"));
unfinished("a head that does not end", `${line}\r\nHost: gateway\r\nX: 1`);
unfinished("a request line that does not end", "GET /seldon/prod/iris/v");

family = "trailers";
for (const name of [
  "Content-Length",
  "Transfer-Encoding",
  "Host",
  "Connection",
  "Keep-Alive",
  "TE",
  "Trailer",
  "Upgrade",
  "Expect",
  "Authorization",
  "Cookie",
  "Content-Type",
  "Content-Encoding",
  "Content-Range",
  "Cache-Control",
  "Range",
  "If-Match",
  "If-None-Match",
  "X-Forwarded-For",
  "X-Forwarded-Proto",
  "X-Request-Id",
  "X-Envoy-Internal",
  "X-Original-URL",
  "Forwarded",
  "X-Real-IP",
  "Seldon",
  "Namespace",
  "Proxy-Foo",
  "Content_Length",
  "Transfer_Encoding",
  "X_Forwarded_For",
]) {
  forwarded(`${name} is forged`, chunked(`5\r\nhello\r\n0\r\n${name}: 1\r\nX-Sum: 7\r\n\r\n`), {
    body: "hello",
    trailers: ["x-sum"],
  });
}
forwarded("two that are trailers", chunked("5\r\nhello\r\n0\r\nX-One: 1\r\nX-Two: \r\n\r\n"), {
  body: "hello",
  trailers: ["x-one", "x-two"],
});
for (const [name, text] of [
  ["space before the colon", "X : 1\r\n\r\n"],
  ["no colon", "X\r\n\r\n"],
  ["a fold", "X: 1\r\n 2\r\n\r\n"],
  ["LF", "X: 1\n\r\n"],
  ["LF for the end", "X: 1\r\n\n"],
  ["CR in a value", "X: 1\r2\r\n\r\n"],
  ["NUL", "X: \x00\r\n\r\n"],
  ["control byte", "X: \x01\r\n\r\n"],
  ["an empty name", ": 1\r\n\r\n"],
  ["a request", smuggled],
  ["more than is allowed", `X: ${"a".repeat(9000)}\r\n\r\n`],
] as const) {
  refused(`malformed: ${name}`, chunked(`5\r\nhello\r\n0\r\n${text}`));
}

family = "what follows a request";
for (const [name, rest] of [
  ["a letter", "X\r\n\r\n"],
  ["NUL", "\x00\r\n\r\n"],
  ["LF", "\n\r\n"],
  ["a chunk", "5\r\nhello\r\n0\r\n\r\n"],
  ["a last chunk", "0\r\n\r\n"],
  ["an answer", "HTTP/1.1 200 OK\r\n\r\n"],
  ["a request without Host", "GET /seldon/prod/iris/x HTTP/1.1\r\n\r\n"],
] as const) {
  refused(`of a length: ${name}`, post("Content-Length: 5\r\n", `hello${rest}`), 400, 1);
  refused(`of chunks: ${name}`, chunked(`${chunkedHello}${rest}`), 400, 1);
  refused(`without a body: ${name}`, `${get("/seldon/prod/iris/v")}${rest}`, 400, 1);
}
forwarded(
  "three more requests",
  post(
    "Content-Length: 5\r\n",
    `hello${get("/seldon/prod/iris/2")}${chunked(chunkedHello)}${get("/seldon/prod/iris/4")}`,
  ),
  { requests: 4, body: "hello" },
);
forwarded("one more after an empty line", post("Content-Length: 5\r\n", `hello\r\n${get("/seldon/prod/iris/2")}`), {
  requests: 2,
  body: "hello",
});

export const requestCorpus: readonly Vector[] = vectors;
