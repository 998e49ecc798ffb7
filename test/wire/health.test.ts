// grpc.health.v1 as @grpc/grpc-js sees it: the gateway's own health, a deployment's, and what is not told.
import * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { framed, healthResponse, serviceOf, serving } from "../../gateway/edge/message/grpc-message.ts";
import { mappingOf, upstreamOf } from "../gateway/fixtures.ts";
import { eventually } from "../turns.ts";
import { Gateway, endpointsOn } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";

const path = (method: string): string => `/grpc.health.v1.Health/${method}`;
const request = (service: string): Buffer =>
  Buffer.concat([Buffer.from([0x0a, Buffer.byteLength(service)]), Buffer.from(service)]);
const same = (bytes: Buffer): Buffer => bytes;
/** A serving status, or the code of a failed call. */
type Health = { readonly status: number } | { readonly code: number; readonly details: string };

describe("health", () => {
  let gateway: Gateway;
  let client: grpc.Client;

  beforeEach(async () => {
    gateway = await new Gateway().listen();
    client = new grpc.Client(`127.0.0.1:${gateway.port}`, grpc.credentials.createInsecure());
  });
  afterEach(() => {
    client.close();
    gateway.close();
    expect(gateway.faults).toBe(0);
  });

  /** `iris` is served when `ready`; nobody serves `gone`. */
  function serve(ready: boolean): void {
    const port = 9;
    gateway.serve([mappingOf("iris", "iris")], [upstreamOf("iris")], [endpointsOn("iris", ready ? [port] : [])], {});
  }

  function check(service: string, metadata: Readonly<Record<string, string>> = {}): Promise<Health> {
    const fields = new grpc.Metadata();
    for (const [name, value] of Object.entries(metadata)) fields.set(name, value);
    return new Promise((resolve) => {
      client.makeUnaryRequest(path("Check"), same, same, request(service), fields, (error, reply) => {
        resolve(error === null ? { status: reply![1]! } : { code: error.code, details: error.details });
      });
    });
  }

  test("the gateway serves once it has a table, and not while it drains", async () => {
    expect(await check("")).toEqual({ status: serving.no });
    serve(true);
    expect(await check("")).toEqual({ status: serving.yes });
    gateway.notReady();
    expect(await check("")).toEqual({ status: serving.no });
  });

  test("a deployment is asked for by its name", async () => {
    serve(true);
    expect(await check("prod/iris")).toEqual({ status: serving.yes });
    for (const service of [
      "prod/gone",
      "other/iris",
      "iris",
      "prod/",
      "/iris",
      "prod/iris/x",
      "prod/IRIS",
      "seldon.protos.Seldon",
      "p".repeat(600),
    ]) {
      expect(await check(service)).toEqual({
        code: grpc.status.NOT_FOUND,
        details: 'unknown service: ask for "" or for <namespace>/<deployment>',
      });
    }
  });

  test("or by metadata, where no Route has the call", async () => {
    serve(true);
    expect(await check("", { seldon: "gone", namespace: "prod" })).toMatchObject({ code: grpc.status.NOT_FOUND });
    expect(await check("", { seldon: "iris", namespace: "nowhere" })).toMatchObject({ code: grpc.status.NOT_FOUND });
  });

  test("List names the gateway alone", async () => {
    serve(true);
    const reply = await new Promise<Buffer | undefined>((resolve, reject) => {
      client.makeUnaryRequest(path("List"), same, same, Buffer.alloc(0), (error, bytes) =>
        error === null ? resolve(bytes) : reject(error),
      );
    });
    expect([...reply!]).toEqual([0x0a, 6, 0x0a, 0, 0x12, 2, 0x08, serving.yes]);
  });

  test("Watch follows a deployment that comes, goes, is forgotten and comes again", async () => {
    serve(false);
    const told: number[] = [];
    const call = client.makeServerStreamRequest(path("Watch"), same, same, request("prod/iris"));
    call.on("data", (reply: Buffer) => told.push(reply[1]!));
    call.on("error", () => undefined);
    const seen = async (...expected: number[]): Promise<void> => {
      await gateway.goOnUntil(() => told.length >= expected.length, `${expected.length} messages`);
      expect(told).toEqual(expected);
    };
    const { yes, no, unknownService } = serving;
    await seen(no);
    gateway.serve([], [], []);
    await seen(no, unknownService);
    serve(true);
    await seen(no, unknownService, yes);
    gateway.serve([], [], []);
    await seen(no, unknownService, yes, unknownService);
    call.cancel();
    await eventually(() => gateway.counted("inFlight") === 0, "nothing in flight");
  });

  test("Watch of the gateway is told of the drain, and ends with it", async () => {
    serve(true);
    const told: number[] = [];
    const ended = new Promise<grpc.ServiceError>((resolve) => {
      const call = client.makeServerStreamRequest(path("Watch"), same, same, request(""));
      call.on("data", (reply: Buffer) => told.push(reply[1]!));
      call.on("error", (error) => resolve(error as grpc.ServiceError));
    });
    await eventually(() => told.length === 1, "the first message");
    await gateway.during(gateway.plane.drain(200, 5000));
    expect((await ended).code).toBe(grpc.status.UNAVAILABLE);
    expect(told).toEqual([serving.yes, serving.no]);
  });

  describe("what is no call for health", () => {
    let raw: Http2Client;
    const fields = { ":method": "POST", "content-type": "application/grpc", te: "trailers" };

    beforeEach(async () => {
      serve(true);
      raw = await Http2Client.open(gateway, false);
    });
    afterEach(() => raw.destroy());

    test.each([
      ["no message", Buffer.alloc(0), grpc.status.INVALID_ARGUMENT],
      ["half a message", framed(0, request("prod/iris")).subarray(0, 8), grpc.status.INVALID_ARGUMENT],
      ["two messages", Buffer.concat([framed(0, request("")), framed(0, request(""))]), grpc.status.INVALID_ARGUMENT],
      ["a compressed one", framed(1, request("")), grpc.status.UNIMPLEMENTED],
      ["one that is no protobuf", framed(0, Buffer.from([0x0a, 9, 1])), grpc.status.INVALID_ARGUMENT],
      [
        "one of 1024 bytes",
        framed(0, Buffer.concat([request(""), Buffer.from([0x12, 0xf6, 0x07]), Buffer.alloc(1014)])),
        grpc.status.OK,
      ],
      [
        "one of 1025 bytes",
        framed(0, Buffer.concat([request(""), Buffer.from([0x12, 0xf7, 0x07]), Buffer.alloc(1015)])),
        grpc.status.RESOURCE_EXHAUSTED,
      ],
    ])("%s", async (_name, body, code) => {
      const reply = await raw.request({ ...fields, ":path": path("Check") }, body);
      expect(reply.status).toBe(200);
      expect((reply.trailers ?? reply.headers)["grpc-status"]).toBe(String(code));
    });

    test.each([
      "/grpc.health.v1.Health/Other",
      "/grpc.health.v1.Health/",
      "/grpc.health.v1.Healthy/Check",
      "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    ])("%s is answered as any other call", async (other) => {
      const reply = await raw.request({ ...fields, ":path": other }, framed(0, request("")));
      expect(reply.headers["grpc-status"]).toBe(String(grpc.status.UNIMPLEMENTED));
    });

    test("a GET is none", async () => {
      expect(await raw.request({ ":path": path("Check") })).toMatchObject({ status: 404 });
    });
  });
});

test("messages: other fields are passed over, and the last service counts", () => {
  expect(serviceOf(Buffer.alloc(0))).toBe("");
  expect(
    serviceOf(
      Buffer.from([0x10, 0x96, 0x01, 0x0a, 1, 0x61, 0x1d, 0, 0, 0, 0, 0x21, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a, 1, 0x62]),
    ),
  ).toBe("b");
  for (const bytes of [
    [0x0a],
    [0x0a, 2, 0x61],
    [0x0b],
    [0x1d, 0],
    [0x80, 0x80, 0x80, 0x80, 0x80],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  ])
    expect(serviceOf(Buffer.from(bytes))).toBe(null);
  expect([...framed(0, healthResponse(serving.yes))]).toEqual([0, 0, 0, 0, 2, 8, 1]);
});
