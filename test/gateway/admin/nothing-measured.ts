// The part of a view that says what was measured, where nothing was.
import type { CountedView } from "../../../gateway/api/counted.ts";
import { measuredOf } from "../../../gateway/control/measured/measured.ts";

const nothing = measuredOf([], () => "");

export const nothingMeasured: CountedView = {
  usedSlots: [],
  breakers: { end: 0, slotOf: () => -1, limitsAt: () => null },
  ownedSlots: [],
  measuredOf: () => ({ lastMinute: nothing, lastFiveMinutes: nothing }),
  feedbackOf: () => ({
    routed: { puid: 0, earlier_model: 0, sole: 0, no_puid: 0, unknown_puid: 0, unready: 0, too_long: 0 },
    rewards: { count: 0, sum: 0, sumSquares: 0 },
    learnt: { count: 0, sum: 0, sumSquares: 0 },
  }),
  measuredLately: async () => [],
  lately: { replaced: 0, unanswered: 0 },
  endpointsOf: () => null,
  endpointNumbers: () => ({ ejectedBy: 0, lastMinute: null, lastFiveMinutes: null }),
  ejectedBy: () => 0,
  endpointsWithoutNumbers: 0,
  releaseRequestsLeftOut: 0,
  predictorEndpoints: [],
  breakerSeries: [],
};
