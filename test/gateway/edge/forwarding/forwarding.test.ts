// Forwarding and its tries, without sockets: when a request goes elsewhere, when it is sent again, and when it must not be.
import { beforeEach, describe, expect, test } from "vitest";
import { failures } from "../../../../gateway/failures.ts";
import { resource, unlimited } from "../../../../gateway/edge/balancing/breaker.ts";
import { StoppedClock, tickMs } from "../../../stopped-clock.ts";
import { Forwarded, ScriptedPool, workerAt } from "../exchange/upstream-script.ts";
import type { WorkerContext } from "../../../../gateway/edge/io/worker-context.ts";

let clock: StoppedClock;
let worker: WorkerContext;

beforeEach(() => {
  clock = new StoppedClock();
  worker = workerAt(clock);
});

/** What follows follows from a callback of its own. */
function pass(ms: number): void {
  clock.pass(ms);
  worker.tick();
}

/** The longest first and second wait before a retry, and what of it is sure to be over then. */
const [leastFirstWaitMs, firstWaitMs, secondWaitMs] = [25, 25 + tickMs, 50 + tickMs];
const whole = ["POST length 4", "body", "end", "flush"];

describe("a connection that does not come about", () => {
  test("the request goes to other Endpoints at once, whole and without a policy, and is kept no longer once it has one", () => {
    const pool = new ScriptedPool(3, "dials");
    const one = new Forwarded(worker, pool).post();
    expect(one.heldBytes).toBeGreaterThan(0);
    pool.refuses();
    pool.refuses();
    expect([pool.asked, pool.failed, one.told]).toEqual(["abc", [], []]);
    expect(pool.connects().told).toEqual(whole);
    expect([one.told, one.heldBytes, one.retriesMade]).toEqual([["taken"], 0, 2]);
  });

  test("a body that goes on after the connection is not kept, and follows", () => {
    const pool = new ScriptedPool(1, "dials");
    const one = new Forwarded(worker, pool).begin().body("bo");
    pool.connects();
    one.body("dy").end();
    expect(pool.last.told).toEqual(["POST length 4", "bo", "flush", "dy", "flush", "end", "flush"]);
    expect(one.heldBytes).toBe(0);
  });

  test("where nobody is left the last failure is told, with its Endpoint", () => {
    const pool = new ScriptedPool(2, "dials");
    const one = new Forwarded(worker, pool).post();
    pool.refuses();
    pool.refuses();
    expect(one.told).toEqual(["failed connect-failure: b: ECONNREFUSED"]);
    one.forwarding.abort();
    expect(one.heldBytes).toBe(0);
  });

  test.each([
    [4, "abcd"],
    [5, "abcde"],
    [6, "abcde"],
    [7, "abcde"],
  ])("of %i Endpoints at most five are asked without a policy", (count, asked) => {
    const pool = new ScriptedPool(count, "dials");
    const one = new Forwarded(worker, pool).post();
    for (let i = 0; i < asked.length; i++) pool.refuses();
    expect([pool.asked, one.told]).toEqual([asked, [`failed connect-failure: ${asked.at(-1)!}: ECONNREFUSED`]]);
  });

  test("a policy asks the same ones again, after a wait", () => {
    const pool = new ScriptedPool(1, "dials");
    const one = new Forwarded(worker, pool).post({ retryOn: ["connect-failure"], numRetries: 1 });
    pool.refuses();
    expect([pool.asked, one.told]).toEqual(["a", []]);
    pass(firstWaitMs);
    expect(pool.asked).toBe("aa");
    pool.refuses();
    expect(one.told).toEqual(["failed connect-failure: a: ECONNREFUSED; not sent again: retries are used up"]);
    expect(one.forwarding.spent).toBe(true);
  });

  test("one that waited for an Endpoint which is gone is tried again by the policy, for what failed before", () => {
    const pool = new ScriptedPool(2, "dials");
    const one = new Forwarded(worker, pool).post({ retryOn: ["connect-failure"], numRetries: 1 });
    pool.refuses();
    pool.gone();
    expect([pool.asked, one.told]).toEqual(["ab", []]);
    pass(firstWaitMs);
    expect(pool.asked).toBe("abb");
    pool.gone();
    expect(one.told).toEqual(["failed connect-failure: a: ECONNREFUSED; not sent again: retries are used up"]);
  });

  test("nobody to ask at all is told during the call", () => {
    expect(new Forwarded(worker, new ScriptedPool(0)).begin().told).toEqual(["failed no-healthy-upstream: "]);
  });
});

