// Edits: gathers what objects say otherwise than before, while a change is taken. Bounded: of a large change most objects are only counted.
import type { ObjectRef, Problem } from "../../../routing/text/problem.ts";
import type { EditKind, FieldEdit, ObjectEdit, ObjectEdits } from "../model/edit.ts";
import type { Service } from "../backends/services.ts";
import { differencesOf, partsThatDiffer, type Difference } from "../declarers/declared-edits.ts";
import { nothingDeclared, type Declared, type Declarer } from "../declarers/declarer.ts";
import { percentShown, type ReleaseEntry } from "../model/release.ts";
import type { Backend } from "./backend-records.ts";

/** Objects of one change that are told, at most, and of one namespace. Steps of rollouts have as much room of their own. */
export const maxTold = 64;
export const maxToldOfNamespace = 16;

interface Gathered {
  readonly ref: ObjectRef;
  readonly kind: EditKind;
  readonly differences: readonly Difference[];
  /** Whose Problems say what does not hold; null: it has none of its own. */
  readonly declarer: Declarer | null;
}

/** Endpoints of one Upstream. */
export interface EndpointCounts {
  readonly ready: number;
  readonly terminating: number;
}

export class Edits {
  #gathered: Gathered[] = [];
  #told = nothingTold();
  #more = new Map<string, number>();
  /** Services whose Endpoints are among them: several Upstreams dial one. */
  readonly #backends = new Set<Backend>();

  /** What a declarer will declare now, in place of what it declares. */
  declare(declarer: Declarer, after: Declared, isRemoved: boolean): void {
    const was = isSomething(declarer);
    const is = isSomething(after);
    if (!was && !is) return;
    if (was && is) {
      this.#gather(declarer.ref, "changed", declarer, () => differencesOf(declarer, after));
      return;
    }
    this.#gather(declarer.ref, is ? "created" : isRemoved ? "deleted" : "withdrawn", declarer, noDifferences);
  }

  /** A step of a release. */
  release({ ref }: Declarer, before: ReleaseEntry | null, after: ReleaseEntry | null): void {
    const { kind } = (after ?? before)!;
    // A bandit moves too often to go before what people change.
    this.#gather(ref, kind === "rollout" ? "stepped" : "changed", null, () => {
      const [from, to] = [entryShown(before), entryShown(after)];
      // Why it was there stands in the change before.
      return from === to ? [] : [{ field: kind, problem: null, from: sharesShown(before), to }];
    });
  }

  /** A Service that is another; null: there was or is none. */
  service(ref: ObjectRef, before: Service | null, after: Service | null): void {
    if (before === null || after === null)
      this.#gather(ref, after === null ? "deleted" : "created", null, noDifferences);
    else this.#gather(ref, "changed", null, () => partsThatDiffer(before, after));
  }

  /** A Secret; nothing of what it holds is told. */
  secret(ref: ObjectRef, was: boolean, is: boolean): void {
    if (was && is) this.#gather(ref, "changed", null, () => [{ field: "data", problem: null, from: "", to: "" }]);
    else if (was || is) this.#gather(ref, is ? "created" : "deleted", null, noDifferences);
  }

  endpoints(backend: Backend, before: EndpointCounts, after: EndpointCounts): void {
    if (this.#backends.has(backend)) return;
    const { namespace, name } = backend;
    this.#gather({ kind: "Service", namespace, name }, "changed", null, () => {
      this.#backends.add(backend);
      const [from, to] = [countsShown(before), countsShown(after)];
      return [{ field: "endpoints", problem: null, from, to: from === to ? `${to}, at other addresses` : to }];
    });
  }

  /** What was gathered since the last call. After declarers were translated: their Problems say what does not hold. */
  drain(): ObjectEdits {
    const edits = this.#gathered.map(edited);
    const more = this.#more;
    this.#gathered = [];
    this.#told = nothingTold();
    this.#more = new Map();
    this.#backends.clear();
    return { edits, more };
  }

  #gather(ref: ObjectRef, kind: EditKind, declarer: Declarer | null, compare: () => readonly Difference[]): void {
    const room = this.#told[kind === "stepped" ? "steps" : "others"];
    const told = room.of.get(ref.namespace) ?? 0;
    if (room.all >= maxTold || told >= maxToldOfNamespace) {
      this.#more.set(ref.namespace, (this.#more.get(ref.namespace) ?? 0) + 1);
      return;
    }
    const differences = compare();
    if ((kind === "changed" || kind === "stepped") && differences.length === 0) return;
    room.of.set(ref.namespace, told + 1);
    room.all += 1;
    this.#gathered.push({ ref, kind, differences, declarer });
  }
}

interface Told {
  all: number;
  /** By namespace. */
  readonly of: Map<string, number>;
}

const nothingTold = (): Readonly<Record<"steps" | "others", Told>> => ({
  steps: { all: 0, of: new Map() },
  others: { all: 0, of: new Map() },
});

function edited({ ref, kind, differences, declarer }: Gathered): ObjectEdit {
  const problems = declarer === null ? [] : [...declarer.decodeProblems, ...declarer.problems];
  return { ref, kind, fields: differences.map((one) => fieldEdit(one, problems)) };
}

function fieldEdit({ field, problem, from, to }: Difference, problems: readonly Problem[]): FieldEdit {
  const wrong = problems.find((one) => one.field === problem && one.code === "bad-value");
  return { field, from, to, refused: wrong?.sentence ?? null };
}

function isSomething({ deployment, configuration }: Declared): boolean {
  return deployment !== nothingDeclared.deployment || configuration !== nothingDeclared.configuration;
}

function countsShown({ ready, terminating }: EndpointCounts): string {
  return terminating === 0 ? `${ready} ready` : `${ready} ready, ${terminating} terminating`;
}

/** `canary 5%`, with why it is there. */
function entryShown(entry: ReleaseEntry | null): string {
  return [sharesShown(entry), ...(entry === null || entry.why === "" ? [] : [entry.why])].join(": ");
}

function sharesShown(entry: ReleaseEntry | null): string {
  if (entry === null) return "none";
  return Object.entries(entry.shares)
    .map(([name, percent]) => `${name} ${percentShown(percent)}`)
    .join(", ");
}

const noDifferences = (): readonly Difference[] => none;
const none: readonly Difference[] = Object.freeze([]);
