import { expect, test } from "vitest";
import { decodeSlice, joinEndpoints } from "../../../k8s/translate/backends/endpoints.ts";
import { decodeService } from "../../../k8s/translate/backends/services.ts";

const ref = { kind: "EndpointSlice", namespace: "prod", name: "a-1" };
const service = decodeService("prod", "a", {
  spec: {
    ports: [
      { name: "http", port: 8000 },
      { name: "grpc", port: 5001 },
    ],
  },
});
const settings = { source: "folder", forbiddenAddresses: ["10.0.0.9:9000", "10.0.0.8"] } as const;

function slice(endpoints: readonly unknown[]): ReturnType<typeof decodeSlice> {
  return decodeSlice(
    ref,
    {
      metadata: { labels: { "kubernetes.io/service-name": "a" } },
      ports: [
        { name: "http", port: 9000 },
        { name: "grpc", port: 9500 },
      ],
      endpoints,
    },
    settings,
    true,
  );
}

const draining = { ready: false, serving: true, terminating: true };

test("an address that must not be dialled at one port is dialled at the others", () => {
  const decoded = slice([{ addresses: ["10.0.0.8", "10.0.0.9", "no-address"] }]);
  expect(joinEndpoints(service, 8000, [decoded])).toEqual([]);
  expect(joinEndpoints(service, 5001, [decoded])).toEqual([{ ip: "10.0.0.9", port: 9500, state: "ready" }]);
  expect(decoded.problems.map(({ sentence }) => sentence.split(" ")[2])).toEqual([
    "10.0.0.8",
    "10.0.0.9",
    "no-address",
  ]);
});

test("Endpoints of several slices are in order of text, each address once, and ready beats terminating", () => {
  const decoded = [
    slice([
      { addresses: ["10.0.0.2"], conditions: draining },
      { addresses: ["10.0.0.10"] },
      { addresses: ["fd00::1"] },
      { addresses: ["10.0.0.2"] },
    ]),
    slice([
      { addresses: ["10.0.0.10"], conditions: draining },
      { addresses: ["10.0.0.3"], conditions: draining },
    ]),
  ];
  expect(joinEndpoints(service, 8000, decoded).map(({ ip, state }) => `${ip} ${state}`)).toEqual([
    "10.0.0.10 ready",
    "10.0.0.2 ready",
    "10.0.0.3 terminating",
    "fd00::1 ready",
  ]);
});

test.each([
  ["ready", [null, {}, { ready: null }, { ready: true, serving: "perhaps" }, { ready: "yes" }]],
  ["terminating", [draining, { ready: "no", serving: "on", terminating: "True" }]],
  ["nothing", [{ ready: false }, { ready: "false" }, { ready: "no" }, { ready: false, serving: true }]],
  [
    "nothing, and it is said",
    [
      "no",
      [],
      { ready: 0 },
      { ready: "never" },
      { ready: ["true"] },
      { ready: false, serving: "perhaps", terminating: true },
      { ready: false, serving: true, terminating: 1 },
    ],
  ],
])("%s: conditions as YAML has them", (expected, conditions) => {
  for (const one of conditions) {
    const decoded = slice([{ addresses: ["10.0.0.2"], conditions: one }]);
    const states = joinEndpoints(service, 8000, [decoded]).map(({ state }) => state);
    expect([one, states.join() || "nothing", decoded.problems.length]).toEqual([
      one,
      expected.split(",")[0],
      expected.includes("said") ? 1 : 0,
    ]);
  }
});
