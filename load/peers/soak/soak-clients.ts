// The clients of the soak suite, in a process of their own.
import { answerQuestions } from '../child.ts';
import { predictionBody, predictionHead } from '../fleet.ts';
import { LoadConnection, type LoadConnectionOwner } from '../load-connection.ts';
import { pause } from '../process.ts';
import { seededRandom } from '../random.ts';
import { Callers } from './callers.ts';
import { SlowClients } from './slow-clients.ts';
import { Tally, type SoakGroup, type SoakPlan, type SoakQuestion, type SoakReport } from './soak-plan.ts';

const answerWaitMs = 15_000;

class Group implements LoadConnectionOwner {
  readonly #group: SoakGroup;
  readonly #tally: Tally;
  readonly #requests: readonly Buffer[];
  readonly #connections: readonly LoadConnection[];
  readonly #random: () => number;
  #over = false;

  constructor(plan: SoakPlan, group: SoakGroup, tally: Tally) {
    this.#group = group;
    this.#tally = tally;
    const body = predictionBody(70);
    this.#requests = group.targets.map(({ prefix, fields }) => Buffer.from(predictionHead(prefix, `Content-Length: ${body.length}`, fields) + body));
    const bodies = plan.answers.map((text) => Buffer.from(text));
    this.#connections = Array.from({ length: group.connections }, () => new LoadConnection({ host: '127.0.0.1', port: plan.port }, bodies, this));
    this.#random = seededRandom(group.name.length + group.targets.length);
  }

  start(): void {
    for (const connection of this.#connections) this.#send(connection);
  }

  async stop(): Promise<void> {
    this.#over = true;
    const deadlineMs = performance.now() + answerWaitMs;
    while (this.#connections.some((connection) => connection.busy) && performance.now() < deadlineMs) await pause(20);
    for (const connection of this.#connections) {
      if (connection.busy) this.#tally.wrong(`${this.#group.name}: no answer in ${answerWaitMs} ms`);
      connection.end();
    }
  }

  answered(connection: LoadConnection, status: number, body: number, text: () => string): void {
    this.#tally.add(this.#group.name, String(status));
    const { allowed } = this.#group;
    if ((allowed !== null && !allowed.includes(status)) || (status === 200 && body < 0)) this.#tally.wrong(`${this.#group.name}: status ${status}: ${text().slice(0, 200)}`);
    this.#send(connection);
  }

  failed(connection: LoadConnection, sentence: string): void {
    this.#tally.add(this.#group.name, 'cut');
    if (this.#group.allowed !== null) this.#tally.wrong(`${this.#group.name}: ${sentence}`);
    setImmediate(() => this.#send(connection));
  }

  reconnected(): void {
    // Failures may close connections.
  }

  #send(connection: LoadConnection): void {
    if (this.#over) return;
    this.#tally.requests++;
    connection.send(this.#requests[Math.floor(this.#random() * this.#requests.length)]!, null);
  }
}

const tally = new Tally();
let groups: readonly Group[] = [];
let callers: Callers | null = null;
let slow: SlowClients | null = null;

answerQuestions(async (question: SoakQuestion): Promise<SoakReport> => {
  if (question.kind === 'start') {
    const { plan } = question;
    groups = plan.groups.map((group) => new Group(plan, group, tally));
    callers = new Callers(plan.port, plan.calls, tally);
    slow = new SlowClients(plan.port, plan.slow, tally);
    for (const group of groups) group.start();
    callers.start();
    slow.start(plan.slowClients);
  } else if (question.kind === 'stop') {
    await Promise.all([...groups.map((group) => group.stop()), callers?.stop(), slow?.stop()]);
  }
  const { requests, outcomes, unexpected, first } = tally;
  return { requests, outcomes, unexpected, first };
});
