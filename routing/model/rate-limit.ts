// Limits of rate as people write them: `100/s burst 200; 5000/h per client`, in an annotation and in the platform's policy alike.
import type { RateLimit } from "./guard.ts";

/** Most limits that hold for one deployment at once. */
export const mostLimits = 8;
/** Most permits of a period, and the largest burst. */
export const mostPermits = 1_000_000_000;
/** Fastest rate, permits in a ms: what is counted stays exact at it for years (gateway/edge/limits). */
export const mostPermitsPerMs = 1000;
const mostCharacters = 1024;

const periods: Readonly<Record<string, number>> = { s: 1000, min: 60_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What to write instead of what cannot be read. */
export const limitWords =
  'for example "100/s burst 200; 5000/h per client": a number, "/", s, min, h or d, then "burst" and a number, then "per" and client, address or header NAME';

export type LimitsText =
  | { readonly kind: "limits"; readonly limits: readonly RateLimit[] }
  | { readonly kind: "wrong"; readonly reason: string };

/** Every part must be read: with one that is left out, more would pass than was meant. `reason` repeats nothing that was written. */
export function parseLimits(text: string): LimitsText {
  if (text.length > mostCharacters) return { kind: "wrong", reason: `it has more than ${mostCharacters} characters` };
  const parts = text.split(";");
  if (parts.length > mostLimits) return { kind: "wrong", reason: `it has more than ${mostLimits} limits` };
  const limits: RateLimit[] = [];
  for (const [at, part] of parts.entries()) {
    const limit = parseLimit(part.trim().split(/\s+/));
    const place = parts.length === 1 ? "" : ` (limit ${at + 1} of ${parts.length})`;
    if (typeof limit === "string") return { kind: "wrong", reason: `${limit}${place}` };
    const printed = printLimit(limit);
    if (limits.some((other) => printLimit(other) === printed))
      return { kind: "wrong", reason: `it says the same twice${place}` };
    limits.push(limit);
  }
  return { kind: "limits", limits };
}

/** As it can be read again: `100/s burst 200 per client`. */
export function printLimit({ permits, periodMs, burst, per }: RateLimit): string {
  const unit = Object.keys(periods).find((name) => periods[name] === periodMs)!;
  const subject = per.kind === "all" ? "" : per.kind === "header" ? ` per header ${per.name}` : ` per ${per.kind}`;
  return `${permits}/${unit}${burst === permits ? "" : ` burst ${burst}`}${subject}`;
}

/** Or what is wrong with it. */
function parseLimit(words: readonly string[]): RateLimit | string {
  const [rate = "", ...rest] = words;
  const [, count, unit = ""] = /^(\d{1,15})\/([a-z]+)$/.exec(rate) ?? [];
  const periodMs = Object.hasOwn(periods, unit) ? periods[unit]! : 0;
  if (count === undefined || periodMs === 0) return 'it does not begin with a number, "/" and s, min, h or d';
  const permits = Number(count);
  if (permits < 1 || permits > mostPermits) return `its number is not from 1 to ${mostPermits}`;
  if (permits / periodMs > mostPermitsPerMs) return `it is more than ${mostPermitsPerMs * 1000} a second`;
  let burst: number | null = null;
  let per: RateLimit["per"] | null = null;
  for (let at = 0; at < rest.length;) {
    const word = rest[at++];
    const next = rest[at++] ?? "";
    if (word === "burst" && burst === null) {
      burst = /^\d{1,15}$/.test(next) ? Number(next) : 0;
      if (burst < 1 || burst > mostPermits) return `its burst is not a number from 1 to ${mostPermits}`;
    } else if (word === "per" && per === null) {
      per =
        next === "header"
          ? headerSubject(rest[at++] ?? "")
          : next === "client" || next === "address"
            ? { kind: next }
            : null;
      if (per === null) return '"per" is not followed by client, address or header and a name';
    } else {
      return 'after its rate it has something else than one "burst" and one "per"';
    }
  }
  return { permits, periodMs, burst: burst ?? permits, per: per ?? { kind: "all" } };
}

function headerSubject(name: string): RateLimit["per"] | null {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/.test(name) ? { kind: "header", name: name.toLowerCase() } : null;
}
