// gRPC clients of the soak: calls that are answered, calls to who refuses, and calls that the client gives up.
import { callFields } from '../grpc-plan.ts';
import { Calls, type Call, type CallsOwner } from '../h2/calls.ts';
import { block, message } from '../h2/frames.ts';
import { pause } from '../process.ts';
import { seededRandom } from '../random.ts';
import type { SoakCalls, Tally } from './soak-plan.ts';

const messageBytes = 72;
/** Of all calls. */
const refusedShare = 0.01;
/** A call that is given up every so often on each connection: far below the limit for resets. */
const giveUpEveryMs = 100;
/** So long after it has begun, it has reached the upstream. */
const giveUpAfterMs = 200;
const answerWaitMs = 15_000;

export class Callers implements CallsOwner {
  readonly #port: number;
  readonly #plan: SoakCalls;
  readonly #tally: Tally;
  readonly #answering: readonly Buffer[];
  readonly #refusing: readonly Buffer[];
  readonly #body = message(messageBytes, 'q');
  readonly #answers: readonly Buffer[];
  readonly #random = seededRandom(31);
  readonly #connections = new Map<Calls, NodeJS.Timeout>();
  #over = false;

  constructor(port: number, plan: SoakCalls, tally: Tally) {
    this.#port = port;
    this.#plan = plan;
    this.#tally = tally;
    this.#answering = plan.answering.map((target) => block(callFields(target)));
    this.#refusing = plan.refusing.map((target) => block(callFields(target)));
    this.#answers = plan.answers.map((fill) => message(messageBytes, fill));
  }

  start(): void {
    for (let i = 0; i < this.#plan.connections; i++) this.#connect();
  }

  async stop(): Promise<void> {
    this.#over = true;
    for (const timer of this.#connections.values()) clearInterval(timer);
    const deadlineMs = performance.now() + answerWaitMs;
    const busy = (): boolean => [...this.#connections.keys()].some((calls) => calls.openCalls > 0);
    while (busy() && performance.now() < deadlineMs) await pause(20);
    if (busy()) this.#tally.wrong(`calls: no answer in ${answerWaitMs} ms`);
    for (const calls of this.#connections.keys()) calls.end();
  }

  done(connection: Calls, call: Call, whole: boolean): void {
    const outcome = call.status === 200 && call.grpcStatus >= 0 ? `grpc ${call.grpcStatus}` : 'cut';
    this.#tally.add('calls', outcome);
    if (outcome === 'grpc 0' ? !whole : outcome !== 'grpc 14') this.#tally.wrong(`calls: status ${call.status}, grpc-status ${call.grpcStatus} ${call.grpcMessage}, ${call.received} bytes`);
    if (!this.#over) this.#send(connection);
  }

  lost(connection: Calls, calls: number, sentence: string): void {
    if (calls > 0 && !this.#over) this.#tally.wrong(`calls: ${calls} lost: ${sentence}`);
    this.#leave(connection);
  }

  #connect(): void {
    const calls = new Calls({ host: '127.0.0.1', port: this.#port }, this.#answers, this);
    this.#connections.set(calls, setInterval(() => this.#giveUp(calls), giveUpEveryMs));
    for (let i = 0; i < this.#plan.streams; i++) this.#send(calls);
  }

  /** The gateway has ended it in good order: its calls go on on another one. */
  #leave(connection: Calls): void {
    clearInterval(this.#connections.get(connection));
    if (this.#connections.delete(connection) && !this.#over) this.#connect();
  }

  #send(connection: Calls): void {
    if (connection.retiring) {
      if (connection.openCalls === 0) this.#leave(connection);
      return;
    }
    this.#tally.requests++;
    const refused = this.#random() < refusedShare;
    const blocks = refused ? this.#refusing : this.#answering;
    connection.begin(blocks[Math.floor(this.#random() * blocks.length)]!, this.#body, true, 0);
  }

  #giveUp(connection: Calls): void {
    if (connection.retiring) return;
    const id = connection.begin(this.#answering[0]!, this.#body, false, 0);
    setTimeout(() => {
      if (!connection.cancel(id)) return;
      this.#tally.requests++;
      this.#tally.add('calls', 'aborted');
    }, giveUpAfterMs);
  }
}
