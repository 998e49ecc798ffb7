// The clock of a thread that is kept from running: what has arrived is not late because nobody looked.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, test } from "vitest";
import { systemClock } from "../../../gateway/shared/clock.ts";

function standStill(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}

test("what has arrived before an alarm rings is taken first, and an alarm may be cancelled until then", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [peer] = (await once(server, "connection")) as [Socket];
  const order: string[] = [];
  const rung = new Promise<void>((resolve) => {
    client.on("data", () => {
      order.push("arrived");
      cancelled.cancel();
    });
    systemClock.after(1, () => {
      order.push("rung");
      resolve();
    });
  });
  const cancelled = systemClock.after(1, () => order.push("cancelled"));
  peer.write("x");
  standStill(30);
  await rung;
  expect(order).toEqual(["arrived", "rung"]);
  client.destroy();
  peer.destroy();
  server.close();
});
