import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { objectBytes, pageBytes } from "../../../../k8s/source/cluster/listing.ts";
import type { ReflectorTimes } from "../../../../k8s/source/cluster/reflector-times.ts";
import { Reflector } from "../../../../k8s/source/cluster/reflector.ts";
import { deployments, secrets, services, type Resource } from "../../../../k8s/source/cluster/resources.ts";
import { FakeApi, quickTimes, refuse, type ApiCall, type KubeObject } from "./fake-api.ts";

const collection = "/api/v1/services";
const isList = (call: ApiCall): boolean => call.path.endsWith("/services") && !call.watch;
const isWatch = (call: ApiCall): boolean => call.path.endsWith("/services") && call.watch;

function service(name: string, port = 8000, namespace = "prod"): KubeObject {
  return { metadata: { namespace, name }, spec: { ports: [{ name: "http", port }] } };
}

/** A Reflector, and the moments of its life. */
class Followed {
  readonly reflector: Reflector;
  readonly changes: ReadonlyMap<string, unknown>[] = [];
  #wake: (() => void)[] = [];

  constructor(
    fake: FakeApi,
    resource: Resource,
    times: Partial<ReflectorTimes> = {},
    options: { namespace?: string; name?: string; token?: () => string; renew?: () => Promise<void> } = {},
  ) {
    const tell = (): void => {
      const wake = this.#wake;
      this.#wake = [];
      for (const one of wake) one();
    };
    this.reflector = new Reflector(
      {
        api: fake.client(options.token, options.renew),
        resource,
        namespace: options.namespace ?? null,
        name: options.name ?? null,
        times: { ...quickTimes, ...times },
        random: () => 0.5,
      },
      {
        changed: (change) => {
          this.changes.push(change);
          tell();
        },
        stateChanged: tell,
      },
    );
  }

  get names(): string[] {
    return [...this.reflector.objects.values()].map(({ ref }) => ref.name).sort();
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }
}

let fake: FakeApi;
let followed: Followed;

beforeEach(async () => {
  fake = await FakeApi.start();
});

afterEach(async () => {
  await followed.reflector.stop();
  await fake.stop();
});

function follow(
  resource: Resource = services,
  times: Partial<ReflectorTimes> = {},
  options: ConstructorParameters<typeof Followed>[3] = {},
): Followed {
  followed = new Followed(fake, resource, times, options);
  followed.reflector.start();
  return followed;
}

