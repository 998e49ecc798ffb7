// Requests of released predictors beyond those that are counted: they are in a metric.
import { afterEach, expect, test } from "vitest";
import { noCounts } from "../../../../routing/release/statistics/arm-counts.ts";
import { latencyBuckets } from "../../../../routing/release/statistics/latency-bounds.ts";
import { maxEvidenceSlots, type SlotEvidence } from "../../../../gateway/shared/evidence-counts.ts";
import type { AdminServer } from "../../../../gateway/admin/server.ts";
import { quietMs, EvidenceBySlot } from "../../../../gateway/control/measured/evidence-by-slot.ts";
import { startedAdmin, viewOf } from "../../admin/admin-stage.ts";
import { nothingMeasured } from "../../admin/nothing-measured.ts";

let admin: AdminServer | null = null;
afterEach(() => admin?.close());

test("of two messages", async () => {
  const released = new EvidenceBySlot();
  released.take([], 3, 0);
  released.take([], 4, 0);
  const view = viewOf([], []);
  admin = await startedAdmin([], [], {
    admin: { host: "127.0.0.1", port: 0, token: null, hosts: [], viewers: "policy" },
    view: { ...view, counted: { ...nothingMeasured, releaseRequestsLeftOut: released.leftOut } },
  });
  const text = await (await fetch(`http://127.0.0.1:${admin.port}/metrics`)).text();
  expect(text).toContain("\nsluice_release_requests_left_out_total 7\n");
});

const requestsOf = (slot: number, requests: number): SlotEvidence => ({
  slot,
  requests,
  failed: 0,
  latency: new Uint32Array(latencyBuckets),
});

test("of more slots than are counted: a new one gets the room of the one that was quiet for longest, once it was quiet for ten minutes", () => {
  const released = new EvidenceBySlot();
  const slots = Array.from({ length: maxEvidenceSlots }, (_, slot) => requestsOf(slot, 1));
  released.take(slots, 0, 0);
  released.take([requestsOf(0, 1)], 0, 1);
  const added = requestsOf(maxEvidenceSlots, 5);
  released.take([added], 0, quietMs - 1);
  expect(released.leftOut).toBe(5);
  expect(released.of([maxEvidenceSlots])).toEqual(noCounts);
  released.take([added], 0, quietMs);
  expect(released.leftOut).toBe(5);
  expect([0, 1, 2, maxEvidenceSlots].map((slot) => released.of([slot]).requests)).toEqual([2, 0, 1, 5]);
});
