// The canary: calls to a healthy deployment beside all cases, on connections that stay and on new ones, over both protocols. Every answer is
// checked. Who loses one, or waits too long for one, has found something.
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { connect, type Socket } from "node:net";
import type { CpuClock } from "./cpu-clock.ts";
import type { Moments } from "./moments.ts";

/** So long no answer: a worker stands still. Far more than a busy machine needs. */
const patienceMs = 20_000;
/** A wait that is longer, while a worker was at work for so long, is a fault: somebody's bytes cost too much. */
const mostStandstillMs = 250;
const betweenMs = 25;
const lasting = 4;

export class Canary {
  readonly #port: number;
  readonly #moments: Moments;
  readonly #cpu: CpuClock;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ClientHttp2Session>();
  readonly #loops: Promise<void>[] = [];
  #over = false;
  #serial = 0;
  answered = 0;
  /** Longest wait for an answer, ms, however it came about. */
  slowestMs = 0;
  /** What was lost, once. */
  fault: string | null = null;

  constructor(port: number, moments: Moments, cpu: CpuClock) {
    this.#port = port;
    this.#moments = moments;
    this.#cpu = cpu;
  }

  start(): void {
    this.#over = false;
    for (let i = 0; i < lasting; i++) this.#loops.push(this.#http1(i % 2 === 0), this.#http2(i % 2 === 0));
  }

  /** Ends its connections. */
  async stop(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#loops.splice(0));
    for (const socket of this.#sockets) socket.destroy();
    for (const session of this.#sessions) session.destroy();
  }

  #lost(what: string): void {
    this.fault ??= `the canary: ${what}`;
    this.#over = true;
  }

  async #pause(askedMs: number): Promise<void> {
    this.answered += 1;
    const waitedMs = performance.now() - askedMs;
    this.slowestMs = Math.max(this.slowestMs, waitedMs);
    const standstillMs = waitedMs > mostStandstillMs ? this.#cpu.standstillMs(askedMs) : 0;
    if (standstillMs > mostStandstillMs)
      this.#lost(
        `waited ${Math.round(waitedMs)} ms for an answer while a worker was at work for ${Math.round(standstillMs)} ms`,
      );
    this.#moments.happened("canary");
    await new Promise((resolve) => {
      setTimeout(resolve, betweenMs);
    });
  }

  /** `stays`: one connection for all calls; else one for each. */
  async #http1(stays: boolean): Promise<void> {
    let socket: Socket | null = null;
    while (!this.#over) {
      const fresh: boolean = socket === null || socket.destroyed;
      const open: Socket = fresh ? connect({ host: "127.0.0.1", port: this.#port, noDelay: true }) : socket!;
      if (fresh) {
        this.#sockets.add(open);
        open.on("error", () => undefined);
        open.once("close", () => this.#sockets.delete(open));
      }
      const body = `canary ${(this.#serial += 1)}`;
      const askedMs = performance.now();
      open.write(
        `POST /seldon/prod/canary/v HTTP/1.1\r\nHost: canary\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      const answer = await this.#read(open, body);
      if (answer.kind === "lost" && !fresh && answer.text === "" && answer.closed) {
        // An idle connection that was just closed: asked once more on a new one.
        socket = null;
        continue;
      }
      if (answer.kind === "lost")
        return this.#lost(
          `${stays && !fresh ? "a connection that stays" : "a new connection"} of HTTP/1.1 ${answer.closed ? "was closed" : `had no answer for ${patienceMs} ms`}, it has ${JSON.stringify(answer.text.slice(0, 300))}`,
        );
      if (stays && !answer.closes) socket = open;
      else {
        open.destroy();
        socket = null;
      }
      await this.#pause(askedMs);
    }
  }

  async #read(
    socket: Socket,
    body: string,
  ): Promise<
    | { readonly kind: "whole"; readonly closes: boolean }
    | { readonly kind: "lost"; readonly text: string; readonly closed: boolean }
  > {
    let text = "";
    return new Promise((resolve) => {
      const over = (lost: boolean, closed: boolean): void => {
        clearTimeout(timer);
        socket.off("data", read).off("close", gone);
        resolve(
          lost ? { kind: "lost", text, closed } : { kind: "whole", closes: /\r\nconnection: close\r\n/i.test(text) },
        );
      };
      const gone = (): void => over(true, true);
      const timer = setTimeout(() => over(true, false), patienceMs);
      const read = (bytes: Buffer): void => {
        text += bytes.toString("latin1");
        const blank = text.indexOf("\r\n\r\n");
        if (blank < 0 || text.length < blank + 4 + body.length) return;
        over(!text.startsWith("HTTP/1.1 200 ") || text.slice(blank + 4) !== body, false);
      };
      socket.on("data", read);
      socket.on("close", gone);
    });
  }

  async #http2(grpc: boolean): Promise<void> {
    let session: ClientHttp2Session | null = null;
    let again = false;
    while (!this.#over) {
      if (session === null || session.closed || session.destroyed) {
        session = connectHttp2(`http://127.0.0.1:${this.#port}`);
        const one = session;
        this.#sessions.add(one);
        one.on("error", () => undefined);
        // After GOAWAY it ends by itself when its streams have.
        one.once("goaway", () => one.close());
        one.once("close", () => this.#sessions.delete(one));
      }
      const body = `canary ${(this.#serial += 1)}`;
      const askedMs = performance.now();
      const problem = await this.#call(session, body, grpc);
      // Refused: it may be asked again, once, elsewhere.
      if (problem === "refused" && !again) {
        again = true;
        session = null;
        continue;
      }
      again = false;
      if (problem !== null) return this.#lost(`a ${grpc ? "gRPC" : "REST"} call over HTTP/2: ${problem}`);
      await this.#pause(askedMs);
    }
  }

  /** What was wrong with its answer, or null. */
  async #call(session: ClientHttp2Session, body: string, grpc: boolean): Promise<string | null> {
    return new Promise((resolve) => {
      const fields = grpc
        ? {
            ":method": "POST",
            ":path": "/seldon.protos.Seldon/Predict",
            "content-type": "application/grpc",
            te: "trailers",
            seldon: "canary",
            namespace: "prod",
          }
        : { ":method": "POST", ":path": "/seldon/prod/canary/v" };
      const sent = grpc ? `\0\0\0\0${String.fromCharCode(body.length)}${body}` : body;
      let text = "";
      let status = 0;
      let grpcStatus = "";
      let stream;
      try {
        stream = session.request(fields);
      } catch {
        return resolve("refused");
      }
      const timer = setTimeout(() => resolve(`no answer for ${patienceMs} ms`), patienceMs);
      stream.on("response", (head) => {
        status = Number(head[":status"]);
        grpcStatus = [head["grpc-status"], head["grpc-message"]].filter((one) => one !== undefined).join(" ");
      });
      stream.on(
        "trailers",
        (trailers) =>
          (grpcStatus = [trailers["grpc-status"], trailers["grpc-message"]]
            .filter((one) => one !== undefined)
            .join(" ")),
      );
      stream.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
      stream.on("error", () => undefined);
      stream.on("close", () => {
        clearTimeout(timer);
        if (status === 200 && text === sent && (!grpc || grpcStatus === "0")) resolve(null);
        else if (status === 0 && (stream.rstCode === 7 || session.closed || session.destroyed)) resolve("refused");
        else
          resolve(
            `status ${status}, grpc-status ${grpcStatus}, code ${stream.rstCode}, ${JSON.stringify(text.slice(0, 100))}`,
          );
      });
      stream.end(Buffer.from(sent, "latin1"));
    });
  }
}
