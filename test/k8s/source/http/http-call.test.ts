// Requests of Sluice itself: each ends, whatever its server does.
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { Api } from "../../../../k8s/source/api/api.ts";
import { LateAnswer, responseTo, textOfBody, within } from "../../../../k8s/source/http/http-call.ts";

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
let server: Server;
const sockets = new Set<Socket>();

/** Answers each connection's first bytes with `text` and leaves it open; `drop` comes again and again. */
async function answering(text: string, drop = ""): Promise<number> {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write(text);
      if (drop === "") return;
      const drip = setInterval(() => socket.write(drop), 5);
      socket.once("close", () => clearInterval(drip));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server.close();
});

const accessTo = (port: number) => ({
  server: `http://127.0.0.1:${port}`,
  credentials: async () => ({
    headers: {},
    tls: { ca: null, cert: null, key: null, verify: true, serverName: null },
    proxy: null,
  }),
  renew: async () => undefined,
});

describe("a request", () => {
  test("ends where the server answers 101", async () => {
    const port = await answering(switching);
    await expect(responseTo(false, { port, host: "127.0.0.1", agent: false }, null)).rejects.toThrow("101");
  });

  test.each([
    ["", ""],
    ["", "HTTP/1.1 100 Continue\r\n\r\n"],
    ["HTTP/1.1 200 OK\r\nx: ", " "],
  ])("ends in its time where nothing but %j and drops of %j come", async (text, drop) => {
    const port = await answering(text, drop);
    // By a listener of its own: `once` of node:events would reject where the connection is reset.
    const left = once(server, "connection").then(
      ([socket]) => new Promise((resolve) => (socket as Socket).once("close", resolve)),
    );
    const work = within(50, (signal) => responseTo(false, { port, host: "127.0.0.1", agent: false, signal }, null));
    await expect(work).rejects.toThrow("within 0.05 s");
    // The connection is let go, too.
    await left;
  });

  test.each([
    [9, null],
    [10, "0123456789"],
  ])("its body of 10 bytes, of which %i may come: %j", async (most, text) => {
    const port = await answering("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
    const response = await responseTo(false, { port, host: "127.0.0.1", agent: false }, null);
    expect(await textOfBody(response, most)).toBe(text);
  });
});

test("work that never ends is late, and what comes after it is nobody's", async () => {
  const work = Promise.withResolvers<string>();
  await expect(within(5, () => work.promise)).rejects.toThrow(LateAnswer);
  work.reject(new Error("later"));
});

describe("a question to the API server ends", () => {
  test.each([
    ["101", switching, ""],
    ["a head that drips", "HTTP/1.1 200 OK\r\nx: ", " "],
    ["a body that drips", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", " "],
    ["a refusal that drips", "HTTP/1.1 500 No\r\nContent-Length: 100000\r\n\r\n", " "],
  ])("with %s", async (_, text, drop) => {
    const api = new Api(accessTo(await answering(text, drop)));
    const answer = await api.ask({
      method: "GET",
      path: "/version",
      body: null,
      idleMs: 50,
      signal: new AbortController().signal,
    });
    expect(answer.kind).toBe("unreachable");
    api.close();
  });
});
