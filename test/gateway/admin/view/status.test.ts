import { describe, expect, test } from "vitest";
import { Value } from "typebox/value";
import type { Peer } from "../../../../gateway/api/peer.ts";
import { Slices } from "../../../../gateway/shared/slices.ts";
import { statusShape, troubleKinds } from "../../../../gateway/api/status.ts";
import { ejectedEndpoints, endingCertificates, statusOf, type Facts } from "../../../../gateway/admin/view/status.ts";

import { wellFacts as well } from "./well-facts.ts";

const dayMs = 24 * 3_600_000;
const now = Date.parse("2026-11-23T00:00:00Z");

const peerSince = (sinceMs: number): Peer => ({
  name: "sluice-1",
  address: "10.0.0.1:8877",
  state: "away",
  sentence: "it cannot be reached (ECONNREFUSED)",
  version: null,
  tableHash: null,
  sinceMs,
  lastSeenMs: null,
});

const failing = { namespace: "prod", deployment: "iris", predictor: "canary", sentence: "27 of 30 failed" };

const ejected = (address: string, workers: number): Facts["ejectedEndpoints"]["endpoints"][number] => ({
  namespace: "prod",
  deployment: "iris",
  predictor: "main",
  address,
  workers,
});

/** One way to be wrong for each kind, and the sentence. */
const wrong: readonly (readonly [kind: (typeof troubleKinds)[number], facts: Partial<Facts>, sentence: string])[] = [
  ["not-ready", { waitsFor: "it waits for its sources" }, "The gateway is not ready: it waits for its sources."],
  [
    "workers-missing",
    { workers: { ready: 1, wanted: 2, restarts: 1, stalls: 0 } },
    "1 of 2 data workers serve: the log says why (worker-ended).",
  ],
  [
    "source-stale",
    { sources: [{ kind: "cluster", ageSeconds: 300, trouble: "connect ECONNREFUSED" }] },
    "The cluster was last read 5 min ago: connect ECONNREFUSED.",
  ],
  ["predictor-failing", { failingPredictors: [failing, failing] }, "prod/iris canary: 27 of 30 failed (and 1 more)."],
  [
    "no-endpoint",
    { withoutEndpoint: { count: 3, deployments: [{ namespace: "prod", name: "iris" }] } },
    "3 deployments have no ready Endpoint: prod/iris, and 2 more.",
  ],
  ["redis-away", { redis: { connected: 1, wanted: 2 } }, "1 of 2 data workers are connected to Redis."],
  [
    "peers-unknown",
    { peers: { trouble: "Sluice cannot look up its replicas", tablesAgree: true, peers: [] } },
    "Sluice cannot look up its replicas.",
  ],
  [
    "peer-away",
    { peers: { trouble: null, tablesAgree: true, peers: [peerSince(now - 15_000), peerSince(now - 14_999)] } },
    "1 of 2 other replicas cannot be counted: sluice-1: it cannot be reached (ECONNREFUSED).",
  ],
  [
    "certificate-ended",
    { certificates: [{ name: "Host models/shop", endsAtMs: now }] },
    "The certificate of Host models/shop ended 2026-11-23.",
  ],
  [
    "breaker-open",
    { openBreakers: [{ resource: "requests", count: 2 }] },
    "Circuit breakers are at their limit (2 of requests): sluice explain shows which.",
  ],
  [
    "problem",
    { problems: { error: 1, warning: 0, info: 0 } },
    "1 Problem keeps an object from being served as written: sluice problems lists them.",
  ],
  [
    "certificate-ends",
    { certificates: [{ name: "Host models/shop", endsAtMs: now + 14 * dayMs - 1 }] },
    "The certificate of Host models/shop ends 2026-12-06.",
  ],
  [
    "endpoint-ejected",
    { ejectedEndpoints: { count: 1, endpoints: [] } },
    "Sluice ejected 1 Endpoint for errors in a row.",
  ],
];

