// The provider `basic`: which credentials are taken, how long they are remembered, and that nothing slow is done twice.
import { hashSync } from "bcryptjs";
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { readPasswords } from "../../../../gateway/callers/providers/passwords.ts";
import { BasicVerifier, basicBounds } from "../../../../gateway/edge/identity/basic.ts";
import {
  PasswordChecks,
  mostPasswordChecks,
  type PasswordAnswer,
  type PasswordQuestion,
  type PasswordThread,
} from "../../../../gateway/edge/identity/password-checks.ts";
import { StoppedClock } from "../../../stopped-clock.ts";
import { systemClock } from "../../../../gateway/shared/clock.ts";
import { passed, requestOf, verdictOf } from "./requests.ts";

const dear = hashSync("right", 4);
const cheap = `{SHA}${createHash("sha1").update("right").digest("base64")}`;
const users = readPasswords(`alice:${dear}\nbob:${cheap}\nJürgen:${cheap}\n:x`, []);

const credentials = (pair: string | Buffer): string => `authorization: Basic ${Buffer.from(pair).toString("base64")}`;

interface Stage {
  readonly verifier: BasicVerifier;
  readonly compared: string[];
  nowMs: number;
}

function stageOf(
  changes: {
    readonly forwardsCredentials?: boolean;
    readonly answer?: (password: string, hash: string) => boolean | null;
  } = {},
): Stage {
  const compared: string[] = [];
  const time = { nowMs: 1000 };
  const compare = (password: string, hash: string): Promise<boolean | null> => {
    compared.push(hash === dear ? password : `${password} with ${hash.slice(0, 10)}`);
    return Promise.resolve(changes.answer === undefined ? password === "right" : changes.answer(password, hash));
  };
  const verifier = new BasicVerifier(
    "corp",
    {
      kind: "basic",
      namespaces: [],
      places: [{ kind: "basic" }],
      forwardsCredentials: changes.forwardsCredentials ?? false,
      users,
    },
    { passwords: { compare }, epochMs: () => time.nowMs },
  );
  return Object.assign(time, { verifier, compared });
}

test.each<readonly [lines: readonly string[], says: string]>([
  [[credentials("alice:right")], "admitted alice"],
  [["authorization: bAsIc   YWxpY2U6cmlnaHQ="], "admitted alice"],
  [["authorization: Basic YWxpY2U6cmlnaHQ"], "admitted alice"],
  [[credentials("bob:right")], "admitted bob"],
  [[credentials("Jürgen:right")], "admitted J%C3%BCrgen"],
  [[credentials("alice:wrong")], "unauthenticated: user or password is wrong"],
  [[credentials("alice:")], "unauthenticated: user or password is wrong"],
  [[credentials("bob:wrong")], "unauthenticated: user or password is wrong"],
  [[credentials("Bob:right")], "unauthenticated: user or password is wrong"],
  [[credentials("mallory:right")], "unauthenticated: user or password is wrong"],
  [[credentials("constructor:right")], "unauthenticated: user or password is wrong"],
  [[credentials(":right")], "unauthenticated: user or password is wrong"],
  [[credentials("alice")], "unauthenticated: the credentials have no colon between user and password"],
  [["authorization: Basic"], "absent"],
  [[credentials("alice:right\0")], "unauthenticated: the credentials hold control characters"],
  [[credentials("al\nice:right")], "unauthenticated: the credentials hold control characters"],
  [[credentials(Buffer.from("alice:\xff", "latin1"))], "unauthenticated: the credentials are no UTF-8"],
  [["authorization: Basic !!!"], "unauthenticated: the credentials are no base64"],
  [["authorization: Basic YWxpY2U6cmlnaHQ=YWxp"], "unauthenticated: the credentials are no base64"],
  [["authorization: Basic YWxpY2U6 cmlnaHQ="], "unauthenticated: the credentials are no base64"],
  [[credentials(`bob:${"x".repeat(73)}`)], "unauthenticated: the password has more than 72 bytes"],
  [[credentials(`bob:${"é".repeat(36)}`)], "unauthenticated: user or password is wrong"],
  [[`authorization: Basic ${"A".repeat(1018)}`], "unauthenticated: the credentials have no colon"],
  [[`authorization: Basic ${"A".repeat(1019)}`], "unauthenticated: the credentials have more than 1024 bytes"],
  [
    [credentials("alice:right"), credentials("alice:right")],
    "unauthenticated: the request has several fields authorization",
  ],
  [["authorization: Bearer x"], "absent"],
  [["x-authorization: Basic YWxpY2U6cmlnaHQ="], "absent"],
  [[], "absent"],
])("%j: %s", async (lines, says) => {
  expect(await verdictOf(stageOf().verifier, requestOf(lines))).toContain(says);
});

test("the model gets no password, unless the provider says so", async () => {
  const request = (): ReturnType<typeof requestOf> => requestOf([credentials("alice:right"), "x-a: b"]);
  for (const forwardsCredentials of [false, true]) {
    const { verifier } = stageOf({ forwardsCredentials });
    for (const one of [request(), request()])
      expect(passed(one, await verifier.verify(one)).fields).toHaveLength(forwardsCredentials ? 2 : 1);
  }
});

