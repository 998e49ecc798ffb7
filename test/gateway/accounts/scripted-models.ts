// Models that answer as each request asks for in its field `x-plan`, over HTTP/1.1 and as gRPC: with their name, and with the puid that they were told.
import { once } from "node:events";
import * as http2 from "node:http2";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** How a REST model answers. */
export const restPlans = ["200", "404", "500", "503", "long", "nothing", "half", "reset", "slow", "hang"] as const;
export type RestPlan = (typeof restPlans)[number];

/** How a gRPC model answers. A number is the status in its trailers. */
export const callPlans = ["0", "2", "5", "13", "14", "77", "head", "none", "reset", "cut", "hang"] as const;
export type CallPlan = (typeof callPlans)[number];

const slowMs = 30;

export class ScriptedModels {
  readonly #sockets = new Set<Socket>();
  /** How often a model was asked with each id. */
  readonly #seen = new Map<string, number>();
  readonly #waiting = new Map<string, () => void>();
  readonly #rest: Server;
  readonly #calls: http2.Http2Server;
  readonly #sessions = new Set<http2.ServerHttp2Session>();
  readonly #name: string;

  private constructor(name: string) {
    this.#name = name;
    this.#rest = createServer((socket) => this.#connected(socket));
    this.#calls = http2.createServer();
    this.#calls.on("session", (session) => this.#sessions.add(session));
    this.#calls.on("stream", (stream: http2.ServerHttp2Stream, head) => this.#called(stream, head));
  }

  static async start(name = "model"): Promise<ScriptedModels> {
    const models = new ScriptedModels(name);
    for (const server of [models.#rest, models.#calls]) {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
    }
    return models;
  }

  get restPort(): number {
    return (this.#rest.address() as AddressInfo).port;
  }

  get callPort(): number {
    return (this.#calls.address() as AddressInfo).port;
  }

  /** Resolves when a model was asked with this id. */
  async asked(id: string): Promise<void> {
    if (!this.#seen.has(id)) await new Promise<void>((resolve) => this.#waiting.set(id, resolve));
  }

  /** How often a model was asked with this id. */
  timesAsked(id: string): number {
    return this.#seen.get(id) ?? 0;
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    for (const session of this.#sessions) session.destroy();
    this.#rest.close();
    this.#calls.close();
  }

  #saw(id: string): void {
    this.#seen.set(id, this.timesAsked(id) + 1);
    this.#waiting.get(id)?.();
  }

  #connected(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
    let text = "";
    socket.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        const head = text.slice(0, end).toLowerCase();
        const over = end + 4 + Number(/^content-length: (\d+)$/mu.exec(head)?.[1] ?? "0");
        if (text.length < over) return;
        text = text.slice(over);
        const plan = /^x-plan: (.*)$/mu.exec(head)?.[1];
        // The end of a chunked body.
        if (plan === undefined) continue;
        this.#saw(/^x-request-id: (.*)$/mu.exec(head)?.[1] ?? "");
        const puid = /^seldon-puid: (.*)$/mu.exec(head)?.[1] ?? "";
        this.#answer(socket, plan as RestPlan, `x-model: ${this.#name}\r\nseldon-puid: ${puid}\r\n`);
      }
    });
  }

  #answer(socket: Socket, plan: RestPlan, fields: string): void {
    const whole = (code: string, body: string): string =>
      `HTTP/1.1 ${code} Said\r\n${fields}content-length: ${body.length}\r\n\r\n${body}`;
    switch (plan) {
      case "hang":
        return;
      case "nothing":
        socket.end();
        return;
      case "reset":
        socket.resetAndDestroy();
        return;
      case "half":
        socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
        return;
      case "slow":
        setTimeout(() => socket.write(whole("200", "slow")), slowMs);
        return;
      case "long":
        // The rest never comes: its client leaves, or its time ends.
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nlong");
        return;
      default:
        socket.write(whole(plan.length === 3 ? plan : "200", "said"));
    }
  }

  #called(stream: http2.ServerHttp2Stream, head: http2.IncomingHttpHeaders): void {
    stream.on("error", () => undefined);
    stream.resume();
    stream.once("end", () => {
      this.#saw(String(head["x-request-id"]));
      const plan = String(head["x-plan"]) as CallPlan;
      const puid = String(head["seldon-puid"] ?? "");
      const said = { ":status": 200, "content-type": "application/grpc", "x-model": this.#name, "seldon-puid": puid };
      if (plan === "hang") return;
      if (plan === "reset") stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
      else if (plan === "head") stream.respond({ ...said, "grpc-status": "8" }, { endStream: true });
      else if (plan === "none") stream.respond(said, { endStream: true });
      else if (plan === "cut") {
        stream.respond(said);
        stream.write(Buffer.from([0, 0, 0, 0, 9, 1]), () => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR));
      } else {
        stream.respond(said, { waitForTrailers: true });
        stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": plan }));
        stream.end(Buffer.from([0, 0, 0, 0, 0]));
      }
    });
  }
}
