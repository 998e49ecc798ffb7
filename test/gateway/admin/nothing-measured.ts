// The part of a view that says what was measured, where nothing was.
import type { AdminView } from "../../../gateway/admin/view.ts";
import { measuredOf } from "../../../gateway/control/measured/measured.ts";

const nothing = measuredOf([], () => "");

export const nothingMeasured: Pick<
  AdminView,
  | "ownedSlots"
  | "measuredOf"
  | "hasMapping"
  | "routeOf"
  | "failingPredictors"
  | "endpointsOf"
  | "predictorEndpoints"
  | "breakerSeries"
> = {
  ownedSlots: [],
  measuredOf: () => ({ lastMinute: nothing, lastFiveMinutes: nothing }),
  hasMapping: () => false,
  routeOf: () => null,
  failingPredictors: [],
  endpointsOf: () => null,
  predictorEndpoints: [],
  breakerSeries: [],
};
