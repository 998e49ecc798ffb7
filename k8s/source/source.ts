// Source: where Snapshots come from. A folder of manifests, or (later) a cluster.
import type { Problem } from '../../routing/problem.ts';
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
  /**
   * Delivers the first, whole change before it resolves, later ones as they happen, never two at a time.
   * Rejects with one clear sentence when it cannot start (a missing folder).
   */
  start(deliver: (change: SourceChange) => void): Promise<void>;
  stop(): Promise<void>;
  /** Seconds since the Source last knew the truth: 0 for a folder that is watched. */
  ageSeconds(): number;
}
