// Shadows share what copies may use by address: one that fails, whatever Upstreams reach it, costs neither the primary nor other shadows.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Mapping } from "../../routing/model/mapping.ts";
import { fixed } from "../../gateway/shared/metrics/fixed.ts";
import { shadowOutcomes } from "../../gateway/shared/metrics/series.ts";
import { badEndsToBackOff } from "../../gateway/edge/shadow/shadow-backoff.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { eventually } from "../turns.ts";
import type { RawClient } from "./client.ts";
import { Gateway, endpointsOn, firstSlot, irisTo, post, type GatewayOptions } from "./gateway.ts";
import { Origin, requestsIn } from "./origin.ts";

function shadowTo(upstream: string, id: string): Mapping {
  return {
    ...irisTo(upstream),
    id,
    role: { kind: "shadow", percent: 100 },
    series: { ...irisTo(upstream).series, role: "shadow" },
  };
}

describe("copies by address", () => {
  let gateway: Gateway;
  let client: RawClient;
  let origin: Origin;
  const origins: Origin[] = [];
  let asked = 0;

  beforeEach(async () => {
    asked = 0;
    origin = await listen();
  });
  afterEach(async () => {
    client.destroy();
    gateway.close();
    await Promise.all(origins.splice(0).map((one) => one.close()));
  });

  async function listen(behaviour?: Origin["behaviour"]): Promise<Origin> {
    const one = await new Origin(behaviour).listen();
    origins.push(one);
    return one;
  }

  /** The n-th shadow, an Upstream of its own, is at the ports given for it; its slot is `slotOf(n)`. */
  async function start(
    shadowPorts: readonly (readonly number[])[],
    limits: GatewayOptions["limits"] = {},
  ): Promise<void> {
    gateway = await new Gateway({ time: "real", limits }).listen();
    const names = shadowPorts.map((_ports, index) => `shadow-${index}`);
    gateway.serve(
      [irisTo("iris"), ...names.map((name) => shadowTo(name, name))],
      [upstreamOf("iris"), ...names.map((name) => upstreamOf(name))],
      [endpointsOn("iris", [origin.port]), ...names.map((name, index) => endpointsOn(name, shadowPorts[index]!))],
    );
    client = await gateway.open(false);
  }

  const slotOf = (shadow: number): number => firstSlot + 1 + shadow;
  const outcomes = (shadow: number): Readonly<Record<string, number>> =>
    Object.fromEntries(
      shadowOutcomes
        .map((outcome) => [outcome, gateway.shadowed(outcome, slotOf(shadow))])
        .filter(([, count]) => count !== 0),
    );
  const counted = (shadow: number): number => Object.values(outcomes(shadow)).reduce((sum, count) => sum + count, 0);

  async function ask(body = "x"): Promise<void> {
    client.write(post(body));
    asked += 1;
    const answers = await client.answers(asked);
    expect(answers.at(-1)!.status).toBe(200);
  }

  /** Asks until this many copies of the shadow are accounted for, one after the other. */
  async function askAndSettle(times: number, shadow = 0): Promise<void> {
    for (let i = 0; i < times; i++) {
      await ask();
      await eventually(() => counted(shadow) === asked, "the copy accounted for");
    }
  }

  async function nothingHeld(): Promise<void> {
    await eventually(
      () => (["shadowBytes", "shadowInFlight", "shadowQueued"] as const).every((name) => gateway.counted(name) === 0),
      "nothing held",
    );
  }

  test("what one Upstream learns of an address, the others there know", async () => {
    const dead = await listen((connection) => void connection.socket.resetAndDestroy());
    await start([[dead.port], [dead.port], [dead.port]], { shadowConcurrency: 1 });
    // Three copies a request: the second request's are the fourth to sixth.
    await ask();
    await eventually(() => [0, 1, 2].every((shadow) => counted(shadow) === 1), "the first three copies");
    await ask();
    await eventually(() => [0, 1, 2].every((shadow) => counted(shadow) === 2), "all copies");
    const dialled = dead.connections.length;
    expect(dialled).toBe(badEndsToBackOff);
    await ask();
    expect(
      [0, 1, 2]
        .map((shadow) => gateway.shadowed("dropped_unready", slotOf(shadow)))
        .reduce((sum, count) => sum + count),
    ).toBe(3 * asked - badEndsToBackOff);
    expect(dead.connections).toHaveLength(dialled);
    await nothingHeld();
  });

  test("copies that run out of time begin a back-off", async () => {
    const silent = await listen(() => undefined);
    await start([[silent.port]], { shadowTimeoutMs: 20 });
    await askAndSettle(badEndsToBackOff);
    expect(outcomes(0)).toEqual({ failed: badEndsToBackOff });
    await ask();
    expect(outcomes(0)).toEqual({ failed: badEndsToBackOff, dropped_unready: 1 });
    expect(silent.connections).toHaveLength(badEndsToBackOff);
    await nothingHeld();
  });

  test("answers that have to be cut begin one too: a shadow that answers 100 MB is not dialled for each copy", async () => {
    const huge = await listen(
      (connection) => void connection.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\nand so on"),
    );
    await start([[huge.port]]);
    await askAndSettle(badEndsToBackOff);
    await ask();
    expect(outcomes(0)).toEqual({ sent: badEndsToBackOff, dropped_unready: 1 });
    await eventually(() => {
      client.write(post("x"));
      asked += 1;
      return huge.connections.length > badEndsToBackOff;
    }, "a trial");
    await client.answers(asked);
    await nothingHeld();
    expect(counted(0)).toBe(asked);
  });

  test("an Endpoint that refuses is left out, and its shadow gets all copies at the others", async () => {
    const [well, gone] = [await listen(), await listen()];
    await gone.close();
    origins.splice(origins.indexOf(gone), 1);
    await start([[well.port, gone.port]]);
    await eventually(() => {
      client.write(post("x"));
      asked += 1;
      return gateway.shadowed("failed", slotOf(0)) === badEndsToBackOff;
    }, "five refused");
    await client.answers(asked);
    await eventually(() => counted(0) === asked, "every copy accounted for");
    expect(Object.keys(outcomes(0))).toEqual(["sent", "failed"]);
    const failed = gateway.shadowed("failed", slotOf(0));
    // Within the back-off, unless a trial is due: that is one.
    for (let i = 0; i < 20; i++) await ask();
    await eventually(() => counted(0) === asked, "every copy accounted for");
    expect(gateway.shadowed("failed", slotOf(0))).toBeLessThanOrEqual(failed + 2);
    expect(gateway.shadowed("sent", slotOf(0))).toBeGreaterThanOrEqual(asked - failed - 2);
    await nothingHeld();
  });

  test("a stuck shadow with large bodies makes no other drop a copy, of the same requests or of others", async () => {
    const stuck = await listen((connection) => void connection.socket.pause());
    const well = await listen();
    const total = 1_000_000;
    await start([[stuck.port], [well.port]], { shadowTotalBytes: total, shadowTimeoutMs: 60_000 });
    for (let i = 1; i <= 20; i++) {
      await ask("b".repeat(90_000));
      await eventually(() => gateway.shadowed("sent", slotOf(1)) === i, "the copy of the well one");
      expect(gateway.counted("shadowBytes")).toBeLessThanOrEqual(total);
    }
    // The stuck one holds five or six of them: half, and what the last one that found room added to it.
    expect(Object.keys(outcomes(0))).toEqual(["dropped_memory"]);
    expect(outcomes(0)["dropped_memory"]).toBeGreaterThanOrEqual(14);
    expect(outcomes(0)["dropped_memory"]).toBeLessThanOrEqual(15);
    expect(outcomes(1)).toEqual({ sent: 20 });
    expect(gateway.counted("shadowBytes")).toBeGreaterThan(450_000);
    expect(gateway.counted("shadowBytes")).toBeLessThan(600_000);
    await origins.splice(origins.indexOf(stuck), 1)[0]!.close();
    await eventually(() => counted(0) === asked, "every copy accounted for");
    await nothingHeld();
    expect(requestsIn(origin.text)).toHaveLength(20);
  });

  test("a copy that has no room in the queue is not made", async () => {
    const silent = await listen(() => undefined);
    await start([[silent.port]], { shadowConcurrency: 1, shadowQueue: 3, shadowTimeoutMs: 60_000 });
    // Half of four, rounded up: one in flight and one that waits.
    for (let i = 0; i < 6; i++) await ask();
    await eventually(() => gateway.counted("shadowInFlight") === 1, "one in flight");
    expect(outcomes(0)).toEqual({ dropped_queue: 4 });
    // Nobody waits for the rest of its body.
    const held = gateway.counted("shadowBytes");
    client.write("POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
    await eventually(() => origin.text.endsWith("half"), "the half at the primary");
    expect(gateway.counted("shadowBytes")).toBe(held);
    expect(outcomes(0)).toEqual({ dropped_queue: 5 });
  });

  test("copies begin one a turn of the event loop", async () => {
    const well = await listen();
    // All eight copies of a request are there at once.
    await start(Array.from({ length: 8 }, () => [well.port]));
    const set = vi.spyOn(gateway.counters, "set");
    let turn = 0;
    const begunByTurn = new Map<number, number>();
    let before = 0;
    set.mockImplementation((cell, value) => {
      gateway.counters.cells[cell] = value;
      if (cell !== fixed.shadowInFlight) return;
      if (value > before) begunByTurn.set(turn, (begunByTurn.get(turn) ?? 0) + value - before);
      before = value;
    });
    let running = true;
    const next = (): void => {
      turn += 1;
      if (running) setImmediate(next);
    };
    next();
    await ask();
    await eventually(
      () =>
        Array.from({ length: 8 }, (_, shadow) => gateway.shadowed("sent", slotOf(shadow))).every((sent) => sent === 1),
      "all copies",
    );
    running = false;
    expect([...begunByTurn.values()].reduce((sum, count) => sum + count)).toBe(8);
    expect(Math.max(...begunByTurn.values())).toBe(1);
  });

  test("a copy for a name that has no address yet waits until it has", async () => {
    const well = await listen();
    gateway = await new Gateway({ time: "real" }).listen();
    gateway.serve(
      [irisTo("iris"), shadowTo("copy", "s")],
      [upstreamOf("iris"), upstreamOf("copy", "models.example")],
      [endpointsOn("iris", [origin.port]), { key: "copy", ready: true, endpoints: [] }],
    );
    client = await gateway.open(false);
    await ask();
    await eventually(() => gateway.used.includes("copy"), "its addresses are asked for");
    gateway.change({ endpoints: [endpointsOn("copy", [well.port])] });
    await eventually(() => gateway.shadowed("sent", slotOf(0)) === 1, "the copy sent");
    await nothingHeld();
  });
});
