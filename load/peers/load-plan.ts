// What the harness asks of the load generator, and what comes back. Plain values: they cross a process boundary.
import type { CoreTime, ThreadTime } from "./account.ts";
import { answerOf, type FleetPlan } from "./fleet.ts";
import type { Latency } from "./histogram.ts";
import { proxyCore } from "./process.ts";

export interface LoadPlan {
  readonly host: string;
  readonly port: number;
  readonly connections: number;
  readonly fleet: FleetPlan;
  /** Uniform over all deployments, or the first one again and again. */
  readonly called: "all" | "one";
  /** Field lines of each client, in turn; empty: nobody says who it is. */
  readonly fields: readonly string[];
  readonly bodyBytes: number;
  /** null: bodies have a length; else they come in chunks of so many bytes. */
  readonly chunkBytes: number | null;
  /** Requests that a connection sends together, before it reads an answer. */
  readonly pipelined: number;
  /**
   * closed: each connection sends its next request when the answer is there. open: requests leave by a Poisson schedule, whatever the answers do;
   * the generator spins to be on time, or, where it must leave its core to others, looks at the schedule once a millisecond.
   */
  readonly pace:
    | { readonly kind: "closed" }
    | { readonly kind: "open"; readonly perSecond: number; readonly spins: boolean };
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** The bodies that are right. Any other is an error. */
  readonly answers: readonly string[];
  /** Processes whose CPU time is read at both ends of the window, with their descendants. */
  readonly accountPids: readonly number[];
  /** The core whose whole time is read too. */
  readonly accountCore: number;
}

export interface LoadErrors {
  /** An answer that is not 200. */
  readonly status: number;
  /** A 200 with a body that is not one of `answers`. */
  readonly body: number;
  /** A connection that failed or closed before its answer was complete, or an answer that cannot be read. */
  readonly connection: number;
  /** No answer in time. */
  readonly missing: number;
  /** The first one, in words. */
  readonly first: string | null;
}

export interface LoadResult {
  /** Answers inside the window. */
  readonly requests: number;
  /** Answers over the whole run. */
  readonly answers: number;
  readonly seconds: number;
  /** Over the whole run, warm-up included: one error makes a round worthless. */
  readonly errors: LoadErrors;
  /** Answers inside the window, by index of `answers`. */
  readonly byAnswer: readonly number[];
  /** From the moment a request was due: for the open pace its place in the schedule, not when a connection was free. */
  readonly latency: Latency;
  readonly threads: readonly ThreadTime[];
  /** Threads that ended inside the window: their time is not in `threads`. */
  readonly endedThreads: number;
  /** Of `accountCore` inside the window. */
  readonly core: CoreTime;
  /** CPU time of the generator inside the window. */
  readonly generatorNs: number;
  readonly reconnects: number;
}

/** Uniform over all deployments, closed loop: what most plans begin with. Port and times are the suite's to fill in. */
export function plainPlan(
  fleet: FleetPlan,
  times: { readonly warmUpMs: number; readonly measureMs: number },
): LoadPlan {
  return {
    host: "127.0.0.1",
    port: 0,
    connections: 32,
    fleet,
    called: "all",
    fields: [],
    bodyBytes: 70,
    chunkBytes: null,
    pipelined: 1,
    pace: { kind: "closed" },
    warmUpMs: times.warmUpMs,
    measureMs: times.measureMs,
    answers: [answerOf("main"), answerOf("canary")],
    accountPids: [],
    accountCore: proxyCore,
  };
}

/** One wrong answer makes a round void: throws and says which was the first. */
export function requireNoErrors(name: string, result: { readonly errors: LoadErrors }): void {
  const { status, body, connection, missing } = result.errors;
  if (status + body + connection + missing > 0)
    throw new Error(`${name}: the round is void: ${JSON.stringify(result.errors)}`);
}
