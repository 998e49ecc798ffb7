// Client-go's leader election (tools/leaderelection) by a Lease. Clocks of replicas are not compared: each sees by its own clock for how long the
// Lease has not changed. A leader counts its time from before it asked to renew, so that it stops before any other may begin.
import type { LeaseRead, LeaseStore, StoredLease } from "../../../k8s/source/objects/source.ts";
import { sameValue } from "../../../routing/text/diff.ts";
import type { Alarm } from "../../shared/clock.ts";
import { electionTimes, type Election, type ElectionOutside } from "./leadership.ts";
import { ToldLeadership } from "./told-leadership.ts";

const { leaseMs, renewDeadlineMs, retryMs } = electionTimes;
/** Who does not hold the Lease asks up to so much later than after `retryMs`, as a part of it: replicas do not all ask at once. */
const jitter = 1.2;
/** A Lease says how long it is valid. One that says more was not written by a gateway. */
const maxLeaseSeconds = 600;

/** A Lease as it was last seen to change. */
interface Observed {
  readonly lease: StoredLease;
  readonly version: string;
  /** Of the clock. */
  readonly sinceMs: number;
}

export class LeaseElection extends ToldLeadership implements Election {
  readonly #store: LeaseStore;
  #observed: Observed | null = null;
  /** When it asked for the last renewal that was granted. */
  #renewedMs = -Infinity;
  #isOver = false;
  #released: Promise<void> | null = null;
  #attempt: Promise<void> = Promise.resolve();
  #next: Alarm | null = null;
  #deadline: Alarm | null = null;

  constructor(store: LeaseStore, outside: ElectionOutside) {
    super(outside);
    this.#store = store;
  }

  isLeader(): boolean {
    return this.outside.clock.now() < this.#renewedMs + renewDeadlineMs;
  }

  get leader(): string | null {
    if (this.isLeader()) return this.outside.self;
    const { lease, sinceMs } = this.#observed ?? { lease: null, sinceMs: 0 };
    const isOther = lease !== null && lease.holder !== "" && lease.holder !== this.outside.self;
    return isOther && this.outside.clock.now() < sinceMs + validMs(lease) ? lease.holder : null;
  }

  start(): void {
    this.#attempt = this.#try();
  }

  release(): Promise<void> {
    return (this.#released ??= this.#release());
  }

  async #release(): Promise<void> {
    this.#isOver = true;
    this.#next?.cancel();
    this.#deadline?.cancel();
    await this.#attempt;
    const wasLeader = this.isLeader();
    this.#renewedMs = -Infinity;
    this.tell();
    if (!wasLeader || this.#observed === null) return;
    const { lease, version } = this.#observed;
    const at = microTime(this.outside.epochMs());
    // Valid for a second, as client-go leaves it. The next replica that reads it may take it.
    await this.#store.write({ ...lease, holder: "", durationSeconds: 1, acquireTime: at, renewTime: at }, version);
  }

  async #try(): Promise<void> {
    const atMs = this.outside.clock.now();
    const failure = await this.#acquireOrRenew(atMs);
    this.failed(failure);
    this.tell();
    if (this.#isOver) return;
    this.#deadline?.cancel();
    const leftMs = this.#renewedMs + renewDeadlineMs - this.outside.clock.now();
    this.#deadline = leftMs > 0 ? this.outside.clock.after(leftMs, () => this.tell()) : null;
    const waitMs = this.isLeader() ? retryMs : retryMs * (1 + jitter * this.outside.random());
    this.#next = this.outside.clock.after(waitMs, () => {
      this.#attempt = this.#try();
    });
  }

  /** Why this replica could not ask for the Lease; null: the API server answered. */
  async #acquireOrRenew(atMs: number): Promise<string | null> {
    // A leader renews what it has written itself, and reads only where that fails.
    if (this.isLeader() && this.#observed !== null && (await this.#renew(this.#observed, atMs)) === "written")
      return null;
    const read = await this.#store.read();
    if (read.kind === "failed") return read.sentence;
    this.#observe(read);
    const { self } = this.outside;
    const { lease, sinceMs } = this.#observed ?? { lease: null, sinceMs: 0 };
    if (lease !== null && lease.holder !== self) {
      this.#renewedMs = -Infinity;
      if (lease.holder !== "" && this.outside.clock.now() < sinceMs + validMs(lease)) return null;
    }
    const outcome = await this.#renew(this.#observed, this.outside.clock.now());
    return outcome === "written" || outcome === "conflict" ? null : outcome.sentence;
  }

  async #renew(over: Observed | null, atMs: number): Promise<"written" | "conflict" | { readonly sentence: string }> {
    if (this.#isOver) return "conflict";
    const { self } = this.outside;
    const at = microTime(this.outside.epochMs());
    const before = over?.lease ?? null;
    const isOwn = before?.holder === self;
    const lease: StoredLease = {
      holder: self,
      durationSeconds: leaseMs / 1000,
      transitions: before === null ? 0 : isOwn ? before.transitions : before.transitions + 1,
      acquireTime: isOwn ? before.acquireTime : at,
      renewTime: at,
    };
    const written = await this.#store.write(lease, over?.version ?? null);
    if (written.kind === "failed") return { sentence: written.sentence };
    if (written.kind === "conflict") return "conflict";
    this.#observed = { lease, version: written.version, sinceMs: atMs };
    this.#renewedMs = atMs;
    return "written";
  }

  #observe(read: Exclude<LeaseRead, { readonly kind: "failed" }>): void {
    if (read.kind === "absent") {
      this.#observed = null;
      // Somebody deleted it: any replica may have it next.
      this.#renewedMs = -Infinity;
      return;
    }
    const { lease, version } = read;
    const isSame = this.#observed !== null && sameValue(lease, this.#observed.lease);
    this.#observed = { lease, version, sinceMs: isSame ? this.#observed!.sinceMs : this.outside.clock.now() };
  }
}

/** For how long it is valid after it was seen to change, ms: never less than the time in which its holder may believe to lead. */
function validMs({ durationSeconds }: StoredLease): number {
  const seconds = Number.isFinite(durationSeconds) ? Math.min(durationSeconds, maxLeaseSeconds) : 0;
  return Math.max(leaseMs, seconds * 1000);
}

/** As Kubernetes' MicroTime. */
function microTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace("Z", "000Z");
}
