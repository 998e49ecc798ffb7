// sluice_comparisons_total: of so many comparisons and no more.
import { expect, test } from "vitest";
import { maxComparisonSeries } from "../../../gateway/shared/metrics/control.ts";
import { Comparison } from "../../../routing/release/compare/comparison.ts";
import { plainRules } from "../../../routing/release/compare/rules.ts";
import { startedAdmin } from "./admin-stage.ts";

test.each([maxComparisonSeries - 1, maxComparisonSeries, maxComparisonSeries + 1])(
  "of %d comparisons",
  async (count) => {
    const { counts } = new Comparison(plainRules);
    const all = Array.from({ length: count }, (_, at) => ({
      sides: { namespace: "prod", deployment: `d${at}`, predictor: "next", against: "main", rules: "true" },
      sinceMs: 0,
      counts,
    }));
    const admin = await startedAdmin([], [], { compared: { all, of: () => null } });
    try {
      const text = await (await fetch(`http://127.0.0.1:${admin.port}/metrics`)).text();
      const lines = text.match(/^sluice_comparisons_total\{.*outcome="agreed"\} 0$/gm);
      expect(lines).toHaveLength(Math.min(count, maxComparisonSeries));
    } finally {
      await admin.close();
    }
  },
);
