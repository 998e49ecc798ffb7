// Served streams of HTTP/2 clients are used again, by any client of the worker: nothing of the one before may be left in them, and nobody may
// reach through them to the one after.
import * as fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { DownstreamContext } from "../../gateway/edge/downstream/downstream-context.ts";
import { errorCode, flag, frameType } from "../../gateway/edge/frames/constants.ts";
import { ServedConnection } from "../../gateway/edge/downstream/http2-connection.ts";
import { ServedStreams } from "../../gateway/edge/downstream/http2-streams.ts";
import { releaseMemory } from "../../gateway/shared/release-memory.ts";
import { decide } from "../../routing/decide.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { request } from "../routing/build.ts";
import { frames, rawClient, type RawPeer } from "../gateway/edge/http2/raw-peer.ts";
import { eventually } from "../turns.ts";
import { Gateway, endpointsOn, irisTo } from "./gateway.ts";
import { Http2Origin, type Http2Request } from "./http2-origin.ts";

let gateway: Gateway;
let origin: Http2Origin;
/** Requests that the origin holds back, by what they say about who asked. */
let held: Map<string, Http2Request>;

async function start(): Promise<void> {
  gateway = await new Gateway({ time: "real" }).listen();
  held = new Map();
  origin = new Http2Origin(() => {});
  origin.atHead = (request) => held.set(String(request.headers["x-who"]), request);
  await origin.listen();
  serve();
}

function serve(): void {
  const root = irisTo("iris");
  const match = { ...root.match, path: { kind: "prefix" as const, prefix: "/", caseSensitive: true } };
  gateway.serve(
    [{ ...root, space: null, match }],
    [{ ...upstreamOf("iris"), protocol: "http2" }],
    [endpointsOn("iris", [origin.port])],
  );
}

afterEach(() => {
  gateway.close();
  origin.close();
  expect(gateway.faults).toBe(0);
});

function answer(who: string): void {
  const request = held.get(who);
  held.delete(who);
  if (request === undefined || request.stream.destroyed) return;
  if (!request.stream.headersSent) request.stream.respond({ ":status": 200 });
  request.stream.end(`answer for ${who}`);
}

/** The head alone: the body follows another time. */
function begin(who: string): void {
  const request = held.get(who);
  if (request !== undefined && !request.stream.destroyed && !request.stream.headersSent)
    request.stream.respond({ ":status": 200 });
}

/** One client and what it has asked for. */
class Client {
  readonly name: string;
  readonly peer: RawPeer;
  readonly open: number[] = [];
  /** Whose request has no end yet. */
  readonly unended: number[] = [];
  readonly reset: number[] = [];
  #nextId: number;

  constructor(name: string, peer: RawPeer, firstId = 1) {
    this.#nextId = firstId;
    this.name = name;
    this.peer = peer;
  }

  who(id: number): string {
    return `${this.name}-${id}`;
  }

  ask(ends: boolean): number {
    const id = this.#nextId;
    this.#nextId += 2;
    this.open.push(id);
    if (!ends) this.unended.push(id);
    this.peer.send(frames.request(id, ends, [["x-who", this.who(id)]]));
    return id;
  }

  cancel(nth: number): void {
    const [id] = this.open.splice(nth % this.open.length, 1);
    if (id === undefined) return;
    this.reset.push(id);
    this.peer.send(frames.reset(id, errorCode.cancel));
  }

  /** What came on a stream, as text; null: it has no end. */
  bodyOf(id: number): string | null {
    const own = this.peer.got.filter(({ streamId }) => streamId === id);
    const whole = own.some(
      ({ type, flags }) => (type === frameType.data || type === frameType.headers) && (flags & flag.endStream) !== 0,
    );
    return whole
      ? Buffer.concat(own.filter(({ type }) => type === frameType.data).map(({ payload }) => payload)).toString()
      : null;
  }
}

type Step =
  | { readonly kind: "ask"; readonly client: number; readonly ends: boolean }
  | { readonly kind: "ask and cancel"; readonly client: number }
  | { readonly kind: "cancel"; readonly client: number; readonly nth: number }
  | { readonly kind: "leave"; readonly client: number }
  | { readonly kind: "begin" | "answer"; readonly nth: number }
  | { readonly kind: "turn" };

