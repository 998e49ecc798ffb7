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

export interface SoakPlan {
  readonly port: number;
  readonly groups: readonly SoakGroup[];
  /** Bodies that are right with a 200. */
  readonly answers: readonly string[];
  readonly slow: SlowTargets;
  /** Slow clients of each kind at once. */
  readonly slowClients: number;
}

export type SoakQuestion = { readonly kind: 'start'; readonly plan: SoakPlan } | { readonly kind: 'progress' } | { readonly kind: 'stop' };

/** By client, then by outcome: a status, `cut` (no whole answer), `aborted` (the client left), `stalled` (the client did not read and was cut). */
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
