// Benchmark of steps that see bodies: what the way of one answer through its exchange costs, head, one piece of 1 kB and end, where no step looks at
// bodies, and where one does. Client and upstream are left out: the whole of an answer takes some microseconds more.
import { ExchangeAnswer } from "../../gateway/edge/exchange/exchange-answer.ts";
import type { ExchangeEnds, ExchangeState } from "../../gateway/edge/exchange/exchange-state.ts";
import { StepRun } from "../../gateway/edge/exchange/step-run.ts";
import type { StepFacts, StepOwner } from "../../gateway/edge/exchange/step-owner.ts";
import { RequestIds } from "../../gateway/edge/fields/request-id.ts";
import { HeldMemory } from "../../gateway/edge/io/held-memory.ts";
import type { WorkerContext } from "../../gateway/edge/io/worker-context.ts";
import type { WireRequestHead } from "../../gateway/edge/message/request-head.ts";
import { ResponseHead } from "../../gateway/edge/message/response-head.ts";
import { AnswerEdits } from "../../gateway/edge/policy/answer-edits.ts";
import type { BodyHook } from "../../gateway/edge/steps/body-hook.ts";
import { goOn, type Step } from "../../gateway/edge/steps/step.ts";
import { CounterBlock, blockBytes } from "../../gateway/shared/memory/counters.ts";

const answersPerRound = 10_000;
const rounds = 200;
const piece = Buffer.alloc(1024, "x");

const nothing = (): void => undefined;
const look: BodyHook = { kind: "look", piece: nothing, ended: nothing };
const hold: BodyHook = {
  kind: "hold",
  unit: "body",
  maxBytes: 65_536,
  beyond: "fail",
  take: () => null,
  ended: nothing,
};

function stepWith(hook: BodyHook | null): Step {
  return {
    name: "bench",
    take: () => goOn,
    answered: (_head, request) => (hook === null ? undefined : request.seeAnswerBody(hook)),
    ended: null,
  };
}

/** Least ns of one answer over many short rounds. `step` null: its Mapping has none. */
function answerNs(step: Step | null): number {
  const counters = new CounterBlock(new SharedArrayBuffer(blockBytes()));
  const worker = { nowMs: 0, counters, held: new HeldMemory(counters, 1 << 20) } as unknown as WorkerContext;
  const edits = new AnswerEdits();
  let passedBytes = 0;
  const state = {
    worker,
    edits,
    steps:
      step === null
        ? null
        : new StepRun(worker, new RequestIds(), edits, { stepsPassed: nothing } as unknown as StepOwner),
    times: { responseStarted: false, lastByteMs: 0 },
    record: { code: 0, fromModel: false, responseBytes: 0 },
    compiled: { requestId: false },
    grpc: false,
    requestDone: true,
    answer: {
      head: nothing,
      body: (_bytes: Buffer, start: number, end: number) => (passedBytes += end - start),
      end: nothing,
    },
  } as unknown as ExchangeState;
  const answer = new ExchangeAnswer(state, { count: nothing, fail: nothing } as unknown as ExchangeEnds);
  const head = new ResponseHead();
  let least = Infinity;
  for (let round = 0; round < rounds; round++) {
    passedBytes = 0;
    const start = performance.now();
    for (let at = 0; at < answersPerRound; at++) {
      head.status = 200;
      head.framing = "length";
      head.contentLength = piece.length;
      state.record.responseBytes = 0;
      if (step !== null) state.steps!.begin([step], null as unknown as WireRequestHead, null as unknown as StepFacts);
      answer.head(head, 0);
      answer.body(piece, 0, piece.length);
      answer.end(null);
      if (step !== null) {
        (answer as { drop?: () => void }).drop?.();
        state.steps!.end({ code: 200, failure: null }, state.modelEnd);
      }
    }
    least = Math.min(least, ((performance.now() - start) * 1e6) / answersPerRound);
    if (passedBytes !== answersPerRound * piece.length) throw new Error("some of an answer was lost");
  }
  return least;
}

export function benchBodies(): void {
  for (const [name, step] of [
    ["no step", null],
    ["a step that does not look at bodies", stepWith(null)],
    ["a step that looks", stepWith(look)],
    ["a step that holds the whole body", stepWith(hold)],
  ] as const) {
    console.log(`answer of 1 kB, ${name}: ${answerNs(step).toFixed(0)} ns`);
  }
}
