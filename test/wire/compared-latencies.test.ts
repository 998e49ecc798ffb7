// The latencies of a compared pair: the time of each model by one definition, and never the time of the client.
import { afterEach, beforeEach, expect, test } from "vitest";
import { upstreamOf } from "../gateway/fixtures.ts";
import { eventually, settled } from "../turns.ts";
import { Gateway, endpointsOn, irisTo } from "./gateway.ts";
import { begin, PacedModel, ways, type PacedCall, type PacedClient } from "./paced-peers.ts";

const [way] = ways;
let gateway: Gateway;
let main: PacedModel;
let shadow: PacedModel;
let client: PacedClient;

beforeEach(async () => {
  [main, shadow] = [await new PacedModel("http1").listen(), await new PacedModel("http1").listen()];
  gateway = await new Gateway().listen();
  const live = irisTo("iris", { timeout: { ms: 0, setBy: null } });
  if (live.target.kind !== "forward") throw new Error("no forward");
  gateway.serve(
    [
      live,
      {
        ...live,
        id: "shadow",
        role: { kind: "shadow", percent: 100 },
        target: { ...live.target, upstream: "copy", compare: "true" },
        series: { ...live.series, predictor: "next", role: "shadow" },
      },
    ],
    [upstreamOf("iris"), upstreamOf("copy")],
    [endpointsOn("iris", [main.port]), endpointsOn("copy", [shadow.port])],
  );
  client = await begin(gateway, way!, 20);
});
afterEach(async () => {
  client.leave();
  await gateway.goOnUntil(() => gateway.counted("inFlight") === 0, "nothing in flight");
  gateway.close();
  main.close();
  shadow.close();
});

async function call(model: PacedModel): Promise<PacedCall> {
  await eventually(() => model.calls.length === 1, "the request at the model");
  return model.calls[0]!;
}

test("a slow client makes neither of them slow", async () => {
  client.send(10);
  const live = await call(main);
  live.begin();
  await eventually(() => client.received() > 0, "the head at the client");
  await gateway.advance(5000);
  client.pauseReading();
  client.send(10);
  await eventually(() => live.isWhole, "the whole request at the model");
  const copy = await call(shadow);
  await eventually(() => copy.isWhole, "the whole copy at the shadow");
  await gateway.advance(100);
  copy.answer();
  for (let piece = 0; piece < 2500; piece++) live.write(16 * 1024);
  await settled(() => live.sent);
  await gateway.advance(5000);
  await client.resumeReading();
  await eventually(() => live.unread === 0, "all of it at the gateway");
  live.end();
  await eventually(() => gateway.pairs.length === 1, "the pair");
  const [{ primaryMs, shadowMs }] = gateway.pairs as [(typeof gateway.pairs)[number]];
  expect([Math.round(primaryMs), Math.round(shadowMs)]).toEqual([100, 100]);
});

test("an answer that ended before its request is compared with nothing: the shadow was asked another thing", async () => {
  client.send(10);
  const live = await call(main);
  live.answer(408);
  await eventually(() => client.answered(), "the answer");
  client.send(10);
  (await call(shadow)).answer();
  await eventually(() => gateway.counted("comparisonDrops", "incomplete") === 1, "the pair dropped");
  expect(gateway.pairs).toEqual([]);
});
