// The one reader of streams: whatever is at the other end, values of the shape, and one sentence at the end.
import { afterEach, expect, test } from "vitest";
import { Type } from "../../../gateway/api/shape.ts";
import { follow } from "../../../gateway/tools/gateway/follow.ts";
import { gatewayAt } from "../../../gateway/tools/gateway/gateway.ts";
import { FakeAdmin, type FakeAnswer } from "./fake-admin.ts";

const admins: FakeAdmin[] = [];
afterEach(async () => {
  for (const admin of admins.splice(0)) await admin.stop();
});

async function followed(answer: FakeAnswer, adminToken: string | null = null, silentMs = 60_000) {
  const admin = await FakeAdmin.start(answer);
  admins.push(admin);
  const told: unknown[] = [];
  const sentence = await follow(
    gatewayAt(admin.url),
    {
      path: "/x",
      adminToken,
      event: "change",
      shape: Type.Object({ n: Type.Number() }),
      opened: async () => told.push("opened") > 0,
      take: ({ n }) => told.push(n),
      note: (said) => told.push(said),
      dropped: (count) => told.push(`${count} dropped`),
    },
    silentMs,
  );
  return { told, sentence: sentence.replace(admin.url, "it") };
}

const streaming =
  (...pieces: readonly string[]): FakeAnswer =>
  (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const piece of pieces) response.write(piece);
    response.end();
  };

test("events come as they are, in whatever pieces, and their end is told", async () => {
  const { told, sentence } = await followed(
    streaming(
      ': open\n\nevent: note\ndata: {"sentence":"of this replica alone"}\n\nevent: change\ndata: {"n":1}\n',
      '\nevent: dropped\ndata: {"count":3}\n\nevent: ch',
      'ange\ndata: {"n":2}\n\n',
    ),
  );
  expect(told).toEqual(["opened", "of this replica alone", 1, "3 dropped", 2]);
  expect(sentence).toBe("it ended the stream");
});

test("silence is one sentence", async () => {
  const silent: FakeAnswer = (_, response) =>
    response.writeHead(200, { "content-type": "text/event-stream" }).write(": open\n\n");
  const { told, sentence } = await followed(silent, null, 200);
  // Whether its head comes before that is a matter of load.
  expect(told).toEqual(told.length === 0 ? [] : ["opened"]);
  expect(sentence).toMatch(/0.2 s/);
});

test.each<readonly [string, FakeAnswer, RegExp]>([
  ["nothing", (request) => request.socket.destroy(), /^it (?:ended the stream|does not answer \(.*\): write --url)/],
  ["no stream", (_, response) => response.end("{}"), /^it answers no stream of events/],
  [
    "a refusal",
    (_, response) => response.writeHead(503).end('{"sentence":"it is busy"}'),
    /^it\/x answers 503: it is busy$/,
  ],
  ["garbage", streaming("event: change\ndata: {\n\n"), /^it sends events in a form that this sluice does not know/],
  ["another version", streaming('event: change\ndata: {"n":"1"}\n\n'), /^it sends events in a form/],
  ["an endless event", streaming("x".repeat(1024 * 1024 + 1)), /^it sends an event of more than 1048576 characters$/],
])("%s is one sentence", async (_, answer, expected) => {
  expect((await followed(answer)).sentence).toMatch(expected);
});

test("a token that no header holds is not sent", async () => {
  expect((await followed(streaming(), "se\ncret")).sentence).toContain("character that no header holds");
});
