// npx and npm do not pass signals on: a SIGTERM to npx would leave the gateway behind, holding its port. So where npm or gateway/start.mjs started this
// process, their end is its end. Whoever is started in any other way may outlive its parent: a daemon does.
import { readFileSync } from "node:fs";

const watchEveryMs = 500;
/** npm, the shell between, start.mjs, and the shell between. */
const maxAncestors = 4;

export interface ProcessFacts {
  /** Words of its command line. */
  readonly argv: readonly string[];
  readonly parent: number;
}

/** null: there is no such process, or it may not be seen. */
export type LookUp = (pid: number) => ProcessFacts | null;

/**
 * Ancestors from the parent up to the farthest that is npm, npx or start.mjs, with nothing but `sh -c` between; [] where this process was not
 * started by one of them.
 */
export function npmAncestors(parent: number, lookUp: LookUp): readonly number[] {
  const chain: number[] = [];
  let length = 0;
  for (let pid = parent; pid > 1 && chain.length < maxAncestors;) {
    const facts = lookUp(pid);
    if (facts === null) break;
    chain.push(pid);
    if (isNpm(facts.argv)) length = chain.length;
    else if (!isShellCommand(facts.argv)) break;
    pid = facts.parent;
  }
  return chain.slice(0, length);
}

/** npm writes its own title: `npm exec sluice serve`. */
function isNpm(argv: readonly string[]): boolean {
  const words = argv.length === 1 ? argv[0]!.split(" ") : argv;
  return words
    .slice(0, 2)
    .some((word) => /^(?:npm|npx|npm-cli\.js|npx-cli\.js|start\.mjs)$/.test(word.slice(word.lastIndexOf("/") + 1)));
}

function isShellCommand([program = "", option = ""]: readonly string[]): boolean {
  return /^(?:.*\/)?(?:sh|dash|bash|ash)$/.test(program) && option === "-c";
}

/** Calls `gone` once when npm or start.mjs, which started this process, has ended; never where neither did. */
export function whenNpmGoes(gone: () => void): void {
  const parents = npmAncestors(process.ppid, lookUpProc);
  if (parents.length === 0) return;
  const watching = setInterval(() => {
    if (isWhole(parents)) return;
    clearInterval(watching);
    gone();
  }, watchEveryMs);
  watching.unref();
}

/** Is each still the child of the next? An orphan gets another parent. */
function isWhole(parents: readonly number[]): boolean {
  return (
    process.ppid === parents[0] && parents.slice(1).every((pid, index) => lookUpProc(parents[index]!)?.parent === pid)
  );
}

/** Linux. Elsewhere nothing is known of other processes, and nobody is watched. */
function lookUpProc(pid: number): ProcessFacts | null {
  try {
    const argv = readFileSync(`/proc/${pid}/cmdline`, "utf8")
      .split("\0")
      .filter((word) => word !== "");
    // `pid (name) state parent`: the name may hold anything.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return { argv, parent: Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) };
  } catch {
    return null;
  }
}
