// The model server of `sluice model`: both protocols on one port, its messages as the .proto files have them, and clients that mean no good.
import { Client, credentials, Metadata, status, type ServiceError } from "@grpc/grpc-js";
import * as fc from "fast-check";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect, type AddressInfo, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inferMethod, predictMethods, readiness } from "../../gateway/demo/methods.ts";
import { maxBodyBytes } from "../../gateway/demo/model-server.ts";
import { createOnePort } from "../../gateway/demo/one-port.ts";
import { decode, encode, inferRequest, inferResponse, seldonMessage } from "../../gateway/demo/proto-codec.ts";
import type { Method } from "../../gateway/demo/protos.ts";
import { ndarrayMessage, predictMessage, tensorMessage } from "../../gateway/demo/seldon-messages.ts";
import { infer, inferMessage, type InferResponse } from "../../gateway/demo/v2-messages.ts";

const server = createOnePort("2");
const flower = [7, 3.2, 4.7, 1.4];
const rows = [flower, [5.1, 3.5, 1.4, 0.2]];
let port = 0;
let client: Client;

beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
  client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
});

afterAll(() => {
  client.close();
  server.close();
});

const same = (bytes: Buffer): Buffer => bytes;

function call<Request extends object, Response extends object>(
  { path, requestSerialize, responseDeserialize }: Method<Request, Response>,
  message: Request,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const metadata = new Metadata();
    metadata.set("seldon-puid", "p-1");
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, message, metadata, (error, answer) => {
      if (error === null) resolve(answer!);
      else reject(error);
    });
  });
}

/** The failure of a call with these bytes. */
function failure(path: string, message: Buffer): Promise<ServiceError | null> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, same, same, message, (error) => resolve(error));
  });
}

const url = (path: string): string => `http://127.0.0.1:${port}${path}`;
const ask = (path: string, body: unknown): Promise<Response> =>
  fetch(url(path), { method: "POST", body: JSON.stringify(body) });

async function open(): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

describe("gRPC", () => {
  test.each([tensorMessage(rows), ndarrayMessage(rows)])(
    "Predict answers as the library's server does: %j",
    async (message) => {
      for (const method of predictMethods)
        expect(await call(method, message)).toMatchObject(predictMessage("2", message, "p-1") as object);
    },
  );

  test("V2 answers, with contents and with raw bytes", async () => {
    const message = inferMessage(rows);
    // An empty text is absence.
    const { id: _id, ...expected } = infer("2", message) as InferResponse;
    expect(await call(inferMethod, message)).toMatchObject(expected);
    const raw = Buffer.alloc(64);
    for (const [index, value] of rows.flat().entries()) raw.writeDoubleLE(value, index * 8);
    const [{ contents: _contents, ...input }] = message.inputs as [(typeof message.inputs)[number]];
    expect(await call(inferMethod, { ...message, inputs: [input], raw_input_contents: [raw] })).toMatchObject(expected);
    for (const { method, yes } of readiness) expect(await call(method, {})).toEqual(yes);
  });

  test("a failure has its status: no such method, no message, the wrong shape, too long", async () => {
    const { path } = predictMethods[0]!;
    expect((await failure("/seldon.protos.Seldon/Nothing", Buffer.alloc(0)))?.code).toBe(status.UNIMPLEMENTED);
    for (const bytes of [
      Buffer.from([0xff]),
      Buffer.from([10, 200]),
      encode(seldonMessage, { ...tensorMessage([[1]]) }),
    ])
      expect((await failure(path, bytes))?.code).toBe(status.INVALID_ARGUMENT);
    expect((await failure(inferMethod.path, Buffer.from([0xff])))?.code).toBe(status.INVALID_ARGUMENT);
    // A prefix of five bytes belongs to the body.
    expect((await failure(path, Buffer.alloc(maxBodyBytes - 4)))?.code).toBe(status.RESOURCE_EXHAUSTED);
    expect((await failure(path, Buffer.alloc(maxBodyBytes - 5)))?.code).toBe(status.INVALID_ARGUMENT);
  });

  test("a request over HTTP/2 that is no gRPC gets 415", async () => {
    const session = connectHttp2(url(""));
    const stream = session.request({ ":path": "/", "content-type": "text/plain" }).end();
    const [headers] = (await once(stream, "response")) as [Readonly<Record<string, unknown>>];
    expect(headers[":status"]).toBe(415);
    session.destroy();
  });
});

