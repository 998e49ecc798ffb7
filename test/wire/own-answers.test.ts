// What the gateway answers by itself, whatever body comes with it: every answer is given once, the connection serves on or ends, nothing is left
// open, and other clients are served meanwhile.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { errorCode, flag, frameType } from "../../gateway/edge/frames/constants.ts";
import { frame, frames, rawClient } from "../gateway/edge/http2/raw-peer.ts";
import { Gateway, endpointsOn, irisTo, transports } from "./gateway.ts";
import { Origin } from "./origin.ts";
import { mappingOf, upstreamOf } from "../gateway/fixtures.ts";

interface OwnAnswer {
  readonly name: string;
  readonly methods: readonly string[];
  readonly path: string;
  readonly fields: string;
  readonly status: number;
}

const cors = {
  origins: ["https://a.example"],
  methods: "GET, POST",
  headers: "content-type",
  exposedHeaders: "",
  credentials: false,
  maxAge: "600",
};
const preflight = "Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n";
const upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";

const ownAnswers: readonly OwnAnswer[] = [
  {
    name: "check_alive",
    methods: ["GET", "POST", "HEAD", "PURGE"],
    path: "/ambassador/v0/check_alive",
    fields: "",
    status: 200,
  },
  { name: "check_ready", methods: ["GET", "POST"], path: "/ambassador/v0/check_ready", fields: "", status: 200 },
  { name: "readyz", methods: ["GET"], path: "/readyz", fields: "", status: 200 },
  { name: "no Route", methods: ["GET", "POST"], path: "/nowhere", fields: "", status: 404 },
  { name: "redirect", methods: ["GET", "POST"], path: "/seldon/prod/moved/x", fields: "", status: 308 },
  { name: "preflight", methods: ["OPTIONS"], path: "/seldon/prod/iris/p", fields: preflight, status: 200 },
  { name: "no healthy upstream", methods: ["POST"], path: "/seldon/prod/empty/p", fields: "", status: 503 },
  {
    name: "gRPC-Web without a Route",
    methods: ["POST"],
    path: "/seldon.protos.Seldon/Predict",
    fields: "Content-Type: application/grpc-web-text\r\nseldon: gone\r\nnamespace: prod\r\n",
    status: 200,
  },
  {
    name: "a probe as gRPC-Web",
    methods: ["POST"],
    path: "/ambassador/v0/check_alive",
    fields: "Content-Type: application/grpc-web-text\r\n",
    status: 200,
  },
  { name: "refused upgrade", methods: ["GET"], path: "/seldon/prod/iris/p", fields: upgrade, status: 403 },
];

const alive = "GET /ambassador/v0/check_alive HTTP/1.1\r\nHost: a\r\n\r\n";

/** What comes behind the head: fields and bytes. */
const bodies: readonly { readonly fields: string; readonly bytes: string; readonly whole: boolean }[] = [
  { fields: "", bytes: "", whole: true },
  { fields: "Content-Length: 5\r\n", bytes: "hello", whole: true },
  { fields: "Content-Length: 5\r\n", bytes: "hel", whole: false },
  { fields: "Content-Length: 70000\r\n", bytes: "hel", whole: false },
  ...[
    "ZZ\r\n",
    "ZZ",
    "\r\n",
    "5\r\nhello\r\n0\r\n\r\n",
    "5\r\nhelloXX",
    "5\r\nhel",
    "-5\r\n",
    "5;\0",
    "00000000000000",
    "0\r\n",
    "0\r\nbad trailer\r\n\r\n",
    "0\r\na: b",
    `0\r\n${"a: b\r\n".repeat(3000)}`,
  ].map((bytes) => ({
    fields: "Transfer-Encoding: chunked\r\n",
    bytes,
    whole: bytes.endsWith("0\r\n\r\n"),
  })),
];

