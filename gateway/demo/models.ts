// The demo's model servers, each a process of its own.
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { ModelVersion } from "./classifier.ts";
import type { ModelAddress } from "./manifests.ts";
import type { FromModel, ToModel } from "./model-process.ts";

export class Model {
  readonly version: ModelVersion;
  readonly address: ModelAddress;
  readonly #child: ChildProcess;

  private constructor(version: ModelVersion, address: ModelAddress, child: ChildProcess) {
    this.version = version;
    this.address = address;
    this.#child = child;
  }

  /** Starts a model process and waits until it listens. Throws when it ends before. */
  static async start(version: ModelVersion): Promise<Model> {
    // Not with the demo's own Node options: two processes cannot share an inspector port.
    const child = fork(join(import.meta.dirname, "model-process.ts"), [version], { execArgv: [] });
    const message = await nextMessage(child);
    if (message.kind !== "listening") throw new Error(`model process said ${message.kind} before it listened`);
    return new Model(version, { http: message.http, grpc: message.grpc }, child);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Predictions that this process was asked for so far, by the gateway or by anybody. */
  async predictions(): Promise<number> {
    const counted = nextMessage(this.#child);
    const question: ToModel = { kind: "count" };
    this.#child.send(question);
    const message = await counted;
    return message.kind === "count" ? message.predictions : 0;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.disconnect();
    await ended;
  }
}

async function nextMessage(child: ChildProcess): Promise<FromModel> {
  const waiting = new AbortController();
  try {
    return await Promise.race([
      once(child, "message", { signal: waiting.signal }).then(([message]) => message as FromModel),
      once(child, "exit", { signal: waiting.signal }).then(([code]) =>
        Promise.reject(new Error(`a model process ended with code ${String(code)}`)),
      ),
    ]);
  } finally {
    waiting.abort();
  }
}