describe("messages", () => {
  const number = fc.double({ noNaN: true });

  test("of Seldon are those of the .proto files, both ways", () => {
    const { requestSerialize, requestDeserialize } = predictMethods[0]!;
    const table = fc.array(fc.array(number, { maxLength: 5 }), { maxLength: 5 });
    fc.assert(
      fc.property(table, fc.boolean(), (written, isList) => {
        const message = isList ? ndarrayMessage(written) : tensorMessage(written);
        expect(requestDeserialize(encode(seldonMessage, { ...message }))).toMatchObject(message);
        expect(decode(seldonMessage, requestSerialize(message))).toMatchObject(message);
      }),
    );
  });

  test("of V2 are those of the .proto files, both ways", () => {
    fc.assert(
      fc.property(fc.array(number), fc.string(), (values, id) => {
        const message = { ...inferMessage([values]), id };
        expect(decode(inferRequest, inferMethod.requestSerialize(message))).toMatchObject(
          id === "" ? inferMessage([values]) : message,
        );
        const answer = { ...(infer("1", inferMessage(rows)) as object), id };
        expect(inferMethod.responseDeserialize(encode(inferResponse, answer))).toMatchObject(
          id === "" ? { outputs: [{}] } : answer,
        );
      }),
    );
  });

  test("of any bytes are read or refused, and those that are nested too deep are refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        decode(seldonMessage, Buffer.from(bytes));
        decode(inferRequest, Buffer.from(bytes));
      }),
    );
    let list: object = { values: [] };
    for (let depth = 0; depth < 200; depth++) list = { values: [{ listValue: list }] };
    expect(decode(seldonMessage, encode(seldonMessage, { data: { names: [], ndarray: list } }))).toBeNull();
  });
});

describe("REST", () => {
  test("Seldon's protocol and V2 answer", async () => {
    expect(await (await ask("/api/v1.0/predictions", { data: { ndarray: [flower] } })).json()).toMatchObject({
      meta: { requestPath: { classifier: "iris:2" } },
    });
    const inputs = [{ name: "x", datatype: "FP32", shape: [2, 4], data: rows }];
    const expected = infer("2", inferMessage(rows)) as InferResponse;
    expect(await (await ask("/v2/models/any/infer", { id: "7", inputs })).json()).toMatchObject({
      model_name: "any",
      model_version: "2",
      id: "7",
      outputs: [{ shape: [2, 3], data: expected.outputs[0]!.contents!.fp64_contents }],
    });
    for (const path of ["/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/any", "/v2/models/any/ready"])
      expect([path, (await fetch(url(path))).status]).toEqual([path, 200]);
  });

  test.each([
    ["/v2/models/any/infer", {}, 400],
    ["/v2/models/any/infer", { inputs: [{ shape: [1, 3], data: [1, 2, 3] }] }, 400],
    ["/v2/models/any/infer", { inputs: [{ shape: "x", data: [1] }] }, 400],
    ["/v2/health/ready", {}, 405],
    ["/v2/nothing", {}, 405],
    ["/nothing", {}, 404],
  ])("%s with %j gets %i", async (path, body, code) => {
    expect((await ask(path, body)).status).toBe(code);
  });

  test("a body of more than the bound gets 413", async () => {
    const send = async (bytes: number): Promise<number> =>
      (await fetch(url("/api/v1.0/predictions"), { method: "POST", body: " ".repeat(bytes) })).status;
    expect(await send(maxBodyBytes)).toBe(400);
    expect(await send(maxBodyBytes + 1)).toBe(413);
  });
});

describe("one port", () => {
  test("a request whose first bytes come one by one is answered, in both protocols", async () => {
    const socket = await open();
    for (const byte of "GET /v2/health/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n") {
      await new Promise((resolve) => socket.write(byte, resolve));
    }
    expect(await text(socket)).toContain('{"live":true}');
    const http2 = await open();
    for (const byte of "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") await new Promise((resolve) => http2.write(byte, resolve));
    http2.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    const [settings] = (await once(http2, "data")) as [Buffer];
    expect(settings[3]).toBe(4);
    http2.destroy();
  });

  test("clients that end early, send nothing or rubbish harm nobody", async () => {
    for (const bytes of [
      "",
      "PR",
      "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
      "\0\0\0\0",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff",
    ]) {
      const socket = await open();
      socket.on("error", () => {});
      socket.end(bytes, "latin1");
      socket.resume();
      await once(socket, "close");
    }
    expect((await fetch(url("/v2/health/live"))).status).toBe(200);
  });
});
