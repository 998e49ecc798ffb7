// An admin port that answers as a test says: half, late, garbage, or as another version would.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type FakeAnswer = (request: IncomingMessage, response: ServerResponse) => void;

export class FakeAdmin {
  answer: FakeAnswer;
  readonly #server: Server;

  private constructor(answer: FakeAnswer) {
    this.answer = answer;
    this.#server = createServer((request, response) => this.answer(request, response));
  }

  static async start(answer: FakeAnswer): Promise<FakeAdmin> {
    const admin = new FakeAdmin(answer);
    admin.#server.listen(0, "127.0.0.1");
    await once(admin.#server, "listening");
    return admin;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** Answers every path with this JSON. */
export function answering(value: unknown): FakeAnswer {
  return (_, response) => response.end(JSON.stringify(value));
}

/** Each way not to answer, and what a command then says of it. */
export const broken: readonly (readonly [way: string, answer: FakeAnswer, sentence: RegExp])[] = [
  [
    "half",
    (_, response) => response.writeHead(200, { "content-length": 100 }).write("{", () => response.destroy()),
    /it broke off its answer$/,
  ],
  [
    "nothing",
    (request) => request.socket.destroy(),
    /it does not answer \(.*\): write --url with the address of the admin port$/,
  ],
  [
    "garbage",
    (_, response) => response.end("<html>\u001b[2J"),
    /it answers no JSON, so it is no admin port of Sluice: write --url with the address of one$/,
  ],
  [
    "no HTTP",
    (request) => request.socket.end("SSH-2.0-x\r\n"),
    /it does not answer \(.*\): write --url with the address of the admin port$/,
  ],
  [
    "another version",
    answering({ isWell: "yes", items: 3 }),
    /it answers in a form that this sluice does not know \(.+\): use the sluice of the gateway's version$/,
  ],
  ["null", answering(null), /it answers in a form that this sluice does not know/],
  [
    "an error page",
    (_, response) => response.writeHead(502).end(`bad gateway\u001b[31m${"x".repeat(70_000)}`),
    /it answers 502: bad gateway\\u001b\[31mx{1,200}$/,
  ],
  [
    "an older version",
    (_, response) =>
      response.writeHead(404).end(JSON.stringify({ error: "not-found", sentence: "the admin port does not serve it" })),
    /it answers 404: the admin port does not serve it$/,
  ],
  [
    "elsewhere",
    (_, response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
    /it answers 302: $/,
  ],
];
