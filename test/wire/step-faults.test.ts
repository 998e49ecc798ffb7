// Steps that go wrong, and steps that speak at odd moments: the request of the step pays, and nobody beside it.
import { afterEach, describe, expect, test } from "vitest";
import type { EdgeLimits } from "../../gateway/options/limits.ts";
import { failures } from "../../gateway/failures.ts";
import { noChange } from "../../gateway/edge/message/head-copy.ts";
import { goOn, waits, type Resume, type Step, type StepRequest, type Verdict } from "../../gateway/edge/steps/step.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import { is, named } from "../routing/build.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { eventually } from "../turns.ts";
import { fieldOf, type RawClient } from "./client.ts";
import { Gateway, endpointsOn, irisTo } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";
import { Http2Origin } from "./http2-origin.ts";
import { Origin, answerEach } from "./origin.ts";

const path = "/seldon/prod/iris/x";
const opened: { destroy(): void }[] = [];
const origins: { close(): unknown }[] = [];
let gateway: Gateway;

/** Says the value of `x-do`, "" without one. */
function asked({ head }: StepRequest): string {
  const text = Buffer.from(head.bytes).toString("latin1", head.fields[0], head.fieldsEnd);
  return /x-do: ([a-z0-9-]+)/.exec(text)?.[1] ?? "";
}

async function start(steps: readonly Step[], limits: Partial<EdgeLimits> = {}): Promise<void> {
  gateway = await new Gateway({ time: "real", steps, limits }).listen();
}

async function http1(): Promise<RawClient> {
  const client = await gateway.open(false);
  opened.push(client);
  return client;
}

async function http2(): Promise<Http2Client> {
  const client = await Http2Client.open(gateway, false);
  opened.push(client);
  return client;
}

async function http2Origin(): Promise<Http2Origin> {
  const origin = await new Http2Origin().listen();
  origins.push(origin);
  return origin;
}

function get(fields = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
}

afterEach(async () => {
  for (const client of opened.splice(0)) client.destroy();
  try {
    await eventually(
      () => gateway.counted("inFlight") === 0 && gateway.counted("heldBytes") === 0,
      "nothing in flight and nothing held",
    );
  } finally {
    gateway.close();
    await Promise.all(origins.splice(0).map((origin) => origin.close()));
  }
});

describe("a step that throws", () => {
  const throws = (where: "take" | "answered" | "ended" | "cancel"): Step => ({
    name: "planted",
    take: (request) => {
      const throwsNow = asked(request) === "throw";
      request.keep(throwsNow);
      if (!throwsNow) return goOn;
      if (where === "take") throw new Error("planted");
      if (where !== "cancel") return goOn;
      request.wait(() => {
        throw new Error("planted");
      });
      return waits;
    },
    answered: (_head, _request, kept) => {
      if (where === "answered" && kept === true) throw new Error("planted");
    },
    ended: (_end, kept) => {
      if (where === "ended" && kept === true) throw new Error("planted");
    },
  });

  test.each([
    ["take", 500],
    ["answered", 500],
    ["ended", 200],
  ] as const)("in %s ends its own request, with %i, and no other of its client or its model", async (where, status) => {
    await start([throws(where)]);
    const origin = await http2Origin();
    const waiting: (() => void)[] = [];
    origin.behaviour = ({ stream, headers }) => {
      const answer = (): void => {
        stream.respond({ ":status": 200 });
        stream.end("ok");
      };
      if (headers["x-slow"] === "1") waiting.push(answer);
      else answer();
    };
    gateway.serveIris([origin.port], {}, { protocol: "http2" });
    const client = await http2();
    const other = await http2();
    const slow = [client, other].map((one) => one.request({ ":path": path, "x-slow": "1" }));
    await eventually(() => waiting.length === 2, "two slow calls");
    expect((await client.request({ ":path": path, "x-do": "throw" })).status).toBe(status);
    for (const answer of waiting) answer();
    expect((await Promise.all(slow)).map((reply) => reply.status)).toEqual([200, 200]);
    const kept = await http1();
    kept.write(get("x-do: throw\r\n") + get());
    expect((await kept.answers(2)).map((answer) => answer.status)).toEqual([status, 200]);
    expect([gateway.faults, gateway.flagged("UX")]).toEqual([2, status === 500 ? 2 : 0]);
  });

  test("in its cancellation ends nothing else", async () => {
    await start([throws("cancel")]);
    const origin = await http2Origin();
    gateway.serveIris([origin.port], { timeout: { ms: 60, setBy: "a test" } }, { protocol: "http2" });
    const client = await http2();
    const [thrown, good] = await Promise.all([
      client.request({ ":path": path, "x-do": "throw" }),
      client.request({ ":path": path }),
    ]);
    expect([thrown.status, good.status]).toEqual([504, 200]);
  });

  test("behind a request that waited leaves its connection as it was", async () => {
    let resume: Resume | null = null;
    await start([
      {
        name: "planted",
        take: (request) => {
          const what = asked(request);
          if (what === "throw") throw new Error("planted");
          if (what !== "wait") return goOn;
          resume = request.wait(() => undefined);
          return waits;
        },
        answered: null,
        ended: null,
      },
    ]);
    const origin = await new Origin().listen();
    origins.push(origin);
    gateway.serveIris([origin.port]);
    const client = await http1();
    client.write(get("x-do: wait\r\n") + get("x-do: throw\r\n") + get());
    await eventually(() => resume !== null, "the wait");
    resume!({ kind: "fail", failure: failures.upgradeRefused, detail: "" });
    expect((await client.answers(3)).map((answer) => answer.status)).toEqual([403, 500, 200]);
  });
});

