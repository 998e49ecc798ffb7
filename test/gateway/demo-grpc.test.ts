// The demo's gRPC model server, asked by a client that knows it from the .proto files, and its messages.
import { Client, credentials, Metadata, status, type ServiceError } from "@grpc/grpc-js";
import { loadSync, type MessageTypeDefinition } from "@grpc/proto-loader";
import * as fc from "fast-check";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { predictOnce } from "../../gateway/demo/grpc-predictions.ts";
import { createGrpcServer, listenGrpc, messageOf } from "../../gateway/demo/grpc-server.ts";
import { methodOf, type Method } from "../../gateway/demo/protos.ts";
import { ndarrayMessage, predictMessage, tensorMessage, versionOf } from "../../gateway/demo/seldon-messages.ts";
import { inferMethod, predictMethod, predictMethods, readiness } from "../../gateway/demo/methods.ts";
import { infer, inferMessage, inferVersionOf } from "../../gateway/demo/v2-messages.ts";

let predictions = 0;
const server = createGrpcServer("2", () => (predictions += 1));
let port = 0;
let client: Client;

beforeAll(async () => {
  port = await listenGrpc(server);
  client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
});

afterAll(() => {
  client.close();
  server.forceShutdown();
});

const same = (bytes: Buffer): Buffer => bytes;

/** The answer; throws the failure. */
function ask<Request extends object, Response extends object>(
  method: Method<Request, Response>,
  message: Request,
  puid = "p-1",
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const metadata = new Metadata();
    metadata.set("seldon-puid", puid);
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      message,
      metadata,
      (error: ServiceError | null, answer?: Response) => {
        if (error === null) resolve(answer!);
        else reject(error);
      },
    );
  });
}

/** What comes of a call with these bytes as its message, which need not be one. */
function send(path: string, message: Buffer): Promise<Buffer | ServiceError> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, same, same, message, (error: ServiceError | null, answer?: Buffer) =>
      resolve(error ?? answer!),
    );
  });
}

/** The fields with this number of a message that has nothing but varints and bytes. */
function bytesOf(message: Buffer, field: number): readonly Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const length = varint();
    if (key % 8 !== 2) continue;
    if (key >> 3 === field) found.push(message.subarray(at, at + length));
    at += length;
  }
  return found;
}

/** The value of a message's first field, a short varint. */
function varintOf(message: Buffer): number {
  return message[1]!;
}

function serviceNames(answer: Buffer): readonly string[] {
  return bytesOf(bytesOf(answer, 6)[0]!, 1).map((service) => bytesOf(service, 1)[0]!.toString());
}

const fileType = loadSync("google/protobuf/descriptor.proto", { keepCase: true })[
  "google.protobuf.FileDescriptorProto"
] as MessageTypeDefinition<object, object>;

/** The file that was asked for, and those that it needs. */
function filesOf(answer: Buffer): readonly { readonly name: string; readonly dependency?: readonly string[] }[] {
  return bytesOf(bytesOf(answer, 4)[0]!, 1).map((bytes) => fileType.deserialize(bytes) as { readonly name: string });
}

