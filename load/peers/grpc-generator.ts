// The generator of gRPC calls: a child process of the harness. h2load sends the same metadata with every call and does not read grpc-status; this one
// calls every deployment and checks status, grpc-status and every byte of each answer.
import { deployments } from "./fleet.ts";
import { callFields, type GrpcPlan } from "./grpc-plan.ts";
import { Calls, type Call, type CallsOwner } from "./h2/calls.ts";
import { block, message } from "./h2/frames.ts";
import { Measuring, pass, type Loading } from "./measuring.ts";
import { measured, runOnePlan } from "./one-plan.ts";
import { seededRandom } from "./random.ts";

const answerWaitMs = 10_000;
/** Distinct values of the fields that vary. */
const variants = 4096;

class GrpcGenerator implements CallsOwner, Loading {
  readonly measuring: Measuring;
  readonly #plan: GrpcPlan;
  readonly #blocks: readonly Buffer[];
  readonly #tails: readonly Buffer[];
  readonly #body: Buffer;
  readonly #answers: readonly Buffer[];
  readonly #random = seededRandom(20_261_121);
  readonly #connections: Calls[];
  /** Open pace: when calls that found no room were due, in order. */
  readonly #waiting: number[] = [];
  #turn = 0;

  constructor(plan: GrpcPlan) {
    this.#plan = plan;
    this.measuring = new Measuring(plan);
    this.#blocks = deployments(plan.fleet).map((deployment) => block(callFields(deployment)));
    this.#tails = plan.varied
      ? Array.from({ length: variants }, (_, index) =>
          block([
            ["grpc-timeout", `${900_000 + index}u`],
            ["traceparent", `00-${index.toString(16).padStart(32, "4")}-${index.toString(16).padStart(16, "7")}-01`],
          ]),
        )
      : [];
    this.#body = message(plan.bodyBytes, "q");
    this.#answers = plan.answers.map((fill) => message(plan.bodyBytes, fill));
    this.#connections = Array.from({ length: plan.connections }, () => this.#connect());
  }

  #connect(): Calls {
    return new Calls({ host: this.#plan.host, port: this.#plan.port }, this.#answers, this);
  }

  start(): void {
    const { pace } = this.#plan;
    if (pace.kind === "closed") {
      for (const connection of this.#connections)
        for (let i = 0; i < this.#plan.streams; i++) this.#send(connection, performance.now());
    } else {
      this.#schedule(pace.perSecond, pace.spins);
    }
  }

  async finish(): Promise<void> {
    const deadlineMs = performance.now() + answerWaitMs;
    while (this.#connections.some((connection) => connection.openCalls > 0) && performance.now() < deadlineMs)
      await pass(5);
    for (const connection of this.#connections) {
      this.measuring.errors.missing += connection.openCalls;
      connection.end();
    }
  }

  done(connection: Calls, call: Call, whole: boolean): void {
    if (call.status !== 200 || call.grpcStatus !== 0)
      this.measuring.failed("status", `status ${call.status}, grpc-status ${call.grpcStatus} ${call.grpcMessage}`);
    else if (!whole) this.measuring.failed("body", `a wrong message, ${call.received} bytes`);
    const nowMs = performance.now();
    this.measuring.answered(whole ? call.answer : -1, call.dueMs, nowMs);
    this.#next(connection, nowMs);
  }

  lost(connection: Calls, calls: number, sentence: string): void {
    if (calls > 0 || !connection.retiring) this.measuring.failed("connection", `${calls} calls: ${sentence}`);
    this.measuring.reconnects++;
  }

  #next(connection: Calls, nowMs: number): void {
    if (this.measuring.over) return;
    let taker = connection;
    if (connection.retiring) {
      // The peer ends the connection in good order: the next calls go on another one.
      const at = this.#connections.indexOf(connection);
      if (at >= 0) this.#connections[at] = this.#connect();
      taker = this.#connections.find((one) => !one.retiring && one.openCalls < this.#plan.streams) ?? connection;
    }
    if (this.#plan.pace.kind === "closed") {
      this.#send(taker, nowMs);
      return;
    }
    const dueMs = this.#waiting.shift();
    if (dueMs !== undefined) this.#send(taker, dueMs);
  }

  #send(connection: Calls, dueMs: number): void {
    const plain = this.#blocks[Math.floor(this.#random() * this.#blocks.length)]!;
    const head =
      this.#tails.length === 0
        ? plain
        : Buffer.concat([plain, this.#tails[Math.floor(this.#random() * this.#tails.length)]!]);
    connection.begin(head, this.#body, true, dueMs);
  }

  /** Poisson arrivals, on the connections in turn. */
  #schedule(perSecond: number, spins: boolean): void {
    const meanMs = 1000 / perSecond;
    let dueMs = performance.now();
    const turn = (): void => {
      if (this.measuring.over) return;
      const nowMs = performance.now();
      while (dueMs <= nowMs) {
        const connection = this.#connections[this.#turn++ % this.#connections.length]!;
        if (connection.retiring || connection.openCalls >= this.#plan.streams) this.#waiting.push(dueMs);
        else this.#send(connection, dueMs);
        dueMs -= Math.log(1 - this.#random()) * meanMs;
      }
      if (spins) setImmediate(turn);
      else setTimeout(turn, 1);
    };
    turn();
  }
}

runOnePlan((plan) => measured(new GrpcGenerator(plan as GrpcPlan)));
