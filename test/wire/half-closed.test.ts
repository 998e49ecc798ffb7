// Clients of HTTP/1.1 that end their side while their answer is under way: whoever left is noticed, whoever reads on is served.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Breaker } from "../../routing/model/upstream.ts";
import { eventually } from "../turns.ts";
import type { RawClient } from "./client.ts";
import { Gateway, post, transports } from "./gateway.ts";
import { Origin, requestsIn } from "./origin.ts";

const limitMs = 200;
const oneRequest: Breaker = {
  priority: "default",
  maxConnections: 1024,
  maxPendingRequests: 1024,
  maxRequests: 1,
  maxRetries: 3,
};
const head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;

  beforeEach(async () => {
    gateway = await new Gateway({ limits: { halfClosedIdleMs: limitMs } }).listen();
    origin = await new Origin(() => undefined).listen();
    gateway.serveIris([origin.port], {}, { breakers: [oneRequest] });
  });
  afterEach(async () => {
    gateway.close();
    await origin.close();
  });

  const say = (text: string): void => void origin.connections[0]!.socket.write(text);
  const event = (text: string): void => say(`${text.length.toString(16)}\r\n${text}\r\n`);
  const asked = (): Promise<void> =>
    eventually(() => requestsIn(origin.text).length === 1, "the request at the origin");

  /** A client in the middle of its answer. */
  async function reading(): Promise<RawClient> {
    const client = await gateway.open(secure);
    client.write(post("x"));
    await asked();
    say(head);
    event("first");
    await client.until(({ text }) => text.includes("first"), "the first event");
    return client;
  }

  const timeGoesOn = (): Promise<void> =>
    gateway.goOnUntil(
      () => origin.connections[0]!.ended || origin.connections[0]!.closed,
      "the cancelled request at the origin",
    );

  /** The request of the one who left is cancelled, and its place in the breaker is another's. */
  async function sawLeave(): Promise<void> {
    await eventually(
      () => origin.connections[0]!.ended || origin.connections[0]!.closed,
      "the cancelled request at the origin",
    );
    expect(gateway.flagged("DC")).toBe(1);
    expect(gateway.entries.map(({ flag, code, sentence }) => [flag, code, sentence])).toEqual([
      ["DC", 200, expect.stringContaining("--half-closed-idle-ms")],
    ]);
    origin.behaviour = (connection) => connection.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnext");
    const next = await gateway.open(secure);
    next.write(post("y"));
    expect((await next.answers(1))[0]).toMatchObject({ status: 200, body: "next" });
    next.destroy();
  }

  test("a client that leaves in the middle of its answer is gone when the model has been silent for so long", async () => {
    const client = await reading();
    client.destroy();
    const refused = await gateway.open(secure);
    refused.write(post("no place"));
    expect((await refused.answers(1))[0]!.status).toBe(503);
    refused.destroy();
    await timeGoesOn();
    expect(gateway.entries.splice(0, 1)[0]).toMatchObject({ flag: "UO" });
    await sawLeave();
  });

  test("so is one that ended its side before the answer began", async () => {
    const client = await gateway.open(secure);
    client.write(post("x"));
    await asked();
    client.socket.end();
    await client.until(({ text }) => text.startsWith("HTTP/1.1 100 Continue"), "the question whether it is there");
    say(head);
    await client.until(({ text }) => text.includes("event-stream"), "the head");
    await gateway.advance(limitMs + 10);
    await client.end();
    await sawLeave();
  });

  test("a client that ended its side and reads on is served as long as the model pauses for less", async () => {
    const client = await reading();
    client.socket.end();
    for (let turn = 0; turn < 12; turn++) {
      await gateway.advance(limitMs - 1);
      event(`event ${turn};`);
      await client.until(({ text }) => text.includes(`event ${turn};`), `event ${turn}`);
    }
    say("0\r\n\r\n");
    expect((await client.answers(1))[0]!.body).toMatch(/event 11;$/);
    await client.end();
    expect(gateway.answered("200")).toBe(1);
    expect(gateway.flagged("DC")).toBe(0);
  });

  test("and cut when it pauses for longer", async () => {
    const client = await reading();
    client.socket.end();
    await gateway.advance(limitMs - 1);
    event("second");
    await client.until(({ text }) => text.includes("second"), "the second event");
    await timeGoesOn();
    await client.end();
    expect(client.text).toMatch(/second\r\n$/);
    await sawLeave();
  });
});
