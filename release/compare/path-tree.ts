// Where a value stands in an answer, and what the rules say of it there: one node for each path that answers of a deployment have had.
// Indexes of arrays are no part of a path, so that all numbers of a tensor are compared at one.
import type { CompareRules } from "./rules.ts";

/** Paths of one comparison that are remembered; values at others are compared, too. */
export const maxPathNodes = 256;
/** Characters of a name in a path. */
const maxNameLength = 80;

export class PathNode {
  /** "" is the whole answer. */
  readonly path: string;
  readonly #names: readonly string[];
  readonly #tree: PathTree;
  readonly #children = new Map<string, PathNode>();
  readonly ignored: boolean;
  readonly unordered: boolean;
  readonly redacted: boolean;
  readonly absolute: number;
  readonly relative: number;
  /** Numbers that were compared here. */
  numbers = 0;
  /** Of them, those beyond the tolerance. */
  numbersApart = 0;
  sumDifference = 0;
  maxDifference = 0;
  /** Pairs of answers that differ here. */
  pairsApart = 0;
  /** Number of the last of these pairs. */
  #lastApart = -1;

  constructor(tree: PathTree, names: readonly string[], above: PathNode | null) {
    const { rules } = tree;
    this.#tree = tree;
    this.#names = names;
    this.path = names.join(".");
    const isNamed = (paths: readonly string[]): boolean => paths.some((path) => matches(path, names));
    this.ignored = above?.ignored === true || isNamed(rules.ignored);
    this.unordered = isNamed(rules.unordered);
    this.redacted = above?.redacted === true || isNamed(rules.redacted);
    const said = rules.byPath.filter(({ path }) => matches(path, names));
    this.absolute = said.findLast(({ absolute }) => absolute !== null)?.absolute ?? above?.absolute ?? rules.absolute;
    this.relative = said.findLast(({ relative }) => relative !== null)?.relative ?? above?.relative ?? rules.relative;
  }

  child(name: string): PathNode {
    const known = this.#children.get(name);
    if (known !== undefined) return known;
    const cut = name.length > maxNameLength ? `${name.slice(0, maxNameLength - 1)}…` : name;
    const node = new PathNode(this.#tree, [...this.#names, cut], this);
    // Beyond the bound it serves this one comparison.
    if (this.#tree.keep(node)) this.#children.set(name, node);
    return node;
  }

  /** This pair differs here. True: it is the first time of this pair. */
  apart(pair: number): boolean {
    if (this.#lastApart === pair) return false;
    this.#lastApart = pair;
    this.pairsApart += 1;
    return true;
  }
}

export class PathTree {
  readonly rules: CompareRules;
  readonly root: PathNode;
  readonly nodes: PathNode[] = [];
  /** Paths beyond the bound came. */
  overflowed = false;

  constructor(rules: CompareRules) {
    this.rules = rules;
    this.root = new PathNode(this, [], null);
    this.nodes.push(this.root);
  }

  keep(node: PathNode): boolean {
    this.overflowed ||= this.nodes.length >= maxPathNodes;
    return this.nodes.length < maxPathNodes && this.nodes.push(node) > 0;
  }
}

function matches(path: string, names: readonly string[]): boolean {
  const parts = path.split(".");
  return parts.length === names.length && parts.every((part, at) => part === "*" || part === names[at]);
}
