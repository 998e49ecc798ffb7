// The fuzzer: seeded bytes of HTTP/1.1 and HTTP/2 against a real gateway process from both of its sides and at its admin port, with FIN, RST and waits at any
// position, and a canary beside it. A hang, a restart, a lost canary, a request upstream that is not clean, an answer that is none or a leak ends
// it with exit code 1 and the numbers of the cases that were under way.
//
//   npm run fuzz                                    some two minutes: a fixed seed and number of cases
//   npm run fuzz -- --minutes 60                    an hour, a seed of its own
//   npm run fuzz -- --seed S --from N --cases 1     one case again
//
// First of all, and in each round of a run of minutes, it looks what each reader costs (`costs.ts`).
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { caseOf, runCase } from "./clients.ts";
import { costFault } from "./costs.ts";
import { Stage } from "./stage.ts";

const casesInCi = 17_000;
/** Between two looks at what is left. */
const roundCases = 4000;
/** More at once wait for the machine, not for each other. */
const concurrency = 12;
/** Cases before a fault that may have made it. */
const suspectCases = 200;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    from: { type: "string" },
    cases: { type: "string" },
    minutes: { type: "string" },
  },
});
const minutes = Number(values.minutes ?? 0);
const seed = Number(values.seed ?? (minutes > 0 ? Date.now() % 1_000_000_000 : 20_261_122));
const from = Number(values.from ?? 0);
const cases = Number(values.cases ?? (minutes > 0 ? Infinity : casesInCi));
const untilMs = minutes > 0 ? performance.now() + minutes * 60_000 : Infinity;

/** Plays cases `[first, first + count)`, `width` at once; gives the first fault and the number after the last case begun. */
async function round(
  stage: Stage,
  first: number,
  count: number,
  width: number,
): Promise<{ readonly fault: string | null; readonly next: number }> {
  let next = first;
  let fault: string | null = null;
  const runner = async (): Promise<void> => {
    while (next < first + count && fault === null) {
      const number = next++;
      const wrong = await runCase(stage.ports, caseOf(seed, number), stage.moments);
      if (wrong !== null) fault ??= `case ${number}: ${wrong}`;
      fault ??= stage.fault;
    }
  };
  await Promise.all(Array.from({ length: width }, runner));
  return { fault: fault ?? (await stage.settled()), next };
}

/** Which of the suspects makes a fault alone? */
async function narrowed(first: number, next: number): Promise<string> {
  let stage = await Stage.start(seed);
  const settled = await stage.settled();
  if (settled !== null) return `none: ${settled}`;
  for (let number = next - 1; number >= first; number--) {
    const { fault } = await round(stage, number, 1, 1);
    if (fault === null) continue;
    await stage.close();
    return `case ${number} alone does it: ${fault}\n${stepsOf(number)}\n`;
  }
  await stage.close();
  return `no case of ${first} to ${next - 1} does it alone\n`;
}

function stepsOf(number: number): string {
  const { protocol, secure, proxied, script } = caseOf(seed, number);
  return [
    `${protocol}, ${secure ? "TLS" : "plain"}${proxied === null ? "" : `, behind ${JSON.stringify(proxied.header.toString("latin1"))}`}`,
    ...script.map(
      (step) =>
        `  ${step.kind} ${step.kind === "write" ? JSON.stringify(step.bytes.subarray(0, 2000).toString("latin1")) : step.kind === "wait" ? step.event : ""}`,
    ),
  ].join("\n");
}

async function costs(told: (line: string) => void): Promise<string | null> {
  const fault = await costFault(stage, told);
  if (fault !== null) isCost = true;
  return fault ?? (await stage.settled());
}

let isCost = false;
const stage = await Stage.start(seed);
const own = monitorEventLoopDelay();
own.enable();
process.stdout.write(
  `fuzz: seed ${seed}, ${cases === Infinity ? `${minutes} minutes` : `${cases} cases`} from ${from}\n`,
);
// What a process opens once is open after this.
let { fault, next } = await round(stage, from, Math.min(cases, 200), concurrency);
let first = from;
fault ??= await costs((line) => void process.stdout.write(`cost: ${line}\n`));
while (fault === null && next < from + cases && performance.now() < untilMs) {
  first = next;
  ({ fault, next } = await round(stage, next, Math.min(roundCases, from + cases - next), concurrency));
  if (minutes > 0) fault ??= await costs(() => undefined);
  process.stdout.write(
    `fuzz: ${next - from} cases, ${stage.canary.answered} canaries, the slowest in ${Math.round(stage.canary.slowestMs)} ms, ${stage.adminCanary.answered} of the admin port, the slowest in ${Math.round(stage.adminCanary.slowestMs)} ms, ${Math.round(stage.residentBytes / 1e6)} MB resident\n`,
  );
}
await stage.close();
if (fault !== null) {
  process.stdout.write(
    `fuzz: FAULT, seed ${seed}, cases ${first} to ${next - 1}: ${fault} (the fuzzer's own loop stood still for ${Math.round(own.max / 1e6)} ms at most)\n`,
  );
  if (next - from > 1 && !isCost) process.stdout.write(await narrowed(Math.max(first, next - suspectCases), next));
  process.exit(1);
}
process.stdout.write(`fuzz: ${next - from} cases, ${stage.canary.answered} canaries answered, no fault\n`);
process.exit(0);
