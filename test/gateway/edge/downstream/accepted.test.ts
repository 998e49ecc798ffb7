// The adapter that gives accepted sockets the static read buffer works on the pinned Node; the fallback behaves alike.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, test } from "vitest";
import { acceptedTransport, type SocketUse } from "../../../../gateway/edge/downstream/accepted.ts";
import { readDirectly } from "../../../../gateway/edge/io/direct-read.ts";
import { ReadBuffer } from "../../../../gateway/edge/io/read-buffer.ts";
import type { Transport, TransportOwner } from "../../../../gateway/edge/io/transport.ts";
import { turns } from "../../../turns.ts";

class Silent implements TransportOwner {
  readonly brokenBy: string[] = [];
  onBroken: () => void = () => undefined;

  received(): void {}

  ended(): void {}

  drained(): void {}

  broken(reason: string): void {
    this.brokenBy.push(reason);
    this.onBroken();
  }

  crashed(error: unknown): void {
    throw error;
  }
}

/** The owner of a transport on the side that accepts, and the socket of its peer. */
async function pairOf(use: SocketUse): Promise<{ readonly owner: Silent; readonly peer: Socket }> {
  const owner = new Silent();
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const peer = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true });
  const [accepted] = (await once(server, "connection")) as [Socket];
  server.close();
  peer.on("error", () => undefined);
  acceptedTransport(accepted, new ReadBuffer(), owner, use);
  return { owner, peer };
}

class Echo implements TransportOwner {
  transport: Transport | null = null;
  readonly buffers = new Set<Buffer>();
  readonly sentinels: number[] = [];
  isEnded = false;
  brokenBy = "";
  readonly crashes: unknown[] = [];

  received(bytes: Buffer, start: number, end: number): void {
    this.buffers.add(bytes);
    this.sentinels.push(bytes[end]!);
    if (bytes.toString("latin1", start, end) === "bug") throw new Error("planted");
    this.transport!.write(Buffer.from(bytes.subarray(start, end)));
  }

  ended(): void {
    this.isEnded = true;
    this.transport!.end();
  }

  drained(): void {}

  broken(reason: string): void {
    this.brokenBy = reason;
  }

  crashed(error: unknown): void {
    this.crashes.push(error);
  }
}

const uses = ["direct", "static", "events"] as const;

test.each(uses)("an accepted socket, %s: bytes, half-close, back-pressure and faults", async (use) => {
  const reads = new ReadBuffer();
  const echoes: Echo[] = [];
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    const echo = new Echo();
    echo.transport = acceptedTransport(socket, reads, echo, use);
    echoes.push(echo);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const open = async (): Promise<{ readonly socket: ReturnType<typeof connect>; text: string }> => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const client = { socket, text: "" };
    socket.on("data", (chunk) => (client.text += chunk.toString()));
    socket.on("error", () => undefined);
    await new Promise((resolve) => {
      socket.once("connect", resolve);
    });
    return client;
  };
  const one = await open();
  const two = await open();
  for (const text of ["hello", "again"]) {
    one.socket.write(text);
    two.socket.write(text.toUpperCase());
    await new Promise((resolve) => {
      one.socket.once("data", resolve);
    });
  }
  one.socket.end();
  await new Promise((resolve) => {
    one.socket.once("end", resolve);
  });
  expect(one.text).toBe("helloagain");
  expect(echoes.some(({ isEnded }) => isEnded)).toBe(true);
  expect(echoes[0]!.transport!.peer).toBe("127.0.0.1");
  // One buffer for all connections.
  if (use !== "events") expect(new Set(echoes.flatMap(({ buffers }) => [...buffers])).size).toBe(1);
  expect(echoes.flatMap(({ sentinels }) => sentinels).every((byte) => byte === 0)).toBe(true);

  const paused = echoes.find(({ isEnded }) => !isEnded)!;
  paused.transport!.pause();
  const before = two.text;
  two.socket.write("held");
  await turns(12);
  expect(two.text).toBe(before);
  paused.transport!.resume();
  await new Promise((resolve) => {
    two.socket.once("data", resolve);
  });
  expect(two.text).toBe(`${before}held`);

  two.socket.write("bug");
  await new Promise((resolve) => {
    two.socket.once("close", resolve);
    two.socket.once("end", () => two.socket.end());
  });
  expect(paused.crashes).toHaveLength(1);
  const three = await open();
  three.socket.write("still here");
  await new Promise((resolve) => {
    three.socket.once("data", resolve);
  });
  expect(three.text).toBe("still here");
  three.socket.destroy();
  server.close();
});

test.each(uses)("%s: that a peer has reset is told as broken, once", async (use) => {
  const { owner, peer } = await pairOf(use);
  const broken = new Promise<void>((resolve) => (owner.onBroken = resolve));
  peer.resetAndDestroy();
  await broken;
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  expect(owner.brokenBy).toEqual(["ECONNRESET"]);
});

test("the pinned Node can read directly; a socket without a handle is left alone", async () => {
  const server = createServer((socket) => socket.end("hello"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const reads = new ReadBuffer();
  const streamed: number[] = [];
  const direct: string[] = [];
  const onread = { buffer: reads.window, callback: (length: number) => streamed.push(length) > 0 };
  const socket = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", onread });
  expect(readDirectly(socket, reads, (bytes, start, end) => direct.push(bytes.toString("latin1", start, end)))).toBe(
    true,
  );
  await once(socket, "close");
  expect({ streamed, direct }).toEqual({ streamed: [], direct: ["hello"] });
  expect(readDirectly(socket, reads, () => undefined)).toBe(false);
  server.close();
});
