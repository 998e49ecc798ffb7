// A reader of the shared table in a thread of its own, for shared-table.test.ts: it takes tables and decides as a data worker does, and says what
// was wrong. In the table of version n each Route has the time limit n.
import { parentPort, workerData } from "node:worker_threads";
import { decide } from "../../routing/decide.ts";
import { RouteTable } from "../../routing/table.ts";
import { SharedTable } from "../../gateway/shared/memory/shared-table.ts";
import { request } from "../routing/build.ts";

export interface TableThreadStart {
  readonly memory: SharedArrayBuffer;
  readonly reader: number;
  readonly names: readonly string[];
  /** Word 0: 1 ends it. Words from 1 on: how many tables each reader has taken. */
  readonly marks: SharedArrayBuffer;
  /** It reads each table for so long, ms; 0: once. */
  readonly lagMs: number;
  /** It leaves after each table, and comes back as another would. */
  readonly leaves: boolean;
}

const { memory, reader, names, marks, lagMs, leaves } = workerData as TableThreadStart;
const shared = new SharedTable(memory);
const words = new Int32Array(marks);
const heads = names.map((name) => request(`/seldon/prod/${name}/x`));
const wrong: string[] = [];
let table = new RouteTable<null>(shared.arena, () => null);
let root = 0;

/** Names and limits that differ from the version that was taken. */
function look(version: number): void {
  for (const [index, head] of heads.entries()) {
    const decision = decide(table, head, 0);
    const found =
      decision.kind === "forward" && decision.target.kind === "forward"
        ? `${decision.mapping.id} ${decision.target.timeout.ms}`
        : decision.kind;
    if (found !== `${names[index]!}/http ${version}` && wrong.length < 10) wrong.push(`${found} in version ${version}`);
  }
}

function turn(): void {
  if (shared.root === root) return;
  root = shared.enter(reader);
  table.adopt(root);
  words[1 + reader]! += 1;
  const { version } = table;
  const untilMs = performance.now() + lagMs;
  do look(version);
  while (performance.now() < untilMs);
  if (!leaves) return;
  shared.left(reader);
  table = new RouteTable(shared.arena, () => null);
  root = 0;
}

try {
  while (Atomics.load(words, 0) === 0) turn();
} catch (error) {
  wrong.push(String(error));
}
parentPort!.postMessage(wrong);
