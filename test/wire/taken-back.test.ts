// Answers that break before any of them has left: the client is told, or served by another try, as if nothing had come.
import { afterEach, describe, expect, test } from "vitest";
import { flag, frameType } from "../../gateway/edge/frames/constants.ts";
import type { ForwardTarget } from "../../routing/model/mapping.ts";
import { blockOf } from "../gateway/edge/http2/peers.ts";
import { frames, rawServer } from "../gateway/edge/http2/raw-peer.ts";
import { eventually } from "../turns.ts";
import { answersIn, fieldOf, type RawClient, type WireAnswer } from "./client.ts";
import { Gateway, post, transports } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";
import { Origin, answerEach } from "./origin.ts";

const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const head = "HTTP/1.1 200 OK\r\nx-model: broken\r\ntransfer-encoding: chunked\r\n\r\n";
/** Whole in one read, and malformed behind its head. */
const malformed = `${head}5\r\nhello\r\nno size\r\n`;
const malformedAtOnce = `${head}no size\r\n`;
const retry: Partial<ForwardTarget> = { retry: { retryOn: ["5xx"], numRetries: 1, perTryTimeoutMs: null } };
/** More than the out buffer of a worker holds. */
const roomBytes = 72 * 1024;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;

  async function start(
    ports: readonly number[],
    target: Partial<ForwardTarget> = {},
    protocol: "http1" | "http2" = "http1",
  ): Promise<void> {
    gateway = await new Gateway({ time: "real" }).listen();
    closers.push(async () => {
      await eventually(() => gateway.counted("inFlight") === 0, "nothing in flight");
      expect(gateway.counted("heldBytes")).toBe(0);
      gateway.close();
    });
    gateway.serveIris(ports, target, { protocol });
  }

  async function originOf(...answers: readonly string[]): Promise<Origin> {
    let index = 0;
    const origin = await new Origin(answerEach(() => answers[index++] ?? ok)).listen();
    closers.push(() => origin.close());
    return origin;
  }

  async function open(): Promise<RawClient> {
    const client = await gateway.open(secure);
    closers.push(() => client.destroy());
    return client;
  }

  async function answerTo(fields = ""): Promise<WireAnswer> {
    const client = await open();
    client.write(post("body", fields));
    return (await client.answers(1))[0]!;
  }

  test.each([
    ["behind its head", malformedAtOnce],
    ["behind a good chunk", malformed],
  ])("malformed %s: 502, flag UPE, nothing of the answer, and the connection goes on", async (_where, bytes) => {
    await start([(await originOf(bytes)).port]);
    const client = await open();
    client.write(post("body", "Accept: application/json\r\n"));
    const [answer] = await client.answers(1);
    expect(answer).toMatchObject({ status: 502, trailers: "" });
    expect(fieldOf(answer!, "x-model")).toBeNull();
    expect(JSON.parse(answer!.body)).toMatchObject({ status: { code: 502, reason: "upstream-protocol-error" } });
    expect(gateway.flagged("UPE")).toBe(1);
    expect(gateway.entries).toMatchObject([{ flag: "UPE", code: 502 }]);
    client.write(post("body"));
    expect((await client.answers(2))[1]).toMatchObject({ status: 200, body: "ok" });
  });

  test("an interim answer that came with it is not taken back", async () => {
    await start([(await originOf(`HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${malformed}`)).port]);
    const client = await open();
    client.write(post("body"));
    const answers = await client.answers(2);
    expect(answers.map(({ status }) => status)).toEqual([103, 502]);
  });

  test("is tried again where the policy says so, and the client sees the good answer alone", async () => {
    const origin = await originOf(malformed);
    await start([origin.port], retry);
    const answer = await answerTo();
    expect(answer).toMatchObject({ status: 200, body: "ok" });
    expect(fieldOf(answer, "x-model")).toBeNull();
    expect(origin.connections).toHaveLength(2);
    expect(gateway.retries).toBe(1);
    expect(gateway.entries).toEqual([]);
  });

  test("once the out buffer was too small for it, the client sees a cut and no other try", async () => {
    const long = "y".repeat(roomBytes);
    const origin = await originOf(`${head}${long.length.toString(16)}\r\n${long}\r\nno size\r\n`);
    await start([origin.port], retry);
    const client = await open();
    client.write(post("body"));
    await client.end();
    expect(answersIn(client.text)).toEqual([]);
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(origin.connections).toHaveLength(1);
  });

  test("once the head was sent, the client sees a cut and no other try", async () => {
    const origin = await new Origin((connection) => {
      if (connection.text.endsWith("body")) connection.socket.write(head);
    }).listen();
    closers.push(() => origin.close());
    await start([origin.port], retry);
    const client = await open();
    client.write(post("body"));
    await client.until(({ text }) => text.endsWith("\r\n\r\n"), "the head");
    origin.connections[0]!.socket.write("no size\r\n");
    await client.end();
    expect(answersIn(client.text)).toEqual([]);
    expect(origin.connections).toHaveLength(1);
    expect(gateway.flagged("UPE")).toBe(1);
  });

  test("over HTTP/2: 502 where the head was not sent", async () => {
    const origin = await originOf(malformedAtOnce, malformedAtOnce);
    await start([origin.port], retry);
    const client = await Http2Client.open(gateway, secure);
    closers.push(() => client.destroy());
    const reply = await client.request({ ":method": "POST", ":path": "/seldon/prod/iris/x" }, "body");
    expect(reply).toMatchObject({ status: 502, code: 0 });
    expect(reply.headers["x-model"]).toBeUndefined();
    expect(origin.connections).toHaveLength(2);
  });

  test.each([
    ["a client of HTTP/1.1", ""],
    ["gRPC-Web", "Content-Type: application/grpc-web\r\n"],
  ])("from an upstream of HTTP/2 whose reset comes with the head, to %s", async (_client, fields) => {
    const server = await rawServer();
    await start([server.port], {}, "http2");
    const answer = answerTo(fields);
    const peer = await server.peer;
    peer.send(frames.settings(), frames.settingsAck());
    await peer.wait(frameType.headers);
    peer.send(
      frames.headers(
        1,
        blockOf([
          [":status", "200"],
          ["content-type", "application/grpc"],
        ]),
        flag.endHeaders,
      ),
      frames.data(1, Buffer.from([0, 0, 0, 0, 9, 1])),
      // Refused, it says: what answers has not refused, so there is no other try.
      frames.reset(1, 7),
    );
    const { status, body } = await answer;
    expect(fields === "" ? status : /grpc-status: (\d+)/.exec(body)?.[1]).toEqual(fields === "" ? 503 : "14");
    expect(gateway.flagged("UR")).toBe(1);
    expect(peer.of(frameType.headers)).toHaveLength(1);
  });
});
