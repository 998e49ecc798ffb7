// A crowd: many client connections that do next to nothing. They live in the harness, beside the load generator's core.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { deployments, predictionBody, predictionHead, type FleetPlan } from "./fleet.ts";
import { pause } from "./process.ts";

/** Opened and asked together, so that no backlog overflows. */
const batch = 250;
const answerWaitMs = 10_000;
const dripEveryMs = 1000;
const dripTickMs = 10;

export class Crowd {
  readonly #port: number;
  readonly #request: string;
  readonly #sockets = new Set<Socket>();
  #dripping: NodeJS.Timeout | null = null;
  /** Connections that the gateway ended. */
  ended = 0;

  constructor(port: number, fleet: FleetPlan) {
    this.#port = port;
    const body = predictionBody(70);
    this.#request = predictionHead(deployments(fleet)[0]!.prefix, `Content-Length: ${body.length}`, []) + body;
  }

  get size(): number {
    return this.#sockets.size;
  }

  async open(count: number): Promise<void> {
    for (let done = 0; done < count; done += batch) {
      await Promise.all(Array.from({ length: Math.min(batch, count - done) }, () => this.#connect()));
    }
  }

  async #connect(): Promise<Socket> {
    const socket = connect({ host: "127.0.0.1", port: this.#port, noDelay: true });
    await once(socket, "connect");
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      if (this.#sockets.delete(socket)) this.ended += 1;
    });
    return socket;
  }

  /** Each sends one request; rejects unless each gets a 200. */
  async ask(): Promise<void> {
    const all = [...this.#sockets];
    for (let done = 0; done < all.length; done += batch)
      await Promise.all(all.slice(done, done + batch).map((socket) => this.#askOne(socket)));
  }

  async #askOne(socket: Socket): Promise<void> {
    const answered = once(socket, "data", { signal: AbortSignal.timeout(answerWaitMs) }) as Promise<[Buffer]>;
    socket.write(this.#request);
    const [chunk] = await answered;
    if (!chunk.toString("latin1").startsWith("HTTP/1.1 200 "))
      throw new Error(`a connection of the crowd got ${chunk.toString("latin1").slice(0, 100)}`);
  }

  /** Each begins a head and sends a byte of it every second, spread over the second. Whoever is cut comes again. */
  drip(): void {
    const begun = new WeakSet<Socket>();
    let turn: Socket[] = [];
    this.#dripping = setInterval(() => {
      if (turn.length === 0) turn = [...this.#sockets];
      const missing = this.ended;
      this.ended = 0;
      void this.open(missing).catch(() => undefined);
      for (const socket of turn.splice(0, Math.ceil((this.#sockets.size * dripTickMs) / dripEveryMs))) {
        socket.resume();
        socket.write(begun.has(socket) ? "x" : "POST /seldon/ns/slow HTTP/1.1\r\nHost: slow\r\nX-Slow: ");
        begun.add(socket);
      }
    }, dripTickMs);
  }

  async close(): Promise<void> {
    if (this.#dripping !== null) clearInterval(this.#dripping);
    const all = [...this.#sockets];
    this.#sockets.clear();
    for (const socket of all) socket.destroy();
    await pause(100);
  }
}
