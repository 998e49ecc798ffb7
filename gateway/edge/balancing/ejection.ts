// Outlier ejection: an Endpoint that fails gateway-like five times in a row gets no new requests for a while (Envoy's consecutive gateway
// failures: 502, 503, 504, and what fails without an answer). The rules of one Endpoint; who may be ejected at all is its pool's to say.

/** Gateway failures in a row that eject. */
export const failuresToEject = 5;
/** The first ejection lasts this long, the n-th n times as long, at most the longest. */
export const baseEjectionMs = 30_000;
export const longestEjectionMs = 300_000;

/** A probe that has come to no end is followed by another after this long. */
export const nextProbeMs = 5000;

/** `probing`: one request is out, whose end decides. */
type State = "in" | "ejected" | "probing";

export class Ejection {
  #state: State = "in";
  #failuresInRow = 0;
  /** Ejections so far; good times count down. */
  #count = 0;
  /** Out: when a probe may go. In: since when. */
  #atMs = -Infinity;

  /** It gets no requests but probes. */
  get isOut(): boolean {
    return this.#state !== "in";
  }

  /** When a probe may go; Infinity: it is in. */
  get probeAtMs(): number {
    return this.#state === "in" ? Infinity : this.#atMs;
  }

  /** A request is sent to see whether it is well again. One that says nothing, because its client left, is followed by another. */
  probe(nowMs: number): void {
    this.#state = "probing";
    this.#atMs = nowMs + nextProbeMs;
  }

  /** An answer that is no gateway failure. True: it was out and is in again. */
  succeeded(nowMs: number): boolean {
    this.#failuresInRow = 0;
    if (this.#state !== "probing") return false;
    this.#state = "in";
    this.#atMs = nowMs;
    return true;
  }

  /** A gateway failure. `mayEject`: its pool can do without it. True: it is out from now on (or still, after a probe that failed). */
  failed(nowMs: number, mayEject: () => boolean): boolean {
    this.#failuresInRow += 1;
    if (this.#state === "ejected") return false;
    if (this.#state === "in" && (this.#failuresInRow < failuresToEject || !mayEject())) return false;
    // Well for a while takes back one ejection for each base time, as Envoy does.
    if (this.#state === "in")
      this.#count = Math.max(0, this.#count - Math.floor((nowMs - this.#atMs) / baseEjectionMs));
    this.#count += 1;
    this.#failuresInRow = 0;
    this.#state = "ejected";
    this.#atMs = nowMs + Math.min(longestEjectionMs, baseEjectionMs * this.#count);
    return true;
  }
}