describe.each(transports)("HTTP/1.1 %s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;

  beforeEach(async () => {
    origin = await new Origin().listen();
    gateway = await serveAll(origin.port);
  });
  afterEach(async () => {
    gateway.close();
    await origin.close();
  });

  test.each(ownAnswers)("$name", async ({ methods, path, fields, status }) => {
    // A handshake a request is slow: over TLS one of each.
    for (const method of secure ? methods.slice(0, 1) : methods) {
      for (const body of bodies) {
        for (const expectation of secure ? [""] : ["", "Expect: 100-continue\r\n"]) {
          const head = `${method} ${path} HTTP/1.1\r\nHost: a\r\n${fields}${expectation}${body.fields}\r\n`;
          await ask([head + body.bytes], [status], body.whole);
          await ask([head, body.bytes], [status], body.whole);
          await ask([alive + head + body.bytes], [200, status], body.whole);
          if (body.whole)
            await ask(
              [alive + head + body.bytes + alive],
              body.fields === "" || (expectation === "" && body.fields.startsWith("Content"))
                ? [200, status, 200]
                : [200, status],
              true,
            );
        }
      }
    }
    await gateway.goOnUntil(
      () => gateway.counted("clientConnectionsHttp1") === 0 && gateway.counted("inFlight") === 0,
      "nothing open",
    );
    expect(gateway.faults).toBe(0);
  });

  /** Sends the pieces, with and without an end behind them, and sees these final answers. Nobody need answer half a request that has ended. */
  async function ask(pieces: readonly string[], expected: readonly number[], whole: boolean): Promise<void> {
    for (const ends of [false, true]) {
      const told = JSON.stringify({ pieces, ends });
      const client = await gateway.open(secure);
      for (const piece of pieces) {
        client.write(piece);
        await new Promise(setImmediate);
      }
      if (ends) client.socket.end();
      const statuses = (): readonly number[] =>
        [...client.text.matchAll(/HTTP\/1\.1 ([2-5]\d\d) /g)].map(([, code]) => Number(code));
      if (ends) await client.until((one) => one.ended || one.closed, `the end after ${told}`);
      else await client.until(() => statuses().length >= expected.length, `the answers to ${told}`);
      if (whole || !ends) expect(statuses(), told).toEqual(expected);
      else expect(expected.slice(0, statuses().length), told).toEqual(statuses());
      client.destroy();
    }
  }
});

/** A field's literal without indexing, of at most 126 bytes each. */
function literal([name, value]: readonly [string, string]): Buffer {
  return Buffer.concat(
    [name, value].flatMap((text, index) => [
      Buffer.from(index === 0 ? [0, text.length] : [text.length]),
      Buffer.from(text),
    ]),
  );
}

const health = [
  ["te", "trailers"],
  ["content-type", "application/grpc"],
] as const;
const http2Answers: readonly {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly fields: readonly (readonly [string, string])[];
}[] = [
  { name: "check_alive", method: "POST", path: "/ambassador/v0/check_alive", fields: [] },
  { name: "check_ready", method: "GET", path: "/ambassador/v0/check_ready", fields: [["expect", "100-continue"]] },
  { name: "no Route", method: "POST", path: "/nowhere", fields: [] },
  { name: "no Route for gRPC", method: "POST", path: "/seldon.protos.Seldon/Predict", fields: health },
  { name: "redirect", method: "POST", path: "/seldon/prod/moved/x", fields: [] },
  {
    name: "preflight",
    method: "OPTIONS",
    path: "/seldon/prod/iris/p",
    fields: [
      ["origin", "https://a.example"],
      ["access-control-request-method", "POST"],
    ],
  },
  { name: "no healthy upstream", method: "POST", path: "/seldon/prod/empty/p", fields: [] },
  { name: "refused method", method: "TRACE", path: "/seldon/prod/iris/p", fields: [] },
  { name: "refused expectation", method: "POST", path: "/seldon/prod/iris/p", fields: [["expect", "wonders"]] },
  { name: "health Check", method: "POST", path: "/grpc.health.v1.Health/Check", fields: health },
  { name: "health List", method: "POST", path: "/grpc.health.v1.Health/List", fields: health },
  { name: "health Watch", method: "POST", path: "/grpc.health.v1.Health/Watch", fields: health },
  {
    name: "health of nobody",
    method: "POST",
    path: "/grpc.health.v1.Health/Watch",
    fields: [...health, ["seldon", "gone"], ["namespace", "prod"]],
  },
];

