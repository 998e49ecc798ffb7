// Identity: who calls, found by the providers that the Mapping's guard or the policy names. Any of them is enough; what none of them knows goes no
// further.
import { isDeepStrictEqual } from "node:util";
import { fieldNamed } from "../../../routing/request/bytes.ts";
import { failures, type Failure } from "../../failures.ts";
import type { Admittance } from "../../callers/effective.ts";
import type { ExtraFields } from "../message/header-edits.ts";
import { noChange, type HeadChange } from "../message/head-copy.ts";
import { withhold } from "../message/withheld.ts";
import type { Callers } from "../identity/callers.ts";
import type { Admission, Caller, Refused, Verifier } from "../identity/verifier.ts";
import { goOn, requestStep, waits, type Step, type StepRequest, type Verdict } from "./step.ts";

/** Who called, as a model is told it. Nobody else can send it where the policy has it sent. */
export const clientField = "x-sluice-client";

/** `now`: who may call at the moment, which may be others than when the step was made. `told`: the model is told who calls. */
export function identityStep(now: () => Admittance, callers: Callers, told: boolean): Step {
  const admittance = now();
  switch (admittance.kind) {
    case "nobody": {
      const verdict: Verdict = Object.freeze({
        kind: "fail",
        failure: callers.policy === null ? failures.identityUnavailable : failures.nobodyAdmitted,
        detail: "",
      });
      return requestStep("identity", () => verdict);
    }
    case "anybody":
      return requestStep("identity", (request) => {
        if (told) tell(request);
        return goOn;
      });
    case "providers": {
      const verifiers = admittance.names.map((name) => callers.verifierOf(name));
      // Where there is one, its own admissions take them out.
      const vouched = verifiers.length === 1 ? [] : verifiers.flatMap(({ fields }) => fields);
      const identities = new Identities(
        verifiers,
        callers,
        () =>
          isDeepStrictEqual(now(), admittance) &&
          admittance.names.every((name, at) => callers.verifierOf(name) === verifiers[at]),
        told ? [...vouched, clientField] : vouched,
        told,
        admittance.names.map((name, at) => ({ name, fields: verifiers[at]!.fields })),
      );
      const inQuery = admittance.names.some((name) => callers.readsQuery(name));
      return requestStep("identity", (request) => {
        if (inQuery) request.hideQuery();
        return identities.take(request);
      });
    }
  }
}

/** A provider, and the fields that it writes for the model. */
interface NamedFields {
  readonly name: string;
  readonly fields: readonly string[];
}

type Admitted = Extract<Admission, { kind: "admitted" }>;

class Identities {
  readonly #verifiers: readonly Verifier[];
  readonly #callers: Callers;
  /** The same may call as when the step was made. */
  readonly #holds: () => boolean;
  readonly #told: boolean;
  readonly #providers: readonly NamedFields[];
  /** Fields that only providers write. A model takes them for what one of these has said, whichever of them admits. */
  readonly #vouched: readonly string[];
  readonly #missing: Verdict;
  readonly #challenges: ExtraFields;
  /** Where more is said or taken out than the verifier says: what changes of its requests. */
  readonly #changes = new WeakMap<Admitted, HeadChange>();

