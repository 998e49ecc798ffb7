// Steps that see bodies, and what HTTP/1.1 and gRPC make of them: framing, trailers, answers without a body, tunnels, other tries, back-pressure, streams.
import { afterEach, describe, expect, test } from "vitest";
import { framed } from "../../gateway/edge/message/grpc-message.ts";
import { noChange } from "../../gateway/edge/message/head-copy.ts";
import type { BodyEnd, BodyHold, BodyHook } from "../../gateway/edge/steps/body-hook.ts";
import { goOn, waits, type Resume, type Step, type StepRequest } from "../../gateway/edge/steps/step.ts";
import type { ForwardTarget } from "../../routing/model/mapping.ts";
import type { Upstream } from "../../routing/model/upstream.ts";
import { is, named } from "../routing/build.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { eventually } from "../turns.ts";
import { fieldOf, type RawClient } from "./client.ts";
import { endpointsOn, Gateway, irisTo, post } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";
import { Http2Origin } from "./http2-origin.ts";
import { answerEach, Origin, type OriginBehaviour } from "./origin.ts";

const path = "/seldon/prod/iris/x";
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** What a hook saw. */
interface Seen {
  text: string;
  readonly units: string[];
  readonly ends: BodyEnd[];
  readonly trailers: number[];
}

const nothingSeen = (): Seen => ({ text: "", units: [], ends: [], trailers: [] });

function look(seen: Seen): BodyHook {
  return {
    kind: "look",
    piece: (bytes, start, end) => (seen.text += bytes.toString("latin1", start, end)),
    ended: (end, trailers) => {
      seen.ends.push(end);
      seen.trailers.push(trailers?.fieldCount ?? 0);
    },
  };
}

function hold(seen: Seen, parts: Partial<BodyHold> = {}): BodyHook {
  return {
    kind: "hold",
    unit: "body",
    maxBytes: 1000,
    beyond: "fail",
    take: (unit) => {
      seen.units.push(unit.toString("latin1"));
      return Buffer.from(`<${unit.toString("latin1")}>`);
    },
    ended: (end, trailers) => {
      seen.ends.push(end);
      seen.trailers.push(trailers?.fieldCount ?? 0);
    },
    ...parts,
  };
}

function stepWith(onRequest: (() => BodyHook) | null, onAnswer: (() => BodyHook) | null): Step {
  return {
    name: "hooking",
    take: (request) => {
      if (onRequest !== null) request.seeRequestBody(onRequest());
      return goOn;
    },
    answered: (_head, request) => {
      if (onAnswer !== null) request.seeAnswerBody(onAnswer());
    },
    ended: null,
  };
}

interface Served {
  readonly gateway: Gateway;
  readonly origin: Origin;
  readonly client: RawClient;
}

async function serve(
  step: Step,
  behaviour: OriginBehaviour | string,
  target: Partial<ForwardTarget> = {},
  upstream: Partial<Upstream> = {},
): Promise<Served> {
  const gateway = await new Gateway({ time: "real", steps: [step] }).listen();
  const origin = await new Origin(typeof behaviour === "string" ? answerEach(behaviour) : behaviour).listen();
  const client = await gateway.open(false);
  closers.push(async () => {
    client.destroy();
    await eventually(
      () => gateway.counted("inFlight") === 0 && gateway.counted("heldBytes") === 0,
      "nothing in flight and nothing held",
    );
    gateway.close();
    await origin.close();
  });
  gateway.serveIris([origin.port], target, upstream);
  return { gateway, origin, client };
}

const ok = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nworld";

