// The admin port under attack: who opens connections and asks nothing, who reads nothing, who comes by a foreign name.
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  connectionLimit,
  cutStalled,
  mostAhead,
  mostConnections,
  oneATurn,
  pace,
} from "../../../gateway/admin/connections.ts";
import { pieceBytes } from "../../../gateway/admin/sending/paced-connection.ts";
import { isOwnHost } from "../../../gateway/admin/hosts.ts";
import type { AdminServer } from "../../../gateway/admin/server.ts";
import { startedAdmin, viewOf } from "./admin-stage.ts";
import { nothingMeasured } from "./nothing-measured.ts";
import { SharedAnswers, mostUnderWay } from "../../../gateway/admin/sending/shared-answers.ts";
import { pieceBytes as textBytes } from "../../../gateway/admin/families/streamed-text.ts";
import { CounterBlock, blockBytes } from "../../../gateway/shared/memory/counters.ts";
import { seriesOf } from "../fixtures.ts";

test.each([
  [16, 4],
  [40, 5],
  [504, 63],
  [511, 63],
  [512, 64],
  [1024, 64],
  [Infinity, 64],
])("where the process may open %i files there are %i connections", (files, connections) => {
  expect(connectionLimit(files)).toBe(connections);
});

test.each([
  ["127.0.0.1:8877", true],
  ["10.1.2.3", true],
  ["[::1]:8877", true],
  ["[fd00::1]", true],
  ["localhost:8877", true],
  ["LOCALHOST", true],
  ["sluice.localhost", true],
  ["localhost.", true],
  ["sluice-admin", true],
  ["Sluice-Admin:8877", true],
  [undefined, true],
  ["", false],
  ["evil.example", false],
  ["evil.example:8877", false],
  ["localhost.evil.example", false],
  ["127.0.0.1.evil.example", false],
  ["127.1", false],
  ["0x7f000001", false],
  ["2130706433", false],
  ["[::1", false],
  ["[evil.example]", false],
  ["::1", false],
  ["a@127.0.0.1", false],
  ["127.0.0.1 evil.example", false],
  ["127.0.0.1,evil.example", false],
  ["sluice-admin.evil.example", false],
])("Host %s: %s", (host, own) => {
  expect(isOwnHost(host, ["sluice-admin"])).toBe(own);
});

describe("a connection on which nothing moves for the time of stalled ones", () => {
  test("stays while an answer is made", async () => {
    const server = createServer(({ socket }, response) => {
      setImmediate(() => {
        socket.emit("timeout");
        response.end("late");
      });
    });
    cutStalled(server, 60_000);
    await once(server.listen(0, "127.0.0.1"), "listening");
    const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(await answer.text()).toBe("late");
    server.close();
  });

  test("is cut where the client does not take what was made, or asks nothing", async () => {
    const server = createServer(({ socket }, response) => {
      response.write(Buffer.alloc(50 * 1024 * 1024));
      setImmediate(() => socket.emit("timeout"));
    });
    cutStalled(server, 60_000);
    await once(server.listen(0, "127.0.0.1"), "listening");
    for (const asks of [true, false]) {
      const client = connect((server.address() as AddressInfo).port, "127.0.0.1").on("error", () => undefined);
      const [socket] = (await once(server, "connection")) as [Socket];
      if (asks) client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
      else socket.emit("timeout");
      await new Promise((resolve) => socket.once("close", resolve));
      client.destroy();
    }
    server.close();
  });
});

/** Calls `told` in each turn of the event loop, until what it gives is called. */
function eachTurn(told: () => void): () => void {
  let next = setImmediate(function again() {
    told();
    next = setImmediate(again);
  });
  return () => clearImmediate(next);
}

/** Its answer is 421. As many as may come ahead fit in one piece of a paced connection. */
const shortest = "GET / HTTP/1.1\r\nHost:a\r\n\r\n";

test("of 64 kB of heads in one piece, the parser is given as many a turn as 1 kB holds, and none after the limit", async () => {
  let turn = 0;
  const turns: number[] = [];
  const server = createServer(oneATurn(() => undefined)).listen(0, "127.0.0.1");
  pace(server);
  server.on("request", () => turns.push(turn));
  await once(server, "listening");
  const stop = eachTurn(() => void (turn += 1));
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write(shortest.repeat(2400));
  socket.resume();
  await once(socket, "close");
  stop();
  const most = Math.ceil(pieceBytes / shortest.length) + 1;
  expect(turns.length).toBeGreaterThan(mostAhead);
  expect(turns.length).toBeLessThanOrEqual(mostAhead + most);
  for (const at of new Set(turns)) expect(turns.filter((other) => other === at).length).toBeLessThanOrEqual(most);
  server.close();
});

