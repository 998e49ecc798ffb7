// What a client sends, or ends, while a step has its request wait: it keeps its place, and arrives whole.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { goOn, waits, type Resume, type Step } from "../../gateway/edge/steps/step.ts";
import { eventually } from "../turns.ts";
import type { RawClient } from "./client.ts";
import { Gateway } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";
import { Origin, answerEach } from "./origin.ts";
import { serveMembers } from "./predictors.ts";

const path = "/seldon/prod/iris/x";

function get(fields = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
}

describe("what comes while a step waits", () => {
  const held: Resume[] = [];
  let cancelled = 0;
  const waiting: Step = {
    name: "planted",
    take: (request) => {
      held.push(request.wait(() => (cancelled += 1)));
      return waits;
    },
    answered: null,
    ended: null,
  };
  let gateway: Gateway;
  let origin: Origin;
  const opened: { destroy(): void }[] = [];
  beforeEach(async () => {
    held.length = 0;
    cancelled = 0;
    gateway = await new Gateway({ steps: [waiting] }).listen();
    origin = await new Origin().listen();
    gateway.serveIris([origin.port], { upgrades: ["websocket"] });
  });

  afterEach(async () => {
    for (const client of opened.splice(0)) client.destroy();
    try {
      await eventually(
        () => gateway.counted("inFlight") === 0 && gateway.counted("heldBytes") === 0,
        "nothing in flight and nothing held",
      );
    } finally {
      gateway.close();
      await origin.close();
    }
  });

  async function http1(): Promise<RawClient> {
    const client = await gateway.open(false);
    opened.push(client);
    return client;
  }

  test.each([
    ["half of a request", get().slice(0, 20), 1],
    ["sixteen requests", get().repeat(16), 17],
  ])("ahead, %s, keeps its place", async (_what, ahead, count) => {
    const client = await http1();
    client.write(get() + ahead);
    for (let at = 0; at < count; at++) {
      await eventually(() => held.length === at + 1, "the next wait");
      expect(held).toHaveLength(at + 1);
      held[at]!(goOn);
    }
    expect((await client.answers(count)).map(({ status }) => status)).toEqual(Array.from({ length: count }, () => 200));
  });

  test("trailers and a body that was asked for by Expect arrive", async () => {
    const client = await http1();
    client.write(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTrailer: x-t\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    await client.until(({ text }) => text.startsWith("HTTP/1.1 100 Continue\r\n\r\n"), "the 100");
    client.write("3\r\nabc\r\n0\r\nx-t: last\r\n\r\n");
    await eventually(() => held.length === 1, "the wait");
    held[0]!(goOn);
    await client.until(({ text }) => text.includes(" 200 OK"), "the answer");
    expect(origin.text).toMatch(/abc\r\n0\r\nx-t: last\r\n\r\n$/);
  });

  test("bytes of a tunnel that is not open yet stay behind it", async () => {
    origin.behaviour = (connection) => {
      if (connection.answered++ === 0)
        connection.socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nhi",
        );
    };
    const client = await http1();
    client.write(get("Connection: upgrade\r\nUpgrade: websocket\r\n") + "AHEAD");
    await eventually(() => held.length === 1, "the wait");
    expect(origin.connections).toHaveLength(0);
    held[0]!(goOn);
    await client.until(({ text }) => text.endsWith("hi"), "the tunnel");
    await eventually(() => origin.text.endsWith("\r\n\r\nAHEAD"), "what was sent ahead");
  });

  test.each([
    ["loses its Endpoints", { predictor: "canary", share: 0.5, ready: false }],
    ["is renamed", { predictor: "canary-2", share: 0.5 }],
  ])("a request whose member %s meanwhile goes to one that the Route has now", async (_what, canary) => {
    const main = { predictor: "main", share: 0.5 };
    serveMembers(gateway, [main, { predictor: "canary", share: 0.5 }], () => origin.port);
    const clients: RawClient[] = [];
    for (let at = 0; at < 12; at++) {
      clients.push(await http1());
      clients[at]!.write(get());
    }
    await eventually(() => held.length === 12, "the waits");
    serveMembers(gateway, [main, canary], () => origin.port);
    for (const resume of held) resume(goOn);
    for (const client of clients) expect((await client.answers(1))[0]!.status).toBe(200);
    expect(gateway.faults).toBe(0);
  });

  test("the end of a client whose request is complete does not cancel it", async () => {
    const client = await http1();
    client.write(get());
    client.socket.end();
    await eventually(() => held.length === 1, "the wait");
    held[0]!(goOn);
    await client.until(({ text }) => text.includes(" 200 OK"), "the answer");
    expect(cancelled).toBe(0);
  });

  test("thirty streams of one connection are resumed in any order, each with its own body", async () => {
    origin.behaviour = answerEach(
      (request) => `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n${/body (\d+)/.exec(request)?.[1] ?? "--"}`,
    );
    const client = await Http2Client.open(gateway, false);
    opened.push(client);
    const replies = Array.from({ length: 30 }, (_, at) =>
      client.request({ ":method": "POST", ":path": path }, `body ${at + 10}`),
    );
    await eventually(() => held.length === 30, "thirty waits");
    for (let at = 0; at < 30; at++) held[(at * 7) % 30]!(goOn);
    expect((await Promise.all(replies)).map(({ body }) => body)).toEqual(
      Array.from({ length: 30 }, (_, at) => String(at + 10)),
    );
  });
});
