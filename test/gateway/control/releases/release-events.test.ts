// Each step of a rollout is an Event of its own, the same from every replica and leader.
import { expect, test } from "vitest";
import { pauseEvent, stepEvents } from "../../../../gateway/control/releases/release-events.ts";
import { changeEventOf } from "../../../../gateway/control/status/change-event.ts";
import { eventOf } from "../../../../gateway/control/status/problem-events.ts";
import { reportRelease } from "../../../../k8s/translate/deployments/release-problems.ts";
import type { Problem } from "../../../../routing/text/problem.ts";
import { Replica, rollout, World } from "./release-world.ts";

const plan = "to canary; steps 5%, 100%; every 10s; min 50 requests; errors ≤ 2%";

test("a rollout that goes on, is promoted, begins anew and is rolled back is told in five Events, by each replica the same", async () => {
  const world = new World();
  world.planned = rollout(plan);
  world.replicas = [new Replica(world), new Replica(world)];
  world.replicas[0]!.isLeader = true;
  const looks = async (count: number, failed: number): Promise<void> => {
    for (let look = 0; look < count; look++) {
      for (const arm of ["main", "canary", "other"]) world.count(arm, 40, arm === "canary" ? failed : 0);
      await world.look();
    }
  };
  await looks(8, 0);
  // Another leader goes on.
  world.replicas[0]!.isLeader = false;
  world.replicas[1]!.isLeader = true;
  await looks(40, 0);
  world.planned = { ...world.planned, models: "2" };
  await looks(1, 0);
  await looks(30, 36);
  const [one, other] = world.replicas.map(({ events }) => events);
  expect(
    one!.map(({ type, reason, message }) => `${type} ${reason} ${message.replace(/(?<=: )\d+ of .*/, "…")}`),
  ).toEqual([
    "Normal RolloutBegan canary gets 5% of the traffic: it begins.",
    "Normal RolloutWentOn canary goes from 5% to 100% of the traffic. Step 1 of 2 kept every gate.",
    "Normal RolloutPromoted canary is promoted: it gets all live traffic. Each step kept every gate.",
    "Normal RolloutBegan canary gets 5% of the traffic: the model is another one.",
    'Warning RolloutAborted metadata.annotations["sluice.io/rollout"]: the rollout was aborted: canary is rolled back from 5% of the traffic. Errors of canary: …',
  ]);
  expect(other).toEqual(one);
  expect(new Set(one!.map(({ name }) => name)).size).toBe(one!.length);
  expect(one!.every(({ subject: { kind, name } }) => kind === "SeldonDeployment" && name === "iris")).toBe(true);
  // One that begins now tells nothing of what was.
  expect(new Replica(world).events).toEqual([]);
});

test("a pause is an Event of its step", () => {
  expect(pauseEvent(entry)).toMatchObject({
    type: "Normal",
    reason: "RolloutPaused",
    message: "sluice.io/rollout-pause holds the rollout: canary gets 5% of the traffic.",
  });
});

const entry = {
  namespace: "prod",
  name: "iris",
  kind: "rollout",
  text: "",
  models: "",
  shares: { canary: 5 },
  state: "stepping",
  step: 0,
  sinceMs: 0,
  why: "it begins",
  isPromoteUsed: false,
  reward: "",
  rewards: {},
} as const;

test("an abort is the Event of its Problem, so that both are one", () => {
  const field = 'spec.annotations["sluice.io/rollout"]';
  const aborted = { ...entry, state: "aborted", why: "A person asked for it." } as const;
  const problems: Problem[] = [];
  const subject = { kind: "SeldonDeployment", namespace: "prod", name: "iris" };
  reportRelease(
    { plan: { kind: "rollout" }, models: "", arms: ["canary"], field } as never,
    aborted,
    (level, code, at, sentence) => problems.push({ level, code, subject, field: at, sentence }),
  );
  expect(stepEvents(new Map(), new Map([["prod/iris", aborted]]), () => field)).toEqual(problems.map(eventOf));
});

test("what a model's owner wrote is escaped, a promotion that was used up is no step, and bandits have the Event of changes", () => {
  const key = "prod/iris";
  const [one] = stepEvents(new Map(), new Map([[key, { ...entry, state: "aborted", why: "x\u001b[31m" }]]), () => "");
  expect(one!.message).toContain("x\\u001b[31m;");
  expect(stepEvents(new Map([[key, entry]]), new Map([[key, { ...entry, isPromoteUsed: true }]]), () => "")).toEqual(
    [],
  );
  expect(stepEvents(new Map(), new Map([[key, { ...entry, kind: "bandit" }]]), () => "")).toEqual([]);
  const change = {
    object: { kind: "SeldonDeployment", namespace: "prod", name: "iris" },
    outcome: "live",
    from: "",
    to: "",
  };
  expect(changeEventOf({ ...change, field: "rollout" } as never)).toBeNull();
  expect(changeEventOf({ ...change, field: "bandit" } as never)).not.toBeNull();
});
