// Waiting in tests: for a condition, looked at after each turn of the event loop in which something happened, and for what is under way to arrive.

/** Far more than anything here takes on a busy machine. */
const patienceMs = 25_000;

/** Sockets are closed and timers run behind the immediates of a turn, and what they set going has its turn too. */
const tailTurns = 3;

/** Waits until the loop has something to do, and has done it: an immediate without a reference runs behind every poll and keeps none from waiting. */
async function nextEvents(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve).unref();
  });
  await turns(tailTurns);
}

/** Waits until `holds`. Throws after 25 s, naming `what`: a text, or what is asked then. For what changes in this process or tells it something. */
export async function eventually(holds: () => boolean, what: string | (() => string)): Promise<void> {
  let late = false;
  const timer = setTimeout(() => (late = true), patienceMs);
  try {
    while (!holds()) {
      if (late) throw new Error(`never: ${typeof what === "string" ? what : what()}`);
      await nextEvents();
    }
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Lets so many turns of the loop pass, without waiting for anything: what is under way between sockets of this process arrives, one hop in about
 * two turns. For showing that something does not happen; what happens is awaited by `eventually`.
 */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** Turns in which nothing comes, after which nothing will: a hop takes about two. */
const quietTurns = 12;

/** Waits until `count` stands still, and gives it: all that is under way has arrived, or whoever sends has stopped. */
export async function settled(count: () => number): Promise<number> {
  let last = count();
  for (let quiet = 0; quiet < quietTurns; quiet++) {
    await turns(1);
    const now = count();
    if (now !== last) quiet = -1;
    last = now;
  }
  return last;
}
