// The evidence of predictors that are released, where slots go from one Series to another.
import { expect, test } from "vitest";
import { Counted } from "../../../../gateway/control/counted.ts";
import { noSlots } from "../../../../routing/write/table-index.ts";
import { seriesAfterlifeMs } from "../../../../gateway/control/slots/series-slots.ts";
import { blockBytes } from "../../../../gateway/shared/memory/counters.ts";
import { callerBuckets, noCounts } from "../../../../routing/release/statistics/arm-counts.ts";
import { latencyBuckets } from "../../../../routing/release/statistics/latency-bounds.ts";
import type { TranslationChange } from "../../../../k8s/translate/model/translation.ts";
import { mappingOf } from "../../fixtures.ts";

const noChange: TranslationChange = {
  mappings: [],
  removedMappings: [],
  upstreams: [],
  removedUpstreams: [],
  endpoints: [],
  flipped: [],
};

test("a predictor that gets the slot of one that is gone begins without its evidence", () => {
  const blocks = [new SharedArrayBuffer(blockBytes())];
  let nowMs = 0;
  const counted = new Counted(noSlots(), 1, {
    blocks,
    isOneNamespace: false,
    nowMs: () => nowMs,
    endpointsOf: () => undefined,
    isFailing: () => false,
    breakersOf: () => null,
    isServed: () => true,
  });
  const [old, canary] = [mappingOf("old", "up"), mappingOf("new", "up")];
  counted.own({ ...noChange, mappings: [old] }, 1);
  const slot = counted.slotOf(old.id);
  const latency = new Uint32Array(latencyBuckets).fill(1);
  const { namespace, deployment } = old.series;
  const buckets = new Uint32Array(callerBuckets);
  const callers = { requests: buckets, failed: buckets, refused: buckets };
  const evidence = { slot, namespace, deployment, requests: 900, failed: 900, refused: 0, denied: 0, latency, callers };
  counted.evidence({ slots: [evidence], leftOut: 0, without: [] });
  expect(counted.totalOf(old.series)).toMatchObject({ requests: 900, failed: 900 });
  counted.own({ ...noChange, removedMappings: [old.id] }, 2);
  nowMs = seriesAfterlifeMs - 1;
  counted.sweep([new Float64Array(blocks[0]!)], 2);
  expect(counted.totalOf(old.series)).toMatchObject({ requests: 900 });
  nowMs = seriesAfterlifeMs;
  counted.sweep([new Float64Array(blocks[0]!)], 2);
  counted.own({ ...noChange, mappings: [canary] }, 3);
  expect(counted.slotOf(canary.id)).toBe(slot);
  expect(counted.totalOf(canary.series)).toEqual(noCounts);
});
