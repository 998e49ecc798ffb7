// Every vector of the response corpus over real sockets: the client sees one answer or a cut, never two; the upstream connection is destroyed
// unless it is clean; the next request to the same upstream and a bystander's to another get their own answers.
import { createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { answersIn, fieldOf, type RawClient } from "./client.ts";
import { Gateway, endpointsOn, irisTo, post, transports } from "./gateway.ts";
import { mappingOf, upstreamOf } from "../gateway/fixtures.ts";
import { eventually } from "../turns.ts";
import { Origin, requestsIn } from "./origin.ts";
import { responseCorpus, type ResponseOutcome, type ResponseVector } from "./response-corpus.ts";

const families = [...new Set(responseCorpus.map(({ family }) => family))];
/** An answer byte by byte takes many turns of a loop that others share. */
const timeout = { ms: 60_000, setBy: null };
/** Longer vectors are sent whole only. */
const mostDripBytes = 500;
const told: ResponseOutcome = { kind: "answered", status: 502, flag: "UPE" };
let runs = 0;
let wrongRuns = 0;

/** An upstream that answers its first request by a vector and all others well. */
class Hostile {
  vector: ResponseVector | null = null;
  drip = false;
  accepted = 0;
  port = 0;
  readonly sockets = new Set<Socket>();
  readonly #server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#serve(socket));

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, "127.0.0.1", resolve);
    });
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    this.sockets.add(socket);
    this.accepted += 1;
    let text = "";
    let answered = 0;
    socket.on("error", () => undefined);
    socket.on("end", () => socket.end());
    socket.on("close", () => this.sockets.delete(socket));
    if (this.vector?.early === true) void this.#attack(socket);
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      for (; answered < requestsIn(text).length; answered++) {
        if (this.vector !== null) void this.#attack(socket);
        else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood");
      }
    });
  }

  async #attack(socket: Socket): Promise<void> {
    const { bytes, afterwards } = this.vector!;
    const { drip } = this;
    this.vector = null;
    if (drip) {
      for (const byte of bytes) {
        if (socket.destroyed) return;
        socket.write(byte, "latin1");
        await new Promise(setImmediate);
      }
    } else {
      await new Promise<void>((resolve) => {
        socket.write(bytes, "latin1", () => resolve());
      });
    }
    if (afterwards === "ends") socket.end();
    // What was written is on its way: a reset must not overtake it.
    if (afterwards === "resets") setTimeout(() => socket.resetAndDestroy(), 5);
  }
}

/** A gateway between a client, a hostile upstream and a friendly one. */
class Stage {
  readonly gateway = new Gateway({ time: "real", accessLog: "off", limits: { upstreamIdleMs: 60_000 } });
  readonly #hostile = new Hostile();
  readonly #friendly = new Origin();
  readonly #secure: boolean;
  #witness!: RawClient;
  #witnessed = 0;
  #runs = 0;

  constructor(secure: boolean) {
    this.#secure = secure;
  }

