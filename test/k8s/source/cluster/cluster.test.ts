import { eventually } from "../../../turns.ts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ClusterSource, type ClusterOptions } from "../../../../k8s/source/cluster/cluster.ts";
import type { LastGood, LastGoodRead, StoredForm } from "../../../../k8s/source/objects/last-good.ts";
import type { SourceChange, StoredRecord } from "../../../../k8s/source/objects/source.ts";
import { FakeApi, quickTimes, refuse, type ApiCall, type KubeObject } from "./fake-api.ts";

const deployments = "/apis/machinelearning.seldon.io/v1/seldondeployments";
const services = "/api/v1/services";
const slices = "/apis/discovery.k8s.io/v1/endpointslices";
const secrets = "/api/v1/secrets";

const deployment = (name: string, namespace = "prod"): KubeObject => ({
  metadata: { namespace, name },
  spec: { predictors: [{ name: "main", graph: {} }] },
});
const service = (name: string, namespace = "prod", clusterIP = "10.0.0.1"): KubeObject => ({
  metadata: { namespace, name },
  spec: { clusterIP, ports: [{ name: "http", port: 8000 }] },
});
const slice = (name: string, of: string, namespace = "prod"): KubeObject => ({
  metadata: { namespace, name, labels: { "kubernetes.io/service-name": of } },
  ports: [{ name: "http", port: 9000 }],
  endpoints: [{ addresses: ["10.1.0.1"], conditions: { ready: true }, nodeName: "n", zone: "z" }],
});

class MemoryLastGood implements LastGood {
  stored: LastGoodRead | null = null;
  changes: (() => readonly StoredForm[])[] = [];

  async read(): Promise<LastGoodRead | null> {
    return this.stored;
  }

  changed(objects: () => readonly StoredForm[]): void {
    this.changes.push(objects);
  }

  async close(): Promise<void> {}
}

let fake: FakeApi;
let source: ClusterSource;
let changes: SourceChange[];
let known: Map<string, unknown>;
let wake: () => void;

beforeEach(async () => {
  fake = await FakeApi.start();
  fake.installed.add(deployments);
  changes = [];
  known = new Map();
  wake = () => {};
});

afterEach(async () => {
  await source.stop();
  await fake.stop();
});

function take(change: SourceChange): void {
  changes.push(change);
  for (const key of change.removed) known.delete(key);
  for (const { ref, object } of change.set) known.set(`${ref.kind} ${ref.namespace}/${ref.name}`, object);
  wake();
}

function open(options: Partial<ClusterOptions> = {}): ClusterSource {
  source = new ClusterSource({
    api: fake.client(),
    namespaces: [],
    mappings: false,
    platformNamespaces: [],
    forbiddenAddresses: [],
    releases: null,
    lastGood: null,
    once: false,
    times: { reflector: quickTimes, lastGoodAfterMs: 40, secretsMs: 200 },
    random: () => 0.5,
    ...options,
  });
  return source;
}

