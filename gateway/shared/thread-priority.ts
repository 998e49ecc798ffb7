// Priority of a thread among the threads of its machine. The control thread and the data workers share cores where there are few: what it does takes
// milliseconds at a time (a scrape, a collection of garbage, a relist), and a request that stands behind it is late by as much.
import { readlinkSync } from "node:fs";
import { constants, getPriority, setPriority } from "node:os";

/** Nice values go from −20 to 19; a step is a quarter less of a contended core: a quarter of one beside a busy data worker, and a data worker that wakes up goes first. */
const below = 5;

/** From now on this thread stands behind others that want to run. It cannot be taken back. Elsewhere than on Linux, and where it is not allowed, nothing happens. */
export function stepBack(): void {
  try {
    // `PID/task/TID`; on Linux setpriority(2) takes a thread's id.
    const thread = Number(readlinkSync("/proc/thread-self").split("/").at(-1));
    setPriority(thread, Math.min(constants.priority.PRIORITY_LOW, getPriority(thread) + below));
  } catch {
    // It only shares cores less well.
  }
}