describe("the gRPC model server", () => {
  test("predicts a tensor, says which version did, and counts", async () => {
    const answer = await ask(
      predictMethod,
      tensorMessage([
        [7, 3.2, 4.7, 1.4],
        [5.1, 3.5, 1.4, 0.2],
      ]),
    );
    expect([versionOf(answer), answer.meta!.puid, predictions]).toEqual(["2", "p-1", 1]);
    const { shape, values } = answer.data!.tensor!;
    expect(shape).toEqual([2, 3]);
    const [first, second] = [values.slice(0, 3), values.slice(3)];
    expect(first.indexOf(Math.max(...first))).toBe(1);
    expect(second.indexOf(Math.max(...second))).toBe(0);
  });

  test.each(predictMethods)("$path predicts rows of an ndarray, in that form", async (method) => {
    const answer = await ask(
      method,
      ndarrayMessage([
        [7, 3.2, 4.7, 1.4],
        [5.1, 3.5, 1.4, 0.2],
      ]),
    );
    const rows = answer.data!.ndarray!.values.map((row) =>
      row.listValue!.values.map(({ numberValue }) => numberValue!),
    );
    expect([versionOf(answer), rows.map((row) => row.indexOf(Math.max(...row)))]).toEqual(["2", [1, 0]]);
  });

  test("predicts in KServe's V2 protocol, and keeps the name and the id of the request", async () => {
    const answer = await ask(inferMethod, { ...inferMessage([[7, 3.2, 4.7, 1.4]]), model_name: "mine", id: "id-1" });
    expect([answer.model_name, answer.model_version, answer.id]).toEqual(["mine", "2", "id-1"]);
    expect(inferVersionOf(answer)).toBe("2");
    const [output] = answer.outputs;
    expect([output!.datatype, output!.shape]).toEqual(["FP64", [1, 3]]);
    const values = output!.contents!.fp64_contents!;
    expect(values.indexOf(Math.max(...values))).toBe(1);
  });

  test("takes raw bytes of FP32 as clients of V2 send them", async () => {
    const raw = Buffer.alloc(16);
    for (const [index, value] of [7, 3.2, 4.7, 1.4].entries()) raw.writeFloatLE(value, index * 4);
    const answer = await ask(inferMethod, {
      inputs: [{ name: "predict", datatype: "FP32", shape: [1, 4] }],
      raw_input_contents: [raw],
    });
    expect(inferVersionOf(answer)).toBe("2");
  });

  test.each(readiness)("$method.path says yes", async ({ method }) => {
    const answer = await send(method.path, Buffer.alloc(0));
    // Field 1, a varint: 1.
    expect(answer).toEqual(Buffer.from([0x08, 1]));
  });

  test.each([
    ["an empty message", Buffer.alloc(0)],
    ["a row of three", inferMethod.requestSerialize(inferMessage([[1, 2, 3]]))],
    ["another datatype", inferMethod.requestSerialize({ inputs: [{ name: "", datatype: "BYTES", shape: [1, 4] }] })],
    [
      "a shape of many more rows",
      inferMethod.requestSerialize({ inputs: [{ name: "", datatype: "FP64", shape: [2 ** 40, 4] }] }),
    ],
    ["no message", Buffer.from([255, 255])],
  ])("%s to ModelInfer is INVALID_ARGUMENT and says why", async (_, given) => {
    expect(await send(inferMethod.path, given)).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringMatching(/send one input|Protocol Buffers/u) as string,
    });
  });

  test.each([
    ["an empty message", Buffer.alloc(0)],
    ["a row of three", predictMethod.requestSerialize(tensorMessage([[1, 2, 3]]))],
    [
      "an ndarray with a row of three",
      predictMethod.requestSerialize(
        ndarrayMessage([
          [7, 3.2, 4.7, 1.4],
          [1, 2, 3],
        ]),
      ),
    ],
    [
      "an ndarray with a word",
      predictMethod.requestSerialize({ data: { ndarray: { values: [{ listValue: { values: [{}, {}, {}, {}] } }] } } }),
    ],
    // data.tensor.shape: 2^40 and 0, which an int32 cannot say.
    ["a shape of no columns", Buffer.from("1a0b12090a0780808080802000", "hex")],
    ["no message", Buffer.from([255, 255])],
  ])("%s is INVALID_ARGUMENT and says why", async (_, message) => {
    const error = await send(predictMethod.path, message);
    expect(error).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringMatching(/send data\.tensor|Protocol Buffers/u) as string,
    });
  });

  test("another method is UNIMPLEMENTED", async () => {
    expect(await send("/seldon.protos.Seldon/SendFeedback", Buffer.alloc(0))).toMatchObject({
      code: status.UNIMPLEMENTED,
    });
  });

  test.each(["v1", "v1alpha"])("reflection %s lists the services and describes them", async (version) => {
    const stream = client.makeBidiStreamRequest(
      `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
      same,
      same,
      new Metadata(),
    );
    // What is left when an expectation fails.
    stream.on("error", () => {});
    const asked = async (field: number, text: string): Promise<Buffer> => {
      stream.write(Buffer.concat([Buffer.from([field * 8 + 2, text.length]), Buffer.from(text)]));
      const [answer] = (await once(stream, "data")) as [Buffer];
      return answer;
    };
    expect(serviceNames(await asked(7, ""))).toEqual([
      "seldon.protos.Seldon",
      "seldon.protos.Model",
      "inference.GRPCInferenceService",
    ]);
    // A file comes with those that it needs.
    for (const [symbol, names] of [
      ["seldon.protos.Seldon", ["google_protobuf.proto", "seldon_protos.proto", "tensorflow.proto"]],
      ["inference.ModelInferRequest", ["inference.proto"]],
    ] as const) {
      const files = filesOf(await asked(4, symbol));
      expect(files.map(({ name }) => name).toSorted()).toEqual(names);
      expect(files[0]!.dependency ?? []).toEqual(names.filter((name) => name !== files[0]!.name));
    }
    expect(filesOf(await asked(3, "inference.proto")).map(({ name }) => name)).toEqual(["inference.proto"]);
    // error_response.error_code
    expect(varintOf(bytesOf(await asked(4, "nobody.Nothing"), 7)[0]!)).toBe(status.NOT_FOUND);
    stream.end();
    await once(stream, "status");
  });
});

test("the client asks the gateway itself, whatever proxy the environment names", async () => {
  vi.stubEnv("http_proxy", "http://127.0.0.1:1");
  vi.stubEnv("no_grpc_proxy", "");
  vi.stubEnv("no_proxy", "");
  try {
    for (const protocol of ["seldon", "v2"] as const)
      expect(await predictOnce(`http://127.0.0.1:${port}`, "iris", protocol)).toEqual({
        code: 0,
        sentence: "",
        version: "2",
      });
  } finally {
    vi.unstubAllEnvs();
  }
});

