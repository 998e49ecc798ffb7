import { expect, test } from "vitest";
import {
  emptyNamespaceRoutes,
  withRoute,
  type NamespaceRoutes,
  type PlacedRoute,
} from "../../../routing/route/namespace-routes.ts";

const scannedAt = (unit: number): PlacedRoute => ({
  unit,
  number: unit,
  placing: "scanned",
  pathLength: 0,
  isBased: false,
});

test("Routes that are scanned stay in their order, and to place one few are compared", () => {
  const count = 1000;
  let compared = 0;
  const isBefore = (one: number, other: number): boolean => {
    compared += 1;
    return one < other;
  };
  let space: NamespaceRoutes = emptyNamespaceRoutes("prod", 1);
  const units = (): readonly number[] => space.scanned.map(({ unit }) => unit);
  // Each once, in no order.
  for (let at = 0; at < count; at++) space = withRoute(space, null, scannedAt((at * 387) % count), isBefore);
  expect(units()).toEqual(Array.from({ length: count }, (_, unit) => unit));
  expect(compared).toBeLessThanOrEqual(count * 10);
  // One that changed has another record, and one that left has none.
  space = withRoute(space, scannedAt(0), scannedAt(count), isBefore);
  space = withRoute(space, scannedAt(500), null, isBefore);
  expect(units()).toEqual(Array.from({ length: count }, (_, unit) => unit + 1).filter((unit) => unit !== 500));
  expect(space.routeCount).toBe(count - 1);
});