describe("lists", () => {
  test("are read page by page and come out whole", async () => {
    fake.pageItems = 7;
    for (let at = 0; at < 20; at++) fake.put(collection, service(`s${at}`));
    await follow().until(() => followed.reflector.answered);
    expect(followed.names).toHaveLength(20);
    expect(followed.changes).toHaveLength(1);
    expect(fake.calls.filter(isList)).toHaveLength(3);
    expect(fake.calls[0]!.query.get("limit")).toBe("500");
  });

  test("start over when the continue token is too old", async () => {
    fake.pageItems = 2;
    for (let at = 0; at < 5; at++) fake.put(collection, service(`s${at}`));
    fake.once(
      (call) => isList(call) && call.query.get("continue") === "4",
      (response) => refuse(response, 410, "Expired", "The provided continue parameter is too old"),
    );
    await follow().until(() => followed.reflector.answered);
    expect(followed.names).toEqual(["s0", "s1", "s2", "s3", "s4"]);
    expect(fake.calls.filter(isList).map(({ query }) => query.get("continue"))).toEqual([
      null,
      "2",
      "4",
      null,
      "2",
      "4",
    ]);
  });

  test("of a version are pages as well", async () => {
    fake.pageItems = 2;
    for (let at = 0; at < 5; at++) fake.put(collection, service(`s${at}`));
    follow();
    await fake.call(isWatch);
    const calls = fake.calls.length;
    fake.endWatches("cut");
    fake.put(collection, service("new"));
    fake.compact();
    await followed.until(() => followed.names.includes("new"));
    const queries = fake.calls.slice(calls).filter(isList);
    expect(queries.map(({ query }) => query.get("continue"))).toEqual([null, "2", "4"]);
    expect(queries.map(({ query }) => query.get("resourceVersionMatch"))).toEqual(["NotOlderThan", null, null]);
  });

  test("whose pages are too long are asked for in smaller ones, and an object too long alone costs no other", async () => {
    const bytes = Math.floor(pageBytes / 4);
    const filled = (name: string, length: number): KubeObject => ({ ...service(name), filling: "x".repeat(length) });
    for (let at = 0; at < 5; at++) fake.put(collection, { ...service(`s${at}`), status: "x".repeat(bytes) });
    fake.put(collection, filled("longest", objectBytes - 200));
    fake.put(collection, filled("too-long", objectBytes));
    await follow().until(() => followed.reflector.answered);
    expect(followed.names).toEqual(["longest", "s0", "s1", "s2", "s3", "s4"]);
    expect(followed.reflector.unreadable).toBe(1);
    expect(new Set(fake.calls.filter(isList).map(({ query }) => query.get("limit")))).toEqual(
      new Set(["500", "62", "7", "1"]),
    );
  });

  test.each([
    [100, 0],
    [101, 1],
    [9_000, 1],
  ])("an object of %i levels costs no other: %i not read", async (levels, unreadable) => {
    const nested = `${"[".repeat(levels - 2)}${"]".repeat(levels - 2)}`;
    fake.faults.push((call, response) => {
      if (!isList(call)) return false;
      const item = (name: string, value: string): string =>
        `{"metadata":{"namespace":"prod","name":"${name}","x":${value}}}`;
      response
        .writeHead(200)
        .end(`{"metadata":{"resourceVersion":"${fake.version}"},"items":[${item("deep", nested)},${item("a", "{}")}]}`);
      return true;
    });
    await follow().until(() => followed.reflector.answered);
    expect(followed.names).toEqual(unreadable === 0 ? ["a", "deep"] : ["a"]);
    expect(followed.reflector.unreadable).toBe(unreadable);
  });

  test("that are cut, hang or are no JSON are asked for again", async () => {
    fake.put(collection, service("a"));
    fake.once(
      isList,
      (response) =>
        void response
          .writeHead(200, { "content-length": 1000 })
          .write('{"items":[{"meta', () => response.socket?.resetAndDestroy()),
    );
    fake.once(isList, (response) => void response.writeHead(200).write('{"items":['));
    fake.once(isList, (response) => void response.writeHead(200).end('{"items":[{"metadata":{"name":"x","names'));
    fake.once(isList, (response) => void response.writeHead(200).end("<html>a proxy in between</html>"));
    await follow(services, { listIdleMs: 30 }).until(() => followed.reflector.answered);
    expect(followed.names).toEqual(["a"]);
    expect(fake.calls.filter(isList)).toHaveLength(5);
  });

  test("of one namespace and one name ask for these alone", async () => {
    fake.put("/api/v1/secrets", { metadata: { namespace: "prod", name: "cert" }, data: {} });
    fake.put("/api/v1/secrets", { metadata: { namespace: "prod", name: "other" }, data: {} });
    await follow(secrets, {}, { namespace: "prod", name: "cert" }).until(() => followed.reflector.answered);
    expect(followed.names).toEqual(["cert"]);
    expect(fake.calls[0]!.path).toBe("/api/v1/namespaces/prod/secrets");
    expect(fake.calls[0]!.query.get("fieldSelector")).toBe("metadata.name=cert");
  });
});