test("a method that the .proto files do not have is said", () => {
  expect(() => methodOf("seldon.protos.Seldon", "Nothing")).toThrow(
    "the .proto files have no seldon.protos.Seldon/Nothing",
  );
});

const grpcurl = new URL("../../.cache/tools/grpcurl-v1.9.4", import.meta.url).pathname;

// Skipped where the tool is not cached: build it with test/tools/grpcurl.sh.
describe.runIf(existsSync(grpcurl))("grpcurl, which asks for the messages by reflection", () => {
  const run = async (payload: string, method: string): Promise<unknown> => {
    const { stdout } = await promisify(execFile)(grpcurl, ["-plaintext", "-d", payload, `127.0.0.1:${port}`, method]);
    return JSON.parse(stdout);
  };

  test.each([
    [
      "a tensor",
      '{"data":{"tensor":{"shape":[1,4],"values":[7.0,3.2,4.7,1.4]}}}',
      "seldon.protos.Seldon/Predict",
      { data: { tensor: { shape: [1, 3] } }, meta: { requestPath: { classifier: "iris:2" } } },
    ],
    [
      "an ndarray",
      '{"data":{"ndarray":[[7.0,3.2,4.7,1.4]]}}',
      "seldon.protos.Model/Predict",
      { data: { ndarray: [[expect.any(Number), expect.any(Number), expect.any(Number)]] } },
    ],
    [
      "V2",
      '{"model_name":"classifier","inputs":[{"name":"predict","datatype":"FP64","shape":[1,4],"contents":{"fp64_contents":[7.0,3.2,4.7,1.4]}}]}',
      "inference.GRPCInferenceService/ModelInfer",
      { modelName: "classifier", modelVersion: "2", outputs: [{ datatype: "FP64", shape: ["1", "3"] }] },
    ],
    ["readiness", '{"name":"classifier"}', "inference.GRPCInferenceService/ModelReady", { ready: true }],
  ])("%s", async (_what, payload, method, answer) => {
    expect(await run(payload, method)).toMatchObject(answer);
  });
});

test("any bytes are a message or none, and nothing throws", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (given) => {
      const bytes = Buffer.from(given);
      const asked = messageOf(predictMethod, bytes);
      if (asked !== null) predictMessage("2", asked, "p-1");
      const inferred = messageOf(inferMethod, bytes);
      if (inferred !== null) infer("2", inferred);
    }),
  );
});
