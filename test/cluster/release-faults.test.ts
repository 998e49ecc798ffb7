// Releases on a real API server with three replicas under load: a canary that begins to fail, is slow or hangs, orders by annotation, predictors and pods that go.
import { afterAll, beforeAll, test } from "vitest";
import { maxThatMeet } from "../gateway/rollout-bound.ts";
import { runTool } from "../gateway/tools/run-tool.ts";
import { ReleaseStage } from "./release-stage.ts";
import type { PredictionStream } from "./stream.ts";
import { describeClusterWithPods } from "./suite.ts";

const failuresOf = (streams: readonly PredictionStream[]): readonly string[] =>
  streams.flatMap(({ failures }) => failures);

// Each rollout is of its own SeldonDeployment, so they take their time together.
describeClusterWithPods("releases and faults", () => {
  let stage: ReleaseStage;

  beforeAll(async () => {
    stage = await ReleaseStage.open({ isProxied: false });
  }, 120_000);
  afterAll(() => stage?.close());

  const requestsOf = async (name: string): Promise<number> =>
    (await stage.led(name))?.rollout.evidence?.canary.requests ?? 0;
  const loads = (name: string, clients: number, pauseMs: number): readonly PredictionStream[] =>
    stage.replicas.map((replica) => stage.load(replica, name, clients, pauseMs));

  test.concurrent("release, fault at 5 %, abort: no request is lost, and no more meet the fault than the method says", async ({
    expect,
  }) => {
    const text = "to canary; steps 5%, 100%; every 1h; warm 0s, 0 requests; min 20 requests; errors ≤ 5%";
    await stage.service("fault", "main");
    const canary = await stage.service("fault", "canary");
    await stage.release("fault", { "sluice.io/rollout": text });
    await expect.poll(() => stage.percents("fault")).toEqual([5, 5, 5]);
    const pauseMs = 20;
    const streams = loads("fault", 1, pauseMs);
    await expect.poll(() => requestsOf("fault"), { timeout: 60_000 }).toBeGreaterThanOrEqual(10);
    expect(failuresOf(streams)).toEqual([]);
    const [pod] = canary.pods;
    pod!.status = 500;
    const good = pod!.answered;
    await expect.poll(() => stage.percents("fault"), { timeout: 60_000 }).toEqual([0, 0, 0]);
    const met = failuresOf(streams).length;
    // Three clients, none of which asks more often than each `pauseMs`.
    const bound = maxThatMeet(text, good, (3 * (1000 / pauseMs) * 5) / 100);
    expect(met).toBeGreaterThan(0);
    expect(met).toBeLessThanOrEqual(bound);
    await Promise.all(streams.map((stream) => stream.more(100)));
    // Those that were on their way may still meet it: one of each client.
    expect(failuresOf(streams).length - met).toBeLessThanOrEqual(3);
    await Promise.all(streams.map((stream) => stream.stop()));
    // Each failure is an answer of the canary, so none is of Sluice, and each other request got 200.
    expect(failuresOf(streams).filter((failure) => !/^500 .*"pod":"fault-canary-1"/.test(failure))).toEqual([]);
    expect(pod!.answered).toBe(good + failuresOf(streams).length);
    await expect
      .poll(() => stage.events("fault"))
      .toContainEqual(
        expect.stringContaining(
          '1 Warning RolloutAborted: metadata.annotations["sluice.io/rollout"]: the rollout was aborted: canary is rolled back from 5%',
        ),
      );
  }, 150_000);

  test.concurrent("pause, promote and abort by annotation: each holds, is an Event and a Change, has its words, and may be removed", async ({
    expect,
  }) => {
    const text = "to canary; steps 20%, 50%, 100%; every 10s; warm 0s, 0 requests; min 20 requests; errors ≤ 5%";
    const names = ["ordered", "unpaused"];
    for (const name of names) {
      await stage.service(name, "main");
      await stage.service(name, "canary");
      await stage.release(name, { "sluice.io/rollout": text });
    }
    for (const name of names) await expect.poll(() => stage.percents(name)).toEqual([20, 20, 20]);
    const streams = names.flatMap((name) => loads(name, 1, 10));
    const order = (word: string, value: string | null): Promise<void> =>
      stage.annotate("ordered", { [`sluice.io/rollout-${word}`]: value });
    const isRead = async (said: string): Promise<void> => {
      for (const { gateway } of stage.replicas)
        await expect
          .poll(() =>
            gateway.records.some(({ name, sentence }) => name === "ordered" && String(sentence).startsWith(said)),
          )
          .toBe(true);
    };
    /** What a command prints about it, as the replica says it that decides: a second old at most. */
    const prints = async (command: string, subject = "ordered"): Promise<string> => {
      const { admin } = (await stage.led("ordered"))!.replica;
      return (await runTool(command, subject, "--url", admin, "--admin-token", "token")).out;
    };
    const says = (words: string): Promise<void> => expect.poll(() => prints("rollout")).toContain(words);

    await order("pause", "true");
    await says("waits for the end of sluice.io/rollout-pause");
    // The other one, with the same text and the same load, goes on meanwhile.
    await expect.poll(() => stage.percents("unpaused"), { timeout: 60_000 }).toEqual([50, 50, 50]);
    expect(await stage.percents("ordered")).toEqual([20, 20, 20]);
    await says("It is paused.");
    await order("pause", null);
    await expect.poll(() => stage.percents("ordered")).toEqual([50, 50, 50]);

    await order("promote", "true");
    await expect.poll(() => stage.percents("ordered")).toEqual([100, 100, 100]);
    await says("A person asked for it by sluice.io/rollout-promote.");
    await order("promote", null);
    await isRead("annotation sluice.io/rollout-promote: true → absent");
    expect(await stage.percents("ordered")).toEqual([100, 100, 100]);

    await order("abort", "true");
    await expect.poll(() => stage.percents("ordered")).toEqual([0, 0, 0]);
    await says("A person asked for it by sluice.io/rollout-abort.");
    await order("abort", null);
    await isRead("annotation sluice.io/rollout-abort: true → absent");
    // Until another text or another model.
    expect(await stage.percents("ordered")).toEqual([0, 0, 0]);
    await stage.release("ordered", { "sluice.io/rollout": text }, "model:3");
    await expect.poll(() => stage.percents("ordered")).toEqual([20, 20, 20]);

    // Each once, whoever of the three saw it.
    const events = [
      "1 Normal RolloutWentOn: canary goes from 20% to 50% of the traffic. Step 1 of 3 kept every gate.",
      "1 Normal RolloutPromoted: canary is promoted: it gets all live traffic. A person asked for it by sluice.io/rollout-promote.",
      '1 Warning RolloutAborted: metadata.annotations["sluice.io/rollout"]: the rollout was aborted: canary is rolled back from 100% of the traffic. A person asked for it by sluice.io/rollout-abort; its predictor gets no traffic until this annotation or the model changes',
    ];
    await expect.poll(() => stage.events("ordered")).toEqual(expect.arrayContaining(events));
    expect(failuresOf(streams)).toEqual([]);
    const told = await prints("changes", "models/ordered");
    for (const said of ["rollout-pause: true → absent", "canary is promoted", "canary is rolled back"])
      expect(told).toContain(said);
  }, 120_000);

  test.concurrent("a canary that hangs, and one that is right and twice as slow, are rolled back", async ({
    expect,
  }) => {
    const text = "to canary; steps 50%, 100%; every 1h; warm 0s, 0 requests; min 20 requests";
    const [slowMain, slow] = [await stage.service("slow", "main"), await stage.service("slow", "canary")];
    await stage.service("hangs", "main");
    const hanging = await stage.service("hangs", "canary");
    slowMain.pods[0]!.delayMs = 40;
    slow.pods[0]!.delayMs = 80;
    hanging.pods[0]!.delayMs = 1e9;
    await stage.release("slow", { "sluice.io/rollout": `${text}; p50 ≤ 1.2x main` });
    await stage.release("hangs", { "sluice.io/rollout": text, "seldon.io/rest-timeout": "500" });
    // From before the first look that counts, so that looks are alike: one of few requests makes the proof take longer.
    const ofSlow = loads("slow", 4, 2);
    for (const name of ["slow", "hangs"])
      await expect.poll(() => stage.percents(name), { timeout: 60_000 }).toEqual([50, 50, 50]);
    const ofHanging = loads("hangs", 1, 10);
    // Proof of latency takes about a minute.
    for (const name of ["slow", "hangs"])
      await expect.poll(() => stage.percents(name), { timeout: 120_000 }).toEqual([0, 0, 0]);
    await expect.poll(async () => (await stage.led("slow"))?.rollout.sentence).toMatch(/P50 of canary.* not by chance/);
    await Promise.all([...ofSlow, ...ofHanging].map((stream) => stream.more(50)));
    expect(failuresOf(ofSlow)).toEqual([]);
    // Sluice answers for a model that hangs, in its time limit.
    expect(failuresOf(ofHanging).filter((failure) => !failure.startsWith("504 "))).toEqual([]);
    expect(failuresOf(ofHanging).length).toBeLessThanOrEqual(maxThatMeet(text, 0, 3 * 2));
  }, 180_000);

  test.concurrent("a canary without pods, one that leaves the spec, and one that is renamed get nothing, no share is lost, and it goes on when it is back", async ({
    expect,
  }) => {
    const text = "to canary; steps 20%, 100%; every 10s; warm 0s, 0 requests; min 200 requests; errors ≤ 5%";
    const names = ["podless", "vanished", "renamed"];
    const release = (name: string): Promise<void> => stage.release(name, { "sluice.io/rollout": text });
    for (const name of names) {
      await stage.service(name, "main");
      await stage.service(name, "canary");
      await release(name);
    }
    for (const name of names) await expect.poll(() => stage.percents(name), { timeout: 40_000 }).toEqual([20, 20, 20]);
    const streams = new Map(names.map((name) => [name, loads(name, 1, 10)]));
    for (const name of names) for (const stream of streams.get(name)!) await stream.reaches(`${name}-canary`);

    const canaries = stage.services.find(({ name }) => name === "podless-canary")!;
    await canaries.become(canaries.pods[0]!, "starting");
    await stage.deploy("vanished", { "sluice.io/rollout": text }, [{ name: "main" }]);
    await stage.deploy("renamed", { "sluice.io/rollout": text }, [
      { name: "main" },
      { name: "candidate", image: "model:2" },
    ]);
    for (const name of names) for (const stream of streams.get(name)!) await stream.leaves(`${name}-canary`);
    expect(await stage.percents("podless")).toEqual([20, 20, 20]);
    expect(await stage.percents("vanished", "main")).toEqual([100, 100, 100]);
    expect(await stage.percents("renamed", "candidate")).toEqual([0, 0, 0]);
    for (const replica of stage.replicas) expect(await stage.problems(replica)).toMatch(/renamed.*canary/);

    await canaries.become(canaries.pods[0]!, "ready");
    for (const name of ["vanished", "renamed"]) await release(name);
    for (const name of names) for (const stream of streams.get(name)!) await stream.reaches(`${name}-canary`);
    for (const name of names)
      await expect.poll(() => stage.percents(name), { timeout: 60_000 }).toEqual([100, 100, 100]);
    expect(failuresOf([...streams.values()].flat())).toEqual([]);
  }, 150_000);
});
