import { expect, test } from "vitest";
import { LockElection } from "../../../../gateway/control/leadership/lock-election.ts";
import type { LeaderLock } from "../../../../k8s/source/objects/source.ts";
import { StoppedClock } from "../../../stopped-clock.ts";

test("of two processes the one with the lock leads; released, the other one does within 2 s; a lock that fails is nobody's", async () => {
  const clock = new StoppedClock();
  let holder: string | null = null;
  let fails = false;
  const lockOf = (self: string): LeaderLock => ({
    kind: "lock",
    subject: { kind: "File", namespace: "", name: "state.lock" },
    take: async () => {
      if (fails) return { kind: "failed", sentence: "disk I/O error" };
      holder ??= self;
      return { kind: holder === self ? "taken" : "busy" };
    },
    release: () => void (holder = holder === self ? null : holder),
  });
  const lines: string[] = [];
  const electionOf = (self: string): LockElection =>
    new LockElection(lockOf(self), {
      self,
      clock,
      epochMs: () => 0,
      random: () => 0,
      log: { write: (event, fields) => void lines.push(`${self} ${event} ${JSON.stringify(fields)}`), flush: () => {} },
    });
  const [one, two] = [electionOf("one"), electionOf("two")];
  fails = true;
  one.start();
  await clock.advance(2000);
  expect([one.isLeader(), one.leader]).toEqual([false, null]);
  fails = false;
  await clock.advance(2000);
  two.start();
  await clock.advance(10_000);
  expect([one.isLeader(), two.isLeader(), two.leader]).toEqual([true, false, null]);
  await one.release();
  await clock.advance(2000);
  expect([one.isLeader(), two.isLeader(), two.leader]).toEqual([false, true, "two"]);
  await two.release();
  await clock.advance(10_000);
  expect([two.isLeader(), holder, clock.waiting]).toEqual([false, null, 0]);
  expect(lines).toEqual([
    'one leader-unknown {"reason":"disk I/O error"}',
    'one leader {"leader":"one","self":true}',
    'one leader {"leader":null,"self":false}',
    'two leader {"leader":"two","self":true}',
    'two leader {"leader":null,"self":false}',
  ]);
});
