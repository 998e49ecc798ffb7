// What is counted at each Endpoint is what became of each try of it: an answer, the model's own error, or a failure; a try that its client left counts nowhere.
import { afterEach, expect, test } from "vitest";
import { failuresToEject } from "../../gateway/edge/balancing/ejection.ts";
import type { ForwardTarget } from "../../routing/model/mapping.ts";
import { freePort } from "../ports.ts";
import { eventually } from "../turns.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { Gateway, endpointsOn, irisTo, post, slotsOfUpstream } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";
import { Http2Origin, answerWithTrailers, type Http2Behaviour } from "./http2-origin.ts";
import { Origin, answerEach, type OriginBehaviour } from "./origin.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

let gateway: Gateway;

async function start(): Promise<void> {
  gateway = await new Gateway().listen();
  closers.push(async () => {
    await eventually(() => gateway.counted("inFlight") === 0, "nothing in flight");
    gateway.close();
  });
}

async function originOf(behaviour: OriginBehaviour | null): Promise<number> {
  // Nothing listens.
  if (behaviour === null) return freePort();
  const origin = await new Origin(behaviour).listen();
  closers.push(() => origin.close());
  return origin.port;
}

const path = "/seldon/prod/iris/x";
const status = (line: string): OriginBehaviour => answerEach(`HTTP/1.1 ${line}\r\ncontent-length: 2\r\n\r\nok`);
const well = status("200 OK");
const sick = status("503 Service Unavailable");
const closes: OriginBehaviour = ({ socket }) => socket.destroy();
const half: OriginBehaviour = ({ socket }) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
const begun: OriginBehaviour = ({ socket }) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
const silent: OriginBehaviour = () => undefined;
const inTurn: Partial<ForwardTarget> = { loadBalancer: { kind: "round-robin" } };
const brief: Partial<ForwardTarget> = { timeout: { ms: 50, setBy: "a test" } };
const retried = (retryOn: "5xx", perTryTimeoutMs: number | null = null): Partial<ForwardTarget> => ({
  ...inTurn,
  retry: { retryOn: [retryOn], numRetries: 2, perTryTimeoutMs },
});

const tries: readonly (readonly [
  string,
  readonly (OriginBehaviour | null)[],
  Partial<ForwardTarget>,
  readonly string[],
])[] = [
  ["an answer", [well], {}, ["answers 1"]],
  ["an answer of no use to the client", [status("404 Not Found")], {}, ["answers 1"]],
  ["the model's own error", [sick], {}, ["errors 1"]],
  ["a connection that is refused", [null], {}, ["UF 1"]],
  ["a connection that closes without an answer", [closes], {}, ["UC 1"]],
  ["an answer that breaks off", [half], {}, ["UC 1"]],
  ["an answer that is no HTTP", [({ socket }) => socket.end("what?\r\n\r\n")], {}, ["UPE 1"]],
  ["no answer in time", [silent], brief, ["UT 1"]],
  ["half an answer in time", [begun], brief, ["UT 1"]],
  ["refused, and another Endpoint answers", [null, well], inTurn, ["UF 1", "answers 1"]],
  ["an error, and another Endpoint answers", [sick, well], retried("5xx"), ["errors 1", "answers 1"]],
  ["closed, and another Endpoint answers", [closes, well], retried("5xx"), ["UC 1", "answers 1"]],
  [
    "no answer of a try in time, and another Endpoint answers",
    [silent, well],
    retried("5xx", 50),
    ["UT 1", "answers 1"],
  ],
  ["errors until no retry is left", [sick, sick, sick], retried("5xx"), ["errors 1", "errors 1", "errors 1"]],
];

test.each(tries)("HTTP: %s", async (_case, behaviours, target, expected) => {
  await start();
  const ports = await Promise.all(behaviours.map(originOf));
  gateway.serve([irisTo("iris", target)], [upstreamOf("iris")], [endpointsOn("iris", ports)]);
  const client = await Http2Client.open(gateway, false);
  closers.push(() => client.destroy());
  await gateway.during(client.request({ ":method": "GET", ":path": path }).catch(() => null));
  await gateway.goOnUntil(() => gateway.counted("inFlight") === 0, "its end");
  expect(expected.map((_, slot) => gateway.tried(slot))).toEqual(expected);
});

const grpcHead = { ":status": 200, "content-type": "application/grpc" };
const calls: readonly (readonly [string, Http2Behaviour, string])[] = [
  ["OK in trailers", (request) => answerWithTrailers(request, "answer", { "grpc-status": "0" }), "answers 1"],
  ["NOT_FOUND in trailers", (request) => answerWithTrailers(request, "", { "grpc-status": "5" }), "answers 1"],
  ["UNAVAILABLE in trailers", (request) => answerWithTrailers(request, "", { "grpc-status": "14" }), "errors 1"],
  [
    "UNAVAILABLE in the head",
    ({ stream }) => stream.respond({ ...grpcHead, "grpc-status": "14" }, { endStream: true }),
    "errors 1",
  ],
  ["a reset", ({ stream }) => stream.close(2), "UR 1"],
  [
    "a message, and a connection that closes",
    ({ stream }) => {
      stream.respond(grpcHead);
      stream.write("some", () => stream.session?.destroy());
    },
    "UC 1",
  ],
];

