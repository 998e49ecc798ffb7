// Steps that see bodies: what a look and a hold mean for a request, its answer, its client and its model, over each protocol that clients speak.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { failures } from "../../gateway/failures.ts";
import { framed } from "../../gateway/edge/message/grpc-message.ts";
import type { BodyEnd, BodyHold, BodyHook } from "../../gateway/edge/steps/body-hook.ts";
import { goOn, type Step, type StepRequest } from "../../gateway/edge/steps/step.ts";
import type { ForwardTarget, Mapping } from "../../routing/model/mapping.ts";
import { is, named, prefix } from "../routing/build.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { eventually } from "../turns.ts";
import { Gateway, endpointsOn, irisTo } from "./gateway.ts";
import { Http2Origin, type Http2Request } from "./http2-origin.ts";
import { opened, protocols, writeBytes, type Reply } from "./step-protocols.ts";

/** Asks for hooks as the test says. */
class HookingStep implements Step {
  readonly name = "hooking";
  onRequest: () => readonly BodyHook[] = () => [];
  onAnswer: () => readonly BodyHook[] = () => [];
  heads = 0;

  take = (request: StepRequest): typeof goOn => {
    for (const hook of this.onRequest()) request.seeRequestBody(hook);
    return goOn;
  };

  answered = (_head: unknown, request: StepRequest): void => {
    this.heads += 1;
    for (const hook of this.onAnswer()) request.seeAnswerBody(hook);
  };

  readonly ended = null;
}

/** What one hook was told. */
interface Record {
  pieces: string[];
  readonly ends: BodyEnd[];
}

function look(record: Record): BodyHook {
  return {
    kind: "look",
    piece: (bytes, start, end) => void record.pieces.push(bytes.toString("latin1", start, end)),
    ended: (end) => void record.ends.push(end),
  };
}

function hold(record: Record, parts: Partial<BodyHold>): BodyHook {
  return {
    kind: "hold",
    unit: "body",
    maxBytes: 1000,
    beyond: "fail",
    take: (unit) => (record.pieces.push(unit.toString("latin1")), null),
    ended: (end) => void record.ends.push(end),
    ...parts,
  };
}

const recordOf = (): Record => ({ pieces: [], ends: [] });

