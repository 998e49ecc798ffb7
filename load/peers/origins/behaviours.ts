// What a model server can do wrong, and how the suites call it.

export const behaviours = {
  healthy: "answers at once",
  chunked: "answers at once, in chunks",
  closing: "answers, and says that it closes",
  slow: "answers after 60 s",
  late: "answers after 50 to 200 ms",
  bytewise: "answers one byte at a time",
  hanging: "reads the request and never answers",
  stuck: "never reads",
  resetting: "resets the connection when the request has come",
  vanishing: "closes the connection when the request has come",
  cutting: "resets the connection in the middle of the answer",
  truncating: "closes the connection in the middle of the answer",
  garbage: "answers with what is not HTTP",
  contradicting: "answers with two lengths",
  talkative: "sends bytes that belong to no answer",
  huge: "answers with 100 MB",
  garbled: "answers with what is not JSON",
  deep: "answers with JSON of 10,000 levels",
} as const;

export type Behaviour = keyof typeof behaviours;

/** Starts a port for each; later questions get the same answer. */
export interface FaultyQuestion {
  readonly behaviours: readonly Behaviour[];
  /** Length of the JSON of a healthy answer; absent: as the fleet answers. Of the first question. */
  readonly answerBytes?: number;
  /** It never sleeps, so that its core never halts: a host that is short of time takes long to wake a halted one. */
  readonly spins?: true;
}

export interface FaultyReport {
  readonly ports: Readonly<Partial<Record<Behaviour, number>>>;
  /** Requests that came whole. */
  readonly received: Readonly<Partial<Record<Behaviour, number>>>;
  readonly openConnections: number;
}

/** A prediction of about so many bytes. */
export function predictionOf(bytes: number): string {
  const rows = Math.max(1, Math.round((bytes - 60) / 22));
  const row = (at: number): string => `[${(0.1 + (at % 89) / 100).toFixed(6)},${(0.9 - (at % 89) / 100).toFixed(6)}]`;
  return `{"data":{"names":["a","b"],"ndarray":[${Array.from({ length: rows }, (_, at) => row(at)).join(",")}]}}`;
}

export const hugeAnswerBytes = 100_000_000;
