// Text to stdout, whose reader may leave: `sluice check DIR | head -1`.
import { visible } from "../../../routing/text/visible.ts";

let isWatched = false;

/** A reader who leaves ends this process with its exit code, and without a word. Any other failure, such as a full disk, is one sentence and exit code 1. */
export function print(text: string): void {
  if (!isWatched) {
    isWatched = true;
    process.stdout.on("error", unwritten);
  }
  process.stdout.write(text);
}

function unwritten(error: Error): void {
  if ("code" in error && error.code === "EPIPE") process.exit();
  process.stderr.write(`sluice: it cannot write its output (${visible(error.message)})\n`);
  process.exit(1);
}
