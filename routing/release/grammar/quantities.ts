// Quantities as people write them in the annotations of releases: 5%, 10m, 1.5x. Plain decimals only, so that each is read as it was meant or not at all.

/** Plain decimal: at most 12 digits before the point and 6 after it. */
const decimal = /^(\d{1,12}(?:\.\d{1,6})?)([a-z%]*)$/;

const unitsMs: Readonly<Record<string, number>> = {
  __proto__: null as never,
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** The number and the unit behind it, which is "" without one; null: not a number of this form. */
export function readQuantity(text: string): { readonly value: number; readonly unit: string } | null {
  const found = decimal.exec(text);
  return found === null ? null : { value: Number(found[1]), unit: found[2]! };
}

/** `10m` as milliseconds; null: no duration. Units: ms, s, m (or min), h, d. */
export function readDurationMs(text: string): number | null {
  const quantity = readQuantity(text);
  const unitMs = quantity === null ? undefined : unitsMs[quantity.unit];
  return unitMs === undefined ? null : Math.round(quantity!.value * unitMs);
}

/** In the largest unit of which it is a whole number: 600000 is `10m`. */
export function formatDuration(milliseconds: number): string {
  const [unit, unitMs] = (
    [
      ["d", 86_400_000],
      ["h", 3_600_000],
      ["m", 60_000],
      ["s", 1000],
    ] as const
  ).find(([, size]) => milliseconds !== 0 && milliseconds % size === 0) ?? ["ms", 1];
  return `${milliseconds / unitMs}${unit}`;
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