describe("a step that speaks at an odd moment", () => {
  /** Speaks in `take` itself: each verdict twice, the second one a failure. */
  const atOnce = (verdict: Verdict): Step => ({
    name: "planted",
    take: (request) => {
      const resume = request.wait(() => undefined);
      resume(verdict);
      resume({ kind: "fail", failure: failures.overflow, detail: "" });
      return waits;
    },
    answered: null,
    ended: null,
  });

  test.each<readonly [string, Verdict, number]>([
    ["goes on", goOn, 200],
    [
      "answers",
      { kind: "answer", answer: { code: 202, contentType: "", body: "mine", fields: [] }, counted: true },
      202,
    ],
    ["has the Route looked for again", { kind: "again", change: { ...noChange, add: [["x-a", "b"]] } }, 200],
  ])("within take, and twice, %s once", async (_what, verdict, status) => {
    await start([atOnce(verdict)]);
    const origin = await new Origin().listen();
    origins.push(origin);
    gateway.serveIris([origin.port]);
    const client = await http1();
    client.write(get() + get());
    expect((await client.answers(2)).map((answer) => answer.status)).toEqual([status, status]);
    const second = await http2();
    expect((await second.request({ ":path": path })).status).toBe(status);
    expect(origin.connections.map(({ answered }) => answered).reduce((sum, count) => sum + count, 0)).toBe(
      status === 200 ? 3 : 0,
    );
  });

  test("for another request, within take: neither sees the head of a third that was sent ahead", async () => {
    let first: Resume | null = null;
    await start([
      {
        name: "planted",
        take: (request) => {
          if (asked(request) === "wait") {
            first = request.wait(() => undefined);
            return waits;
          }
          if (asked(request) === "wake") first!({ kind: "fail", failure: failures.upgradeRefused, detail: "" });
          return goOn;
        },
        answered: null,
        ended: null,
      },
    ]);
    const origin = await new Origin(
      answerEach((request) => `HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${/x-mark: (.)/.exec(request)?.[1] ?? "-"}`),
    ).listen();
    origins.push(origin);
    gateway.serveIris([origin.port]);
    const one = await http1();
    const two = await http1();
    one.write(get("x-do: wait\r\n") + get(`x-long: ${"o".repeat(300)}\r\nx-mark: O\r\n`));
    await eventually(() => first !== null, "the wait");
    two.write(get("x-do: wake\r\nx-mark: T\r\n"));
    expect((await two.answers(1))[0]!.body).toBe("T");
    expect((await one.answers(2)).map(({ status, body }) => [status, status === 200 ? body : ""])).toEqual([
      [403, ""],
      [200, "O"],
    ]);
  });

  test("that waits and decides all the same has decided", async () => {
    let cancelled = 0;
    const late: Resume[] = [];
    await start([
      {
        name: "planted",
        take: (request) => {
          late.push(request.wait(() => (cancelled += 1)));
          return goOn;
        },
        answered: null,
        ended: null,
      },
    ]);
    const origin = await new Origin().listen();
    origins.push(origin);
    gateway.serveIris([origin.port]);
    const client = await http1();
    client.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody`);
    expect((await client.answers(1))[0]!.status).toBe(200);
    for (const resume of late) resume(goOn);
    client.write(get());
    expect(await client.answers(2)).toHaveLength(2);
    expect(origin.connections.map(({ answered }) => answered)).toEqual([2]);
    expect(cancelled).toBe(2);
  });

  test("after its request has ended, says nothing about the next one", async () => {
    const held: { readonly request: StepRequest; cancelled: boolean }[] = [];
    await start([
      {
        name: "planted",
        take: (request) => {
          if (asked(request) !== "wait") return goOn;
          const one = { request, cancelled: false };
          request.wait(() => (one.cancelled = true));
          held.push(one);
          return waits;
        },
        answered: null,
        ended: null,
      },
    ]);
    const origin = await http2Origin();
    let release: (() => void) | null = null;
    origin.behaviour = ({ stream }) => {
      release = () => {
        stream.respond({ ":status": 200 });
        stream.end("ok");
      };
    };
    gateway.serveIris([origin.port], {}, { protocol: "http2" });
    const client = await http2();
    const gone = client.start({ ":path": path, "x-do": "wait" });
    await eventually(() => held.length === 1, "the wait");
    gone.close(8);
    await eventually(() => held[0]!.cancelled, "its cancellation");
    // Another caller, whose exchange is the one that served the first.
    const other = await http2();
    const reply = other.request({ ":path": path });
    await eventually(() => release !== null, "the call");
    const { request } = held[0]!;
    request.addToAnswer({ instead: [], fields: [["x-secret", "of another"]] });
    request.setCookie("session=of-another");
    request.stickTo(7);
    request.keep("of another");
    expect(Buffer.from(request.head.bytes).includes("x-do: wait")).toBe(true);
    release!();
    const { headers } = await reply;
    expect([headers["x-secret"], headers["set-cookie"]]).toEqual([undefined, undefined]);
  });
});

describe("a Route that is looked for again", () => {
  const again = (also?: (request: StepRequest) => void): Step => ({
    name: "planted",
    take: (request) => {
      also?.(request);
      return { kind: "again", change: { ...noChange, add: [["x-tenant", "b"]] } };
    },
    answered: null,
    ended: null,
  });

  function serveTwo(port: number, first: Partial<Mapping>): void {
    const base = irisTo("one");
    gateway.serve(
      [
        { ...base, ...first },
        {
          ...irisTo("one"),
          id: "tenant",
          match: { ...base.match, headers: [...base.match.headers, named("x-tenant", is("b"))] },
        },
      ],
      [upstreamOf("one")],
      [endpointsOn("one", [port])],
    );
  }

  test("leaves no edit of the first Mapping in the answer, and keeps what its step adds", async () => {
    await start([again((request) => request.addToAnswer({ instead: [], fields: [["x-mine", "1"]] }))]);
    const origin = await new Origin().listen();
    origins.push(origin);
    serveTwo(
      origin.port,
      irisTo("one", { responseHeaders: { remove: [], add: [{ name: "x-first", value: "mapping", append: false }] } }),
    );
    const client = await http1();
    client.write(get());
    const [answer] = await client.answers(1);
    expect([fieldOf(answer!, "x-first"), fieldOf(answer!, "x-mine")]).toEqual([null, "1"]);
  });

  test("cannot lose the fields that frame the message or name its host", async () => {
    const verdicts: Verdict[] = ["host", "Content-Length", "transfer-encoding", "connection"].map((name) => ({
      kind: "again",
      change: { ...noChange, remove: [name] },
    }));
    await start([{ name: "planted", take: () => verdicts.shift() ?? goOn, answered: null, ended: null }]);
    const origin = await new Origin().listen();
    origins.push(origin);
    gateway.serveIris([origin.port]);
    const client = await http1();
    client.write(get().repeat(4));
    expect((await client.answers(4)).map((answer) => answer.status)).toEqual([500, 500, 500, 500]);
    expect(origin.text).toBe("");
  });
});

describe("what is held while a step waits", () => {
  const held: { readonly resume: Resume }[] = [];
  const waiting: Step = {
    name: "planted",
    take: (request) => {
      held.push({ resume: request.wait(() => undefined) });
      return waits;
    },
    answered: null,
    ended: null,
  };
  afterEach(() => void held.splice(0));

  test("is counted as what it takes: pieces of one byte take a byte each, and the head its own", async () => {
    await start([waiting]);
    const origin = await new Origin().listen();
    origins.push(origin);
    gateway.serveIris([origin.port]);
    const client = await http1();
    const body = `${"1\r\nx\r\n".repeat(5000)}0\r\nx-trailer: t\r\n\r\n`;
    client.write(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nx-long: ${"l".repeat(20_000)}\r\nTransfer-Encoding: chunked\r\n\r\n${body.slice(0, 6 * 3000)}`,
    );
    // The head, 3000 pieces in whole blocks, and not several times that.
    await eventually(() => gateway.counted("heldBytes") >= 20_000 + 4096, "what is held");
    expect(gateway.counted("heldBytes")).toBeLessThan(20_000 + 3 * 4096);
    held[0]!.resume(goOn);
    client.write(body.slice(6 * 3000));
    expect((await client.answers(1))[0]!.status).toBe(200);
    expect(origin.text.match(/x/g)!.length).toBeGreaterThanOrEqual(5000);
  });

  test("is bounded in all: heads that no longer fit are refused", async () => {
    await start([waiting], { retryTotalBytes: 65_536 });
    const origin = await new Origin().listen();
    origins.push(origin);
    gateway.serveIris([origin.port]);
    const clients = await Promise.all(Array.from({ length: 5 }, http1));
    for (const [index, client] of clients.entries()) {
      client.write(get(`x-long: ${"l".repeat(20_000)}\r\n`));
      await eventually(() => held.length === index + 1, "the wait");
    }
    for (const { resume } of held) resume(goOn);
    const statuses = await Promise.all(clients.map(async (client) => (await client.answers(1))[0]!.status));
    expect(statuses).toEqual([200, 200, 200, failures.overflow.httpStatus, failures.overflow.httpStatus]);
  });
});
