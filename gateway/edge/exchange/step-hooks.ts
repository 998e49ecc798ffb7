// StepHooks: the hooks by which steps of one request want to see bodies, until whoever passes the bodies on takes them.
import type { WorkerContext } from "../io/worker-context.ts";
import type { BodyHook } from "../steps/body-hook.ts";
import type { Step } from "../steps/step.ts";

export class StepHooks {
  readonly #worker: WorkerContext;
  /** For the request's body, with the steps that asked for them; null: none. */
  #request: { readonly step: Step; readonly hook: BodyHook }[] | null = null;
  /** For the body of the answer whose head has come; null: none. */
  #answer: BodyHook[] | null = null;

  constructor(worker: WorkerContext) {
    this.#worker = worker;
  }

  /** `step` sees the body of the request by `hook`. */
  ofRequest(step: Step, hook: BodyHook): void {
    (this.#request ??= []).push({ step, hook });
  }

  /** The body of the answer is seen by `hook`. */
  ofAnswer(hook: BodyHook): void {
    (this.#answer ??= []).push(hook);
  }

  /** Those for the request's body; null: none. They are not kept here any longer. */
  takeOfRequest(): readonly BodyHook[] | null {
    const asked = this.#request;
    this.#request = null;
    return asked === null ? null : asked.map(({ hook }) => hook);
  }

  /** The same for the answer's body. */
  takeOfAnswer(): readonly BodyHook[] | null {
    const asked = this.#answer;
    this.#answer = null;
    return asked;
  }

  /** Hooks of an earlier Route see nothing of the request, but for those of the step that had this one looked for; `asker` null: no hook does. */
  dropOthers(asker: Step | null): void {
    const asked = this.#request;
    if (asked === null) return;
    const kept = asked.filter(({ step }) => step === asker);
    this.#request = kept.length > 0 ? kept : null;
    for (const { step, hook } of asked) if (step !== asker) this.#tellCut(hook);
  }

  /** No hook sees the answer. */
  cutAnswer(): void {
    for (const hook of this.takeOfAnswer() ?? []) this.#tellCut(hook);
  }

  #tellCut(hook: BodyHook): void {
    try {
      hook.ended("cut", null);
    } catch (error) {
      this.#worker.stepFaulted(error);
    }
  }
}
