// Candidates: the Endpoints that one request may go to, and the choices among them that need no table.

/** An Endpoint, as a choice sees it. */
export interface Candidate {
  /** `ip:port`: stable names make stable tables. */
  readonly address: string;
  /** Requests that it has now. */
  readonly inFlight: number;
  /** May it be given a request now? Not while it is ejected, or its health check fails. */
  mayTake(nowMs: number): boolean;
}

/**
 * Of two drawn at random the one with fewer requests in flight (power of two choices). `tried` are left out; null: none is left. `draw` gives
 * numbers in [0, 1).
 */
export function leastRequest<T extends Candidate>(
  candidates: readonly T[],
  tried: readonly Candidate[],
  draw: () => number,
): T | null {
  const left = untried(candidates, tried);
  const count = left.length;
  if (count <= 1) return count === 0 ? null : left[0]!;
  const first = Math.floor(draw() * count);
  const second = (first + 1 + Math.floor(draw() * (count - 1))) % count;
  const a = left[first]!;
  const b = left[second]!;
  return b.inFlight < a.inFlight ? b : a;
}

/** The next one in turn after `turn`, a number that grows by one a request. */
export function roundRobin<T extends Candidate>(
  candidates: readonly T[],
  tried: readonly Candidate[],
  turn: number,
): T | null {
  const left = untried(candidates, tried);
  return left.length === 0 ? null : left[turn % left.length]!;
}

function untried<T extends Candidate>(candidates: readonly T[], tried: readonly Candidate[]): readonly T[] {
  return tried.length === 0 ? candidates : candidates.filter((candidate) => !tried.includes(candidate));
}