describe("HTTP/1.1", () => {
  test("a replaced body has its own length, and the connection goes on", async () => {
    const [request, answer] = [nothingSeen(), nothingSeen()];
    const { client, origin } = await serve(
      stepWith(
        () => hold(request),
        () => hold(answer),
      ),
      ok,
    );
    for (let time = 1; time <= 2; time++) {
      client.write(post("hello"));
      const replies = await client.answers(time);
      expect(replies[time - 1]).toMatchObject({ status: 200, body: "<world>" });
      expect(fieldOf(replies[time - 1]!, "content-length")).toBe("7");
      expect(fieldOf(replies[time - 1]!, "transfer-encoding")).toBeNull();
    }
    expect(origin.text.match(/content-length: 7\r\n\r\n<hello>/g)).toHaveLength(2);
    expect(origin.connections).toHaveLength(1);
  });

  test("trailers stay behind both, in chunks", async () => {
    const [request, answer] = [nothingSeen(), nothingSeen()];
    const { client, origin } = await serve(
      stepWith(
        () => hold(request),
        () => hold(answer),
      ),
      "HTTP/1.1 200 OK\r\ntrailer: x-t\r\ntransfer-encoding: chunked\r\n\r\n2\r\nwo\r\n3\r\nrld\r\n0\r\nx-t: last\r\n\r\n",
    );
    client.write(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nTrailer: x-t\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-t: mine\r\n\r\n`,
    );
    const [reply] = await client.answers(1);
    expect(reply).toMatchObject({ status: 200, body: "<world>", trailers: "x-t: last\r\n" });
    expect(origin.text).toMatch(/transfer-encoding: chunked\r\n\r\n7\r\n<hello>\r\n0\r\nx-t: mine\r\n\r\n$/);
    expect([request.trailers, answer.trailers]).toEqual([[1], [1]]);
  });

  test("an answer that ends with its connection, and a client of HTTP/1.0, get a length", async () => {
    const answer = nothingSeen();
    const { client } = await serve(
      stepWith(null, () => hold(answer)),
      ({ socket }) => socket.end("HTTP/1.1 200 OK\r\n\r\nworld"),
    );
    client.write(`GET ${path} HTTP/1.0\r\n\r\n`);
    await client.end();
    expect(client.text).toMatch(/content-length: 7\r\n/);
    expect(client.text).toMatch(/\r\n\r\n<world>$/);
  });

  test.each([
    ["HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", 200],
    ["GET", "HTTP/1.1 204 No Content\r\n\r\n", 204],
    ["GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\netag: x\r\n\r\n", 304],
    ["GET", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200],
  ])("%s and an answer without a body: no piece, no unit, one end: %j", async (method, head, status) => {
    const [looked, held] = [nothingSeen(), nothingSeen()];
    for (const [seen, hook] of [
      [looked, () => look(looked)],
      [held, () => hold(held)],
    ] as const) {
      const request = nothingSeen();
      const { client } = await serve(
        stepWith(() => hold(request), hook),
        head,
      );
      client.write(`${method} ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await client.until(({ text }) => text.includes("\r\n\r\n"), "the head");
      expect(client.text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(client.text).toMatch(/\r\n\r\n$/);
      await eventually(() => seen.ends.length === 1, "its end");
      expect(seen).toMatchObject({ text: "", units: [], ends: ["complete"] });
      expect(request).toMatchObject({ units: [], ends: ["complete"] });
      // A hold would have made another body of the one that the length stands for.
      if (head.includes("length: 5")) expect(client.text.includes("content-length: 5")).toBe(seen === looked);
    }
  });

  test("100 Continue is asked for before the body is held", async () => {
    const request = nothingSeen();
    const { client, origin } = await serve(
      stepWith(() => hold(request), null),
      ok,
    );
    client.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`);
    await client.until(({ text }) => text.startsWith("HTTP/1.1 100 Continue\r\n\r\n"), "the 100");
    expect(origin.connections).toHaveLength(0);
    client.write("hello");
    await client.until(({ text }) => text.endsWith("world"), "the answer");
    expect(origin.text).toMatch(/\r\n\r\n<hello>$/);
  });

  test("a tunnel has no hooks", async () => {
    const [request, answer] = [nothingSeen(), nothingSeen()];
    const { client, origin } = await serve(
      stepWith(
        () => look(request),
        () => look(answer),
      ),
      (connection) => {
        if (connection.answered++ === 0)
          connection.socket.write(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nhi",
          );
      },
      { upgrades: ["websocket"] },
    );
    client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n`);
    await client.until(({ text }) => text.endsWith("hi"), "the tunnel");
    client.write("there");
    await eventually(() => origin.text.endsWith("there"), "what the client says in it");
    client.destroy();
    await eventually(() => request.ends.length === 1, "the end");
    expect(request).toMatchObject({ text: "", ends: ["cut"] });
    expect(answer).toMatchObject({ text: "", ends: [] });
  });

  test("an answer that breaks before any of it has left is cut, and that of the next try is shown", async () => {
    const all: Seen[] = [];
    const bad = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nno size\r\n";
    let asked = 0;
    const { client } = await serve(
      stepWith(null, () => {
        all.push(nothingSeen());
        return look(all.at(-1)!);
      }),
      answerEach(() => (asked++ === 0 ? bad : ok)),
      { retry: { retryOn: ["5xx"], numRetries: 1, perTryTimeoutMs: null } },
    );
    client.write(post("body"));
    expect((await client.answers(1))[0]).toMatchObject({ status: 200, body: "world" });
    expect(all.map(({ ends }) => ends)).toEqual([["cut"], ["complete"]]);
    expect(all[1]!.text).toBe("world");
  });

  test("a held answer that breaks is answered whole, and its connection goes on", async () => {
    const held = nothingSeen();
    const { client, gateway } = await serve(
      stepWith(null, () => hold(held)),
      answerEach("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nno size\r\n"),
    );
    client.write(post("body") + post("body"));
    expect((await client.answers(2)).map(({ status }) => status)).toEqual([502, 502]);
    expect(held).toMatchObject({ units: [], ends: ["cut", "cut"] });
    expect(gateway.flagged("UPE")).toBe(2);
  });

  test("heads that wait for their bodies stay whole, whatever is read meanwhile", async () => {
    const { client, origin, gateway } = await serve(
      stepWith(
        () => hold(nothingSeen()),
        () => hold(nothingSeen()),
      ),
      ({ text, socket }) => {
        if (!text.endsWith("<hello>")) return;
        socket.write("HTTP/1.1 201 Made\r\nx-model: iris\r\ncontent-length: 900\r\n\r\n");
        void eventually(() => gateway.counted("heldBytes") > 0, "the head is held").then(() =>
          socket.write("w".repeat(900)),
        );
      },
    );
    client.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nx-tag: mine\r\nContent-Length: 5\r\n\r\n`);
    await eventually(() => gateway.counted("heldBytes") > 0, "the head is held");
    client.write("hello");
    const [reply] = await client.answers(1);
    expect(reply).toMatchObject({ status: 201, body: `<${"w".repeat(900)}>` });
    expect(fieldOf(reply!, "x-model")).toBe("iris");
    expect(origin.text).toMatch(/^POST \/x HTTP\/1\.1\r\n(.*\r\n)*x-tag: mine\r\n/);
  });

  test("a client that has seen nothing of an answer is told of a fault, whole; its connection goes on", async () => {
    const boom = (): never => {
      throw new Error("boom");
    };
    const { client } = await serve(
      stepWith(null, () => ({ kind: "look", piece: boom, ended: () => undefined })),
      ok,
    );
    client.write(post("a") + post("b"));
    expect((await client.answers(2)).map(({ status }) => status)).toEqual([500, 500]);
  });

  test("without room for a head it fails; a hook that was asked for too early or too late is cut", async () => {
    const seen = nothingSeen();
    const [early, late] = [nothingSeen(), nothingSeen()];
    const step: Step = {
      name: "odd",
      take: (request) => {
        request.seeRequestBody(hold(seen, { beyond: "pass" }));
        request.seeAnswerBody(look(early));
        return goOn;
      },
      answered: (_head, request) => request.seeRequestBody(look(late)),
      ended: null,
    };
    const gateway = await new Gateway({ time: "real", steps: [step], limits: { retryTotalBytes: 1 } }).listen();
    const origin = await new Origin().listen();
    closers.push(
      () => origin.close(),
      () => gateway.close(),
    );
    gateway.serveIris([origin.port]);
    const client = await gateway.open(false);
    client.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n`);
    expect((await client.answers(1))[0]).toMatchObject({ status: 503 });
    expect(seen.ends).toEqual(["cut"]);
    client.destroy();
    await eventually(() => early.ends.length === 1, "the end of the one that saw no answer");
    await gateway.ask(false, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await eventually(() => late.ends.length === 1, "the end of the one that was late");
    expect([early.ends, late.ends]).toEqual([["cut", "complete"], ["cut"]]);
    expect(gateway.counted("heldBytes")).toBe(0);
  });

  test.each(["the time limit of its Mapping", "the client that leaves"])(
    "%s ends a held answer that stalls",
    async (who) => {
      const held = nothingSeen();
      const { client, gateway } = await serve(
        stepWith(null, () => hold(held)),
        ({ socket }) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwor"),
        who.startsWith("the time") ? { timeout: { ms: 60, setBy: "a test" } } : {},
      );
      client.write(post("body"));
      await eventually(
        () => held.ends.length > 0 || gateway.counted("heldBytes") > 0,
        "what the model has sent is held",
      );
      if (who.startsWith("the time")) expect((await client.answers(1))[0]).toMatchObject({ status: 504 });
      else client.destroy();
      await eventually(() => held.ends.length === 1, "the end");
      expect(held).toMatchObject({ units: [], ends: ["cut"] });
    },
  );

  test("a look leaves a slow client's model waiting", async () => {
    const answer = nothingSeen();
    const total = 64 * 1024 * 1024;
    let sent = 0;
    const { client } = await serve(
      stepWith(null, () => look(answer)),
      ({ socket }) => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n`);
        const piece = Buffer.alloc(256 * 1024, "x");
        const more = (): void => {
          while (sent < total) {
            sent += piece.length;
            if (!socket.write(piece)) return void socket.once("drain", more);
          }
        };
        more();
      },
    );
    client.socket.pause();
    client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await eventually(() => answer.text.length > 0, "some of it");
    let before = -1;
    await eventually(() => {
      const still = before === answer.text.length;
      before = answer.text.length;
      return still;
    }, "the model waits");
    expect(answer.text.length).toBeLessThan(total / 2);
    client.destroy();
    await eventually(() => answer.ends.length === 1, "the end");
    expect(answer.ends).toEqual(["cut"]);
  });

  test("an answer that comes before the request has ended cuts the rest of the request", async () => {
    const [request, answer] = [nothingSeen(), nothingSeen()];
    const { client } = await serve(
      stepWith(
        () => look(request),
        () => look(answer),
      ),
      (connection) => {
        if (connection.answered++ === 0)
          connection.socket.end("HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno");
      },
    );
    client.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nhel`);
    await client.until(({ text }) => text.endsWith("no"), "the answer");
    await eventually(() => request.ends.length === 1, "the end");
    expect(request).toMatchObject({ text: "hel", ends: ["cut"] });
    expect(answer).toMatchObject({ text: "no", ends: ["complete"] });
  });

  test("a content-encoding stays as it is: a step sees what was sent", async () => {
    const answer = nothingSeen();
    const { client } = await serve(
      stepWith(null, () => look(answer)),
      "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8b\x08\x00",
    );
    client.write(post("body"));
    await client.answers(1);
    expect(answer.text).toBe("\x1f\x8b\x08\x00");
  });
});

