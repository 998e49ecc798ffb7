// How HTTP/2 connections end: GOAWAY twice, what is open is served, what comes later is refused to be sent again.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { errorCode, frameType } from "../../gateway/edge/frames/constants.ts";
import { frames, rawClient } from "../gateway/edge/http2/raw-peer.ts";
import { eventually } from "../turns.ts";
import { Gateway, transports } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";
import { Origin, answerEach } from "./origin.ts";

const path = "/seldon/prod/iris/x";
const lastIdOf = ({ payload }: { readonly payload: Buffer }): number => payload.readUInt32BE(0);

let gateway: Gateway;
let origin: Origin;

async function start(options: ConstructorParameters<typeof Gateway>[0] = {}): Promise<void> {
  gateway = await new Gateway(options).listen();
  origin = await new Origin(() => undefined).listen();
  gateway.serveIris([origin.port]);
}

function answerAll(): void {
  for (const connection of origin.connections)
    connection.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
}

afterEach(async () => {
  gateway.close();
  await origin.close();
  expect(gateway.faults).toBe(0);
});

describe.each(transports)("%s: a drain", (_name, secure) => {
  beforeEach(() => start());

  test("says GOAWAY, finishes what is open and closes", async () => {
    const client = await Http2Client.open(gateway, secure);
    const idle = await Http2Client.open(gateway, secure);
    const open = client.request({ ":path": path });
    await eventually(() => origin.text.includes("GET /x"), "the request");
    const drained = gateway.plane.drain(0, 10_000);
    await gateway.goOnUntil(() => client.goAways.length >= 1, "the first GOAWAY");
    expect(client.goAways[0]).toBe(2 ** 31 - 1);
    answerAll();
    expect(await open).toMatchObject({ status: 200, body: "ok" });
    await gateway.during(drained);
    expect(client.goAways.at(-1)).toBe(1);
    expect(gateway.counted("inFlight")).toBe(0);
    client.destroy();
    idle.destroy();
  });

  test("an idle client is gone after a round trip", async () => {
    const idle = await Http2Client.open(gateway, secure);
    let isOver = false;
    void gateway.plane.drain(0, 10_000).then(() => (isOver = true));
    await gateway.advance(3000);
    expect(isOver).toBe(true);
    idle.destroy();
  });
});

test("a request that the client sent before it knew is served, a later one is not, and may be sent again", async () => {
  await start();
  const peer = await rawClient(gateway.port);
  const request = (id: number): Buffer => frames.request(id, true);
  peer.send(request(1));
  void gateway.plane.drain(0, 10_000);
  await gateway.advance(0);
  await peer.wait(frameType.goAway);
  // It has not seen the GOAWAY yet: its PING is not answered.
  peer.send(request(3));
  const ping = await peer.wait(frameType.ping);
  peer.send(Buffer.concat([Buffer.from([0, 0, 8, 6, 1, 0, 0, 0, 0]), ping.payload]));
  await peer.wait(frameType.goAway, 2);
  expect(peer.of(frameType.goAway).map(lastIdOf)).toEqual([2 ** 31 - 1, 3]);
  peer.send(request(5));
  await eventually(() => peer.of(frameType.headers).some(({ streamId }) => streamId === 3), "an answer on stream 3");
  expect(peer.of(frameType.headers).every(({ streamId }) => streamId < 5)).toBe(true);
  await gateway.during(peer.untilClosed());
  expect(peer.goAwayCode).toBe(errorCode.noError);
});

test("a connection that is too old ends in the same way, and its client loses nothing", async () => {
  await start({ limits: { connectionMaxAgeMs: 300 } });
  origin.behaviour = answerEach("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  let client = await Http2Client.open(gateway, false);
  const ages: number[] = [];
  let ageMs = 0;
  for (let i = 0; ages.length < 3; i++) {
    if (client.goAways.length > 0) {
      ages.push(ageMs);
      client = await Http2Client.open(gateway, false);
      ageMs = 0;
    }
    expect(await client.request({ ":path": path })).toMatchObject({ status: 200, body: "ok" });
    await gateway.advance(10);
    ageMs += 10;
  }
  client.destroy();
  for (const age of ages) expect(age).toBeGreaterThan(0.9 * 300 - 20);
});
