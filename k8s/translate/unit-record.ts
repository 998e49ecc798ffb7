// Units: the objects that declare Mappings, what is known of each, and what each has read to be translated.
import type { ObjectRef, Problem } from '../../routing/problem.ts';
import type { Refusals } from './allowance.ts';
import type { Configuration } from './ambassador.ts';
import type { Deployment } from './deployment.ts';
import { nothing, type UnitMeaning } from './unit.ts';

/** Something that units read. A unit is in `readers` once, and there while the record is among its reads. */
export class Watched {
  readonly readers: Unit[] = [];
}

/** What a unit declares. Without a configuration, a Deployment is translated by itself. */
export interface Declared {
  readonly deployment: Deployment | null;
  readonly configuration: Configuration | null;
  readonly createdAt: string;
  /** Names in `/seldon/<namespace>/` that it takes. */
  readonly names: readonly string[];
}

export const noNames: readonly string[] = Object.freeze([]);

/** An object that declares Mappings, and all that is known of it. */
export class Unit {
  readonly ref: ObjectRef;
  declared: Declared = nothingDeclared;
  decodeProblems: readonly Problem[] = [];
  meaning: UnitMeaning = nothing;
  reads: readonly Watched[] = [];
  bareNames: readonly string[] = noNames;
  refusals: Refusals | null = null;
  /** Among those that are to be translated. */
  changed = false;
  /** Ids of its Mappings that are published. */
  published: readonly string[] = [];

  constructor(ref: ObjectRef) {
    this.ref = ref;
  }

  get namespace(): string {
    return this.ref.namespace;
  }

  get createdAt(): string {
    return this.declared.createdAt;
  }
}

export const nothingDeclared: Declared = Object.freeze({ deployment: null, configuration: null, createdAt: '', names: Object.freeze([]) });
