// Circuit breakers and threads that end: what a dead worker had in use is given back, all of it and nothing else.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Origin, type OriginConnection } from "../wire/origin.ts";
import { until } from "./until.ts";
import { Asked } from "./asked.ts";
import { type GatewayProcess, Manifests, serving } from "./gateway-process.ts";
import { listeners } from "./listeners.ts";

const workers = 5;
const rounds = 2;
const inFlight = 500 * workers;

let manifests: Manifests;
let origin: Origin;
let gateway: GatewayProcess;

beforeEach(async () => {
  manifests = await Manifests.create();
  origin = await new Origin(() => undefined).listen();
  await manifests.deploy("iris", origin.port, "prod", {
    "seldon.io/rest-timeout": "120000",
    "seldon.io/ambassador-circuit-breakers-max-requests": String(inFlight),
    "seldon.io/ambassador-circuit-breakers-max-connections": String(inFlight),
    "seldon.io/ambassador-circuit-breakers-max-pending-requests": "0",
  });
});
afterEach(async () => {
  await gateway.kill();
  await origin.close();
  await manifests.remove();
});

const names = 'namespace="prod",deployment="iris",predictor="default",role="live"';

/** Of a breaker with nothing in use there is no line. */
async function gauges(admin: string): Promise<Readonly<Record<string, number>>> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  return Object.fromEntries(
    [
      "sluice_requests_in_flight",
      `sluice_breaker_use{${names},resource="requests"}`,
      `sluice_breaker_use{${names},resource="connections"}`,
      `sluice_breaker_use{${names},resource="pending"}`,
      `sluice_breakers_open{${names},resource="requests"}`,
    ].map((name) => [
      name.replace("sluice_", "").replace(`${names},`, ""),
      Number(
        text
          .split("\n")
          .find((line) => line.startsWith(`${name} `))
          ?.slice(name.length) ?? 0,
      ),
    ]),
  );
}

/** The text of /metrics is made once a second, so what it says may be from before. */
async function expectGauges(admin: string, expected: Readonly<Record<string, number>>): Promise<void> {
  const endMs = Date.now() + 10_000;
  let now = await gauges(admin);
  while (JSON.stringify(now) !== JSON.stringify(expected) && Date.now() < endMs) {
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
    now = await gauges(admin);
  }
  expect(now).toEqual(expected);
}

function use(requests: number, open: number): Readonly<Record<string, number>> {
  return {
    requests_in_flight: requests,
    'breaker_use{resource="requests"}': requests,
    'breaker_use{resource="connections"}': requests,
    'breaker_use{resource="pending"}': 0,
    'breakers_open{resource="requests"}': open,
  };
}

/** Length of what a connection had received when it was last answered. */
const answeredAt = new WeakMap<OriginConnection, number>();

/** Has it a whole request that is not answered yet, and can be? Requests have no body here. */
function isHeld(connection: OriginConnection): boolean {
  return (
    !connection.closed &&
    connection.text.length > (answeredAt.get(connection) ?? 0) &&
    connection.text.endsWith("\r\n\r\n")
  );
}

function held(): number {
  return origin.connections.filter(isHeld).length;
}

function release(): void {
  for (const connection of origin.connections.filter(isHeld)) {
    answeredAt.set(connection, connection.text.length);
    connection.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  }
}

describe("circuit breakers of a process", () => {
  test(`${rounds * (workers - 1)} workers are killed with some 500 requests in flight each: nothing stays in use, and the full limit is admitted, not one more`, async () => {
    gateway = serving(manifests.folder, workers, "--upstream-idle-ms", "1");
    const { traffic, admin } = await gateway.listening();
    const port = Number(new URL(traffic).port);
    const fill = async (): Promise<Asked[]> => {
      await until(async () => (await listeners(port)) === workers, "every worker listens");
      const asked: Asked[] = [];
      // In parts, so that no listener's queue overflows.
      while (asked.length < inFlight) {
        for (let i = 0; i < 250; i++) asked.push(new Asked(port, "iris"));
        await until(() => held() === asked.length, `${asked.length} requests at the origin`);
      }
      return asked;
    };
    for (let round = 0; round < rounds; round++) {
      const asked = await fill();
      await expectGauges(admin, use(inFlight, 1));
      const ended = (): number => gateway.records.filter(({ event }) => event === "worker-ended").length;
      const before = ended();
      for (let worker = 0; worker < workers; worker++)
        if (worker !== round % workers) gateway.endThread(`data-${worker}`);
      await until(() => ended() === before + workers - 1, "they have ended");
      await until(() => held() === asked.filter(({ status }) => status === "").length, "what they held is cancelled");
      const survive = held();
      expect(survive).toBeGreaterThan(inFlight / workers / 2);
      expect(survive).toBeLessThan((inFlight / workers) * 2);
      await expectGauges(admin, use(survive, 0));
      release();
      await until(() => asked.every(({ status }) => status !== ""), "the others are answered");
      expect(asked.filter(({ status }) => status === "200")).toHaveLength(survive);
      for (const { socket } of asked) socket.destroy();
      await expectGauges(admin, use(0, 0));
      await until(() => origin.connections.every(({ closed }) => closed), "idle connections are closed");
      origin.connections.length = 0;
    }
    const asked = await fill();
    // A new control worker goes on with the slots of the one before it.
    gateway.endThread("control");
    await gateway.seen("worker-ended", { thread: "control" });
    await until(
      async () => (await fetch(`${admin}/readyz`).catch(() => null))?.status === 200,
      "the new control worker",
    );
    await expectGauges(admin, use(inFlight, 1));
    const over = Array.from({ length: 2 * workers }, () => new Asked(port, "iris"));
    await until(() => over.every(({ status }) => status !== ""), "what is over the limit is answered");
    // A worker that has no connection would get one; these all have.
    expect(over.map(({ status }) => status)).toEqual(over.map(() => "503"));
    release();
    await until(() => asked.every(({ status }) => status !== ""), "all are answered");
    expect(asked.every(({ status }) => status === "200")).toBe(true);
    for (const { socket } of [...asked, ...over]) socket.destroy();
    await expectGauges(admin, use(0, 0));
  }, 300_000);
});
