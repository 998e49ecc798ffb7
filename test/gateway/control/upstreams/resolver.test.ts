import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Problem } from "../../../../routing/text/problem.ts";
import type { TranslationChange } from "../../../../k8s/translate/model/translation.ts";
import { lookupLateMs, maxLookups } from "../../../../gateway/control/upstreams/look-ups.ts";
import { Resolver, inUseMs, refreshMs } from "../../../../gateway/control/upstreams/resolver.ts";
import { upstreamOf } from "../../fixtures.ts";

interface Names {
  resolver: Resolver;
  answers: Map<string, readonly string[] | Error>;
  /** Answers that come when they come. */
  hanging: Map<string, Promise<readonly string[]>>;
  lookups: string[];
  changes: TranslationChange[];
  running: { now: number; most: number };
}

function start(): Names {
  const answers = new Map<string, readonly string[] | Error>();
  const hanging = new Map<string, Promise<readonly string[]>>();
  const lookups: string[] = [];
  const changes: TranslationChange[] = [];
  const running = { now: 0, most: 0 };
  const resolver = new Resolver(
    {
      async lookup(host) {
        lookups.push(host);
        running.now += 1;
        running.most = Math.max(running.most, running.now);
        const late = await hanging.get(host);
        running.now -= 1;
        const answer = late ?? answers.get(host) ?? Object.assign(new Error("not found"), { code: "ENOTFOUND" });
        if (answer instanceof Error) throw answer;
        return answer;
      },
      refuse: (upstream, ip): Problem | null =>
        ip.startsWith("169.254.")
          ? {
              code: "address-refused",
              level: "error",
              subject: { kind: "Upstream", namespace: "", name: upstream.key },
              field: "",
              sentence: "link-local",
            }
          : null,
      nowMs: () => Date.now(),
      changed: (change) => changes.push(change),
    },
    [],
  );
  return { resolver, answers, hanging, lookups, changes, running };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("resolver", () => {
  test("a name is looked up on first use, and again every 5 s while requests need it", async () => {
    const { resolver, answers, lookups, changes } = start();
    answers.set("model", ["10.0.0.2", "10.0.0.1"]);
    resolver.set([upstreamOf("u", "model")]);
    await vi.advanceTimersByTimeAsync(refreshMs * 3);
    expect(lookups).toEqual([]);
    resolver.used(["u"]);
    await vi.advanceTimersByTimeAsync(0);
    expect(changes).toMatchObject([
      { endpoints: [{ key: "u", ready: true, endpoints: [{ ip: "10.0.0.1" }, { ip: "10.0.0.2" }] }], flipped: [] },
    ]);
    await vi.advanceTimersByTimeAsync(inUseMs * 3);
    expect(lookups).toHaveLength(inUseMs / refreshMs);
    expect(changes).toHaveLength(1);
    const { addresses } = resolver;
    resolver.set([upstreamOf("slices", null)]);
    expect(resolver.addresses).toBe(addresses);
    resolver.set([upstreamOf("v", "model")]);
    expect(resolver.addresses.map(({ key }) => key)).toEqual(["u", "v"]);
    resolver.remove(["u"]);
    expect(resolver.addresses.map(({ key }) => key)).toEqual(["v"]);
    resolver.stop();
  });

  test("the last addresses survive failures, with a Problem", async () => {
    const { resolver, answers, changes } = start();
    answers.set("model", ["10.0.0.1"]);
    resolver.set([upstreamOf("u", "model")]);
    resolver.used(["u"]);
    await vi.advanceTimersByTimeAsync(0);
    answers.delete("model");
    await vi.advanceTimersByTimeAsync(refreshMs);
    expect(resolver.endpointsOf("u")?.endpoints).toHaveLength(1);
    expect(changes).toHaveLength(1);
    resolver.stop();
  });

  test("a name that never resolved is unready and tried again until it resolves", async () => {
    const { resolver, answers, changes } = start();
    resolver.set([upstreamOf("u", "model")]);
    resolver.used(["u"]);
    await vi.advanceTimersByTimeAsync(0);
    expect(changes.at(-1)).toMatchObject({ endpoints: [{ ready: false }], flipped: ["u"] });
    expect(resolver.problems).toMatchObject([{ code: "dns-failed", level: "error" }]);
    await vi.advanceTimersByTimeAsync(inUseMs * 5);
    answers.set("model", ["10.0.0.1"]);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(changes.at(-1)).toMatchObject({ endpoints: [{ ready: true }], flipped: ["u"] });
    expect(resolver.problems).toEqual([]);
    resolver.stop();
  });

  test("every address is checked at every resolution", async () => {
    const { resolver, answers, changes } = start();
    answers.set("model", ["10.0.0.1", "169.254.169.254"]);
    resolver.set([upstreamOf("u", "model")]);
    resolver.used(["u"]);
    await vi.advanceTimersByTimeAsync(0);
    expect(changes.at(-1)).toMatchObject({ endpoints: [{ endpoints: [{ ip: "10.0.0.1" }] }] });
    expect(resolver.problems).toMatchObject([{ code: "address-refused" }]);
    answers.set("model", ["169.254.169.254"]);
    await vi.advanceTimersByTimeAsync(refreshMs);
    expect(changes.at(-1)).toMatchObject({ endpoints: [{ ready: false, endpoints: [] }], flipped: ["u"] });
    resolver.stop();
  });

  test("two lookups at once, however many names are used", async () => {
    const { resolver, answers, lookups, running } = start();
    const upstreams = Array.from({ length: 20 }, (_, index) => upstreamOf(`u${index}`, `model${index}`));
    for (let index = 0; index < 20; index++) answers.set(`model${index}`, ["10.0.0.1"]);
    resolver.set(upstreams);
    resolver.used(upstreams.map(({ key }) => key));
    await vi.advanceTimersByTimeAsync(0);
    expect(lookups).toHaveLength(20);
    expect(running.most).toBe(2);
    resolver.stop();
  });

  test("names that hang hold nobody else back, and their late answers count", async () => {
    const { resolver, answers, hanging, lookups, changes } = start();
    const late = Promise.withResolvers<readonly string[]>();
    hanging.set("hangs", late.promise);
    hanging.set("too", new Promise(() => {}));
    answers.set("model", ["10.0.0.1"]);
    resolver.set([upstreamOf("a", "hangs"), upstreamOf("b", "too"), upstreamOf("c", "model")]);
    resolver.used(["a", "b", "c"]);
    await vi.advanceTimersByTimeAsync(lookupLateMs - 1);
    expect([lookups, changes]).toEqual([["hangs", "too"], []]);
    await vi.advanceTimersByTimeAsync(1);
    expect(changes).toMatchObject([{ endpoints: [{ key: "c", endpoints: [{ ip: "10.0.0.1" }] }] }]);
    late.resolve(["10.0.0.7"]);
    await vi.advanceTimersByTimeAsync(0);
    expect(changes.at(-1)).toMatchObject({ endpoints: [{ key: "a", ready: true, endpoints: [{ ip: "10.0.0.7" }] }] });
    resolver.stop();
  });

  test("a name is not looked up twice at once, however late", async () => {
    const { resolver, hanging, lookups } = start();
    hanging.set("hangs", new Promise(() => {}));
    resolver.set([upstreamOf("a", "hangs")]);
    for (let second = 0; second < 30; second++) {
      resolver.used(["a"]);
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(lookups).toEqual(["hangs"]);
    resolver.stop();
  });

  test.each([
    [maxLookups - 1, true],
    [maxLookups, false],
  ])("with %d that hang a new name is looked up: %s", async (count, found) => {
    const { resolver, answers, hanging, lookups, changes } = start();
    const names = Array.from({ length: count }, (_, index) => `hangs${index}`);
    for (const name of names) hanging.set(name, new Promise(() => {}));
    answers.set("model", ["10.0.0.1"]);
    resolver.set([...names, "model"].map((name) => upstreamOf(name, name)));
    resolver.used([...names, "model"]);
    await vi.advanceTimersByTimeAsync(inUseMs);
    expect([lookups.includes("model"), changes.length > 0]).toEqual([found, found]);
    resolver.stop();
  });

  test("names that were late go behind the others, and never take the last two places", async () => {
    const { resolver, answers, hanging, lookups } = start();
    const slow = Array.from({ length: maxLookups }, (_, index) => `slow${index}`);
    const gates = slow.map((name) => {
      const gate = Promise.withResolvers<readonly string[]>();
      hanging.set(name, gate.promise);
      return gate;
    });
    resolver.set([...slow, "model"].map((name) => upstreamOf(name, name)));
    resolver.used(slow);
    await vi.advanceTimersByTimeAsync(lookupLateMs * maxLookups);
    for (const [index, name] of slow.entries()) {
      hanging.set(name, new Promise(() => {}));
      gates[index]!.resolve(["10.0.0.1"]);
    }
    await vi.advanceTimersByTimeAsync(0);
    lookups.length = 0;
    answers.set("model", ["10.0.0.2"]);
    // They are due again, and all hang.
    resolver.used(slow);
    await vi.advanceTimersByTimeAsync(refreshMs + lookupLateMs * maxLookups);
    expect(lookups).toHaveLength(maxLookups - 2);
    resolver.used(["model"]);
    await vi.advanceTimersByTimeAsync(0);
    expect(lookups.at(-1)).toBe("model");
    resolver.stop();
  });

  test("a removed Upstream is forgotten, also while it is looked up", async () => {
    const { resolver, answers, changes } = start();
    answers.set("model", ["10.0.0.1"]);
    resolver.set([upstreamOf("u", "model")]);
    resolver.used(["u"]);
    resolver.remove(["u"]);
    await vi.advanceTimersByTimeAsync(refreshMs * 2);
    expect(changes).toEqual([]);
    expect(resolver.addresses).toEqual([]);
    resolver.stop();
  });

  test("addresses of the control worker before hold until the first lookup", () => {
    const kept = [{ key: "u", ready: true, endpoints: [{ ip: "10.0.0.9", port: 8000, state: "ready" as const }] }];
    const resolver = new Resolver(
      { lookup: () => Promise.resolve([]), refuse: () => null, nowMs: () => 0, changed: () => {} },
      kept,
    );
    resolver.set([upstreamOf("u", "model")]);
    expect(resolver.endpointsOf("u")).toEqual(kept[0]);
    expect(resolver.addresses).toEqual(kept);
  });
});
