import * as fc from "fast-check";
import { expect, test } from "vitest";
import { piecesOf } from "../../../../gateway/control/handover/handover-pieces.ts";
import type { HandoverChange } from "../../../../gateway/shared/messages.ts";
import { KeptHandover } from "../../../../gateway/supervisor/handover.ts";
import type { Series } from "../../../../routing/model/mapping.ts";

const slots = fc.uniqueArray(fc.nat(3000), { maxLength: 1500, size: "max" });
const changes: fc.Arbitrary<HandoverChange> = fc.record({
  ready: fc.boolean(),
  taken: slots.map((all) =>
    all.map((slot): readonly [number, Series] => [
      slot,
      { namespace: "prod", deployment: `d${slot}`, predictor: "main", role: "live", protocol: "http" },
    ]),
  ),
  freed: slots,
  breakersTaken: slots.map((all) => all.map((slot): readonly [number, string] => [slot, `upstream ${slot}`])),
  breakersFreed: slots,
  addresses: fc.option(fc.constant([{ key: "dns a", ready: false, endpoints: [] }])),
  held: slots.map((all) =>
    all.map((slot) => ({ namespace: "prod", thing: { kind: "name" as const, name: `d${slot}` }, sinceMs: 0 })),
  ),
  released: slots.map((all) => all.map((slot) => `prod #d${slot}`)),
  more: fc.constant(false),
});

test("a successor is given the same, in one piece or in several, of which only the last has no more", () => {
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 3 }), (all) => {
      const whole = new KeptHandover();
      const pieced = new KeptHandover();
      for (const change of all) {
        whole.take(change);
        const pieces = [...piecesOf(change)];
        expect(pieces.map(({ more }) => more)).toEqual(pieces.map((_, index) => index < pieces.length - 1));
        for (const piece of pieces) {
          expect(Math.max(piece.taken.length, piece.breakersTaken.length, piece.held.length)).toBeLessThanOrEqual(400);
          pieced.take(piece);
        }
      }
      expect(pieced.whole).toEqual(whole.whole);
    }),
    // To make a counterexample smaller takes minutes here.
    { numRuns: 20, endOnFailure: true },
  );
});