describe("watches", () => {
  test("start at the version of the list, with bookmarks and a time to end, and bring every change", async () => {
    fake.put(collection, service("a"));
    const listedAt = fake.version;
    follow();
    const watch = await fake.call(isWatch);
    expect(watch.query.get("resourceVersion")).toBe(listedAt);
    expect(watch.query.get("allowWatchBookmarks")).toBe("true");
    expect(watch.query.get("timeoutSeconds")).toBe("60");
    fake.put(collection, service("b"));
    fake.put(collection, service("a", 9000));
    fake.remove(collection, "prod", "b");
    await followed.until(
      () =>
        followed.names.join() === "a" &&
        JSON.stringify(followed.reflector.objects.get("Service prod/a")!.object).includes("9000"),
    );
    expect(fake.calls.filter(isList)).toHaveLength(1);
  });

  test("say nothing of a change that routing does not read", async () => {
    fake.put(collection, service("a"));
    follow();
    await fake.call(isWatch);
    fake.put(collection, { ...service("a"), status: { loadBalancer: { ingress: [] } } });
    fake.put(collection, service("b"));
    await followed.until(() => followed.names.includes("b"));
    expect(followed.changes.map((change) => [...change.keys()])).toEqual([["Service prod/a"], ["Service prod/b"]]);
  });

  test("go on from the last event or bookmark when the server closes or resets", async () => {
    fake.put(collection, service("a"));
    follow();
    await fake.call(isWatch);
    fake.toWatches(
      collection,
      `${JSON.stringify({ type: "BOOKMARK", object: { metadata: { resourceVersion: "5000" } } })}\n`,
    );
    fake.toWatches(
      collection,
      `${JSON.stringify({ type: "ADDED", object: { ...service("x"), metadata: { namespace: "prod", name: "x" } } })}\n`,
    );
    await followed.until(() => followed.names.includes("x"));
    fake.endWatches("close");
    expect((await fake.call((call) => isWatch(call) && call.query.get("resourceVersion") === "5000")).watch).toBe(true);
    const calls = fake.calls.length;
    fake.endWatches("cut");
    await fake.call(isWatch, calls);
    expect(fake.calls.filter(isList)).toHaveLength(1);
  });

  test("a cut in the middle of an object loses nothing", async () => {
    follow();
    await fake.call(isWatch);
    fake.toWatches(collection, '{"type":"ADDED","object":{"metadata":{"names');
    const calls = fake.calls.length;
    fake.endWatches("cut");
    fake.put(collection, service("b"));
    await fake.call(isWatch, calls);
    await followed.until(() => followed.names.includes("b"));
    expect(followed.names).toEqual(["b"]);
  });

  test("an object cut into single bytes is one object", async () => {
    follow();
    await fake.call(isWatch);
    for (const byte of Buffer.from(
      `${JSON.stringify({ type: "ADDED", object: { metadata: { namespace: "prod", name: "ünicode" } } })}\n`,
    )) {
      fake.toWatches(collection, Buffer.from([byte]) as unknown as string);
    }
    await followed.until(() => followed.names.includes("ünicode"));
  });

  test("that are silent for too long are given up", async () => {
    follow(services, { idleMs: 30, shortWatchMs: 1 });
    await fake.call(isWatch);
    const calls = fake.calls.length;
    await fake.call(isWatch, calls);
    expect(fake.calls.filter(isList)).toHaveLength(1);
  });

  test("that end at once are not asked for without pause", async () => {
    fake.faults.push((call, response) => {
      if (!isWatch(call)) return false;
      response.writeHead(200).end();
      return true;
    });
    follow(services, { shortWatchMs: 1000, backoff: { firstMs: 100_000, maxMs: 100_000, healthyMs: 1000 } });
    await followed.until(() => followed.reflector.state.kind === "behind");
    expect(fake.calls.filter(isWatch)).toHaveLength(1);
    expect(followed.reflector.state).toMatchObject({ sentence: "the watch ended at once" });
  });

  test("one bad object stops nothing, and a list after the watch finds what it was", async () => {
    follow();
    await fake.call(isWatch);
    fake.toWatches(collection, '{"type":"ADDED","object":{"metadata":{}}}\n');
    fake.toWatches(collection, "no JSON at all\n");
    fake.toWatches(
      collection,
      `{"type":"ADDED","object":{"metadata":{"namespace":"prod","name":"huge"},"x":"${"x".repeat(4 * 1024 * 1024)}"}}\n`,
    );
    fake.put(collection, service("b"));
    await followed.until(() => followed.names.includes("b"));
    expect(followed.reflector.unreadable).toBe(3);
    fake.endWatches("close");
    await fake.call(isList, fake.calls.findIndex(isWatch));
    await followed.until(() => followed.reflector.unreadable === 0);
  });
});

describe("a version that is too old", () => {
  test("in a watch means a list from the last version, and the lost change is found", async () => {
    fake.put(collection, service("a"));
    follow();
    await fake.call(isWatch);
    const last = fake.version;
    fake.endWatches("cut");
    fake.objects(collection).clear();
    fake.put(collection, service("b"));
    fake.compact();
    await followed.until(() => followed.names.join() === "b");
    const relist = fake.calls.filter(isList).at(-1)!;
    expect(relist.query.get("resourceVersion")).toBe(last);
    expect(relist.query.get("resourceVersionMatch")).toBe("NotOlderThan");
  });

  test("in that list too means a list without a version", async () => {
    follow();
    await fake.call(isWatch);
    fake.put(collection, service("b"));
    await followed.until(() => followed.names.includes("b"));
    fake.once(
      (call) => isList(call),
      (response) => refuse(response, 410, "Expired", "too old"),
    );
    fake.once(isWatch, (response) => refuse(response, 410, "Expired", "too old"));
    fake.put(collection, service("c"));
    const calls = fake.calls.length;
    fake.endWatches("cut");
    await fake.call((call) => isList(call) && call.query.get("resourceVersion") === null, calls);
    await fake.call(isWatch, calls + 3);
    expect(followed.names).toEqual(["b", "c"]);
  });
});

