// Lines of the log about the gateway as a whole: a Source that does not know the truth, and a gateway that waits.
import type { Source } from "../../../k8s/source/objects/source.ts";
import type { Log } from "../../shared/log.ts";
import type { ControlPart } from "../part.ts";
import { logStaleness, stalenessTimes } from "./staleness.ts";
import { logWaiting } from "./waiting-log.ts";

export class StatusLogs implements ControlPart {
  readonly #source: Pick<Source, "ageSeconds" | "trouble">;
  readonly #waitsFor: () => string | null;
  readonly #log: Log;
  #logs: readonly { readonly stop: () => void }[] = [];

  /** `waitsFor` null: the gateway is ready. */
  constructor(source: Pick<Source, "ageSeconds" | "trouble">, waitsFor: () => string | null, log: Log) {
    this.#source = source;
    this.#waitsFor = waitsFor;
    this.#log = log;
  }

  open(): void {
    this.#logs = [logStaleness(this.#source, this.#log, stalenessTimes), logWaiting(this.#waitsFor, this.#log)];
  }

  stop(): void {
    for (const log of this.#logs) log.stop();
  }
}
