import { fastify, type FastifyInstance } from "fastify";
import { once } from "node:events";
import { connect, type AddressInfo, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EventStreams, maxQueuedBytes, maxReaders, operatorReaders } from "../../../gateway/admin/event-streams.ts";
import { streaming } from "../../../gateway/admin/streaming.ts";
import { operator, tenant, type Viewer } from "../../../gateway/api/viewer.ts";

interface Thing {
  readonly namespace: string;
  readonly text: string;
}

let app: FastifyInstance;
let streams: EventStreams;
let viewer: Viewer = operator;
const takers = new Set<(thing: Thing) => void>();
const publish = (thing: Thing): void => {
  for (const take of takers) take(thing);
};

beforeEach(async () => {
  streams = new EventStreams();
  viewer = operator;
  app = fastify({ forceCloseConnections: true });
  const handler = streaming<Thing>(
    { streams, peers: null },
    {
      event: "thing",
      follow: (take) => {
        takers.add(take);
        return () => takers.delete(take);
      },
      namespace: ({ namespace }) => namespace,
      json: (thing) => thing,
      wanted: (query) => (query.has("wrong") ? "wrong: leave it out" : ({ text }) => text !== query.get("not")),
    },
  );
  app.get("/things", (request, reply) => handler(request, reply, viewer));
  await app.listen({ host: "127.0.0.1", port: 0 });
});
afterEach(() => app.close());

/** A reader whose text can be waited for. */
class Reader {
  text = "";
  readonly socket: Socket;

  constructor(query = "", method = "GET") {
    this.socket = connect((app.server.address() as AddressInfo).port, "127.0.0.1");
    this.socket.setEncoding("utf8").on("data", (text: string) => {
      this.text += text;
    });
    this.socket.write(`${method} /things${query} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  }

  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.text)) await once(this.socket, "data");
    return this.text;
  }
}

describe("a stream", () => {
  test("tells each thing from now on, one event each", async () => {
    const reader = new Reader();
    await reader.until(/: open\n\n/);
    publish({ namespace: "a", text: "one\ntwo\u2028three\u001b" });
    expect(await reader.until(/three/)).toContain(
      String.raw`event: thing${"\n"}data: {"namespace":"a","text":"one\ntwo\u2028three\u001b"}${"\n\n"}`,
    );
    expect(reader.text).toMatch(/content-type: text\/event-stream/);
  });

  test("tells a viewer what the viewer sees, and a question what it asks for", async () => {
    viewer = tenant(new Set(["a"]));
    const reader = new Reader("?not=no");
    await reader.until(/: open/);
    publish({ namespace: "b", text: "hidden" });
    publish({ namespace: "a", text: "no" });
    publish({ namespace: "a", text: "yes" });
    expect(await reader.until(/yes/)).not.toMatch(/hidden|"no"/);
  });

  test("refuses a wrong question, and answers HEAD without a stream", async () => {
    expect(await new Reader("?wrong").until(/leave it out/)).toMatch(/^HTTP\/1\.1 400 /);
    expect(await new Reader("", "HEAD").until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 200 /);
    expect(takers.size).toBe(0);
  });

  test(`has ${maxReaders} readers and no more, and room again when one leaves`, async () => {
    const readers = Array.from({ length: maxReaders }, () => new Reader());
    for (const reader of readers) await reader.until(/: open/);
    expect(await new Reader().until(/ask again/)).toMatch(/^HTTP\/1\.1 503 /);
    readers[0]!.socket.destroy();
    await expect.poll(() => takers.size).toBe(maxReaders - 1);
    expect(await new Reader().until(/: open/)).toMatch(/^HTTP\/1\.1 200 /);
  });

  test("leaves the last readers to the operator", async () => {
    viewer = tenant(new Set(["a"]));
    for (let count = maxReaders - operatorReaders; count > 0; count--) await new Reader().until(/: open/);
    expect(await new Reader().until(/ask again/)).toMatch(/^HTTP\/1\.1 503 /);
    viewer = operator;
    for (let count = operatorReaders; count > 0; count--) await new Reader().until(/: open/);
    expect(await new Reader().until(/ask again/)).toMatch(/^HTTP\/1\.1 503 /);
  });

  test("drops what a slow reader has no room for, says how many, and goes on", async () => {
    const reader = new Reader();
    await reader.until(/: open/);
    reader.socket.pause();
    const text = "x".repeat(10_000);
    let made = 0;
    // More than the kernel and the queue take.
    for (let count = 0; count < 5000; count++)
      publish({
        namespace: "a",
        text,
        toJSON() {
          made += 1;
          return { namespace: "a", text };
        },
      } as Thing);
    expect(made).toBeGreaterThan(maxQueuedBytes / text.length / 2);
    expect(made).toBeLessThan(5000);
    reader.socket.resume();
    const told = await reader.until(/event: dropped\ndata: \{"count":\d+\}\n\n/);
    expect(told.split("event: thing\n").length - 1 + Number(/"count":(\d+)/.exec(told)![1])).toBe(5000);
    publish({ namespace: "a", text: "later" });
    await reader.until(/later/);
  });

  test("ends at a drain, after which none opens", async () => {
    const reader = new Reader();
    await reader.until(/: open/);
    streams.end();
    await reader.until(/0\r\n\r\n$/);
    expect(takers.size).toBe(0);
    expect(await new Reader().until(/another replica/)).toMatch(/^HTTP\/1\.1 503 /);
  });
});
