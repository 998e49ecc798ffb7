// The thread that compares passwords with their bcrypt hashes, one after the other: each takes from some to some hundred milliseconds, which no data worker can spare.
import { parentPort } from "node:worker_threads";
import { compareSync } from "bcryptjs";
import { stepBack } from "../../shared/thread-priority.ts";
import type { PasswordAnswer, PasswordQuestion } from "./password-checks.ts";

// Whoever sends many passwords must not take a core from data workers.
stepBack();
parentPort!.on("message", ({ number, password, hash }: PasswordQuestion) => {
  let matches = false;
  try {
    matches = compareSync(password, hash);
  } catch {
    // A hash that bcrypt cannot read is nobody's.
  }
  parentPort!.postMessage({ number, matches } satisfies PasswordAnswer);
});
