// HTTP/2 of the load harness: what it sends is read by the engine's decoder, and what it takes for a right call is right.
import { createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { flag, frameType } from "../../gateway/edge/frames/constants.ts";
import { HeaderList } from "../../gateway/edge/hpack/header-list.ts";
import { HpackDecoder } from "../../gateway/edge/hpack/hpack-decode.ts";
import { Calls, type Call } from "../../load/peers/h2/calls.ts";
import { block, frame, message, settings, windowUpdate } from "../../load/peers/h2/frames.ts";

function decoded(bytes: Buffer): readonly string[] | null {
  const list = new HeaderList({ bytes: 1 << 20, fields: 200 });
  if (!new HpackDecoder(4096).decode(bytes, 0, bytes.length, list)) return null;
  return list.bytes.toString("latin1", 0, list.length).split("\r\n").slice(0, -1);
}

/** A server that answers what it gets with `answer`, which sees each frame of a stream. */
async function serve(answer: (socket: Socket, type: number, flags: number, id: number) => void): Promise<number> {
  const server = createServer((socket) => {
    let held = Buffer.alloc(0);
    let preface = 24;
    socket.write(settings([]));
    socket
      .on("error", () => {})
      .on("data", (bytes: Buffer) => {
        held = Buffer.concat([held, bytes.subarray(Math.min(preface, bytes.length))]);
        preface -= Math.min(preface, bytes.length);
        while (held.length >= 9) {
          const end = 9 + held.readUIntBE(0, 3);
          if (held.length < end) return;
          const [type, flags, id] = [held[3]!, held[4]!, held.readUInt32BE(5)];
          held = held.subarray(end);
          if (id > 0) answer(socket, type, flags, id);
        }
      });
    onTestFinished(() => void socket.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function callOnce(port: number, body: Buffer): Promise<{ readonly call: Call; readonly whole: boolean }> {
  return new Promise((resolve, reject) => {
    const calls = new Calls({ host: "127.0.0.1", port }, [message(72, "m"), message(72, "c")], {
      done: (connection, call, whole) => {
        connection.end();
        resolve({ call, whole });
      },
      lost: (_connection, _calls, sentence) => reject(new Error(sentence)),
    });
    calls.begin(block([[":method", "POST"]]), body, true, 0);
  });
}

const head = Buffer.concat([Buffer.from([0x88]), block([["content-type", "application/grpc"]])]);
const trailers = (status: string): Buffer =>
  block([
    ["grpc-status", status],
    ["grpc-message", "why"],
  ]);

function answerWith(body: Buffer, status: string): (socket: Socket, type: number, flags: number, id: number) => void {
  return (socket, type, flags, id) => {
    if (type !== frameType.data || (flags & flag.endStream) === 0) return;
    socket.write(
      Buffer.concat([
        frame(frameType.headers, flag.endHeaders, id, head),
        frame(frameType.data, 0, id, body),
        frame(frameType.headers, flag.endHeaders | flag.endStream, id, trailers(status)),
      ]),
    );
  };
}

describe("block", () => {
  test.each([0, 126, 127, 128, 254, 255, 256, 4000, 16_000])("a value of %i bytes is read back", (bytes) => {
    expect(
      decoded(
        block([
          ["x-a", "v".repeat(bytes)],
          ["x-b", "after"],
        ]),
      ),
    ).toEqual([`x-a: ${"v".repeat(bytes)}`, "x-b: after"]);
  });
});

describe("Calls", () => {
  test("tells who answered, whole", async () => {
    const { call, whole } = await callOnce(await serve(answerWith(message(72, "c"), "0")), message(72, "q"));
    expect([call.status, call.grpcStatus, call.answer, whole]).toEqual([200, 0, 1, true]);
  });

  test("a grpc-status that is not 0 is told with its message", async () => {
    const { call } = await callOnce(await serve(answerWith(message(72, "c"), "14")), message(72, "q"));
    expect([call.status, call.grpcStatus, call.grpcMessage]).toEqual([200, 14, "why"]);
  });

  test("an answer that lacks its last byte, or has another one, is not whole", async () => {
    const wrong = message(72, "c");
    wrong[wrong.length - 1] = 0x64;
    for (const body of [message(72, "c").subarray(0, -1), wrong, Buffer.alloc(0)]) {
      const { whole } = await callOnce(await serve(answerWith(body, "0")), message(72, "q"));
      expect(whole).toBe(false);
    }
  });

  test("a message larger than the windows is sent as the windows open", async () => {
    let received = 0;
    const port = await serve((socket, type, flags, id) => {
      if (type !== frameType.data) return;
      received += 1;
      socket.write(Buffer.concat([windowUpdate(0, 16_384), windowUpdate(id, 16_384)]));
      if ((flags & flag.endStream) > 0) answerWith(message(72, "m"), "0")(socket, type, flags, id);
    });
    const { whole } = await callOnce(port, message(300_000, "q"));
    expect(whole).toBe(true);
    expect(received).toBeGreaterThanOrEqual(300_005 / 16_384);
  });
});
