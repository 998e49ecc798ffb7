// What the soak suite and its clients say to each other.

/** Requests that one kind of client sends, uniform over the targets. */
export interface SoakGroup {
  readonly name: string;
  readonly connections: number;
  readonly targets: readonly { readonly prefix: string; readonly fields: readonly string[] }[];
  /** Statuses that may come; any other, and a lost connection, is unexpected. null: anything may. */
  readonly allowed: readonly number[] | null;
}

export interface SlowTargets {
  readonly plain: string;
  readonly hanging: string;
  readonly huge: string;
}

/** Unary calls over HTTP/2. Each connection has as many calls at once as streams, and gives up others that it never ends. */
export interface SoakCalls {
  readonly connections: number;
  readonly streams: number;
  /** Deployments that answer, and those whose upstream refuses connections. */
  readonly answering: readonly CallTarget[];
  readonly refusing: readonly CallTarget[];
  /** Characters that right messages are made of. */
  readonly answers: readonly string[];
}

export interface CallTarget {
  readonly namespace: string;
  readonly name: string;
}

export interface SoakPlan {
  readonly port: number;
  readonly groups: readonly SoakGroup[];
  /** Bodies that are right with a 200. */
  readonly answers: readonly string[];
  readonly calls: SoakCalls;
  readonly slow: SlowTargets;
  /** Slow clients of each kind at once. */
  readonly slowClients: number;
}

export type SoakQuestion = { readonly kind: 'start'; readonly plan: SoakPlan } | { readonly kind: 'progress' } | { readonly kind: 'stop' };

/** By client, then by outcome: a status, `grpc` and a grpc-status, `cut` (no whole answer), `aborted` (the client left), `stalled` (the client did not read and was cut). */
export type Outcomes = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface SoakReport {
  readonly requests: number;
  readonly outcomes: Outcomes;
  readonly unexpected: number;
  readonly first: string | null;
}

export class Tally {
  readonly outcomes: Record<string, Record<string, number>> = {};
  requests = 0;
  unexpected = 0;
  first: string | null = null;

  add(client: string, outcome: string): void {
    const own = (this.outcomes[client] ??= {});
    own[outcome] = (own[outcome] ?? 0) + 1;
  }

  wrong(sentence: string): void {
    this.unexpected++;
    this.first ??= sentence;
  }
}
