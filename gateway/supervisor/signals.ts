// Signals of `sluice serve`: what ends it, what makes it read its files again, and what is ignored and said.
import { isatty } from "node:tty";
import type { Log } from "../shared/log.ts";
import { whenNpmGoes } from "./npm-parent.ts";

/**
 * Resolves with why it ends: the first SIGTERM or SIGINT (a second one ends the process at once, with the code that a shell expects), the end of the
 * npm that started it, or of the terminal. SIGHUP otherwise calls `reload`. SIGUSR1, which Node would open its inspector for, and SIGUSR2, which would
 * end the process, do nothing.
 */
export function stopReason(log: Log, reload: () => void): Promise<string> {
  const terminal = [0, 1, 2].find((descriptor) => isatty(descriptor)) ?? null;
  return new Promise((resolve) => {
    let seen = false;
    for (const [signal, code] of [
      ["SIGTERM", 143],
      ["SIGINT", 130],
    ] as const) {
      process.on(signal, () => {
        if (seen) process.exit(code);
        seen = true;
        resolve(signal);
      });
    }
    for (const signal of ["SIGUSR1", "SIGUSR2"] as const) {
      process.on(signal, () =>
        log.write("signal-ignored", {
          signal,
          sentence: "Sluice ignores this signal: send SIGHUP to read files again, SIGTERM to drain and exit",
        }),
      );
    }
    // From a terminal that is gone it says what it says of one: end.
    process.on("SIGHUP", () => (terminal !== null && !isatty(terminal) ? resolve("SIGHUP") : reload()));
    whenNpmGoes(() => resolve("the npm that started it has ended"));
  });
}
