// Who answered, and with what: a model's answers and the gateway's own are counted apart, calls of gRPC by the status that their caller reads.
import { afterEach, expect, test } from "vitest";
import { slotCell } from "../../gateway/shared/memory/counters.ts";
import { flagNames } from "../../gateway/shared/metrics/cells.ts";
import { slotLayout } from "../../gateway/shared/metrics/slots.ts";
import { grpcColumns, statusColumns, unansweredColumn } from "../../gateway/shared/metrics/status-columns.ts";
import { freePort } from "../ports.ts";
import { eventually } from "../turns.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { Gateway, endpointsOn, firstSlot, irisTo } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";
import { Http2Origin, answerWithTrailers, type Http2Behaviour } from "./http2-origin.ts";
import { Origin, answerEach } from "./origin.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const withoutSlot = -1;
let gateway: Gateway;
let isGrpc = false;

/** What was counted for a slot, and the flags of all failures. */
function counted(slot = firstSlot): string {
  const columns = isGrpc ? grpcColumns : statusColumns;
  const answers = (["model", "gateway"] as const).flatMap((origin) =>
    columns
      .filter(
        (code, column) => code !== "" && column !== unansweredColumn && gateway.answeredBy(origin, code, slot) > 0,
      )
      .map((code) => `${origin} ${code}`),
  );
  return [...answers, ...flagNames.filter((flag) => gateway.flagged(flag) > 0)].join(" ");
}

async function start(protocol: "http" | "grpc", ports: readonly number[]): Promise<Http2Client> {
  gateway = await new Gateway().listen();
  isGrpc = protocol === "grpc";
  const mapping = irisTo("iris");
  gateway.serve(
    [{ ...mapping, series: { ...mapping.series, protocol } }],
    [{ ...upstreamOf("iris"), protocol: protocol === "grpc" ? "http2" : "http1" }],
    [endpointsOn("iris", ports)],
  );
  const client = await Http2Client.open(gateway, false);
  closers.push(async () => {
    client.destroy();
    await eventually(() => gateway.counted("inFlight") === 0, "nothing in flight");
    gateway.close();
  });
  return client;
}

const path = "/seldon/prod/iris/x";
const call = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
const grpcHead = { ":status": 200, "content-type": "application/grpc" };

test.each([
  ["200 OK", "model 200"],
  ["500 Internal Server Error", "model 500"],
  ["503 Service Unavailable", "model 503"],
])("HTTP: the model answers %s", async (status, expected) => {
  const origin = await new Origin(answerEach(`HTTP/1.1 ${status}\r\ncontent-length: 2\r\n\r\nok`)).listen();
  closers.push(() => origin.close());
  const client = await start("http", [origin.port]);
  await gateway.during(client.request({ ":method": "GET", ":path": path }));
  expect(counted()).toBe(expected);
});

test.each([
  ["no Endpoint is ready", false, "gateway 503 UH"],
  ["nothing listens", true, "gateway 503 UF"],
])("HTTP: %s", async (_case, isReady, expected) => {
  const client = await start("http", isReady ? [await freePort()] : []);
  await gateway.during(client.request({ ":method": "GET", ":path": path }));
  expect(counted()).toBe(expected);
});

const behaviours: readonly (readonly [string, Http2Behaviour, string])[] = [
  ["OK in trailers", (request) => answerWithTrailers(request, "answer", { "grpc-status": "0" }), "model OK"],
  ["NOT_FOUND in trailers", (request) => answerWithTrailers(request, "", { "grpc-status": "5" }), "model NOT_FOUND"],
  [
    "UNAVAILABLE in the head",
    ({ stream }) => stream.respond({ ...grpcHead, "grpc-status": "14" }, { endStream: true }),
    "model UNAVAILABLE",
  ],
  ["an unknown status", (request) => answerWithTrailers(request, "a", { "grpc-status": "77" }), "model UNKNOWN"],
  ["no status", ({ stream }) => stream.respond(grpcHead, { endStream: true }), "model UNKNOWN"],
  ["HTTP 404", ({ stream }) => stream.respond({ ":status": 404 }, { endStream: true }), "model UNIMPLEMENTED"],
  ["a reset", ({ stream }) => stream.close(2), "gateway INTERNAL UR"],
  [
    "a message, and a connection that closes",
    ({ stream }) => {
      stream.respond(grpcHead);
      stream.write("some", () => stream.session?.destroy());
    },
    "gateway UNAVAILABLE UC",
  ],
];

test.each(behaviours)("gRPC: the model answers with %s", async (_case, behaviour, expected) => {
  const origin = await new Http2Origin(behaviour).listen();
  closers.push(() => origin.close());
  const client = await start("grpc", [origin.port]);
  await gateway.during(client.request(call, "message"));
  expect(counted()).toBe(expected);
});

test("gRPC: no Endpoint is ready", async () => {
  const client = await start("grpc", []);
  await gateway.during(client.request(call, "message"));
  expect(counted()).toBe("gateway UNAVAILABLE UH");
});

test("gRPC: no Route has the call", async () => {
  const client = await start("grpc", []);
  await gateway.during(client.request({ ...call, ":path": "/a.B/C" }, "message"));
  expect([counted(), counted(withoutSlot)]).toEqual(["NR", "gateway UNIMPLEMENTED NR"]);
});

test("gRPC: the caller leaves", async () => {
  const origin = await new Http2Origin(() => undefined).listen();
  closers.push(() => origin.close());
  const client = await start("grpc", [origin.port]);
  const stream = client.start(call);
  stream.on("error", () => undefined);
  stream.end("message");
  await gateway.goOnUntil(() => origin.requests.length === 1, "the call at the model");
  stream.close(8);
  await gateway.goOnUntil(() => gateway.counted("inFlight") === 0, "the end of the call");
  // Nobody answered: in no origin's name.
  expect(gateway.counters.cells[slotCell(firstSlot, slotLayout.status + unansweredColumn)]).toBe(1);
  expect(gateway.flagged("DC")).toBe(1);
});

test("HTTP: the caller leaves in the middle of the answer, and the line and the counters give it to no origin", async () => {
  const origin = await new Origin(({ socket }) =>
    socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"),
  ).listen();
  closers.push(() => origin.close());
  const client = await start("http", [origin.port]);
  const stream = client.start({ ":method": "GET", ":path": path });
  let received = "";
  stream.on("error", () => undefined);
  stream.on("data", (chunk: Buffer) => (received += chunk.toString()));
  stream.end();
  await gateway.goOnUntil(() => received === "half", "half of the answer");
  stream.close(8);
  await gateway.goOnUntil(() => gateway.entries.length === 1, "the line");
  expect(gateway.entries[0]).toMatchObject({ flag: "DC", origin: "", code: 200 });
  expect(counted()).toBe("DC");
  expect(gateway.counters.cells[slotCell(firstSlot, slotLayout.status + unansweredColumn)]).toBe(1);
});
