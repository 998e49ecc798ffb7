// A proxy before the API server, for one gateway: it lets everything through, and stops at one moment of one write, where a test wants to be.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, createServer, request, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { ApiServer } from "./api-server.ts";

/** `asked`: the API server knows nothing of the write. `stored`: it has answered, and the gateway has not heard of it. `answered`: the gateway has the answer. */
export type WriteMoment = "asked" | "stored" | "answered";

interface Stop {
  readonly moment: WriteMoment;
  readonly path: string;
  readonly wants: (body: string) => boolean;
  readonly act: () => Promise<void>;
}

export class ApiProxy {
  readonly #api: ApiServer;
  readonly #server: Server;
  readonly #agent: Agent;
  #stop: Stop | null = null;

  private constructor(api: ApiServer, certificate: string, key: string) {
    this.#api = api;
    this.#agent = new Agent({ ca: api.ca, keepAlive: true });
    this.#server = createServer({ cert: certificate, key }, (asked, answer) => {
      this.#serve(asked, answer).catch(() => answer.destroy());
    });
  }

  static async start(api: ApiServer): Promise<ApiProxy> {
    const { certificate, key } = api.certificates.serving;
    const proxy = new ApiProxy(api, await readFile(certificate, "utf8"), await readFile(key, "utf8"));
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /**
   * Acts at that moment of the next PUT or POST of the object whose body is wanted, and resolves after it. At `asked` the write is dropped then, at `stored` its
   * answer is, with the gateway's connection; `answered` is when the answer's last byte was handed over.
   */
  at(moment: WriteMoment, path: string, wants: (body: string) => boolean, act: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stop = { moment, path, wants, act: () => act().then(resolve, reject) };
    });
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
  }

  async #serve(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await buffer(asked);
    const stop = this.#stopOf(asked, body.toString());
    if (stop?.moment === "asked") {
      await stop.act();
      return void answer.destroy();
    }
    const forwarded = request(this.#api.url + asked.url!, {
      method: asked.method!,
      headers: asked.headers,
      agent: this.#agent,
    });
    answer.on("close", () => forwarded.destroy());
    forwarded.end(body);
    const [got] = (await once(forwarded, "response")) as [IncomingMessage];
    got.on("error", () => answer.destroy());
    if (stop?.moment === "stored") {
      await buffer(got);
      await stop.act();
      return void answer.destroy();
    }
    if (stop !== null) answer.on("finish", () => void stop.act());
    answer.writeHead(got.statusCode!, got.headers);
    answer.flushHeaders();
    got.pipe(answer);
  }

  #stopOf({ method, url }: IncomingMessage, body: string): Stop | null {
    const stop = this.#stop;
    if (stop === null || (method !== "PUT" && method !== "POST")) return null;
    if (!stop.path.startsWith(url!) || !stop.wants(body)) return null;
    this.#stop = null;
    return stop;
  }
}
