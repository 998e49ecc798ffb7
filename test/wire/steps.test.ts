// A step that waits, decides again, answers and fails: what that means for its request, its client, its model and everybody else, over each
// protocol that clients speak.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { failures } from "../../gateway/failures.ts";
import { noChange } from "../../gateway/edge/message/head-copy.ts";
import {
  goOn,
  waits,
  type ExchangeEnd,
  type Resume,
  type Step,
  type StepRequest,
  type Verdict,
} from "../../gateway/edge/steps/step.ts";
import type { ForwardTarget, Mapping } from "../../routing/model/mapping.ts";
import { is, named, prefix } from "../routing/build.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { eventually } from "../turns.ts";
import { Gateway, endpointsOn, firstSlot, irisTo } from "./gateway.ts";
import { Http2Origin } from "./http2-origin.ts";
import { answering, opened, protocols, rest, shaOf, type Call } from "./step-protocols.ts";

/** One request that the planted step holds. */
interface Held {
  readonly request: StepRequest;
  readonly resume: Resume;
  cancelled: boolean;
}

/** Waits for the test. */
class PlantedStep implements Step {
  readonly name = "planted";
  readonly held: Held[] = [];
  readonly ends: { readonly end: ExchangeEnd; readonly kept: unknown }[] = [];
  taken = 0;
  /** What it says at once; null: it waits. */
  atOnce: Verdict | null = null;

  take = (request: StepRequest): Verdict | typeof waits => {
    this.taken += 1;
    request.keep(this.taken);
    if (this.atOnce !== null) return this.atOnce;
    const held: Held = { request, cancelled: false, resume: request.wait(() => (held.cancelled = true)) };
    this.held.push(held);
    return waits;
  };

  answered = (_head: unknown, request: StepRequest, kept: unknown): void =>
    request.addToAnswer({ instead: [], fields: [["x-kept", String(kept)]] });

  ended = (end: ExchangeEnd, kept: unknown): void => void this.ends.push({ end, kept });
}

