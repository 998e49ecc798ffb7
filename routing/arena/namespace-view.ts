// NamespaceView: what a look-up asks of the Routes of a namespace, or of shared space. That of a plain namespace fits the slot of its index, so that over
// ten thousand namespaces a request reads one cache line to know all of it, and no object that was made of the record.
import { allFlags, flagBits } from "./index-page.ts";
import { baseOf, noLength, spaceSeed, type NamespaceRoutes } from "../route/namespace-routes.ts";

// `meta` of a namespace's slot: flags, then the length of its base, of the shortest prefix that ends with `/` (0: there is none), and of the longest.
const plainFlag = 1;
const namedFlag = 2;
const baseBits = 9;
const prefixBits = 8;
const maxBase = (1 << baseBits) - 1;
const maxPrefix = (1 << prefixBits) - 1;
const shortestShift = flagBits + baseBits;
const longestShift = shortestShift + prefixBits;

/** A namespace has these for ever, or a table one that it fills anew for each plain namespace that it finds: then it means something until the next. */
export class NamespaceView {
  id = 0;
  /** Length of the path `/seldon/<name>/`, bytes; 0 for shared space. */
  baseLength = 0;
  /** Hash of the base. */
  seed = 0;
  /** The shortest prefix that ends with `/`, bytes; `noLength` when there is none. */
  shortestSlashed = noLength;
  /** The shortest prefix that does not; `noLength` when there is none. */
  shortestUnslashed = noLength;
  /** The longest prefix; 0 when there is none. */
  longest = 0;
  /** Are there exact paths? */
  anyWhole = false;
  anyScanned = false;
  anyNamed = false;
  /** Are there paths that do not begin with the base? */
  anyUnbased = false;
  /** Unit of its record; 0: it has none. */
  unit = 0;
  /** null: a plain namespace, which has prefixes that begin with its base and end with `/`, and gRPC Routes that name their deployment, and no others. */
  routes: NamespaceRoutes | null = null;

  /** Becomes that of a plain namespace. */
  fill(meta: number, id: number, seed: number, baseLength: number, unit: number): this {
    const shortest = (meta >> shortestShift) & maxPrefix;
    this.id = id;
    this.baseLength = baseLength;
    this.seed = seed;
    this.shortestSlashed = shortest === 0 ? noLength : shortest;
    this.longest = (meta >> longestShift) & maxPrefix;
    this.anyNamed = (meta & namedFlag) !== 0;
    this.unit = unit;
    return this;
  }
}

/** Of Routes whose record is at this unit, whatever they are. `hashSeed`: the table's. */
export function viewOf(routes: NamespaceRoutes, unit: number, hashSeed: number): NamespaceView {
  const { name, id, slashed, unslashed, whole, unbased, named, scanned } = routes;
  const view = new NamespaceView();
  view.id = id;
  view.baseLength = name === null ? 0 : baseOf(name).length;
  view.seed = spaceSeed(name, hashSeed);
  view.shortestSlashed = slashed.values[0] ?? noLength;
  view.shortestUnslashed = unslashed.values[0] ?? noLength;
  view.longest = Math.max(slashed.values.at(-1) ?? 0, unslashed.values.at(-1) ?? 0);
  view.anyWhole = whole.values.length > 0;
  view.anyScanned = scanned.length > 0;
  view.anyNamed = named > 0;
  view.anyUnbased = unbased > 0;
  view.unit = unit;
  view.routes = routes;
  return view;
}

/** `meta` of the slot of a namespace whose base has this length, bytes. */
export function spaceMetaOf(
  { slashed, unslashed, whole, unbased, named, scanned }: NamespaceRoutes,
  baseLength: number,
): number {
  const length = Math.min(baseLength, maxBase) << flagBits;
  const [shortest, longest] = [slashed.values[0] ?? 0, slashed.values.at(-1) ?? 0];
  if (
    unslashed.values.length > 0 ||
    whole.values.length > 0 ||
    unbased > 0 ||
    scanned.length > 0 ||
    longest > maxPrefix
  )
    return length;
  return length | plainFlag | (named > 0 ? namedFlag : 0) | (shortest << shortestShift) | (longest << longestShift);
}

/** May this be the slot of a namespace whose base has this length, bytes? */
export function isOfLength(meta: number, baseLength: number): boolean {
  return ((meta >> flagBits) & maxBase) === (baseLength < maxBase ? baseLength : maxBase);
}

/** Does the slot say all that a look-up asks? */
export function isPlain(meta: number): boolean {
  return (meta & allFlags & plainFlag) !== 0;
}
