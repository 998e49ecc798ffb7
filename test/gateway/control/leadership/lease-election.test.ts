import { describe, expect, test } from "vitest";
import { LeaseElection } from "../../../../gateway/control/leadership/lease-election.ts";
import type { LeaseRead, LeaseStore, RecordWrite, StoredLease } from "../../../../k8s/source/objects/source.ts";
import { StoppedClock } from "../../../stopped-clock.ts";

/** A Lease as an API server keeps it. */
class ServedLease {
  lease: StoredLease | null = null;
  version = 0;
  isAway = false;
  /** The next write is done and its answer lost. */
  losesAnswer = false;
  writes = 0;

  store(): LeaseStore {
    const away = { kind: "failed", sentence: "connection refused" } as const;
    return {
      kind: "lease",
      subject: { kind: "Lease", namespace: "sluice", name: "sluice-releases" },
      read: async (): Promise<LeaseRead> => {
        if (this.isAway) return away;
        return this.lease === null
          ? { kind: "absent" }
          : { kind: "lease", lease: this.lease, version: String(this.version) };
      },
      write: async (lease, over): Promise<RecordWrite> => {
        if (this.isAway) return away;
        if (over !== (this.lease === null ? null : String(this.version))) return { kind: "conflict" };
        this.writes += 1;
        this.set(lease);
        if (this.losesAnswer) {
          this.losesAnswer = false;
          return away;
        }
        return { kind: "written", version: String(this.version) };
      },
    };
  }

  set(lease: StoredLease | null): void {
    this.lease = lease;
    this.version += 1;
  }
}

const epochMs = Date.UTC(2026, 10, 23);

function candidate(
  served: ServedLease,
  self: string,
  clock: StoppedClock,
  told: string[] = [],
  skewMs = 0,
): LeaseElection {
  const election = new LeaseElection(served.store(), {
    self,
    clock,
    epochMs: () => epochMs + clock.now() + skewMs,
    random: () => 0,
    log: {
      write: (event, fields) =>
        void (event === "leader-unknown" && told.push(`${self}: ${String(fields?.["reason"])}`)),
      flush: () => {},
    },
  });
  election.changed(() =>
    told.push(
      `${(clock.now() - startMs) / 1000} s ${self}: ${election.isLeader() ? "leads" : `sees ${election.leader ?? "none"}`}`,
    ),
  );
  return election;
}

const startMs = new StoppedClock().now();