test("requests that come in one piece are answered in a turn each", async () => {
  let turn = 0;
  const turns: number[] = [];
  const server = createServer(
    oneATurn((_, response) => {
      turns.push(turn);
      response.end();
    }),
  ).listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = eachTurn(() => void (turn += 1));
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(mostAhead));
  socket.resume();
  await expect.poll(() => turns.length).toBe(mostAhead);
  stop();
  expect(new Set(turns).size).toBe(mostAhead);
  socket.destroy();
  server.close();
});

describe("a shared answer", () => {
  let nowMs = 0;
  let made = 0;
  let answers: SharedAnswers;

  beforeEach(() => {
    nowMs = 0;
    made = 0;
    answers = new SharedAnswers(
      async () => Buffer.from(String(++made)),
      () => nowMs,
    );
  });

  async function textOf(answer: ReturnType<SharedAnswers["take"]>): Promise<string> {
    return String(await answer!.text);
  }

  test("is made once a second", async () => {
    for (const [atMs, text] of [
      [0, "1"],
      [999, "1"],
      [1000, "2"],
      [1001, "2"],
    ] as const) {
      nowMs = atMs;
      const answer = answers.take();
      expect(await textOf(answer)).toBe(text);
      answer!.done();
    }
  });

  test(`goes to ${mostUnderWay} at once and not to one more, until one is done; done twice counts once`, () => {
    const taken = Array.from({ length: mostUnderWay }, () => answers.take());
    expect(taken).not.toContain(null);
    expect(answers.take()).toBe(null);
    taken[0]!.done();
    taken[0]!.done();
    expect(answers.take()).not.toBe(null);
    expect(answers.take()).toBe(null);
  });

  test("two texts are held at most: slow readers get no third", async () => {
    answers.take();
    nowMs = 1000;
    const second = answers.take();
    nowMs = 5000;
    expect(await textOf(answers.take())).toBe("2");
    second!.done();
    expect(await textOf(answers.take())).toBe("2");
    expect(made).toBe(2);
  });

  test("that cannot be made is tried again by the next who asks", async () => {
    let fails = true;
    answers = new SharedAnswers(
      async () => {
        if (fails) throw new Error("no");
        return Buffer.from("yes");
      },
      () => nowMs,
    );
    const first = answers.take()!;
    await expect(first.text).rejects.toThrow("no");
    first.done();
    fails = false;
    expect(await textOf(answers.take())).toBe("yes");
  });
});