const clientNumber = fc.nat({ max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("ask" as const), client: clientNumber, ends: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("ask and cancel" as const), client: clientNumber }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("cancel" as const), client: clientNumber, nth: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("leave" as const), client: clientNumber }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("begin" as const, "answer" as const), nth: fc.nat(50) }) },
  { weight: 4, arbitrary: fc.constant({ kind: "turn" as const }) },
);

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** Plays the steps; then answers whatever is open, and looks at what each client got. */
async function play(steps: readonly Step[]): Promise<void> {
  const names = ["a", "b", "c"];
  let generation = 0;
  const come = async (index: number): Promise<Client> =>
    new Client(`${names[index]}${generation++}`, await rawClient(gateway.port));
  const clients = await Promise.all(names.map((_, index) => come(index)));
  for (const one of steps) {
    switch (one.kind) {
      case "ask":
        clients[one.client]!.ask(one.ends);
        break;
      case "ask and cancel":
        clients[one.client]!.ask(false);
        clients[one.client]!.cancel(clients[one.client]!.open.length - 1);
        break;
      case "cancel":
        if (clients[one.client]!.open.length > 0) clients[one.client]!.cancel(one.nth);
        break;
      case "leave":
        clients[one.client]!.peer.socket.destroy();
        clients[one.client] = await come(one.client);
        break;
      case "begin":
      case "answer": {
        const who = [...held.keys()][one.nth % Math.max(1, held.size)];
        if (who !== undefined) (one.kind === "begin" ? begin : answer)(who);
        break;
      }
      case "turn":
        await turn();
    }
  }
  // Bodies that have no end yet.
  for (const { unended, open, peer } of clients)
    for (const id of unended) if (open.includes(id)) peer.send(frames.data(id, "", flag.endStream));
  const unanswered = (): number =>
    clients.reduce((sum, client) => sum + client.open.filter((id) => client.bodyOf(id) === null).length, 0);
  await eventually(() => {
    for (const who of held.keys()) answer(who);
    return unanswered() === 0;
  }, "an answer to everything");
  for (const client of clients) {
    for (const id of client.open) expect(client.bodyOf(id)).toBe(`answer for ${client.who(id)}`);
    const asked = new Set([0, ...client.open, ...client.reset]);
    expect(client.peer.got.filter(({ streamId }) => !asked.has(streamId))).toEqual([]);
    expect(client.peer.goAwayCode).toBe(-1);
    client.peer.socket.destroy();
  }
  held.clear();
}

describe("a served stream that is used again", () => {
  test("brings each client its own answers and nobody else anything, whatever is begun, reset, answered late or left", async () => {
    await start();
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), play), {
      numRuns: 40,
      endOnFailure: true,
    });
  });

  test("is one of 256 that a worker keeps at most, and none in the turn in which it is given back", async () => {
    await start();
    const { context } = await connectionOf(await rawClient(gateway.port));
    const streams = new ServedStreams(context);
    const first = Array.from({ length: 300 }, () => streams.take());
    expect(new Set(first).size).toBe(300);
    for (const served of first) streams.giveBack(served);
    expect(first).not.toContain(streams.take());
    await turn();
    const again = Array.from({ length: 300 }, () => streams.take());
    expect(new Set(again).size).toBe(300);
    expect(again.filter((served) => first.includes(served))).toHaveLength(256);
  });

  test("holds neither the client nor the Decision that it served before", async () => {
    await start();
    const peer = await rawClient(gateway.port);
    const client = new Client("a", peer, 2001);
    const { context, refs } = await watched(peer);
    for (let i = 0; i < 5; i++) client.ask(true);
    await eventually(() => origin.requests.length === 6, "all at the origin");
    client.cancel(1);
    for (const who of held.keys()) answer(who);
    await eventually(() => client.open.every((id) => client.bodyOf(id) !== null), "the answers");
    peer.socket.destroy();
    gateway.serve([], [], []);
    for (let round = 0; round < 3; round++) context.exchange.table.rest();
    await eventually(() => context.connections.size === 0, "no client");
    await eventually(() => {
      releaseMemory();
      return refs.every((ref) => ref.deref() === undefined);
    }, "client, facts and Decisions collected");
  });
});

/** What a client's streams could hold, in a frame of its own: the caller's would keep it alive. */
async function watched(
  peer: RawPeer,
): Promise<{ readonly context: DownstreamContext; readonly refs: readonly WeakRef<object>[] }> {
  const connection = await connectionOf(peer);
  const { context } = connection;
  return {
    context,
    refs: [
      new WeakRef(connection),
      new WeakRef(connection.facts),
      new WeakRef(decide(context.exchange.table, request("/"), 0)),
    ],
  };
}

/** The gateway's side of a client, found by its next request. */
async function connectionOf(peer: RawPeer): Promise<ServedConnection> {
  const requests = vi.spyOn(ServedConnection.prototype, "request");
  peer.send(frames.request(1001, true));
  await peer.answered();
  const connection = requests.mock.contexts[0] as ServedConnection;
  requests.mockReset();
  requests.mockRestore();
  peer.send(frames.reset(1001, errorCode.cancel));
  await peer.answered();
  return connection;
}
