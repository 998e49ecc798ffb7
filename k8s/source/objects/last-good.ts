// Last good: what a Source knew when it last knew the truth, kept outside the process for a start while the truth cannot be had.
import type { ObjectRef } from "../../../routing/text/problem.ts";

/** An object in a form that can be stored. */
export interface StoredForm {
  readonly ref: ObjectRef;
  readonly apiVersion: string;
  /** Of the API server, or "". */
  readonly uid: string;
  /** JSON of what routing reads. */
  readonly text: string;
}

export interface LastGoodRead {
  readonly objects: readonly StoredForm[];
  /** Time since it was the truth, seconds; 0 where clocks disagree. */
  readonly ageSeconds: number;
}

export interface LastGood {
  /** null: there is none that can be used. */
  read(): Promise<LastGoodRead | null>;
  /** Something changed: `objects` is called when it is time to write. Secrets are never among them. */
  changed(objects: () => readonly StoredForm[]): void;
  /** Writes what is not written yet. */
  close(): Promise<void>;
}
