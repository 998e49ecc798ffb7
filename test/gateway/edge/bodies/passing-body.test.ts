// Bodies on their way through any hooks: each hook is told of one end, and sees nothing behind it; the message is told of one end; nothing stays held.
import { expect, test } from "vitest";
import { PassingBody, requestRefusals } from "../../../../gateway/edge/bodies/passing-body.ts";
import { HeldMemory } from "../../../../gateway/edge/io/held-memory.ts";
import type { WorkerContext } from "../../../../gateway/edge/io/worker-context.ts";
import { framed } from "../../../../gateway/edge/message/grpc-message.ts";
import type { BodyHook } from "../../../../gateway/edge/steps/body-hook.ts";
import { failures } from "../../../../gateway/failures.ts";
import { blockBytes, CounterBlock } from "../../../../gateway/shared/memory/counters.ts";
import * as fc from "../../../seeded.ts";

const refused = { kind: "fail", failure: failures.bodyTooLarge, detail: "" } as const;

const hookPlan = fc.record({
  kind: fc.constantFrom("look", "body", "message"),
  maxBytes: fc.constantFrom(1, 5, 3000, 10_000),
  beyond: fc.constantFrom("fail", "pass"),
  /** What it does with a piece or a unit, the last one again and again. */
  says: fc.array(fc.constantFrom("nothing", "nothing", "nothing", "other", "refuse", "throw"), {
    minLength: 1,
    maxLength: 3,
  }),
  endThrows: fc.constantFrom(false, false, false, true),
});

interface Told {
  readonly events: string[];
}

function hookOf({
  kind,
  maxBytes,
  beyond,
  says,
  endThrows,
}: typeof hookPlan extends fc.Arbitrary<infer T> ? T : never): {
  readonly hook: BodyHook;
  readonly told: Told;
} {
  const told: Told = { events: [] };
  let at = 0;
  const next = (): string => {
    const say = says[Math.min(at++, says.length - 1)]!;
    if (say === "throw") throw new Error("planned");
    return say;
  };
  const ended = (end: string): void => {
    told.events.push(`end ${end}`);
    if (endThrows) throw new Error("planned");
  };
  if (kind === "look")
    return {
      told,
      hook: {
        kind,
        piece: () => {
          told.events.push("seen");
          next();
        },
        ended,
      },
    };
  return {
    told,
    hook: {
      kind: "hold",
      unit: kind,
      maxBytes,
      beyond,
      take: (unit) => {
        told.events.push("seen");
        expect(unit.length).toBeLessThanOrEqual(maxBytes);
        const say = next();
        return say === "other" ? Buffer.from("other") : say === "refuse" ? refused : null;
      },
      ended,
    },
  };
}

test("any hooks, any pieces, any end", () => {
  void fc.assert(
    fc.property(
      fc.array(hookPlan, { minLength: 1, maxLength: 4 }),
      fc.array(fc.constantFrom(0, 1, 4, 5, 6, 2999, 9000), { maxLength: 4 }),
      fc.array(fc.nat(20_000), { maxLength: 12 }),
      fc.constantFrom("end", "end", "cut", "end in the middle"),
      fc.boolean(),
      fc.constantFrom(4096, 12_288, 1 << 20),
      (plans, messages, cuts, end, declares, room) => {
        const counters = new CounterBlock(new SharedArrayBuffer(blockBytes()));
        const held = new HeldMemory(counters, room);
        const worker = { held, stepFaulted: () => undefined } as unknown as WorkerContext;
        const hooks = plans.map(hookOf);
        const bytes = Buffer.concat(messages.map((length, at) => framed(0, Buffer.alloc(length, at + 0x61))));
        const out: string[] = [];
        const got: Buffer[] = [];
        const body = new PassingBody(
          worker,
          hooks.map(({ hook }) => hook),
          {
            begin: (length) => out.push(`begin ${length}`),
            body: (piece, from, to) => {
              if (out.at(-1) !== "body") out.push("body");
              got.push(Buffer.from(piece.subarray(from, to)));
            },
            end: () => out.push("end"),
            failed: () => out.push("failed"),
          },
          requestRefusals,
        );
        const last = end === "end in the middle" ? bytes.length >> 1 : bytes.length;
        body.open(true, declares ? last : -1);
        if (body.headWaits) body.headKept(500);
        let at = 0;
        for (const to of [...cuts.map((one) => Math.min(one, last)).toSorted((a, b) => a - b), last]) {
          body.body(bytes, at, to);
          at = to;
        }
        if (end === "cut") body.cut();
        else body.end(null);
        body.cut();
        for (const { told } of hooks) {
          expect(told.events.filter((one) => one.startsWith("end"))).toHaveLength(1);
          expect(told.events.at(-1)).toMatch(/^end/);
        }
        expect(held.hasRoom(room)).toBe(true);
        expect(out.join(" ")).toMatch(/^(begin -?\d+ ?)?(body ?)?(end|failed)?$/);
        const [, length] = /^begin (\d+)/.exec(out[0] ?? "") ?? [];
        if (length !== undefined && out.at(-1) === "end") expect(Buffer.concat(got).length).toBe(Number(length));
        const isPassive = plans.every(({ says, endThrows }) => !endThrows && says.every((say) => say === "nothing"));
        if (isPassive && out.at(-1) === "end") expect(Buffer.concat(got).equals(bytes.subarray(0, last))).toBe(true);
      },
    ),
    { numRuns: 3000 },
  );
});
