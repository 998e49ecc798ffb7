// RFC 9113 §8: what is a request, what is a response, and what the core sees of them.
import { describe, expect, test } from "vitest";
import { headOf } from "../../../../routing/request/head-text.ts";
import { WireRequestHead } from "../../../../gateway/edge/message/request-head.ts";
import { ResponseHead } from "../../../../gateway/edge/message/response-head.ts";
import { errorCode, flag, frameType } from "../../../../gateway/edge/frames/constants.ts";
import { HeaderList } from "../../../../gateway/edge/hpack/header-list.ts";
import { HpackDecoder } from "../../../../gateway/edge/hpack/hpack-decode.ts";
import { readRequest } from "../../../../gateway/edge/http2/request-message.ts";
import { readResponse } from "../../../../gateway/edge/http2/response-message.ts";
import { tickMs } from "../../../stopped-clock.ts";
import { ReferenceEncoder, type Field } from "../hpack/hpack-reference.ts";
import { answer, answerAtEnd, blockOf, startClient, startServer, textFields } from "./peers.ts";
import { frames, rawClient, rawServer } from "./raw-peer.ts";

function listOf(fields: readonly Field[]): HeaderList {
  const block = new ReferenceEncoder(0).encodePlain(fields);
  const list = new HeaderList({ bytes: 60 * 1024, fields: 100 });
  expect(new HpackDecoder(4096).decode(block, 0, block.length, list)).toBe(true);
  return list;
}

const base: readonly Field[] = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/a/b?q"],
  [":authority", "host:80"],
];

function readOf(
  fields: readonly Field[],
  ended = false,
): { head: WireRequestHead; verdict: ReturnType<typeof readRequest> } {
  const head = new WireRequestHead();
  return { head, verdict: readRequest(listOf(fields), head, ended) };
}

function without(name: string): Field[] {
  return base.filter((field) => field[0] !== name);
}

