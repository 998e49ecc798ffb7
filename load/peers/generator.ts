// The load generator: a child process of the harness, the same for every peer. It gets a LoadPlan, runs it and sends a LoadResult.
//
// Requests are uniform over all deployments by a seeded generator, so that every peer sees the same sequence.
import { chunked, deployments, predictionBody, predictionHead } from "./fleet.ts";
import { LoadConnection, type LoadConnectionOwner } from "./load-connection.ts";
import type { LoadPlan } from "./load-plan.ts";
import { Measuring, pass, type Loading } from "./measuring.ts";
import { measured, runOnePlan } from "./one-plan.ts";
import { seededRandom } from "./random.ts";

const writeTogetherBytes = 4096;
const answerWaitMs = 10_000;

class Generator implements LoadConnectionOwner, Loading {
  readonly measuring: Measuring;
  readonly #plan: LoadPlan;
  readonly #heads: readonly Buffer[];
  readonly #body: Buffer | null;
  readonly #random = seededRandom(20_261_121);
  readonly #connections: readonly LoadConnection[];
  readonly #free: LoadConnection[] = [];
  /** Open pace: when requests that found no free connection were due, in order. */
  readonly #waiting: number[] = [];

  constructor(plan: LoadPlan) {
    this.#plan = plan;
    this.measuring = new Measuring(plan);
    const json = predictionBody(plan.bodyBytes);
    const body = plan.chunkBytes === null ? json : chunked(json, plan.chunkBytes);
    const framing = plan.chunkBytes === null ? `Content-Length: ${json.length}` : "Transfer-Encoding: chunked";
    const together = body.length <= writeTogetherBytes;
    const called = plan.called === "all" ? deployments(plan.fleet) : deployments(plan.fleet).slice(0, 1);
    const fields = plan.fields.length === 0 ? [[]] : plan.fields.map((lines) => [lines]);
    this.#heads = called.flatMap((deployment) =>
      fields.map((lines) => Buffer.from(predictionHead(deployment.prefix, framing, lines) + (together ? body : ""))),
    );
    this.#body = together ? null : Buffer.from(body);
    if (plan.pipelined > 1 && !together) throw new Error("only small requests are pipelined");
    const bodies = plan.answers.map((text) => Buffer.from(text));
    this.#connections = Array.from({ length: plan.connections }, () => new LoadConnection(plan, bodies, this));
  }

  start(): void {
    const { pace } = this.#plan;
    if (pace.kind === "closed") {
      for (const connection of this.#connections) this.#send(connection, performance.now());
    } else {
      this.#free.push(...this.#connections);
      this.#schedule(pace.perSecond, pace.spins);
    }
  }

  answered(connection: LoadConnection, status: number, body: number, text: () => string): void {
    if (status !== 200) this.measuring.failed("status", `status ${status}: ${text().slice(0, 200)}`);
    else if (body < 0) this.measuring.failed("body", `a wrong body: ${text().slice(0, 200)}`);
    const nowMs = performance.now();
    this.measuring.answered(body, connection.dueMs, nowMs);
    if (!connection.busy) this.#next(connection, nowMs);
  }

  failed(connection: LoadConnection, sentence: string): void {
    this.measuring.failed("connection", sentence);
    // Not in this turn: a peer that refuses every connection must not make this a busy loop.
    if (!this.measuring.over) setTimeout(() => this.#next(connection, performance.now()), 10);
  }

  reconnected(): void {
    this.measuring.reconnects++;
  }

  #next(connection: LoadConnection, nowMs: number): void {
    if (this.measuring.over) return;
    if (this.#plan.pace.kind === "closed") {
      this.#send(connection, nowMs);
      return;
    }
    const dueMs = this.#waiting.shift();
    if (dueMs === undefined) this.#free.push(connection);
    else this.#send(connection, dueMs);
  }

  #send(connection: LoadConnection, dueMs: number): void {
    connection.dueMs = dueMs;
    const { pipelined } = this.#plan;
    if (pipelined === 1) connection.send(this.#anyHead(), this.#body);
    else connection.send(Buffer.concat(Array.from({ length: pipelined }, () => this.#anyHead())), null, pipelined);
  }

  #anyHead(): Buffer {
    return this.#heads[Math.floor(this.#random() * this.#heads.length)]!;
  }

  /** Poisson arrivals. Spinning on the event loop keeps them apart; a timer of one millisecond makes bursts. */
  #schedule(perSecond: number, spins: boolean): void {
    const meanMs = 1000 / perSecond;
    let dueMs = performance.now();
    const turn = (): void => {
      if (this.measuring.over) return;
      const nowMs = performance.now();
      while (dueMs <= nowMs) {
        const connection = this.#free.pop();
        if (connection === undefined) this.#waiting.push(dueMs);
        else this.#send(connection, dueMs);
        dueMs -= Math.log(1 - this.#random()) * meanMs;
      }
      if (spins) setImmediate(turn);
      else setTimeout(turn, 1);
    };
    turn();
  }

  /** Waits for what is on its way; what does not come is missing. */
  async finish(): Promise<void> {
    const deadlineMs = performance.now() + answerWaitMs;
    while (this.#connections.some((connection) => connection.busy) && performance.now() < deadlineMs) await pass(5);
    this.measuring.errors.missing += this.#connections.filter((connection) => connection.busy).length;
    for (const connection of this.#connections) connection.end();
  }
}

runOnePlan((plan) => measured(new Generator(plan as LoadPlan)));
