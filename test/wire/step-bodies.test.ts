// A step that sees the body of a request: what its look means for the request, its client and its model, over each protocol that clients speak.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { failures } from "../../gateway/failures.ts";
import { noChange } from "../../gateway/edge/message/head-copy.ts";
import { framed } from "../../gateway/edge/message/grpc-message.ts";
import type { BodyEnd, BodyLook } from "../../gateway/edge/steps/body-look.ts";
import { goOn, requestStep, waits, type Step } from "../../gateway/edge/steps/step.ts";
import type { ForwardTarget, Mapping } from "../../routing/model/mapping.ts";
import { is, named, prefix } from "../routing/build.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { eventually } from "../turns.ts";
import { Gateway, endpointsOn, irisTo, post } from "./gateway.ts";
import { Http2Origin, type Http2Request } from "./http2-origin.ts";
import { Origin, type OriginBehaviour } from "./origin.ts";
import { opened, protocols, rest, writeBytes, type Reply } from "./step-protocols.ts";

/** What one look was told. */
interface Seen {
  readonly pieces: string[];
  readonly ends: BodyEnd[];
}

const nothingSeen = (): Seen => ({ pieces: [], ends: [] });

function look(seen: Seen): BodyLook {
  return {
    piece: (bytes, start, end) => void seen.pieces.push(bytes.toString("latin1", start, end)),
    ended: (end) => void seen.ends.push(end),
  };
}

/** A step that looks as the test says. */
function looking(lookNow: () => BodyLook | null): Step {
  return requestStep("looking", (request) => {
    const now = lookNow();
    if (now !== null) request.seeBody(now);
    return goOn;
  });
}

describe.each(protocols.map((protocol) => [protocol.name, protocol] as const))("%s", (_name, protocol) => {
  let gateway: Gateway;
  let model: Http2Origin;
  let copies: Http2Origin;
  let lookNow: () => BodyLook | null;
  let seen: Seen;
  const isGrpc = protocol.grpc;
  const ok = isGrpc ? 0 : 200;
  const framedText = (text: string): string => (isGrpc ? framed(0, Buffer.from(text)).toString("latin1") : text);
  const statusOf = (failure: { readonly grpcStatus: number; readonly httpStatus: number }): number =>
    isGrpc ? failure.grpcStatus : failure.httpStatus;

  beforeEach(async () => {
    [model, copies] = await Promise.all([
      new Http2Origin((one) => void answers(one)).listen(),
      new Http2Origin((one) => void answers(one)).listen(),
    ]);
    seen = nothingSeen();
    lookNow = () => look(seen);
    await start();
  });
  afterEach(async () => {
    for (const client of opened.splice(0)) client.destroy();
    await eventually(
      () => gateway.counted("inFlight") === 0 && gateway.counted("heldBytes") === 0,
      "nothing in flight and nothing held",
    );
    gateway.close();
    model.close();
    copies.close();
  });

  async function start(target: Partial<ForwardTarget> = {}): Promise<void> {
    gateway?.close();
    gateway = await new Gateway({ time: "real", steps: [looking(() => lookNow())] }).listen();
    serve(target);
  }

  function serve(target: Partial<ForwardTarget> = {}): void {
    const base = irisTo("model", { rewrite: { kind: "none" }, ...target });
    const match: Mapping["match"] = isGrpc
      ? {
          ...base.match,
          path: prefix("/seldon.protos.Seldon/"),
          headers: [named("seldon", is("iris")), named("namespace", is("prod"))],
        }
      : base.match;
    gateway.serve(
      [
        { ...base, match },
        {
          ...irisTo("copies", { rewrite: { kind: "none" } }),
          id: "shadow",
          match,
          role: { kind: "shadow", percent: 100 },
        },
      ],
      ["model", "copies"].map((key) => ({ ...upstreamOf(key), protocol: "http2" as const })),
      [endpointsOn("model", [model.port]), endpointsOn("copies", [copies.port])],
    );
  }

  /** Each byte of the answer comes by itself. */
  async function answers({ stream }: Http2Request): Promise<void> {
    if (isGrpc) {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    } else stream.respond({ ":status": 200, "content-length": 5 });
    await writeBytes(stream, Buffer.from(framedText("world")));
    stream.end();
  }

  async function ask(body = "hello", send: "whole" | "bytes" = "whole"): Promise<Reply> {
    return (await protocol.call(gateway, body, "-", send)).reply;
  }

  /** What the model got, without its framing. */
  const got = (at = 0): string => model.requests[at]!.body.slice(isGrpc ? 5 : 0);

  test.each(["whole", "bytes"] as const)("it sees every byte once, and changes nothing; sent %s", async (send) => {
    expect(await ask("hello", send)).toMatchObject({ status: ok, body: "world" });
    expect(got()).toBe("hello");
    expect(seen.pieces.join("")).toBe(framedText("hello"));
    if (send === "bytes") expect(seen.pieces.length).toBe(framedText("hello").length);
    expect(seen.ends).toEqual(["complete"]);
    const { headers } = model.requests[0]!;
    if (protocol.name === "HTTP/1.1") expect(headers["content-length"]).toBe(send === "bytes" ? undefined : "5");
    await eventually(() => copies.requests[0]?.body.slice(isGrpc ? 5 : 0) === "hello", "the copy, as the model got it");
  });

  test.each(["piece", "ended"] as const)("one that throws in %s ends its request only", async (where) => {
    const boom = (): never => {
      throw new Error("boom");
    };
    lookNow = () => ({ ...look(seen), [where]: boom });
    expect((await ask()).status).toBe(statusOf(failures.fault));
    expect(seen.ends).toEqual(where === "piece" ? ["cut"] : []);
    lookNow = () => null;
    expect((await ask()).status).toBe(ok);
  });

  test("a client that leaves in the middle cuts it", async () => {
    const call = await protocol.call(gateway, "hello", "-", "half");
    await eventually(() => seen.pieces.join("").endsWith("hell"), "what it sent");
    call.leave();
    await eventually(() => seen.ends.length === 1, "the end");
    expect(seen.ends).toEqual(["cut"]);
  });

  test("a request that is tried again is shown once", async () => {
    await start({ retry: { retryOn: ["5xx", "unavailable"], numRetries: 2, perTryTimeoutMs: null } });
    let tries = 0;
    model.behaviour = (one) => {
      tries += 1;
      if (tries === 3) void answers(one);
      else if (isGrpc)
        one.stream.respond(
          { ":status": 200, "content-type": "application/grpc", "grpc-status": "14" },
          { endStream: true },
        );
      else {
        one.stream.respond({ ":status": 503 });
        one.stream.end("no");
      }
    };
    expect(await ask()).toMatchObject({ status: ok, body: "world" });
    expect(tries).toBe(3);
    expect(seen.pieces.join("")).toBe(framedText("hello"));
    expect(seen.ends).toEqual(["complete"]);
  });
});