describe("what an upstream refuses without having worked on it", () => {
  test("goes to another Endpoint at once, whatever the policy", () => {
    const pool = new ScriptedPool(2, "ready", "http2");
    const one = new Forwarded(worker, pool).post();
    pool.last.breaks(failures.upstreamRefused, true);
    expect([pool.asked, pool.last.told, one.told]).toEqual([
      "ab",
      [expect.stringContaining("length 4") as string, "body", "end", "flush"],
      ["taken"],
    ]);
  });

  test("to the same one where there is no other, five times in all", () => {
    const pool = new ScriptedPool(1, "ready", "http2");
    const one = new Forwarded(worker, pool).post();
    for (let i = 0; i < 5; i++) pool.last.breaks(failures.upstreamRefused, true);
    expect(pool.asked).toBe("aaaaa");
    expect(one.told.at(-1)).toBe("failed upstream-refused: broken");
  });

  test("but not once its answer was seen", () => {
    const pool = new ScriptedPool(2, "ready", "http2");
    const one = new Forwarded(worker, pool).post();
    pool.last.answers(200, "half", false);
    pool.last.breaks(failures.upstreamRefused, true);
    expect([pool.asked, one.told.at(-1)]).toEqual([
      "a",
      "failed upstream-refused: broken; not sent again: its answer had begun",
    ]);
  });

  test("nor when it is too long to be kept", () => {
    const pool = new ScriptedPool(2, "ready", "http2");
    worker = workerAt(clock, { retryBodyBytes: 3 });
    const one = new Forwarded(worker, pool).post();
    expect([pool.last.told[0], one.heldBytes]).toEqual(["straight length 4", 0]);
    pool.last.breaks(failures.upstreamRefused, true);
    expect(one.told).toEqual([
      "failed upstream-refused: broken; not sent again: its body is longer than 3 bytes (--retry-body-bytes)",
    ]);
  });

  test("a body whose length nobody said is kept up to the limit and no further", () => {
    const pool = new ScriptedPool(2, "ready", "http2");
    worker = workerAt(clock, { retryBodyBytes: 3 });
    const one = new Forwarded(worker, pool).begin(null, "Transfer-Encoding: chunked\r\n").body("abc");
    expect(one.heldBytes).toBeGreaterThan(0);
    one.body("d");
    expect(one.heldBytes).toBe(0);
    pool.last.breaks(failures.upstreamRefused, true);
    expect(one.told[0]).toMatch(/^failed upstream-refused: broken; not sent again: its body is longer than 3 bytes/);
  });
});

