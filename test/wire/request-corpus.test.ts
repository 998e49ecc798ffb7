// Every vector of the request corpus over real sockets: refused and closed, or forwarded in exactly one form. The origin records and judges by
// a grammar of its own, and a bystander's requests on other connections come through untouched.
import { describe, expect, test } from "vitest";
import { eventually } from "../turns.ts";
import { answersIn, fieldOf, type RawClient, type WireAnswer } from "./client.ts";
import { Gateway, transports } from "./gateway.ts";
import { valuesOf } from "./grammar.ts";
import { Recorder } from "./recorder.ts";
import { requestCorpus, type Outcome, type Vector } from "./request-corpus.ts";

/** Sent behind every vector on the same connection: whoever reads the vector in another way reads this in another way too. */
const canary = "GET /seldon/prod/iris/canary HTTP/1.1\r\nHost: gateway\r\n\r\n";
const bystander = "POST /seldon/prod/iris/bystander HTTP/1.1\r\nHost: gateway\r\nContent-Length: 9\r\n\r\nuntouched";
/** Longer vectors are sent whole only. */
const mostDripBytes = 700;
/** Over TLS every n-th vector is sent byte by byte. */
const dripEvery = 7;

const families = [...new Set(requestCorpus.map(({ family }) => family))];
let runs = 0;
let ambiguous = 0;

/** Sends each vector of a family through a gateway of its own and says what is wrong with what became of them. */
async function wrongOf(family: string, secure: boolean): Promise<readonly string[]> {
  const gateway = await new Gateway({ time: "real", accessLog: "off" }).listen();
  const recorder = await new Recorder().listen();
  gateway.serveIris([recorder.port]);
  const witness = await gateway.open(secure);
  let witnessed = 0;

  /** Sends one vector and says what is wrong with what became of it; "" for nothing. */
  async function run(vector: Vector, drip: boolean): Promise<string> {
    recorder.forget();
    const { outcome } = vector;
    const client = await gateway.open(secure);
    const ends = outcome.kind === "unfinished";
    const bytes = ends ? vector.bytes : vector.bytes + canary;
    if (drip) await dripTo(client, bytes);
    else client.write(bytes);
    if (ends) client.socket.end();
    const staysOpen = outcome.kind === "forwarded" && !outcome.closes;
    // Whatever it waits for in vain is wrong below.
    await client
      .until(() => client.ended || (staysOpen && finals(client, outcome).length > outcome.requests))
      .catch(() => undefined);
    const answers = finals(client, outcome);
    client.destroy();
    // A request that was cut while it was forwarded leaves no connection behind.
    await eventually(() => recorder.unfinished === 0, "the end of a cut request");
    const wrong = [...recorder.faults, ...wrongWith(outcome, answers)];
    recorder.forget();
    witness.write(bystander);
    witnessed += 1;
    const seen = await witness.answers(witnessed);
    if (seen[witnessed - 1]!.status !== 200 || recorder.heard.length !== 1 || recorder.heard[0]!.body !== "untouched")
      wrong.push("a bystander was touched");
    runs += 1;
    if (wrong.length > 0) ambiguous += 1;
    return wrong.length === 0 ? "" : `${vector.name}${drip ? " (byte by byte)" : ""}: ${wrong.join("; ")}`;
  }

  function finals(client: RawClient, outcome: Outcome): readonly WireAnswer[] {
    const bodiless = outcome.kind === "forwarded" && outcome.method === "HEAD";
    if (!bodiless) return answersIn(client.text).filter(({ status }) => status >= 200);
    // The answer to HEAD has no body; the canary's has.
    const [head] = answersIn(client.text, true);
    return head === undefined ? [] : [head, ...answersIn(client.text.slice(head.head.length))];
  }

  function wrongWith(outcome: Outcome, answers: readonly WireAnswer[]): string[] {
    const { heard } = recorder;
    const wrong: string[] = [];
    const claim = (holds: boolean, what: string): void => {
      if (!holds) wrong.push(what);
    };
    switch (outcome.kind) {
      case "unfinished":
        claim(heard.length === 0, "something complete was forwarded");
        claim(
          answers.every(({ status }) => status >= 400),
          "answered as if it were complete",
        );
        break;
      case "refused": {
        const last = answers.at(-1);
        claim(answers.length === outcome.before + 1, `${answers.length} answers`);
        claim(last?.status === outcome.status, `status ${last?.status}`);
        claim(last !== undefined && fieldOf(last, "connection") === "close", "not closed");
        claim(
          heard.length === outcome.before,
          `${heard.length} requests forwarded: ${heard.map(({ target }) => target).join(" ")}`,
        );
        break;
      }
      case "forwarded": {
        const [first] = heard;
        const requests = outcome.requests + (outcome.closes ? 0 : 1);
        claim(
          answers.length === requests && answers.every(({ status }) => status === 200),
          `answers ${answers.map(({ status }) => status).join(" ")}`,
        );
        claim(heard.length === requests, `${heard.length} requests forwarded`);
        claim(outcome.closes || heard.at(-1)?.target === "/canary", "the canary is another request");
        if (first === undefined) break;
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
      }
    }
    return wrong;
  }

  const vectors = requestCorpus.filter((vector) => vector.family === family);
  const wrong: string[] = [];
  for (const [index, vector] of vectors.entries()) {
    wrong.push(await run(vector, false));
    if (vector.bytes.length <= mostDripBytes && (!secure || index % dripEvery === 0))
      wrong.push(await run(vector, true));
  }
  await eventually(() => gateway.counted("clientConnectionsHttp1") === 1, "the witness alone");
  expect(gateway.faults).toBe(0);
  expect(gateway.counted("inFlight")).toBe(0);
  witness.destroy();
  gateway.close();
  await recorder.close();
  return wrong.filter((text) => text !== "");
}

describe.each(transports)("%s", (_name, secure) => {
  test.concurrent.each(families)("%s", async (family) => {
    expect(await wrongOf(family, secure)).toEqual([]);
  });
});

test("the corpus prints its count", () => {
  process.stdout.write(
    `request corpus: ${requestCorpus.length} vectors in ${families.length} families, ${runs} runs, ${ambiguous} ambiguous\n`,
  );
  expect(requestCorpus.length).toBeGreaterThanOrEqual(300);
  expect(ambiguous).toBe(0);
});

/** Each byte in a write of its own. */
async function dripTo(client: RawClient, text: string): Promise<void> {
  for (const byte of text) {
    if (client.ended || client.closed) return;
    client.write(byte);
    await new Promise(setImmediate);
  }
}
