// Requests of released predictors beyond those that are counted: they are in a metric.
import { afterEach, expect, test } from "vitest";
import type { AdminServer } from "../../../../gateway/admin/server.ts";
import { ReleasedLatencies } from "../../../../gateway/control/measured/released-latencies.ts";
import { startedAdmin, viewOf } from "../../admin/admin-stage.ts";
import { nothingMeasured } from "../../admin/nothing-measured.ts";

let admin: AdminServer | null = null;
afterEach(() => admin?.close());

test("of two messages", async () => {
  const released = new ReleasedLatencies();
  released.take([], 3);
  released.take([], 4);
  const view = viewOf([], []);
  admin = await startedAdmin([], [], {
    admin: { host: "127.0.0.1", port: 0, token: null, hosts: [], viewers: "policy" },
    view: { ...view, counted: { ...nothingMeasured, releaseRequestsLeftOut: released.leftOut } },
  });
  const text = await (await fetch(`http://127.0.0.1:${admin.port}/metrics`)).text();
  expect(text).toContain("\nsluice_release_requests_left_out_total 7\n");
});
