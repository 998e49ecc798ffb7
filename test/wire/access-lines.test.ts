// Lines of the access log: whatever became of a request, its line says whose it was, who ended it, and how.
import { afterEach, describe, expect, test } from "vitest";
import { grpcStatusNames } from "../../gateway/grpc-statuses.ts";
import type { AccessEntry } from "../../gateway/shared/access-fields.ts";
import { is, named, prefix } from "../routing/build.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { freePort } from "../ports.ts";
import { endpointsOn, Gateway, irisTo, plainFront, post, type GatewayOptions } from "./gateway.ts";
import { Http2Client, type Http2Reply } from "./http2-client.ts";
import { answerWithTrailers, Http2Origin, type Http2Behaviour } from "./http2-origin.ts";
import { answerEach, Origin } from "./origin.ts";
import { plainSettings } from "../../routing/model/table-change.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(options: GatewayOptions = {}): Promise<Gateway> {
  const gateway = await new Gateway(options).listen();
  closers.push(() => gateway.close());
  return gateway;
}

async function modelThatAnswers(text: string): Promise<number> {
  const origin = await new Origin(answerEach(() => text)).listen();
  closers.push(() => origin.close());
  return origin.port;
}

async function lineOf(gateway: Gateway): Promise<AccessEntry> {
  await gateway.goOnUntil(() => gateway.entries.length > 0, "a line");
  expect(gateway.entries).toHaveLength(1);
  return gateway.entries[0]!;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u;
const ofIris = {
  namespace: "prod",
  deployment: "iris",
  predictor: "default",
  route: "/seldon/prod/iris/…",
  mapping: "iris/http",
  peer: "127.0.0.1",
  requestId: expect.stringMatching(uuid),
};

describe("REST", () => {
  test("no ready Endpoint: deployment, predictor and Route are named", async () => {
    const gateway = await start();
    gateway.serveIris([]);
    await gateway.ask(false, post("x"));
    expect(await lineOf(gateway)).toMatchObject({
      ...ofIris,
      flag: "UH",
      origin: "gateway",
      code: 503,
      grpcStatus: "",
      address: "",
    });
  });

  test("a client that its address keeps out", async () => {
    const gateway = await start();
    const front = { ...plainFront, addresses: [{ kind: "deny", peer: ["127.0.0.0/8"], remote: [] } as const] };
    gateway.serve([irisTo("iris")], [upstreamOf("iris")], [endpointsOn("iris", [await freePort()])], {
      settings: { ...plainSettings, front },
    });
    await gateway.ask(false, post("x"));
    expect(await lineOf(gateway)).toMatchObject({ ...ofIris, flag: "UAEX", origin: "gateway", code: 403 });
  });

  test("nothing matches: no deployment, and the gateway said so", async () => {
    const gateway = await start();
    gateway.serveIris([]);
    await gateway.ask(false, post("x", "", "/nowhere"));
    expect(await lineOf(gateway)).toMatchObject({
      ...ofIris,
      namespace: "",
      deployment: "",
      predictor: "",
      route: "",
      mapping: "",
      flag: "NR",
      origin: "gateway",
      code: 404,
    });
  });

  test.each([
    ["HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 503, "The model answered 503 Service Unavailable"],
    ["HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 500, "The model answered 500 Internal Server Error"],
    ["HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n", 599, "The model answered 599"],
  ])("the model's own %j is a failure without a flag, of the model", async (text, code, sentence) => {
    const gateway = await start();
    const port = await modelThatAnswers(text);
    gateway.serveIris([port]);
    await gateway.ask(false, post("x"));
    expect(await lineOf(gateway)).toMatchObject({
      ...ofIris,
      flag: "",
      origin: "model",
      code,
      sentence,
      address: `127.0.0.1:${port}`,
    });
  });

  test.each(["HTTP/1.1 499 Odd\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])(
    "%j is none",
    async (text) => {
      const gateway = await start();
      gateway.serveIris([await modelThatAnswers(text)]);
      await gateway.ask(false, post("x"));
      await gateway.goOnUntil(() => gateway.counted("inFlight") === 0, "the end");
      expect(gateway.entries).toEqual([]);
    },
  );

  test("with all lines a good answer is the model's too, and a client that left ended its own request", async () => {
    const gateway = await start({ accessLog: "all" });
    gateway.serveIris([await modelThatAnswers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]);
    await gateway.ask(false, post("x"));
    expect(await lineOf(gateway)).toMatchObject({ ...ofIris, flag: "", sentence: "", origin: "model", code: 200 });
    gateway.entries.length = 0;
    const silent = await new Origin(() => undefined).listen();
    closers.push(() => silent.close());
    gateway.serveIris([silent.port]);
    const client = await gateway.open(false);
    client.write(post("x"));
    await gateway.goOnUntil(() => silent.text !== "", "the request at the model");
    client.destroy();
    expect(await lineOf(gateway)).toMatchObject({ ...ofIris, flag: "DC", origin: "", code: 0 });
  });

  test("an answer that is cut was ended by the gateway", async () => {
    const gateway = await start();
    const origin = await new Origin(({ socket }) => {
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    }).listen();
    closers.push(() => origin.close());
    gateway.serveIris([origin.port]);
    const client = await gateway.open(false);
    client.write(post("x"));
    expect(await lineOf(gateway)).toMatchObject({ ...ofIris, flag: "UC", origin: "gateway", code: 200 });
    client.destroy();
  });
});

describe("gRPC", () => {
  async function call(gateway: Gateway, behaviour: Http2Behaviour | null): Promise<Http2Reply> {
    const mapping = irisTo("iris", { rewrite: { kind: "none" } });
    const match = {
      ...mapping.match,
      path: prefix("/"),
      headers: [named("seldon", is("iris")), named("namespace", is("prod"))],
    };
    const ports: number[] = [];
    if (behaviour !== null) {
      const origin = await new Http2Origin(behaviour).listen();
      closers.push(() => origin.close());
      ports.push(origin.port);
    }
    gateway.serve(
      [{ ...mapping, match, series: { ...mapping.series, protocol: "grpc" } }],
      [{ ...upstreamOf("iris"), protocol: "http2" }],
      [endpointsOn("iris", ports)],
    );
    const client = await Http2Client.open(gateway, false);
    closers.push(() => client.destroy());
    return client.request(
      {
        ":method": "POST",
        ":path": "/seldon.protos.Seldon/Predict",
        "content-type": "application/grpc",
        te: "trailers",
        seldon: "iris",
        namespace: "prod",
      },
      "\0\0\0\0\0",
    );
  }
  const ofCall = { ...ofIris, route: "/… with seldon: iris, namespace: prod", code: 200 };

  test("that finds nobody names its deployment", async () => {
    const gateway = await start();
    expect((await call(gateway, null)).headers["grpc-status"]).toBe("14");
    expect(await lineOf(gateway)).toMatchObject({
      ...ofCall,
      flag: "UH",
      origin: "gateway",
      grpcStatus: "UNAVAILABLE",
    });
  });

  const serverErrors = new Set([2, 4, 12, 13, 14, 15]);
  test.each(Array.from({ length: 18 }, (_, status) => status))("the model's status %d in trailers", async (status) => {
    const gateway = await start();
    await call(gateway, (request) => answerWithTrailers(request, "\0\0\0\0\0", { "grpc-status": String(status) }));
    await gateway.goOnUntil(() => gateway.counted("inFlight") === 0, "the end");
    // 17 is none that gRPC knows: UNKNOWN.
    if (serverErrors.has(status) || status === 17)
      expect(await lineOf(gateway)).toMatchObject({ ...ofCall, flag: "", origin: "model" });
    else expect(gateway.entries).toEqual([]);
  });

  test.each([
    [{ ":status": 200, "grpc-status": "13" }, 200, "INTERNAL"],
    [{ ":status": 200 }, 200, "UNKNOWN"],
    [{ ":status": 502 }, 502, "UNAVAILABLE"],
  ])("an answer of nothing but the head %j is read as clients read it", async (fields, code, grpcStatus) => {
    const gateway = await start();
    await call(gateway, ({ stream }) =>
      stream.respond({ "content-type": "application/grpc", ...fields }, { endStream: true }),
    );
    expect(await lineOf(gateway)).toMatchObject({
      ...ofCall,
      code,
      flag: "",
      origin: "model",
      grpcStatus,
      sentence: `The model answered ${grpcStatus}`,
    });
  });

  test("a call that the model breaks off has the status that its caller got", async () => {
    const gateway = await start();
    const reply = await call(gateway, ({ stream }) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.write("\0\0\0\0\0", () => stream.session!.destroy());
    });
    expect(await lineOf(gateway)).toMatchObject({ ...ofCall, flag: "UC", origin: "gateway" });
    expect(grpcStatusNames[Number(reply.trailers?.["grpc-status"])]).toBe(gateway.entries[0]!.grpcStatus);
  });
});
