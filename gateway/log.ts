// Logs: JSON lines with named events. Every thread writes through a Log; only the supervisor's thread holds pino and the descriptor,
// so that lines of several threads never mix and a line outlives the worker that wrote it.
import type { Logger } from 'pino';

export type LogLevel = 'info' | 'warn' | 'error';

export interface LogLine {
  readonly level: LogLevel;
  /** A stable kebab-case name: `listening`, `worker-ended`, `access`. */
  readonly event: string;
  readonly atMs: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Log {
  write(level: LogLevel, event: string, fields: Readonly<Record<string, unknown>>): void;
  /** Hands on what is held back. */
  flush(): void;
}

/** Lines held back at most this long, so that a busy worker posts one message for many. */
const holdMs = 50;
const holdLines = 256;

/** A Log for a worker thread: posts its lines in batches. */
export function postedLog(post: (lines: readonly LogLine[]) => void): Log {
  let held: LogLine[] = [];
  let timer: NodeJS.Timeout | null = null;
  const flush = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (held.length === 0) return;
    const lines = held;
    held = [];
    post(lines);
  };
  return {
    write(level, event, fields) {
      held.push({ level, event, atMs: Date.now(), fields });
      if (held.length >= holdLines) flush();
      else timer ??= setTimeout(flush, holdMs).unref();
    },
    flush,
  };
}

/** Where lines end: pino on standard output. */
export interface LogEnd {
  readonly log: Log;
  /** Writes the lines of another thread. */
  take(lines: readonly LogLine[]): void;
}

/**
 * pino on standard output. Writing never blocks the supervisor: what a stalled reader leaves behind is kept up to 16 MiB, then dropped.
 * `flush` is synchronous, for the end of the process.
 */
export async function pinoLog(): Promise<LogEnd> {
  const { pino, destination } = await import('pino');
  const out = destination({ dest: 1, sync: false, maxLength: 16 * 1024 * 1024 });
  // A reader that went away (EPIPE) must not end a gateway that serves.
  out.on('error', () => {});
  const logger: Logger = pino({ base: null, messageKey: 'event', timestamp: false, formatters: { level: (label) => ({ level: label }) } }, out);
  const write = (line: LogLine): void => {
    logger[line.level]({ time: new Date(line.atMs).toISOString(), ...line.fields }, line.event);
  };
  return {
    log: {
      write: (level, event, fields) => write({ level, event, atMs: Date.now(), fields }),
      flush: () => {
        try {
          out.flushSync();
        } catch {
          // Not open yet, or the reader is gone: nothing more can be written.
        }
      },
    },
    take: (lines) => lines.forEach(write),
  };
}
