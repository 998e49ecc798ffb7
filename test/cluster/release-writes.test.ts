// Releases while the API server cannot be asked, and leaders that end in the middle of a write: on a real API server, behind a proxy that stops at that moment.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { WriteMoment } from "./api-proxy.ts";
import { recordPath, ReleaseStage } from "./release-stage.ts";
import { describeClusterWithPods } from "./suite.ts";

describeClusterWithPods("releases and their record", () => {
  let stage: ReleaseStage;

  beforeAll(async () => {
    stage = await ReleaseStage.open({ isProxied: true });
  }, 120_000);
  beforeEach(() => expect.poll(() => stage.answering(), { timeout: 30_000 }).toEqual([2, 2, 2]));
  afterEach(() => stage.quiet());
  afterAll(() => stage?.close());

  test("a leader that is killed at any moment of a write: no step is repeated or skipped, and no request fails", async () => {
    await stage.service("iris", "main");
    await stage.service("iris", "canary");
    const standings = stage.standings("iris");
    const release = (): Promise<void> =>
      stage.release("iris", {
        "sluice.io/rollout":
          "to canary; steps 20%, 50%, 100%; every 20s; warm 0s, 0 requests; min 20 requests; errors ≤ 20%",
      });
    const reasons = async (): Promise<readonly string[]> =>
      (await stage.events("iris")).map((event) => event.split(":")[0]!).toSorted();
    /** Kills the leader at that moment of its next write of this state, and starts another replica. */
    const killedAt = async (moment: WriteMoment, written: string, how: () => Promise<void>): Promise<void> => {
      const leader = await stage.leader();
      const killed = leader.proxy!.at(
        moment,
        recordPath,
        (body) => body.includes(written),
        async () => {
          expect(await stage.kill(leader)).toEqual([]);
        },
      );
      await how();
      await killed;
      await stage.freeLease();
      stage.load(await stage.start(), "iris", 1, 10);
    };
    for (const replica of stage.replicas) stage.load(replica, "iris", 1, 10);

    await killedAt("asked", String.raw`\"step\":0`, release);
    await expect.poll(() => stage.percents("iris")).toEqual([20, 20, 20]);
    await stage.annotate("iris", { "sluice.io/rollout-pause": "true" });
    await expect.poll(reasons, { timeout: 40_000 }).toContain("1 Normal RolloutPaused");
    await stage.annotate("iris", { "sluice.io/rollout-pause": null });
    await killedAt("stored", String.raw`\"step\":1`, async () => {});
    await expect.poll(() => stage.percents("iris")).toEqual([50, 50, 50]);
    await killedAt("answered", String.raw`\"promoted\"`, () =>
      stage.annotate("iris", { "sluice.io/rollout-promote": "true" }),
    );
    await expect.poll(() => stage.percents("iris")).toEqual([100, 100, 100]);
    // A leader that lives on, and never hears that its write was stored.
    const leader = await stage.leader();
    const lost = leader.proxy!.at(
      "stored",
      recordPath,
      (body) => body.includes(String.raw`\"aborted\"`),
      async () => {},
    );
    await stage.annotate("iris", { "sluice.io/rollout-abort": "true" });
    await lost;
    await expect.poll(() => stage.percents("iris")).toEqual([0, 0, 0]);
    await expect.poll(async () => (await stage.led("iris"))?.rollout.state).toBe("aborted");
    await expect
      .poll(() => standings.seen)
      .toEqual([
        'stepping 0 {"canary":20}',
        'stepping 1 {"canary":50}',
        'promoted 2 {"canary":100}',
        'aborted 2 {"canary":0}',
      ]);
    // Each once, although its writer was killed.
    await expect
      .poll(reasons, { timeout: 40_000 })
      .toEqual([
        "1 Normal RolloutBegan",
        "1 Normal RolloutPaused",
        "1 Normal RolloutPromoted",
        "1 Normal RolloutWentOn",
        "1 Warning RolloutAborted",
      ]);
    expect(stage.streams.flatMap(({ failures }) => failures)).toEqual([]);
  }, 180_000);

  test("a leader that is killed in the middle of a step: the next one looks at it anew, and no share moves", async () => {
    const release = (name: string): Promise<void> =>
      stage.release(name, {
        "sluice.io/rollout": "to canary; steps 50%, 100%; every 1h; warm 0s, 0 requests; min 1000000 requests",
      });
    await stage.service("kept", "main");
    const [pod] = (await stage.service("kept", "canary")).pods;
    await release("kept");
    await expect.poll(() => stage.percents("kept")).toEqual([50, 50, 50]);
    // What the canary does before its first look is over is no evidence.
    await expect.poll(async () => (await stage.led("kept"))?.rollout.waitsFor).toMatch(/^1000000 more requests/);
    const streams = stage.replicas.map((replica) => stage.load(replica, "kept", 1, 2));
    await Promise.all(streams.map((stream) => stream.more(30)));
    await Promise.all(streams.map((stream) => stream.stop()));
    const counted = async (): Promise<number> => (await stage.led("kept"))?.rollout.evidence?.canary.requests ?? 0;
    await expect.poll(counted).toBe(pod!.answered);
    expect(pod!.answered).toBeGreaterThan(20);
    await stage.kill(await stage.leader());
    await stage.freeLease();
    await stage.leader();
    // No request came since.
    await expect.poll(counted).toBe(0);
    expect(await stage.percents("kept")).toEqual([50, 50]);
    await stage.start();
  }, 90_000);

  test("an API server that is away in mid-rollout: shares stay, nothing is promoted, no request fails, and then it goes on with another leader", async () => {
    const text = "to canary; steps 20%, 50%, 100%; every 20s; warm 0s, 0 requests; min 20 requests; errors ≤ 20%";
    const names = ["well", "fails"];
    const [well, fails] = names.map((name) => stage.standings(name));
    for (const name of names) {
      await stage.service(name, "main");
      await stage.service(name, "canary");
      await stage.release(name, { "sluice.io/rollout": text });
    }
    for (const name of names) await expect.poll(() => stage.percents(name)).toEqual([20, 20, 20]);
    for (const replica of stage.replicas) for (const name of names) stage.load(replica, name, 1, 10);
    for (const name of names)
      await expect
        .poll(async () => (await stage.led(name))?.rollout.evidence?.canary.requests ?? 0, { timeout: 60_000 })
        .toBeGreaterThan(10);
    const leader = await stage.leader();
    stage.cluster.freeze();
    for (const pod of stage.services.find(({ name }) => name === "fails-canary")!.pods) pod.status = 500;
    // Nobody leads without the API server, so nothing is decided on what was seen before.
    await expect.poll(() => stage.led("well"), { timeout: 30_000 }).toBeNull();
    for (const name of names) expect(await stage.percents(name)).toEqual([20, 20, 20]);
    const ofLeader = await stage.kill(leader);
    await stage.cluster.restart();
    await stage.freeLease();
    for (const name of names) stage.load(await stage.start(), name, 1, 10);
    await Promise.all(
      [
        { name: "fails", share: 0 },
        { name: "well", share: 50 },
      ].map(({ name, share }) =>
        expect.poll(() => stage.percents(name), { timeout: 60_000 }).toEqual(stage.replicas.map(() => share)),
      ),
    );
    await expect.poll(() => well!.seen).toEqual(['stepping 0 {"canary":20}', 'stepping 1 {"canary":50}']);
    await expect.poll(() => fails!.seen).toEqual(['stepping 0 {"canary":20}', 'aborted 0 {"canary":0}']);
    const failures = [...ofLeader, ...stage.streams.flatMap((stream) => stream.failures)];
    expect(failures.filter((failure) => !/^500 .*"pod":"fails-canary-1"/.test(failure))).toEqual([]);
  }, 180_000);
});
