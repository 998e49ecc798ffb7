// Pollers: when has every worker the new table?
//
// One connection for each worker: whose CPU time goes up when it is asked shows whose it is. They are asked together, again and again while somebody
// waits: the next round begins when all have answered. So there are no more requests on their way than workers, no timers (one of Node's is of a whole
// millisecond), and nothing at all between two changes. What is told is an upper bound, by a round or two, and beside it a lower one.
import { threadTimes, timeBetween } from "./account.ts";
import { answerOf, predictionBody, predictionHead, type Deployment } from "./fleet.ts";
import { LoadConnection, type LoadConnectionOwner } from "./load-connection.ts";

const giveUpMs = 10_000;
/** Requests that tell whose a connection is. */
const probes = 200;
/** Connections that are tried for each worker. */
const mostTried = 32;

const warmRounds = 30;
/** Instead of a predictor: whoever answers. */
const anyPredictor = -1;

/** When the new table was there, performance.now(). */
export interface Live {
  /** The first answer by it was here from every worker. */
  readonly seenMs: number;
  /** A request that left at this moment was answered by the table before. */
  readonly notBeforeMs: number;
}

interface Gateway {
  readonly pid: number;
  readonly port: number;
}

export class Pollers implements LoadConnectionOwner {
  readonly #bodies: readonly Buffer[];
  #connections: readonly LoadConnection[] = [];
  #request = Buffer.alloc(0);
  #wanted = 0;
  /** Which have not given the answer that is waited for. */
  readonly #waiting = new Set<LoadConnection>();
  #onTheirWay = 0;
  #notBeforeMs = 0;
  #live: ((live: Live) => void) | null = null;
  #late: NodeJS.Timeout | null = null;
  #over = false;

  private constructor(predictors: readonly string[]) {
    this.#bodies = predictors.map((name) => Buffer.from(answerOf(name)));
  }

  /** `predictors`: who may answer. `deployment`: one that they answer for. */
  static async open(
    gateway: Gateway,
    workers: number,
    predictors: readonly string[],
    deployment: Pick<Deployment, "prefix">,
  ): Promise<Pollers> {
    const pollers = new Pollers(predictors);
    pollers.aim(deployment);
    const ofWorker = new Map<string, LoadConnection>();
    for (let tried = 0; ofWorker.size < workers; tried++) {
      if (tried === workers * mostTried)
        throw new Error(`${tried} connections are with ${ofWorker.size} of ${workers} workers`);
      const connection = new LoadConnection({ host: "127.0.0.1", port: gateway.port }, pollers.#bodies, pollers);
      const worker = await pollers.#workerOf(connection, gateway.pid);
      if (ofWorker.has(worker)) connection.end();
      else ofWorker.set(worker, connection);
    }
    pollers.#connections = [...ofWorker.values()];
    return pollers;
  }

  /** What is asked for from now on. */
  aim({ prefix }: Pick<Deployment, "prefix">): void {
    const body = predictionBody(70);
    this.#request = Buffer.from(predictionHead(prefix, `Content-Length: ${body.length}`, []) + body);
  }

  /** Asks every worker some times: after a pause the first answer takes milliseconds for itself. */
  async warm(): Promise<void> {
    for (let round = 0; round < warmRounds; round++) await this.#until(this.#connections, anyPredictor);
  }

  /** Resolves when every worker has given an answer of predictor `wanted` to a request that was sent after this call. */
  async untilEverywhere(wanted: number): Promise<Live> {
    return this.#until(this.#connections, wanted);
  }

  stop(): void {
    this.#over = true;
    for (const connection of this.#connections) connection.end();
  }

  answered(connection: LoadConnection, status: number, body: number, text: () => string): void {
    if (status !== 200 || body < 0) throw new Error(`status ${status}: ${text()}`);
    if (body === this.#wanted || this.#wanted === anyPredictor) this.#waiting.delete(connection);
    else this.#notBeforeMs = Math.max(this.#notBeforeMs, connection.dueMs);
    this.#onTheirWay -= 1;
    if (this.#onTheirWay > 0) return;
    if (this.#waiting.size > 0) return this.#ask();
    clearTimeout(this.#late!);
    this.#live!({ seenMs: performance.now(), notBeforeMs: this.#notBeforeMs });
  }

  failed(_connection: LoadConnection, sentence: string): void {
    if (!this.#over) throw new Error(sentence);
  }

  reconnected(): void {
    throw new Error("the gateway closed a connection, and the next one may be with another worker");
  }

  async #until(connections: readonly LoadConnection[], wanted: number): Promise<Live> {
    this.#wanted = wanted;
    this.#notBeforeMs = 0;
    for (const connection of connections) this.#waiting.add(connection);
    return new Promise((resolve, reject) => {
      this.#live = resolve;
      this.#late = setTimeout(
        () => reject(new Error(`not live in ${giveUpMs} ms: ${this.#waiting.size} workers still have the old table`)),
        giveUpMs,
      );
      this.#ask();
    });
  }

  #ask(): void {
    this.#onTheirWay = this.#waiting.size;
    for (const connection of this.#waiting) {
      connection.dueMs = performance.now();
      connection.send(this.#request, null);
    }
  }

  /** Name of the thread that a connection is with. */
  async #workerOf(connection: LoadConnection, pid: number): Promise<string> {
    const before = threadTimes(pid);
    for (let probe = 0; probe < probes; probe++) await this.#until([connection], anyPredictor);
    const busiest = timeBetween(before, threadTimes(pid)).threads.find(({ name }) => name.startsWith("data-"));
    if (busiest === undefined) throw new Error("no thread of a data worker took any time");
    return busiest.name;
  }
}
