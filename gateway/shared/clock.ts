// Clock: where a thread's time comes from. Whatever waits or measures is given one, so that tests say when time goes on.

/** What was asked for with `after`. */
export interface Alarm {
  /** Does nothing once it has rung. */
  cancel(): void;
}

export interface Clock {
  /** ms, never going back; from when they count is the clock's own. */
  now(): number;
  /** Calls `ring` once, `ms` from now or a little later. Waiting keeps no process alive. */
  after(ms: number, ring: () => void): Alarm;
}

/**
 * The process's own time. What has arrived before an alarm rings is taken first: a thread that was kept from running (one of 64 on two cores was, for
 * more than the 3 s of a connection) would else blame its peers, as timers come before sockets in a turn.
 */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, ring) => {
    let immediate: NodeJS.Immediate | undefined;
    const timer = setTimeout(() => {
      immediate = setImmediate(ring);
    }, ms).unref();
    return {
      cancel: () => {
        clearTimeout(timer);
        clearImmediate(immediate);
      },
    };
  },
};

/** Resolves `ms` later. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}