describe.each(protocols.map((protocol) => [protocol.name, protocol] as const))("%s", (_name, protocol) => {
  let gateway: Gateway;
  let model: Http2Origin;
  let copies: Http2Origin;
  let step: HookingStep;
  let request: Record;
  let answer: Record;
  /** What the model answers, before it is framed. */
  let says: string;
  const isGrpc = protocol.grpc;
  const unit = isGrpc ? "message" : "body";
  const ok = isGrpc ? 0 : 200;
  const framedText = (text: string): string => (isGrpc ? framed(0, Buffer.from(text)).toString("latin1") : text);
  const statusOf = (failure: { readonly grpcStatus: number; readonly httpStatus: number }): number =>
    isGrpc ? failure.grpcStatus : failure.httpStatus;

  beforeEach(async () => {
    says = "world";
    [model, copies] = await Promise.all([
      new Http2Origin((one) => void answers(one)).listen(),
      new Http2Origin((one) => void answers(one)).listen(),
    ]);
    step = new HookingStep();
    request = recordOf();
    answer = recordOf();
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

  async function start(
    limits: Parameters<typeof optionsOf>[0] = {},
    target: Partial<ForwardTarget> = {},
  ): Promise<void> {
    gateway?.close();
    gateway = await new Gateway(optionsOf(limits)).listen();
    serve(target);
  }

  function optionsOf(limits: { readonly retryTotalBytes?: number; readonly bodyBytes?: number }) {
    return { time: "real", steps: [step], limits } as const;
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
    } else stream.respond({ ":status": 200, "content-length": says.length });
    await writeBytes(stream, Buffer.from(framedText(says)));
    stream.end();
  }

  async function ask(body = "hello", send: "whole" | "bytes" = "whole"): Promise<Reply> {
    return (await protocol.call(gateway, body, "-", send)).reply;
  }

  /** What the model got, without its framing. */
  const got = (at = 0): string => model.requests[at]!.body.slice(isGrpc ? 5 : 0);

  test.each(["whole", "bytes"] as const)("a look sees every byte once, and changes nothing; sent %s", async (send) => {
    step.onRequest = () => [look(request)];
    step.onAnswer = () => [look(answer)];
    expect(await ask("hello", send)).toMatchObject({ status: ok, body: "world" });
    expect(got()).toBe("hello");
    expect(request.pieces.join("")).toBe(framedText("hello"));
    expect(answer.pieces.join("")).toBe(framedText("world"));
    if (send === "bytes") expect(request.pieces.length).toBe(framedText("hello").length);
    expect(answer.pieces.length).toBe(framedText("world").length);
    await eventually(() => answer.ends.length > 0, "the end of the answer");
    expect([request.ends, answer.ends]).toEqual([["complete"], ["complete"]]);
    const { headers } = model.requests[0]!;
    if (protocol.name === "HTTP/1.1") expect(headers["content-length"]).toBe(send === "bytes" ? undefined : "5");
  });

  test.each([
    ["longer", "a much longer one", "whole"],
    ["shorter", "x", "bytes"],
    ["empty", "", "whole"],
  ] as const)("a hold replaces both by %s ones, framed anew", async (_what, instead, send) => {
    const take = (record: Record) => (bytes: Buffer) => {
      record.pieces.push(bytes.toString("latin1"));
      return Buffer.from(instead);
    };
    step.onRequest = () => [hold(request, { unit, take: take(request) })];
    step.onAnswer = () => [hold(answer, { unit, take: take(answer) })];
    expect(await ask("hello", send)).toMatchObject({ status: ok, body: instead });
    expect(got()).toBe(instead);
    expect(model.requests[0]!.headers["content-length"]).toBe(isGrpc ? undefined : String(instead.length));
    expect([request.pieces, answer.pieces]).toEqual([["hello"], ["world"]]);
    await eventually(() => answer.ends.length > 0, "the end of the answer");
    expect([request.ends, answer.ends]).toEqual([["complete"], ["complete"]]);
    await eventually(() => copies.requests[0]?.body.slice(isGrpc ? 5 : 0) === instead, "the copy, as the model got it");
  });

  test.each([
    [4, "fail"],
    [5, "fail"],
    [6, "fail"],
    [4, "pass"],
    [5, "pass"],
    [6, "pass"],
  ] as const)("a hold of %i bytes and bodies of 5: beyond it, %s", async (maxBytes, beyond) => {
    const fits = maxBytes >= 5;
    for (const send of ["whole", "bytes"] as const) {
      request = recordOf();
      step.onRequest = () => [hold(request, { unit, maxBytes, beyond })];
      const reply = await ask("hello", send);
      expect(reply.status).toBe(fits || beyond === "pass" ? ok : statusOf(failures.bodyTooLarge));
      expect(request.pieces).toEqual(fits ? ["hello"] : []);
      expect(request.ends).toEqual([fits ? "complete" : beyond === "pass" ? "unseen" : "cut"]);
      if (reply.status === ok) expect(model.requests.at(-1)!.body).toBe(framedText("hello"));
    }
    expect(model.requests).toHaveLength(fits || beyond === "pass" ? 2 : isGrpc ? model.requests.length : 0);
    step.onRequest = () => [];
    step.onAnswer = () => [hold(answer, { unit, maxBytes, beyond })];
    const reply = await ask();
    expect(reply.status).toBe(fits || beyond === "pass" ? ok : statusOf(failures.answerTooLarge));
    if (reply.status === ok) expect(reply.body).toBe("world");
    expect(answer.pieces).toEqual(fits ? ["world"] : []);
    expect(answer.ends).toEqual([fits ? "complete" : beyond === "pass" ? "unseen" : "cut"]);
  });

  test("a hold may refuse either: the client is told why", async () => {
    const refusal = { kind: "fail", failure: failures.forbidden, detail: "not this one" } as const;
    step.onRequest = () => [hold(request, { unit, take: () => refusal })];
    expect((await ask()).status).toBe(statusOf(failures.forbidden));
    expect(request.ends).toEqual(["cut"]);
    step.onRequest = () => [];
    step.onAnswer = () => [hold(answer, { unit, take: () => refusal })];
    expect((await ask()).status).toBe(statusOf(failures.forbidden));
    expect(answer.ends).toEqual(["cut"]);
  });

  test("hooks see the body one after the other, each as the one before leaves it", async () => {
    const last = recordOf();
    const add = (text: string) => (bytes: Buffer) => Buffer.concat([bytes, Buffer.from(text)]);
    const hooks = (): readonly BodyHook[] => [
      look(request),
      hold(recordOf(), { unit, take: add("-1") }),
      hold(recordOf(), { unit, take: add("-2") }),
      look(last),
    ];
    step.onRequest = hooks;
    expect((await ask()).status).toBe(ok);
    expect(got()).toBe("hello-1-2");
    expect([request.pieces.join(""), last.pieces.join("")]).toEqual([framedText("hello"), framedText("hello-1-2")]);
    step.onRequest = () => [];
    step.onAnswer = hooks;
    expect((await ask()).body).toBe("world-1-2");
    expect(last.ends).toEqual(["complete", "complete"]);
  });

  test.each(["piece", "take", "ended"] as const)("one that throws in %s ends its request only", async (where) => {
    const boom = (): never => {
      throw new Error("boom");
    };
    const bad = (record: Record): BodyHook =>
      where === "piece"
        ? { ...(look(record) as Extract<BodyHook, { kind: "look" }>), piece: boom }
        : hold(record, { unit, [where]: boom });
    step.onRequest = () => [bad(request)];
    expect((await ask()).status).toBe(statusOf(failures.fault));
    step.onRequest = () => [];
    step.onAnswer = () => [bad(answer)];
    // Some of the answer may have left: then the client sees a cut.
    const call = await protocol.call(gateway, "hello");
    await eventually(() => gateway.flagged("UX") === 2, "the second fault");
    call.leave();
    step.onAnswer = () => [];
    expect((await ask()).status).toBe(ok);
  });

  test("a client that leaves in the middle cuts it", async () => {
    const held = recordOf();
    step.onRequest = () => [look(request), hold(held, { unit })];
    const call = await protocol.call(gateway, "hello", "-", "half");
    await eventually(() => request.pieces.join("").endsWith("hell"), "what it sent");
    expect(held.pieces).toEqual([]);
    expect(gateway.counted("heldBytes")).toBeGreaterThan(0);
    call.leave();
    await eventually(() => request.ends.length === 1 && held.ends.length === 1, "the ends");
    expect([request.ends, held.ends, held.pieces]).toEqual([["cut"], ["cut"], []]);
  });

  test("a model that leaves in the middle cuts it: the client of a held body is told so, whole", async () => {
    const held = recordOf();
    model.behaviour = ({ stream }) => {
      stream.respond({ ":status": 200, ...(isGrpc && { "content-type": "application/grpc" }) });
      stream.write(Buffer.from(framedText("world")).subarray(0, -1), () => stream.session!.destroy());
    };
    step.onAnswer = () => [look(answer), hold(held, { unit })];
    const reply = await ask();
    expect(answer.ends).toEqual(["cut"]);
    expect([held.ends, held.pieces]).toEqual([["cut"], []]);
    expect(reply.status).toBe(isGrpc ? 14 : 502);
  });

  test("an answer that is tried again is not shown; the request's body is shown once", async () => {
    await start({}, { retry: { retryOn: ["5xx", "unavailable"], numRetries: 2, perTryTimeoutMs: null } });
    let seen = 0;
    model.behaviour = (one) => {
      seen += 1;
      if (seen === 3) void answers(one);
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
    step.onRequest = () => [look(request)];
    step.onAnswer = () => [look(answer)];
    expect(await ask()).toMatchObject({ status: ok, body: "world" });
    expect(seen).toBe(3);
    expect([request.pieces.join(""), answer.pieces.join("")]).toEqual([framedText("hello"), framedText("world")]);
    await eventually(() => answer.ends.length > 0, "the end of the answer");
    expect([request.ends, answer.ends]).toEqual([["complete"], ["complete"]]);
  });

  test.each(["fail", "pass"] as const)("with too much held for others it cannot hold: %s", async (beyond) => {
    // Room for the head of a request that waits for its body, and for less than a block of it.
    await start({ retryTotalBytes: 4095 });
    says = "w".repeat(300);
    step.onRequest = () => [hold(request, { unit, beyond })];
    const reply = await ask("h".repeat(300), "bytes");
    expect(request.ends).toEqual([beyond === "fail" ? "cut" : "unseen"]);
    expect(reply.status).toBe(beyond === "fail" ? statusOf(failures.overflow) : ok);
    step.onRequest = () => [];
    step.onAnswer = () => [hold(answer, { unit, beyond })];
    const after = await ask();
    expect(answer.ends).toEqual([beyond === "fail" ? "cut" : "unseen"]);
    expect(after.status).toBe(beyond === "fail" ? statusOf(failures.overflow) : ok);
    if (beyond === "pass") expect(after.body).toBe(says);
  });

  test("what is long is held whole, as often as it comes", async () => {
    const long = Array.from({ length: 20_000 }, (_, at) => String.fromCharCode(97 + (at % 26))).join("");
    const held = recordOf();
    model.behaviour = (one) => {
      const { stream } = one;
      if (isGrpc) {
        stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      } else stream.respond({ ":status": 200 });
      stream.end(Buffer.from(framedText(long)));
    };
    step.onRequest = () => [hold(request, { unit, maxBytes: 20_000 })];
    step.onAnswer = () => [hold(held, { unit, maxBytes: 20_000 })];
    for (let time = 0; time < 3; time++) {
      expect(await ask(long)).toMatchObject({ status: ok, body: long });
      expect(got(time) === long).toBe(true);
    }
    expect(held.pieces.map((piece) => piece === long)).toEqual([true, true, true]);
    expect(request.pieces.map((piece) => piece === long)).toEqual([true, true, true]);
  });
});
