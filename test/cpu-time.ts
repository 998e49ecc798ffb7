// CPU time of readers, as tests hold it to the rule: bytes of strangers cost time linear in their number, however they are cut.

/** Runs before the first that counts: compiled by then. */
const warmRuns = 3;
/** Attempts before a reader is called dear: a neighbour on the same core can disturb several in a row. */
const mostAttempts = 12;
const growth = 8;
/** Between what linear (8) and square (64) come to. */
const mostTimes = 22;
/** CPU time that is measured in one piece, µs: some kernels count that of a thread only at their ticks, each 4 ms. */
const leastMicros = 40_000;

/** CPU time of this thread that one `read` takes, µs: the mean of as many as one can measure together. */
async function microsOf(read: () => unknown): Promise<number> {
  const before = process.threadCpuUsage();
  for (let reads = 1; ; reads++) {
    await read();
    const { user, system } = process.threadCpuUsage(before);
    if (user + system >= leastMicros) return (user + system) / reads;
  }
}

/**
 * How many times as much CPU time eight times the `size` takes; throws where that is more than in proportion. `read` prepares nothing: what it reads is made by
 * `made`, which is not counted.
 */
export async function holdsLinear<Prepared>(
  size: number,
  made: (size: number) => Prepared,
  read: (prepared: Prepared) => unknown,
): Promise<number> {
  const small = made(size);
  const large = made(size * growth);
  for (let run = 0; run < warmRuns; run++) await read(small);
  let times = Infinity;
  let least = Infinity;
  let most = Infinity;
  // A machine that is busy makes both look dearer, never cheaper, so the cheapest of all attempts counts.
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    least = Math.min(least, await microsOf(() => read(small)));
    most = Math.min(most, await microsOf(() => read(large)));
    times = most / least;
    if (times <= mostTimes) return times;
  }
  throw new Error(`${growth} times as many bytes cost ${times.toFixed(1)} times as much CPU time`);
}
