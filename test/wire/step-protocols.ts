// The protocols that clients speak, each as one call with one body and one answer: what a step does must mean the same over all of them.
import { createHash } from "node:crypto";
import type { ClientHttp2Stream, Http2Stream } from "node:http2";
import { framed } from "../../gateway/edge/message/grpc-message.ts";
import { answersIn, type RawClient } from "./client.ts";
import type { Gateway } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";
import type { Http2Request } from "./http2-origin.ts";

export interface Reply {
  /** HTTP status; for gRPC the grpc-status. */
  readonly status: number;
  readonly body: string;
  readonly kept: string;
}

export interface Call {
  readonly reply: Promise<Reply>;
  leave(): void;
}

/** `whole`: with its length. `bytes`: each byte by itself, as a chunk or a frame. `half`: all but the last byte, and no end. */
export type Sending = "whole" | "bytes" | "half";

/** How a client of one protocol calls. `body` goes as one message where there are messages. */
export interface Protocol {
  readonly name: string;
  readonly grpc: boolean;
  call(gateway: Gateway, body: string, tag?: string, send?: Sending): Promise<Call>;
}

export const rest = "/seldon/prod/iris/x";
const grpc = "/seldon.protos.Seldon/Predict";
export const opened: { destroy(): void }[] = [];

async function raw(gateway: Gateway): Promise<RawClient> {
  const client = await gateway.open(false);
  opened.push(client);
  return client;
}

/** The framing field of a request of HTTP/1.1, and its body. */
function framingOf(body: Buffer, send: Sending): readonly [field: string, body: Buffer] {
  if (send !== "bytes") return [`Content-Length: ${body.length}`, send === "half" ? body.subarray(0, -1) : body];
  const chunks = [...body].flatMap((byte) => [Buffer.from("1\r\n"), Buffer.from([byte]), Buffer.from("\r\n")]);
  return ["Transfer-Encoding: chunked", Buffer.concat([...chunks, Buffer.from("0\r\n\r\n")])];
}

/** Each byte in a frame of its own. */
export async function writeBytes(stream: Http2Stream, body: Buffer): Promise<void> {
  for (const byte of body) {
    if (stream.destroyed) return;
    await new Promise<void>((resolve) => {
      stream.write(Buffer.from([byte]), () => resolve());
    });
  }
}

async function overHttp2(
  gateway: Gateway,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
  send: Sending,
  read: (reply: Awaited<ReturnType<Http2Client["reply"]>>) => Reply,
): Promise<Call> {
  const client = await Http2Client.open(gateway, false);
  opened.push(client);
  const stream: ClientHttp2Stream = client.start({ ":method": "POST", ...headers });
  const reply = client.reply(stream).then(read);
  if (send === "half") stream.write(body.subarray(0, -1));
  else if (send === "whole") stream.end(body);
  else void writeBytes(stream, body).then(() => stream.end());
  // Closing a stream that it has not ended, node would end it first.
  return { reply, leave: () => (send === "half" ? client.destroy() : stream.close(8)) };
}

export const protocols: readonly Protocol[] = [
  {
    name: "HTTP/1.1",
    grpc: false,
    call: async (gateway, body, tag = "-", send = "whole") => {
      const client = await raw(gateway);
      const [framing, bytes] = framingOf(Buffer.from(body, "latin1"), send);
      client.write(`POST ${rest} HTTP/1.1\r\nHost: a\r\nx-tag: ${tag}\r\n${framing}\r\n\r\n`);
      client.socket.write(bytes);
      const reply = client.answers(1).then(([answer]) => ({
        status: answer!.status,
        body: answer!.body,
        kept: /x-kept: (\d+)/.exec(answer!.head)?.[1] ?? "",
      }));
      reply.catch(() => undefined);
      return { reply, leave: () => client.destroy() };
    },
  },
  {
    name: "HTTP/2",
    grpc: false,
    call: (gateway, body, tag = "-", send = "whole") =>
      overHttp2(gateway, { ":path": rest, "x-tag": tag }, Buffer.from(body), send, (reply) => ({
        status: reply.status,
        body: reply.body,
        kept: String(reply.headers["x-kept"] ?? ""),
      })),
  },
  {
    name: "gRPC",
    grpc: true,
    call: (gateway, body, tag = "-", send = "whole") =>
      overHttp2(
        gateway,
        {
          ":path": grpc,
          "content-type": "application/grpc",
          te: "trailers",
          seldon: "iris",
          namespace: "prod",
          "x-tag": tag,
        },
        framed(0, Buffer.from(body)),
        send,
        (reply) => ({
          status: Number(reply.trailers?.["grpc-status"] ?? reply.headers["grpc-status"] ?? -1),
          body: reply.body.slice(5),
          kept: String(reply.headers["x-kept"] ?? ""),
        }),
      ),
  },
  {
    name: "gRPC-Web",
    grpc: true,
    call: async (gateway, body, tag = "-", send = "whole") => {
      const client = await raw(gateway);
      const [framing, message] = framingOf(framed(0, Buffer.from(body)), send);
      client.write(
        `POST ${grpc} HTTP/1.1\r\nHost: a\r\nx-tag: ${tag}\r\nContent-Type: application/grpc-web\r\nseldon: iris\r\nnamespace: prod\r\n${framing}\r\n\r\n`,
      );
      client.socket.write(message);
      const reply = client
        .until(({ text }) => answersIn(text).length > 0)
        .then(() => {
          const [answer] = answersIn(client.text);
          const all = `${answer!.head}${answer!.body}`;
          const length = answer!.body.length < 5 ? 0 : Buffer.from(answer!.body, "latin1").readUInt32BE(1);
          return {
            status: Number(/grpc-status: ?(\d+)/.exec(all)?.[1] ?? -1),
            body: answer!.body.slice(5, 5 + length),
            kept: /x-kept: (\d+)/.exec(answer!.head)?.[1] ?? "",
          };
        });
      reply.catch(() => undefined);
      return { reply, leave: () => client.destroy() };
    },
  },
];

/** Answers who it is and how much came, in the caller's protocol. */
export function answering(name: string): (request: Http2Request) => void {
  return ({ stream, headers, body }) => {
    const text = `${name} ${String(headers["x-tenant"] ?? headers["x-tag"] ?? "")} ${createHash("sha1")
      .update(headers["content-type"]?.startsWith("application/grpc") === true ? body.slice(5) : body, "latin1")
      .digest("hex")
      .slice(0, 8)}`;
    if (headers["content-type"]?.startsWith("application/grpc") !== true) {
      stream.respond({ ":status": 200 });
      stream.end(text);
      return;
    }
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(framed(0, Buffer.from(text)));
  };
}

export const shaOf = (body: string): string => createHash("sha1").update(body, "latin1").digest("hex").slice(0, 8);