describe("requests", () => {
  test("the head is what the core reads of HTTP/1.1", () => {
    const { head, verdict } = readOf([
      ...base,
      ["seldon", "m"],
      ["content-type", "application/grpc+proto"],
      ["te", "trailers"],
      ["content-length", "5"],
    ]);
    expect(verdict.kind).toBe("request");
    const text = (start: number, end: number): string => Buffer.from(head.bytes).toString("latin1", start, end);
    expect(text(head.methodStart, head.methodEnd + 1)).toBe("POST ");
    expect(text(head.authorityStart, head.authorityEnd)).toBe("host:80");
    expect(Buffer.from(head.pathBytes).toString("latin1", head.pathStart, head.pathEnd)).toBe("/a/b");
    expect(Buffer.from(head.pathBytes).toString("latin1", head.queryStart, head.queryEnd)).toBe("q");
    expect(head).toMatchObject({
      grpc: true,
      takesTrailers: true,
      contentLength: 5,
      framing: "length",
      http11: true,
      close: false,
      isHead: false,
    });
    expect(textFields(head)).toEqual([
      ["seldon", "m"],
      ["content-type", "application/grpc+proto"],
      ["te", "trailers"],
      ["content-length", "5"],
      ["host", "host:80"],
    ]);
    expect(headOf({ method: "POST", path: "/a/b?q", host: "host:80", headers: [], grpc: true }).grpc).toBe(head.grpc);
  });

  test.each([
    ["HEAD", true],
    ["HEad", false],
    ["Head", false],
    ["head", false],
    ["HEADS", false],
  ])("methods have case: %s is one without a body in its answer: %s", (method, isHead) => {
    expect(readOf([[":method", method], ...without(":method")], true)).toMatchObject({
      verdict: { kind: "request" },
      head: { isHead },
    });
  });

  test("Host stands for :authority, and both may stand if they agree", () => {
    expect(readOf([...without(":authority"), ["host", "h"]]).verdict.kind).toBe("request");
    const { head, verdict } = readOf([...base, ["host", "HOST:80"]]);
    expect(verdict.kind).toBe("request");
    expect(textFields(head)).toEqual([["host", "HOST:80"]]);
  });

  test("pieces of a Cookie become one field", () => {
    const { head } = readOf([...base, ["cookie", "a=1"], ["x", "y"], ["cookie", "b=2"], ["cookie", "c=3"]]);
    expect(textFields(head).filter(([name]) => name !== "")).toEqual([
      ["x", "y"],
      ["host", "host:80"],
      ["cookie", "a=1; b=2; c=3"],
    ]);
  });

  test("a path is made canonical", () => {
    const { head } = readOf([...without(":path"), [":path", "/a/../b"]]);
    expect(Buffer.from(head.pathBytes).toString("latin1", head.pathStart, head.pathEnd)).toBe("/b");
  });

  test.each<[string, Field[]]>([
    ["no :method", without(":method")],
    ["no :scheme", without(":scheme")],
    ["no :path", without(":path")],
    ["an empty :path", [...without(":path"), [":path", ""]]],
    ["no authority", without(":authority")],
    ["an empty authority", [...without(":authority"), [":authority", ""]]],
    ["an authority with user", [...without(":authority"), [":authority", "u@h"]]],
    ["an authority that Host contradicts", [...base, ["host", "other"]]],
    ["Host twice", [...without(":authority"), ["host", "h"], ["host", "h"]]],
    ["a method that is no token", [...without(":method"), [":method", "A B"]]],
    ["another scheme", [...without(":scheme"), [":scheme", "ftp"]]],
    [":status", [...base, [":status", "200"]]],
    ["connection", [...base, ["connection", "close"]]],
    ["keep-alive", [...base, ["keep-alive", "1"]]],
    ["proxy-connection", [...base, ["proxy-connection", "close"]]],
    ["transfer-encoding", [...base, ["transfer-encoding", "chunked"]]],
    ["upgrade", [...base, ["upgrade", "h2c"]]],
    ["te of another value", [...base, ["te", "gzip"]]],
    ["content-length twice", [...base, ["content-length", "1"], ["content-length", "1"]]],
    ["content-length with a sign", [...base, ["content-length", "+1"]]],
    ["a capital", [...base, ["Seldon", "m"]]],
    ["CR LF in a value", [...base, ["seldon", "m\r\nx: y"]]],
  ])("%s is malformed", (_, fields) => {
    expect(readOf(fields).verdict.kind).toBe("malformed");
  });

  test("a content-length that END_STREAM contradicts is malformed", () => {
    expect(readOf([...base, ["content-length", "1"]], true).verdict.kind).toBe("malformed");
    expect(readOf([...base, ["content-length", "0"]], true).verdict.kind).toBe("request");
  });

  test.each<[string, Field[], number]>([
    [
      "CONNECT",
      [
        [":method", "CONNECT"],
        [":authority", "h:1"],
      ],
      405,
    ],
    ["TRACE", [...without(":method"), [":method", "TRACE"]], 405],
    ["a path that climbs above /", [...without(":path"), [":path", "/../a"]], 400],
    ["a path without /", [...without(":path"), [":path", "a"]], 400],
    ["a path with a space", [...without(":path"), [":path", "/a b"]], 400],
    ["a path with %00", [...without(":path"), [":path", "/a%00"]], 400],
    ["an unknown expectation", [...base, ["expect", "miracle"]], 417],
  ])("%s is answered", (_, fields, status) => {
    expect(readOf(fields).verdict).toMatchObject({ kind: "refused", failure: { httpStatus: status } });
  });
});

describe("requests on the wire", () => {
  test("a malformed one is a stream error, and the connection goes on", async () => {
    const server = await startServer(
      answerAtEnd((stream) => answer(stream, 200, [], "")),
      {},
    );
    const peer = await rawClient(server.port);
    peer.send(frames.request(1, true, [["connection", "close"]]), frames.request(3, true));
    expect((await peer.wait(frameType.rstStream)).payload.readUInt32BE()).toBe(errorCode.protocolError);
    expect((await peer.wait(frameType.headers)).streamId).toBe(3);
  });

  test.each([
    ["less", "ab", "c"],
    ["more", "abc", "de"],
  ])("DATA of %s than content-length is a stream error", async (_, first, second) => {
    const lost: string[] = [];
    const server = await startServer(
      () => ({
        streamData() {},
        streamEnd() {},
        streamPassedOn() {},
        streamLost: (__, loss) => lost.push(loss.sentence),
      }),
      {},
    );
    const peer = await rawClient(server.port);
    peer.send(
      frames.request(1, false, [["content-length", "4"]]),
      frames.data(1, first),
      frames.data(1, second, flag.endStream),
    );
    expect((await peer.wait(frameType.rstStream)).payload.readUInt32BE()).toBe(errorCode.protocolError);
    expect(lost).toEqual(["DATA does not sum to content-length"]);
  });

  test("trailers with a pseudo header, or without END_STREAM, are a stream error", async () => {
    const server = await startServer(
      answerAtEnd((stream) => answer(stream, 200, [], "")),
      {},
    );
    const peer = await rawClient(server.port);
    peer.send(
      frames.request(1, false),
      frames.headers(1, blockOf([[":path", "/"]]), flag.endHeaders | flag.endStream),
      frames.request(3, false),
      frames.headers(3, blockOf([["a", "b"]]), flag.endHeaders),
    );
    expect((await peer.wait(frameType.rstStream, 2)).streamId).toBe(3);
  });

  test("more streams than allowed are refused, unprocessed; before SETTINGS are acknowledged that is no offence", async () => {
    const server = await startServer(
      () => ({ streamData() {}, streamEnd() {}, streamPassedOn() {}, streamLost() {} }),
      { concurrentStreams: 3 },
    );
    const peer = await rawClient(server.port);
    peer.send(...[1, 3, 5, 7].map((id) => frames.request(id, true)));
    const reset = await peer.wait(frameType.rstStream);
    expect([reset.streamId, reset.payload.readUInt32BE()]).toEqual([7, errorCode.refusedStream]);
  });
});