describe("trouble", () => {
  test("no server, 429 and 500 are tried again without end and named", async () => {
    const { port } = fake;
    followed = new Followed(fake, services);
    await fake.stop();
    followed.reflector.start();
    await followed.until(() => followed.reflector.state.kind === "behind");
    expect(followed.reflector.state).toMatchObject({ sentence: expect.stringContaining("ECONNREFUSED") as unknown });
    fake.once(isList, (response) =>
      refuse(response, 429, "TooManyRequests", "storage is (re)initializing", { "retry-after": "0" }),
    );
    fake.once(isList, (response) => refuse(response, 500, "InternalError", "etcdserver: leader changed"));
    fake.put(collection, service("a"));
    await fake.listen(port);
    await followed.until(() => followed.reflector.answered);
    expect(followed.names).toEqual(["a"]);
    expect(fake.calls.filter(isList)).toHaveLength(3);
  });

  test("Retry-After is waited for", async () => {
    fake.once(isList, (response) => refuse(response, 503, "ServiceUnavailable", "not now", { "retry-after": "1" }));
    const startedMs = performance.now();
    await follow(services, { backoff: { firstMs: 1, maxMs: 200, healthyMs: 1000 } }).until(
      () => followed.reflector.answered,
    );
    expect(performance.now() - startedMs).toBeGreaterThan(199);
  });

  test("a token that is refused is read again at once", async () => {
    let token = "old";
    let file = "old";
    fake.tokens = new Set(["new"]);
    file = "new";
    await follow(services, {}, { token: () => token, renew: async () => void (token = file) }).until(
      () => followed.reflector.answered,
    );
    expect(fake.calls.map((call) => call.token).slice(0, 2)).toEqual(["old", "new"]);
    expect(followed.reflector.state.kind).toBe("current");
  });

  test("forbidden: it says so, keeps what it had, and goes on once it may", async () => {
    fake.faults.push((call, response) => {
      if (!isList(call)) return false;
      refuse(response, 403, "Forbidden", 'services is forbidden: User "sluice" cannot list resource "services"');
      return true;
    });
    await follow().until(() => followed.reflector.state.kind === "forbidden");
    expect(followed.reflector.answered).toBe(false);
    expect(followed.reflector.state).toMatchObject({
      sentence: expect.stringContaining("cannot list resource") as unknown,
    });
    fake.put(collection, service("a"));
    fake.faults = [];
    await followed.until(() => followed.names.includes("a"));
    expect(followed.reflector.state.kind).toBe("current");
  });

  test("denied what it was allowed: behind at first, as after a start of the API server, and forbidden when it lasts", async () => {
    fake.put(collection, service("a"));
    follow();
    await followed.until(() => followed.reflector.state.kind === "current");
    const states: string[] = [];
    fake.faults.push((_, response) => {
      states.push(followed.reflector.state.kind);
      refuse(response, 403, "Forbidden", "services is forbidden");
      return true;
    });
    fake.endWatches("close");
    await followed.until(() => followed.reflector.state.kind === "forbidden");
    expect([...new Set(states)]).toEqual(["current", "behind"]);
    expect(followed.names).toEqual(["a"]);
    fake.faults = [];
    await followed.until(() => followed.reflector.state.kind === "current");
  });

  test("an event ERROR that is not 410 is a failure and no reason to list", async () => {
    follow();
    await fake.call(isWatch);
    const calls = fake.calls.length;
    fake.toWatches(
      collection,
      `${JSON.stringify({ type: "ERROR", object: { code: 500, message: "etcd event received with no PrevKv", details: { retryAfterSeconds: 0 } } })}\n`,
    );
    fake.put(collection, service("late"));
    await fake.call(isWatch, calls);
    await followed.until(() => followed.names.includes("late"));
    expect(fake.calls.filter(isList)).toHaveLength(1);
  });
});