test.each(calls)("gRPC: %s", async (_case, behaviour, expected) => {
  await start();
  const origin = await new Http2Origin(behaviour).listen();
  closers.push(() => origin.close());
  const mapping = irisTo("iris");
  gateway.serve(
    [{ ...mapping, series: { ...mapping.series, protocol: "grpc" } }],
    [{ ...upstreamOf("iris"), protocol: "http2" }],
    [endpointsOn("iris", [origin.port])],
  );
  const client = await Http2Client.open(gateway, false);
  closers.push(() => client.destroy());
  const call = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
  await gateway.during(client.request(call, "message").catch(() => null));
  await gateway.goOnUntil(() => gateway.counted("inFlight") === 0, "its end");
  expect(gateway.tried(0)).toBe(expected);
});

test.each([
  ["before its answer", silent, 0],
  ["in the middle of its answer", begun, 4],
])("a client that leaves %s counts nowhere", async (_case, behaviour, bytes) => {
  await start();
  const origin = await new Origin(behaviour).listen();
  closers.push(() => origin.close());
  gateway.serveIris([origin.port]);
  const client = await gateway.open(false);
  client.write(post("x"));
  await gateway.goOnUntil(() => origin.text.endsWith("x") && (bytes === 0 || client.text.endsWith("half")), "the try");
  client.destroy();
  await gateway.goOnUntil(() => gateway.counted("inFlight") === 0, "its end");
  expect([gateway.tried(0), gateway.flagged("DC")]).toEqual(["", 1]);
});

test.each([
  ["answered", well, "answers 1"],
  ["answered with an error", sick, "errors 1"],
  ["refused", null, "UF 1"],
  ["closed", closes, "UC 1"],
])("a copy for a shadow that is %s counts at its Endpoint", async (_case, behaviour, expected) => {
  await start();
  const [live, shadow] = [await originOf(well), await originOf(behaviour)];
  const mapping = irisTo("copy");
  gateway.serve(
    [
      irisTo("iris"),
      {
        ...mapping,
        id: "shadow",
        role: { kind: "shadow", percent: 100 },
        series: { ...mapping.series, role: "shadow" },
      },
    ],
    [upstreamOf("iris"), upstreamOf("copy")],
    [endpointsOn("iris", [live]), endpointsOn("copy", [shadow])],
  );
  const client = await gateway.open(false);
  closers.push(() => client.destroy());
  client.write(post("x"));
  await gateway.during(client.answers(1));
  await gateway.goOnUntil(() => gateway.tried(slotsOfUpstream) !== "", "the copy's end");
  expect([gateway.tried(0), gateway.tried(slotsOfUpstream)]).toEqual(["answers 1", expected]);
});

test("an Endpoint that leaves counts in its slot no longer, whatever still runs there, nor does it say that it is ejected", async () => {
  await start();
  const [failing, origin] = [await originOf(sick), await new Origin(silent).listen()];
  closers.push(() => origin.close());
  const ports = [failing, origin.port];
  gateway.serveIris([failing, await originOf(well)], inTurn);
  const client = await gateway.open(false);
  closers.push(() => client.destroy());
  for (let asked = 1; asked <= 2 * failuresToEject; asked++) {
    client.write(post("x"));
    await gateway.during(client.answers(asked));
  }
  expect([gateway.tried(0), gateway.tried(1)]).toEqual([
    `errors ${failuresToEject} ejected 1`,
    `answers ${failuresToEject}`,
  ]);
  gateway.serveIris(ports, inTurn);
  client.write(post("held"));
  await gateway.goOnUntil(() => origin.text.endsWith("held"), "a request at the Endpoint");
  // Its slot is another's from here on.
  gateway.change({ endpoints: [endpointsOn("iris", [await originOf(well)])], endpointSlots: [["iris", [1]]] });
  const before = gateway.tried(1);
  expect(gateway.tried(0)).toBe(`errors ${failuresToEject}`);
  origin.connections[0]!.socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  await gateway.during(client.answers(2 * failuresToEject + 1));
  expect([gateway.tried(1), gateway.tried(-1)]).toEqual([before, "answers 1"]);
});

test("an Endpoint that gets a slot later, or another one, counts there from then on, and so does its ejection", async () => {
  await start();
  const ports = [await originOf(sick), await originOf(well)];
  gateway.serve([irisTo("iris", inTurn)], [upstreamOf("iris")], [endpointsOn("iris", ports)], { endpointSlots: [] });
  const client = await gateway.open(false);
  closers.push(() => client.destroy());
  let asked = 0;
  const ask = async (count: number): Promise<void> => {
    for (let left = count; left > 0; left--) {
      client.write(post("x"));
      await gateway.during(client.answers((asked += 1)));
    }
  };
  await ask(4);
  expect(gateway.tried(-1)).toBe("answers 2 errors 2");
  gateway.change({ endpoints: [endpointsOn("iris", ports)], endpointSlots: [["iris", [5, 6]]] });
  await ask(2 * failuresToEject - 4);
  expect([gateway.tried(5), gateway.tried(6)]).toEqual(["errors 3 ejected 1", "answers 3"]);
  gateway.change({ endpoints: [endpointsOn("iris", ports)], endpointSlots: [["iris", [7, 6]]] });
  expect([gateway.tried(5), gateway.tried(7)]).toEqual(["errors 3", "ejected 1"]);
});
