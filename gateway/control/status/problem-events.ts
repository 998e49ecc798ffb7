// Problems as events on their objects, so that `kubectl get events` and `kubectl describe` show them where people look. Never more than a few
// a second, never in a hurry: the gateway does not need them.
import { createHash } from "node:crypto";
import type { ObjectRef, Problem } from "../../../routing/text/problem.ts";
import { visible } from "../../../routing/text/visible.ts";
import type { EventWriter, ProblemEvent } from "../../../k8s/source/objects/source.ts";
import type { Alarm, Clock } from "../../shared/clock.ts";
import type { Log } from "../../shared/log.ts";

export interface ProblemEventTimes {
  /** Between two writes. */
  readonly betweenMs: number;
  /** A Problem that stays is shown again after this: the API server forgets events after an hour. */
  readonly againMs: number;
  /** After a refusal nothing is tried for this long. */
  readonly forbiddenMs: number;
}

export const problemEventTimes: ProblemEventTimes = { betweenMs: 200, againMs: 1_800_000, forbiddenMs: 600_000 };

/** Most Problems that are followed; later ones are seen in /api/v1/problems. */
const maxProblems = 5000;
/** Objects whose changes wait to be shown, and of one namespace; those of others are in the log. */
export const maxChanged = 100;
export const maxChangedOfNamespace = 10;
/** Steps of rollouts that wait, beside changes: the leader alone writes them, so no burst of changes may crowd one out. */
export const maxSteps = 500;
export const maxStepsOfNamespace = 100;
/** The API server takes 1024 bytes of a message. */
const messageLength = 1000;

interface Shown {
  readonly event: ProblemEvent;
  /** Not before this time of the clock. */
  dueMs: number;
}

export class ProblemEvents {
  readonly #writer: EventWriter;
  readonly #times: ProblemEventTimes;
  readonly #log: Log;
  readonly #clock: Clock;
  /** Between two writes; null: none was made. */
  #pauseAlarm: Alarm | null = null;
  #stopped = false;
  readonly #events = new WeakMap<Problem, ProblemEvent>();
  #shown = new Map<string, Shown>();
  #seen: readonly Problem[] = [];
  /** Changes of objects that are not shown yet, by name. */
  readonly #changed = new Map<string, ProblemEvent>();
  /** Steps of rollouts that are not shown yet, by name: they go before changes. */
  readonly #steps = new Map<string, ProblemEvent>();
  #pausedUntilMs = -Infinity;
  #writing = false;

  constructor(writer: EventWriter, times: ProblemEventTimes, log: Log, clock: Clock) {
    this.#writer = writer;
    this.#times = times;
    this.#log = log;
    this.#clock = clock;
  }