describe("the record of releases", () => {
  const configMaps = "/api/v1/configmaps";
  const releases = { namespace: "sluice", name: "sluice-releases" };
  const record = (name: string, text: string): KubeObject => ({
    metadata: { namespace: "sluice", name },
    data: { record: text },
  });
  const form = (name: string, text: string): StoredForm => ({
    ref: { kind: "ConfigMap", namespace: "sluice", name },
    apiVersion: "v1",
    uid: "",
    text: JSON.stringify({ metadata: { resourceVersion: "7" }, data: { record: text } }),
  });

  /** What the store is told. */
  function follow(options: Partial<ClusterOptions>): StoredRecord[] {
    const told: StoredRecord[] = [];
    open({ releases, ...options }).releases!.follow((stored) => {
      told.push(stored);
      wake();
    });
    return told;
  }

  test("is among the last good objects", async () => {
    const lastGood = new MemoryLastGood();
    fake.put(configMaps, record("sluice-releases", "held"));
    fake.put(configMaps, record("another", "x"));
    const told = follow({ lastGood });
    await source.start(take);
    await until(() => lastGood.changes.length > 0);
    expect(told).toMatchObject([{ kind: "text", text: "held" }]);
    const kept = lastGood.changes.at(-1)!();
    expect(kept.map(({ ref }) => `${ref.kind} ${ref.namespace}/${ref.name}`)).toEqual([
      "ConfigMap sluice/sluice-releases",
    ]);
    // And what was kept says the same to a gateway that starts without the API server.
    await source.stop();
    const other = new MemoryLastGood();
    other.stored = { objects: kept, ageSeconds: 1 };
    const { port } = fake;
    const restored = follow({ lastGood: other });
    await fake.stop();
    await source.start(take);
    expect(restored.filter(({ kind }) => kind === "text")).toEqual(told);
    await fake.listen(port);
  });

  test("is restored while the API server is away, and what is true follows", async () => {
    const lastGood = new MemoryLastGood();
    lastGood.stored = { objects: [form("another", "wrong"), form("sluice-releases", "held")], ageSeconds: 1 };
    const { port } = fake;
    const told = follow({ lastGood });
    await fake.stop();
    await source.start(take);
    expect(told.at(-1)).toEqual({ kind: "text", text: "held", version: "7" });
    fake.put(configMaps, record("sluice-releases", "newer"));
    await fake.listen(port);
    await until(() => told.some((stored) => stored.kind === "text" && stored.text === "newer"));
    // At no time did nobody hold anything.
    expect(told.filter(({ kind }) => kind === "absent")).toEqual([]);
  });

  test("longer than a ConfigMap holds is not written", async () => {
    follow({});
    await source.start(take);
    expect(await source.releases!.write("x".repeat(960 * 1024 + 1), null)).toMatchObject({ kind: "failed" });
    expect(
      fake.calls.filter(({ path }) => path.endsWith("/configmaps")).map(({ query }) => query.get("fieldSelector")),
    ).toContain("metadata.name=sluice-releases");
  });

  test("that was not kept is unreadable while the API server is away: what is contested is served to nobody", async () => {
    const lastGood = new MemoryLastGood();
    lastGood.stored = { objects: [form("another", "wrong")], ageSeconds: 1 };
    const { port } = fake;
    const told = follow({ lastGood });
    await fake.stop();
    await source.start(take);
    expect(told.at(-1)).toMatchObject({ kind: "unreadable" });
    expect(told.every(({ kind }) => kind === "unreadable")).toBe(true);
    await fake.listen(port);
    await until(() => told.at(-1)!.kind === "absent");
  });
});

