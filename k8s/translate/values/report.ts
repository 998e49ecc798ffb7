// Report: how a reader of an object reports its faults; the object is its giver's.
import type { ProblemLevel, ProblemCode } from "../../../routing/text/problem.ts";

/** `field` and `sentence` as in a Problem. */
export type Report = (level: ProblemLevel, code: ProblemCode, field: string, sentence: string) => void;
