// Releases on a real API server: three gateways, three processes, under the chart's service account and under load, whose leader is killed in mid-rollout
// and whose record is edited and deleted by hand.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { ComparedDeployment } from "../../gateway/api/comparisons.ts";
import { runTool } from "../gateway/tools/run-tool.ts";
import { record, recordPath, ReleaseStage } from "./release-stage.ts";
import { describeClusterWithPods } from "./suite.ts";

describeClusterWithPods("releases on three replicas", () => {
  let stage: ReleaseStage;

  beforeAll(async () => {
    stage = await ReleaseStage.open({ isProxied: false });
  }, 120_000);
  beforeEach(() => expect.poll(() => stage.answering(), { timeout: 30_000 }).toEqual([2, 2, 2]));
  afterEach(() => stage.quiet());
  afterAll(() => stage?.close());

  test("a rollout goes on with another leader, nothing repeated or skipped, survives hands on its record, and is aborted by a fault", async () => {
    const text = "to canary; steps 20%, 50%, 100%; every 10s; warm 0s, 0 requests; min 60 requests; errors ≤ 20%";
    const { cluster } = stage;
    const deploy = (image: string): Promise<void> => stage.release("iris", { "sluice.io/rollout": text }, image);
    await stage.service("iris", "main");
    const canary = await stage.service("iris", "canary");
    const standings = stage.standings("iris");
    await deploy("model:2");
    await expect.poll(() => stage.percents("iris"), { timeout: 20_000 }).toEqual([20, 20, 20]);
    // A look that counts enough also goes on: a person holds the step until the leader is gone.
    await stage.annotate("iris", { "sluice.io/rollout-pause": "true" });
    for (const replica of stage.replicas) stage.load(replica, "iris");
    // Counts of all three.
    await expect
      .poll(async () => (await stage.led("iris"))?.rollout.evidence?.canary.requests ?? 0, { timeout: 60_000 })
      .toBeGreaterThan(60);
    const leader = (await stage.led("iris"))!.replica;
    expect(await stage.kill(leader)).toEqual([]);
    await stage.annotate("iris", { "sluice.io/rollout-pause": null });
    await expect
      .poll(async () => (await stage.led("iris"))?.rollout.waitsFor, { timeout: 60_000 })
      .toBe("an answer of each replica");
    expect(await stage.percents("iris")).toEqual([20, 20]);
    // What Kubernetes does then: another pod, and the old one is in no slice any more.
    stage.load(await stage.start(), "iris");
    await expect.poll(() => stage.percents("iris"), { timeout: 60_000 }).toEqual([50, 50, 50]);

    await cluster.admin.merge(record, { data: { record: "edited" } });
    for (const replica of stage.replicas)
      await expect.poll(() => stage.problems(replica), { timeout: 20_000 }).toContain("releases-record");
    expect(await stage.percents("iris")).toEqual([50, 50, 50]);
    await cluster.admin.ask("DELETE", recordPath);
    await expect.poll(() => stage.percents("iris"), { timeout: 60_000 }).toEqual([100, 100, 100]);
    await expect.poll(async () => (await stage.led("iris"))?.rollout.state, { timeout: 60_000 }).toBe("promoted");
    expect(stage.streams.flatMap(({ failures }) => failures)).toEqual([]);
    expect(stage.streams.every(({ answered }) => answered > 100)).toBe(true);

    // Another model, which begins to fail.
    await deploy("model:3");
    await expect.poll(() => stage.percents("iris"), { timeout: 20_000 }).toEqual([20, 20, 20]);
    for (const pod of canary.pods) pod.status = 500;
    await expect.poll(() => stage.percents("iris"), { timeout: 60_000 }).toEqual([0, 0, 0]);
    await expect
      .poll(() => standings.seen)
      .toEqual([
        'stepping 0 {"canary":20}',
        'stepping 1 {"canary":50}',
        'stepping 2 {"canary":100}',
        'promoted 2 {"canary":100}',
        'stepping 0 {"canary":20}',
        'aborted 0 {"canary":0}',
      ]);
    for (const replica of stage.replicas) await expect.poll(() => stage.problems(replica)).toContain("rollout-aborted");
    // The Event of the SD says the last step. The SD itself is never written.
    await expect
      .poll(() => stage.events("iris"))
      .toContainEqual(
        expect.stringContaining(
          '1 Warning RolloutAborted: metadata.annotations["sluice.io/rollout"]: the rollout was aborted: canary is rolled back from 20%',
        ),
      );
    // Those that were there all the time served each step once.
    for (const { gateway } of stage.replicas.slice(0, 2)) {
      const served = (): readonly string[] =>
        gateway.records
          .filter(({ event, name }) => event === "change" && name === "iris")
          .flatMap(({ sentence }) => /^rollout: .* → canary (\d+)%/.exec(String(sentence))?.[1] ?? []);
      await expect.poll(served).toEqual(["20", "50", "100", "100", "20", "0"]);
    }
    const failures = stage.streams.flatMap((stream) => stream.failures);
    expect(failures.length).toBeGreaterThan(0);
    expect(failures.filter((failure) => !failure.startsWith("500 "))).toEqual([]);
    const { admin } = (await stage.led("iris"))!.replica;
    const printed = await runTool("rollout", "iris", "--url", admin, "--admin-token", "token");
    expect([printed.code, printed.out.split("\n")[0]]).toEqual([1, `models/iris  rollout to canary  aborted`]);
  }, 240_000);

  test("callers stay with one predictor, shadows are compared, and rewards move traffic, by each replica alike", async () => {
    for (const name of ["sticky", "compared", "learns"]) await stage.service(name, "main");
    await stage.service("sticky", "canary");
    await stage.service("compared", "canary");
    await stage.service("compared", "twin");
    const canary = await stage.service("learns", "canary");
    for (const pod of stage.services.find((one) => one.name === "learns-main")!.pods) pod.status = 500;
    const rollout = "to canary; steps 50%, 100%; every 10s; warm 0s, 0 requests; min 100 requests; agreement ≥ 90%";
    await stage.release("sticky", { "sluice.io/sticky": "header x-user" });
    await stage.deploy("compared", { "sluice.io/rollout": rollout, "sluice.io/compare": "ignore meta.tags" }, [
      { name: "main" },
      { name: "canary", image: "model:2" },
      { name: "twin", shadow: true },
    ]);
    await stage.release("learns", { "sluice.io/bandit": "thompson; floor 10%; every 10s; window 1h; reward success" });
    await expect.poll(() => stage.percents("compared"), { timeout: 20_000 }).toEqual([50, 50, 50]);
    await expect.poll(() => stage.percents("learns"), { timeout: 20_000 }).toEqual([50, 50, 50]);
    await Promise.all(stage.replicas.map((replica) => stage.load(replica, "sticky").more(1)));

    const podsOf = async (user: string): Promise<readonly string[]> =>
      Promise.all(
        stage.replicas.map(async (replica) => {
          const headers = { "x-user": user, "content-type": "application/json" };
          const answer = await fetch(stage.urlOf(replica, "sticky"), { method: "POST", body: "{}", headers });
          return ((await answer.json()) as { meta: { tags: { pod: string } } }).meta.tags.pod;
        }),
      );
    const met = new Set<string>();
    for (let user = 0; user < 30; user += 1) {
      const pods = await podsOf(`user-${user}`);
      expect(new Set(pods).size).toBe(1);
      met.add(pods[0]!);
    }
    expect([...met].toSorted()).toEqual(["sticky-canary-1", "sticky-main-1"]);

    // Answers that every replica compared are evidence of the leader.
    const compared = stage.replicas.map((replica) => stage.load(replica, "compared"));
    await expect.poll(() => stage.percents("compared"), { timeout: 60_000 }).toEqual([100, 100, 100]);
    await expect.poll(async () => (await stage.led("compared"))?.rollout.state, { timeout: 60_000 }).toBe("promoted");
    const pairs = await Promise.all(
      stage.replicas.map(async (replica) => {
        const { comparisons } = await stage.get<ComparedDeployment>(replica, "/api/v1/comparisons/models/compared");
        return comparisons
          .filter(({ against }) => against === "canary")
          .map(({ predictor, agreed, disagreed }) => [predictor, agreed > 0, disagreed]);
      }),
    );
    expect(pairs).toEqual(stage.replicas.map(() => [["twin", true, 0]]));
    expect(compared.flatMap(({ failures }) => failures)).toEqual([]);

    // One that fails gets its floor.
    for (const replica of stage.replicas) stage.load(replica, "learns");
    await expect.poll(() => stage.percents("learns"), { timeout: 60_000 }).toEqual([90, 90, 90]);
    expect(canary.pods[0]!.answered).toBeGreaterThan(0);
    const audited = await stage.cluster.audited("sluice", "sluice");
    expect(audited.filter(({ status }) => status === 403)).toEqual([]);
  }, 240_000);
});
