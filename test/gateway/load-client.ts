// A client that calls without pause and keeps what went wrong.
import { Agent, request } from "node:http";

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** The server asked to close this connection. */
  readonly closes: boolean;
}

export async function post(url: string, agent: Agent, body = '{"data":{"ndarray":[[1,2,3,4]]}}'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { method: "POST", agent, headers: { "content-type": "application/json", "content-length": body.length } },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode!, text, closes: response.headers.connection === "close" }),
        );
        response.on("error", reject);
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** Loops of requests until `stop` or the first failure; `target` is asked before each. */
export class LoadClient {
  answered = 0;
  readonly failures: string[] = [];
  readonly #loops: Promise<void>[];
  #stopped = false;

  constructor(loops: number, target: () => string) {
    this.#loops = Array.from({ length: loops }, () => this.#loop(target));
  }

  /** Resolves after so many more answers. */
  async more(answers: number): Promise<void> {
    const goal = this.answered + answers;
    while (this.answered < goal && this.failures.length === 0) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
  }

  async #loop(target: () => string): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!this.#stopped && this.failures.length === 0) {
      const url = target();
      const outcome = await post(url, agent).then(
        ({ status, text }) => (status === 200 ? null : `${status} ${text.slice(0, 200)}`),
        (error: unknown) => String(error),
      );
      if (outcome !== null) this.failures.push(`${url}: ${outcome}`);
      this.answered += 1;
    }
    agent.destroy();
  }
}