describe("an answer that the policy asks to be tried again", () => {
  test("is, to the limit; the last one passes as it is", () => {
    const pool = new ScriptedPool(3);
    const one = new Forwarded(worker, pool).post({ numRetries: 2 });
    for (const waitMs of [firstWaitMs, secondWaitMs]) {
      pool.last.answers(503);
      expect(pool.last.told.at(-1)).toBe("abort");
      pass(waitMs);
    }
    expect([pool.asked, one.told]).toEqual(["abc", ["taken", "taken"]]);
    pool.last.answers(503, "sorry");
    expect(one.told).toEqual(["taken", "taken", "head 503", "sorry", "end", "over"]);
    expect([one.forwarding.spent, one.forwarding.retried, one.retriesMade, one.heldBytes]).toEqual([true, true, 2, 0]);
    one.forwarding.abort();
    expect(one.retriesUnderWay).toBe(0);
  });

  test("nothing of it stays for the next request", () => {
    const pool = new ScriptedPool(2);
    const one = new Forwarded(worker, pool).post({ numRetries: 1 });
    pool.last.answers(503);
    pass(firstWaitMs);
    pool.last.answers(503);
    one.forwarding.abort();
    one.post({ numRetries: 1 });
    expect([pool.asked, one.forwarding.spent, one.forwarding.retried]).toEqual(["aba", false, false]);
    pool.last.answers(503);
    pass(firstWaitMs);
    expect([pool.asked, one.forwarding.spent]).toEqual(["abab", false]);
  });

  test("not before its wait is over", () => {
    const pool = new ScriptedPool(2);
    new Forwarded(worker, pool).post({});
    pool.last.answers(503);
    pass(leastFirstWaitMs - 1);
    expect(pool.asked).toBe("a");
    pass(1 + tickMs);
    expect(pool.asked).toBe("ab");
  });

  test("not where no time is left for the wait", () => {
    const pool = new ScriptedPool(2);
    const one = new Forwarded(worker, pool).post({});
    one.remainingMs = leastFirstWaitMs;
    pool.last.answers(503);
    expect(one.told).toEqual(["head 503", "end", "over"]);
    const other = new Forwarded(worker, new ScriptedPool(2)).post({});
    other.remainingMs = leastFirstWaitMs + 1;
    other.pool.last.answers(503);
    pass(firstWaitMs);
    expect(other.pool.asked).toBe("ab");
  });

  test("not one whose request is too long to be kept", () => {
    worker = workerAt(clock, { retryBodyBytes: 3 });
    const pool = new ScriptedPool(2);
    const one = new Forwarded(worker, pool).post({});
    pool.last.answers(503, "sorry");
    pass(firstWaitMs);
    expect([pool.asked, one.told]).toEqual(["a", ["head 503", "sorry", "end", "over"]]);
  });

  test("any other answer passes", () => {
    const pool = new ScriptedPool(2);
    const one = new Forwarded(worker, pool).post({ retryOn: ["gateway-error"] });
    pool.last.answers(500, "no");
    expect([pool.asked, one.told]).toEqual(["a", ["head 500", "no", "end", "over"]]);
  });

  test("three at once in any case, then one for each five requests of the Upstream", () => {
    const pool = new ScriptedPool(2);
    pool.breaker.limit(unlimited);
    const waiting = Array.from({ length: 5 }, () => new Forwarded(worker, pool).post({}));
    for (const request of pool.requests.slice()) request.answers(503);
    const passed = (): number => waiting.filter(({ told }) => told.includes("head 503")).length;
    expect([passed(), waiting[0]!.retriesUnderWay]).toEqual([2, 3]);
    for (const one of waiting) one.forwarding.abort();
    expect(waiting[0]!.retriesUnderWay).toBe(0);
    for (let i = 0; i < 20; i++) pool.breaker.enter(resource.requests);
    const more = Array.from({ length: 5 }, () => new Forwarded(worker, pool).post({}));
    for (const request of pool.requests.slice(-5)) request.answers(503);
    expect([more.filter(({ told }) => told.includes("head 503")).length, more[0]!.retriesUnderWay]).toEqual([1, 4]);
  });
});

