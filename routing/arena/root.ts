// Root: where a table begins. Publishing a table is telling the unit of its root.
//
//   word 0  version                  5,6  settings: unit and serial of the record
//        1  serial given last        7,8  Routes of shared space: unit and serial of the record
//        2  Routes                     9  Upstreams told in the ring, ever
//      3,4  digest of the table       10  id of a NamespaceRoutes given last
//                                   11  first unit that was never used
//                                   12  seed of the indexes' hashes: drawn, the same for ever
//   from 16  directories: unit and serial of each page of the four indexes
import { unitBytes, unitWords } from "./arena.ts";
import { directoryWords, longSlot, shortSlot, type SlotWords } from "./index-page.ts";

export const rootWords = Object.freeze({
  version: 0,
  serial: 1,
  routeCount: 2,
  hashHigh: 3,
  hashLow: 4,
  settings: 5,
  settingsSerial: 6,
  shared: 7,
  sharedSerial: 8,
  changes: 9,
  spaceId: 10,
  top: 11,
  hashSeed: 12,
});

/** Routes by path or name, namespaces by base, Upstreams by key, names that gRPC Routes of namespaces have. */
export const indexes = ["routes", "spaces", "upstreams", "names"] as const;
export type IndexName = (typeof indexes)[number];

/** Long where every request looks. */
export const slotWordsOf: Readonly<Record<IndexName, SlotWords>> = Object.freeze({
  routes: longSlot,
  spaces: longSlot,
  upstreams: shortSlot,
  names: shortSlot,
});

export const rootBytes = unitBytes + indexes.length * directoryWords * 4;

/** First word of an index' directory, from that of its root. */
export function directoryStart(index: IndexName): number {
  return unitWords + indexes.indexOf(index) * directoryWords;
}
