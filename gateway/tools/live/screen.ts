// A screen that is drawn again and again until the user ends it, or one text where nobody looks: in a pipe.
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";

/** Where a live command draws. */
export interface Screen {
  /** A terminal; else a pipe or a file, which has no size. */
  readonly isLive: boolean;
  size(): { readonly columns: number; readonly rows: number };
  write(text: string): void;
  /** Resolves after this time, when the terminal has another size, or when the user ends it: then false. */
  pause(ms: number): Promise<boolean>;
  close(): void;
}

const enter = "\u001b[?1049h\u001b[?25l";
const leave = "\u001b[?25h\u001b[?1049l";
const smallest = { columns: 20, rows: 4 };

/** The terminal of this process. SIGINT, SIGTERM and a reader that leaves end it. */
export function processScreen(): Screen {
  const { stdout } = process;
  const ended = new AbortController();
  const end = (): void => ended.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
  // A pipe whose reader has left.
  stdout.on("error", end);
  const isLive = stdout.isTTY && process.env["TERM"] !== "dumb";
  if (isLive) stdout.write(enter);
  return {
    isLive,
    size: () => ({
      columns: Math.max(1, stdout.columns || smallest.columns),
      rows: Math.max(1, stdout.rows || smallest.rows),
    }),
    write: (text) => void stdout.write(text),
    pause: async (ms) => {
      if (ended.signal.aborted) return false;
      const over = new AbortController();
      const signal = AbortSignal.any([ended.signal, over.signal]);
      await Promise.race([
        wait(ms, undefined, { signal }),
        ...(isLive ? [once(stdout, "resize", { signal })] : []),
      ]).catch(() => undefined);
      over.abort();
      return !ended.signal.aborted;
    },
    close: () => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.removeListener(signal, end);
      stdout.removeListener("error", end);
      if (isLive) stdout.write(leave);
    },
  };
}

/** One picture in place of the one before, without a line of that left. */
export function picture(lines: readonly string[]): string {
  return `\u001b[H${lines.map((line) => `${line}\u001b[K`).join("\r\n")}\u001b[J`;
}