describe("a POST is not sent twice", () => {
  test("without a policy, when its connection breaks", () => {
    const pool = new ScriptedPool(2);
    const one = new Forwarded(worker, pool).post();
    expect([pool.last.told[0], one.heldBytes]).toEqual(["straight length 4", 0]);
    pool.last.breaks(failures.upstreamClosed);
    expect([pool.asked, one.told]).toEqual(["a", ["failed upstream-closed: broken"]]);
  });

  test("with one that does not ask for it", () => {
    const pool = new ScriptedPool(2);
    const one = new Forwarded(worker, pool).post({ retryOn: ["connect-failure", "refused-stream"] });
    pool.last.breaks(failures.upstreamClosed);
    pass(1000);
    expect([pool.asked, one.told]).toEqual(["a", ["failed upstream-closed: broken"]]);
  });

  test("with one that does, where no time is left", () => {
    const pool = new ScriptedPool(2);
    const one = new Forwarded(worker, pool).post({});
    one.remainingMs = leastFirstWaitMs;
    pool.last.breaks(failures.upstreamClosed);
    pass(1000);
    expect([pool.asked, one.told]).toEqual([
      "a",
      ["failed upstream-closed: broken; not sent again: no time is left for a retry"],
    ]);
  });

  test("with one that does, once the client has bytes of the answer", () => {
    const pool = new ScriptedPool(2);
    const one = new Forwarded(worker, pool).post({});
    pool.last.answers(200, "half", false);
    expect(one.heldBytes).toBe(0);
    pool.last.breaks(failures.upstreamCut);
    pass(1000);
    expect([pool.asked, one.told]).toEqual([
      "a",
      ["head 200", "half", "failed upstream-cut: broken; not sent again: its answer had begun"],
    ]);
  });

  test("nor after an interim answer was passed on", () => {
    const pool = new ScriptedPool(2);
    const one = new Forwarded(worker, pool).post({});
    const { last } = pool;
    last.interim(103);
    last.breaks(failures.upstreamClosed);
    pass(1000);
    expect([pool.asked, one.told]).toEqual([
      "a",
      ["informational 103", "failed upstream-closed: broken; not sent again: an interim answer was passed on"],
    ]);
  });

  test("but it is, by a policy that asks, while the client has nothing of an answer that had begun", () => {
    const pool = new ScriptedPool(2);
    const one = new Forwarded(worker, pool).post({});
    pool.last.begins(200);
    pool.last.breaks(failures.upstreamCut);
    pass(firstWaitMs);
    expect([pool.asked, pool.last.told]).toEqual(["ab", whole]);
    pool.last.answers(200, "ok");
    expect(one.told).toEqual(["head 200", "taken back", "taken", "head 200", "ok", "end", "over"]);
  });
});

describe("the limit of one try", () => {
  const policy = { perTryTimeoutMs: 200 };

  test("runs from the end of the request; the Endpoint counts as failed, and the next try has a limit of its own", () => {
    const pool = new ScriptedPool(3);
    const one = new Forwarded(worker, pool).begin(policy).body("body");
    pass(1000);
    one.end();
    pass(199);
    expect([pool.asked, pool.failed]).toEqual(["a", []]);
    pass(1 + tickMs + firstWaitMs);
    expect([pool.asked, pool.failed, pool.requests[0]!.told.at(-1)]).toEqual(["ab", ["a"], "abort"]);
    pass(200 + tickMs + secondWaitMs);
    expect([pool.asked, pool.failed]).toEqual(["abc", ["a", "b"]]);
    pass(200 + tickMs);
    expect(one.told.at(-1)).toBe(
      "failed upstream-timeout: per_try_timeout 200 ms; not sent again: retries are used up",
    );
  });

  test("ends with the head of the answer", () => {
    const pool = new ScriptedPool(2);
    const one = new Forwarded(worker, pool).post(policy);
    pool.last.answers(200, "half", false);
    pass(10_000);
    expect([pool.asked, one.told]).toEqual(["a", ["head 200", "half"]]);
  });
});

