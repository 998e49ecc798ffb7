// Referenced Secrets: each is watched by its name, so that the gateway's role can name them and nothing else of a namespace's Secrets is seen.
import { performance } from "node:perf_hooks";
import type { Problem } from "../../../routing/text/problem.ts";
import type { CollectionChange } from "./collection.ts";
import { problemsOf } from "./cluster-problems.ts";
import { Reflector, type ReflectorListener, type ReflectorOptions } from "./reflector.ts";
import { secrets as resource } from "./resources.ts";

/** Most Secrets that are watched: each takes a connection. */
const maxSecrets = 256;

export class ReferencedSecrets {
  readonly #options: Pick<ReflectorOptions, "api" | "times" | "random">;
  readonly #listener: ReflectorListener;
  readonly #reflectors = new Map<string, Reflector>();
  #passedOver: readonly string[] = [];

  constructor(options: Pick<ReflectorOptions, "api" | "times" | "random">, listener: ReflectorListener) {
    this.#options = options;
    this.#listener = listener;
  }

  /** `wanted`: all, as `namespace/name`. Those that nobody names any more are forgotten. */
  follow(wanted: ReadonlySet<string>): void {
    for (const [key, reflector] of this.#reflectors) {
      if (wanted.has(key)) continue;
      this.#reflectors.delete(key);
      void reflector.stop();
      const gone = new Map([...reflector.objects.keys()].map((object) => [object, null]));
      if (gone.size > 0) this.#listener.changed(gone, performance.timeOrigin + performance.now());
    }
    const passedOver: string[] = [];
    for (const key of wanted) {
      if (this.#reflectors.has(key)) continue;
      if (this.#reflectors.size >= maxSecrets) passedOver.push(key);
      else this.#watch(key);
    }
    this.#passedOver = passedOver.sort();
  }

  /** Each has been read, or cannot be. */
  get settled(): boolean {
    return [...this.#reflectors.values()].every(({ answered, state }) => answered || state.kind !== "starting");
  }

  problems(server: string): readonly Problem[] {
    const problems = [...this.#reflectors.values()].flatMap((reflector) => problemsOf(reflector, server));
    const [first] = this.#passedOver;
    if (first !== undefined) {
      problems.push({
        code: "over-limit",
        level: "error",
        subject: { kind: "Resource", namespace: "", name: "secrets" },
        field: "",
        sentence: `Sluice watches ${maxSecrets} Secrets at most, so it does not read ${this.#passedOver.length} more, ${first} first, and TLS that needs them is not served; name fewer`,
      });
    }
    return problems;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#reflectors.values()].map((reflector) => reflector.stop()));
  }

  #watch(key: string): void {
    const [namespace, name] = key.split("/", 2) as [string, string];
    const reflector: Reflector = new Reflector(
      { ...this.#options, resource, namespace, name },
      {
        // One that is not wanted any more has nothing to say.
        changed: (change: CollectionChange, readAtMs) => {
          if (this.#reflectors.get(key) === reflector) this.#listener.changed(change, readAtMs);
        },
        stateChanged: () => this.#listener.stateChanged(),
      },
    );
    this.#reflectors.set(key, reflector);
    reflector.start();
  }
}
