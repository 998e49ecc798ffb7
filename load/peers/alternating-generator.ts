// The load generator of an alternation: a child process of the harness that gets an AlternationPlan and sends an AlternationResult.
import { coreTime } from "./account.ts";
import type { AlternationPlan, AlternationResult, AlternationSide, Quantiles } from "./alternation.ts";
import { deployments, predictionBody, predictionHead } from "./fleet.ts";
import { LoadConnection, type LoadConnectionOwner } from "./load-connection.ts";
import { pass } from "./measuring.ts";
import { runOnePlan } from "./one-plan.ts";
import { seededRandom } from "./random.ts";

const answerWaitMs = 10_000;

function quantilesOf(latenciesUs: readonly number[]): Quantiles {
  const sorted = Float64Array.from(latenciesUs).sort();
  const at = (share: number): number =>
    Math.round(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN);
  return { count: sorted.length, p50Us: at(0.5), p99Us: at(0.99) };
}

/** One of the two peers. */
class Side implements LoadConnectionOwner {
  readonly #connections: readonly LoadConnection[];
  readonly #free: LoadConnection[];
  readonly #random = seededRandom(20_261_121);
  readonly #heads: readonly Buffer[];
  /** When requests that found no free connection were due, in order. */
  readonly #waiting: number[] = [];
  readonly #errors = { status: 0, body: 0, connection: 0, missing: 0, first: null as string | null };
  readonly #rounds: Quantiles[] = [];
  readonly #turns: Quantiles[] = [];
  #round: number[] = [];
  #turn: number[] = [];
  /** Requests that were due from here on count. */
  #countsFromMs = Infinity;
  #answers = 0;

  constructor(plan: AlternationPlan, port: number, heads: readonly Buffer[]) {
    this.#heads = heads;
    const address = { host: plan.host, port };
    this.#connections = Array.from(
      { length: plan.connections },
      () => new LoadConnection(address, [Buffer.from(plan.answer)], this),
    );
    this.#free = [...this.#connections];
  }

  get busy(): boolean {
    return this.#connections.some((connection) => connection.busy);
  }

  beginTurn(countsFromMs: number): void {
    this.#turn = [];
    this.#countsFromMs = countsFromMs;
  }

  keepTurn(): void {
    this.#turns.push(quantilesOf(this.#turn));
    this.#round.push(...this.#turn);
  }

  endRound(): void {
    this.#rounds.push(quantilesOf(this.#round));
    this.#round = [];
  }

  ask(dueMs: number): void {
    const connection = this.#free.pop();
    if (connection === undefined) this.#waiting.push(dueMs);
    else this.#send(connection, dueMs);
  }

  #send(connection: LoadConnection, dueMs: number): void {
    connection.dueMs = dueMs;
    connection.send(this.#heads[Math.floor(this.#random() * this.#heads.length)]!, null);
  }

  answered(connection: LoadConnection, status: number, body: number, text: () => string): void {
    if (status !== 200) this.#failed("status", `status ${status}: ${text().slice(0, 200)}`);
    else if (body < 0) this.#failed("body", `a wrong body: ${text().slice(0, 200)}`);
    this.#answers += 1;
    if (connection.dueMs >= this.#countsFromMs) this.#turn.push((performance.now() - connection.dueMs) * 1000);
    this.#next(connection);
  }

  failed(connection: LoadConnection, sentence: string): void {
    this.#failed("connection", sentence);
    this.#next(connection);
  }

  reconnected(): void {}

  #failed(kind: "status" | "body" | "connection", sentence: string): void {
    this.#errors[kind] += 1;
    this.#errors.first ??= sentence;
  }

  #next(connection: LoadConnection): void {
    const dueMs = this.#waiting.shift();
    if (dueMs === undefined) this.#free.push(connection);
    else this.#send(connection, dueMs);
  }

  end(): AlternationSide {
    this.#errors.missing = this.#connections.filter((connection) => connection.busy).length + this.#waiting.length;
    for (const connection of this.#connections) connection.end();
    return { rounds: this.#rounds, turns: this.#turns, answers: this.#answers, errors: this.#errors };
  }
}

/** Asks one peer for one turn; resolves when its answers are there. The generator spins: timers of a millisecond would make bursts. */
async function takeTurn(plan: AlternationPlan, side: Side, random: () => number): Promise<void> {
  const beginsMs = performance.now();
  const endsMs = beginsMs + plan.leadInMs + plan.turnMs;
  const meanMs = 1000 / plan.perSecond;
  let dueMs = beginsMs;
  side.beginTurn(beginsMs + plan.leadInMs);
  await new Promise<void>((resolve) => {
    const spin = (): void => {
      const nowMs = performance.now();
      for (; dueMs <= nowMs && dueMs < endsMs; dueMs -= Math.log(1 - random()) * meanMs) side.ask(dueMs);
      if (dueMs < endsMs || (side.busy && nowMs < endsMs + answerWaitMs)) setImmediate(spin);
      else resolve();
    };
    spin();
  });
  await pass(plan.gapMs);
}

async function alternate(plan: AlternationPlan): Promise<AlternationResult> {
  const body = predictionBody(plan.bodyBytes);
  const heads = deployments(plan.fleet).map(({ prefix }) =>
    Buffer.from(predictionHead(prefix, `Content-Length: ${body.length}`, []) + body),
  );
  const random = seededRandom(20_261_122);
  const sides = [new Side(plan, plan.ports[0], heads), new Side(plan, plan.ports[1], heads)] as const;
  const stolenMs = (): number => plan.cores.reduce((sum, core) => sum + coreTime(core).stolenMs, 0);
  let voided = 0;
  let disturbed = 0;
  for (let round = 0; round < plan.rounds; round++) {
    for (let turn = 0; turn < plan.turnsARound;) {
      const stolenBeforeMs = stolenMs();
      // Neither always follows the other.
      for (const side of turn % 2 === 0 ? sides : sides.toReversed()) await takeTurn(plan, side, random);
      const calm = stolenMs() === stolenBeforeMs;
      if (!calm && voided < plan.mostVoid) {
        voided += 1;
        continue;
      }
      if (!calm) disturbed += 1;
      for (const side of sides) side.keepTurn();
      turn += 1;
    }
    for (const side of sides) side.endRound();
  }
  return { sides: [sides[0].end(), sides[1].end()], voided, disturbed };
}

runOnePlan((plan) => alternate(plan as AlternationPlan));
