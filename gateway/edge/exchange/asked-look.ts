// AskedLook: the look by which a step wants to see the body of its request, until whoever passes the body on takes it.
import { SeenBody } from "../bodies/seen-body.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import type { BodyLook } from "../steps/body-look.ts";
import type { Step } from "../steps/step.ts";

export class AskedLook {
  readonly #worker: WorkerContext;
  /** null: none. */
  #asked: { readonly step: Step; readonly look: BodyLook } | null = null;

  constructor(worker: WorkerContext) {
    this.#worker = worker;
  }

  /** One step of a request sees its body: one that asks in vain fails, as a step that throws. */
  ask(step: Step, look: BodyLook): void {
    if (this.#asked !== null) throw new Error("a step sees the body of this request already");
    this.#asked = { step, look };
  }

  /** null: none. It is not kept here any longer. */
  take(): BodyLook | null {
    const asked = this.#asked;
    this.#asked = null;
    return asked === null ? null : asked.look;
  }

  /** The look of a step of an earlier Route sees nothing of the request, but that of the step that had this one looked for; `asker` null: none does. */
  dropOthers(asker: Step | null): void {
    const asked = this.#asked;
    if (asked === null || asked.step === asker) return;
    this.#asked = null;
    new SeenBody(this.#worker, asked.look).ended("cut", null);
  }
}
