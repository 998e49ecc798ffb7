// What one side of a connection does, in order: bytes in pieces, waits for events, and how it ends.
import type { Draws } from "./draws.ts";

export type Step =
  | { readonly kind: "write"; readonly bytes: Buffer }
  /** The same bytes every few milliseconds, until the connection ends. */
  | { readonly kind: "drip"; readonly bytes: Buffer }
  /** One turn of the loop. */
  | { readonly kind: "turn" }
  /** Until the other side has sent something more, or an origin was asked, or a canary was answered; not longer than a moment. */
  | { readonly kind: "wait"; readonly event: "bytes" | "origin" | "canary" }
  /** Stops and begins to read. */
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  | { readonly kind: "fin" }
  | { readonly kind: "reset" };

export type Script = readonly Step[];

/** Waits, and steps that a peer may do anywhere. */
function between(draws: Draws): Step[] {
  if (draws.chance(0.5)) return [];
  if (draws.chance(0.5)) return [{ kind: "turn" }];
  if (draws.chance(0.1)) return [{ kind: "pause" }, { kind: "wait", event: "canary" }, { kind: "resume" }];
  return [{ kind: "wait", event: draws.any(["bytes", "bytes", "origin", "canary"] as const) }];
}

const mostSingleBytes = 4096;

/** In pieces of one byte, up to any of them. */
function byteByByte(draws: Draws, whole: Buffer): Script {
  const end = draws.chance(0.8) ? whole.length : draws.below(whole.length + 1);
  const steps = Array.from(whole.subarray(0, end), (byte): Step[] => [
    { kind: "write", bytes: Buffer.of(byte) },
    { kind: "turn" },
  ]).flat();
  return [...steps, { kind: "wait", event: "bytes" }, draws.chance(0.5) ? { kind: "fin" } : { kind: "reset" }];
}

/**
 * `pieces` in one write or in some, cut anywhere, and an end at any position: at `cutAt` of all bytes by FIN, by RST or by silence, or after
 * the last.
 */
export function scriptOf(draws: Draws, pieces: readonly Buffer[]): Script {
  const whole = Buffer.concat(pieces);
  if (whole.length <= mostSingleBytes && draws.chance(0.03)) return byteByByte(draws, whole);
  // Mostly all of it; else the end comes at any byte.
  const end = draws.chance(0.8) ? whole.length : draws.below(whole.length + 1);
  const cuts = new Set<number>();
  if (draws.chance(0.5)) {
    let at = 0;
    // Where messages and frames begin and end, and next to it.
    for (const piece of pieces) {
      at += piece.length;
      if (draws.chance(0.3)) cuts.add(at + draws.below(3) - 1);
    }
  }
  for (let count = draws.below(4); count > 0; count--) cuts.add(draws.below(end + 1));
  const steps: Step[] = [];
  let from = 0;
  for (const cut of [...cuts].filter((at) => at > 0 && at < end).toSorted((a, b) => a - b)) {
    if (cut > from) steps.push({ kind: "write", bytes: whole.subarray(from, cut) }, ...between(draws));
    from = cut;
  }
  steps.push({ kind: "write", bytes: whole.subarray(from, end) }, ...between(draws));
  const how = draws.random();
  if (how < 0.3) steps.push({ kind: "fin" });
  else if (how < 0.45) steps.push({ kind: "reset" });
  if (how >= 0.15 && how < 0.25) steps.push({ kind: "wait", event: "bytes" }, { kind: "reset" });
  return steps;
}