describe("with other words of steps", () => {
  test("a step that waits may ask before it goes on; it is given the body first, and the hook sees all of it", async () => {
    const seen = nothingSeen();
    const beginnings: string[] = [];
    const step: Step = {
      name: "waiting",
      take: (request) => {
        const resume: Resume = request.wait(() => undefined);
        request.awaitBody(
          3,
          (body) => {
            beginnings.push(body.toString());
            request.seeRequestBody(hold(seen));
            resume(goOn);
          },
          "fail",
        );
        return waits;
      },
      answered: null,
      ended: null,
    };
    const { client, origin } = await serve(step, ok);
    client.write(post("hello"));
    await client.answers(1);
    expect(beginnings).toEqual(["hel"]);
    expect(seen.units).toEqual(["hello"]);
    expect(origin.text).toMatch(/content-length: 7\r\n\r\n<hello>$/);
  });

  test.each([true, false])(
    "where it has the Route looked for again, hooks of the Route before see nothing; its own: %s",
    async (own) => {
      const [first, second] = [nothingSeen(), nothingSeen()];
      const before = stepWith(() => look(first), null);
      const again: Step = {
        name: "again",
        take: (request: StepRequest) => {
          if (own) request.seeRequestBody(look(second));
          return { kind: "again", change: { ...noChange, add: [["x-tenant", "b"]] } };
        },
        answered: null,
        ended: null,
      };
      const gateway = await new Gateway({ time: "real", steps: [before, again] }).listen();
      const origin = await new Origin().listen();
      closers.push(
        () => origin.close(),
        () => gateway.close(),
      );
      const base = irisTo("iris");
      gateway.serve(
        [base, { ...base, id: "tenant", match: { ...base.match, headers: [named("x-tenant", is("b"))] } }],
        [upstreamOf("iris")],
        [endpointsOn("iris", [origin.port])],
      );
      await gateway.ask(false, post("hello"));
      // It is asked at both Routes, and what it asked at the first one is cut.
      expect(first.ends).toEqual(["cut", "complete"]);
      expect(first.text).toBe("hello");
      expect(second).toMatchObject(own ? { text: "hello", ends: ["complete"] } : { text: "", ends: [] });
    },
  );

  test("a request that a step answers has shown nothing", async () => {
    const seen = nothingSeen();
    const { client } = await serve(
      {
        name: "answering",
        take: (request) => {
          request.seeRequestBody(hold(seen));
          return {
            kind: "answer",
            answer: { code: 200, contentType: "text/plain", body: "mine", fields: [] },
            counted: true,
          };
        },
        answered: null,
        ended: null,
      },
      ok,
    );
    client.write(post("hello"));
    expect((await client.answers(1))[0]).toMatchObject({ status: 200, body: "mine" });
    await eventually(() => seen.ends.length === 1, "the end");
    expect(seen).toMatchObject({ units: [], ends: ["cut"] });
  });
});

