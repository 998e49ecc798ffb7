// What every suite gets from the command line.
export interface SuiteOptions {
  /** Names of peers, in the order of their turns. */
  readonly peers: readonly string[];
  readonly rounds: number;
  readonly connections: readonly number[];
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly addresses: "shared" | "own";
  readonly deployments: number;
  /** null: the suite finds it out. */
  readonly perSecond: number | null;
  /** null: the suite's own number. */
  readonly requests: number | null;
  readonly workers: readonly number[];
  /** Of a suite with several workloads those whose title has one of these texts; empty: all. */
  readonly only: readonly string[];
  /** Proves that the check of bodies can fail: the upstream answers something else. */
  readonly wrongBodies: boolean;
  /** Folder for configurations, manifests and logs. */
  readonly folder: string;
}

/** Is this workload wanted? */
export function isChosen({ only }: SuiteOptions, title: string): boolean {
  return only.length === 0 || only.some((text) => title.includes(text));
}

export interface Suite {
  readonly name: string;
  readonly does: string;
  /** Deployments, when the command line does not say. */
  readonly deployments: number;
  /** Runs it and gives the result as Markdown. */
  run(options: SuiteOptions): Promise<string>;
}
