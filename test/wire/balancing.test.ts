// Which Endpoint a request goes to: turns, stickiness, ejection.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LoadBalancer } from "../../routing/model/mapping.ts";
import { baseEjectionMs, failuresToEject } from "../../gateway/edge/balancing/ejection.ts";
import { eventually } from "../turns.ts";
import { answersIn, fieldOf, type RawClient, type WireAnswer } from "./client.ts";
import { Gateway, post } from "./gateway.ts";
import { Origin, answerEach, requestsIn } from "./origin.ts";

let origins: Origin[];
let gateway: Gateway;
let clients: RawClient[];

beforeEach(async () => {
  // Each says which it is.
  origins = await Promise.all(
    Array.from({ length: 4 }, (_, i) =>
      new Origin(answerEach(`HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${i}`)).listen(),
    ),
  );
  clients = [];
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  gateway.close();
  for (const origin of origins) await origin.close();
});

async function start(
  loadBalancer: LoadBalancer,
  count = origins.length,
  options: ConstructorParameters<typeof Gateway>[0] = {},
): Promise<RawClient> {
  gateway = await new Gateway(options).listen();
  gateway.serveIris(ports(count), { loadBalancer });
  return open();
}

function ports(count: number): readonly number[] {
  return origins.slice(0, count).map(({ port }) => port);
}

async function open(): Promise<RawClient> {
  const client = await gateway.open(false);
  clients.push(client);
  return client;
}

async function ask(client: RawClient, fields = ""): Promise<WireAnswer> {
  const have = (await client.answers(0)).length;
  client.write(post("x", fields));
  return (await client.answers(have + 1))[have]!;
}

/** Bodies of so many answers: which origin each came from. */
async function asks(client: RawClient, times: number, fields = ""): Promise<string> {
  let from = "";
  for (let i = 0; i < times; i++) from += (await ask(client, fields)).body;
  return from;
}

const hash = (
  on: Extract<LoadBalancer, { kind: "hash" }>["on"],
  policy: "ring_hash" | "maglev" = "ring_hash",
): LoadBalancer => ({ kind: "hash", policy, on });

describe("load_balancer", () => {
  test("round_robin: each in its turn", async () => {
    const client = await start({ kind: "round-robin" });
    expect(await asks(client, 8)).toBe("01230123");
  });

  test.each(["ring_hash", "maglev"] as const)(
    "%s on a header: one value, one Endpoint; many values, every Endpoint; its absence is no value",
    async (policy) => {
      const client = await start(hash({ kind: "header", name: "x-user" }, policy));
      const used = new Set<string>();
      for (let user = 0; user < 40; user++) {
        const from = await asks(client, 3, `X-User: user-${user}\r\n`);
        expect(from).toBe(from[0]!.repeat(3));
        used.add(from[0]!);
      }
      expect(used.size).toBe(4);
      expect(new Set(await asks(client, 40)).size).toBeGreaterThan(1);
    },
  );

  test("on the source address: of the peer, or of the client that a believed proxy names", async () => {
    const client = await start(hash({ kind: "source-ip" }));
    expect(new Set(await asks(client, 10)).size).toBe(1);
    expect(new Set(await asks(client, 10, "X-Forwarded-For: 1.2.3.4\r\n")).size).toBe(1);
    gateway.close();
    const behind = await start(hash({ kind: "source-ip" }), 4, { trustedHops: 1 });
    const used = new Set<string>();
    for (let i = 0; i < 40; i++) used.add(await asks(behind, 1, `X-Forwarded-For: 9.9.9.9, 10.0.0.${i}\r\n`));
    expect(used.size).toBe(4);
  });

  test("when an Endpoint goes, only its clients move; when it is back, they are back", async () => {
    const client = await start(hash({ kind: "header", name: "x-user" }));
    const users = async (): Promise<string> => {
      let from = "";
      for (let user = 0; user < 40; user++) from += await asks(client, 1, `X-User: user-${user}\r\n`);
      return from;
    };
    const before = await users();
    gateway.serveIris(ports(3), { loadBalancer: hash({ kind: "header", name: "x-user" }) });
    const without = await users();
    for (const [i, from] of before.split("").entries()) {
      if (from === "3") expect(without[i]).not.toBe("3");
      else expect(without[i]).toBe(from);
    }
    gateway.serveIris(ports(4), { loadBalancer: hash({ kind: "header", name: "x-user" }) });
    expect(await users()).toBe(before);
  });

  test("on a cookie: a client without one gets one, as Envoy writes it, and sticks to it on any connection", async () => {
    const client = await start(hash({ kind: "cookie", name: "stick", ttlMs: 90_500, path: "/seldon" }));
    const used = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const first = await ask(client, "Cookie: stickiness=1; Stick=2; stick=; stick\r\n");
      const [, cookie] =
        /^stick="([0-9a-f-]{36})"; Max-Age=90; Path=\/seldon; HttpOnly$/.exec(fieldOf(first, "set-cookie") ?? "") ?? [];
      expect(cookie).toBeDefined();
      for (const form of [
        `Cookie: a=b; stick=${cookie}; c=d\r\n`,
        `Cookie: a=stick\r\nCookie: stick="${cookie}"\r\n`,
      ]) {
        const again = await ask(await open(), form);
        expect([again.body, fieldOf(again, "set-cookie")]).toEqual([first.body, null]);
      }
      used.add(first.body);
    }
    expect(used.size).toBeGreaterThan(1);
  });

  test.each([
    ["no time to live: no cookie is made", null, null],
    ["0: a cookie for the session", 0, /^c="[^"]+"; HttpOnly$/],
  ])("on a cookie with %s", async (_what, ttlMs, expected) => {
    const client = await start(hash({ kind: "cookie", name: "c", ttlMs, path: "" }));
    const cookie = fieldOf(await ask(client), "set-cookie");
    if (expected === null) expect(cookie).toBeNull();
    else expect(cookie).toMatch(expected);
  });

  test("an Endpoint that refuses connections is passed over: the request goes to the next of its ring", async () => {
    const client = await start(hash({ kind: "header", name: "x-user" }));
    let user = 0;
    while ((await asks(client, 1, `X-User: user-${user}\r\n`)) !== "2") user += 1;
    await origins[2]!.close();
    const from = await asks(client, 4, `X-User: user-${user}\r\n`);
    expect(from).toBe(from[0]!.repeat(4));
    expect(from).not.toContain("2");
  });
});

