import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HealthChecks } from "../../../../gateway/control/upstreams/health-checks.ts";
import { probesAtOnce, probesOfRoom } from "../../../../gateway/control/upstreams/probe-turns.ts";
import type { Endpoint, HealthCheck, Upstream } from "../../../../routing/model/upstream.ts";
import { upstreamOf } from "../../fixtures.ts";

const check: HealthCheck = {
  intervalMs: 5000,
  timeoutMs: 1000,
  unhealthyThreshold: 2,
  healthyThreshold: 3,
  probe: { kind: "http", path: "/ready", host: null, headers: [], statuses: [[200, 200]] },
};

function endpoints(count: number): readonly Endpoint[] {
  return Array.from({ length: count }, (_, i) => ({ ip: `10.0.0.${i}`, port: 80, state: "ready" as const }));
}

describe("health checks", () => {
  /** Addresses that answer wrongly. */
  const sick = new Set<string>();
  const probed: string[] = [];
  const told: (readonly [string, readonly string[]])[] = [];
  let answer: (() => Promise<void>) | null = null;
  let checks: HealthChecks;
  const checkedUpstream: Upstream = { ...upstreamOf("u"), healthCheck: check };

  beforeEach(() => {
    vi.useFakeTimers();
    sick.clear();
    probed.length = 0;
    told.length = 0;
    answer = null;
    checks = new HealthChecks({
      async probe(_upstream, _check, { ip }) {
        probed.push(ip);
        await answer?.();
        return !sick.has(ip);
      },
      draw: () => 0.5,
      changed: (key, failing) => told.push([key, failing]),
      upstreamOf: () => null,
      endpointsOf: () => [],
    });
  });
  afterEach(() => {
    checks.stop();
    vi.useRealTimers();
  });

  /** So many rounds of probes: the draw makes the first come after 500 ms and the others 5000 ms apart. */
  async function rounds(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await vi.advanceTimersByTimeAsync(probed.length === 0 ? 500 : 5000);
  }

  test("an Endpoint fails after as many failures in a row as asked for, and no longer after as many successes", async () => {
    checks.follow("u", checkedUpstream, endpoints(2));
    sick.add("10.0.0.1");
    await rounds(1);
    expect(told).toEqual([]);
    sick.delete("10.0.0.1");
    await rounds(1);
    sick.add("10.0.0.1");
    await rounds(1);
    expect(told).toEqual([]);
    await rounds(1);
    expect(told).toEqual([["u", ["10.0.0.1:80"]]]);
    sick.clear();
    await rounds(2);
    expect(told).toHaveLength(1);
    await rounds(1);
    expect(told[1]).toEqual(["u", []]);
  });

  test("each Endpoint is probed once an interval, and no more once it is gone", async () => {
    checks.follow("u", checkedUpstream, endpoints(3));
    await rounds(4);
    expect(probed).toHaveLength(12);
    checks.follow("u", checkedUpstream, endpoints(1));
    await rounds(2);
    expect(probed).toHaveLength(14);
    checks.follow("u", { ...checkedUpstream, healthCheck: null }, endpoints(1));
    await rounds(2);
    expect(probed).toHaveLength(14);
    checks.follow("u", checkedUpstream, endpoints(1));
    checks.follow("u", null, []);
    await rounds(2);
    expect(probed).toHaveLength(14);
  });

  test("an Endpoint that stays keeps its record; one that leaves while it is probed is not told", async () => {
    checks.follow("u", checkedUpstream, endpoints(1));
    sick.add("10.0.0.0");
    await rounds(1);
    checks.follow("u", checkedUpstream, endpoints(2));
    await rounds(1);
    expect(told).toEqual([["u", ["10.0.0.0:80"]]]);
    sick.add("10.0.0.1");
    const gate = Promise.withResolvers<void>();
    answer = () => gate.promise;
    await rounds(1);
    checks.follow("u", checkedUpstream, endpoints(1));
    gate.resolve();
    await rounds(3);
    expect(told).toHaveLength(1);
  });

  /** So many Endpoints of a namespace, none of which answers until `gate` opens. */
  function follow(namespace: string, count: number): void {
    const address = { kind: "service", namespace, name: "m", port: 80 } as const;
    checks.follow(namespace, { ...checkedUpstream, key: namespace, address }, endpoints(count));
  }

  test(`at most ${probesOfRoom} probes of one namespace run at once, the others of it wait for their turn and nobody else does`, async () => {
    const gate = Promise.withResolvers<void>();
    answer = () => gate.promise;
    follow("hanging", probesOfRoom + 32);
    await rounds(1);
    expect(probed).toHaveLength(probesOfRoom);
    follow("other", probesOfRoom + 1);
    await vi.advanceTimersByTimeAsync(500);
    expect(probed).toHaveLength(2 * probesOfRoom);
    answer = null;
    gate.resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(probed).toHaveLength(2 * probesOfRoom + 33);
  });

  test(`at most ${probesAtOnce} probes run at once, and then namespaces take turns`, async () => {
    const gates: (() => void)[] = [];
    answer = () =>
      new Promise((resolve) => {
        gates.push(resolve);
      });
    const namespaces = probesAtOnce / probesOfRoom;
    for (let at = 0; at < namespaces; at++) follow(`hanging-${at}`, probesOfRoom + 1);
    await rounds(1);
    follow("last", 1);
    await vi.advanceTimersByTimeAsync(500);
    expect(probed).toHaveLength(probesAtOnce);
    // All of the first namespace and one of the second: then the one more that each of them has begins, and the last namespace's.
    for (let at = 0; at <= probesOfRoom; at++) gates.shift()!();
    await vi.advanceTimersByTimeAsync(0);
    expect(probed).toHaveLength(probesAtOnce + 3);
  });
});
