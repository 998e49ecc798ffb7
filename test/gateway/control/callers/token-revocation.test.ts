import { expect, test } from "vitest";
import { TokenRevocation } from "../../../../gateway/control/callers/token-revocation.ts";
import type { TokensToRevoke } from "../../../../gateway/shared/messages.ts";
import { StoppedClock } from "../../../stopped-clock.ts";

const tokens: TokensToRevoke = { kind: "client", client: "id" };

function start(count: number): {
  readonly revocation: TokenRevocation;
  readonly clock: StoppedClock;
  readonly asked: (readonly [worker: number, id: number])[];
} {
  const clock = new StoppedClock();
  const revocation = new TokenRevocation(count, clock);
  const asked: (readonly [worker: number, id: number])[] = [];
  for (let worker = 0; worker < count; worker++) revocation.join(worker, (id) => asked.push([worker, id]));
  return { revocation, clock, asked };
}

test("all workers are asked, and their answers are one", async () => {
  const { revocation, asked } = start(2);
  const revoked = revocation.revoke(tokens);
  expect(asked).toEqual([
    [0, 1],
    [1, 1],
  ]);
  revocation.answered(0, 1, { kind: "revoked", count: 2 });
  // Twice is once, and what nobody asked is nothing.
  revocation.answered(0, 1, { kind: "revoked", count: 9 });
  revocation.answered(1, 7, { kind: "revoked", count: 9 });
  revocation.answered(1, 1, { kind: "revoked", count: 1 });
  expect(await revoked).toEqual({ kind: "revoked", count: 3 });
});

test("one that could not do it makes it uncertain", async () => {
  const { revocation } = start(2);
  const revoked = revocation.revoke(tokens);
  revocation.answered(0, 1, { kind: "away", sentence: "Redis cannot be reached" });
  revocation.answered(1, 1, { kind: "revoked", count: 1 });
  expect(await revoked).toEqual({ kind: "away", sentence: "Redis cannot be reached" });
});

test("a worker that is silent for 5 s, or is being replaced, makes it uncertain", async () => {
  const { revocation, clock } = start(2);
  const revoked = revocation.revoke(tokens);
  revocation.answered(0, 1, { kind: "revoked", count: 1 });
  clock.pass(5000);
  expect(await revoked).toEqual({ kind: "away", sentence: "1 of 2 data workers did not answer" });
  revocation.leave(0);
  revocation.leave(1);
  expect(await revocation.revoke(tokens)).toEqual({ kind: "away", sentence: "2 of 2 data workers did not answer" });
});
