// Writing to the kernel within the call works on the pinned Node, and never to a descriptor that is not the socket's any more.
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeBothNow, writeNow } from "../../../../gateway/edge/io/write-now.ts";

let server: Server;
let socket: Socket;
let peer: Socket;

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true });
  const accepted = new Promise<Socket>((resolve) => {
    server.once("connection", resolve);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  socket = connect({ host: "127.0.0.1", port: (server.address() as AddressInfo).port, allowHalfOpen: true });
  expect(writeNow(socket, Buffer.from("not connected yet"))).toBe(0);
  peer = await accepted;
  if (socket.connecting) {
    await new Promise((resolve) => {
      socket.once("connect", resolve);
    });
  }
  for (const one of [socket, peer]) one.on("error", () => undefined);
});
afterEach(() => {
  socket.destroy();
  peer.destroy();
  server.close();
});

/** Everything the peer gets until the end of the other side. */
async function received(): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of peer) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

test("one piece and two leave in order", async () => {
  expect(writeNow(socket, Buffer.from("one "))).toBe(4);
  expect(writeBothNow(socket, Buffer.from("two "), Buffer.from("three "))).toBe(10);
  expect(writeBothNow(socket, Buffer.alloc(0), Buffer.from("four"))).toBe(4);
  socket.end();
  expect((await received()).toString()).toBe("one two three four");
});

test("what the kernel does not take is told, and nothing is taken while bytes are queued", async () => {
  const bytes = Buffer.alloc(30_000_000, "x");
  const taken = writeBothNow(socket, Buffer.from("head"), bytes);
  expect(taken).toBeGreaterThan(4);
  expect(taken).toBeLessThan(bytes.length);
  // Full: nothing more, and no exception.
  expect(writeNow(socket, bytes)).toBe(0);
  socket.write(bytes.subarray(taken - 4));
  expect(socket.writableLength).toBeGreaterThan(0);
  expect(writeNow(socket, Buffer.from("ahead of the queue"))).toBe(0);
  socket.end();
  const all = await received();
  expect(all.length).toBe(4 + bytes.length);
  expect(all.includes("ahead")).toBe(false);
});

test("nothing is written behind the end, or to what is destroyed", async () => {
  socket.end("last");
  expect(writeNow(socket, Buffer.from("behind the end"))).toBe(0);
  expect((await received()).toString()).toBe("last");
  socket.destroy();
  expect(writeNow(socket, Buffer.from("x"))).toBe(0);
  expect(writeBothNow(socket, Buffer.from("x"), Buffer.from("y"))).toBe(0);
});

test("a peer that has reset takes nothing, and the socket says so itself", async () => {
  peer.resetAndDestroy();
  const reason = new Promise<NodeJS.ErrnoException>((resolve) => {
    socket.once("error", resolve);
  });
  while (!socket.destroyed && writeNow(socket, Buffer.from("x")) > 0) await new Promise(setImmediate);
  socket.write("x");
  expect(["ECONNRESET", "EPIPE"]).toContain((await reason).code);
});
