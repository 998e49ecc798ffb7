// Published Mappings, read as a Map: nobody keeps them, so each is translated again when it is asked for.
import type { Mapping } from "../../../routing/model/mapping.ts";
import type { ObjectGraph } from "./object-graph.ts";
import { refOfMapping } from "../model/object.ts";
import type { Output } from "./output.ts";
import type { Draft } from "../meaning/meaning.ts";
import type { Unit } from "../units/unit.ts";

export class PublishedMappings implements ReadonlyMap<string, Mapping> {
  readonly #output: Output;
  readonly #graph: ObjectGraph;
  readonly #servedOf: (unit: Unit) => readonly Draft[];

  constructor(output: Output, graph: ObjectGraph, servedOf: (unit: Unit) => readonly Draft[]) {
    this.#output = output;
    this.#graph = graph;
    this.#servedOf = servedOf;
  }

  get size(): number {
    return this.#output.mappingCount;
  }

  get(id: string): Mapping | undefined {
    const unit = this.#graph.unitAt(refOfMapping(id));
    return unit === null ? undefined : this.#servedOf(unit).find(({ mapping }) => mapping.id === id)?.mapping;
  }

  has(id: string): boolean {
    const unit = this.#graph.unitAt(refOfMapping(id));
    return unit !== null && this.#output.idsOf(unit).includes(id);
  }

  *keys(): MapIterator<string> {
    for (const unit of this.#output.units) yield* this.#output.idsOf(unit);
  }

  *values(): MapIterator<Mapping> {
    for (const unit of this.#output.units) for (const { mapping } of this.#servedOf(unit)) yield mapping;
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