describe("an election by a Lease", () => {
  test("the first makes the Lease and leads, the second follows; a drain hands over within one try", async () => {
    const [served, clock, told] = [new ServedLease(), new StoppedClock(), [] as string[]];
    const one = candidate(served, "one", clock, told);
    const two = candidate(served, "two", clock, told);
    one.start();
    await clock.advance(0);
    two.start();
    await clock.advance(60_000);
    expect(served.lease).toMatchObject({ holder: "one", durationSeconds: 15, transitions: 0 });
    expect(served.lease!.renewTime).toMatch(/^2026-11-23T\d\d:\d\d:\d\d\.\d{6}Z$/);
    await one.release();
    expect([one.isLeader(), served.lease!.holder, served.lease!.durationSeconds]).toEqual([false, "", 1]);
    await clock.advance(2000);
    expect(served.lease).toMatchObject({ holder: "two", durationSeconds: 15, transitions: 1 });
    expect(told).toEqual(["0 s one: leads", "0 s two: sees one", "60 s one: sees none", "62 s two: leads"]);
  });

  test("a leader that was killed is followed after 15 s of the other's clock, and not before", async () => {
    const [served, clock] = [new ServedLease(), new StoppedClock()];
    // What a killed leader left, an hour ahead of this replica's clock.
    served.set({
      holder: "killed",
      durationSeconds: 15,
      transitions: 3,
      acquireTime: "2026-11-23T09:00:00.000000Z",
      renewTime: "2026-11-23T09:00:00.000000Z",
    });
    const two = candidate(served, "two", clock);
    two.start();
    await clock.advance(14_999);
    expect([two.isLeader(), two.leader]).toEqual([false, "killed"]);
    await clock.advance(1001);
    expect(two.isLeader()).toBe(true);
    expect(served.lease).toMatchObject({ holder: "two", transitions: 4 });
  });

  test("a leader whose clock is hours off is renewed as any other", async () => {
    for (const skewMs of [-7_200_000, 7_200_000]) {
      const [served, clock] = [new ServedLease(), new StoppedClock()];
      const one = candidate(served, "one", clock, [], skewMs);
      const two = candidate(served, "two", clock);
      one.start();
      await clock.advance(1);
      two.start();
      await clock.advance(120_000);
      expect([one.isLeader(), two.isLeader(), served.lease!.transitions]).toEqual([true, false, 0]);
    }
  });

  test("with the API server away it leads for 10 s and no longer; nobody leads; it leads again when the server is back", async () => {
    const [served, clock, told] = [new ServedLease(), new StoppedClock(), [] as string[]];
    const one = candidate(served, "one", clock, told);
    one.start();
    await clock.advance(4000);
    served.isAway = true;
    await clock.advance(9999);
    expect(one.isLeader()).toBe(true);
    await clock.advance(1);
    expect(one.isLeader()).toBe(false);
    await clock.advance(3_600_000);
    served.isAway = false;
    await clock.advance(2000);
    expect(one.isLeader()).toBe(true);
    expect(served.lease!.transitions).toBe(0);
    expect(told).toEqual(["0 s one: leads", "one: connection refused", "14 s one: sees none", "3616 s one: leads"]);
  });

  test("at no time do two lead, however the API server comes and goes and whoever stands still", async () => {
    const [served, clock] = [new ServedLease(), new StoppedClock()];
    const all = ["one", "two", "three"].map((self) => candidate(served, self, clock));
    for (const one of all) one.start();
    let seed = 7;
    const draw = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    let led = 0;
    for (let step = 0; step < 2000; step++) {
      served.isAway = draw() < 0.3;
      served.losesAnswer = draw() < 0.1;
      // A process that is kept from running: its alarms are late, and it asks its clock before it decides.
      if (draw() < 0.05) clock.skip(Math.floor(draw() * 30_000));
      else clock.pass(Math.floor(draw() * 3000));
      await new Promise((resolve) => setImmediate(resolve));
      const leading = all.filter((one) => one.isLeader()).length;
      expect(leading).toBeLessThanOrEqual(1);
      led += leading;
    }
    expect(led).toBeGreaterThan(500);
  });

  test("a renewal whose answer was lost is found again, and is no new term", async () => {
    const [served, clock] = [new ServedLease(), new StoppedClock()];
    const one = candidate(served, "one", clock);
    one.start();
    await clock.advance(4000);
    served.losesAnswer = true;
    await clock.advance(4000);
    expect([one.isLeader(), served.lease!.transitions]).toEqual([true, 0]);
  });

  test("a Lease that was edited by hand: another holder is followed, a deleted one is made anew", async () => {
    const [served, clock] = [new ServedLease(), new StoppedClock()];
    const one = candidate(served, "one", clock);
    one.start();
    await clock.advance(2000);
    served.set({ ...served.lease!, holder: "someone" });
    await clock.advance(2000);
    expect([one.isLeader(), one.leader]).toEqual([false, "someone"]);
    served.set(null);
    await clock.advance(2000);
    expect([one.isLeader(), served.lease!.transitions]).toEqual([true, 0]);
  });

  test.each([
    ["no number", Number.NaN, 15_000],
    ["14", 14, 15_000],
    ["15", 15, 15_000],
    ["16", 16, 16_000],
    ["600", 600, 600_000],
    ["601", 601, 600_000],
    ["a year", 31_536_000, 600_000],
  ])("a Lease that says it is valid for %s s is taken %d → after %d ms", async (_, durationSeconds, afterMs) => {
    const [served, clock] = [new ServedLease(), new StoppedClock()];
    served.set({ holder: "x", durationSeconds, transitions: 0, acquireTime: "", renewTime: "" });
    const two = candidate(served, "two", clock);
    two.start();
    await clock.advance(afterMs - 1);
    expect(two.isLeader()).toBe(false);
    await clock.advance(2001);
    expect(two.isLeader()).toBe(true);
  });

  test("what was given up is not sought again, and one that never led writes nothing at its end", async () => {
    const [served, clock] = [new ServedLease(), new StoppedClock()];
    const [one, two] = [candidate(served, "one", clock), candidate(served, "two", clock)];
    one.start();
    await clock.advance(1);
    two.start();
    await clock.advance(1);
    const { writes } = served;
    await two.release();
    expect([served.writes, served.lease!.holder]).toEqual([writes, "one"]);
    // A drain and the stop after it: the second waits for the first.
    void one.release();
    await one.release();
    expect(served.lease!.holder).toBe("");
    await clock.advance(100_000);
    expect([served.lease!.holder, clock.waiting]).toEqual(["", 0]);
  });
});
