// EndpointSlices through the real translation: what a change of pods costs the tables.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { coalesceMs } from "../../../gateway/control/publish/publisher.ts";
import { Readiness } from "../../../gateway/control/status/readiness.ts";
import { Reconciler } from "../../../gateway/control/reconcile.ts";
import { SharedTable, tableMemory } from "../../../gateway/shared/memory/shared-table.ts";
import type { SourceObject } from "../../../k8s/translate/model/object.ts";
import { Translator } from "../../../k8s/translate/translator.ts";
import { TableReader } from "./table-reader.ts";

const object = (kind: string, apiVersion: string, name: string, rest: object): SourceObject => ({
  ref: { kind, namespace: "prod", name },
  apiVersion,
  origin: "",
  object: {
    ...rest,
    metadata: {
      name,
      namespace: "prod",
      labels: {
        "kubernetes.io/service-name": "iris-main",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
      },
    },
  },
});

type Pod = readonly [ip: string, state: "ready" | "starting" | "terminating" | "gone"];

const slice = (name: string, pods: readonly Pod[], addressType = "IPv4"): SourceObject =>
  object("EndpointSlice", "discovery.k8s.io/v1", name, {
    addressType,
    ports: [
      { name: "http", port: 9000 },
      { name: "grpc", port: 9500 },
    ],
    endpoints: pods.map(([ip, state]) => ({
      addresses: [ip],
      conditions: {
        ready: state === "ready",
        serving: state === "ready" || state === "terminating",
        terminating: state === "terminating" || state === "gone",
      },
    })),
  });

const deployment = object("SeldonDeployment", "machinelearning.seldon.io/v1", "iris", {
  spec: { predictors: [{ name: "main", graph: { name: "m" } }] },
});
const service = object("Service", "v1", "iris-main", {
  spec: {
    clusterIP: "10.0.0.1",
    ports: [
      { name: "http", port: 8000 },
      { name: "grpc", port: 5001 },
    ],
  },
});

interface Started {
  readonly change: (...now: readonly SourceObject[]) => void;
  /** What tells the records of all Routes apart from others. */
  readonly routes: () => readonly number[];
  readonly addresses: () => readonly string[];
}

/** A Reconciler whose one worker has taken every table. */
function start(...slices: readonly SourceObject[]): Started {
  const settings = {
    ambassadorIds: ["default"],
    namespaces: [],
    singleNamespace: null,
    claims: "open",
    bareNames: "on",
    answeredBy: false,
    releases: true,
    mappings: false,
    dial: "endpoints",
    source: "cluster",
    forbiddenAddresses: [],
    grants: [],
    gatewayNamespace: null,
    oauth: false,
    defaultTimeoutMs: 3000,
    withoutSlices: "unready",
  } as const;
  const memory = tableMemory(1);
  const reader = new TableReader(memory, 0);
  const translator = new Translator(settings);
  const reconciler: Reconciler = new Reconciler(
    translator,
    new SharedTable(memory),
    { ready: false, addresses: [] },
    new Readiness(1, false),
    {
      isOneNamespace: false,
      blocks: [],
      lookup: () => Promise.reject(new Error("nobody asks")),
      refuse: () => null,
      nowMs: () => 0,
      keep: () => {},
      ready: () => {},
      changes: { read: () => {}, made: () => {}, settled: () => {}, held: () => {} },
      live: () => {},
      faulted: () => {},
      oauthClients: () => {},
      probe: () => Promise.resolve(true),
    },
  );
  const take = (set: readonly SourceObject[]): void => {
    reconciler.take({ set, removed: [], problems: [], readAtMs: 0 });
    reconciler.open();
    vi.advanceTimersByTime(coalesceMs);
    reader.take();
  };
  take([deployment, service, ...slices]);
  return {
    change: (...now) => take(now),
    routes: () => reader.table.routesInOrder().map(({ serial }) => serial),
    addresses: () => {
      const key = [...reader.table.upstreamKeys()].find((one) => one.includes(":8000"))!;
      return reader.table.upstream(key)!.endpoints!.endpoints.map(({ ip, port, state }) => `${ip} ${port} ${state}`);
    },
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a change of EndpointSlices", () => {
  test.each<[string, readonly Pod[]]>([
    [
      "a pod more",
      [
        ["10.1.0.1", "ready"],
        ["10.1.0.2", "ready"],
      ],
    ],
    ["another pod", [["10.1.0.9", "ready"]]],
    [
      "a pod that starts",
      [
        ["10.1.0.1", "ready"],
        ["10.1.0.2", "starting"],
      ],
    ],
    [
      "a pod that ends",
      [
        ["10.1.0.1", "ready"],
        ["10.1.0.2", "terminating"],
      ],
    ],
  ])("that leaves a ready Endpoint rebuilds no Route: %s", (_, pods) => {
    const { change, routes } = start(slice("a", [["10.1.0.1", "ready"]]));
    const before = routes();
    change(slice("a", pods));
    expect(routes()).toEqual(before);
  });

  test("a rolling update by two slices, pod by pod, rebuilds no Route", () => {
    const { change, routes, addresses } = start(
      slice("old", [
        ["10.1.0.1", "ready"],
        ["10.1.0.2", "ready"],
      ]),
    );
    const before = routes();
    change(slice("new", [["10.2.0.1", "starting"]]));
    change(slice("new", [["10.2.0.1", "ready"]]));
    change(
      slice("old", [
        ["10.1.0.1", "terminating"],
        ["10.1.0.2", "ready"],
      ]),
    );
    change(
      slice("new", [
        ["10.2.0.1", "ready"],
        ["10.2.0.2", "ready"],
      ]),
      slice("old", [
        ["10.1.0.1", "gone"],
        ["10.1.0.2", "terminating"],
      ]),
    );
    expect(routes()).toEqual(before);
    expect(addresses()).toEqual(["10.1.0.2 9000 terminating", "10.2.0.1 9000 ready", "10.2.0.2 9000 ready"]);
  });

  test("that takes the last ready Endpoint, or brings one back, rebuilds the Routes that name it", () => {
    const { change, routes } = start(slice("a", [["10.1.0.1", "ready"]]));
    const before = routes();
    change(slice("a", []));
    const without = routes();
    expect(without).toHaveLength(before.length);
    expect(without).not.toEqual(before);
    change(slice("a", [["10.1.0.1", "ready"]]));
    expect(routes()).not.toEqual(without);
  });

  test("slices of both families and several of one are one list, each address once", () => {
    const { addresses } = start(
      slice("v4", [["10.1.0.1", "ready"]]),
      slice("v4-again", [
        ["10.1.0.1", "terminating"],
        ["10.1.0.2", "ready"],
      ]),
      slice("v6", [["fd00::1", "ready"]], "IPv6"),
    );
    expect(addresses()).toEqual(
      ["10.1.0.1 9000 ready", "10.1.0.2 9000 ready", "fd00:0:0:0:0:0:0:1 9000 ready"].map((text) =>
        text.replace("fd00:0:0:0:0:0:0:1", "fd00::1"),
      ),
    );
  });
});
