// gRPC-Web, with bodies made by hand (no client of it is among the packages of this project), over HTTP/1.1 and HTTP/2, to an upstream that
// speaks gRPC.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Base64Decoder } from "../../gateway/edge/fields/base64.ts";
import { framed } from "../../gateway/edge/message/grpc-message.ts";
import type { Cors } from "../../routing/model/mapping.ts";
import { is, named, prefix } from "../routing/build.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { answersIn, fieldOf } from "./client.ts";
import { Gateway, endpointsOn, irisTo, transports } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";
import { Http2Origin, type Http2Behaviour } from "./http2-origin.ts";

const path = "/seldon.protos.Seldon/Predict";
const message = (text: string): Buffer => framed(0, Buffer.from(text, "latin1"));
const trailersOf = (text: string): Buffer => framed(0x80, Buffer.from(text, "latin1"));

/** Two messages, then a status with binary metadata. */
const twoMessages: Http2Behaviour = ({ stream }) => {
  stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
  stream.on("wantTrailers", () =>
    stream.sendTrailers({ "grpc-status": "0", "grpc-message": "fine", "details-bin": "AAEC" }),
  );
  stream.write(message("one"));
  stream.end(message("two"));
};

interface WebReply {
  readonly status: number;
  readonly type: string | undefined;
  readonly exposed: string | undefined;
  readonly body: Buffer;
}

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Http2Origin;

  beforeEach(async () => {
    gateway = await new Gateway().listen();
    origin = await new Http2Origin(twoMessages).listen();
    serve();
  });
  afterEach(() => {
    gateway.close();
    origin.close();
    expect(gateway.faults).toBe(0);
  });

  function serve(cors: Cors | null = null): void {
    const iris = irisTo("iris", { rewrite: { kind: "none" }, cors });
    const match = {
      ...iris.match,
      path: prefix("/seldon.protos.Seldon/"),
      headers: [named("seldon", is("iris")), named("namespace", is("prod"))],
    };
    gateway.serve(
      [{ ...iris, match }],
      [{ ...upstreamOf("iris"), protocol: "http2" }],
      [endpointsOn("iris", [origin.port])],
    );
  }

  async function overHttp1(type: string, pieces: readonly Buffer[], fields = ""): Promise<WebReply> {
    const client = await gateway.open(secure);
    client.write(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nX-Grpc-Web: 1\r\nseldon: iris\r\nnamespace: prod\r\n${fields}Transfer-Encoding: chunked\r\n\r\n`,
    );
    for (const piece of pieces) {
      client.socket.write(Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.write("0\r\n\r\n");
    await client.until(({ text }) => answersIn(text).length > 0, "its answer");
    const [answer] = answersIn(client.text);
    client.destroy();
    return {
      status: answer!.status,
      type: fieldOf(answer!, "content-type") ?? undefined,
      exposed: fieldOf(answer!, "access-control-expose-headers") ?? undefined,
      body: Buffer.from(answer!.body, "latin1"),
    };
  }

  async function overHttp2(
    type: string,
    pieces: readonly Buffer[],
    fields: Readonly<Record<string, string>> = {},
  ): Promise<WebReply> {
    const client = await Http2Client.open(gateway, secure);
    const stream = client.start({
      ":method": "POST",
      ":path": path,
      "content-type": type,
      seldon: "iris",
      namespace: "prod",
      ...fields,
    });
    for (const piece of pieces) {
      stream.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    stream.end();
    const { status, headers, body, trailers } = await client.reply(stream);
    expect(trailers).toBe(null);
    client.destroy();
    return {
      status,
      type: headers["content-type"],
      exposed: headers["access-control-expose-headers"],
      body: Buffer.from(body, "latin1"),
    };
  }

  describe.each([
    ["HTTP/1.1", overHttp1],
    ["HTTP/2", overHttp2],
  ])("over %s", (_version, call) => {
    const whole = Buffer.concat([
      message("one"),
      message("two"),
      trailersOf("grpc-status: 0\r\ngrpc-message: fine\r\ndetails-bin: AAEC\r\n"),
    ]);

    test.each([
      ["application/grpc-web", "application/grpc", "application/grpc-web"],
      ["application/grpc-web+proto", "application/grpc+proto", "application/grpc-web+proto"],
      ["application/grpc-web+json; charset=utf-8", "application/grpc+json; charset=utf-8", "application/grpc-web+json"],
    ])("%s reaches the upstream as %s", async (type, upstream, answered) => {
      const reply = await call(type, [message("ask")]);
      expect(reply).toMatchObject({ status: 200, type: answered });
      expect(reply.body.equals(whole)).toBe(true);
      const [request] = origin.requests;
      expect(request!.headers).toMatchObject({ "content-type": upstream, te: "trailers" });
      expect(request!.body).toBe(message("ask").toString("latin1"));
    });

    test("text is base64 both ways, however the request is cut", async () => {
      const text = message("a longer question").toString("base64");
      for (const size of [1, 2, 3, 5, 100]) {
        origin.requests.length = 0;
        const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
          Buffer.from(text.slice(i * size, (i + 1) * size)),
        );
        const reply = await call("application/grpc-web-text+proto", pieces);
        expect(reply).toMatchObject({ status: 200, type: "application/grpc-web-text+proto" });
        const decoder = new Base64Decoder();
        expect(decoder.decode(reply.body, 0, reply.body.length)!.equals(whole)).toBe(true);
        expect(origin.requests[0]!.body).toBe(message("a longer question").toString("latin1"));
      }
    });

    test.each([
      ["a character that is none", Buffer.from("AAAA!AAA")],
      ["an unfinished group", Buffer.from("AAAAA")],
      ["padding at the start of a group", Buffer.from("A===")],
      ["a character behind padding", Buffer.from("AA=A")],
    ])("%s is no base64", async (_what, body) => {
      const reply = await call("application/grpc-web-text", [body]);
      expect(reply).toMatchObject({ status: 200, type: "application/grpc-web-text" });
      expect(Buffer.from(reply.body.toString("latin1"), "base64").toString("latin1")).toMatch(
        /^\x80\0\0\0.grpc-status: 3\r\n/,
      );
    });

    test("a status without messages stays in the head", async () => {
      origin.behaviour = ({ stream }) => {
        stream.respond(
          { ":status": 200, "content-type": "application/grpc", "grpc-status": "5", "grpc-message": "nothing" },
          { endStream: true },
        );
      };
      expect(await call("application/grpc-web", [message("ask")])).toMatchObject({
        status: 200,
        type: "application/grpc-web",
        body: Buffer.alloc(0),
      });
    });

    test("what fails here is told in trailers of the body", async () => {
      gateway.serve([], [], []);
      const reply = await call("application/grpc-web+proto", [message("ask")]);
      expect(reply).toMatchObject({ status: 200, type: "application/grpc-web+proto" });
      expect(reply.body[0]).toBe(0x80);
      expect(reply.body.toString("latin1", 5)).toMatch(/^grpc-status: 12\r\ngrpc-message: [^\r]+\r\n$/);
      expect(reply.body.readUInt32BE(1)).toBe(reply.body.length - 5);
    });

    test("an upstream that is lost between two messages ends the body with a status", async () => {
      origin.behaviour = ({ stream }) => {
        stream.respond({ ":status": 200, "content-type": "application/grpc" });
        stream.write(message("one"), () => setTimeout(() => stream.session?.destroy(), 50));
      };
      const reply = await call("application/grpc-web", [message("ask")]);
      expect(reply.body.toString("latin1").startsWith(message("one").toString("latin1"))).toBe(true);
      expect(reply.body.toString("latin1", message("one").length + 5)).toMatch(/^grpc-status: 14\r\ngrpc-message: /);
    });
  });

  test("an upstream that is lost within a message cuts the answer: trailers there would be read as a part of it", async () => {
    origin.behaviour = ({ stream }) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.write(message("one").subarray(0, 6), () => setTimeout(() => stream.session?.destroy(), 50));
    };
    const client = await Http2Client.open(gateway, secure);
    const stream = client.start({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc-web",
      seldon: "iris",
      namespace: "prod",
    });
    stream.end(message("ask"));
    const reply = await client.reply(stream);
    expect(reply.body).toBe(message("one").toString("latin1", 0, 6));
    client.destroy();
  });

  test("an allowed origin may read a status in the head", async () => {
    serve({
      origins: ["https://app.example"],
      methods: "POST",
      headers: "",
      credentials: false,
      exposedHeaders: "x-own",
      maxAge: "",
    });
    const reply = await overHttp2("application/grpc-web", [message("ask")], { origin: "https://app.example" });
    expect(reply.exposed).toBe("x-own, grpc-status, grpc-message, grpc-status-details-bin");
    const other = await overHttp2("application/grpc-web", [message("ask")], { origin: "https://other.example" });
    expect(other.exposed).toBeUndefined();
  });
});
