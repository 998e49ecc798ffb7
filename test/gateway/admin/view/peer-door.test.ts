import { describe, expect, test } from "vitest";
import { challengeMs, maxRemembered, PeerDoor } from "../../../../gateway/admin/view/peer-door.ts";
import { answerProof, peerScheme, requestProof, type PeerKeys } from "../../../../gateway/shared/peer-proof.ts";

const key = "k".repeat(32);
const url = "/api/v1/peer/counts?deployments=a/b";

const shown = (challenge: string, nonce = "nonce", by = key, of = url): string =>
  `${peerScheme} ${challenge} ${nonce} ${requestProof(by, of, challenge, nonce)}`;

function doorAt(keys: PeerKeys | null = [key]): { readonly door: PeerDoor; pass: (ms: number) => void } {
  let nowMs = 1_000_000;
  return {
    door: new PeerDoor(
      () => keys,
      () => nowMs,
    ),
    pass: (ms) => void (nowMs += ms),
  };
}

describe("the door for peers", () => {
  test("lets in who answers its challenge by the key, once", () => {
    const { door } = doorAt();
    const authorization = shown(door.challenge());
    expect(door.admits(authorization, url)).toBe(true);
    expect(door.admits(authorization, url)).toBe(false);
    expect(door.admits(shown(door.challenge(), "another"), url)).toBe(true);
  });

  test("a challenge is good for a minute", () => {
    for (const [ageMs, isIn] of [
      [challengeMs - 1, true],
      [challengeMs, false],
      [challengeMs + 1, false],
    ] as const) {
      const { door, pass } = doorAt();
      const challenge = door.challenge();
      pass(ageMs);
      expect(door.admits(shown(challenge), url)).toBe(isIn);
    }
  });

  test.each<[string, (door: PeerDoor) => string]>([
    ["another key", (door) => shown(door.challenge(), "nonce", "l".repeat(32))],
    ["another path", (door) => shown(door.challenge(), "nonce", key, "/api/v1/peer/counts")],
    ["a challenge of its own", () => shown("rs-AAAA")],
    ["a challenge of another process", () => shown(doorAt().door.challenge())],
    ["a challenge with another time", (door) => shown(door.challenge().replace(/^\w+/, "zzzzz"))],
    ["no challenge", () => shown("none")],
    ["a proof that is cut", (door) => shown(door.challenge()).slice(0, -1)],
    ["a word more", (door) => `${shown(door.challenge())} x`],
    ["another scheme", (door) => shown(door.challenge()).replace(peerScheme, "Bearer")],
    ["nothing", () => ""],
    ["a nonce of 129 letters", (door) => shown(door.challenge(), "n".repeat(129))],
    ["a nonce with a line break", (door) => shown(door.challenge(), "n\n")],
  ])("%s stays outside", (_, authorizationOf) => {
    const { door } = doorAt();
    const authorization = authorizationOf(door);
    expect(door.admits(authorization, url)).toBe(false);
  });

  test("nonces of 1 to 128 letters are taken", () => {
    const { door } = doorAt();
    for (const length of [1, 127, 128])
      expect(door.admits(shown(door.challenge(), "n".repeat(length)), url)).toBe(true);
  });

  test("without a key nobody is let in; of several each is believed, and the answer is signed by the one that was shown", () => {
    expect(doorAt(null).door.admits(shown(doorAt(null).door.challenge()), url)).toBe(false);
    const { door } = doorAt(["n".repeat(32), key]);
    const authorization = shown(door.challenge());
    expect(door.admits(authorization, url)).toBe(true);
    expect(door.proofOf(authorization, url, "{}")).toBe(answerProof(key, url, "nonce", "{}"));
  });

  test(`remembers ${maxRemembered} requests, refuses more, and forgets them with their challenges`, () => {
    const { door, pass } = doorAt();
    let tried = 0;
    const admitted = (count: number): number => {
      const challenge = door.challenge();
      let letIn = 0;
      for (let at = 0; at < count; at++) if (door.admits(shown(challenge, `n${tried++}`), url)) letIn += 1;
      return letIn;
    };
    expect(admitted(maxRemembered - 1)).toBe(maxRemembered - 1);
    expect(admitted(2)).toBe(2 - 1);
    pass(challengeMs);
    expect(admitted(1)).toBe(1);
  });
});