describe("outlier ejection", () => {
  const failing = answerEach("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 1\r\n\r\nx");
  const well = (name: number): ReturnType<typeof answerEach> =>
    answerEach(`HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${name}`);
  const ejected = (): number => gateway.counted("endpointsEjected");
  const turns: LoadBalancer = { kind: "round-robin" };

  test("five gateway failures in a row eject; after the time one probe goes there, and its answer brings it back", async () => {
    const client = await start(turns, 2);
    origins[0]!.behaviour = failing;
    expect(await asks(client, 2 * failuresToEject)).toBe("x1".repeat(failuresToEject));
    expect(ejected()).toBe(1);
    await gateway.advance(baseEjectionMs - 1000);
    expect(await asks(client, 10)).toBe("1".repeat(10));
    await gateway.advance(1001);
    origins[0]!.behaviour = () => undefined;
    const before = requestsIn(origins[0]!.text).length;
    const probe = await open();
    probe.write(post("probe"));
    await eventually(() => requestsIn(origins[0]!.text).length === before + 1, "the probe");
    // Nothing is decided: nobody else goes there.
    expect(await asks(client, 5)).toBe("11111");
    expect(ejected()).toBe(1);
    origins[0]!.behaviour = well(0);
    origins[0]!.connections.at(-1)!.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    await probe.answers(1);
    expect(ejected()).toBe(0);
    expect((await asks(client, 6)).split("").filter((from) => from === "0")).toHaveLength(3);
  });

  test("a probe that fails ejects for longer", async () => {
    const client = await start(turns, 2);
    origins[0]!.behaviour = failing;
    await asks(client, 2 * failuresToEject);
    await gateway.advance(baseEjectionMs);
    expect(await asks(client, 5)).toBe("x1111");
    await gateway.advance(baseEjectionMs);
    expect(await asks(client, 4)).toBe("1111");
    await gateway.advance(baseEjectionMs);
    expect(await asks(client, 4)).toBe("x111");
  });

  test.each([
    ["refuses connections", async (origin: Origin) => origin.close()],
    ["closes without an answer", async (origin: Origin) => void (origin.behaviour = ({ socket }) => socket.destroy())],
    [
      "answers what is no HTTP",
      async (origin: Origin) => void (origin.behaviour = ({ socket }) => socket.end("what?\r\n\r\n")),
    ],
    ["does not answer in time", async (origin: Origin) => void (origin.behaviour = () => undefined)],
  ])("so does one that %s", async (_what, spoil) => {
    gateway = await new Gateway().listen();
    gateway.serveIris(ports(2), { loadBalancer: turns, timeout: { ms: 50, setBy: "a test" } });
    const client = await open();
    await spoil(origins[0]!);
    for (let asked = 1; asked <= 2 * failuresToEject + 2 && ejected() === 0; asked++) {
      client.write(post("x"));
      await gateway.goOnUntil(() => answersIn(client.text).length === asked, "an answer");
    }
    expect(ejected()).toBe(1);
    expect(await asks(client, 10)).toBe("1".repeat(10));
  });

  test("when all others were tried, one that is ejected is better than none", async () => {
    const client = await start(turns, 2);
    origins[0]!.behaviour = failing;
    await asks(client, 2 * failuresToEject);
    origins[0]!.behaviour = well(0);
    // The other refuses connections.
    await origins[1]!.close();
    expect(await asks(client, 4)).toBe("0000");
  });

  test("the only Endpoint is never ejected, and of four never more than two", async () => {
    const client = await start(turns, 1);
    origins[0]!.behaviour = failing;
    expect(await asks(client, 20)).toBe("x".repeat(20));
    expect(ejected()).toBe(0);
    for (const origin of origins.slice(0, 3)) origin.behaviour = failing;
    gateway.serveIris(ports(4), { loadBalancer: turns });
    await asks(client, 60);
    expect(ejected()).toBe(2);
    const after = await asks(client, 10);
    expect(after.split("").filter((from) => from === "3")).toHaveLength(5);
  });

  test("other answers, and clients that leave, eject nobody", async () => {
    const client = await start(turns, 2);
    origins[0]!.behaviour = answerEach("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 1\r\n\r\nx");
    await asks(client, 40);
    origins[0]!.behaviour = () => undefined;
    for (let i = 0; i < 20; i++) {
      const before = requestsIn(origins[0]!.text).length;
      const leaves = await open();
      leaves.write(post("x"));
      await eventually(() => requestsIn(origins[0]!.text).length > before || leaves.text !== "", "asked or answered");
      leaves.destroy();
    }
    expect(ejected()).toBe(0);
  });

  test("more than half out: all are used again, for it is not each of them that fails", async () => {
    const client = await start(turns, 4);
    const failing = (...which: number[]): void => {
      const addresses = which.map((i) => `127.0.0.1:${origins[i]!.port}`);
      gateway.change({ failing: [["iris", addresses]] });
    };
    const used = async (): Promise<string> => [...new Set((await asks(client, 12)).split(""))].toSorted().join("");
    failing(0);
    expect(await used()).toBe("123");
    failing(0, 3);
    expect(await used()).toBe("12");
    failing(0, 1, 3);
    expect(await used()).toBe("0123");
    failing(3);
    expect(await used()).toBe("012");
    // A new table without a health check, and a word that others fail.
    gateway.serveIris(ports(4), { loadBalancer: turns });
    expect(await used()).toBe("0123");
    failing(1);
    gateway.change({
      failing: [
        ["iris", []],
        ["other", ["127.0.0.1:1"]],
      ],
    });
    expect(await used()).toBe("0123");
  });

  test("the word that an Endpoint fails may come before its table, and outlives a change of Endpoints", async () => {
    gateway = await new Gateway().listen();
    gateway.change({ failing: [["iris", [`127.0.0.1:${origins[1]!.port}`]]] });
    const healthCheck = {
      intervalMs: 1000,
      timeoutMs: 1000,
      unhealthyThreshold: 1,
      healthyThreshold: 1,
      probe: { kind: "grpc", service: "", authority: null },
    } as const;
    gateway.serveIris(ports(2), { loadBalancer: turns }, { healthCheck });
    const client = await open();
    expect(await asks(client, 6)).toBe("000000");
    gateway.serveIris(ports(3), { loadBalancer: turns }, { healthCheck });
    expect(await asks(client, 12)).not.toContain("1");
  });

  test("an Endpoint that leaves takes its ejection along", async () => {
    const client = await start(turns, 2);
    origins[0]!.behaviour = failing;
    await asks(client, 2 * failuresToEject);
    expect(ejected()).toBe(1);
    gateway.serveIris(ports(2).slice(1), { loadBalancer: turns });
    expect(ejected()).toBe(0);
  });
});
