// Puids that name predictors: made and known by key; nobody else's, and nothing that a client makes up.
import { randomBytes, randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { PuidSigner, puidStart } from "../../../../gateway/edge/feedback/puid.ts";
import { sipHash, sipHashed, SipKey } from "../../../../gateway/edge/feedback/siphash.ts";
import { assert, property, stringMatching, tuple, uint8Array, uuid } from "../../../seeded.ts";

const keys = [new Uint8Array(32).fill(1)];
const main = { namespace: "prod", deployment: "iris", predictor: "main", model: "" };
const others = [
  { ...main, predictor: "canary" },
  { ...main, deployment: "iris-2" },
  { ...main, namespace: "dev" },
  // What one name ends with and another begins with is not the same pair.
  { namespace: "prod", deployment: "irismain", predictor: "", model: "" },
];

function made(signer: PuidSigner, requestId: string): string {
  return signer.lineFor(Buffer.from(requestId)).toString("latin1", puidStart).trimEnd();
}

function hashed(key: Uint8Array, bytes: Uint8Array): string {
  sipHash(new SipKey(key), bytes, 0, bytes.length);
  return [sipHashed.high, sipHashed.low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}

test("the hash is SipHash-2-4: the vectors of its authors", () => {
  const key = Uint8Array.from({ length: 16 }, (_, at) => at);
  const upTo = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at);
  expect([0, 1, 8, 15].map((length) => hashed(key, upTo(length)))).toEqual([
    "726fdb47dd0e0e31",
    "74f839c593dc67fd",
    "93f5f5799a932462",
    "a129ca6149be45e5",
  ]);
});

test("a range in the middle of others is hashed as the same bytes alone", () => {
  void assert(
    property(tuple(uint8Array({ maxLength: 40 }), uint8Array({ maxLength: 9 })), ([bytes, around]) => {
      const key = new Uint8Array(16).fill(7);
      sipHash(new SipKey(key), Buffer.concat([around, bytes, around]), around.length, around.length + bytes.length);
      const { high, low } = sipHashed;
      sipHash(new SipKey(key), bytes, 0, bytes.length);
      expect([high, low]).toEqual([sipHashed.high, sipHashed.low]);
    }),
  );
});

test("a puid is 40 digits, the same for one request each time, and its predictor's alone, also by REST and gRPC, and in another process", () => {
  const signer = new PuidSigner(keys, main);
  const elsewhere = new PuidSigner([new Uint8Array(32).fill(1)], { ...main });
  void assert(
    property(uuid({ version: 4 }), (id) => {
      const puid = made(signer, id);
      expect(puid).toMatch(/^[\da-f]{40}$/);
      expect(made(signer, id)).toBe(puid);
      expect(elsewhere.whose(puid)).toBe("model");
      for (const other of others) expect(new PuidSigner(keys, other).whose(puid)).toBe("others");
    }),
  );
});

test("every change of a digit makes it no puid of this model, and so does any other text", () => {
  const signer = new PuidSigner(keys, main);
  const puid = made(signer, randomUUID());
  for (let at = 0; at < puid.length; at++)
    for (const digit of "0123456789abcdefA") {
      const changed = puid.slice(0, at) + digit + puid.slice(at + 1);
      expect(signer.whose(changed) === "model").toBe(changed === puid);
    }
  for (const text of ["", puid.slice(1), `${puid}0`, `${puid}\n`, puid.toUpperCase(), ` ${puid}`])
    expect(signer.whose(text), JSON.stringify(text)).toBe("others");
  void assert(property(stringMatching(/^[\da-f]{40}$/), (text) => signer.whose(text) === "others"));
});

test("no forged code in 2^18 tries, under a nonce of a right one and under others", () => {
  const signer = new PuidSigner(keys, main);
  const nonce = made(signer, randomUUID()).slice(0, 24);
  const right = made(signer, randomUUID()).slice(24);
  const tries = randomBytes(2 ** 17 * 8).toString("hex");
  let own = 0;
  for (let at = 0; at < tries.length; at += 16) {
    if (signer.whose(nonce + tries.slice(at, at + 16)) !== "others") own += 1;
    if (signer.whose(tries.slice(at, at + 16).padEnd(24, "5") + right) !== "others") own += 1;
  }
  expect(own).toBe(0);
});

test("keys change in three steps: the next one is known everywhere before it makes puids, and the last one afterwards", () => {
  const [old, next] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const steps = [[old], [old, next], [next, old], [next]].map((some) => new PuidSigner(some, main));
  const id = randomUUID();
  for (const [at, signer] of steps.entries())
    for (const neighbour of steps.slice(Math.max(0, at - 1), at + 2))
      expect(neighbour.whose(made(signer, id))).toBe("model");
  expect(steps[3]!.whose(made(steps[0]!, id))).toBe("others");
});

test("a puid is of one model: its predictor is known whatever model it has, by keys of before too, and other predictors say nothing", () => {
  const [old, next] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const before = { ...main, model: "0123456789abcdef" };
  const after = { ...main, model: "0123456789abcde0" };
  void assert(
    property(uuid({ version: 4 }), (id) => {
      const puid = made(new PuidSigner([old], before), id);
      for (const some of [[old], [next, old]]) {
        expect(new PuidSigner(some, before).whose(puid)).toBe("model");
        for (const other of [after, main]) expect(new PuidSigner(some, other).whose(puid)).toBe("predictor");
        for (const other of others)
          expect(new PuidSigner(some, { ...other, model: before.model }).whose(puid)).toBe("others");
      }
    }),
  );
});