/** Frames behind HEADERS without END_STREAM; the last ones need not end the request. */
const http2Bodies: readonly ((id: number) => readonly Buffer[])[] = [
  (id) => [frames.data(id, "", flag.endStream)],
  (id) => [frames.data(id, "hello", flag.endStream)],
  (id) => [frames.data(id, Buffer.alloc(5), flag.endStream)],
  (id) => [frames.data(id, Buffer.from([0, 0, 0, 0, 9, 1]), flag.endStream)],
  (id) => [frames.data(id, "hello")],
  (id) => [frames.data(id, "hel"), frames.reset(id, errorCode.cancel)],
  (id) => [frames.data(id, "hel"), frames.headers(id, literal(["x-trailer", "b"]), flag.endHeaders | flag.endStream)],
  (id) => [frames.data(id, "hel"), frames.headers(id, literal(["x-trailer", "b"]), flag.endHeaders)],
  (id) => [frames.data(id, "hel"), frames.headers(id, literal([":path", "/"]), flag.endHeaders | flag.endStream)],
  (id) => [frame(frameType.data, flag.padded, id, [3, 65, 0, 0, 0])],
  (id) => [...Array.from({ length: 20 }, () => frames.data(id, "x")), frames.windowUpdate(id, 1)],
  (id) => Array.from({ length: 4 }, () => frames.data(id, Buffer.alloc(16_000))),
  (id) => [frame(7, 0, id, [1, 2, 3, 4, 5, 6, 7, 8])],
];

describe("HTTP/2", () => {
  let gateway: Gateway;

  beforeEach(async () => {
    gateway = await serveAll(9);
  });
  afterEach(() => gateway.close());

  test.each(http2Answers)("$name", async ({ method, path, fields }) => {
    for (const contentLength of ["", "5", "70000"]) {
      for (const body of http2Bodies) {
        for (const whole of [true, false]) {
          const peer = await rawClient(gateway.port);
          const sized = contentLength === "" ? [] : [["content-length", contentLength] as const];
          const block = Buffer.concat(
            [
              ...([
                [":method", method],
                [":scheme", "http"],
                [":path", path],
                [":authority", "a"],
              ] as const),
              ...fields,
              ...sized,
            ].map(literal),
          );
          const head = frames.headers(1, block, flag.endHeaders);
          if (whole) peer.send(head, ...body(1));
          else
            for (const bytes of [head, ...body(1)]) {
              peer.send(bytes);
              await new Promise(setImmediate);
            }
          // The rest of its connection is served, unless the connection was ended for what came.
          peer.send(
            frames.headers(
              3,
              Buffer.concat(
                [
                  [":method", "GET"],
                  [":scheme", "http"],
                  [":path", "/ambassador/v0/check_alive"],
                  [":authority", "a"],
                ].map((one) => literal(one as [string, string])),
              ),
              flag.endHeaders | flag.endStream,
            ),
          );
          while (
            !peer.closed &&
            peer.goAwayCode < 0 &&
            !peer.got.some(({ streamId, type }) => streamId === 3 && type === frameType.headers)
          )
            await peer.next();
          expect(
            peer.got.filter(
              ({ streamId, type, flags }) =>
                streamId === 1 &&
                type !== frameType.windowUpdate &&
                (type === frameType.rstStream || (flags & flag.endStream) !== 0),
            ).length,
          ).toBeLessThanOrEqual(2);
          peer.socket.destroy();
        }
      }
    }
    await gateway.goOnUntil(
      () => gateway.counted("clientConnectionsHttp2") === 0 && gateway.counted("inFlight") === 0,
      "nothing open",
    );
    expect(gateway.faults).toBe(0);
  });
});

async function serveAll(port: number): Promise<Gateway> {
  const gateway = await new Gateway({ accessLog: "off" }).listen();
  const moved = {
    ...mappingOf("moved", "iris"),
    target: { kind: "redirect", host: "new.example", code: 308, path: { kind: "prefix", with: "/n/" } } as const,
  };
  gateway.serve(
    [irisTo("iris", { cors }), moved, mappingOf("empty", "empty")],
    [upstreamOf("iris"), upstreamOf("empty")],
    [endpointsOn("iris", [port]), endpointsOn("empty", [])],
  );
  return gateway;
}
