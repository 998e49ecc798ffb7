// An admin port over a table and Problems that a test chooses.
import { RequestBook } from "../../../gateway/control/failures/request-book.ts";
import { startAdmin, type AdminServer } from "../../../gateway/admin/server.ts";
import type { AdminOptions } from "../../../gateway/admin/endpoint.ts";
import { armCounts } from "../../../routing/release/statistics/arm-counts.ts";
import type { AdminView } from "../../../gateway/admin/view/view.ts";
import { noPolicy } from "../../../gateway/callers/call-policy.ts";
import { ShownCredentials } from "../../../gateway/edge/identity/shown-credentials.ts";
import { CounterBlock, blockBytes } from "../../../gateway/shared/memory/counters.ts";
import type { Mapping } from "../../../routing/model/mapping.ts";
import { plainSettings } from "../../../routing/model/table-change.ts";
import type { Problem } from "../../../routing/text/problem.ts";
import { tableOf } from "../../routing/build.ts";
import { nothingMeasured } from "./nothing-measured.ts";

export function viewOf(mappings: readonly Mapping[], problems: readonly Problem[]): AdminView {
  const table = tableOf(mappings);
  return {
    ready: true,
    serving: 1,
    table,
    served: { version: 0, hash: "", routeCount: 0 },
    tableBytes: { used: 0, touched: 0 },
    translation: {
      settings: plainSettings,
      mappings: new Map(),
      upstreams: new Map(),
      endpoints: new Map(),
      breakers: new Map(),
      choiceOf: () => null,
      isScaledToZero: () => false,
      ofAnother: [],
      hosts: [],
      problems: [],
    },
    gatherProblems: async () => problems,
    hasMapping: () => false,
    mappingIds: mappings.map(({ id }) => id),
    routeKeys: table.routesInOrder().map(({ key }) => key),
    routeAt: (key) => table.routesInOrder().find((route) => route.key === key) ?? null,
    routeOf: (id) => table.routesInOrder().find((route) => route.mappings.some((one) => one.id === id)) ?? null,
    counted: nothingMeasured,
  };
}

/** `token` is the admin token. Bound beyond loopback, so that who asks matters. */
export function adminOptionsOf(
  mappings: readonly Mapping[],
  problems: readonly Problem[],
  more: Partial<AdminOptions> = {},
): AdminOptions {
  const view: AdminView = {
    ...viewOf(mappings, problems),
    counted: { ...nothingMeasured, ownedSlots: mappings.map(({ series }, slot) => ({ slot, series })) },
    hasMapping: () => true,
  };
  return {
    admin: { host: "0.0.0.0", port: 0, token: "token", hosts: [], viewers: "policy" },
    view,
    requests: new RequestBook(() => undefined),
    compared: { all: [], of: () => null },
    blocks: [new CounterBlock(new SharedArrayBuffer(blockBytes())).cells],
    changes: { changes: [], follow: () => () => undefined },
    countedClients: () => 0,
    rollouts: () => [],
    bodyBytes: 0,
    oauth: false,
    trustedHops: null,
    openLimits: async () => ({ left: () => 0 }),
    openLook: async () => new ShownCredentials(),
    viewers: () => new Map(),
    reviewed: null,
    policy: () => noPolicy,
    policyProblems: () => problems.filter(({ subject }) => subject.kind === "Policy"),
    certificateSet: () => null,
    sourceKind: "folder",
    sourceAgeSeconds: () => 0,
    sourceTrouble: () => null,
    workers: 1,
    usesRedis: false,
    nowMs: () => 0,
    faulted: () => undefined,
    notReady: () => null,
    certificates: () => [],
    revoker: null,
    peers: null,
    instance: "this-process",
    countsOf: () => armCounts({ requests: 7, failed: 2 }),
    leader: () => null,
    turns: () => true,
    ...more,
  };
}

export function startedAdmin(...options: Parameters<typeof adminOptionsOf>): Promise<AdminServer> {
  return startAdmin(adminOptionsOf(...options));
}
