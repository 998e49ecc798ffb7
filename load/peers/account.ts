// CPU time from the kernel's own accounting: nanoseconds on a CPU of every thread of a process tree (/proc/PID/task/TID/schedstat).
//
// Work that the kernel does in soft interrupts on behalf of a thread is charged to that thread; what it leaves to ksoftirqd is not,
// so that thread of core 0 is read too and shown beside the peer.
import { readFileSync, readdirSync } from "node:fs";

export interface ThreadTime {
  readonly pid: number;
  readonly thread: number;
  readonly name: string;
  readonly ns: number;
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null; // It ended between the listing and the read.
  }
}

function threadsOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

/** The process and all its descendants. */
export function processTree(pid: number): readonly number[] {
  const children = threadsOf(pid).flatMap((thread) =>
    (readOrNull(`/proc/${pid}/task/${thread}/children`) ?? "").split(" ").filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(processTree)];
}

export function threadTimes(rootPid: number): readonly ThreadTime[] {
  return processTree(rootPid).flatMap((pid) =>
    threadsOf(pid).flatMap((thread) => {
      const schedstat = readOrNull(`/proc/${pid}/task/${thread}/schedstat`);
      if (schedstat === null) return [];
      const name = (readOrNull(`/proc/${pid}/task/${thread}/comm`) ?? "").trim();
      return [{ pid, thread, name, ns: Number(schedstat.split(" ")[0]) }];
    }),
  );
}

/** Time between two readings, busiest thread first. A thread that ended in between is lost: `ended` counts them. */
export function timeBetween(
  before: readonly ThreadTime[],
  after: readonly ThreadTime[],
): { readonly threads: readonly ThreadTime[]; readonly ended: number } {
  const key = (time: ThreadTime): string => `${time.pid}/${time.thread}`;
  const start = new Map(before.map((time) => [key(time), time.ns]));
  const present = new Set(after.map(key));
  const threads = after
    .map((time) => ({ ...time, ns: time.ns - (start.get(key(time)) ?? 0) }))
    .filter((time) => time.ns > 0)
    .sort((a, b) => b.ns - a.ns);
  return { threads, ended: before.filter((time) => !present.has(key(time))).length };
}

export function totalNs(times: readonly ThreadTime[]): number {
  return times.reduce((sum, time) => sum + time.ns, 0);
}

export interface CoreTime {
  /** Everything but idle and waiting for a disk, ms, to the kernel's tick of 10 ms. */
  readonly busyMs: number;
  /** Taken by the host from this machine, ms. */
  readonly stolenMs: number;
}

/** Time of a core since the machine started (/proc/stat): what others do on the proxy's core spoils its caches and so a round. */
export function coreTime(core: number): CoreTime {
  const line = (readOrNull("/proc/stat") ?? "").split("\n").find((one) => one.startsWith(`cpu${core} `)) ?? "";
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0, stolen = 0] = line
    .split(" ")
    .slice(1)
    .map((ticks) => Number(ticks) * 10);
  return { busyMs: user + nice + system + interrupts + softInterrupts, stolenMs: stolen };
}

/** The kernel thread that runs what soft interrupts leave over on a core; null where it is not visible. */
export function softInterruptThread(core: number): number | null {
  const wanted = `ksoftirqd/${core}`;
  for (const entry of readdirSync("/proc")) {
    if (/^\d+$/.test(entry) && readOrNull(`/proc/${entry}/comm`)?.trim() === wanted) return Number(entry);
  }
  return null;
}

/** A field of /proc/PID/status that is given in kB, such as VmRSS, in bytes; null when the process is gone. */
export function statusBytes(pid: number, field: "VmRSS" | "VmHWM" | "RssAnon"): number | null {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readOrNull(`/proc/${pid}/status`) ?? "");
  return found === null ? null : Number(found[1]) * 1024;
}
