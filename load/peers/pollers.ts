// Pollers: when has every worker the new table?
//
// A connection stays with one worker, and which one is not visible from outside. So several connections for each worker poll the changed
// deployment once a millisecond, and a change counts as live everywhere when the last of them has seen it: an upper bound, by the poll interval.
import { answerOf, predictionBody, predictionHead, type Deployment } from './fleet.ts';
import { LoadConnection, type LoadConnectionOwner } from './load-connection.ts';

const pollMs = 1;
const giveUpMs = 10_000;

export class Pollers implements LoadConnectionOwner {
  readonly #connections: readonly LoadConnection[];
  #head: Buffer;
  #wanted = 0;
  /** Counts the calls of `untilEverywhere`: a request belongs to the one that it was sent after. */
  #turn = 0;
  #waiting = new Set<LoadConnection>();
  #live: (() => void) | null = null;
  #over = false;
  answers = 0;

  /** `predictors`: who may answer. */
  constructor(port: number, count: number, predictors: readonly string[]) {
    const bodies = predictors.map((name) => Buffer.from(answerOf(name)));
    this.#head = Buffer.alloc(0);
    this.#connections = Array.from({ length: count }, () => new LoadConnection({ host: '127.0.0.1', port }, bodies, this));
  }

  /** What is polled from now on. */
  aim({ prefix }: Pick<Deployment, 'prefix'>): void {
    const body = predictionBody(70);
    this.#head = Buffer.from(predictionHead(prefix, `Content-Length: ${body.length}`, []) + body);
  }

  start(): void {
    for (const connection of this.#connections) this.#send(connection);
  }

  /** Resolves when every connection has got an answer of predictor `wanted` to a request that was sent after this call. */
  async untilEverywhere(wanted: number): Promise<void> {
    this.#wanted = wanted;
    this.#turn++;
    this.#waiting = new Set(this.#connections);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`not live on every connection in ${giveUpMs} ms: ${this.#waiting.size} still get the old table`)), giveUpMs);
      this.#live = () => {
        clearTimeout(late);
        resolve();
      };
    });
  }

  stop(): void {
    this.#over = true;
    for (const connection of this.#connections) connection.end();
  }

  answered(connection: LoadConnection, status: number, body: number, text: () => string): void {
    if (status !== 200 || body < 0) throw new Error(`status ${status}: ${text()}`);
    this.answers++;
    const counts = body === this.#wanted && connection.requestIndex === this.#turn;
    if (counts && this.#waiting.delete(connection) && this.#waiting.size === 0) this.#live?.();
    setTimeout(() => {
      if (!this.#over) this.#send(connection);
    }, pollMs);
  }

  failed(_connection: LoadConnection, sentence: string): void {
    if (!this.#over) throw new Error(sentence);
  }

  #send(connection: LoadConnection): void {
    connection.requestIndex = this.#turn;
    connection.send(this.#head, null);
  }

  reconnected(): void {
    // Sluice may close a connection after an answer; the next poll opens another.
  }
}
