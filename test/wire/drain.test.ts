// Drain, and the messages of the control worker.
import { beforeEach, describe, expect, test } from "vitest";
import { eventually } from "../turns.ts";
import { fieldOf, RawClient } from "./client.ts";
import { Gateway, endpointsOn, post, transports } from "./gateway.ts";
import { Origin, requestsIn } from "./origin.ts";
import { servedIris } from "./served-iris.ts";

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;

  beforeEach(async () => {
    const served = await servedIris();
    ({ gateway, origin } = served);
    return served.close;
  });

  test("not ready at once, serves on, then each answer closes; what is in flight finishes; then nobody listens", async () => {
    const idle = await gateway.open(secure);
    const busy = await gateway.open(secure);
    const late = await gateway.open(secure);
    late.write(post("before"));
    await late.answers(1);
    origin.behaviour = () => undefined;
    busy.write(post("slow"));
    await eventually(() => origin.text.includes("slow"), "the slow request");
    const drained = gateway.plane.drain(200, 5000);
    const probe = await gateway.open(secure);
    probe.write("GET /ambassador/v0/check_ready HTTP/1.1\r\nHost: a\r\n\r\n");
    const [notReady] = await probe.answers(1);
    expect(notReady!.status).toBe(503);
    expect(fieldOf(notReady!, "connection")).toBeNull();
    // After the wait: new connections are still served, each answer closes.
    await gateway.advance(250);
    const fresh = await gateway.open(secure);
    fresh.write("GET /ambassador/v0/check_alive HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(fieldOf((await fresh.answers(1))[0]!, "connection")).toBe("close");
    await fresh.end();
    await gateway.advance(1000);
    await Promise.all([idle.end(), late.end()]);
    for (const connection of origin.connections)
      connection.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone");
    const [answer] = await busy.answers(1);
    expect(answer).toMatchObject({ status: 200, body: "done" });
    expect(fieldOf(answer!, "connection")).toBe("close");
    for (const client of [idle, busy, late, probe, fresh]) client.destroy();
    await eventually(() => gateway.counted("clientConnectionsHttp1") === 0, "nobody is left");
    await gateway.advance(50);
    await drained;
    await expect(RawClient.open(secure ? gateway.tlsPort : gateway.port, secure)).rejects.toThrow();
    expect(gateway.counted("inFlight")).toBe(0);
  });

  test("the grace limit ends what does not finish", async () => {
    origin.behaviour = () => undefined;
    const client = await gateway.open(secure);
    client.write(post("never"));
    await eventually(() => requestsIn(origin.text).length === 1, "the request");
    let isOver = false;
    const drained = gateway.plane.drain(0, 200).then(() => (isOver = true));
    await gateway.advance(199);
    expect(isOver).toBe(false);
    await gateway.advance(1);
    await drained;
    await client.end();
    client.destroy();
  });
});

test("a table is taken by whoever asks for it first, woken or not, and its number is told", async () => {
  const gateway = new Gateway();
  expect(gateway.plane.served.version).toBe(0);
  gateway.serveIris([1]);
  expect(gateway.plane.served.version).toBe(1);
  expect(gateway.shared.readBy(0)).toBe(1);
  gateway.change({ endpoints: [endpointsOn("iris", [2])] });
  expect(gateway.plane.served.version).toBe(2);
  // Nothing differs: the same table.
  gateway.change({ endpoints: [endpointsOn("iris", [2])] });
  expect(gateway.plane.served.version).toBe(2);
  gateway.close();
});