describe("responses", () => {
  const head = new ResponseHead();

  test.each<[string, Field[], boolean, boolean, string]>([
    [
      "with a length",
      [
        [":status", "200"],
        ["content-length", "3"],
        ["date", "now"],
      ],
      false,
      false,
      "length",
    ],
    ["without", [[":status", "200"]], false, false, "chunked"],
    [
      "of HEAD",
      [
        [":status", "200"],
        ["content-length", "3"],
      ],
      true,
      true,
      "none",
    ],
    ["204", [[":status", "204"]], false, true, "none"],
    ["informational", [[":status", "103"]], false, false, "none"],
  ])("%s", (_, fields, isHead, ended, framing) => {
    expect(readResponse(listOf(fields), head, isHead, ended)).toBe(true);
    expect(head).toMatchObject({ framing, status: Number(fields[0]![1]), hasDate: fields.length === 3 });
  });

  test.each<[string, Field[], boolean]>([
    ["no :status", [["a", "b"]], true],
    ["a status of two digits", [[":status", "20"]], true],
    ["a status of letters", [[":status", "2x0"]], true],
    ["status 600", [[":status", "600"]], true],
    ["101", [[":status", "101"]], false],
    ["an informational one that ends the stream", [[":status", "100"]], true],
    [
      ":path",
      [
        [":status", "200"],
        [":path", "/"],
      ],
      true,
    ],
    [
      "connection",
      [
        [":status", "200"],
        ["connection", "close"],
      ],
      true,
    ],
    [
      "transfer-encoding",
      [
        [":status", "200"],
        ["transfer-encoding", "chunked"],
      ],
      true,
    ],
    [
      "content-length twice",
      [
        [":status", "200"],
        ["content-length", "1"],
        ["content-length", "1"],
      ],
      false,
    ],
    [
      "an end that content-length contradicts",
      [
        [":status", "200"],
        ["content-length", "1"],
      ],
      true,
    ],
  ])("%s is malformed", (_, fields, ended) => {
    expect(readResponse(listOf(fields), head, false, ended)).toBe(false);
  });

  async function answered(
    ...parts: readonly Buffer[]
  ): Promise<{ code: number; loss: string | undefined; status: number }> {
    const server = await rawServer();
    const client = await startClient(server.port, {});
    const { reply } = client.call("/", null);
    const peer = await server.peer;
    await peer.wait(frameType.headers);
    peer.send(frames.settings(), frames.settingsAck(), ...parts);
    const { loss, status } = await reply;
    return { code: loss?.code ?? 0, loss: loss?.sentence, status };
  }

  const ok = frames.headers(
    1,
    blockOf([
      [":status", "200"],
      ["content-length", "2"],
    ]),
    flag.endHeaders,
  );

  test("an upstream that breaks the rules loses the stream", async () => {
    expect(await answered(frames.data(1, "x"))).toMatchObject({
      code: errorCode.protocolError,
      loss: "DATA before the head of the response",
    });
    expect(await answered(frames.headers(1, blockOf([["a", "b"]]), flag.endHeaders))).toMatchObject({
      code: errorCode.protocolError,
    });
    expect(await answered(ok, frames.data(1, "xyz"))).toMatchObject({ loss: "DATA does not sum to content-length" });
    expect(await answered(ok, frames.data(1, "x", flag.endStream))).toMatchObject({
      loss: "DATA does not sum to content-length",
    });
    expect(
      await answered(
        ...Array.from({ length: 17 }, () => frames.headers(1, blockOf([[":status", "103"]]), flag.endHeaders)),
      ),
    ).toMatchObject({ loss: "too many informational responses" });
    expect(await answered(frames.headers(3, blockOf([[":status", "200"]]), flag.endHeaders))).toMatchObject({
      loss: "HEADERS on a stream that was not asked for",
    });
    expect(await answered(ok, frames.data(1, "xy", flag.endStream))).toEqual({ code: 0, loss: undefined, status: 200 });
  });

  test("an upstream whose socket goes away loses its streams, and nothing is called unprocessed", async () => {
    const server = await rawServer();
    const client = await startClient(server.port, {});
    const { reply } = client.call("/", null);
    const peer = await server.peer;
    await peer.wait(frameType.headers);
    peer.socket.destroy();
    expect((await reply).loss).toMatchObject({ unprocessed: false });
  });

  test("a PING that is not answered finds out that the upstream is gone", async () => {
    const server = await rawServer();
    const client = await startClient(server.port, { pingAfterMs: 50, pingTimeoutMs: 50 });
    const { reply } = client.call("/", null);
    const peer = await server.peer;
    peer.send(frames.settings(), frames.settingsAck());
    await client.shared.clock.advance(50 + tickMs);
    await peer.wait(frameType.ping);
    await client.shared.clock.advance(50 + tickMs);
    expect(await client.closed).toBe("no answer to a PING");
    expect((await reply).loss).toMatchObject({ unprocessed: false });
  });

  test("a GOAWAY loses what waits for room as never sent", async () => {
    const server = await rawServer();
    const client = await startClient(server.port, {});
    const peer = await server.peer;
    peer.send(frames.settings([3, 1]), frames.settingsAck());
    await peer.wait(frameType.settings, 2);
    const first = client.call("/", null).reply;
    const second = client.call("/", Buffer.from("queued")).reply;
    await peer.wait(frameType.headers);
    peer.send(frames.goAway(1, 0), frames.headers(1, blockOf([[":status", "204"]]), flag.endHeaders | flag.endStream));
    expect((await second).loss).toMatchObject({ unprocessed: true });
    expect(await first).toMatchObject({ status: 204, loss: null });
    expect(await client.closed).toBe("");
    expect(peer.of(frameType.headers)).toHaveLength(1);
  });
});