describe("the admin port", () => {
  let admin: AdminServer;
  const sockets: Socket[] = [];
  /** Enough for a text of 12 MB, which no pair of socket buffers takes whole. */
  const slots = 8000;

  beforeEach(async () => {
    const block = new CounterBlock(new SharedArrayBuffer(blockBytes()));
    const usedSlots = Array.from({ length: slots }, (_, slot) => ({ slot, series: seriesOf(`a-deployment-${slot}`) }));
    for (let slot = 0; slot < slots; slot++) block.finish(slot, 200, 0.001);
    admin = await startedAdmin([], [], {
      admin: { host: "127.0.0.1", port: 0, token: null, hosts: [], viewers: "policy" },
      view: { ...viewOf([], []), counted: { ...nothingMeasured, usedSlots } },
      blocks: [block.cells],
      countedClients: () => 7,
      workers: 2,
    });
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await admin.close();
  });

  async function open(): Promise<Socket> {
    const socket = connect({ port: admin.port, host: "127.0.0.1" });
    socket.on("error", () => undefined);
    sockets.push(socket);
    await once(socket, "connect");
    return socket;
  }

  async function ask(request: string): Promise<string> {
    const socket = await open();
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    socket.write(request);
    await once(socket, "close");
    return text.slice(0, 1000);
  }

  const health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

  test(`${mostConnections} idle connections keep nobody out: the oldest gives way, and the others stand`, async () => {
    const idle: Socket[] = [];
    for (let count = 0; count < mostConnections; count++) idle.push(await open());
    const firstGone = once(idle[0]!, "close");
    expect(await ask(health)).toMatch(/^HTTP\/1\.1 200 /);
    await firstGone;
    expect(idle.slice(1).every((socket) => !socket.destroyed)).toBe(true);
    // Half a head counts as nothing asked; many more of them neither.
    for (let count = 0; count < 3 * mostConnections; count++)
      (await open()).write("GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ");
    expect(await ask(health)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test(`${mostConnections} half bodies keep nobody out: the oldest gives way`, async () => {
    const half: Socket[] = [];
    for (let count = 0; count < mostConnections; count++) {
      const socket = await open();
      socket.write(
        "POST /api/v1/explain HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n{",
      );
      // The port has read the head.
      await once(socket, "data");
      half.push(socket);
    }
    const firstGone = once(half[0]!, "close");
    expect(await ask(health)).toMatch(/^HTTP\/1\.1 200 /);
    await firstGone;
    expect(half.slice(1).every((socket) => !socket.destroyed)).toBe(true);
  });

  test("a head that does not end is cut, and so is a connection that says nothing", { timeout: 60_000 }, async () => {
    const silent = await open();
    const slow = await open();
    slow.write("GET /healthz HTTP/1.1\r\n");
    let answer = "";
    slow.on("data", (chunk: Buffer) => (answer += chunk.toString("latin1")));
    silent.resume();
    await Promise.all([once(silent, "close"), once(slow, "close")]);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("readers that do not read hold a piece of the text each, and there are few of them", async () => {
    const heads: string[] = [];
    const before = process.memoryUsage().arrayBuffers;
    const readers = await Promise.all(Array.from({ length: 40 }, () => open()));
    await Promise.all(
      readers.map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.write("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
            socket.once("data", (chunk: Buffer) => {
              socket.pause();
              heads.push(chunk.toString("latin1", 0, 12));
              resolve();
            });
          }),
      ),
    );
    expect(heads.filter((head) => head === "HTTP/1.1 200")).toHaveLength(mostUnderWay);
    expect(heads.filter((head) => head === "HTTP/1.1 503")).toHaveLength(40 - mostUnderWay);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * mostUnderWay * textBytes);
    expect(await ask(health)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test("requests sent ahead are let go with their connection", async () => {
    for (let round = 0; round < 4; round++) {
      const socket = await open();
      socket.write("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(mostUnderWay));
      await once(socket, "readable");
      socket.destroy();
    }
    await expect
      .poll(() => ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
      .toMatch(/^HTTP\/1\.1 200 /);
  });

  /** Answers of one connection, by their status lines, until it is closed or has so many. */
  async function answersTo(requests: string, most: number): Promise<number> {
    const socket = await open();
    let text = "";
    const done = new Promise<void>((resolve) => {
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString("latin1");
        if (text.split("HTTP/1.1 421").length > most) resolve();
      });
      socket.once("close", () => resolve());
    });
    socket.write(requests);
    await done;
    return text.split("HTTP/1.1 421").length - 1;
  }

  test.each([
    [mostAhead, mostAhead],
    [mostAhead + 1, mostAhead + 1],
    [mostAhead + 2, 0],
    [1000, 0],
  ])("%i requests in one piece: %i are answered", async (count, answered) => {
    const got = await answersTo(shortest.repeat(count), count);
    // One is under way when the others come, and its connection may be closed before its answer has left.
    if (answered === 0) expect(got).toBeLessThanOrEqual(1);
    else expect(got).toBe(answered);
  });

  test.each(["/healthz", "/metrics", "/api/v1/routes", "/nowhere"])(
    "%s is not answered to a foreign Host",
    async (path) => {
      expect(await ask(`GET ${path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`)).toMatch(
        /^HTTP\/1\.1 421 [^]*--admin-host NAME/,
      );
      for (const request of [
        `GET http://127.0.0.1${path} HTTP/1.1\r\nHost: evil.example`,
        `GET http://evil.example${path} HTTP/1.1\r\nHost: localhost`,
        `GET ${path} HTTP/1.1\r\nHost: localhost\r\nHost: evil.example`,
      ]) {
        expect(await ask(`${request}\r\nConnection: close\r\n\r\n`), request).toMatch(/^HTTP\/1\.1 421 /);
      }
    },
  );

  test("a body of more than 1 KiB, and one that does not come, are refused", { timeout: 60_000 }, async () => {
    expect(
      await ask(
        `POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 1025\r\n\r\n${" ".repeat(1025)}`,
      ),
    ).toMatch(/^HTTP\/1\.1 413 /);
    expect(await ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")).toMatch(
      /^HTTP\/1\.1 200 /,
    );
  });
});
