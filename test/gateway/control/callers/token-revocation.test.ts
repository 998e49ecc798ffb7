import { expect, test } from "vitest";
import type { Revocation } from "../../../../gateway/callers/oauth-token.ts";
import { TokenRevocation } from "../../../../gateway/control/callers/token-revocation.ts";
import type { FromControl } from "../../../../gateway/shared/messages.ts";
import { StoppedClock } from "../../../stopped-clock.ts";

const tokens: Revocation = { client: "client", id: null, endMs: 1 };
const held = { kind: "revoked" } as const;

function start(count: number): {
  readonly revocation: TokenRevocation;
  readonly clock: StoppedClock;
  readonly told: FromControl[];
} {
  const clock = new StoppedClock();
  const told: FromControl[] = [];
  return { clock, told, revocation: new TokenRevocation(count, clock, (message) => told.push(message)) };
}

test("the supervisor is told once, and the answers of all workers are one", async () => {
  const { revocation, told } = start(2);
  const revoked = revocation.revoke(tokens);
  expect(told).toEqual([{ kind: "revoke", id: 1, revocation: tokens }]);
  let isDone = false;
  void revoked.then(() => (isDone = true));
  // Twice is once, and what nobody asked is nothing.
  revocation.answered(0, 1, held);
  revocation.answered(0, 1, held);
  revocation.answered(1, 7, held);
  await Promise.resolve();
  expect(isDone).toBe(false);
  revocation.answered(1, 1, held);
  expect(await revoked).toEqual(held);
});

test("one that could not do it makes it uncertain", async () => {
  const { revocation } = start(2);
  const revoked = revocation.revoke(tokens);
  revocation.answered(0, 1, { kind: "away", sentence: "Redis cannot be reached" });
  revocation.answered(1, 1, held);
  expect(await revoked).toEqual({ kind: "away", sentence: "Redis cannot be reached" });
});

test("a worker that is silent for 5 s, or is being replaced, makes it uncertain", async () => {
  const { revocation, clock } = start(2);
  const revoked = revocation.revoke(tokens);
  revocation.answered(0, 1, held);
  clock.pass(5000);
  expect(await revoked).toEqual({ kind: "away", sentence: "1 of 2 data workers did not answer" });
});
