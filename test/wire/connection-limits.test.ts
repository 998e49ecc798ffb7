// How many connections there may be: in total, of all workers together, from one address, handshakes included. And whoever is slow or greedy
// on his own connections leaves everybody else alone.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fixed } from "../../gateway/shared/metrics/fixed.ts";
import { eventually } from "../turns.ts";
import { answersIn, type RawClient } from "./client.ts";
import { Gateway, post, transports, type GatewayOptions } from "./gateway.ts";
import { Origin, answerEach } from "./origin.ts";

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;
  const clients: RawClient[] = [];

  beforeEach(async () => {
    origin = await new Origin().listen();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await gateway.goOnUntil(
      () => gateway.counted("inFlight") === 0 && gateway.counted("clientConnectionsHttp1") === 0,
      "gauges at 0",
    );
    gateway.close();
    await origin.close();
  });

  async function start(options: GatewayOptions): Promise<void> {
    gateway = await new Gateway(options).listen();
    gateway.serveIris([origin.port]);
  }

  /** A connection that was served; null where it was closed without an answer. */
  async function served(): Promise<RawClient | null> {
    const client = await gateway.open(secure).catch(() => null);
    if (client === null) return null;
    client.write(post("x"));
    await client.until(() => client.ended || client.closed || answersIn(client.text).length === 1);
    if (client.text === "") return null;
    clients.push(client);
    return client;
  }

  test("in total: up to the limit they are served, one more is closed, and who leaves makes room", async () => {
    await start({ limits: { connections: 3 } });
    const [first] = [await served(), await served()];
    expect(clients).toHaveLength(2);
    expect(await served()).not.toBeNull();
    expect(await served()).toBeNull();
    expect(gateway.flagged("OM")).toBe(1);
    expect(gateway.entries.map(({ flag, code, peer }) => [flag, code, peer])).toEqual([["OM", 0, "127.0.0.1"]]);
    first!.destroy();
    await eventually(() => gateway.counted("clientConnectionsHttp1") === 2, "room");
    expect(await served()).not.toBeNull();
    expect(await served()).toBeNull();
  });

  test("in total: connections of other workers count", async () => {
    const other = new Float64Array(64);
    await start({ limits: { connections: 3 }, others: [other] });
    other[fixed.clientConnectionsHttp1] = 1;
    other[fixed.clientConnectionsHttp2] = 1;
    expect(await served()).not.toBeNull();
    expect(await served()).toBeNull();
    other[fixed.clientConnectionsHttp2] = 0;
    expect(await served()).not.toBeNull();
  });

  test("from one address", async () => {
    await start({ limits: { connectionsPerAddress: 2 } });
    expect(await served()).not.toBeNull();
    expect(await served()).not.toBeNull();
    expect(await served()).toBeNull();
    clients[0]!.destroy();
    await eventually(() => gateway.counted("clientConnectionsHttp1") === 1, "room");
    expect(await served()).not.toBeNull();
  });

  test("0 is any number", async () => {
    await start({ limits: { connections: 0, connectionsPerAddress: 0 } });
    for (let i = 0; i < 20; i++) expect(await served()).not.toBeNull();
  });

  test("who never speaks, or never ends a handshake, holds a connection too", async () => {
    await start({ limits: { connections: 2, headTimeoutMs: 1500 } });
    const silent = await dial(secure ? gateway.tlsPort : gateway.port);
    const other = await dial(secure ? gateway.tlsPort : gateway.port);
    expect(await served()).toBeNull();
    silent.destroy();
    if (secure) {
      // A handshake that does not begin ends at its deadline.
      other.resume();
      await gateway.during(once(other, "close"));
    } else other.destroy();
    await eventually(() => gateway.counted("clientConnectionsHttp1") === 0, "room");
    expect(await served()).not.toBeNull();
  });

  test("slow heads, slow bodies and slow readers touch nobody, and are cut at their limits", async () => {
    await start({ limits: { headTimeoutMs: 1500, bodyIdleTimeoutMs: 1500, writeStallTimeoutMs: 1500 } });
    origin.behaviour = answerEach((request) => {
      const body = request.includes("/large") ? "y".repeat(8_000_000) : "ok";
      return `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    });
    const count = 25;
    const attackers = await Promise.all(Array.from({ length: 3 * count }, () => gateway.open(secure)));
    for (const [index, attacker] of attackers.entries()) {
      if (index < count) attacker.write("POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nX: ");
      else if (index < 2 * count)
        attacker.write("POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nbegun");
      else {
        attacker.socket.pause();
        attacker.write(post("x", "", "/seldon/prod/iris/large"));
      }
    }
    const client = await gateway.open(secure);
    clients.push(client);
    for (let i = 1; i <= 200; i++) {
      client.write(post(`${i}`));
      expect((await client.answers(i))[i - 1]).toMatchObject({ status: 200, body: "ok" });
      if (i % 20 !== 0) continue;
      // Heads that come drop by drop are no better than those that do not come.
      for (const attacker of attackers.slice(0, count)) attacker.write("a");
      await gateway.advance(100);
    }
    await gateway.goOnUntil(() => gateway.counted("clientConnectionsHttp1") === 1, "the end of the slow");
    expect(gateway.flagged("DT")).toBe(2 * count);
    expect(gateway.flagged("DC")).toBe(count);
    expect(gateway.entries.filter(({ flag }) => flag === "DC")).toHaveLength(count);
    for (const attacker of attackers) attacker.destroy();
  });
});

/** A socket that says nothing. */
async function dial(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await new Promise((resolve) => {
    socket.once("connect", resolve);
  });
  return socket;
}
