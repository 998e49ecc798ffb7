// The load generator: a child process of the harness, the same for every peer. It gets a LoadPlan, runs it and sends a LoadResult.
//
// Requests are uniform over all deployments by a seeded generator, so that every peer sees the same sequence.
// CPU accounts are read here, in the same turn of the loop that opens and closes the window, so that requests and time match.
import { coreTime, threadTimes, timeBetween, type ThreadTime } from './account.ts';
import { chunked, deployments, predictionBody, predictionHead } from './fleet.ts';
import { Histogram } from './histogram.ts';
import { LoadConnection, type LoadConnectionOwner } from './load-connection.ts';
import type { LoadPlan, LoadResult } from './load-plan.ts';
import { seededRandom } from './random.ts';

const writeTogetherBytes = 4096;
const answerWaitMs = 10_000;
/** More errors than this and the run is over: nothing is learnt from the rest. */
const errorLimit = 1000;

class Generator implements LoadConnectionOwner {
  readonly #plan: LoadPlan;
  readonly #heads: readonly Buffer[];
  readonly #body: Buffer | null;
  readonly #random = seededRandom(20_261_121);
  readonly #connections: readonly LoadConnection[];
  readonly #free: LoadConnection[] = [];
  /** Open pace: when requests that found no free connection were due, in order. */
  readonly #waiting: number[] = [];
  readonly #latency = new Histogram();
  readonly #byAnswer: number[];
  readonly #errors = { status: 0, body: 0, connection: 0, missing: 0, first: null as string | null };
  #requests = 0;
  #answers = 0;
  #reconnects = 0;
  #phase: 'warm-up' | 'window' | 'over' = 'warm-up';

  constructor(plan: LoadPlan) {
    this.#plan = plan;
    const json = predictionBody(plan.bodyBytes);
    const body = plan.chunkBytes === null ? json : chunked(json, plan.chunkBytes);
    const framing = plan.chunkBytes === null ? `Content-Length: ${json.length}` : 'Transfer-Encoding: chunked';
    const together = body.length <= writeTogetherBytes;
    const called = plan.called === 'all' ? deployments(plan.fleet) : deployments(plan.fleet).slice(0, 1);
    this.#heads = called.map((deployment) => Buffer.from(predictionHead(deployment.prefix, framing, []) + (together ? body : '')));
    this.#body = together ? null : Buffer.from(body);
    if (plan.pipelined > 1 && !together) throw new Error('only small requests are pipelined');
    const bodies = plan.answers.map((text) => Buffer.from(text));
    this.#byAnswer = bodies.map(() => 0);
    this.#connections = Array.from({ length: plan.connections }, () => new LoadConnection(plan, bodies, this));
  }

  async run(): Promise<LoadResult> {
    const { pace, warmUpMs, measureMs } = this.#plan;
    if (pace.kind === 'closed') for (const connection of this.#connections) this.#send(connection, performance.now());
    else {
      this.#free.push(...this.#connections);
      this.#schedule(pace.perSecond, pace.spins);
    }
    await this.#pass(warmUpMs);
    this.#latency.clear();
    this.#byAnswer.fill(0);
    this.#requests = 0;
    this.#phase = 'window';
    const before = this.#times();
    const coreBefore = coreTime(this.#plan.accountCore);
    const openedMs = performance.now();
    const cpuBefore = process.cpuUsage();
    await this.#pass(measureMs);
    const cpu = process.cpuUsage(cpuBefore);
    const after = this.#times();
    const coreAfter = coreTime(this.#plan.accountCore);
    const seconds = (performance.now() - openedMs) / 1000;
    const requests = this.#requests;
    const byAnswer = [...this.#byAnswer];
    this.#phase = 'over';
    await this.#finish();
    const { threads, ended } = timeBetween(before, after);
    return {
      requests,
      answers: this.#answers,
      seconds,
      errors: this.#errors,
      byAnswer,
      latency: this.#latency.latency(),
      threads,
      endedThreads: ended,
      core: { busyMs: coreAfter.busyMs - coreBefore.busyMs, stolenMs: coreAfter.stolenMs - coreBefore.stolenMs },
      generatorNs: (cpu.user + cpu.system) * 1000,
      reconnects: this.#reconnects,
    };
  }

  answered(connection: LoadConnection, status: number, body: number, text: () => string): void {
    if (status !== 200) {
      this.#errors.status++;
      this.#errors.first ??= `status ${status}: ${text().slice(0, 200)}`;
    } else if (body < 0) {
      this.#errors.body++;
      this.#errors.first ??= `a wrong body: ${text().slice(0, 200)}`;
    }
    const nowMs = performance.now();
    if (this.#phase === 'window') {
      this.#requests++;
      if (body >= 0) this.#byAnswer[body]! += 1;
      this.#latency.add((nowMs - connection.dueMs) * 1000);
    }
    this.#answers++;
    if (!connection.busy) this.#next(connection, nowMs);
  }

  failed(connection: LoadConnection, sentence: string): void {
    this.#errors.connection++;
    this.#errors.first ??= sentence;
    // Not in this turn: a peer that refuses every connection must not make this a busy loop.
    if (this.#phase !== 'over') setTimeout(() => this.#next(connection, performance.now()), 10);
  }

  reconnected(): void {
    this.#reconnects++;
  }

  #next(connection: LoadConnection, nowMs: number): void {
    if (this.#phase === 'over' || this.#errors.status + this.#errors.body + this.#errors.connection > errorLimit) return;
    if (this.#plan.pace.kind === 'closed') {
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
      if (this.#phase === 'over') return;
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

  #times(): readonly ThreadTime[] {
    return this.#plan.accountPids.flatMap(threadTimes);
  }

  async #pass(ms: number): Promise<void> {
    await new Promise((resolve) => {
      setTimeout(resolve, ms);
    });
  }

  /** Waits for what is on its way; what does not come is missing. */
  async #finish(): Promise<void> {
    const deadlineMs = performance.now() + answerWaitMs;
    while (this.#connections.some((connection) => connection.busy) && performance.now() < deadlineMs) await this.#pass(5);
    this.#errors.missing += this.#connections.filter((connection) => connection.busy).length;
    for (const connection of this.#connections) connection.end();
  }
}

const send = process.send?.bind(process);
if (send === undefined) throw new Error('the generator runs as a child process of the harness');

process.once('message', (plan: LoadPlan) => {
  new Generator(plan).run().then(
    (result) => send(result, () => process.disconnect?.()),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
