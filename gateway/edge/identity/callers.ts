// Callers: the call policy at work in a data worker: who may call which Mapping, and the verifiers of all providers.
import type { Mapping } from "../../../routing/model/mapping.ts";
import { isDeepStrictEqual } from "node:util";
import type { CallPolicy } from "../../callers/call-policy.ts";
import type { Provider } from "../../callers/providers/kinds.ts";
import { admittanceOf, type Admittance } from "../../callers/effective.ts";
import type { CounterBlock } from "../../shared/memory/counters.ts";
import { fixed } from "../../shared/metrics/fixed.ts";
import { PasswordChecks } from "./password-checks.ts";
import type { Verifier, VerifierWorld } from "./verifier.ts";
import { verifierOf } from "./verifiers.ts";

/** A verifier, and the provider that it is of. */
interface Held {
  readonly provider: Provider;
  readonly verifier: Verifier;
}

export class Callers {
  readonly #counters: Pick<CounterBlock, "add">;
  readonly #passwords: PasswordChecks;
  readonly #world: VerifierWorld;
  #policy: CallPolicy | null;
  /** Grows with each policy: what was compiled for an earlier one is compiled anew. */
  version = 0;
  #verifiers = new Map<string, Held>();

  /** null: who may call is not known yet, and nobody may. */
  constructor(policy: CallPolicy | null, world: Omit<VerifierWorld, "passwords">, counters: Pick<CounterBlock, "add">) {
    this.#counters = counters;
    this.#policy = policy;
    this.#passwords = new PasswordChecks(world.clock);
    this.#world = { ...world, passwords: this.#passwords };
  }

  get policy(): CallPolicy | null {
    return this.#policy;
  }

  /** What verifiers remember outlives a policy that says the same of their providers. */
  setPolicy(policy: CallPolicy): void {
    this.#policy = policy;
    this.version += 1;
    const before = this.#verifiers;
    this.#verifiers = new Map();
    for (const [name, { provider, verifier }] of before) {
      const next = Object.hasOwn(policy.providers, name) ? policy.providers[name]! : null;
      if (next === null) continue;
      if (isDeepStrictEqual(provider, next) || verifier.take(next))
        this.#verifiers.set(name, { provider: next, verifier });
    }
  }

  /** Somebody was asked who calls. */
  count(outcome: keyof typeof fixed.identities): void {
    this.#counters.add(fixed.identities[outcome], 1);
  }

  /** New keys of this provider were looked for, and there are none. */
  keysLooked(name: string): void {
    this.#verifiers.get(name)?.verifier.keysLooked();
  }

  close(): void {
    this.#passwords.close();
  }

  admittance({ guard, namespace }: Mapping): Admittance {
    return admittanceOf(guard, namespace, this.#policy);
  }

  /** Made when a Mapping first needs it, and used by all that do. */
  verifierOf(name: string): Verifier {
    const known = this.#verifiers.get(name);
    if (known !== undefined) return known.verifier;
    const provider = this.#policy!.providers[name]!;
    const verifier = verifierOf(name, provider, this.#world);
    this.#verifiers.set(name, { provider, verifier });
    return verifier;
  }

  /** Parameters of a query where any provider looks for a credential; null: it is not known yet which. */
  get parameters(): readonly string[] | null {
    if (this.#policy === null) return null;
    return Object.values(this.#policy.providers).flatMap((provider) =>
      provider.places.flatMap((place) => (place.kind === "query" ? [place.name] : [])),
    );
  }

  /** May the query hold a credential of this provider? */
  readsQuery(name: string): boolean {
    return this.#policy!.providers[name]!.places.some(({ kind }) => kind === "query");
  }
}