describe("the end of a connection", () => {
  test("it ends by age with two GOAWAYs, and idle ones too", async () => {
    for (const limits of [{ maxAgeMs: 50 }, { idleTimeoutMs: 50 }]) {
      const server = await startServer(
        answerAtEnd(() => {}),
        limits,
      );
      const peer = await rawClient(server.port);
      await server.shared.clock.advance(60);
      await peer.wait(frameType.goAway);
      const ping = await peer.wait(frameType.ping);
      peer.send(Buffer.concat([Buffer.from([0, 0, 8, frameType.ping, flag.ack, 0, 0, 0, 0]), ping.payload]));
      await peer.untilClosed();
      expect(peer.of(frameType.goAway).map((frame) => frame.payload.readUInt32BE())).toEqual([0x7fffffff, 0]);
      expect(server.failures).toEqual([""]);
    }
  });

  test("a stream behind the last GOAWAY is not served", async () => {
    let served = 0;
    const server = await startServer(() => {
      served++;
      return { streamData() {}, streamEnd() {}, streamPassedOn() {}, streamLost() {} };
    }, {});
    const peer = await rawClient(server.port);
    peer.send(frames.request(1, true));
    await peer.answered();
    server.connections[0]!.drain();
    const ping = await peer.wait(frameType.ping, 2);
    peer.send(
      frames.request(3, true),
      Buffer.concat([Buffer.from([0, 0, 8, frameType.ping, flag.ack, 0, 0, 0, 0]), ping.payload]),
    );
    const last = await peer.wait(frameType.goAway, 2);
    expect(last.payload.readUInt32BE()).toBe(3);
    peer.send(frames.request(5, true));
    await peer.answered();
    expect(served).toBe(2);
  });
});