async function until(done: () => boolean): Promise<void> {
  while (!done()) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

const keys = (): string[] => [...known.keys()].sort();
const codes = (): string[] => changes.at(-1)!.problems.map(({ code }) => code);
const forbidden =
  (plural: string) =>
  (call: ApiCall, response: Parameters<typeof refuse>[0]): boolean => {
    if (!call.path.endsWith(`/${plural}`)) return false;
    refuse(response, 403, "Forbidden", `${plural} is forbidden`);
    return true;
  };

describe("the first change", () => {
  test("holds everything, once every resource was listed", async () => {
    fake.put(deployments, deployment("iris"));
    fake.put(services, service("iris-main"));
    fake.put(slices, slice("iris-main-1", "iris-main"));
    await open().start(take);
    expect(changes).toHaveLength(1);
    expect(keys()).toEqual(["EndpointSlice prod/iris-main-1", "SeldonDeployment prod/iris", "Service prod/iris-main"]);
    expect(changes[0]!.problems).toEqual([]);
    expect(source.ageSeconds()).toBe(0);
    expect(source.trouble()).toBeNull();
  });

  test("holds what routing reads of a slice and no more", async () => {
    fake.put(slices, slice("a-1", "a"));
    await open().start(take);
    expect(known.get("EndpointSlice prod/a-1")).toEqual({
      metadata: { labels: { "kubernetes.io/service-name": "a" } },
      ports: [{ name: "http", port: 9000 }],
      endpoints: [{ addresses: ["10.1.0.1"], conditions: { ready: true } }],
    });
  });

  test("comes without SeldonDeployments where their CRD is not installed, with a Problem, and they follow", async () => {
    fake.installed.clear();
    fake.put(services, service("a"));
    await open().start(take);
    expect(keys()).toEqual(["Service prod/a"]);
    expect(codes()).toEqual(["resource-absent"]);
    fake.put(deployments, deployment("iris"));
    fake.installed.add(deployments);
    await until(() => known.has("SeldonDeployment prod/iris"));
    await until(() => codes().length === 0);
  });

  test("of a flood comes 200 objects at a time", async () => {
    fake.installed.clear();
    await open().start(take);
    for (let i = 0; i < 401; i++) fake.put(deployments, deployment(`m${i}`));
    fake.installed.add(deployments);
    await until(() => known.size === 401);
    const found = changes.slice(1).filter(({ set }) => set.length > 0);
    expect(found.map(({ set }) => set.length)).toEqual([200, 200, 1]);
    expect(new Set(found.map(({ readAtMs }) => readAtMs)).size).toBe(1);
  });

  test("reads watched namespaces one by one and no other", async () => {
    fake.put(deployments, deployment("a", "one"));
    fake.put(deployments, deployment("b", "two"));
    fake.put(deployments, deployment("c", "three"));
    await open({ namespaces: ["one", "two"] }).start(take);
    expect(keys()).toEqual(["SeldonDeployment one/a", "SeldonDeployment two/b"]);
    expect(fake.calls.some(({ path }) => path === deployments)).toBe(false);
  });
});

describe("changes", () => {
  test("that come together are delivered together; a re-creation is one change", async () => {
    fake.put(deployments, deployment("iris"));
    await open().start(take);
    const watches = (plural: string) => fake.call((call) => call.watch && call.path.endsWith(plural));
    await Promise.all([watches("/services"), watches("/seldondeployments"), watches("/endpointslices")]);
    fake.remove(deployments, "prod", "iris");
    fake.put(deployments, { ...deployment("iris"), spec: { predictors: [{ name: "other" }] } });
    await until(() => JSON.stringify(known.get("SeldonDeployment prod/iris") ?? "").includes("other"));
  });

  test("a clock that jumps changes nothing: no age, no list, no wait", async () => {
    await open().start(take);
    await fake.call((call) => call.watch && call.path === services);
    const calls = fake.calls.length;
    const now = Date.now();
    const clock = vi.spyOn(Date, "now");
    for (const jumpMs of [86_400_000, -86_400_000]) {
      clock.mockImplementation(() => now + jumpMs);
      fake.put(services, service(`after${jumpMs}`));
      await until(() => known.has(`Service prod/after${jumpMs}`));
      expect(source.ageSeconds()).toBe(0);
    }
    clock.mockRestore();
    expect(fake.calls.slice(calls).filter((call) => !call.watch)).toEqual([]);
  });

  test("500 at once are all there in the end", async () => {
    await open().start(take);
    await fake.call((call) => call.watch && call.path === services);
    for (let at = 0; at < 500; at++) fake.put(services, service(`s${at % 50}`, "prod", `10.0.0.${at}`));
    await until(
      () =>
        (known.get("Service prod/s49") as { spec: { clusterIP: string } } | undefined)?.spec.clusterIP === "10.0.0.499",
    );
    expect(known.size).toBe(50);
    expect(changes.length).toBeLessThan(500);
  });
});

describe("Secrets", () => {
  const referring =
    (wanted: string[]) =>
    (change: SourceChange): void => {
      take(change);
      source.follow(new Set(wanted));
    };

  test("are read by name when somebody refers to them, before the start ends, and never listed", async () => {
    fake.put(secrets, { metadata: { namespace: "prod", name: "cert" }, data: { "tls.crt": "eA==" } });
    fake.put(secrets, { metadata: { namespace: "prod", name: "private" }, data: {} });
    fake.put(deployments, deployment("iris"));
    await open().start(referring(["prod/cert"]));
    expect(keys()).toEqual(["Secret prod/cert", "SeldonDeployment prod/iris"]);
    const asked = fake.calls.filter(({ path }) => path.includes("secrets"));
    expect(
      asked.every(
        ({ path, query }) =>
          path === "/api/v1/namespaces/prod/secrets" && query.get("fieldSelector") === "metadata.name=cert",
      ),
    ).toBe(true);
  });

  test("that may not be read are a Problem and keep nobody waiting", async () => {
    fake.faults.push(forbidden("secrets"));
    await open().start(referring(["prod/cert"]));
    await until(() => changes.length > 0 && codes().includes("resource-forbidden"));
    expect(changes.at(-1)!.problems[0]!.subject).toEqual({ kind: "Resource", namespace: "prod", name: "secrets/cert" });
  });

  test("that nobody refers to any more are forgotten", async () => {
    fake.put(secrets, { metadata: { namespace: "prod", name: "cert" }, data: {} });
    await open().start(referring(["prod/cert"]));
    expect(known.has("Secret prod/cert")).toBe(true);
    source.follow(new Set());
    await until(() => !known.has("Secret prod/cert"));
  });

  test("beyond 256 are passed over with a Problem that counts them", async () => {
    const wanted = Array.from({ length: 258 }, (_, at) => `prod/s${String(at).padStart(3, "0")}`);
    fake.put(deployments, deployment("iris"));
    await open().start(referring(wanted));
    await until(() => codes().includes("over-limit"));
    expect(changes.at(-1)!.problems.find(({ code }) => code === "over-limit")!.sentence).toContain(
      "2 more, prod/s256 first",
    );
    source.follow(new Set(wanted.slice(0, 256)));
    fake.put(services, service("nudge"));
    await until(() => known.has("Service prod/nudge"));
  });
});

describe("forbidden resources", () => {
  test("without EndpointSlices the address of each Service stands in, until they may be read", async () => {
    const fault = forbidden("endpointslices");
    fake.faults.push(fault);
    fake.put(services, service("a"));
    fake.put(services, service("headless", "prod", "None"));
    fake.put(slices, slice("a-1", "a"));
    await open().start(take);
    expect(keys()).toEqual(["EndpointSlice prod/a.cluster-ip", "Service prod/a", "Service prod/headless"]);
    expect(known.get("EndpointSlice prod/a.cluster-ip")).toMatchObject({
      ports: [{ name: "http", port: 8000 }],
      endpoints: [{ addresses: ["10.0.0.1"] }],
    });
    expect(codes()).toEqual(["resource-forbidden"]);
    fake.put(services, service("b", "prod", "10.0.0.2"));
    await until(() => known.has("EndpointSlice prod/b.cluster-ip"));
    fake.faults = [];
    await until(() => known.has("EndpointSlice prod/a-1"));
    expect(keys()).toEqual(["EndpointSlice prod/a-1", "Service prod/a", "Service prod/b", "Service prod/headless"]);
  });

  test("SeldonDeployments: not ready, and it says why", async () => {
    fake.faults.push(forbidden("seldondeployments"));
    const started = open().start(take);
    await fake.call(({ path }) => path === deployments, 2);
    await fake.call(({ path }) => path === deployments, fake.calls.length);
    expect(changes).toHaveLength(0);
    expect(source.trouble()).toContain(
      "seldondeployments.machinelearning.seldon.io cannot be read in all namespaces: it answers 403: seldondeployments is forbidden",
    );
    fake.faults = [];
    await started;
    expect(changes).toHaveLength(1);
  });

  test("SeldonDeployments of one of two namespaces: the other is served", async () => {
    fake.put(deployments, deployment("a", "one"));
    fake.faults.push((call, response) =>
      call.path.includes("/namespaces/two/") ? forbidden("seldondeployments")(call, response) : false,
    );
    await open({ namespaces: ["one", "two"] }).start(take);
    expect(keys()).toEqual(["SeldonDeployment one/a"]);
    expect(codes()).toEqual(["resource-forbidden"]);
  });

  test.each(["authservices", "ratelimitservices"])(
    "%s: not ready, wherever they count, and it says why",
    async (plural) => {
      fake.installed.add(`/apis/getambassador.io/v2/${plural}`);
      fake.faults.push((call, response) =>
        call.path.includes("/namespaces/ops/") ? forbidden(plural)(call, response) : false,
      );
      const started = open({ mappings: true, namespaces: ["one"], platformNamespaces: ["ops"] }).start(take);
      await eventually(
        () => source.trouble()?.includes(`${plural}.getambassador.io cannot be read in ops`) === true,
        "why it is not ready",
      );
      expect(changes).toHaveLength(0);
      fake.faults = [];
      await started;
      expect(changes).toHaveLength(1);
    },
  );

  test("Mappings that are not installed or forbidden keep nobody waiting", async () => {
    fake.faults.push(forbidden("mappings"));
    await open({ mappings: true }).start(take);
    expect(codes().sort()).toEqual(Array.from({ length: 6 }, () => "resource-absent"));
    expect(fake.calls.map(({ path }) => path)).toContain("/apis/getambassador.io/v2");
  });
});

describe("the API server away", () => {
  test("later: what was known stays, its age grows, and it is found again", async () => {
    fake.put(deployments, deployment("iris"));
    await open().start(take);
    await fake.call((call) => call.watch && call.path === deployments);
    const { port } = fake;
    await fake.stop();
    await until(() => codes().includes("api-server-away"));
    expect(keys()).toEqual(["SeldonDeployment prod/iris"]);
    expect(source.ageSeconds()).toBeGreaterThan(0);
    expect(source.trouble()).toMatch(/ECONN(?:REFUSED|RESET)/);
    fake.put(deployments, deployment("late"));
    await fake.listen(port);
    await until(() => known.has("SeldonDeployment prod/late"));
    await until(() => codes().length === 0);
    expect(source.trouble()).toBeNull();
    expect(source.ageSeconds()).toBe(0);
  });

  test("at the start: the last good objects are served, then what is true", async () => {
    const lastGood = new MemoryLastGood();
    const form = (name: string): StoredForm => ({
      ref: { kind: "SeldonDeployment", namespace: "prod", name },
      apiVersion: "machinelearning.seldon.io/v1",
      uid: "u",
      text: JSON.stringify(deployment(name)),
    });
    lastGood.stored = { objects: [form("old"), form("stays")], ageSeconds: 3600 };
    const { port } = fake;
    open({ lastGood });
    await fake.stop();
    await source.start(take);
    expect(keys()).toEqual(["SeldonDeployment prod/old", "SeldonDeployment prod/stays"]);
    expect(source.ageSeconds()).toBeGreaterThanOrEqual(3600);
    expect(codes()).toContain("served-from-snapshot");
    fake.put(deployments, deployment("stays"));
    fake.put(deployments, deployment("new"));
    await fake.listen(port);
    await until(() => known.has("SeldonDeployment prod/new") && codes().length === 0);
    expect(keys()).toEqual(["SeldonDeployment prod/new", "SeldonDeployment prod/stays"]);
    await until(() => lastGood.changes.length > 0);
  });

  test("at the start with most of the last good objects missing later: they are held", async () => {
    const lastGood = new MemoryLastGood();
    lastGood.stored = {
      objects: Array.from({ length: 20 }, (_, at) => ({
        ref: { kind: "SeldonDeployment", namespace: "prod", name: `d${at}` },
        apiVersion: "machinelearning.seldon.io/v1",
        uid: "",
        text: JSON.stringify(deployment(`d${at}`)),
      })),
      ageSeconds: 1,
    };
    const { port } = fake;
    open({ lastGood, times: { reflector: { ...quickTimes, holdMs: 60_000 }, lastGoodAfterMs: 20, secretsMs: 10 } });
    await fake.stop();
    await source.start(take);
    await fake.listen(port);
    await until(() => codes().includes("removal-held"));
    expect(known.size).toBe(20);
  });

  test("at the start without last good objects: it waits and says why", async () => {
    const { port } = fake;
    open({ lastGood: new MemoryLastGood() });
    await fake.stop();
    const started = source.start(take);
    while (!(source.trouble() ?? "").includes("ECONNREFUSED")) await new Promise((resolve) => setImmediate(resolve));
    expect(changes).toHaveLength(0);
    await fake.listen(port);
    await started;
    expect(changes).toHaveLength(1);
  });

  test("for a tool: the start ends with the reason", async () => {
    open({ once: true, times: { reflector: quickTimes, lastGoodAfterMs: 10_000, secretsMs: 200 } });
    await fake.stop();
    await expect(source.start(take)).rejects.toThrow(/^https?:\S+ cannot be read: [^;]*ECONNREFUSED[^;]*$/);
  });

  test("stop ends a start that waits", async () => {
    open();
    await fake.stop();
    const started = source.start(take);
    await source.stop();
    await started;
    expect(changes).toHaveLength(0);
  });
});

describe("what is stored", () => {
  test("is told after changes and holds no Secret", async () => {
    const lastGood = new MemoryLastGood();
    fake.put(secrets, { metadata: { namespace: "prod", name: "cert" }, data: {} });
    fake.put(deployments, deployment("iris"));
    await open({ lastGood }).start((change) => {
      take(change);
      source.follow(new Set(["prod/cert"]));
    });
    expect(known.has("Secret prod/cert")).toBe(true);
    expect(lastGood.changes.at(-1)!().map(({ ref, uid }) => `${ref.kind} ${ref.name} ${uid}`)).toEqual([
      "SeldonDeployment iris uid-prod/iris",
    ]);
  });
});

test("what configures the whole gateway is watched in its namespace too, whichever are watched", async () => {
  const modules = "/apis/getambassador.io/v2/modules";
  fake.installed.add(modules);
  fake.put(modules, { metadata: { namespace: "ops", name: "ambassador" }, spec: { config: {} } });
  fake.put(modules, { metadata: { namespace: "other", name: "ambassador" }, spec: { config: {} } });
  await open({ namespaces: ["prod"], mappings: true, platformNamespaces: ["ops"] }).start(take);
  expect(keys()).toEqual(["Module ops/ambassador"]);
});
