// Every vector of the HTTP/2 corpus over real sockets to an HTTP/1.1 origin that records and judges by a grammar of its own: refused, or
// forwarded in exactly one form, with a request behind it on the same connection, and a bystander on another one, untouched.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorCode, flag, frameType, setting } from "../../gateway/edge/frames/constants.ts";
import { frames, rawClient, type RawPeer } from "../gateway/edge/http2/raw-peer.ts";
import { eventually } from "../turns.ts";
import { Gateway } from "./gateway.ts";
import { valuesOf } from "./grammar.ts";
import { http2Corpus, type FieldTexts, type Http2Outcome, type Http2Vector } from "./http2-corpus.ts";
import { Recorder } from "./recorder.ts";

const families = [...new Set(http2Corpus.map(({ family }) => family))];
/** Requests that share a connection: a mistake of one must not be carried over to the next. Resets are limited by the second. */
const vectorsAConnection = 40;
let runs = 0;

/** Literals without indexing and without Huffman: whatever bytes. */
function literals(fields: FieldTexts): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  const length: number[] = bytes.length < 127 ? [bytes.length] : [127];
  if (bytes.length >= 127) {
    let rest = bytes.length - 127;
    for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}

const canary: FieldTexts = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/seldon/prod/iris/canary"],
  [":authority", "gateway"],
];

describe("downgrade to HTTP/1.1", () => {
  let gateway: Gateway;
  let recorder: Recorder;

  beforeAll(async () => {
    gateway = await new Gateway({ accessLog: "off" }).listen();
    recorder = await new Recorder().listen();
    gateway.serveIris([recorder.port]);
  });
  afterAll(async () => {
    gateway.close();
    await recorder.close();
  });

  /** What became of a stream: its status, or −1 where it was reset. */
  async function settled(peer: RawPeer, id: number): Promise<number> {
    for (;;) {
      const own = peer.got.filter(({ streamId }) => streamId === id);
      const wasReset = own.find(({ type }) => type === frameType.rstStream);
      const ended = own.some(
        ({ type, flags }) => (type === frameType.data || type === frameType.headers) && (flags & flag.endStream) !== 0,
      );
      if (ended) return statusOf(own.filter(({ type }) => type === frameType.headers).map(({ payload }) => payload));
      if (wasReset !== undefined) return wasReset.payload.readUInt32BE(0) === errorCode.protocolError ? -1 : -2;
      if (peer.closed) return -3;
      await peer.next();
    }
  }

  async function run(peer: RawPeer, id: number, vector: Http2Vector): Promise<string> {
    recorder.forget();
    const { fields, body, trailers, outcome } = vector;
    const last = body.length === 0 && trailers === null;
    peer.send(
      frames.headers(id, literals(fields), flag.endHeaders | (last ? flag.endStream : 0)),
      ...body.map((piece, index) =>
        frames.data(
          id,
          Buffer.from(piece, "latin1"),
          trailers === null && index === body.length - 1 ? flag.endStream : 0,
        ),
      ),
      ...(trailers === null ? [] : [frames.headers(id, literals(trailers), flag.endHeaders | flag.endStream)]),
    );
    const status = await settled(peer, id);
    // A request that was cut while it was forwarded leaves no connection behind.
    await eventually(() => recorder.unfinished === 0, "the end of a cut request");
    const wrong = [...recorder.faults, ...wrongWith(outcome, status)];
    recorder.forget();
    peer.send(frames.headers(id + 2, literals(canary), flag.endHeaders | flag.endStream));
    if ((await settled(peer, id + 2)) !== 200 || recorder.heard.length !== 1 || recorder.heard[0]!.target !== "/canary")
      wrong.push("the next request was touched");
    runs += 1;
    return wrong.length === 0 ? "" : `${vector.name}: ${wrong.join("; ")}`;
  }

  function wrongWith(outcome: Http2Outcome, status: number): string[] {
    const { heard } = recorder;
    const wrong: string[] = [];
    const claim = (holds: boolean, what: string): void => {
      if (!holds) wrong.push(what);
    };
    if (outcome.kind !== "forwarded") {
      claim(status === (outcome.kind === "reset" ? -1 : outcome.status), `status ${status}`);
      claim(
        heard.length <= (outcome.kind === "reset" && outcome.surplus ? 1 : 0),
        `forwarded ${JSON.stringify(heard.map(({ target }) => target))}`,
      );
      return wrong;
    }
    claim(status === 200, `status ${status}`);
    claim(heard.length === 1, `${heard.length} requests forwarded`);
    const [first] = heard;
    if (first === undefined) return wrong;
    claim(first.method === outcome.method, `method ${first.method}`);
    claim(first.target === outcome.target, `target ${first.target}`);
    claim(first.body === outcome.body, `body ${JSON.stringify(first.body)}`);
    for (const name of outcome.gone) claim(valuesOf(first, name).length === 0, `${name} forwarded`);
    for (const [name, value] of outcome.kept)
      claim(valuesOf(first, name).join("|") === value, `${name} is ${valuesOf(first, name).join("|")}`);
    claim(
      first.trailers.map(([name]) => name.toLowerCase()).join() === outcome.trailers.join(),
      `trailers ${first.trailers.join()}`,
    );
    return wrong;
  }

  test.each(families)("%s", async (family) => {
    const vectors = http2Corpus.filter((vector) => vector.family === family);
    const wrong: string[] = [];
    for (let first = 0; first < vectors.length; first += vectorsAConnection) {
      const peer = await rawClient(gateway.port, [[setting.initialWindowSize, 1 << 20]]);
      let id = 1;
      for (const vector of vectors.slice(first, first + vectorsAConnection)) {
        wrong.push(await run(peer, id, vector));
        id += 4;
      }
      peer.socket.destroy();
    }
    expect(wrong.filter((sentence) => sentence !== "")).toEqual([]);
  });

  test("nothing was a fault of the gateway, and nothing is left behind", async () => {
    await eventually(() => gateway.counted("clientConnectionsHttp2") === 0, "no HTTP/2 connection");
    expect(gateway.faults).toBe(0);
    expect(gateway.counted("inFlight")).toBe(0);
    process.stdout.write(`HTTP/2 corpus: ${http2Corpus.length} vectors in ${families.length} families, ${runs} runs\n`);
    expect(http2Corpus.length).toBeGreaterThanOrEqual(500);
  });
});

/** The status in the first byte of a block: an entry of the static table, or a literal with its name. */
function statusOf(blocks: readonly Buffer[]): number {
  for (const payload of blocks) {
    const start = payload[0] === 0x20 ? 1 : 0;
    const known = [200, 204, 206, 304, 400, 404, 500][payload[start]! - 0x88];
    const status = known ?? Number(payload.toString("latin1", start + 2, start + 5));
    if (status >= 200) return status;
  }
  return 0;
}
