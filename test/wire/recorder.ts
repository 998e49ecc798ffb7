// An origin that records: it accepts everything, answers each request that its own grammar hears, and refuses nothing.
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { hear, type Heard } from "./grammar.ts";

export class Recorder {
  /** Complete requests, in the order of their ends. */
  readonly heard: Heard[] = [];
  /** Faults of requests that never became complete. */
  readonly brokenOff: string[] = [];
  readonly #server: Server;
  /** Open connections and what each has sent of an unfinished request. */
  readonly #rests = new Map<Socket, string>();
  port = 0;

  constructor() {
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, "127.0.0.1", resolve);
    });
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Requests that have begun on an open connection and are not complete. */
  get unfinished(): number {
    return [...this.#rests.values()].filter((rest) => rest !== "").length;
  }

  /** Everything wrong that was heard so far. */
  get faults(): readonly string[] {
    return [...this.heard.flatMap(({ faults }) => faults), ...this.brokenOff];
  }

  /** Forgets what was heard. */
  forget(): void {
    this.heard.length = 0;
    this.brokenOff.length = 0;
  }

  async close(): Promise<void> {
    for (const socket of this.#rests.keys()) socket.destroy();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #serve(socket: Socket): void {
    this.#rests.set(socket, "");
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      const { requests, rest } = hear(this.#rests.get(socket)! + chunk.toString("latin1"));
      this.#rests.set(socket, rest);
      for (const request of requests) {
        this.heard.push(request);
        socket.write(
          request.method === "HEAD"
            ? "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
            : "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        );
      }
    });
    socket.on("close", () => {
      this.brokenOff.push(...hear(this.#rests.get(socket)!).faults);
      this.#rests.delete(socket);
    });
  }
}