describe("HTTP/1.1", () => {
  const closers: (() => unknown)[] = [];
  let seen: Seen;
  const step = looking(() => look(seen));
  beforeEach(() => void (seen = nothingSeen()));
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  async function started(steps: readonly Step[], behaviour?: OriginBehaviour): Promise<[Gateway, Origin]> {
    const gateway = await new Gateway({ time: "real", steps }).listen();
    const origin = await new Origin(behaviour).listen();
    closers.push(
      () => origin.close(),
      () => gateway.close(),
    );
    return [gateway, origin];
  }

  test("of a tunnel it sees nothing", async () => {
    const [gateway, origin] = await started([step], (connection) => {
      if (connection.answered++ === 0)
        connection.socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nhi",
        );
    });
    gateway.serveIris([origin.port], { upgrades: ["websocket"] });
    const client = await gateway.open(false);
    client.write(`GET ${rest} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n`);
    await client.until(({ text }) => text.endsWith("hi"), "the tunnel");
    client.write("there");
    await eventually(() => origin.text.endsWith("there"), "what the client says in it");
    client.destroy();
    await eventually(() => seen.ends.length === 1, "the end");
    expect(seen).toEqual({ pieces: [], ends: ["cut"] });
  });

  test("an answer that comes before the request has ended cuts it", async () => {
    const [gateway, origin] = await started([step], (connection) => {
      if (connection.answered++ === 0)
        connection.socket.end("HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno");
    });
    gateway.serveIris([origin.port]);
    const client = await gateway.open(false);
    client.write(`POST ${rest} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhel`);
    await client.until(({ text }) => text.endsWith("no"), "the answer");
    client.destroy();
    await eventually(() => seen.ends.length === 1, "the end");
    expect(seen).toEqual({ pieces: ["hel"], ends: ["cut"] });
  });

  test("a step that waits may look before it goes on: it is given the beginning first, and sees all of it", async () => {
    const beginnings: string[] = [];
    const waiting = requestStep("waiting", (request) => {
      const resume = request.wait(() => undefined);
      request.awaitBody(
        3,
        (body) => {
          beginnings.push(body.toString());
          request.seeBody(look(seen));
          resume(goOn);
        },
        "fail",
      );
      return waits;
    });
    const [gateway, origin] = await started([waiting]);
    gateway.serveIris([origin.port]);
    await gateway.ask(false, post("hello"));
    expect(beginnings).toEqual(["hel"]);
    expect(seen.pieces.join("")).toBe("hello");
    expect(seen.ends).toEqual(["complete"]);
  });

  test("one step of a request may look: a second one is a fault, and ends that request only", async () => {
    const second = nothingSeen();
    const [gateway, origin] = await started([step, looking(() => look(second))]);
    gateway.serveIris([origin.port]);
    expect((await gateway.ask(false, post("hello"))).status).toBe(500);
    expect([seen.ends, second.ends]).toEqual([["cut"], []]);
  });

  test.each([true, false])(
    "where a step has the Route looked for again, a look of the Route before sees nothing; the step's own: %s",
    async (own) => {
      const second = nothingSeen();
      const again = requestStep("again", (request) => {
        if (own) request.seeBody(look(second));
        return { kind: "again", change: { ...noChange, add: [["x-tenant", "b"]] } };
      });
      const [gateway, origin] = await started(own ? [again] : [step, again]);
      const base = irisTo("iris");
      gateway.serve(
        [base, { ...base, id: "tenant", match: { ...base.match, headers: [named("x-tenant", is("b"))] } }],
        [upstreamOf("iris")],
        [endpointsOn("iris", [origin.port])],
      );
      await gateway.ask(false, post("hello"));
      if (own) expect(second).toEqual({ pieces: ["hello"], ends: ["complete"] });
      else expect(seen).toEqual({ pieces: ["hello"], ends: ["cut", "complete"] });
    },
  );

  test("of a request that a later step answers it sees nothing", async () => {
    const answering = requestStep("answering", () => ({
      kind: "answer",
      answer: { code: 200, contentType: "text/plain", body: "mine", fields: [] },
      counted: true,
    }));
    const [gateway, origin] = await started([step, answering]);
    gateway.serveIris([origin.port]);
    expect(await gateway.ask(false, post("hello"))).toMatchObject({ status: 200, body: "mine" });
    await eventually(() => seen.ends.length === 1, "the end");
    expect(seen).toEqual({ pieces: [], ends: ["cut"] });
  });
});
