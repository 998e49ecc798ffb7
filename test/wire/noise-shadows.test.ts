// `noise`: the primary is asked again at another Endpoint than the one that answered the client, or not at all.
import { afterEach, expect, test } from "vitest";
import { failuresToEject } from "../../gateway/edge/balancing/ejection.ts";
import type { Captured } from "../../gateway/shared/compared-pairs.ts";
import type { LoadBalancer } from "../../routing/model/mapping.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { eventually } from "../turns.ts";
import type { RawClient } from "./client.ts";
import { endpointsOn, Gateway, irisTo, post } from "./gateway.ts";
import { answerEach, Origin, requestsIn } from "./origin.ts";

let gateway: Gateway;
let origins: readonly Origin[];
let client: RawClient;

/** Each answers with its place in the list. */
async function start(count: number, loadBalancer: LoadBalancer): Promise<void> {
  origins = await Promise.all(Array.from({ length: count }, (_, at) => new Origin(answerOf(at)).listen()));
  gateway = await new Gateway({ time: "real" }).listen();
  const live = irisTo("iris", { loadBalancer, retry: { retryOn: ["reset"], numRetries: 1, perTryTimeoutMs: null } });
  const { target } = live;
  if (target.kind !== "forward") throw new Error("no forward");
  gateway.serve(
    [
      live,
      {
        ...live,
        id: "noise",
        role: { kind: "shadow", percent: 100 },
        target: { ...target, compare: "noise 100%" },
        series: { ...live.series, role: "shadow" },
      },
    ],
    [upstreamOf("iris")],
    [
      endpointsOn(
        "iris",
        origins.map(({ port }) => port),
      ),
    ],
  );
  client = await gateway.open(false);
}

afterEach(async () => {
  client.destroy();
  gateway.close();
  await Promise.all(origins.map((one) => one.close()));
});

function answerOf(at: number): ReturnType<typeof answerEach> {
  return answerEach(`HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${at}`);
}

async function ask(count: number): Promise<void> {
  const before = (await client.answers(0)).length;
  for (let at = 1; at <= count; at++) {
    client.write(post("{}"));
    await client.answers(before + at);
  }
}

function bodyOf(answer: Captured | null): string {
  return answer === null ? "" : Buffer.concat(answer.pieces).toString("latin1");
}

const received = (): number => origins.reduce((sum, { text }) => sum + requestsIn(text).length, 0);
const turns: LoadBalancer = { kind: "round-robin" };

test.each<readonly [count: number, loadBalancer: LoadBalancer]>([
  [2, turns],
  [3, turns],
  [3, { kind: "least-request" }],
])("of %d Endpoints another one than the client's is asked, %o", async (count, loadBalancer) => {
  await start(count, loadBalancer);
  await ask(60);
  await eventually(() => gateway.pairs.length === 60, "the pairs handed over");
  for (const { isAsked, primary, shadow } of gateway.pairs) {
    expect(isAsked).toBe(true);
    expect(bodyOf(shadow)).toMatch(/^\d$/);
    expect(bodyOf(shadow)).not.toBe(bodyOf(primary));
  }
  expect(received()).toBe(120);
  expect(gateway.counted("shadowBytes")).toBe(0);
});

test("one Endpoint alone is not asked again, and the pair says so", async () => {
  await start(1, turns);
  await ask(3);
  await eventually(() => gateway.pairs.length === 3, "the pairs handed over");
  expect(gateway.pairs.map(({ isAsked, primary, shadow }) => [isAsked, primary.bytes, shadow])).toEqual(
    Array.from({ length: 3 }, () => [false, 0, null]),
  );
  expect(received()).toBe(3);
  expect(gateway.counted("comparedBytes")).toBe(0);
});

test("an Endpoint that is ejected is not asked for noise", async () => {
  await start(2, turns);
  origins[0]!.behaviour = answerEach("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 1\r\n\r\nx");
  await ask(2 * failuresToEject);
  expect(gateway.counted("endpointsEjected")).toBeGreaterThanOrEqual(1);
  await eventually(() => gateway.pairs.length === 2 * failuresToEject, "the pairs handed over");
  const before = requestsIn(origins[0]!.text).length;
  await ask(5);
  await eventually(() => gateway.pairs.length === 2 * failuresToEject + 5, "the pairs handed over");
  expect(gateway.pairs.slice(-5).map(({ isAsked }) => isAsked)).toEqual([false, false, false, false, false]);
  expect(requestsIn(origins[0]!.text)).toHaveLength(before);
});

test("where a retry brings the client to the Endpoint that was asked for noise, there is none", async () => {
  await start(2, turns);
  let first: (() => void) | null = null;
  origins[0]!.behaviour = ({ socket }) => (first = () => socket.destroy());
  client.write(post("{}"));
  await eventually(() => first !== null && requestsIn(origins[1]!.text).length === 1, "the request and its copy");
  first!();
  expect((await client.answers(1))[0]!.body).toBe("1");
  await eventually(() => gateway.pairs.length === 1, "the pair handed over");
  expect(gateway.pairs[0]!.isAsked).toBe(false);
  expect(gateway.counted("comparedBytes")).toBe(0);
});
