// Published Mappings, read as a Map: nobody keeps them, so each is translated again when it is asked for.
import type { Mapping } from "../../../routing/model/mapping.ts";
import type { ObjectGraph } from "./object-graph.ts";
import { refOfMapping } from "../model/object.ts";
import type { Output } from "./output.ts";
import type { Draft } from "../meaning/meaning.ts";
import type { Declarer } from "../declarers/declarer.ts";

export class PublishedMappings implements ReadonlyMap<string, Mapping> {
  readonly #output: Output;
  readonly #graph: ObjectGraph;
  readonly #servedOf: (declarer: Declarer) => readonly Draft[];

  constructor(output: Output, graph: ObjectGraph, servedOf: (declarer: Declarer) => readonly Draft[]) {
    this.#output = output;
    this.#graph = graph;
    this.#servedOf = servedOf;
  }

  get size(): number {
    return this.#output.mappingCount;
  }

  get(id: string): Mapping | undefined {
    const declarer = this.#graph.declarerAt(refOfMapping(id));
    return declarer === null ? undefined : this.#servedOf(declarer).find(({ mapping }) => mapping.id === id)?.mapping;
  }

  has(id: string): boolean {
    const declarer = this.#graph.declarerAt(refOfMapping(id));
    return declarer !== null && this.#output.idsOf(declarer).includes(id);
  }

  *keys(): MapIterator<string> {
    for (const declarer of this.#output.declarers) yield* this.#output.idsOf(declarer);
  }

  *values(): MapIterator<Mapping> {
    for (const declarer of this.#output.declarers) for (const { mapping } of this.#servedOf(declarer)) yield mapping;
  }

  *entries(): MapIterator<[string, Mapping]> {
    for (const mapping of this.values()) yield [mapping.id, mapping];
  }

  [Symbol.iterator](): MapIterator<[string, Mapping]> {
    return this.entries();
  }

  forEach(visit: (value: Mapping, key: string, map: ReadonlyMap<string, Mapping>) => void): void {
    for (const mapping of this.values()) visit(mapping, mapping.id, this);
  }
}
