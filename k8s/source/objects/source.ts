// Source: where Snapshots come from. A folder of manifests, or a cluster.
import type { ObjectRef, Problem } from "../../../routing/text/problem.ts";
import type { SourceObject } from "../../translate/model/object.ts";

/** What changed since the last call. The first change of a Source is everything. */
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
  readonly kind: "folder" | "cluster";
  /** Addresses that belong to where it comes from and are never to be dialled: the API server's. */
  readonly forbiddenAddresses: readonly string[];
  /** Where the record of releases (steps of rollouts, shares of bandits) is kept beyond this process; null: nowhere. */
  readonly releases: RecordStore | null;
  /** Where replicas agree which of them leads; null: nothing here is to be decided by one. */
  readonly leadership: LeaseStore | LeaderLock | null;
  /** Finds the replicas of this gateway; null where only their addresses can be written. */
  readonly replicas: ReplicaFinder | null;
  /** Says whose a token is and what its holder may read; null where nobody knows. */
  readonly reviews: AccessReviews | null;
  /** Tells people about Problems where their objects are; null where objects have no such place. */
  readonly events: EventWriter | null;
  /**
   * Delivers the first change before it resolves, later ones as they happen, never two at a time. Rejects with one clear sentence when it cannot start
   * (a missing folder).
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

/** The holder of a token. */
export type ReviewedUser =
  | {
      readonly kind: "user";
      readonly user: string;
      readonly uid: string;
      readonly groups: readonly string[];
      readonly extra: Readonly<Record<string, readonly string[]>>;
    }
  /** The token is none, or has ended. */
  | { readonly kind: "nobody" }
  /** Nobody could be asked. */
  | { readonly kind: "away" };

/** Asks the API server about callers. Never rejects. */
export interface AccessReviews {
  userOf(token: string): Promise<ReviewedUser>;
  /** May this user get SeldonDeployments there? `namespace` "": in all namespaces. */
  mayRead(user: Extract<ReviewedUser, { kind: "user" }>, namespace: string): Promise<"yes" | "no" | "away">;
}

/** A Problem as it is shown on its object. */
export interface ProblemEvent {
  /** The same for the same object, code and field, on every replica. */
  readonly name: string;
  readonly subject: ObjectRef;
  readonly type: "Warning" | "Normal";
  /** One word in capitals and small letters: `BadTimeout`. */
  readonly reason: string;
  readonly message: string;
}

export interface EventWriter {
  /**
   * Shows it once, whoever shows it: one that is there already is counted, and not even that while it is fresh. `no-object`: there is no such
   * object (any more). Never rejects.
   */
  write(event: ProblemEvent): Promise<"written" | "fresh" | "no-object" | "forbidden" | "failed">;
}

/** What is stored of a record. */
export type StoredRecord =
  /** `version`: what a write replaces. */
  | { readonly kind: "text"; readonly text: string; readonly version: string }
  | { readonly kind: "absent" }
  /** A sentence: why it cannot be read. */
  | { readonly kind: "unreadable"; readonly sentence: string };

export type RecordWrite =
  | { readonly kind: "written"; readonly version: string }
  /** Somebody else wrote meanwhile: what is stored is told anew. */
  | { readonly kind: "conflict" }
  | { readonly kind: "failed"; readonly sentence: string };

/** Holds one text that replicas share, and writes it only over the version that the writer has read. A text of more than `recordBytes` is refused. */
export interface RecordStore {
  readonly subject: ObjectRef;
  /** Tells what is stored now and whenever that changes. Before the Source starts; the first word comes before its start ends. */
  follow(told: (stored: StoredRecord) => void): void;
  /** `over` null: there is none yet. Never rejects. */
  write(text: string, over: string | null): Promise<RecordWrite>;
}

/** A Lease as it stands. */
export interface StoredLease {
  /** "": nobody holds it. */
  readonly holder: string;
  readonly durationSeconds: number;
  readonly transitions: number;
  /** As they were written; "" where they are missing. */
  readonly acquireTime: string;
  readonly renewTime: string;
}

export type LeaseRead =
  /** `version`: what a write replaces. */
  | { readonly kind: "lease"; readonly lease: StoredLease; readonly version: string }
  | { readonly kind: "absent" }
  | { readonly kind: "failed"; readonly sentence: string };

/** One Lease of a cluster. No call rejects, and each ends within a few seconds. */
export interface LeaseStore {
  readonly kind: "lease";
  readonly subject: ObjectRef;
  read(): Promise<LeaseRead>;
  /** `over` null: there is none yet. */
  write(lease: StoredLease, over: string | null): Promise<RecordWrite>;
}

/** A lock that ends with the process that has it. */
export interface LeaderLock {
  readonly kind: "lock";
  readonly subject: ObjectRef;
  /** Takes it, or has it already. `busy`: another process has it. */
  take(): Promise<{ readonly kind: "taken" | "busy" } | { readonly kind: "failed"; readonly sentence: string }>;
  release(): void;
}

/** A replica of this gateway, at its admin port. */
export interface Replica {
  /** Of its pod; "": nobody has said it. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export type FoundReplicas =
  | { readonly kind: "found"; readonly replicas: readonly Replica[] }
  | { readonly kind: "failed"; readonly sentence: string };

/** Finds the replicas behind a Service, this one among them. Never rejects. */
export interface ReplicaFinder {
  find(namespace: string, service: string): Promise<FoundReplicas>;
}