describe.each(protocols.map((protocol) => [protocol.name, protocol] as const))("%s", (_name, protocol) => {
  let gateway: Gateway;
  let one: Http2Origin;
  let two: Http2Origin;
  let copies: Http2Origin;
  let step: PlantedStep;

  beforeEach(async () => {
    [one, two, copies] = await Promise.all([
      new Http2Origin(answering("one")).listen(),
      new Http2Origin(answering("two")).listen(),
      new Http2Origin(answering("copy")).listen(),
    ]);
    step = new PlantedStep();
    gateway = await new Gateway({ time: "real", steps: [step] }).listen();
    serve();
  });
  afterEach(async () => {
    for (const client of opened.splice(0)) client.destroy();
    await eventually(
      () => gateway.counted("inFlight") === 0 && gateway.counted("heldBytes") === 0,
      "nothing in flight and nothing held",
    );
    gateway.close();
    for (const origin of [one, two, copies]) origin.close();
    expect(gateway.faults).toBe(0);
  });

  function mappings(target: Partial<ForwardTarget> = {}): Mapping[] {
    const base = irisTo("one", { rewrite: { kind: "none" }, ...target });
    const match = protocol.grpc
      ? {
          ...base.match,
          path: prefix("/seldon.protos.Seldon/"),
          headers: [named("seldon", is("iris")), named("namespace", is("prod"))],
        }
      : base.match;
    const tenant = irisTo("two", { rewrite: { kind: "none" } });
    return [
      { ...base, match },
      { ...tenant, id: "tenant", match: { ...match, headers: [...match.headers, named("x-tenant", is("b"))] } },
      {
        ...irisTo("copies", { rewrite: { kind: "none" } }),
        id: "shadow",
        match,
        role: { kind: "shadow", percent: 100 },
      },
    ];
  }

  function serve(target: Partial<ForwardTarget> = {}, ports: readonly [number, number] = [one.port, two.port]): void {
    gateway.serve(
      mappings(target),
      ["one", "two", "copies"].map((key) => ({ ...upstreamOf(key), protocol: "http2" as const })),
      [endpointsOn("one", [ports[0]]), endpointsOn("two", [ports[1]]), endpointsOn("copies", [copies.port])],
    );
  }

  async function heldCall(body = "hello", tag = "-"): Promise<{ readonly call: Call; readonly held: Held }> {
    const before = step.held.length;
    const call = await protocol.call(gateway, body, tag);
    await eventually(() => step.held.length > before, "the step waits");
    return { call, held: step.held[before]! };
  }

  const ok = protocol.grpc ? 0 : 200;

  test("a request that waits has reached nobody, and then goes on whole; what the step kept is its own", async () => {
    const { call, held } = await heldCall();
    expect(one.requests).toHaveLength(0);
    expect(copies.requests).toHaveLength(0);
    expect(gateway.counted("inFlight")).toBe(1);
    held.resume(goOn);
    expect(await call.reply).toEqual({ status: ok, body: `one - ${shaOf("hello")}`, kept: "1" });
    expect(held.cancelled).toBe(false);
    await eventually(() => step.ends.length === 1, "its end");
    expect(step.ends[0]).toEqual({ end: { code: 200, failure: null }, kept: 1 });
  });

  test("a body of a megabyte is held back at the client, not here, and arrives whole", async () => {
    const body = "x".repeat(999_999) + "y";
    const { call, held } = await heldCall(body);
    const heldBytes = gateway.counted("heldBytes");
    expect(heldBytes).toBeLessThanOrEqual(256 * 1024);
    held.resume(goOn);
    expect((await call.reply).body).toBe(`one - ${shaOf(body)}`);
  });

  test("it may answer, at once and after a wait", async () => {
    const answer: Verdict = {
      kind: "answer",
      answer: { code: 200, contentType: "text/plain", body: "mine", fields: [["grpc-status", "7"]] },
      counted: true,
    };
    const { call, held } = await heldCall();
    held.resume(answer);
    const late = await call.reply;
    step.atOnce = answer;
    const early = await (await protocol.call(gateway, "hello")).reply;
    for (const reply of [late, early]) expect(reply.status).toBe(protocol.grpc ? 7 : 200);
    expect(one.requests).toHaveLength(0);
    expect(gateway.answered("200")).toBe(2);
  });

  test("it may fail, at once and after a wait: the model and the shadow hear nothing", async () => {
    const fail: Verdict = { kind: "fail", failure: failures.upgradeRefused, detail: "" };
    const { call, held } = await heldCall();
    held.resume(fail);
    step.atOnce = fail;
    for (const reply of [await call.reply, await (await protocol.call(gateway, "hello")).reply])
      expect(reply.status).toBe(protocol.grpc ? 7 : 403);
    expect([...one.requests, ...copies.requests]).toEqual([]);
    expect(step.ends.map(({ end }) => end.failure?.name)).toEqual(["upgrade-refused", "upgrade-refused"]);
  });

  test.each([
    ["at once", true],
    ["after a wait", false],
  ])(
    "it may have the Route looked for again, %s: by what it changed, once, counted for the Route that was found",
    async (_when, atOnce) => {
      const again: Verdict = { kind: "again", change: { ...noChange, add: [["x-tenant", "b"]] } };
      let call: Call;
      if (atOnce) {
        step.atOnce = again;
        call = await protocol.call(gateway, "hello");
      } else {
        const held = await heldCall();
        held.held.resume(again);
        ({ call } = held);
      }
      expect((await call.reply).body).toBe(`two b ${shaOf("hello")}`);
      expect(step.taken).toBe(1);
      expect(gateway.answered("200", firstSlot)).toBe(0);
      expect(gateway.answered("200", firstSlot + 1)).toBe(1);
      expect(copies.requests).toHaveLength(0);
    },
  );

  test("its head is its own, whatever was read since", async () => {
    const first = await heldCall("first", "a".repeat(300));
    const second = await heldCall("second", "b".repeat(300));
    first.held.resume(goOn);
    expect((await first.call.reply).body).toBe(`one ${"a".repeat(300)} ${shaOf("first")}`);
    second.held.resume(goOn);
    expect((await second.call.reply).body).toBe(`one ${"b".repeat(300)} ${shaOf("second")}`);
  });

  test("a client that leaves cancels it; what it says later reaches nobody", async () => {
    const { call, held } = await heldCall();
    call.leave();
    await eventually(() => held.cancelled, "its cancellation");
    held.resume(goOn);
    await eventually(() => gateway.counted("inFlight") === 0, "nothing in flight");
    expect(one.requests).toHaveLength(0);
    expect(step.ends).toMatchObject([{ end: { failure: { name: "client-gone" } } }]);
    // The next request is nobody else's.
    const next = await heldCall("next");
    held.resume({ kind: "fail", failure: failures.noRoute, detail: "" });
    next.held.resume(goOn);
    expect((await next.call.reply).body).toBe(`one - ${shaOf("next")}`);
  });

  test("the time limit of its Mapping runs while it waits", async () => {
    serve({ timeout: { ms: 60, setBy: "a test" } });
    const { call, held } = await heldCall();
    expect((await call.reply).status).toBe(protocol.grpc ? 4 : 504);
    expect(held.cancelled).toBe(true);
    held.resume(goOn);
    expect(one.requests).toHaveLength(0);
  });

  test("a retry does not run it again", async () => {
    serve({ retry: { retryOn: ["5xx", "unavailable"], numRetries: 2, perTryTimeoutMs: null } });
    const right = one.behaviour;
    let seen = 0;
    one.behaviour = (request) => {
      seen += 1;
      if (seen < 3) request.stream.close(2);
      else right(request);
    };
    const { call, held } = await heldCall();
    held.resume(goOn);
    expect((await call.reply).status).toBe(ok);
    expect(seen).toBe(3);
    expect(step.taken).toBe(1);
  });

  test("the copy for a shadow leaves after it, whole and once", async () => {
    const { call, held } = await heldCall();
    held.resume(goOn);
    await call.reply;
    await eventually(() => copies.requests.length === 1 && copies.requests[0]!.body.endsWith("hello"), "the copy");
  });

  test("a drain waits for it", async () => {
    const { call, held } = await heldCall();
    let drained = false;
    const drain = gateway.plane.drain(0, 5000).then(() => (drained = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(drained).toBe(false);
    held.resume(goOn);
    expect((await call.reply).body).toBe(`one - ${shaOf("hello")}`);
    for (const client of opened.splice(0)) client.destroy();
    await drain;
  });

  test("a request that waits keeps its Route whatever table comes meanwhile; one that decides again is decided by the newest", async () => {
    const first = await heldCall("first");
    const second = await heldCall("second");
    gateway.serve([], [], []);
    // The Upstreams have gone from the table: what was decided goes where they were, and what decides now finds no way.
    first.held.resume(goOn);
    second.held.resume({ kind: "again", change: { ...noChange, add: [["x-tenant", "b"]] } });
    const replies = [await first.call.reply, await second.call.reply];
    expect(replies.map(({ status }) => status)).toEqual(protocol.grpc ? [0, 12] : [200, 404]);
    expect(step.ends.map(({ end }) => end.failure?.name)).toEqual(["no-route", undefined]);
  });
});

test("the time limit runs for a client that is held back in the middle of its body", async () => {
  const step = new PlantedStep();
  const gateway = await new Gateway({ time: "real", steps: [step] }).listen();
  gateway.serveIris([1], { timeout: { ms: 60, setBy: "a test" } });
  const client = await gateway.open(false);
  client.write(`POST ${rest} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf`);
  const [answer] = await client.answers(1);
  expect(answer!.status).toBe(504);
  expect(step.held.map(({ cancelled }) => cancelled)).toEqual([true]);
  client.destroy();
  gateway.close();
});