  async open(): Promise<void> {
    await Promise.all([this.gateway.listen(), this.#hostile.listen(), this.#friendly.listen()]);
    this.#witness = await this.gateway.open(this.#secure);
  }

  async close(): Promise<void> {
    this.#witness.destroy();
    this.gateway.close();
    this.#hostile.close();
    await this.#friendly.close();
  }

  /** The hostile upstream under a new name, so that nothing is remembered of the last vector: no connection, no idle close. */
  #serveAnew(): void {
    const key = `iris-${this.#runs}`;
    this.gateway.change({ endpoints: [endpointsOn(`iris-${this.#runs - 1}`, [])] });
    this.gateway.serve(
      [irisTo(key, { timeout }), mappingOf("calm", "calm")],
      [upstreamOf(key), upstreamOf("calm")],
      [endpointsOn(key, [this.#hostile.port]), endpointsOn("calm", [this.#friendly.port])],
    );
  }

  async run(vector: ResponseVector, drip: boolean): Promise<string> {
    const outcome = vector.outcome.kind === "cut" && vector.outcome.malformed && !drip ? told : vector.outcome;
    this.#serveAnew();
    await eventually(() => this.#hostile.sockets.size === 0, "no connection to the hostile upstream");
    const flags = this.gateway.flagged("UPE") + this.gateway.flagged("UC");
    this.#hostile.vector = vector;
    this.#hostile.drip = drip;
    const client = await this.gateway.open(this.#secure);
    client.write(`${vector.method} /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\n\r\n`);
    const bodiless = vector.method === "HEAD";
    const finals = (): ReturnType<typeof answersIn> =>
      answersIn(client.text, bodiless).filter(({ status }) => status >= 200);
    await client.until(() => client.ended || client.closed || finals().length > 0).catch(() => undefined);
    const wrong: string[] = [];
    const claim = (holds: boolean, what: string): void => {
      if (!holds) wrong.push(what);
    };
    const [answer] = finals();
    switch (outcome.kind) {
      case "answered":
        claim(answer?.status === outcome.status, `status ${answer?.status}`);
        claim(this.gateway.flagged("UPE") + this.gateway.flagged("UC") === flags + 1, "not flagged");
        break;
      case "cut":
        claim(answer === undefined && client.ended, `a whole answer ${answer?.status}`);
        claim(this.gateway.flagged("UPE") + this.gateway.flagged("UC") === flags + 1, "not flagged");
        break;
      case "passed": {
        const before = answersIn(client.text, bodiless).filter(({ status }) => status < 200);
        claim(
          answer?.status === outcome.status && answer.body === outcome.body,
          `status ${answer?.status}, body ${answer?.body.slice(0, 20)}`,
        );
        claim(
          before.map(({ status }) => status).join() === outcome.informational.join(),
          `before it ${before.map(({ status }) => status).join()}`,
        );
        claim(answer?.trailers === outcome.trailers, `trailers ${answer?.trailers}`);
        for (const name of outcome.gone)
          claim(answer !== undefined && fieldOf(answer, name) === null, `${name} passed`);
      }
    }
    const kept = outcome.kind === "passed" && outcome.kept;
    if (!kept)
      await eventually(
        () => this.#hostile.sockets.size === 0,
        `the end of the upstream connection after ${vector.name}`,
      );
    this.#hostile.vector = null;
    const { accepted } = this.#hostile;
    // The client's next request, and where its connection is gone another client's, gets an answer of its own.
    const heads = client.text.split("HTTP/1.1 ").length;
    const seen = answersIn(client.text, bodiless).length;
    const next = client.ended ? await this.gateway.open(this.#secure) : client;
    const from = next === client ? client.text.length : 0;
    next.write(post("next"));
    await next.until(() => answersIn(next.text.slice(from)).length > 0).catch(() => undefined);
    claim(
      next.text.slice(from).endsWith("\r\n\r\ngood") && answersIn(next.text.slice(from)).length === 1,
      `the next request got ${JSON.stringify(next.text.slice(from, from + 80))}`,
    );
    claim(
      outcome.kind === "cut" ? heads <= 2 : vector.family === "ends too soon" || heads - 1 === seen,
      `${heads - 1} answers at the client`,
    );
    claim(this.#hostile.accepted === accepted + (kept ? 0 : 1), kept ? "not used again" : "used again");
    next.destroy();
    client.destroy();
    this.#witness.write(post("calm", "", "/seldon/prod/calm/x"));
    this.#witnessed += 1;
    const answers = await this.#witness.answers(this.#witnessed);
    claim(answers.at(-1)!.status === 200, "a bystander was touched");
    this.#runs += 1;
    runs += 1;
    if (wrong.length > 0) wrongRuns += 1;
    return wrong.length === 0 ? "" : `${vector.name}${drip ? " (byte by byte)" : ""}: ${wrong.join("; ")}`;
  }
}

describe.each(transports)("%s", (_name, secure) => {
  test.concurrent.each(families)("%s", async (family) => {
    const stage = new Stage(secure);
    await stage.open();
    const wrong: string[] = [];
    for (const [index, vector] of responseCorpus.filter((one) => one.family === family).entries()) {
      wrong.push(await stage.run(vector, false));
      // What comes early comes at once: the answer to the request would stand between its bytes.
      if (!vector.early && vector.bytes.length <= mostDripBytes && (!secure || index % 5 === 0))
        wrong.push(await stage.run(vector, true));
    }
    expect(wrong.filter((text) => text !== "")).toEqual([]);
    expect(stage.gateway.faults).toBe(0);
    await eventually(
      () => stage.gateway.counted("inFlight") === 0 && stage.gateway.counted("clientConnectionsHttp1") === 1,
      "gauges at rest",
    );
    await stage.close();
  });
});

test("the corpus prints its count", () => {
  process.stdout.write(
    `response corpus: ${responseCorpus.length} vectors in ${families.length} families, ${runs} runs, ${wrongRuns} ambiguous\n`,
  );
  expect(responseCorpus.length).toBeGreaterThanOrEqual(80);
  expect(wrongRuns).toBe(0);
});
