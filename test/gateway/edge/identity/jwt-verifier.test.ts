// The provider `jwt` in a worker: where tokens are found, what goes on to the model, what is remembered, who waits for new keys.
import { describe, expect, test } from "vitest";
import type { JwtProvider } from "../../../../gateway/callers/providers/jwt.ts";
import { JwtVerifier, jwtBounds } from "../../../../gateway/edge/identity/jwt-verifier.ts";
import { copyOfHead, noChange } from "../../../../gateway/edge/message/head-copy.ts";
import type { Admission } from "../../../../gateway/edge/identity/verifier.ts";
import { StoppedClock } from "../../../stopped-clock.ts";
import { admissionText, passed, requestOf, verdictOf } from "./requests.ts";
import { jwtProvider, keysOf, now, pairOf, tokenOf } from "./tokens.ts";

const [pair, next] = [pairOf("a"), pairOf("b")];
const token = tokenOf(pair);
const bearer = `authorization: Bearer ${token}`;

interface Stage {
  readonly verifier: JwtVerifier;
  readonly clock: StoppedClock;
  readonly asked: string[];
  nowMs: number;
}

function stageOf(changes: Partial<JwtProvider> = {}): Stage {
  const clock = new StoppedClock();
  const asked: string[] = [];
  const stage: { nowMs: number } = { nowMs: now * 1000 };
  const verifier = new JwtVerifier("corp", jwtProvider(keysOf(pair), changes), {
    clock,
    epochMs: () => stage.nowMs,
    askKeys: (name) => asked.push(name),
  });
  return Object.assign(stage, { verifier, clock, asked });
}

const at = (lines: readonly string[], changes: Partial<JwtProvider> = {}, target = "/p"): Promise<string> =>
  verdictOf(stageOf(changes).verifier, requestOf(lines, target));

describe("a token is found", () => {
  const everywhere: Partial<JwtProvider> = {
    places: [
      { kind: "bearer" },
      { kind: "header", name: "x-token" },
      { kind: "cookie", name: "session" },
      { kind: "query", name: "access_token" },
    ],
  };
  test.each<readonly [lines: readonly string[], target: string, says: string]>([
    [[bearer], "/p", "admitted alice"],
    [[`AUTHORIZATION:bEARER   ${token}`], "/p", "admitted alice"],
    [[`X-Token: ${token}`], "/p", "admitted alice"],
    [[`cookie: a=b; session=${token}; c=d`], "/p", "admitted alice"],
    [[`cookie: session="${token}"`], "/p", "admitted alice"],
    [["cookie: a=b", `cookie: session=${token}`], "/p", "admitted alice"],
    [[], `/p?a=1&access_token=${token}`, "admitted alice"],
    [[], `/p?access%5Ftoken=${token.replaceAll(".", "%2E")}`, "admitted alice"],
    [[], "/p", "absent"],
    [["authorization: Basic YTpi"], "/p", "absent"],
    [["authorization: Bearers x"], "/p", "absent"],
    [["authorization: Bear"], "/p", "absent"],
    [[`cookie: sessions=${token}; Session=${token}`], "/p", "absent"],
    [[], `/p?access_tokens=${token}&Access_Token=${token}`, "absent"],
    [["authorization: Bearer"], "/p", "unauthenticated: the token is no JSON Web Token"],
    [["cookie: session="], "/p", "unauthenticated: the token is no JSON Web Token"],
    [[bearer, bearer], "/p", "unauthenticated: the request holds several tokens"],
    [[bearer, "authorization: Basic YTpi"], "/p", "unauthenticated: the request holds several tokens"],
    [["authorization: Basic YTpi", bearer], "/p", "unauthenticated: the request holds several tokens"],
    [[`x-token: ${token}`, `x-token: ${token}`], "/p", "unauthenticated: the request holds several tokens"],
    [[`cookie: session=${token}; session=x`], "/p", "unauthenticated: the request holds several tokens"],
    [[], `/p?access_token=x&access_token=${token}`, "unauthenticated: the request holds several tokens"],
    [[bearer], `/p?access_token=${token}`, "unauthenticated: the request holds several tokens"],
    [[bearer, `x-token: ${token}`], "/p", "unauthenticated: the request holds several tokens"],
  ])("%j %s: %s", async (lines, target, says) => {
    expect(await at(lines, everywhere, target)).toContain(says);
  });

  test("nowhere else than where its provider says", async () => {
    expect(await at([bearer], { places: [{ kind: "query", name: "access_token" }] })).toBe("absent");
  });
});

