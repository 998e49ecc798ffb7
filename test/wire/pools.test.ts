// Upstream connections: when one is used again, when never, and how Endpoints share the work.
import { createServer as createTlsServer } from "node:tls";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { upstreamOf } from "../gateway/fixtures.ts";
import { tickMs } from "../stopped-clock.ts";
import { eventually, turns } from "../turns.ts";
import { RawClient } from "./client.ts";
import { Gateway, endpointsOn, irisTo, post } from "./gateway.ts";
import { certPem, keyPem } from "./identity.ts";
import { Origin, answerEach, requestsIn } from "./origin.ts";

const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

describe("upstream connections", () => {
  let gateway: Gateway;
  let origin: Origin;
  let client: RawClient;

  beforeEach(async () => {
    origin = await new Origin().listen();
  });
  afterEach(async () => {
    client.destroy();
    gateway.close();
    await origin.close();
  });

  async function start(options: ConstructorParameters<typeof Gateway>[0] = {}): Promise<void> {
    gateway = await new Gateway(options).listen();
    gateway.serveIris([origin.port]);
    client = await gateway.open(false);
  }

  async function ask(times = 1): Promise<void> {
    for (let i = 0; i < times; i++) {
      const have = (await client.answers(0)).length;
      client.write(post("x"));
      await client.answers(have + 1);
    }
  }

  test("an idle connection is closed after its limit and not used again", async () => {
    await start({ limits: { upstreamIdleMs: 50 } });
    await ask();
    await gateway.advance(49);
    expect(origin.connections[0]!.closed).toBe(false);
    await gateway.advance(1 + tickMs);
    await eventually(() => origin.connections[0]!.closed, "the idle connection closed");
    await ask();
    expect(origin.connections).toHaveLength(2);
  });

  test.each([
    [3, 3],
    [2, 2],
    [0, 0],
  ])("of three connections that a burst leaves, %d are kept where %d may be", async (most, kept) => {
    await start({ limits: { upstreamIdleConnections: most, upstreamIdleMs: 60_000 } });
    origin.behaviour = () => undefined;
    const burst = [client, await gateway.open(false), await gateway.open(false)];
    for (const one of burst) one.write(post("x"));
    await eventually(() => requestsIn(origin.text).length === 3, "three requests");
    for (const { socket } of origin.connections) socket.write(ok);
    await Promise.all(burst.map((one) => one.answers(1)));
    await eventually(() => origin.connections.filter(({ closed }) => !closed).length === kept, `${kept} are kept`);
    expect(gateway.counted("upstreamConnectionsHttp1")).toBe(kept);
    for (const one of burst.slice(1)) one.destroy();
  });

  test("after an idle close by the upstream, reuse is limited to half of the time seen", async () => {
    await start();
    await ask();
    await gateway.advance(200);
    origin.connections[0]!.socket.end();
    await eventually(() => gateway.counted("upstreamConnectionsHttp1") === 0, "the connection gone");
    await ask();
    // Without what was seen it would be kept for a second.
    await gateway.advance(99);
    expect(origin.connections[1]!.closed).toBe(false);
    await gateway.advance(1 + tickMs);
    await eventually(() => origin.connections[1]!.closed, "the second closed by the gateway");
  });

  test("an idle close by one Endpoint limits reuse at another one of the Upstream", async () => {
    await start();
    await ask();
    await gateway.advance(200);
    origin.connections[0]!.socket.end();
    await eventually(() => gateway.counted("upstreamConnectionsHttp1") === 0, "the connection gone");
    const other = await new Origin().listen();
    gateway.change({ endpoints: [endpointsOn("iris", [other.port])] });
    await ask();
    await gateway.advance(100 + tickMs);
    await eventually(() => other.connections[0]!.closed, "the connection closed by the gateway");
    await other.close();
  });

  test("the idle limit of an Upstream holds where it is shorter than that of the gateway", async () => {
    await start();
    gateway.serveIris([origin.port], {}, { idleTimeoutMs: 30 });
    await ask();
    await gateway.advance(30 + tickMs);
    await eventually(() => origin.connections[0]!.closed, "the connection closed by the gateway");
  });

  test("a POST written to a reused connection that ends before a byte is not sent again", async () => {
    await start();
    await ask();
    origin.behaviour = (connection) => {
      if (requestsIn(connection.text).length === 2) connection.socket.destroy();
    };
    client.write(post("only once"));
    const answers = await client.answers(2);
    expect(answers[1]!.status).toBe(503);
    expect(gateway.flagged("UC")).toBe(1);
    expect(origin.text.match(/only once/g)).toHaveLength(1);
  });

  test("a request lost on a connection that was idle shortens reuse as an idle close does", async () => {
    await start();
    await ask();
    origin.behaviour = (connection) => {
      if (requestsIn(connection.text).length === 2) connection.socket.destroy();
      else answerEach(ok)(connection, origin);
    };
    await gateway.advance(200);
    client.write(post("lost"));
    expect((await client.answers(2))[1]!.status).toBe(503);
    expect(gateway.flagged("UC")).toBe(1);
    client.write(post("x"));
    await client.answers(3);
    // Without what was seen it would be kept for a second.
    await gateway.advance(99);
    expect(origin.connections[1]!.closed).toBe(false);
    await gateway.advance(1 + tickMs);
    await eventually(() => origin.connections[1]!.closed, "the second closed by the gateway");
  });

  test("one lost on a connection in steady use does not", async () => {
    await start({ limits: { upstreamIdleMs: 60_000 } });
    await ask();
    origin.behaviour = (connection) => {
      if (requestsIn(connection.text).at(-1)!.endsWith("poison")) connection.socket.destroy();
      else answerEach(ok)(connection, origin);
    };
    client.write(post("x") + post("poison") + post("x"));
    expect((await client.answers(4)).map(({ status }) => status)).toEqual([200, 200, 503, 200]);
    await gateway.advance(100);
    await ask();
    expect(origin.connections).toHaveLength(2);
  });

  test("bytes that nobody asked for end an idle connection", async () => {
    await start();
    await ask();
    origin.connections[0]!.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged");
    await eventually(() => origin.connections[0]!.closed, "the connection closed");
    await ask();
    expect((await client.answers(2))[1]!.body).toBe("ok");
  });

  test("an upstream connection of a certain age is not used again", async () => {
    await start();
    gateway.serveIris([origin.port], {}, { maxLifetimeMs: 1 });
    await ask();
    await gateway.advance(5);
    await ask();
    expect(origin.connections).toHaveLength(2);
  });

  test("an Endpoint that leaves gets no new request and its running one is not cut", async () => {
    await start();
    const other = await new Origin().listen();
    let release: () => void = () => undefined;
    origin.behaviour = (connection) => {
      release = () => connection.socket.write(ok);
    };
    client.write(post("slow"));
    await eventually(() => requestsIn(origin.text).length === 1, "the request at the first endpoint");
    gateway.change({ endpoints: [endpointsOn("iris", [other.port])] });
    const second = await gateway.open(false);
    second.write(post("new"));
    expect((await second.answers(1))[0]!.status).toBe(200);
    expect(requestsIn(other.text)).toHaveLength(1);
    release();
    expect((await client.answers(1))[0]!.status).toBe(200);
    await eventually(() => origin.connections[0]!.closed, "the connection to the old endpoint closed");
    second.destroy();
    await other.close();
  });

  test("of two Endpoints the one with less in flight is chosen; a terminating one only when none is ready", async () => {
    await start();
    const busy = await new Origin(() => undefined).listen();
    gateway.change({ endpoints: [endpointsOn("iris", [busy.port, origin.port])] });
    const stuck: RawClient[] = [];
    while (requestsIn(busy.text).length === 0) {
      const one = await gateway.open(false);
      stuck.push(one);
      one.write(post("x"));
      await eventually(() => one.text !== "" || requestsIn(busy.text).length > 0, "an answer or a stuck request");
    }
    const before = requestsIn(busy.text).length;
    await ask(20);
    expect(requestsIn(busy.text)).toHaveLength(before);
    gateway.change({
      endpoints: [
        {
          key: "iris",
          ready: true,
          endpoints: [
            { ip: "127.0.0.1", port: busy.port, state: "terminating" },
            { ip: "127.0.0.1", port: origin.port, state: "ready" },
          ],
        },
      ],
    });
    for (const one of stuck) one.destroy();
    await ask(20);
    expect(requestsIn(busy.text)).toHaveLength(before);
    gateway.change({
      endpoints: [
        { key: "iris", ready: true, endpoints: [{ ip: "127.0.0.1", port: origin.port, state: "terminating" }] },
      ],
    });
    await ask(1);
    await busy.close();
  });

  test("two Mappings of one Upstream share its connections", async () => {
    await start();
    const second = {
      ...irisTo("iris"),
      id: "second",
      member: "Mapping prod/second",
      match: {
        ...irisTo("iris").match,
        path: { kind: "prefix", prefix: "/seldon/prod/second/", caseSensitive: true } as const,
      },
    };
    gateway.serve([irisTo("iris"), second], [upstreamOf("iris")], [endpointsOn("iris", [origin.port])]);
    await ask();
    client.write(post("x", "", "/seldon/prod/second/y"));
    await client.answers(2);
    expect(origin.connections).toHaveLength(1);
  });

  test("two Upstreams at one address share its connections, also after one of them has left it", async () => {
    await start({ limits: { upstreamIdleMs: 300 } });
    const second = {
      ...irisTo("other"),
      id: "second",
      member: "Mapping prod/second",
      match: {
        ...irisTo("iris").match,
        path: { kind: "prefix", prefix: "/seldon/prod/second/", caseSensitive: true } as const,
      },
    };
    const both = [upstreamOf("iris"), upstreamOf("other")];
    gateway.serve([irisTo("iris"), second], both, [
      endpointsOn("iris", [origin.port]),
      endpointsOn("other", [origin.port]),
    ]);
    const askSecond = async (): Promise<void> => {
      const have = (await client.answers(0)).length;
      client.write(post("x", "", "/seldon/prod/second/y"));
      expect((await client.answers(have + 1))[have]!.status).toBe(200);
    };
    await askSecond();
    await ask();
    expect(origin.connections).toHaveLength(1);
    // The one that used it last leaves: the other's requests go on over it.
    gateway.change({ endpoints: [endpointsOn("iris", [])] });
    await askSecond();
    expect(origin.connections).toHaveLength(1);
    // What grew too old while it stood there is not given to anybody.
    gateway.change({ endpoints: [endpointsOn("iris", [origin.port])] });
    await ask();
    gateway.change({ endpoints: [endpointsOn("iris", [])] });
    await gateway.advance(300 + tickMs);
    await eventually(() => origin.connections[0]!.closed, "the idle connection closed");
    await askSecond();
    expect(origin.connections).toHaveLength(2);
    // The last one to leave closes what is idle.
    gateway.change({ endpoints: [endpointsOn("other", [])] });
    await eventually(() => origin.connections[1]!.closed, "the last connection closed");
  });

  test.each([
    ["unverified", null, 200],
    ["verified by its authority", certPem, 200],
  ] as const)("TLS towards the upstream, %s", async (_what, caPem, status) => {
    await start();
    const names: (string | false)[] = [];
    const server = createTlsServer({ cert: certPem, key: keyPem }, (socket) => {
      names.push(socket.servername ?? false);
      socket.on("data", () => socket.write(ok));
      socket.on("error", () => undefined);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const { port } = server.address() as AddressInfo;
    gateway.serveIris([port], {}, { tls: { context: "c", sni: "model.example", caPem, certificate: null } });
    await ask(2);
    expect((await client.answers(2)).map((answer) => answer.status)).toEqual([status, status]);
    expect(names).toEqual(["model.example"]);
    server.close();
  });

  test("an upstream whose chain is not by the given authority is refused, and one with unreadable keys as well", async () => {
    await start();
    const server = createTlsServer({ cert: certPem, key: keyPem });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const { port } = server.address() as AddressInfo;
    // Another authority: any certificate that did not sign this one will do, so none at all.
    gateway.serveIris([port], {}, { tls: { context: "c", sni: null, caPem: "", certificate: null } });
    client.write(post("x"));
    expect((await client.answers(1))[0]!.status).toBe(503);
    gateway.serveIris(
      [port],
      {},
      { tls: { context: "c", sni: null, caPem: null, certificate: { certPem: "no certificate", keyPem: "no key" } } },
    );
    client.write(post("x"));
    expect((await client.answers(2))[1]!.status).toBe(503);
    expect(gateway.flagged("UF")).toBe(2);
    server.close();
  });

  test("a table is swapped under load: no request fails, each answer is of the old table or the new", async () => {
    await start();
    const other = await new Origin(answerEach(ok)).listen();
    const clients = await Promise.all(Array.from({ length: 8 }, () => gateway.open(false)));
    const progress = { over: false };
    const work = Promise.all(
      clients.map(async (one) => {
        for (let i = 1; i <= 250; i++) {
          one.write(post(`body ${i}`));
          await one.until(() => one.text.split("HTTP/1.1").length > i);
        }
      }),
    ).finally(() => (progress.over = true));
    let swaps = 0;
    while (!progress.over) {
      swaps += 1;
      const target = swaps % 2 === 0 ? origin : other;
      if (swaps % 3 === 0)
        gateway.serve(
          [irisTo(`u${swaps % 4}`)],
          [upstreamOf(`u${swaps % 4}`)],
          [endpointsOn(`u${swaps % 4}`, [target.port])],
        );
      else gateway.serveIris([target.port], { timeout: { ms: 3000 + swaps, setBy: null } });
      await turns(3);
    }
    await work;
    expect(swaps).toBeGreaterThan(5);
    for (const one of clients) {
      expect(one.text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(250);
      one.destroy();
    }
    expect(requestsIn(origin.text).length + requestsIn(other.text).length).toBeGreaterThan(0);
    await other.close();
  });
});