describe("gRPC", () => {
  const call = {
    ":method": "POST",
    ":path": "/seldon/prod/iris/Stream",
    "content-type": "application/grpc",
    te: "trailers",
  };
  const text = (bytes: string): string[] => {
    const units: string[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = at + 5 + Buffer.from(bytes, "latin1").readUInt32BE(at + 1);
      units.push(`${bytes.charCodeAt(at)}:${bytes.slice(at + 5, end)}`);
      at = end;
    }
    return units;
  };

  async function serveGrpc(step: Step, model: Http2Origin): Promise<{ client: Http2Client; gateway: Gateway }> {
    const gateway = await new Gateway({ time: "real", steps: [step] }).listen();
    await model.listen();
    const base = irisTo("iris", { rewrite: { kind: "none" } });
    gateway.serve([base], [{ ...upstreamOf("iris"), protocol: "http2" }], [endpointsOn("iris", [model.port])]);
    const client = await Http2Client.open(gateway, false);
    closers.push(async () => {
      client.destroy();
      await eventually(
        () => gateway.counted("inFlight") === 0 && gateway.counted("heldBytes") === 0,
        "nothing in flight and nothing held",
      );
      gateway.close();
      model.close();
    });
    return { client, gateway };
  }

  /** Gives back each byte as it comes, and its trailers. */
  function echo(): Http2Origin {
    const model = new Http2Origin(() => undefined);
    model.atHead = ({ stream }) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "x-t": "last" }));
      stream.on("data", (bytes: Buffer) => stream.write(bytes));
      stream.on("end", () => stream.end());
    };
    return model;
  }

  test("each message of a stream both ways is held by itself, the empty and the compressed too; trailers stay", async () => {
    const [request, answer] = [nothingSeen(), nothingSeen()];
    const flags: boolean[] = [];
    const take = (seen: Seen, add: string) => (unit: Buffer, compressed: boolean) => {
      seen.units.push(unit.toString("latin1"));
      flags.push(compressed);
      return Buffer.from(unit.toString("latin1") + add);
    };
    const { client } = await serveGrpc(
      stepWith(
        () => hold(request, { unit: "message", take: take(request, "+") }),
        () => hold(answer, { unit: "message", take: take(answer, "-") }),
      ),
      echo(),
    );
    const stream = client.start(call);
    const reply = client.reply(stream);
    let came = "";
    stream.on("data", (bytes: Buffer) => (came += bytes.toString("latin1")));
    // The next leaves when the one before is back: a message waits for no other.
    const messages = [framed(0, Buffer.from("one")), framed(0, Buffer.alloc(0)), framed(1, Buffer.from("three"))];
    for (const [at, message] of messages.entries()) {
      stream.write(message.subarray(0, 4));
      stream.write(message.subarray(4));
      await eventually(() => came !== "" && text(came).length === at + 1, "the message is back");
    }
    stream.end();
    const { body, trailers } = await reply;
    expect(text(body)).toEqual(["0:one+-", "0:+-", "1:three+-"]);
    expect(request.units).toEqual(["one", "", "three"]);
    expect(answer.units).toEqual(["one+", "+", "three+"]);
    expect(flags).toEqual([false, false, false, false, true, true]);
    expect(trailers).toMatchObject({ "grpc-status": "0", "x-t": "last" });
    expect(answer.trailers).toEqual([2]);
  });

  test.each(["fail", "pass"] as const)("what is no message: %s", async (beyond) => {
    const seen = nothingSeen();
    const { client } = await serveGrpc(
      stepWith(() => hold(seen, { unit: "message", beyond }), null),
      echo(),
    );
    for (const bytes of [Buffer.from("\x02\0\0\0\x01x", "latin1"), framed(0, Buffer.from("cut")).subarray(0, 7)]) {
      const reply = await client.request(call, bytes);
      if (beyond === "pass") expect(reply.body).toBe(bytes.toString("latin1"));
      else expect(reply.trailers?.["grpc-status"] ?? reply.headers["grpc-status"]).toBe("13");
    }
    expect(seen.ends).toEqual(beyond === "pass" ? ["unseen", "unseen"] : ["cut", "cut"]);
    expect(seen.units).toEqual([]);
  });

  test("a message that is too long in the middle of a stream ends the call with its status behind what came", async () => {
    const seen = nothingSeen();
    const { client, gateway } = await serveGrpc(
      stepWith(null, () => hold(seen, { unit: "message", maxBytes: 5, take: () => null })),
      echo(),
    );
    const reply = await client.request(
      call,
      Buffer.concat([framed(0, Buffer.from("short")), framed(0, Buffer.from("longer"))]),
    );
    expect(text(reply.body)).toEqual(["0:short"]);
    expect(reply.trailers).toMatchObject({ "grpc-status": "8" });
    expect(seen.ends).toEqual(["cut"]);
    expect(gateway.flagged("UPE")).toBe(1);
  });

  test("gRPC-Web as text: a step sees gRPC", async () => {
    const [request, answer] = [nothingSeen(), nothingSeen()];
    const { gateway } = await serveGrpc(
      stepWith(
        () => hold(request, { unit: "message" }),
        () => hold(answer, { unit: "message" }),
      ),
      echo(),
    );
    const client = await gateway.open(false);
    const body = framed(0, Buffer.from("hello")).toString("base64");
    client.write(post(body, "Content-Type: application/grpc-web-text\r\n", "/seldon/prod/iris/Stream"));
    const [reply] = await client.answers(1);
    client.destroy();
    expect([request.units, answer.units]).toEqual([["hello"], ["<hello>"]]);
    const pieces = reply!.body.match(/[A-Za-z0-9+/]+=*/g)!.map((piece) => Buffer.from(piece, "base64"));
    expect(Buffer.concat(pieces).subarray(0, 14).toString("latin1")).toBe(
      framed(0, Buffer.from("<<hello>>")).toString("latin1"),
    );
  });
});