  constructor(
    verifiers: readonly Verifier[],
    callers: Callers,
    holds: () => boolean,
    vouched: readonly string[],
    told: boolean,
    providers: readonly NamedFields[],
  ) {
    this.#verifiers = verifiers;
    this.#callers = callers;
    this.#holds = holds;
    this.#told = told;
    this.#providers = providers;
    this.#vouched = vouched;
    const all = verifiers.flatMap(({ challenges }) => challenges);
    this.#challenges = extraFields(all);
    const words = all.join(", or ");
    this.#missing = Object.freeze({
      kind: "fail",
      failure: failures.unauthenticated,
      detail: `say who you are (${words})`,
    });
  }

  take(request: StepRequest): Verdict | typeof waits {
    const { earlier } = request;
    const by = earlier === null ? undefined : this.#providers.find(({ name }) => name === earlier.provider);
    return by === undefined ? this.#ask(request, 0, null) : this.#admitAgain(request, earlier!, by);
  }

  /** One of these has admitted it at the Route before. Its fields are said; nobody has said those of the others. */
  #admitAgain(request: StepRequest, caller: Caller, by: NamedFields): Verdict {
    request.admit(caller);
    const others = this.#providers.flatMap(({ fields }) => fields.filter((field) => !by.fields.includes(field)));
    const remove = this.#told ? [...others, clientField] : others;
    if (remove.length > 0)
      request.change({ remove, add: this.#told ? [[clientField, caller.client]] : [], removeParameters: [] });
    return goOn;
  }

  /** Asks the verifiers from this one on; `refusal`: why the one of those before it refused that got furthest. */
  #ask(request: StepRequest, from: number, refusal: Refusal | null): Verdict | typeof waits {
    let why = refusal;
    for (let at = from; at < this.#verifiers.length; at++) {
      const admission = this.#verifiers[at]!.verify(request);
      if (admission instanceof Promise) return this.#await(request, admission, at, why);
      if (admission.kind === "admitted") return this.#admit(request, admission);
      if (admission.kind === "refused") why = further(why, admission, at);
    }
    return this.#refuse(request, why);
  }

  #await(request: StepRequest, admission: Promise<Admission>, at: number, refusal: Refusal | null): typeof waits {
    const resume = request.wait(() => undefined);
    void this.#settle(request, admission, at, refusal).then(resume, () => resume(fault));
    return waits;
  }

  async #settle(
    request: StepRequest,
    first: Promise<Admission>,
    from: number,
    refusal: Refusal | null,
  ): Promise<Verdict> {
    let why = refusal;
    let admission: Admission = await first;
    for (let at = from; ; admission = await this.#verifiers[at]!.verify(request)) {
      // Who may call is not what it was: whoever asks again is asked by what holds now.
      if (!this.#holds()) return this.#refuse(request, { refused: policyChanged, by: -1 });
      if (admission.kind === "admitted") return this.#admit(request, admission);
      if (admission.kind === "refused") why = further(why, admission, at);
      if (++at === this.#verifiers.length) return this.#refuse(request, why);
    }
  }

  #admit(request: StepRequest, admission: Admitted): Verdict {
    request.admit(admission.caller);
    this.#callers.count("admitted");
    const change = this.#vouched.length > 0 ? this.#telling(admission) : admission.change;
    if (change !== null) request.change(change);
    return goOn;
  }

  /** Verifiers give one admission to many requests, and a change that is known already costs less. */
  #telling(admission: Admitted): HeadChange {
    const known = this.#changes.get(admission);
    if (known !== undefined) return known;
    const { remove, add, removeParameters } = admission.change ?? noChange;
    const change = {
      remove: [...remove, ...this.#vouched],
      add: this.#told ? [...add, [clientField, admission.caller.client] as const] : add,
      removeParameters,
    };
    this.#changes.set(admission, change);
    return change;
  }

  #refuse(request: StepRequest, refusal: Refusal | null): Verdict {
    this.#callers.count(refusal === null ? "unauthenticated" : refusal.refused.as);
    if (refusal === null) {
      request.addToAnswer(this.#challenges);
      return this.#missing;
    }
    const { by } = refusal;
    const { as, sentence, challenge, retryAfterSeconds } = refusal.refused;
    // What is wrong with what was shown, and every other way in.
    if (challenge !== null)
      request.addToAnswer(
        extraFields(
          this.#verifiers.flatMap(({ challenges }, at) =>
            at === by ? [challenge, ...challenges.slice(1)] : challenges,
          ),
        ),
      );
    else if (as === "unauthenticated") request.addToAnswer(this.#challenges);
    if (retryAfterSeconds > 0)
      request.addToAnswer({ instead: retryAfter, fields: [["retry-after", String(retryAfterSeconds)]] });
    return { kind: "fail", failure: failureOf[as], detail: sentence };
  }
}

/** Why nobody admits, and by which of the verifiers; −1: none of them. */
interface Refusal {
  readonly refused: Refused;
  readonly by: number;
}

function further(before: Refusal | null, refused: Refused, by: number): Refusal {
  return before !== null && before.refused.got >= refused.got ? before : { refused, by };
}

const policyChanged: Refused = Object.freeze({
  kind: "refused",
  got: 0,
  as: "unavailable",
  sentence: "who may call has just changed: ask again",
  retryAfterSeconds: 1,
  challenge: null,
});
const retryAfter = Object.freeze(["retry-after"]);
const fault: Verdict = Object.freeze({ kind: "fail", failure: failures.fault, detail: "" });
const failureOf: Readonly<Record<Refused["as"], Failure>> = {
  unauthenticated: failures.unauthenticated,
  forbidden: failures.forbidden,
  unavailable: failures.identityUnavailable,
};

function extraFields(values: readonly string[]): ExtraFields {
  return Object.freeze({
    instead: ["www-authenticate"],
    fields: values.map((value) => ["www-authenticate", value] as const),
  });
}

/** Where anybody may call, the caller is who it was before there was a Route, if that was said. */
function tell(request: StepRequest): void {
  const { caller } = request;
  if (caller === null) withholdAll(request);
  else request.change({ remove: [clientField], add: [[clientField, caller.client]], removeParameters: [] });
}

function withholdAll({ head }: StepRequest): void {
  for (let field = fieldNamed(head, clientField, 0); field >= 0; field = fieldNamed(head, clientField, field + 1))
    withhold(head, field);
}
