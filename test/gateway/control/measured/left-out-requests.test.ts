// Requests of released predictors beyond those that are counted: they are in a metric.
import { afterEach, expect, test } from "vitest";
import { callerBuckets, noCounts } from "../../../../routing/release/statistics/arm-counts.ts";
import { latencyBuckets } from "../../../../routing/release/statistics/latency-bounds.ts";
import {
  maxEvidenceSlots,
  type DrainedEvidence,
  type SlotEvidence,
} from "../../../../gateway/shared/evidence-counts.ts";
import type { AdminServer } from "../../../../gateway/admin/server.ts";
import { quietMs, sweepMs, EvidenceBySlot } from "../../../../gateway/control/measured/evidence-by-slot.ts";
import { startedAdmin, viewOf } from "../../admin/admin-stage.ts";
import { nothingMeasured } from "../../admin/nothing-measured.ts";

let admin: AdminServer | null = null;
afterEach(() => admin?.close());

test("of two messages", async () => {
  const released = new EvidenceBySlot();
  for (const leftOut of [3, 4]) released.take({ slots: [], leftOut, without: [] }, 0);
  const view = viewOf([], []);
  admin = await startedAdmin([], [], {
    admin: { host: "127.0.0.1", port: 0, token: null, hosts: [], viewers: "policy" },
    view: { ...view, counted: { ...nothingMeasured, releaseRequestsLeftOut: released.leftOut } },
  });
  const text = await (await fetch(`http://127.0.0.1:${admin.port}/metrics`)).text();
  expect(text).toContain("\nsluice_release_requests_left_out_total 7\n");
});

const requestsOf = (slot: number, requests: number, namespace = "prod"): SlotEvidence => ({
  slot,
  namespace,
  deployment: `sd-${slot}`,
  requests,
  failed: 0,
  refused: 0,
  denied: 0,
  latency: new Uint32Array(latencyBuckets),
  callers: {
    requests: new Uint32Array(callerBuckets),
    failed: new Uint32Array(callerBuckets),
    refused: new Uint32Array(callerBuckets),
  },
});
const told = (...slots: readonly SlotEvidence[]): DrainedEvidence => ({ slots, leftOut: 0, without: [] });

test("of more slots of one namespace than are counted: a new one gets room once others were quiet for ten minutes, and is named until then", () => {
  const released = new EvidenceBySlot();
  const slots = Array.from({ length: maxEvidenceSlots }, (_, slot) => requestsOf(slot, 1));
  released.take(told(...slots), 0);
  released.take(told(requestsOf(0, 1)), 1);
  const added = requestsOf(maxEvidenceSlots, 5);
  released.take(told(added), quietMs - sweepMs);
  expect(released.leftOut).toBe(5);
  expect([...released.without(quietMs - sweepMs)]).toEqual([`prod/sd-${maxEvidenceSlots}`]);
  expect(released.of([maxEvidenceSlots])).toEqual(noCounts);
  released.take(told(added), quietMs);
  expect(released.leftOut).toBe(5);
  expect([0, 1, 2, maxEvidenceSlots].map((slot) => released.of([slot]).requests)).toEqual([2, 0, 0, 5]);
});
