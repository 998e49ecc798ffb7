// replaced-worker: a gateway with one data worker, whose thread ends: how long until the next one answers. With more of them the others answer meanwhile.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { threadTimes, timeBetween, totalNs } from "../account.ts";
import { answerOf, deployments, predictionBody, predictionHead } from "../fleet.ts";
import { LoadConnection, type LoadConnectionOwner } from "../load-connection.ts";
import { pause } from "../process.ts";
import { startSluice } from "../proxies/sluice.ts";
import { number, table } from "../report.ts";
import { setSluiceStage } from "../sluice-stage.ts";
import { spread } from "../statistics.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const predictors = ["main", "canary"] as const;
/** Until the garbage of the start is collected. */
const settleMs = 4000;
const pollMs = 1;
const endingThread = fileURLToPath(new URL("../ended-threads.ts", import.meta.url));

/** One connection that asks again and again, and tells when it got no answer first and when it got one again. */
class Asking implements LoadConnectionOwner {
  readonly #request: Buffer;
  readonly #connection: LoadConnection;
  #brokenMs: number | null = null;
  #over = false;
  #again: (ms: number) => void = () => undefined;

  constructor(port: number, request: Buffer) {
    this.#request = request;
    this.#connection = new LoadConnection(
      { host: "127.0.0.1", port },
      predictors.map((name) => Buffer.from(answerOf(name))),
      this,
    );
    this.#send();
  }

  /** From the first failure after this call to the next answer, ms. */
  async outage(): Promise<number> {
    this.#brokenMs = null;
    return new Promise((resolve) => {
      this.#again = resolve;
    });
  }

  stop(): void {
    this.#over = true;
    this.#connection.end();
  }

  answered(_connection: LoadConnection, status: number, body: number, text: () => string): void {
    if (status !== 200 || body < 0) throw new Error(`status ${status}: ${text()}`);
    if (this.#brokenMs !== null) this.#again(performance.now() - this.#brokenMs);
    this.#brokenMs = null;
    this.#later();
  }

  failed(): void {
    this.#brokenMs ??= performance.now();
    this.#later();
  }

  reconnected(): void {
    this.#brokenMs ??= performance.now();
  }

  #later(): void {
    setTimeout(() => {
      if (!this.#over) this.#send();
    }, pollMs);
  }

  #send(): void {
    this.#connection.send(this.#request, null);
  }
}

export const replacedWorker: Suite = {
  name: "replaced-worker",
  does: "the only data worker ends, among 10,000 deployments: how long until the next one answers",
  deployments: 10_000,
  async run(options: SuiteOptions): Promise<string> {
    const stage = await setSluiceStage(options, predictors);
    const body = predictionBody(70);
    const { prefix } = deployments(stage.fleet)[0]!;
    const request = Buffer.from(predictionHead(prefix, `Content-Length: ${body.length}`, []) + body);
    const outageMs: number[] = [];
    const cpuMs: number[] = [];
    for (let round = 0; round < options.rounds; round++) {
      // A gateway each: a place whose threads end again and again is filled more slowly.
      const sluice = await startSluice({
        manifests: stage.manifests,
        workers: 1,
        logFile: join(options.folder, "sluice.log"),
        nodeOptions: ["--import", endingThread],
      });
      const asking = new Asking(sluice.port, request);
      await pause(settleMs);
      const outage = asking.outage();
      const before = threadTimes(sluice.pid);
      process.kill(sluice.pid, "SIGUSR2");
      outageMs.push(await outage);
      cpuMs.push(
        totalNs(timeBetween(before, threadTimes(sluice.pid)).threads.filter(({ name }) => name.startsWith("data-"))) /
          1e6,
      );
      asking.stop();
      await sluice.stop();
    }
    const { median, min, max, count } = spread(outageMs);
    return table(
      ["ended workers", "ms without an answer, median", "min – max", "CPU ms of data threads until one answers"],
      [[String(count), number(median), `${number(min)} – ${number(max)}`, number(spread(cpuMs).median)]],
    );
  },
};