describe("served versions", () => {
  const v1 = "/apis/machinelearning.seldon.io/v1/seldondeployments";
  const v1alpha2 = "/apis/machinelearning.seldon.io/v1alpha2/seldondeployments";
  const deployment: KubeObject = {
    metadata: { namespace: "prod", name: "iris" },
    spec: { predictors: [{ name: "main", graph: {} }] },
  };

  test("the newest that is served is read", async () => {
    fake.installed.add(v1alpha2);
    fake.put(v1alpha2, deployment);
    await follow(deployments).until(() => followed.reflector.answered);
    expect([...followed.reflector.objects.values()][0]!.apiVersion).toBe("machinelearning.seldon.io/v1alpha2");
  });

  test("a CRD that is absent is empty, and found when it is installed", async () => {
    await follow(deployments).until(() => followed.reflector.state.kind === "absent");
    expect(followed.reflector.answered).toBe(true);
    fake.put(v1, deployment);
    fake.installed.add(v1);
    await followed.until(() => followed.names.includes("iris"));
    expect(followed.reflector.state.kind).toBe("current");
  });

  test("a version that is not served any more is replaced by one that is", async () => {
    fake.installed.add(v1alpha2);
    fake.put(v1alpha2, deployment);
    follow(deployments);
    await fake.call((call) => call.watch);
    fake.installed.clear();
    fake.installed.add(v1);
    fake.put(v1, deployment);
    fake.endWatches("cut");
    await followed.until(
      () => [...followed.reflector.objects.values()][0]?.apiVersion === "machinelearning.seldon.io/v1",
    );
  });
});

describe("a list that loses most objects", () => {
  const fill = (count: number): void => {
    for (let at = 0; at < count; at++) fake.put(collection, service(`s${at}`));
  };
  const loseAllBut = (kept: number): void => {
    const objects = [...fake.objects(collection).values()].slice(0, kept);
    fake.lose(collection);
    for (const object of objects) fake.objects(collection).set(object.metadata.name, object);
    fake.compact();
    fake.put(collection, service("new"));
    fake.endWatches("cut");
  };

  test("is held until a second one says the same; what is new counts at once", async () => {
    fill(20);
    follow(services, { holdMs: 200 });
    await fake.call(isWatch);
    loseAllBut(9);
    await followed.until(() => followed.names.includes("new"));
    expect(followed.names).toHaveLength(21);
    expect(followed.reflector.held).toEqual({ missing: 11, of: 20 });
    await followed.until(() => followed.names.length < 21);
    expect(followed.names).toHaveLength(10);
    expect(followed.reflector.held).toBeNull();
    expect(fake.calls.filter(isList).at(-1)!.query.get("resourceVersion")).toBeNull();
  });

  test("is forgotten when the second one has them again", async () => {
    fill(20);
    follow(services, { holdMs: 200 });
    await fake.call(isWatch);
    const before = new Map(fake.objects(collection));
    loseAllBut(0);
    await followed.until(() => followed.reflector.held !== null);
    for (const [key, object] of before) fake.objects(collection).set(key, object);
    await followed.until(() => followed.reflector.held === null);
    expect(followed.names).toHaveLength(21);
    expect(followed.changes.flatMap((change) => [...change.values()])).not.toContain(null);
  });

  test.each([
    ["half of 20", 20, 10, true],
    ["all of 19", 19, 0, true],
    ["11 of 20", 20, 9, false],
  ])("%s: believed at once %s", async (_, count, kept, believed) => {
    fill(count);
    follow(services, { holdMs: 60_000 });
    await fake.call(isWatch);
    loseAllBut(kept);
    await followed.until(() => followed.names.includes("new"));
    expect(followed.reflector.held === null).toBe(believed);
    expect(followed.names).toHaveLength(believed ? kept + 1 : count + 1);
  });

  test("an event that deletes counts at once, also while a removal is held", async () => {
    fill(20);
    follow(services, { holdMs: 60_000 });
    await fake.call(isWatch);
    loseAllBut(5);
    await followed.until(() => followed.reflector.held !== null);
    const calls = fake.calls.length;
    await fake.call(isWatch, calls - 1);
    fake.remove(collection, "prod", "new");
    await followed.until(() => !followed.names.includes("new"));
    expect(followed.names).toHaveLength(20);
  });
});
