// One record in a ConfigMap of the gateway's namespace: watched by its name, written over the version that was read and no other.
import type { ObjectRef } from "../../../routing/text/problem.ts";
import { recordExcess } from "../../translate/values/record-text.ts";
import { fieldOf, isRecord, recordOf, textOf } from "../../translate/values/value.ts";
import type { StoredForm } from "../objects/last-good.ts";
import type { RecordStore, RecordWrite, StoredRecord } from "../objects/source.ts";
import type { Api } from "../api/api.ts";
import { ClusterObject } from "./cluster-object.ts";
import { Reflector, type ReflectorOptions } from "./reflector.ts";
import { configMaps } from "./resources.ts";
import { writeOutcome } from "./write-outcome.ts";

const dataKey = "record";
const idleMs = 10_000;

export class RecordConfigMap implements RecordStore {
  readonly subject: ObjectRef;
  readonly #api: Api;
  readonly #reflector: Reflector;
  readonly #stopping = new AbortController();
  #told: (stored: StoredRecord) => void = () => {};
  #shown = "";
  #restored = false;

  /** `changed`: what is known of it changed. */
  constructor(subject: ObjectRef, options: Pick<ReflectorOptions, "api" | "times" | "random">, changed: () => void) {
    this.subject = subject;
    this.#api = options.api;
    const tell = (): void => {
      this.#tell();
      changed();
    };
    this.#reflector = new Reflector(
      { ...options, resource: configMaps, namespace: subject.namespace, name: subject.name },
      { changed: tell, stateChanged: tell },
    );
  }

  follow(told: (stored: StoredRecord) => void): void {
    this.#told = told;
  }

  start(): void {
    this.#reflector.start();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#reflector.stop();
  }

  /** It is known what is stored, or that this may not be known. */
  get settled(): boolean {
    return this.#reflector.answered || this.#reflector.state.kind !== "starting";
  }

  /** What was known when the API server was last there. */
  restore(stored: readonly StoredForm[]): void {
    if (this.#reflector.answered) return;
    this.#reflector.preload(
      stored
        .filter(
          ({ ref }) =>
            ref.kind === configMaps.kind && ref.namespace === this.subject.namespace && ref.name === this.subject.name,
        )
        .map((form) => new ClusterObject(form)),
    );
    this.#restored = true;
    this.#tell();
  }

  /** For the objects that are kept on disk. */
  get stored(): Iterable<StoredForm> {
    return this.#reflector.objects.values();
  }

  async write(text: string, over: string | null): Promise<RecordWrite> {
    const excess = recordExcess(text);
    if (excess !== null) return { kind: "failed", sentence: excess };
    const { namespace, name } = this.subject;
    const collection = `/api/v1/namespaces/${namespace}/configmaps`;
    const metadata = {
      name,
      namespace,
      labels: { "app.kubernetes.io/managed-by": "sluice" },
      ...(over === null ? {} : { resourceVersion: over }),
    };
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { [dataKey]: text } };
    const request =
      over === null
        ? ({ method: "POST", path: collection } as const)
        : ({ method: "PUT", path: `${collection}/${name}` } as const);
    return writeOutcome(await this.#api.ask({ ...request, body, idleMs, signal: this.#stopping.signal }));
  }

  #tell(): void {
    const stored = this.#stored();
    if (stored === null) return;
    const shown = JSON.stringify(stored);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#told(stored);
  }

  /** null: nothing is known yet. */
  #stored(): StoredRecord | null {
    const { state, answered, objects } = this.#reflector;
    if (state.kind === "forbidden")
      return { kind: "unreadable", sentence: `it may not be read: ${state.sentence}; grant list and watch of it` };
    if (!answered && !this.#restored)
      return state.kind === "behind" ? { kind: "unreadable", sentence: `it cannot be read: ${state.sentence}` } : null;
    const [object] = objects.values();
    if (object === undefined)
      return answered
        ? { kind: "absent" }
        : {
            kind: "unreadable",
            sentence: "the API server has not answered since the start, and it is not in the snapshot",
          };
    const { metadata, data } = recordOf(object.object);
    const version = textOf(fieldOf(recordOf(metadata), "resourceVersion"));
    const text = fieldOf(recordOf(data), dataKey);
    if (typeof text === "string") return { kind: "text", text, version };
    const isEmpty = !isRecord(data) || Object.keys(data).length === 0;
    return isEmpty
      ? { kind: "text", text: "", version }
      : { kind: "unreadable", sentence: `it holds other data than "${dataKey}", so it is not ours` };
  }
}
