// Requests and answers mutated at random, by a seed: whatever comes, nothing is a fault of the gateway, no more answers than requests come back,
// and what reaches the origin is clean by the origin's own grammar. A fixed number of runs, the same on every machine (SLUICE_TEST_RUNS times as
// many by hand); a failure prints the seed and the bytes.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { randomOf } from "../fuzz/draws.ts";
import { answersIn } from "./client.ts";
import { Gateway, endpointsOn, irisTo, post, transports } from "./gateway.ts";
import { Origin, requestsIn } from "./origin.ts";
import { Recorder } from "./recorder.ts";
import { requestCorpus } from "./request-corpus.ts";
import { responseCorpus } from "./response-corpus.ts";
import { mappingOf, upstreamOf } from "../gateway/fixtures.ts";
import { eventually } from "../turns.ts";

const times = Number(process.env["SLUICE_TEST_RUNS"] ?? 1);
/** Connections of each test: some 3 s each on two cores. A TLS handshake costs as much as four requests. */
const requestRuns = { plain: 3000 * times, TLS: 500 * times };
const answerRuns = { plain: 1000 * times, TLS: 350 * times };
/** What is spliced in: bytes and words at which parsers part. */
const splices = [
  "\r",
  "\n",
  "\r\n",
  "\r\n\r\n",
  "\0",
  " ",
  "\t",
  ":",
  ",",
  ";",
  "\x0b",
  "\x7f",
  "\xff",
  "0",
  "5",
  "f",
  "-",
  "+",
  "%",
  "%2e",
  "..",
  "/",
  "\\",
  "#",
  "?",
  "HTTP/1.1",
  "Host: b\r\n",
  "Content-Length: 3\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close\r\n",
  "Connection: content-length\r\n",
  "Expect: 100-continue\r\n",
  "0\r\n\r\n",
  "5\r\nhello\r\n",
  "GET /seldon/prod/iris/m HTTP/1.1\r\nHost: a\r\n\r\n",
];

describe.each(transports)("%s", { timeout: 30_000 * times }, (name, secure) => {
  let gateway: Gateway;
  let recorder: Recorder;

  beforeAll(async () => {
    gateway = await new Gateway({
      time: "real",
      accessLog: "off",
      limits: { headTimeoutMs: 60_000, bodyIdleTimeoutMs: 60_000 },
    }).listen();
    recorder = await new Recorder().listen();
    gateway.serveIris([recorder.port]);
  });
  afterAll(async () => {
    gateway.close();
    await recorder.close();
  });

  test("mutated requests", async () => {
    const seed = Number(process.env["SLUICE_TEST_SEED"] ?? 20_261_121);
    const random = randomOf(seed);
    let answered = 0;
    for (let run = 0; run < requestRuns[name]; run++) {
      recorder.forget();
      const text = mutated(random, requestBytes);
      const client = await gateway.open(secure);
      // In pieces, so that a head is met half.
      const cut = Math.floor(random() * text.length);
      client.write(text.slice(0, cut));
      if (random() < 0.5) await new Promise(setImmediate);
      client.write(text.slice(cut));
      client.socket.end();
      await client.until(
        (one) => one.ended || one.closed,
        `the end; seed ${seed}, run ${run}: ${JSON.stringify(text)}`,
      );
      const answers = answersIn(client.text, /HEAD/i.test(text)).filter(({ status }) => status >= 200);
      client.destroy();
      await eventually(
        () => recorder.unfinished === 0 && gateway.counted("inFlight") === 0,
        "the end of a cut request",
      );
      const told = `seed ${seed}, run ${run}: ${JSON.stringify(text)}`;
      expect(recorder.faults, told).toEqual([]);
      expect(gateway.faults, told).toBe(0);
      // Each line that ends with a version may be a request; whatever else came is at most one refusal.
      expect(answers.length, told).toBeLessThanOrEqual(text.split(" HTTP/1.").length);
      expect(recorder.heard.length, told).toBeLessThanOrEqual(text.split(" HTTP/1.").length - 1);
      answered += answers.length;
    }
    expect(answered).toBeGreaterThan(0);
    await eventually(() => gateway.counted("clientConnectionsHttp1") === 0, "no connection");
  });

  test("mutated answers", async () => {
    const seed = Number(process.env["SLUICE_TEST_SEED"] ?? 20_261_121);
    const random = randomOf(seed);
    let text = "";
    const hostile = await new Origin((connection) => {
      if (requestsIn(connection.text).length === 0 || connection.answered > 0) return;
      connection.answered = 1;
      const cut = Math.floor(random() * text.length);
      connection.socket.write(text.slice(0, cut), "latin1");
      setImmediate(() => connection.socket.end(text.slice(cut), "latin1"));
    }).listen();
    gateway.serve(
      [irisTo("hostile"), mappingOf("calm", "calm")],
      [upstreamOf("hostile"), upstreamOf("calm")],
      [endpointsOn("hostile", [hostile.port]), endpointsOn("calm", [recorder.port])],
    );
    let witness = await gateway.open(secure);
    for (let run = 0; run < answerRuns[name]; run++) {
      text = mutated(random, responseBytes);
      const client = await gateway.open(secure);
      client.write(post("x", "Connection: close\r\n"));
      await client.until((one) => one.ended || one.closed);
      const told = `seed ${seed}, run ${run}: ${JSON.stringify(text)} gave ${JSON.stringify(client.text)}`;
      expect(gateway.faults, told).toBe(0);
      // The end of the connection is the end of the one answer: no second head stands behind it.
      const finals = answersIn(client.text).filter(({ status }) => status >= 200);
      expect(finals.length, told).toBeLessThanOrEqual(1);
      client.destroy();
      // A connection for 100 requests: each look at its answers reads them all.
      const asked = run % 100;
      if (asked === 0) {
        witness.destroy();
        witness = await gateway.open(secure);
      }
      witness.write(post("calm", "", "/seldon/prod/calm/x"));
      expect((await witness.answers(asked + 1))[asked]!.status, told).toBe(200);
    }
    witness.destroy();
    await eventually(
      () => gateway.counted("inFlight") === 0 && gateway.counted("clientConnectionsHttp1") === 0,
      "nothing in flight",
    );
    await hostile.close();
  });
});

const requestBytes = requestCorpus.map(({ bytes }) => bytes);
const responseBytes = responseCorpus.map(({ bytes }) => bytes);

/** One vector of the corpus, or two, with a few bytes changed, cut, doubled, moved or spliced in. */
function mutated(random: () => number, corpus: readonly string[]): string {
  const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  let text = any(corpus).slice(0, 4000);
  if (random() < 0.3) text += any(corpus).slice(0, 4000);
  for (let count = 1 + Math.floor(random() * 4); count > 0; count--) {
    const at = Math.floor(random() * (text.length + 1));
    const length = Math.floor(random() * 8);
    const piece = text.slice(at, at + length);
    switch (Math.floor(random() * 5)) {
      case 0:
        text = text.slice(0, at) + any(splices) + text.slice(at);
        break;
      case 1:
        text = text.slice(0, at) + text.slice(at + length);
        break;
      case 2:
        text = text.slice(0, at) + piece + text.slice(at);
        break;
      case 3:
        text = text.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + text.slice(at + 1);
        break;
      default: {
        const to = Math.floor(random() * (text.length - piece.length + 1));
        const rest = text.slice(0, at) + text.slice(at + length);
        text = rest.slice(0, to) + piece + rest.slice(to);
      }
    }
  }
  return text;
}