describe("a status", () => {
  test("is well where nothing is wrong, whatever Problems warn", () => {
    expect(statusOf(well, now)).toEqual({ isWell: true, first: null, troubles: [], ...well });
  });

  test.each(wrong)("says %s", (kind, facts, sentence) => {
    const status = statusOf({ ...well, ...facts }, now);
    expect(status).toMatchObject({ isWell: false, first: sentence, troubles: [{ kind, sentence }] });
    expect(Value.Check(statusShape, status)).toBe(true);
  });

  test.each([
    [
      { count: 1, endpoints: [ejected("10.2.3.4:9000", 1)] },
      "Sluice ejected 1 Endpoint for errors in a row: 10.2.3.4:9000 of prod/iris main (1 of 2 data workers).",
    ],
    [
      { count: 5, endpoints: [1, 2, 3, 4, 5].map((last) => ejected(`10.2.3.${last}:9000`, 2)) },
      "Sluice ejected 5 Endpoints for errors in a row: 10.2.3.1:9000 of prod/iris main (2 of 2 data workers), 10.2.3.2:9000 of prod/iris main (2 of 2 data workers), 10.2.3.3:9000 of prod/iris main (2 of 2 data workers), and 2 more.",
    ],
  ] as const)("names ejected Endpoints and how many data workers ejected each: %#", (ejectedEndpoints, sentence) => {
    expect(statusOf({ ...well, ejectedEndpoints }, now).first).toBe(sentence);
  });

  test.each([19, 20, 21])("lists at most 20 ejected Endpoints and counts all: %d", async (count) => {
    const slices = new Slices(
      () => 0,
      async () => undefined,
    );
    const endpoints = Array.from({ length: count + 1 }, (_, at) => ({
      address: `10.0.0.${at}:9000`,
      state: "ready" as const,
      slots: [at],
    }));
    const predictor = { namespace: "prod", deployment: "iris", predictor: "main", role: "live" as const };
    const view = {
      // Of two predictors that share a Service.
      predictorEndpoints: [
        { predictor, endpoints },
        { predictor: { ...predictor, predictor: "canary" }, endpoints },
      ],
      // One of them is well.
      ejectedBy: ({ slots }: { readonly slots: readonly number[] }) => (slots[0] === 3 ? 0 : 2),
    };
    const found = await ejectedEndpoints(view, 1, slices);
    expect([found.count, found.endpoints.length]).toEqual([count, 20]);
    expect(found.endpoints[0]).toEqual(ejected("10.0.0.0:9000", 2));
    expect(await ejectedEndpoints(view, 0, slices)).toEqual({ count: 0, endpoints: [] });
  });

  test("tells the most severe first, in the order of the kinds", () => {
    const kinds = wrong.map(([kind]) => kind);
    expect(troubleKinds.filter((kind) => kinds.includes(kind))).toEqual(kinds);
    // Whatever says them.
    const symptoms = troubleKinds.toReversed().map((kind) => ({ kind, sentence: kind }));
    expect(statusOf(well, now, symptoms).troubles.map(({ kind }) => kind)).toEqual(troubleKinds);
    for (const [index, [, facts, sentence]] of wrong.entries()) {
      // Workers that are away say nothing new of a gateway that is not ready; a certificate ends or ended.
      const later = wrong.slice(index + 1).filter(([kind]) => kind !== "certificate-ends");
      const all = Object.assign({}, well, ...later.map(([, one]) => one), facts) as Facts;
      expect(statusOf(all, now).first).toBe(sentence);
    }
  });

  test("at its bounds: a source is stale from 5 s on, a certificate ends soon within 14 days", () => {
    const source = (ageSeconds: number): Facts => ({
      ...well,
      sources: [{ kind: "cluster", ageSeconds, trouble: "away" }],
    });
    expect([4.9, 5, 5.1].map((age) => statusOf(source(age), now).isWell)).toEqual([true, false, false]);
    const ending = (inMs: number): Facts => ({ ...well, certificates: [{ name: "a", endsAtMs: now + inMs }] });
    expect([-1, 0, 1].map((by) => statusOf(ending(14 * dayMs + by), now).isWell)).toEqual([false, true, true]);
    expect([-1, 0, 1].map((by) => statusOf(ending(by), now).troubles[0]?.kind)).toEqual([
      "certificate-ended",
      "certificate-ended",
      "certificate-ends",
    ]);
  });

  test("dates that no calendar has do not end it", () => {
    expect(statusOf({ ...well, certificates: [{ name: "a", endsAtMs: -9e15 }] }, now).first).toBe(
      "The certificate of a ended at -9000000000000000 ms.",
    );
  });
});

test("certificates: those that end within 30 days, the next first, at most 20", () => {
  const ends = (name: string, inMs: number) => ({ name, notAfterMs: now + inMs });
  expect(
    endingCertificates([ends("c", 30 * dayMs), ends("b", 30 * dayMs - 1), ends("a", -5)], now).map(({ name }) => name),
  ).toEqual(["a", "b"]);
  for (const count of [19, 20, 21])
    expect(
      endingCertificates(
        Array.from({ length: count }, (_, at) => ends(`${at}`, at)),
        now,
      ),
    ).toHaveLength(Math.min(count, 20));
});
