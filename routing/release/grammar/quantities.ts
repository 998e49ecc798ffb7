// Quantities as people write them in the annotations of releases: 5%, 10m, 1.5x. Plain decimals only, so that each is read as it was meant or not at all.

/** Plain decimal: at most 12 digits before the point and 6 after it. */
const decimal = /^(\d{1,12}(?:\.\d{1,6})?)([a-z%]*)$/i;

/** The largest first. */
const unitsMs: ReadonlyMap<string, number> = new Map([
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
  ["min", 60_000],
]);

/** The number and the unit behind it in lower case, which is "" without one; null: not a number of this form. */
export function readQuantity(text: string): { readonly value: number; readonly unit: string } | null {
  const found = decimal.exec(text);
  return found === null ? null : { value: Number(found[1]), unit: found[2]!.toLowerCase() };
}

/** `10m` as milliseconds; null: no duration. Units: ms, s, m (or min), h, d. */
export function readDurationMs(text: string): number | null {
  const quantity = readQuantity(text);
  const unitMs = quantity === null ? undefined : unitsMs.get(quantity.unit);
  return unitMs === undefined ? null : Math.round(quantity!.value * unitMs);
}

/** In the largest unit of which it is a whole number: 600000 is `10m`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return "0s";
  const [unit, unitMs] = [...unitsMs].find(([, size]) => milliseconds % size === 0) ?? ["ms", 1];
  return `${formatNumber(milliseconds / unitMs)}${unit}`;
}

/** `5%` as 5; null: no percentage. */
export function readPercent(text: string): number | null {
  const quantity = readQuantity(text);
  return quantity?.unit === "%" ? quantity.value : null;
}

/** At most six decimals, none at the end that is 0. */
export function formatNumber(value: number): string {
  return String(Number(value.toFixed(6)));
}

/** 0.015 is `1.5%`. */
export function formatPercent(fraction: number): string {
  return `${formatNumber(fraction * 100)}%`;
}

/** Whether a number is in its range; NaN never is, nor null. */
export function isWithin(value: number | null, least: number, most: number): value is number {
  return value !== null && least <= value && value <= most;
}
