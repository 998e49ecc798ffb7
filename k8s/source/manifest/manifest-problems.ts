// Problems of one manifest file, as many as may be told one by one, and whether a part of it was not read.
import type { Problem, ProblemLevel, ProblemCode } from "../../../routing/text/problem.ts";
import { manifestBounds } from "./manifest-bounds.ts";

/** What is told, in the order found. Of a refusal: what is wrong, and what to write, between which stands what stays served. */
type Told =
  | { readonly kind: "problem"; readonly problem: Problem }
  | {
      readonly kind: "refusal";
      readonly code: ProblemCode;
      readonly field: string;
      readonly wrong: string;
      readonly remedy: string;
    };

export class ManifestProblems {
  readonly #file: string;
  readonly #told: Told[] = [];
  #refused = 0;
  /** Problems beyond the bound, and the worst level among them. */
  #untold: { count: number; level: ProblemLevel } = { count: 0, level: "warning" };

  /** `file`: its name for people. */
  constructor(file: string) {
    this.#file = file;
  }

  /** Refusals so far. */
  get refused(): number {
    return this.#refused;
  }

  /** false: something was refused. */
  get complete(): boolean {
    return this.#refused === 0;
  }

  /** `staysServed`: objects of an earlier reading are, in the place of what was refused. */
  list(staysServed: boolean): readonly Problem[] {
    const stays = staysServed ? ", and its last good form stays" : "";
    const problems = this.#told.map((one) =>
      one.kind === "problem"
        ? one.problem
        : this.#ofFile("error", one.code, one.field, `${one.wrong}${stays}; ${one.remedy}`),
    );
    const { count, level } = this.#untold;
    if (count > 0)
      problems.push(
        this.#ofFile(
          level,
          "more-problems",
          "",
          `the file has ${count} more Problems, which are not listed; correct those that are`,
        ),
      );
    return problems;
  }

  /** A part of the file that is not served: what is `wrong`, ending with what comes of it, and the `remedy`. */
  refuse(code: ProblemCode, field: string, wrong: string, remedy: string): void {
    this.#refused += 1;
    this.#tell("error", { kind: "refusal", code, field, wrong, remedy });
  }

  /** Of the file as a whole, or at a place in it. */
  report(level: ProblemLevel, code: ProblemCode, field: string, sentence: string): void {
    this.tell(this.#ofFile(level, code, field, sentence));
  }

  #ofFile(level: ProblemLevel, code: ProblemCode, field: string, sentence: string): Problem {
    return { code, level, subject: { kind: "File", namespace: "", name: this.#file }, field, sentence };
  }

  tell(problem: Problem): void {
    this.#tell(problem.level, { kind: "problem", problem });
  }

  #tell(level: ProblemLevel, told: Told): void {
    if (this.#told.length < manifestBounds.problems) this.#told.push(told);
    else this.#untold = { count: this.#untold.count + 1, level: level === "error" ? "error" : this.#untold.level };
  }
}
