// All parts of a list of one gateway, as one list.
import type { Shape } from "../../api/shape.ts";
import { askBounds, askFor, type Answer, type AskBounds, type Question } from "./ask.ts";
import type { Gateway } from "./gateway.ts";

/** Of all parts together. */
export const listBounds: AskBounds = { answerMs: 60_000, answerBytes: 256 * 1024 * 1024 };

/** As many parts as 200,000 items of several replicas are. */
const maxParts = 1000;

interface Part {
  readonly items?: unknown;
  readonly continue?: unknown;
}

/** The value of an answer; of a list the first part with the items of all. `question`: of the part that `continue` names; null: of the first. Never rejects. */
export async function askList(
  gateway: Gateway,
  question: (more: string | null) => Question,
  shape: Shape,
  bounds = listBounds,
): Promise<Answer<unknown>> {
  const untilMs = performance.now() + bounds.answerMs;
  let [more, bytesLeft]: [string | null, number] = [null, bounds.answerBytes];
  let items: readonly unknown[] = [];
  for (let parts = 1; ; parts++) {
    const answer = await askFor(gateway, question(more), shape, {
      answerMs: Math.max(1, Math.min(askBounds.answerMs, Math.floor(untilMs - performance.now()))),
      answerBytes: Math.min(askBounds.answerBytes, bytesLeft),
    });
    if (answer.kind === "failed") return answer;
    const part = answer.value as Part;
    if (!Array.isArray(part.items)) return answer;
    items = items.concat(part.items);
    const next = part.continue;
    if (typeof next !== "string") return { ...answer, value: { ...part, items } };
    bytesLeft -= answer.bytes;
    if (parts === maxParts || next === more || bytesLeft <= 0 || performance.now() > untilMs)
      return {
        kind: "failed",
        sentence: `the list of ${gateway.name} does not end, or is too long: write -n NAMESPACE for a part of it`,
      };
    more = next;
  }
}
