// Report: how whoever reads an object says what is wrong with it; the object is its giver's.
import type { ProblemLevel, ProblemCode } from "../../../routing/text/problem.ts";

/** `field` and `sentence` as in a Problem. */
export type Report = (level: ProblemLevel, code: ProblemCode, field: string, sentence: string) => void;
