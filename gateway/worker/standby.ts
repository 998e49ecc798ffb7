// A standby worker's thread: it has loaded what every data worker needs, and waits for a place.
import type { MessagePort } from "node:worker_threads";
import type { DataStart, FromStandby } from "../shared/messages.ts";

/**
 * Says that it is loaded, and serves once its first message gives it a place; resolves when it does, like `serve`. What is posted after that message is for those
 * who listen when `serve` returns: it must listen before it waits for anything.
 */
export async function waitForPlace(parent: MessagePort, serve: (start: DataStart) => Promise<void>): Promise<void> {
  const served = new Promise<void>((resolve, reject) => {
    parent.once("message", (start: DataStart) => void serve(start).then(resolve, reject));
  });
  parent.postMessage({ kind: "loaded" } satisfies FromStandby);
  await served;
}