  /** All Problems there are now. Those of level info are not told: they are no reason to act. */
  take(problems: readonly Problem[]): void {
    if (problems !== this.#seen) {
      this.#seen = problems;
      const shown = new Map<string, Shown>();
      for (const problem of inTurns(problems)) {
        if (shown.size >= maxProblems) break;
        const event = this.#eventOf(problem);
        const before = this.#shown.get(event.name);
        shown.set(event.name, before?.event.message === event.message ? before : { event, dueMs: -Infinity });
      }
      this.#shown = shown;
    }
    if (!this.#writing) void this.#write();
  }

  /** An object was changed: shown once, with what else of it changed and is not shown yet. */
  changed(event: ProblemEvent): void {
    const waiting = this.#changed.get(event.name);
    if (waiting !== undefined)
      this.#changed.set(event.name, { ...event, message: shortened(`${waiting.message}; ${event.message}`) });
    else if (hasRoom(this.#changed, event, maxChanged, maxChangedOfNamespace)) this.#changed.set(event.name, event);
    if (!this.#writing) void this.#write();
  }

  /** A rollout went to another step, or a person paused it. */
  stepped(event: ProblemEvent): void {
    if (hasRoom(this.#steps, event, maxSteps, maxStepsOfNamespace)) this.#steps.set(event.name, event);
    if (!this.#writing) void this.#write();
  }

  /** Problems stay the same objects while nothing changes them: at 5000 of them the hashes would take milliseconds of every look. */
  #eventOf(problem: Problem): ProblemEvent {
    let event = this.#events.get(problem);
    if (event === undefined) this.#events.set(problem, (event = eventOf(problem)));
    return event;
  }

  stop(): void {
    this.#stopped = true;
    this.#pauseAlarm?.cancel();
  }

  async #write(): Promise<void> {
    this.#writing = true;
    let walked;
    do {
      walked = this.#shown;
      await this.#writeDue(walked);
      await this.#writeChanged();
    } while ((walked !== this.#shown || this.#changed.size + this.#steps.size > 0) && !this.#stopped);
    this.#writing = false;
  }

  async #writeDue(shown: ReadonlyMap<string, Shown>): Promise<void> {
    for (const one of shown.values()) {
      const nowMs = this.#clock.now();
      if (this.#stopped || nowMs < this.#pausedUntilMs) return;
      // A newer set may have taken the place of the one that is walked.
      if (one.dueMs > nowMs || this.#shown.get(one.event.name) !== one) continue;
      one.dueMs = nowMs + this.#times.againMs;
      const written = await this.#writeOne(one.event);
      if (written === "failed") one.dueMs = nowMs + this.#times.betweenMs * 50;
      // Neither waits for all of the other.
      await this.#writeChanged();
    }
  }

  /** One of those that wait. */
  async #writeChanged(): Promise<void> {
    if (this.#clock.now() < this.#pausedUntilMs) for (const waiting of [this.#steps, this.#changed]) waiting.clear();
    const waiting = this.#steps.size > 0 ? this.#steps : this.#changed;
    for (const event of waiting.values()) {
      waiting.delete(event.name);
      if (!this.#stopped) await this.#writeOne(event);
      return;
    }
  }

  async #writeOne(event: ProblemEvent): Promise<Awaited<ReturnType<EventWriter["write"]>>> {
    const written = await this.#writer.write(event);
    if (written === "forbidden") this.#pause(this.#clock.now());
    await new Promise<void>((resolve) => (this.#pauseAlarm = this.#clock.after(this.#times.betweenMs, resolve)));
    return written;
  }

  #pause(nowMs: number): void {
    this.#pausedUntilMs = nowMs + this.#times.forbiddenMs;
    for (const one of this.#shown.values()) one.dueMs = -Infinity;
    this.#log.write("events-forbidden", {
      sentence: "Sluice may not write Problems as Kubernetes Events: grant it get, create and patch of events",
    });
  }
}

function hasRoom(waiting: ReadonlyMap<string, ProblemEvent>, event: ProblemEvent, max: number, maxOf: number): boolean {
  const of = [...waiting.values()].filter(({ subject }) => subject.namespace === event.subject.namespace);
  return waiting.size < max && of.length < maxOf;
}

/** Those that are told, one of each namespace in turn: thousands in one take neither place nor time from the few of another. */
function* inTurns(problems: readonly Problem[]): Iterable<Problem> {
  const byNamespace = new Map<string, Problem[]>();
  for (const problem of problems) {
    const { namespace } = problem.subject;
    if (problem.level === "info" || namespace === "") continue;
    const of = byNamespace.get(namespace);
    if (of === undefined) byNamespace.set(namespace, [problem]);
    else of.push(problem);
  }
  for (let turn = 0; byNamespace.size > 0; turn++) {
    for (const [namespace, of] of byNamespace) {
      yield of[turn]!;
      if (turn + 1 === of.length) byNamespace.delete(namespace);
    }
  }
}

/** The name is a hash of object, code and field, the same on every replica. */
export function eventOf({ code, level, subject, field, sentence }: Problem): ProblemEvent {
  return {
    name: eventName(subject, code, field),
    subject,
    type: level === "info" ? "Normal" : "Warning",
    reason: code.replace(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
    message: shortened(visible(field === "" ? sentence : `${field}: ${sentence}`)),
  };
}

export function eventName({ kind, namespace, name }: ObjectRef, ...more: readonly string[]): string {
  const identity = createHash("sha256").update(JSON.stringify([kind, namespace, name, ...more]));
  return `sluice-${identity.digest("hex").slice(0, 20)}`;
}

export function shortened(text: string): string {
  if (Buffer.byteLength(text) <= messageLength) return text;
  const cut = Buffer.from(text)
    .subarray(0, messageLength - 3)
    .toString("utf8")
    .replace(/\uFFFD+$/, "");
  return `${cut}...`;
}
