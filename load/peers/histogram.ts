// Latencies by the microsecond up to 200 ms, then one open bucket whose maximum is kept.

export interface Latency {
  readonly count: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
}

const buckets = 200_000;

export class Histogram {
  readonly #counts = new Uint32Array(buckets + 1);
  #count = 0;
  #maxUs = 0;

  add(us: number): void {
    this.#counts[us < buckets ? us | 0 : buckets]! += 1;
    this.#count++;
    if (us > this.#maxUs) this.#maxUs = us;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#maxUs = 0;
  }

  latency(): Latency {
    return {
      count: this.#count,
      p50Us: this.#quantile(0.5),
      p90Us: this.#quantile(0.9),
      p99Us: this.#quantile(0.99),
      p999Us: this.#quantile(0.999),
      maxUs: Math.round(this.#maxUs),
    };
  }

  #quantile(q: number): number {
    const rank = Math.ceil(this.#count * q);
    let seen = 0;
    for (let us = 0; us < buckets; us++) {
      seen += this.#counts[us]!;
      if (seen >= rank) return us;
    }
    return Math.round(this.#maxUs);
  }
}
