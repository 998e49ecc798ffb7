// A rollout whose canary has slow clients of every kind is promoted; one whose canary is slow itself is rolled back.
import { connect } from "node:net";
import { afterAll, expect, test } from "vitest";
import type { Rollout } from "../../gateway/api/rollouts.ts";
import { Manifests, ModelServer, serving } from "./gateway-process.ts";
import { releasedManifest } from "./release-fixtures.ts";
import { until } from "./until.ts";

const closers: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** How long a slow client takes: many times what both models do. */
const slowMs = 400;

/** One request on a connection of its own, whose bytes leave in this order; `left`: the client leaves instead of reading. */
function slowly(url: URL, user: string, pieces: readonly string[], left: boolean): Promise<void> {
  const socket = connect(Number(url.port), url.hostname);
  socket.on("error", () => undefined);
  const head = `POST /seldon/prod/iris/api/v1.0/predictions HTTP/1.1\r\nHost: a\r\nx-user: ${user}\r\nConnection: close\r\nContent-Length: ${pieces.join("").length}\r\n\r\n`;
  socket.write(head + pieces[0]!);
  const timer = setTimeout(() => {
    if (left) socket.destroy();
    else socket.write(pieces[1] ?? "");
    socket.resume();
  }, slowMs);
  if (pieces.length === 1) socket.pause();
  return new Promise((resolve) => {
    socket.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

test.concurrent.each([
  ["slow clients", 0, "promoted"],
  ["a slow model", 320, "aborted"],
])(
  "%s",
  async (_name, canaryMs, expected) => {
    const [folder, main, canary] = [await Manifests.create(), await ModelServer.start(), await ModelServer.start()];
    closers.push(
      () => folder.remove(),
      () => main.stop(),
      () => canary.stop(),
    );
    canary.answer = (_, response) => void setTimeout(() => response.end("{}"), canaryMs);
    await folder.write(
      "iris.yaml",
      releasedManifest({
        name: "iris",
        annotations: {
          "sluice.io/rollout":
            "to canary; steps 50%, 100%; every 10s; warm 0s, 0 requests; min 60 requests; p90 ≤ 250ms; errors ≤ 1%; else roll back",
          "sluice.io/sticky": "header x-user",
        },
        predictors: [
          ["main", main.port, "model:1"],
          ["canary", canary.port, "model:2"],
        ],
      }),
    );
    const gateway = serving(folder.folder, 1, "--releases-record", `${folder.folder}/.releases`);
    closers.push(() => gateway.kill());
    const { traffic, admin } = await gateway.listening();
    const shown = async (): Promise<Rollout> =>
      ((await (await fetch(`${admin}/api/v1/rollouts?deployment=iris`)).json()) as { items: Rollout[] }).items[0]!;
    await until(async () => (await shown()).evidence !== null);
    const over = new AbortController();
    const fast = async (user: number): Promise<void> => {
      for (let at = 0; !over.signal.aborted; at++) {
        const { status } = await fetch(`${traffic}/seldon/prod/iris/api/v1.0/predictions`, {
          method: "POST",
          body: "{}",
          headers: { "x-user": `${user} ${at}` },
        });
        expect(status).toBe(200);
        await new Promise((resolve) => {
          setTimeout(resolve, slowMs / 2);
        });
      }
    };
    // They send slowly, leave with half a body, leave before their answer, and read slowly.
    const ways = [["{", "}"], ["{", "}"], ["{}"], ["{}"]];
    const slow = async (user: number): Promise<void> => {
      const kind = user % ways.length;
      for (let at = 0; !over.signal.aborted; at++)
        await slowly(new URL(traffic), `slow ${user} ${at}`, ways[kind]!, kind % 2 === 1);
    };
    const clients = [
      ...Array.from({ length: 14 }, (_, user) => fast(user)),
      ...Array.from({ length: 24 }, (_, user) => slow(user)),
    ];
    await until(async () => (await shown()).state !== "stepping", "the end of the rollout", 270_000);
    over.abort();
    await Promise.all(clients);
    const { state, sentence } = await shown();
    expect(state, sentence).toBe(expected);
  },
  300_000,
);