describe("an answer before the request was given whole", () => {
  test("passes, and the rest of the request goes on to whoever reads it", () => {
    const pool = new ScriptedPool(1);
    const one = new Forwarded(worker, pool).begin().body("bo");
    pool.last.answers(200, "early");
    expect([one.told, one.forwarding.taken]).toEqual([["head 200", "early", "end", "over"], true]);
    one.body("dy").end();
    expect(pool.last.told).toEqual(["straight length 4", "bo", "flush", "dy", "flush", "end", "flush"]);
  });

  test("where nobody reads the rest, nobody takes it", () => {
    const pool = new ScriptedPool(1);
    const one = new Forwarded(worker, pool).begin().body("bo");
    pool.last.closesAfter(200);
    expect([one.told, one.forwarding.taken]).toEqual([["head 200", "end", "over"], false]);
    one.body("dy").end();
    expect(pool.last.told).toEqual(["straight length 4", "bo", "flush"]);
  });
});

describe("an abort", () => {
  const after = (one: Forwarded): unknown => {
    const told = [...one.told];
    one.forwarding.abort();
    pass(10_000);
    return [one.told.slice(told.length), one.heldBytes, one.retriesUnderWay, one.forwarding.taken];
  };
  const nothingLeft = [[], 0, 0, false];

  test("while a connection is dialled: the place is given up", () => {
    const pool = new ScriptedPool(2, "dials");
    const one = new Forwarded(worker, pool).post({});
    expect([after(one), pool.waits.map(({ cancelled }) => cancelled)]).toEqual([nothingLeft, [true]]);
  });

  test("in the middle of the request", () => {
    const pool = new ScriptedPool(2);
    const one = new Forwarded(worker, pool).begin({ perTryTimeoutMs: 50 }).body("bo");
    expect([after(one), pool.last.told.at(-1), pool.asked]).toEqual([nothingLeft, "abort", "a"]);
  });

  test("while the answer is awaited", () => {
    const pool = new ScriptedPool(2);
    const one = new Forwarded(worker, pool).post({ perTryTimeoutMs: 50 });
    expect([after(one), pool.last.told.at(-1), pool.asked]).toEqual([nothingLeft, "abort", "a"]);
  });

  test("while a retry waits: it is not made", () => {
    const pool = new ScriptedPool(2);
    const one = new Forwarded(worker, pool).post({});
    pool.last.answers(503);
    expect(one.retriesUnderWay).toBe(1);
    expect([after(one), pool.asked]).toEqual([nothingLeft, "a"]);
  });

  test("in the middle of the answer", () => {
    const pool = new ScriptedPool(2);
    const one = new Forwarded(worker, pool).post({});
    pool.last.answers(200, "half", false);
    expect([after(one), pool.last.told.at(-1)]).toEqual([nothingLeft, "abort"]);
  });

  test("after the end: nothing", () => {
    const pool = new ScriptedPool(2);
    const one = new Forwarded(worker, pool).post({});
    pool.last.answers(200, "ok");
    expect([after(one), pool.last.told.at(-1)]).toEqual([nothingLeft, "flush"]);
  });
});

describe("a client that is slow", () => {
  test("pauses its answer, also of a connection that comes later, and of that alone", () => {
    const pool = new ScriptedPool(1, "dials");
    const one = new Forwarded(worker, pool).post();
    one.forwarding.pauseResponse();
    expect(pool.connects().told).toEqual(["pause", ...whole]);
    one.forwarding.resumeResponse();
    one.forwarding.resumeResponse();
    expect(pool.last.told.filter((word) => word === "resume")).toHaveLength(1);
  });

  test("is paused itself: by a body that waits, and by an upstream that takes less than it is sent", () => {
    const pool = new ScriptedPool(1, "dials");
    const one = new Forwarded(worker, pool).begin(null, "Content-Length: 70000\r\n").body("a".repeat(64 * 1024));
    expect(one.forwarding.congested).toBe(false);
    one.body("a");
    expect(one.forwarding.congested).toBe(true);
    const request = pool.connects();
    expect([one.forwarding.congested, one.told]).toEqual([false, ["taken"]]);
    request.congested = true;
    expect(one.forwarding.congested).toBe(true);
    request.congested = false;
    request.user.drained();
    expect([one.forwarding.congested, one.told]).toEqual([false, ["taken", "taken"]]);
  });
});
