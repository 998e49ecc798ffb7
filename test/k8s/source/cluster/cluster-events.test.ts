import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ClusterEvents } from "../../../../k8s/source/cluster/cluster-events.ts";
import { readClusterObject } from "../../../../k8s/source/cluster/cluster-object.ts";
import type { ProblemEvent } from "../../../../k8s/source/objects/source.ts";
import { FakeApi, refuse } from "./fake-api.ts";

const collection = "/api/v1/events";
const event: ProblemEvent = {
  name: "sluice-1",
  subject: { kind: "SeldonDeployment", namespace: "prod", name: "iris" },
  type: "Warning",
  reason: "BadTimeout",
  message: "it is no number",
};
const iris = readClusterObject("SeldonDeployment", "machinelearning.seldon.io/v1", {
  metadata: { namespace: "prod", name: "iris", uid: "uid-of-iris" },
});

let fake: FakeApi;

beforeEach(async () => {
  fake = await FakeApi.start();
});

afterEach(() => fake.stop());

const writer = (): ClusterEvents => new ClusterEvents(fake.client(), (ref) => (ref.name === "iris" ? iris : null));
const stored = (): Record<string, unknown> => fake.objects(collection).get("prod/sluice-1")!;

/** The stored event as it was that many ms ago. */
function age(ms: number): void {
  fake.put(collection, {
    ...(stored() as unknown as Parameters<FakeApi["put"]>[1]),
    lastTimestamp: `${new Date(Date.now() - ms).toISOString().slice(0, 19)}Z`,
  });
}

describe("an event", () => {
  test("is created on its object, in its namespace", async () => {
    expect(await writer().write(event)).toBe("written");
    expect(stored()).toMatchObject({
      involvedObject: {
        apiVersion: "machinelearning.seldon.io/v1",
        kind: "SeldonDeployment",
        namespace: "prod",
        name: "iris",
        uid: "uid-of-iris",
      },
      type: "Warning",
      reason: "BadTimeout",
      message: "it is no number",
      count: 1,
      source: { component: "sluice" },
    });
    expect(stored()["firstTimestamp"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  test("of several replicas at once is one", async () => {
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => writer().write(event)));
    expect(outcomes.filter((outcome) => outcome === "written")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "fresh")).toHaveLength(4);
    expect(stored()["count"]).toBe(1);
  });

  test.each([
    ["a minute ago", 60_000, 1],
    ["almost 25 minutes ago", 1_480_000, 1],
    ["more than 25 minutes ago", 1_510_000, 2],
    ["a little in the future", -60_000, 1],
    ["far in the future", -1_510_000, 2],
  ])("last seen %s is counted %#", async (_, ms, count) => {
    await writer().write(event);
    age(ms);
    expect(await writer().write(event)).toBe(count === 1 ? "fresh" : "written");
    expect(stored()["count"]).toBe(count);
  });

  test("with other words is counted once, by whoever is first", async () => {
    await writer().write(event);
    const outcomes = await Promise.all([1, 2, 3].map(() => writer().write({ ...event, message: "it is less than 0" })));
    expect(outcomes.filter((outcome) => outcome === "written")).toHaveLength(1);
    expect(stored()).toMatchObject({ count: 2, message: "it is less than 0" });
  });

  test.each([
    ["about another object", { involvedObject: { kind: "Pod", namespace: "prod", name: "other", uid: "x" } }],
    [
      "about an object of that name that was there before",
      { involvedObject: { kind: "SeldonDeployment", namespace: "prod", name: "iris", uid: "older" } },
    ],
    ["without one", { involvedObject: undefined }],
    ["whose object is no object", { involvedObject: "iris" }],
  ])("that somebody has forged, %s, hides nothing", async (_, forged) => {
    await writer().write(event);
    fake.put(collection, { ...(stored() as unknown as Parameters<FakeApi["put"]>[1]), ...forged });
    expect(await writer().write(event)).toBe("written");
    expect(stored()).toMatchObject({
      involvedObject: { kind: "SeldonDeployment", name: "iris", uid: "uid-of-iris" },
      source: { component: "sluice" },
      message: "it is no number",
    });
  });

  test.each([
    [2_147_483_646, 2_147_483_647],
    [2_147_483_647, 1],
    [2_147_483_648, 1],
    [-5, 1],
    [0, 1],
    ["many", 2],
    [1.5, 2],
  ])("whose count is %s is counted %d", async (count, next) => {
    await writer().write(event);
    fake.put(collection, { ...(stored() as unknown as Parameters<FakeApi["put"]>[1]), count, message: "forged" });
    expect(await writer().write(event)).toBe("written");
    expect(stored()["count"]).toBe(next);
  });

  test("of an object that is not there is none", async () => {
    expect(await writer().write({ ...event, subject: { ...event.subject, name: "gone" } })).toBe("no-object");
    expect(fake.calls).toEqual([]);
  });

  test("that may not be written, or cannot be, says so and throws nothing", async () => {
    fake.once(
      () => true,
      (response) => refuse(response, 403, "Forbidden", "no"),
    );
    expect(await writer().write(event)).toBe("forbidden");
    fake.once(
      ({ method }) => method === "POST",
      (response) => refuse(response, 403, "Forbidden", "no"),
    );
    expect(await writer().write(event)).toBe("forbidden");
    fake.once(
      () => true,
      (response) => refuse(response, 500, "InternalError", "no"),
    );
    expect(await writer().write(event)).toBe("failed");
    const one = writer();
    await fake.stop();
    expect(await one.write(event)).toBe("failed");
  });
});