describe("a pair is compared once", () => {
  const asked = (stage: Stage, pair: string): Promise<string> =>
    verdictOf(stage.verifier, requestOf([credentials(pair)]));

  test("when it is right, for five minutes", async () => {
    const stage = stageOf();
    await asked(stage, "alice:right");
    expect(stage.verifier.verify(requestOf([credentials("alice:right")]))).not.toBeInstanceOf(Promise);
    stage.nowMs += basicBounds.rightMs - 1;
    expect(await asked(stage, "alice:right")).toBe("admitted alice");
    expect(stage.compared).toEqual(["right"]);
    stage.nowMs += 1;
    expect(await asked(stage, "alice:right")).toBe("admitted alice");
    expect(stage.compared).toEqual(["right", "right"]);
  });

  test("when it is wrong, for five seconds", async () => {
    const stage = stageOf();
    await asked(stage, "alice:wrong");
    stage.nowMs += basicBounds.wrongMs - 1;
    expect(await asked(stage, "alice:wrong")).toContain("wrong");
    expect(stage.compared).toEqual(["wrong"]);
    stage.nowMs += 1;
    await asked(stage, "alice:wrong");
    expect(stage.compared).toEqual(["wrong", "wrong"]);
  });

  test("and who is unknown takes as long as who is known", async () => {
    const stage = stageOf();
    expect(await asked(stage, "mallory:right")).toContain("user or password is wrong");
    expect(stage.compared).toEqual(["right with $2b$04$..."]);
  });
});

test("what is not compared is not remembered, and its client comes again", async () => {
  let busy = true;
  const stage = stageOf({ answer: () => (busy ? null : true) });
  expect(await stage.verifier.verify(requestOf([credentials("alice:right")]))).toMatchObject({
    as: "unavailable",
    retryAfterSeconds: 1,
  });
  busy = false;
  expect(await verdictOf(stage.verifier, requestOf([credentials("alice:right")]))).toBe("admitted alice");
});

class Thread implements PasswordThread {
  readonly asked: PasswordQuestion[] = [];
  ended = false;
  readonly #takers: Record<string, (answer: PasswordAnswer) => void> = {};

  postMessage(question: PasswordQuestion): void {
    this.asked.push(question);
  }

  on(event: string, take: (answer: PasswordAnswer) => void): void {
    this.#takers[event] = take;
  }

  unref(): void {}

  terminate(): void {
    this.ended = true;
  }

  say(event: "message" | "exit" | "error", answer: PasswordAnswer = { number: 0, matches: false }): void {
    this.#takers[event]!(answer);
  }
}

describe("comparisons", () => {
  function checksOf(): { readonly checks: PasswordChecks; readonly threads: Thread[]; readonly clock: StoppedClock } {
    const threads: Thread[] = [];
    const clock = new StoppedClock();
    const open = (): Thread => {
      const thread = new Thread();
      threads.push(thread);
      return thread;
    };
    return { checks: new PasswordChecks(clock, open), threads, clock };
  }

  test("wait in one thread, so many and no more", async () => {
    const { checks, threads } = checksOf();
    const all = Array.from({ length: mostPasswordChecks }, (_, index) => checks.compare(`p${index}`, "h", "a"));
    expect(await checks.compare("more", "h", "a")).toBeNull();
    expect(threads).toHaveLength(1);
    for (const { number, password } of threads[0]!.asked)
      threads[0]!.say("message", { number, matches: password === "p7" });
    expect((await Promise.all(all)).indexOf(true)).toBe(7);
    const later = checks.compare("later", "h", "a");
    threads[0]!.say("message", { number: threads[0]!.asked.at(-1)!.number, matches: true });
    expect(await later).toBe(true);
  });

  test("of one who asks for many keep nobody else out, and nobody else waiting", async () => {
    const { checks, threads } = checksOf();
    const many = Array.from({ length: mostPasswordChecks }, (_, index) => checks.compare(`m${index}`, "h", "many"));
    const others = ["x", "y"].map((from) => checks.compare(from, "h", from));
    // The last of the many lost their places.
    expect(await Promise.all(many.slice(-2))).toEqual([null, null]);
    const [thread] = threads;
    for (const { number, password } of thread!.asked) thread!.say("message", { number, matches: password === "y" });
    expect(thread!.asked.slice(0, 5).map(({ password }) => password)).toEqual(["m0", "m1", "x", "y", "m2"]);
    expect(await Promise.all(others)).toEqual([false, true]);
    expect(await Promise.all(many.slice(0, -2))).not.toContain(null);
  });

  test("that a thread takes along when it ends are not made, and the next have another", async () => {
    const { checks, threads } = checksOf();
    const first = checks.compare("a", "h", "a");
    threads[0]!.say("error");
    threads[0]!.say("exit");
    expect(await first).toBeNull();
    const second = checks.compare("b", "h", "a");
    expect(threads).toHaveLength(2);
    threads[1]!.say("message", { number: threads[1]!.asked[0]!.number, matches: true });
    expect(await second).toBe(true);
  });

  test("leave no thread behind that nobody needs", async () => {
    const { checks, threads, clock } = checksOf();
    const first = checks.compare("a", "h", "a");
    clock.pass(600_000);
    expect(threads[0]!.ended).toBe(false);
    threads[0]!.say("message", { number: 1, matches: true });
    await first;
    clock.pass(60_000);
    expect(threads[0]!.ended).toBe(true);
    const second = checks.compare("b", "h", "a");
    checks.close();
    expect(await second).toBeNull();
    expect(threads[1]!.ended).toBe(true);
    expect(await checks.compare("c", "h", "a")).toBeNull();
  });

  test("are made by bcrypt, in a thread of its own", async () => {
    const checks = new PasswordChecks(systemClock);
    const nobody = `$2b$04$${".".repeat(53)}`;
    expect(
      await Promise.all([
        checks.compare("right", dear, "a"),
        checks.compare("wrong", dear, "a"),
        checks.compare("", nobody, "a"),
        checks.compare("a", "no hash", "a"),
      ]),
    ).toEqual([true, false, false, false]);
    checks.close();
  });
});
