// A stream of predictions that goes on whatever the answers are, and keeps what each was.
import { Agent } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { post } from "../gateway/load-client.ts";

/** Between two requests of one client: a test needs many changes under load, not much load. */
const shortestPauseMs = 2;

export class PredictionStream {
  answered = 0;
  /** `status text`, or what went wrong with the connection. */
  readonly failures: string[] = [];
  /** Answers by pod since `count` was called. */
  byPod = new Map<string, number>();
  readonly #clients: Promise<void>[];
  readonly #pauseMs: number;
  #stopped = false;

  /** `pauseMs`: between two requests of each client. */
  constructor(url: string, clients = 4, pauseMs = shortestPauseMs) {
    this.#pauseMs = pauseMs;
    this.#clients = Array.from({ length: clients }, () => this.#client(url));
  }

  /** Resolves after so many more requests. */
  async more(requests: number): Promise<void> {
    const goal = this.answered + this.failures.length + requests;
    while (this.answered + this.failures.length < goal && !this.#stopped) await delay(2);
  }

  /** Resolves when an answer comes from that pod or a pod of that Service; the test's own time limit ends the wait. */
  async reaches(name: string): Promise<void> {
    this.byPod = new Map();
    while (answersOf(this.byPod, name) === 0 && !this.#stopped) await delay(2);
  }

  /** Resolves when so many requests in a row did not come from that pod or a pod of that Service. */
  async leaves(name: string, requests = 100): Promise<void> {
    do await this.count(requests);
    while (answersOf(this.byPod, name) > 0);
  }

  /** Answers of the next requests by pod. */
  async count(requests: number): Promise<ReadonlyMap<string, number>> {
    // Those on the way now may have been asked before the change that the caller waits for.
    await this.more(this.#clients.length * 2);
    this.byPod = new Map();
    await this.more(requests);
    return this.byPod;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#clients);
  }

  async #client(url: string): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    // Each connection is with one worker of the gateway, and each worker learns of the deployment by itself: what fails from its first answer on
    // fails because of a change.
    while (
      !this.#stopped &&
      (await post(url, agent).then(
        ({ status }) => status !== 200,
        () => true,
      ))
    )
      await delay(this.#pauseMs);
    while (!this.#stopped) {
      await post(url, agent).then(
        ({ status, text }) =>
          status === 200 ? this.#took(text) : this.failures.push(`${status} ${text.slice(0, 200)}`),
        (error: unknown) => this.failures.push(String(error)),
      );
      await delay(this.#pauseMs);
    }
    agent.destroy();
  }

  #took(text: string): void {
    const { pod } = (JSON.parse(text) as { readonly meta: { readonly tags: { readonly pod: string } } }).meta.tags;
    this.answered += 1;
    this.byPod.set(pod, (this.byPod.get(pod) ?? 0) + 1);
  }
}

/** Answers of a pod, or of all pods of a Service. */
export function answersOf(byPod: ReadonlyMap<string, number>, name: string): number {
  let answers = 0;
  for (const [pod, count] of byPod) if (pod === name || pod.startsWith(`${name}-`)) answers += count;
  return answers;
}
