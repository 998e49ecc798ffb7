// The part of a view that says what was measured, where nothing was.
import type { AdminView } from "../../../gateway/admin/view.ts";
import { measuredOf } from "../../../gateway/control/measured/measured.ts";

const nothing = measuredOf([], () => "");

export const nothingMeasured: Pick<
  AdminView,
  | "ownedSlots"
  | "measuredOf"
  | "feedbackOf"
  | "hasMapping"
  | "routeOf"
  | "failingPredictors"
  | "endpointsOf"
  | "endpointNumbers"
  | "ejectedBy"
  | "endpointsWithoutNumbers"
  | "predictorEndpoints"
  | "breakerSeries"
> = {
  ownedSlots: [],
  measuredOf: () => ({ lastMinute: nothing, lastFiveMinutes: nothing }),
  feedbackOf: () => ({
    routed: { puid: 0, sole: 0, no_puid: 0, unknown_puid: 0, unready: 0, too_long: 0 },
    rewards: { count: 0, sum: 0, sumSquares: 0 },
  }),
  hasMapping: () => false,
  routeOf: () => null,
  failingPredictors: async () => [],
  endpointsOf: () => null,
  endpointNumbers: () => ({ ejectedBy: 0, lastMinute: null, lastFiveMinutes: null }),
  ejectedBy: () => 0,
  endpointsWithoutNumbers: 0,
  predictorEndpoints: [],
  breakerSeries: [],
};
