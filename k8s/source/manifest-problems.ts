// Problems of one manifest file, as many as may be told one by one, and whether a part of it was not read.
import type { Problem, ProblemLevel } from '../../routing/problem.ts';
import { manifestBounds } from './manifest-bounds.ts';

export class ManifestProblems {
  readonly #file: string;
  readonly #problems: Problem[] = [];
  #complete = true;
  /** Problems beyond the bound, and the worst level among them. */
  #untold: { count: number; level: ProblemLevel } = { count: 0, level: 'warning' };

  /** `file`: its name for people. */
  constructor(file: string) {
    this.#file = file;
  }

  /** false: something was refused. */
  get complete(): boolean {
    return this.#complete;
  }

  list(): readonly Problem[] {
    const { count, level } = this.#untold;
    return count === 0 ? this.#problems : [...this.#problems, this.#ofFile(level, 'more-problems', '', `the file has ${count} more Problems, which are not listed; correct those that are`)];
  }

  /** A part of the file that is not served. */
  refuse(code: string, field: string, sentence: string): void {
    this.#complete = false;
    this.report('error', code, field, sentence);
  }

  /** Of the file as a whole, or at a place in it. */
  report(level: ProblemLevel, code: string, field: string, sentence: string): void {
    this.tell(this.#ofFile(level, code, field, sentence));
  }

  #ofFile(level: ProblemLevel, code: string, field: string, sentence: string): Problem {
    return { code, level, subject: { kind: 'File', namespace: '', name: this.#file }, field, sentence };
  }

  tell(problem: Problem): void {
    if (this.#problems.length < manifestBounds.problems) this.#problems.push(problem);
    else this.#untold = { count: this.#untold.count + 1, level: problem.level === 'error' ? 'error' : this.#untold.level };
  }
}
