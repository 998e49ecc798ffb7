// Source: where Snapshots come from. A folder of manifests, or a cluster.
import type { ObjectRef, Problem } from '../../routing/problem.ts';
import type { SourceObject } from '../translate/object.ts';

/** What changed since the last call. The first change of a Source holds everything. */
export interface SourceChange {
  readonly set: readonly SourceObject[];
  /** Keys (`objectKey`) of objects that are gone. */
  readonly removed: readonly string[];
  /** All Problems of the Source itself (a file that does not parse), replacing the earlier ones. */
  readonly problems: readonly Problem[];
  /** performance.timeOrigin + performance.now() when the first byte of this change was read, ms: start of `sluice_change_live_seconds`. */
  readonly readAtMs: number;
}

export interface Source {
  readonly kind: 'folder' | 'cluster';
  /** Addresses that belong to where it comes from and are never to be dialled: the API server's. */
  readonly forbiddenAddresses: readonly string[];
  /** Tells people about Problems where their objects are; null where objects have no such place. */
  readonly events: EventWriter | null;
  /**
   * Delivers the first, whole change before it resolves, later ones as they happen, never two at a time.
   * Rejects with one clear sentence when it cannot start (a missing folder).
   */
  start(deliver: (change: SourceChange) => void): Promise<void>;
  stop(): Promise<void>;
  /** All Secrets that manifests refer to now, as `namespace/name`. A cluster Source reads these and no others. */
  follow(secrets: ReadonlySet<string>): void;
  /** Seconds since the Source last knew the truth: 0 for a folder that is watched. */
  ageSeconds(): number;
  /** Why it does not know the truth, as a sentence for logs and /readyz; null while it does. */
  trouble(): string | null;
}

/** A Problem as it is shown on its object. */
export interface ProblemEvent {
  /** The same for the same object, code and field, on every replica. */
  readonly name: string;
  readonly subject: ObjectRef;
  readonly type: 'Warning' | 'Normal';
  /** One word in capitals and small letters: `BadTimeout`. */
  readonly reason: string;
  readonly message: string;
}

export interface EventWriter {
  /**
   * Shows it once, whoever shows it: one that is there already is counted, and not even that while it is fresh. `no-object`: there is no such
   * object (any more). Never rejects.
   */
  write(event: ProblemEvent): Promise<'written' | 'fresh' | 'no-object' | 'forbidden' | 'failed'>;
}
