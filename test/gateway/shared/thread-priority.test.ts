import { readFileSync } from "node:fs";
import { once } from "node:events";
import { platform } from "node:os";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";

/** Nice value of a thread: the 19th field of its line, the 17th after its name. */
function niceOf(task: string): number {
  return Number(readFileSync(`/proc/${task}/stat`, "utf8").split(") ").at(-1)!.split(" ")[16]);
}

test.skipIf(platform() !== "linux")("a thread steps back alone: no other of its process does", async () => {
  const file = new URL("../../../gateway/shared/thread-priority.ts", import.meta.url).href;
  const source = `
    const { parentPort } = require('node:worker_threads');
    const { readlinkSync } = require('node:fs');
    import(${JSON.stringify(file)}).then(({ stepBack }) => {
      stepBack();
      parentPort.postMessage(readlinkSync('/proc/thread-self'));
      setInterval(() => {}, 1000);
    });`;
  const before = niceOf("self");
  const worker = new Worker(source, { eval: true, execArgv: [] });
  const [task] = (await once(worker, "message")) as [string];
  expect(niceOf(task)).toBe(Math.min(19, before + 5));
  expect(niceOf("self")).toBe(before);
  await worker.terminate();
});
