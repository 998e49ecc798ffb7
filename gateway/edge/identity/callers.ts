// Callers: the call policy at work in a data worker: who may call which Mapping, and the verifiers of all providers.
import type { Mapping } from '../../../routing/mapping.ts';
import type { CallPolicy, Provider } from '../../callers/call-policy.ts';
import { admittanceOf } from '../../callers/effective.ts';
import type { Admittance } from '../../callers/effective.ts';
import { ApiKeysVerifier } from './api-keys.ts';
import type { Verifier } from './verifier.ts';

export class Callers {
  #policy: CallPolicy | null;
  /** Grows with each policy: what was compiled for an earlier one is compiled anew. */
  version = 0;
  #verifiers = new Map<string, Verifier>();

  /** null: who may call is not known yet, and nobody may. */
  constructor(policy: CallPolicy | null) {
    this.#policy = policy;
  }

  get policy(): CallPolicy | null {
    return this.#policy;
  }

  setPolicy(policy: CallPolicy): void {
    this.#policy = policy;
    this.version += 1;
    this.#verifiers = new Map();
  }

  admittance({ guard, namespace }: Mapping): Admittance {
    return admittanceOf(guard, namespace, this.#policy);
  }

  /** Made when a Mapping first needs it, and used by all that do. */
  verifierOf(name: string): Verifier {
    const known = this.#verifiers.get(name);
    if (known !== undefined) return known;
    const made = verifierOf(name, this.#policy!.providers[name]!);
    this.#verifiers.set(name, made);
    return made;
  }

  /** May the query hold a credential of this provider? */
  readsQuery(name: string): boolean {
    return this.#policy!.providers[name]!.places.some(({ kind }) => kind === 'query');
  }
}

function verifierOf(name: string, provider: Provider): Verifier {
  switch (provider.kind) {
    case 'api-keys':
      return new ApiKeysVerifier(name, provider);
  }
}
