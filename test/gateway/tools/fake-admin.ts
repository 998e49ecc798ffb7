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

/** Each way not to answer, and what a command then says of it: NAME is the URL, NAMEPATH that with its path. */
export const broken: readonly (readonly [way: string, answer: FakeAnswer, sentence: RegExp])[] = [
  [
    "half",
    (_, response) => response.writeHead(200, { "content-length": 100 }).write("{", () => response.destroy()),
    /^NAME broke off its answer$/,
  ],
  [
    "nothing",
    (request) => request.socket.destroy(),
    /^NAME does not answer \(.*\): write --url with the address of the admin port$/,
  ],
  [
    "garbage",
    (_, response) => response.end("<html>\u001b[2J"),
    /^NAME answers no JSON, so it is no admin port of Sluice: write --url with the address of one$/,
  ],
  [
    "no HTTP",
    (request) => request.socket.end("SSH-2.0-x\r\n"),
    /^NAME does not answer \(.*\): write --url with the address of the admin port$/,
  ],
  [
    "another version",
    answering({ isWell: "yes", items: 3 }),
    /^NAME answers in a form that this sluice does not know \(.+\): use the sluice of the gateway's version$/,
  ],
  [
    "a web page",
    (_, response) => response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<h1>hello</h1>"),
    /^NAME answers with a web page, so it is no admin port of Sluice: write --url with the address of one$/,
  ],
  ["null", answering(null), /^NAME answers in a form that this sluice does not know/],
  [
    "an error page",
    (_, response) => response.writeHead(502).end(`bad gateway\u001b[31m${"x".repeat(70_000)}`),
    /^NAMEPATH answers 502: bad gateway\\u001b\[31mx{1,200}$/,
  ],
  [
    "of the traffic port",
    (_, response) =>
      response
        .writeHead(404)
        .end('{"status":{"code":404,"info":"no route for this host and path","reason":"no-route","status":"FAILURE"}}'),
    /^NAME is the traffic port of a gateway: write --url with the address of its admin port/,
  ],
  [
    "of the traffic port, in plain text",
    (_, response) => response.writeHead(404).end("no route for this host and path"),
    /^NAME is the traffic port of a gateway: /,
  ],
  [
    "an older version",
    (_, response) =>
      response.writeHead(404).end(JSON.stringify({ error: "not-found", sentence: "the admin port does not serve it" })),
    /^NAMEPATH answers 404: the admin port does not serve it$/,
  ],
  [
    "elsewhere",
    (_, response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
    /^NAMEPATH answers 302$/,
  ],
];

/** The sentence with the names as `broken` has them. */
export function withoutNames(sentence: string, url: string, path: string): string {
  return sentence
    .replaceAll(url + path, "NAMEPATH")
    .replaceAll(url, "NAME")
    .replaceAll("\u001b", "\\u001b");
}
