// A child process of a test that must not outlive it, whatever ends the test.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";

const setpriv = "/usr/bin/setpriv";

export class Child {
  readonly exited: Promise<void>;
  readonly #process: ChildProcess;
  readonly #log: string;
  readonly #name: string;

  /** What it prints is added to the file `log`. Where there is setpriv, the kernel ends it with the thread that started it. */
  constructor(program: string, argv: readonly string[], log: string) {
    this.#log = log;
    this.#name = program;
    const output = openSync(log, "a");
    const command = existsSync(setpriv) ? [setpriv, "--pdeathsig", "KILL", "--", program] : [program];
    this.#process = spawn(command[0]!, [...command.slice(1), ...argv], { stdio: ["ignore", output, output] });
    closeSync(output);
    this.exited = once(this.#process, "exit").then(() => {});
  }

  get ended(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Throws, with the last lines that it printed, when it ended by itself. */
  assertRunning(): void {
    if (this.ended)
      throw new Error(`${this.#name} ended: ${readFileSync(this.#log, "utf8").split("\n").slice(-15).join("\n")}`);
  }

  /** Sends the signal without waiting: SIGSTOP and SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Ends it and waits for that. */
  async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    if (!this.ended) this.#process.kill(signal);
    await this.exited;
  }
}