describe("the model gets", () => {
  const passes = (lines: readonly string[], changes: Partial<JwtProvider>, target = "/p"): unknown => {
    const { verifier } = stageOf(changes);
    const first = requestOf(lines, target);
    const given = passed(first, verifier.verify(first) as Admission);
    // Known again, it is the same.
    const second = requestOf(lines, target);
    expect(passed(second, verifier.verify(second) as Admission)).toEqual(given);
    return given;
  };

  test("no token", () => {
    expect(passes([bearer, "x-a: b"], {})).toEqual({ target: "/p", fields: ["x-a: b"] });
    expect(passes([`x-token: ${token}`, "x-a: b"], { places: [{ kind: "header", name: "x-token" }] })).toEqual({
      target: "/p",
      fields: ["x-a: b"],
    });
    expect(
      passes([`cookie: a=b; session=${token}`, "cookie: c=é"], { places: [{ kind: "cookie", name: "session" }] }),
    ).toEqual({ target: "/p", fields: ["cookie: a=b; c=\ufffd"] });
    expect(passes([`cookie: session=${token}`], { places: [{ kind: "cookie", name: "session" }] })).toEqual({
      target: "/p",
      fields: [],
    });
  });

  test("the token where the provider says so, but never one of the query", () => {
    expect(passes([bearer], { forwardsToken: true })).toEqual({ target: "/p", fields: [bearer] });
    expect(
      passes([`cookie: session=${token}`], { forwardsToken: true, places: [{ kind: "cookie", name: "session" }] }),
    ).toEqual({ target: "/p", fields: [`cookie: session=${token}`] });
    expect(
      passes([], { forwardsToken: true, places: [{ kind: "query", name: "t" }] }, `/p?a=1&t=${token}&b=2`),
    ).toEqual({ target: "/p?a=1&b=2", fields: [] });
  });

  test("claims as fields, and none of that name from the client", () => {
    const claimHeaders = [
      { path: ["sub"], name: "x-user" },
      { path: ["team"], name: "x-team" },
    ];
    expect(passes(["x-user: root", "X_User: root", bearer, "x-team: root", "x-a: b"], { claimHeaders })).toEqual({
      target: "/p",
      fields: ["x-a: b", "x-user: alice"],
    });
    expect(passes(["x-user: root"], { claimHeaders, places: [{ kind: "query", name: "t" }] }, `/p?t=${token}`)).toEqual(
      { target: "/p", fields: ["x-user: alice"] },
    );
    expect(
      passes([`cookie: session=${token}; a=b`, "x-user: root"], {
        claimHeaders,
        places: [{ kind: "cookie", name: "session" }],
      }),
    ).toEqual({ target: "/p", fields: ["cookie: a=b", "x-user: alice"] });
  });
});

test("who is refused is told why, in words of RFC 6750", async () => {
  const challengeOf = async (lines: readonly string[], changes: Partial<JwtProvider> = {}): Promise<unknown> => {
    const admission = await stageOf(changes).verifier.verify(requestOf(lines));
    return admission.kind === "refused" ? admission.challenge : null;
  };
  expect(stageOf().verifier.challenge).toBe('Bearer realm="corp"');
  expect(await challengeOf([bearer, bearer])).toBe(
    'Bearer realm="corp", error="invalid_request", error_description="the request holds several tokens: send one, in one place"',
  );
  expect(await challengeOf([`authorization: Bearer ${tokenOf(pair, { exp: 1 })}`])).toBe(
    'Bearer realm="corp", error="invalid_token", error_description="the token has expired: get a new one"',
  );
  expect(await challengeOf([bearer], { issuer: 'https://"\\é' })).toBe(
    'Bearer realm="corp", error="invalid_token", error_description="the token is not from the issuer https://\'\'\': get one there"',
  );
  const requiredClaims = [{ path: ["team"], values: ["a"] }];
  expect(await challengeOf([bearer], { requiredClaims })).toBe(
    'Bearer realm="corp", error="insufficient_scope", error_description="the token does not have the claim team as a, which is needed here"',
  );
  expect(await at([bearer], { requiredClaims })).toBe(
    "forbidden: the token does not have the claim team as a, which is needed here",
  );
});

describe("a verified token is remembered", () => {
  test("until it ends", async () => {
    const stage = stageOf();
    expect(await verdictOf(stage.verifier, requestOf([bearer]))).toBe("admitted alice");
    expect(stage.verifier.remembered).toBe(1);
    stage.nowMs += 59_999;
    expect(await verdictOf(stage.verifier, requestOf([bearer]))).toBe("admitted alice");
    stage.nowMs += 1;
    expect(await verdictOf(stage.verifier, requestOf([bearer]))).toContain("has expired");
  });

  test("and one that ends the same is another", async () => {
    const { verifier } = stageOf();
    await verifier.verify(requestOf([bearer]));
    const [head, , tail] = token.split(".");
    const forged = Buffer.from(JSON.stringify({ sub: "mallory" })).toString("base64url");
    expect(await verdictOf(verifier, requestOf([`authorization: Bearer ${head}.${forged}.${tail}`]))).toContain(
      "not from the issuer",
    );
    expect(await verdictOf(verifier, requestOf([`authorization: Bearer ${token.replace("e", "f")}`]))).toContain(
      "unauthenticated",
    );
  });

  test("until one of the keys goes, or another rule holds", async () => {
    const stage = stageOf();
    await stage.verifier.verify(requestOf([bearer]));
    stage.verifier.take(jwtProvider(keysOf(pair, next)));
    expect(stage.verifier.remembered).toBe(1);
    stage.verifier.take(jwtProvider(keysOf(next)));
    expect(stage.verifier.remembered).toBe(0);
    expect(await verdictOf(stage.verifier, requestOf([`authorization: Bearer ${tokenOf(next)}`]))).toBe(
      "admitted alice",
    );
    stage.verifier.take(jwtProvider(keysOf(next), { audiences: ["others"] }));
    expect(await verdictOf(stage.verifier, requestOf([`authorization: Bearer ${tokenOf(next)}`]))).toContain(
      "get one for the audience others",
    );
  });

  test("within bounds, and the last ones longest", async () => {
    const { verifier } = stageOf();
    const many = Array.from({ length: 40 }, (_, index) => tokenOf(pair, { sub: `c${index}` }));
    for (const one of many)
      expect(await verdictOf(verifier, requestOf([`authorization: Bearer ${one}`]))).toMatch(/^admitted c/);
    expect(verifier.remembered).toBe(40);
  });
});

