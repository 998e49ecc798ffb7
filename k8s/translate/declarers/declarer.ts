// Declarers: the objects that declare Mappings, what is known of each, and what each has read to be translated.
import type { ObjectRef, Problem } from "../../../routing/text/problem.ts";
import { usesAllowance, type Refusals } from "./usage.ts";
import type { Configuration } from "../documents/documents.ts";
import type { Deployment } from "../model/deployment.ts";
import { listOf, type Few } from "../collections/few.ts";
import { shadowsWithoutLiveRoute } from "./shadow-slashes.ts";
import type { PlannedRelease } from "../model/release.ts";
import { toldOf } from "../values/told-problems.ts";
import { nothing, type Choice, type ObjectMeaning } from "../meaning/meaning.ts";

/** Something that declarers read. */
export class Watched {
  /** A declarer is here once, and while the record is among its reads. */
  readers: Few<Declarer> = null;
}

/** What a declarer declares. Without a configuration, a Deployment is translated by itself. */
export interface Declared {
  readonly deployment: Deployment | null;
  readonly configuration: Configuration | null;
  readonly createdAt: string;
  /** Names in `/seldon/<namespace>/` that it takes. */
  readonly names: Few<string>;
}

/** An object that declares Mappings, and all that is kept of it. */
export class Declarer implements Declared {
  readonly ref: ObjectRef;
  deployment: Deployment | null = null;
  configuration: Configuration | null = null;
  createdAt = "";
  names: Few<string> = null;
  decodeProblems: readonly Problem[] = noProblems;
  /** null: it was let go once it was published, and what it declares is translated again on request. */
  meaning: ObjectMeaning | null = nothing;
  /** Of its meaning. */
  problems: readonly Problem[] = noProblems;
  /** What it asks for; null: nothing. */
  release: PlannedRelease | null = null;
  /** Predictors whose Service is not there. */
  absent: readonly Choice[] = noChoices;
  reads: readonly Watched[] = noReads;
  bareNames: Few<string> = null;
  refusals: Refusals | null = null;
  /** Among those that are to be translated. */
  changed = false;

  constructor(ref: ObjectRef) {
    this.ref = ref;
  }

  get namespace(): string {
    return this.ref.namespace;
  }

  declares({ deployment, configuration, createdAt, names }: Declared): void {
    this.deployment = deployment;
    this.configuration = configuration;
    this.createdAt = createdAt;
    this.names = names;
  }

  /** Takes what it means: as a whole until `letGo`. */
  means(meaning: ObjectMeaning): void {
    const { problems, choices } = meaning;
    this.meaning = meaning;
    this.release = meaning.release;
    this.problems = problems.length === 0 ? noProblems : toldOf(problems);
    this.absent = choices.every(({ exists }) => exists) ? noChoices : choices.filter(({ exists }) => !exists);
  }

  /** What it means is published. */
  letGo(): void {
    if (this.isPlain) this.meaning = null;
  }

  /** Nothing beyond its object decides about what it means, but who holds the bare names in it. So of all that is gone. */
  get isPlain(): boolean {
    return this.meaning === nothing || (this.refusals === null && this.meaning !== null && !isKept(this.meaning));
  }

  /** Names that it takes, as a list. */
  get takenNames(): readonly string[] {
    return listOf(this.names);
  }
}

/** Meanings that are compared with those of other declarers: of what is asked about requests, what uses an allowance or makes a claim, and of shadows without a live Mapping. */
function isKept(meaning: ObjectMeaning): boolean {
  return (
    meaning.services.length > 0 ||
    usesAllowance(meaning) ||
    meaning.drafts.some(({ standing }) => standing.kind === "claim") ||
    shadowsWithoutLiveRoute(meaning.drafts).length > 0
  );
}

export const nothingDeclared: Declared = Object.freeze({
  deployment: null,
  configuration: null,
  createdAt: "",
  names: null,
});

const noProblems: readonly Problem[] = Object.freeze([]);
const noChoices: readonly Choice[] = Object.freeze([]);
const noReads: readonly Watched[] = Object.freeze([]);
