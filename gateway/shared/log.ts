// Logs: JSON lines with named events. Every thread writes through a Log; only the supervisor's thread holds pino and the descriptor,
// so that lines of several threads never mix and a line outlives the worker that wrote it.
import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import type { DestinationStream, Logger } from "pino";
import { levelOf, type LogEvent, type LogLevel, type WriteLine } from "./log-events.ts";
import { visibleLines } from "../../routing/text/visible.ts";

export interface LogLine {
  readonly level: LogLevel;
  readonly event: LogEvent;
  readonly atMs: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Log {
  readonly write: WriteLine;
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
    write(event, fields, level = levelOf(event)) {
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

/** The log of the whole process. */
export interface ProcessLog extends LogEnd {
  /** Resolves when everything is written, or the reader has taken nothing for so long: what is left is lost. */
  end(): Promise<void>;
}

/** What a stalled reader leaves behind, at most. */
const mostHeldBytes = 16 * 1024 * 1024;
/** Time for the last lines. */
const endMs = 500;

/**
 * pino on standard output. Nothing here ever waits for the reader: what a stalled one leaves behind is kept up to 16 MiB, then dropped, and the
 * end of the process waits half a second for it.
 */
export async function pinoLog(): Promise<ProcessLog> {
  const { pino, destination } = await import("pino");
  const out = isPipe(1) ? new PipeEnd(1) : new FileEnd(destination({ dest: 1, sync: false, maxLength: mostHeldBytes }));
  // What others wrote (paths, names, sentences) stays data on the terminal of whoever reads the log.
  const shown: DestinationStream = { write: (line) => out.stream.write(visibleLines(line)) };
  const logger: Logger = pino(
    { base: null, messageKey: "event", timestamp: false, formatters: { level: (label) => ({ level: label }) } },
    shown,
  );
  const write = (line: LogLine): void => {
    logger[line.level]({ time: new Date(line.atMs).toISOString(), ...line.fields }, line.event);
  };
  return {
    log: {
      write: (event, fields, level = levelOf(event)) => write({ level, event, atMs: Date.now(), fields }),
      flush: () => undefined,
    },
    take: (lines) => lines.forEach(write),
    end: () => out.end(),
  };
}

/** A write to a full pipe stands still, in whatever thread: there a socket is used, which never blocks. */
function isPipe(descriptor: number): boolean {
  try {
    const stat = fstatSync(descriptor);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}

/** A pipe, or the socket of a journal. */
class PipeEnd {
  readonly #socket: Socket;
  #gone = false;
  readonly stream: { readonly write: (line: string) => void };

  constructor(descriptor: number) {
    this.#socket = new Socket({ fd: descriptor, readable: false, writable: true });
    // A reader that went away (EPIPE) must not end a gateway that serves.
    this.#socket.on("error", () => undefined);
    this.#socket.on("close", () => {
      this.#gone = true;
    });
    this.stream = {
      write: (line) => {
        if (!this.#gone && this.#socket.writableLength < mostHeldBytes) this.#socket.write(line);
      },
    };
  }

  async end(): Promise<void> {
    if (this.#gone || this.#socket.writableLength === 0) return;
    const taken = new Promise<void>((resolve) => {
      this.#socket.once("drain", resolve);
      this.#socket.once("close", resolve);
      // Less than `drain` is told of.
      this.#socket.write("", () => resolve());
    });
    const timer = Promise.withResolvers<void>();
    const timeout = setTimeout(timer.resolve, endMs);
    await Promise.race([taken, timer.promise]);
    clearTimeout(timeout);
  }
}

/** A file, a device or a terminal. */
class FileEnd {
  readonly #file: FileStream;
  #over = false;
  readonly stream: { readonly write: (line: string) => void };

  constructor(file: FileStream) {
    this.#file = file;
    // A full disk must not end a gateway that serves; what it refuses is tried again with the next line.
    file.on("error", () => undefined);
    this.stream = {
      write: (line) => {
        if (!this.#over) file.write(line);
      },
    };
  }

  async end(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    const ended = Promise.withResolvers<void>();
    const timeout = setTimeout(ended.resolve, endMs);
    this.#file.on("close", ended.resolve);
    this.#file.on("error", ended.resolve);
    this.#file.end();
    await ended.promise;
    clearTimeout(timeout);
    // Or pino calls its flushSync() at exit, which tries for ever what a full disk refuses.
    this.#file.destroy();
  }
}

type FileStream = DestinationStream & {
  on(event: "error" | "close", call: () => void): unknown;
  end(): void;
  destroy(): void;
};
