// Peers against servers that answer as they should, and as they should not.
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AdminServer } from "../../../../gateway/admin/server.ts";
import { blockedBy } from "../../../../gateway/control/releases/releases.ts";
import { callPeer, type CallLimits } from "../../../../gateway/control/peers/peer-call.ts";
import { gatherMs, maxAsked, maxPeers, Peers, type PeersOutside } from "../../../../gateway/control/peers/peers.ts";
import { maxAskedDeployments } from "../../../../gateway/api/peer.ts";
import type { FoundReplicas } from "../../../../k8s/source/objects/source.ts";
import { StoppedClock } from "../../../stopped-clock.ts";
import { mappingOf } from "../../fixtures.ts";
import { startedAdmin } from "../../admin/admin-stage.ts";

/** Of the admin ports of a test. */
const token = "token";
const limits: CallLimits = { callMs: 10_000, maxBytes: 10_000 };
/** For peers that may never answer. */
const hasty: CallLimits = { ...limits, callMs: 300 };

let servers: (Server | HttpServer)[];
let sockets: Set<Socket>;
let admins: AdminServer[];
beforeEach(() => {
  servers = [];
  sockets = new Set();
  admins = [];
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  await Promise.all(admins.map((admin) => admin.close()));
});

async function listening(server: Server | HttpServer): Promise<number> {
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

/** A server that writes these bytes to whoever asks. */
const raw = (write: (socket: Socket) => void): Promise<number> =>
  listening(createTcpServer((socket) => socket.once("data", () => write(socket))));

/** One that says `body`, whatever it is asked. */
const saying = (body: string): Promise<number> =>
  listening(createServer((_, response: ServerResponse) => response.end(body)));

async function replica(more: Parameters<typeof startedAdmin>[2] = {}): Promise<number> {
  const admin = await startedAdmin([mappingOf("iris", "iris")], [], { instance: `process-${admins.length}`, ...more });
  admins.push(admin);
  return admin.port;
}

function peersAt(
  ports: readonly number[],
  more: { token?: string; call?: PeersOutside["call"]; clock?: StoppedClock } = {},
): Peers {
  return new Peers(
    ports.map((port) => ({ kind: "address", host: "127.0.0.1", port })),
    {
      clock: more.clock ?? new StoppedClock(),
      epochMs: () => 1000,
      instance: "asker",
      version: "0.1.0",
      finder: null,
      call: more.call ?? ((replica, path) => callPeer(replica, path, more.token ?? token, limits)),
      tableHash: () => "",
    },
  );
}

const counts = (more: object = {}): string =>
  JSON.stringify({ instance: "other", version: "0.1.0", table: "", deployments: [], ...more });

describe("a peer", () => {
  test("that answers is added up; itself is none of them", async () => {
    const ports = [await replica(), await replica()];
    const peers = peersAt([...ports, await saying(counts({ instance: "asker" }))]);
    await peers.look();
    expect(peers.status.peers.map(({ state, version }) => [state, version])).toEqual([
      ["answering", "0.1.0"],
      ["answering", "0.1.0"],
    ]);
    const of = await peers.evidence(["prod/iris", "prod/nothere"]);
    expect([...of("prod/iris").byInstance.keys()]).toEqual(["process-0", "process-1"]);
    expect(peers.status).toMatchObject({ trouble: null, tablesAgree: true });
  });

  test("that has two addresses has counted once; of more names than one question has, all are asked", async () => {
    const [port, again] = [
      await replica(),
      await listening(createServer((request, response) => void relay(request, response))),
    ];
    const relay = async ({ url, headers }: IncomingMessage, response: ServerResponse): Promise<void> => {
      const answer = await fetch(`http://127.0.0.1:${port}${url!}`, {
        headers: { authorization: headers.authorization! },
      });
      response.writeHead(answer.status).end(await answer.text());
    };
    const peers = peersAt([port, again]);
    await peers.look();
    expect(peers.status.peers.map(({ state }) => state)).toEqual(["answering", "answering"]);
    const names = Array.from({ length: 120 }, (_, at) => `prod/m${at}`);
    const of = await peers.evidence(names);
    for (const name of names) expect([...of(name).byInstance.keys()]).toEqual(["process-0"]);
  });

  test("is asked of long names, and of names that only a folder has, and none of them makes it a stranger", async () => {
    const peers = peersAt([await replica()]);
    await peers.look();
    const names = Array.from({ length: 60 }, (_, at) => `${"n".repeat(63)}/${String(at).padStart(253, "m")}`);
    for (const asked of [
      names,
      ["t/Iris_V2"],
      ["t/a b&c=#é"],
      ["t/a,b"],
      ["t/a/b"],
      ["t/"],
      [`t/${"€".repeat(253)}`],
    ]) {
      expect([...(await peers.evidence([...asked, "prod/iris"]))("prod/iris").byInstance.keys()]).toEqual([
        "process-0",
      ]);
      expect(peers.status.peers[0]!.sentence).toBeNull();
    }
  });

  test("that did not answer what it counted is missing there, though it answers the next look", async () => {
    const body = counts();
    const flaky = await listening(
      createServer((request: IncomingMessage, response: ServerResponse) => {
        if (request.url!.includes("?")) return void request.socket.destroy();
        response.end(body);
      }),
    );
    const peers = peersAt([flaky, await replica()]);
    await peers.look();
    const { byInstance, missing } = (await peers.evidence(["prod/iris"]))("prod/iris");
    await peers.look();
    expect(peers.status.peers.map(({ state }) => state)).toEqual(["answering", "answering"]);
    expect([[...byInstance.keys()], missing]).toEqual([["process-0"], [`127.0.0.1:${flaky}`]]);
    expect(blockedBy(peers.status, [])).toBeNull();
    expect(blockedBy(peers.status, missing)?.why).toBe(`1 of 3 replicas does not answer: 127.0.0.1:${flaky}.`);
  });

  test("that does not answer one part of a question is not asked the others", async () => {
    const asked: string[] = [];
    const peers = peersAt([1], {
      call: async (_, url) => {
        asked.push(url);
        return { kind: "away", sentence: "gone" };
      },
    });
    await peers.look();
    await peers.evidence(Array.from({ length: 1000 }, (_, at) => `prod/m${at}`));
    expect(asked).toHaveLength(2);
  });

  test("that is slow holds no look up beyond its time, and many deployments of a namespace keep none of another out", async () => {
    const clock = new StoppedClock();
    const peers = peersAt([1, 2], {
      clock,
      call: async ({ port }) => {
        if (port === 2) {
          await new Promise(setImmediate);
          clock.skip(gatherMs / 2);
        }
        return { kind: "answer", value: JSON.parse(counts({ instance: `process-${port}` })) as unknown };
      },
    });
    await peers.look();
    const names = [...Array.from({ length: 1000 }, (_, at) => `many/m${at}`), "other/iris"];
    const heard = async (): Promise<ReadonlySet<string>> => {
      const from = clock.now();
      const of = await peers.evidence(names);
      expect(clock.now() - from).toBe(gatherMs);
      expect(of("other/iris")).toMatchObject({ missing: [] });
      expect(names.every((name) => of(name).byInstance.has("process-1"))).toBe(true);
      return new Set(names.filter((name) => of(name).missing.length === 0));
    };
    const [first, second] = [await heard(), await heard()];
    expect(first.size).toBe(2 * maxAskedDeployments);
    // Those that had no answer come first the next time.
    expect([...first.intersection(second)]).toEqual(["other/iris"]);
  });

  const cases: readonly (readonly [string, () => Promise<number>, string, RegExp])[] = [
    [
      "nothing listens",
      async () => {
        const server = createTcpServer();
        const port = await listening(server);
        server.close();
        await once(server, "close");
        return port;
      },
      "away",
      /^it cannot be reached \(ECONNREFUSED\)$/,
    ],
    ["nothing comes", () => raw(() => undefined), "away", /^it did not answer within 300 ms$/],
    ["it closes", () => raw((socket) => socket.end()), "away", /^it cannot be reached \(ECONNRESET\)$/],
    ["garbage", () => raw((socket) => socket.end("\0\0garbage\r\n\r\n")), "garbage", /^its answer is not HTTP \(HPE_/],
    [
      "a head without an end",
      () => raw((socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${"x".repeat(10_000)}`)),
      "garbage",
      /HPE_HEADER_OVERFLOW/,
    ],
    [
      "half an answer",
      () => raw((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"inst')),
      "garbage",
      /^its answer ended in the middle$/,
    ],
    [
      "an answer that does not end",
      () => raw((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"inst')),
      "garbage",
      /^its answer did not end within 300 ms$/,
    ],
    [
      "a GB",
      () =>
        raw((socket) => {
          socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n");
          const piece = Buffer.alloc(65_536);
          const pour = (): void => {
            while (!socket.destroyed && socket.write(piece));
          };
          socket.on("drain", pour);
          pour();
        }),
      "garbage",
      /^its answer has more than 10000 bytes$/,
    ],
    [
      "a change of protocol",
      () =>
        raw((socket) => socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")),
      "garbage",
      /^it answered with status 101$/,
    ],
    [
      "another status",
      () => raw((socket) => socket.end("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n")),
      "garbage",
      /^it answered with status 302$/,
    ],
    [
      "another token",
      () => listening(createServer((_, response) => response.writeHead(401).end())),
      "garbage",
      /^it does not take the token of this replica: give all replicas the same --admin-token$/,
    ],
    [
      "no such endpoint",
      () => listening(createServer((_, response) => response.writeHead(404).end())),
      "garbage",
      /404/,
    ],
    ["no JSON", () => saying("{"), "garbage", /^its answer is no JSON$/],
    ["other JSON", () => saying("[1]"), "garbage", /does not say who it is/],
    [
      "a name with control characters",
      () => saying(counts({ instance: "\u001b[2J" })),
      "garbage",
      /does not say who it is/,
    ],
    [
      "counts below zero",
      () =>
        saying(
          counts({
            deployments: [{ namespace: "a", name: "b", predictors: [{ predictor: "c", counts: { requests: -1 } }] }],
          }),
        ),
      "garbage",
      /not of the shape/,
    ],
    [
      "51 deployments",
      () =>
        saying(
          counts({ deployments: Array.from({ length: 51 }, () => ({ namespace: "a", name: "b", predictors: [] })) }),
        ),
      "garbage",
      /not of the shape/,
    ],
    [
      "two minor versions on, in another shape",
      () => saying(counts({ version: "0.3.0", deployments: "other" })),
      "other-version",
      /^it runs version 0\.3\.0, and this replica 0\.1\.0/,
    ],
    ["another major version", () => saying(counts({ version: "1.1.0" })), "other-version", /1\.1\.0/],
    ["no version", () => saying(counts({ version: "latest" })), "other-version", /latest/],
    ["one minor version on", () => saying(counts({ version: "0.2.7" })), "answering", /^$/],
  ];
  test.each(cases)("%s: an error of that peer and of no other", async (_, start, state, sentence) => {
    const [good, port] = [await replica(), await start()];
    const call: PeersOutside["call"] = (to, path) => callPeer(to, path, token, to.port === good ? limits : hasty);
    const peers = peersAt([port, good], { call });
    await peers.look();
    const [bad, other] = peers.status.peers;
    expect([bad!.state, other!.state]).toEqual([state, "answering"]);
    expect(bad!.sentence ?? "").toMatch(sentence);
    expect([...(await peers.evidence(["a/b"]))("a/b").byInstance.keys()]).toEqual(
      state === "answering" ? ["other", "process-0"] : ["process-0"],
    );
  });

  test("may send as many bytes as the limit, and no byte more", async () => {
    for (const [bytes, state] of [
      [limits.maxBytes - 1, "answering"],
      [limits.maxBytes, "answering"],
      [limits.maxBytes + 1, "garbage"],
    ] as const) {
      const peers = peersAt([await saying(counts().padEnd(bytes))]);
      await peers.look();
      expect(peers.status.peers[0]!.state).toBe(state);
    }
  });

  test("that comes back is known to be back, and since when it was away stays", async () => {
    let nowMs = 1000;
    let answers = true;
    const peers = new Peers([{ kind: "address", host: "127.0.0.1", port: 1 }], {
      clock: new StoppedClock(),
      epochMs: () => nowMs,
      instance: "asker",
      version: "0.1.0",
      finder: null,
      call: async () =>
        answers ? { kind: "answer", value: JSON.parse(counts()) as unknown } : { kind: "away", sentence: "gone" },
      tableHash: () => "another",
    });
    await peers.look();
    expect(peers.status.tablesAgree).toBe(false);
    answers = false;
    for (nowMs of [2000, 3000]) await peers.look();
    expect(peers.status.peers[0]).toMatchObject({
      state: "away",
      sentence: "gone",
      sinceMs: 2000,
      lastSeenMs: 1000,
      version: "0.1.0",
    });
    // Who is away serves no table that could differ.
    expect(peers.status.tablesAgree).toBe(true);
    [answers, nowMs] = [true, 4000];
    await peers.look();
    expect(peers.status.peers[0]).toMatchObject({
      state: "answering",
      sentence: null,
      sinceMs: 4000,
      lastSeenMs: 4000,
    });
  });
});

describe("peers of a cluster", () => {
  const found = (count: number): FoundReplicas => ({
    kind: "found",
    replicas: Array.from({ length: count }, (_, at) => ({ name: `sluice-${at}`, host: `10.0.0.${at}`, port: 8877 })),
  });

  function peersOf(answers: FoundReplicas[]): Peers {
    return new Peers([{ kind: "service", namespace: "sluice", service: "sluice-peers" }], {
      clock: new StoppedClock(),
      epochMs: () => 0,
      instance: "asker",
      version: "0.1.0",
      finder: { find: async () => answers.shift()! },
      call: async ({ name }) => ({
        kind: "answer",
        value: { instance: name, version: "0.1.0", table: "", deployments: [] },
      }),
      tableHash: () => "",
    });
  }

  test("are those of the slices; while these cannot be read, those that were", async () => {
    const peers = peersOf([found(2), { kind: "failed", sentence: "connection refused" }, found(1)]);
    await peers.look();
    expect(peers.status.peers.map(({ name, address }) => `${name} ${address}`)).toEqual([
      "sluice-0 10.0.0.0:8877",
      "sluice-1 10.0.0.1:8877",
    ]);
    await peers.look();
    expect(peers.status.peers).toHaveLength(2);
    expect(peers.status.trouble).toMatch(/cannot look up its replicas.*connection refused/);
    await peers.look();
    expect([peers.status.peers.length, peers.status.trouble]).toEqual([1, null]);
  });

  test("until they have been looked up, nothing goes on without them", async () => {
    const peers = peersOf([found(0)]);
    expect(blockedBy(peers.status, [])?.until).toBe("an answer of the API server");
    await peers.look();
    expect(blockedBy(peers.status, [])).toBeNull();
  });

  test.each([maxPeers - 1, maxPeers, maxPeers + 1])(`%d are named, at most ${maxPeers} asked`, async (count) => {
    const peers = peersOf([found(count)]);
    await peers.look();
    expect(peers.status.peers).toHaveLength(Math.min(count, maxPeers));
    expect(peers.status.trouble === null).toBe(count <= maxPeers);
  });
});

describe("a question of people", () => {
  test("goes to each process once, says replica=self, and tells who is away and who has nothing", async () => {
    const asked: string[] = [];
    const answering = (instance: string, answers: boolean): Promise<number> =>
      listening(
        createServer(({ url }, response) => {
          if (url!.startsWith("/api/v1/evidence")) return response.end(counts({ instance }));
          asked.push(`${instance} ${url!}`);
          return answers ? response.end(`["${instance}"]`) : response.writeHead(404).end();
        }),
      );
    const other = await answering("other", true);
    const ports = [
      other,
      await answering("other", true),
      await answering("asker", true),
      await answering("none", false),
    ];
    const peers = peersAt([...ports, await raw((socket) => socket.end())]);
    await peers.look();
    expect(await peers.ask("/x?a=1")).toEqual([
      { kind: "said", name: `127.0.0.1:${other}`, value: ["other"] },
      { kind: "absent", name: `127.0.0.1:${ports[3]!}` },
      { kind: "away", name: expect.any(String) as string, sentence: "it cannot be reached (ECONNRESET)" },
    ]);
    await peers.ask("/y");
    expect(asked.toSorted()).toEqual([
      "none /x?a=1&replica=self",
      "none /y?replica=self",
      "other /x?a=1&replica=self",
      "other /y?replica=self",
    ]);
  });

  test(`takes no turn of the leader: ${maxAsked} wait, one more is told so, and evidence comes meanwhile`, async () => {
    const held: (() => void)[] = [];
    const peers = peersAt([1], {
      call: async (_, url) => {
        if (!url.startsWith("/api/v1/evidence")) await new Promise<void>((resolve) => held.push(resolve));
        return { kind: "answer", value: JSON.parse(counts()) as unknown };
      },
    });
    await peers.look();
    const questions = Array.from({ length: maxAsked }, () => peers.ask("/x"));
    expect(await peers.ask("/x")).toMatchObject([{ kind: "away" }]);
    expect((await peers.evidence(["a/b"]))("a/b").missing).toEqual([]);
    const all = Promise.all(questions);
    for (let ended = 0; ended < maxAsked; ended++) {
      while (held.length === 0) await Promise.resolve();
      held.shift()!();
    }
    expect((await all).flat().map(({ kind }) => kind)).toEqual(Array.from({ length: maxAsked }, () => "said"));
    const again = peers.ask("/x");
    while (held.length === 0) await Promise.resolve();
    held[0]!();
    expect(await again).toMatchObject([{ kind: "said" }]);
  });
});

test("a stranger gets no counts, and neither does a viewer", async () => {
  const port = await replica();
  for (const authorization of ["", "Bearer", "Bearer x", "Basic token", "Bearer token token", "token"]) {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/evidence?deployments=prod/iris`, {
      headers: { authorization },
    });
    expect([response.status, await response.text()]).toEqual([401, expect.not.stringContaining("instance")]);
  }
});
