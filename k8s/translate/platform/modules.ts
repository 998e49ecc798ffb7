// Modules: all that count, and which of them holds for an ambassador-id of the gateway.
import { sameValue } from "../../../routing/text/diff.ts";
import type { FrontSettings } from "../../../routing/model/table-change.ts";
import { compareText, type ObjectRef, type Problem } from "../../../routing/text/problem.ts";
import type { ModuleDocument } from "./module.ts";
import { noDefaults, type MappingDefaults } from "../meaning/module-defaults.ts";
import { objectKey } from "../model/object.ts";
import { strictest } from "./module-front.ts";
import { platformNamespaces } from "./platform.ts";
import type { TranslateSettings } from "../model/translation.ts";

interface Declared extends ModuleDocument {
  readonly ref: ObjectRef;
}

export class Modules {
  readonly #settings: TranslateSettings;
  /** By key of the object that declares them. */
  readonly #declared = new Map<string, readonly Declared[]>();
  #inOrder: readonly Declared[] = [];
  #front: FrontSettings | null = null;

  constructor(settings: TranslateSettings) {
    this.#settings = settings;
  }

  /** The Modules of an object are these now; true: Mappings may mean something else. */
  replace(ref: ObjectRef, modules: readonly ModuleDocument[]): boolean {
    // Of most objects there are none, anywhere.
    if (modules.length + this.#declared.size === 0) return false;
    const key = objectKey(ref);
    if (modules.length === 0 && !this.#declared.has(key)) return false;
    const { ambassadorIds } = this.#settings;
    const defaults = (): readonly MappingDefaults[] => ambassadorIds.map((id) => this.defaultsOf(id));
    const before = defaults();
    if (modules.length === 0) this.#declared.delete(key);
    else
      this.#declared.set(
        key,
        modules.map((one) => ({ ref, ...one })),
      );
    const namespaces = platformNamespaces(this.#settings);
    // Whoever wrote it in the gateway's own namespace comes first; then it is the same on every replica.
    const rank = ({ ref: { namespace } }: Declared): number => namespaces.indexOf(namespace);
    this.#inOrder = [...this.#declared]
      .sort(([a], [b]) => compareText(a, b))
      .flatMap(([, list]) => list)
      .sort((a, b) => rank(a) - rank(b));
    const front = strictest(
      this.#inOrder.filter(({ ids }) => ambassadorIds.some((id) => ids.includes(id))).map((one) => one.front),
    );
    if (!sameValue(front, this.#front)) this.#front = front;
    return !sameValue(before, defaults());
  }

  /** What all of them say of connections and requests; one object until something of it changes. */
  get front(): FrontSettings | null {
    return this.#front;
  }

  /** `noDefaults` where there is none for the id. */
  defaultsOf(id: string): MappingDefaults {
    return this.#inOrder.find(({ ids }) => ids.includes(id))?.defaults ?? noDefaults;
  }

  /** Of several for one id the first counts. */
  *problems(): Iterable<Problem> {
    for (const id of this.#settings.ambassadorIds) {
      const [first, ...others] = this.#inOrder.filter(({ ids }) => ids.includes(id));
      for (const { ref, field } of others) {
        const sentence = `the Module of ${first!.ref.kind} ${first!.ref.namespace}/${first!.ref.name} is for the same ambassador-id, ${id}, and its defaults count instead of these. For keys about every request the strictest Module counts; write all keys in one Module`;
        yield { code: "several-modules", level: "error", subject: ref, field, sentence };
      }
    }
  }
}
