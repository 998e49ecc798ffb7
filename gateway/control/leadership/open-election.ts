// By what replicas agree on a leader: a Lease in a cluster, a lock in a folder.
import type { Source } from "../../../k8s/source/objects/source.ts";
import type { Election, ElectionOutside } from "./leadership.ts";
import { LeaseElection } from "./lease-election.ts";
import { LockElection } from "./lock-election.ts";

/** null: nothing is to be decided by one. */
export function openElection({ leadership }: Source, outside: ElectionOutside): Election | null {
  if (leadership === null) return null;
  return leadership.kind === "lease" ? new LeaseElection(leadership, outside) : new LockElection(leadership, outside);
}
