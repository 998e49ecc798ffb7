// Of several processes on one state file, the one that holds its lock leads.
import type { LeaderLock } from "../../../k8s/source/objects/source.ts";
import type { Alarm } from "../../shared/clock.ts";
import { electionTimes, type Election, type ElectionOutside } from "./leadership.ts";
import { ToldLeadership } from "./told-leadership.ts";

export class LockElection extends ToldLeadership implements Election {
  readonly #lock: LeaderLock;
  #isHeld = false;
  #isOver = false;
  #alarm: Alarm | null = null;

  constructor(lock: LeaderLock, outside: ElectionOutside) {
    super(outside);
    this.#lock = lock;
  }

  isLeader(): boolean {
    return this.#isHeld;
  }

  get leader(): string | null {
    return this.#isHeld ? this.outside.self : null;
  }

  start(): void {
    void this.#try();
  }

  release(): Promise<void> {
    this.#isOver = true;
    this.#alarm?.cancel();
    this.#isHeld = false;
    this.#lock.release();
    this.tell();
    return Promise.resolve();
  }

  async #try(): Promise<void> {
    const outcome = await this.#lock.take();
    if (this.#isOver) return this.#lock.release();
    this.failed(outcome.kind === "failed" ? outcome.sentence : null);
    if (outcome.kind === "taken") {
      this.#isHeld = true;
      return this.tell();
    }
    this.#alarm = this.outside.clock.after(electionTimes.retryMs, () => void this.#try());
  }
}
