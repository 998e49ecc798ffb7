// Benchmark of limits of rate: what the step costs a request, of one client again and again and of 100,000 in turn.
import { CounterBlock, blockBytes } from "../../gateway/shared/memory/counters.ts";
import { clientFacts } from "../../gateway/edge/message/client-facts.ts";
import type { WorkerContext } from "../../gateway/edge/io/worker-context.ts";
import { compileLimit } from "../../gateway/edge/limits/compiled-limit.ts";
import { Limiter } from "../../gateway/edge/limits/limiter.ts";
import { rateLimitStep } from "../../gateway/edge/steps/rate-limit.ts";
import { goOn, type StepRequest } from "../../gateway/edge/steps/step.ts";
import { limitMemory } from "../../gateway/shared/memory/limit-memory.ts";
import { parseLimits } from "../../routing/model/rate-limit.ts";
import { frontWith } from "../../test/gateway/fixtures.ts";

const clients = 100_000;
const requestsPerRound = 10_000;
const rounds = 300;

/** Least ns of one request over many short rounds. Each must go on. */
function stepNs(text: string, requests: readonly StepRequest[]): number {
  const read = parseLimits(text);
  if (read.kind === "wrong") throw new Error(read.reason);
  const memory = limitMemory(clients, 0, [1, 2]);
  const worker = {
    nowMs: 0,
    counters: new CounterBlock(new SharedArrayBuffer(blockBytes())),
  } as unknown as WorkerContext;
  const step = rateLimitStep(
    read.limits.map((limit) =>
      compileLimit(limit, { namespace: "prod", object: "SeldonDeployment prod/iris" }, memory),
    ),
    new Limiter(memory, 0, worker, null),
  );
  let least = Infinity;
  for (let round = 0; round < rounds; round++) {
    worker.nowMs += 10_000;
    let passed = 0;
    const start = performance.now();
    for (let at = 0; at < requestsPerRound; at++)
      if (step.take(requests[(round * requestsPerRound + at) % requests.length]!) === goOn) passed += 1;
    least = Math.min(least, ((performance.now() - start) * 1e6) / requestsPerRound);
    if (passed !== requestsPerRound) throw new Error(`${requestsPerRound - passed} requests were refused`);
  }
  return least;
}

const front = frontWith(0);
const fromAddress = (index: number): StepRequest =>
  ({
    facts: clientFacts(`10.${index >>> 16}.${(index >>> 8) & 255}.${index & 255}`, null, front),
    caller: null,
  }) as unknown as StepRequest;
const fromClient = (index: number): StepRequest => ({
  ...fromAddress(1),
  caller: { provider: "corp", client: `client-${index}` },
});

export function benchRateLimits(): void {
  const one = [fromAddress(1)];
  const addresses = Array.from({ length: clients }, (_, index) => fromAddress((index * 7919) % clients));
  const callers = Array.from({ length: clients }, (_, index) => fromClient((index * 7919) % clients));
  for (const [name, text, requests] of [
    ["of the deployment as a whole", "1000000/s", one],
    ["per address, one", "1000000/s per address", one],
    ["per address, 100,000 in turn", "1000000/s per address", addresses],
    ["per client, 100,000 in turn", "1000000/s per client", callers],
    ["of both, 100,000 in turn", "1000000/s; 1000000/h per address", addresses],
  ] as const) {
    console.log(`limit of rate ${name}: ${stepNs(text, requests).toFixed(0)} ns a request`);
  }
}