describe("a token of a key that is not known", () => {
  const rotated = `authorization: Bearer ${tokenOf(next)}`;

  test("waits for new keys, which are asked for once, and is admitted with them", async () => {
    const { verifier, asked } = stageOf();
    const answers = Promise.all(
      [requestOf([rotated, "x-a: b"]), requestOf([rotated])].map((request) => verdictOf(verifier, request)),
    );
    expect(asked).toEqual(["corp"]);
    verifier.take(jwtProvider(keysOf(pair, next)));
    expect(await answers).toEqual(["admitted alice", "admitted alice"]);
  });

  test("is taken out of the copy that waited", async () => {
    const { verifier } = stageOf();
    const request = requestOf([rotated, "x-a: b"]);
    const waited = { ...request, head: copyOfHead(request.head, noChange) };
    let head = request.head;
    const verdict = verifier.verify({
      facts: request.facts,
      secure: false,
      get head() {
        return head;
      },
    });
    head = waited.head;
    verifier.take(jwtProvider(keysOf(pair, next)));
    expect(passed(waited, await verdict).fields).toEqual(["x-a: b"]);
  });

  test("is refused when there are no new keys, or when nobody says so in time", async () => {
    const { verifier, clock } = stageOf();
    const first = verdictOf(verifier, requestOf([rotated]));
    verifier.keysLooked();
    expect(await first).toContain(
      "unauthenticated: the token is signed with a key that https://login.example does not publish",
    );
    clock.skip(jwtBounds.askMs);
    const second = verdictOf(verifier, requestOf([rotated]));
    clock.pass(jwtBounds.waitMs);
    expect(await second).toContain("does not publish");
    expect(clock.waiting).toBe(0);
  });

  test("asks once in a while, and in between is refused at once", async () => {
    const { verifier, clock, asked } = stageOf();
    const first = verdictOf(verifier, requestOf([rotated]));
    verifier.keysLooked();
    await first;
    clock.skip(jwtBounds.askMs - 1);
    expect(await verdictOf(verifier, requestOf([rotated]))).toContain("does not publish");
    expect(asked).toHaveLength(1);
    clock.skip(1);
    const later = verdictOf(verifier, requestOf([rotated]));
    expect(asked).toHaveLength(2);
    verifier.keysLooked();
    await later;
  });

  test("waits with so many others, and no more: a million names of keys cost nothing", async () => {
    const { verifier, asked } = stageOf();
    const waiting = Array.from({ length: jwtBounds.waiting }, (_, index) =>
      verifier.verify(requestOf([`authorization: Bearer ${tokenOf(next, {}, { kid: `k${index}` })}`])),
    );
    expect(waiting.every((verdict) => verdict instanceof Promise)).toBe(true);
    const more = verifier.verify(requestOf([rotated]));
    expect(more).not.toBeInstanceOf(Promise);
    expect(admissionText(more as Admission)).toContain("does not publish");
    expect(asked).toHaveLength(1);
    verifier.keysLooked();
    for (const verdict of waiting) expect((await verdict).kind).toBe("refused");
  });

  test("is refused at once where keys come from a Secret or a file", async () => {
    const stage = stageOf({ keysUrl: null });
    expect(await verdictOf(stage.verifier, requestOf([rotated]))).toContain("does not publish");
    expect(stage.asked).toEqual([]);
  });
});

test("without keys nobody is admitted, and who calls is told to come again", async () => {
  const { verifier, asked } = stageOf({ keys: null });
  const admission = await verifier.verify(requestOf([bearer]));
  expect(admission).toMatchObject({ kind: "refused", as: "unavailable", retryAfterSeconds: 5 });
  expect(await verdictOf(verifier, requestOf([]))).toBe("absent");
  expect(asked).toEqual(["corp"]);
  verifier.take(jwtProvider(keysOf(pair)));
  expect(await verdictOf(verifier, requestOf([bearer]))).toBe("admitted alice");
});
