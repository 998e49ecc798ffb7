// What a request costs as the number of data workers grows: a breaker adds up what all of them have in use, and nothing else of a request knows how many there are.
import { breakerCell, heavyUseBytes, maxBreakerSlots } from "../../gateway/shared/memory/counters.ts";
import { occupancyOf } from "../../gateway/edge/io/occupancy.ts";
import { Breaker, resource } from "../../gateway/edge/balancing/breaker.ts";
import { deployments } from "./tables.ts";

const workerCounts = [1, 2, 8, 32, 64];
const requestsARound = 100_000;
const rounds = 30;

/** One worker's breakers of so many Upstreams, and blocks of all the others, in which each Upstream has one request under way. */
function breakersAmong(workers: number, upstreams: number): readonly Breaker[] {
  const [own, ...others] = Array.from(
    { length: workers },
    () => new Float64Array(new SharedArrayBuffer(breakerCell(maxBreakerSlots, 0) * 8)),
  ) as [Float64Array, ...Float64Array[]];
  const occupancy = occupancyOf(own, others, new Int32Array(new SharedArrayBuffer(heavyUseBytes())));
  for (const block of others)
    for (let slot = 0; slot < upstreams; slot++)
      for (const one of [resource.connections, resource.requests]) block[breakerCell(slot, 0) + one] = 1;
  return Array.from({ length: upstreams }, (_, slot) => {
    const breaker = new Breaker();
    breaker.moveTo(occupancy, slot, 0);
    return breaker;
  });
}

/** What a request on a connection of its own asks of its breaker, as `pool.ts` does. */
function pass(breaker: Breaker): boolean {
  if (!breaker.hasRoomForConnection() || !breaker.enter(resource.requests)) return false;
  breaker.enterConnection();
  breaker.leave(resource.requests);
  breaker.leave(resource.connections);
  return true;
}

/** Least ns of a request over many short rounds. Every one must pass. */
function requestNs(breakers: readonly Breaker[]): number {
  let least = Infinity;
  for (let round = 0; round < rounds; round++) {
    let passed = 0;
    const start = performance.now();
    // In no order that memory could foresee.
    for (let i = 0; i < requestsARound; i++) if (pass(breakers[(i * 7919) % breakers.length]!)) passed++;
    least = Math.min(least, ((performance.now() - start) * 1e6) / requestsARound);
    if (passed !== requestsARound) throw new Error(`${requestsARound - passed} requests found no room`);
  }
  return least;
}

export function benchWorkers(): void {
  for (const workers of workerCounts) {
    const [one, many] = [1, deployments].map((upstreams) =>
      requestNs(breakersAmong(workers, upstreams)).toFixed(0).padStart(6),
    );
    console.log(
      `breaker of a request, ${String(workers).padStart(2)} workers: one Upstream ${one} ns, uniformly over ${deployments} ${many} ns`,
    );
  }
}
