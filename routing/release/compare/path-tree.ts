// Where a value stands in an answer, and what the rules say of it there: one node for each path that answers of a deployment have had.
// Indexes of arrays are no part of a path, so that all numbers of a tensor are compared at one.
import { cutText } from "./cut-text.ts";
import { plainRules, type CompareRules, type PathTolerance } from "./rules.ts";

/** Paths of one comparison that are remembered; values at others are compared, too. */
export const maxPathNodes = 100;
/** Characters of a name in a path, and of a path. One with more is remembered by no node. */
export const maxNameLength = 80;
export const maxPathLength = 200;
/**
 * Rules that names of one answer, beyond those that are remembered, are looked up among, all together: 2,700 names of the whole answer by default.
 * Each takes up to 0.1 µs; without this bound one pair took 50 s.
 */
export const maxLookups = 30_000;

type Said = "ignored" | "unordered" | "redacted" | PathTolerance;

interface PathRule {
  readonly names: readonly string[];
  readonly said: Said;
}

/** How far along a rule's path a node is. */
interface Along {
  readonly rule: PathRule;
  /** Names that have come. */
  readonly count: number;
}

export class PathNode {
  readonly #name: string;
  readonly #above: PathNode | null;
  readonly #tree: PathTree;
  readonly #isKept: boolean;
  readonly #along: readonly Along[];
  readonly #children = new Map<string, PathNode>();
  #path: string | null = null;
  readonly ignored: boolean;
  readonly unordered: boolean;
  readonly redacted: boolean;
  /** null: none is written. */
  readonly absolute: number | null;
  readonly relative: number | null;
  /** Where differences of this node count. Names below a redacted value may be values themselves: they count at the topmost redacted node. */
  readonly counted: PathNode;
  /** Numbers that differ here by more than the tolerance, and by how much at most. */
  numbersApart = 0;
  maxDifference = 0;
  /** Pairs of answers that differ here. */
  pairsApart = 0;
  /** Number of the last of these pairs. */
  #lastApart = -1;

  /** `above` null: the whole answer. */
  constructor(tree: PathTree, name: string, above: PathNode | null) {
    this.#tree = tree;
    this.#name = name;
    this.#above = above;
    const parts = name.includes(".") ? name.split(".", tree.mostParts) : null;
    this.#along =
      above === null
        ? tree.pathRules.map((rule) => ({ rule, count: 0 }))
        : above.#along.flatMap((along) => furtherAlong(along, name, parts));
    const said = this.#along.filter(({ rule, count }) => count === rule.names.length).map(({ rule }) => rule.said);
    const tolerances = said.filter((one) => typeof one !== "string");
    this.ignored = above?.ignored === true || said.includes("ignored");
    this.unordered = said.includes("unordered");
    this.redacted = above?.redacted === true || said.includes("redacted");
    this.absolute =
      tolerances.findLast(({ absolute }) => absolute !== null)?.absolute ?? above?.absolute ?? tree.rules.absolute;
    this.relative =
      tolerances.findLast(({ relative }) => relative !== null)?.relative ?? above?.relative ?? tree.rules.relative;
    this.counted = above?.redacted === true ? above.counted : this;
    // What is below a node that serves one comparison serves that one, too.
    this.#isKept = above === null || (above.#isKept && tree.keep(this, name, above.path));
  }

  /** "" is the whole answer. */
  get path(): string {
    if (this.#above === null) return "";
    const name = cutText(this.#name, maxNameLength);
    return (this.#path ??= this.#above.#above === null ? name : `${this.#above.path}.${name}`);
  }

  child(name: string): PathNode {
    const known = this.#children.get(name) ?? this.#tree.passing.get(this)?.get(name);
    if (known !== undefined) return known;
    if (!this.#tree.lookUp(1 + this.#along.length)) return beyond;
    const node = new PathNode(this.#tree, name, this);
    if (node.#isKept) this.#children.set(name, node);
    else this.#tree.passing.getOrInsertComputed(this, () => new Map()).set(name, node);
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
  readonly pathRules: readonly PathRule[];
  /** Parts of a name with dots that are looked at: one more than a rule has names. */
  readonly mostParts: number;
  readonly root: PathNode;
  readonly nodes: PathNode[] = [];
  /** Paths beyond the bound came. */
  overflowed = false;
  /** Children that serve this one comparison, by what they are below. */
  readonly passing = new Map<PathNode, Map<string, PathNode>>();
  #lookups = 0;

  constructor(rules: CompareRules) {
    this.rules = rules;
    const ruleOf = (path: string, said: Said): PathRule => ({ names: path.split("."), said });
    this.pathRules = [
      ...rules.ignored.map((path) => ruleOf(path, "ignored")),
      ...rules.unordered.map((path) => ruleOf(path, "unordered")),
      ...rules.redacted.map((path) => ruleOf(path, "redacted")),
      ...rules.byPath.map((one) => ruleOf(one.path, one)),
    ];
    this.mostParts = 1 + Math.max(0, ...this.pathRules.map(({ names }) => names.length));
    this.root = new PathNode(this, "", null);
    this.nodes.push(this.root);
  }

  /** The comparison is over: what is not remembered is gone. */
  forget(): void {
    this.passing.clear();
    this.#lookups = 0;
  }

  /** False: too many names came since `forget`. */
  lookUp(rules: number): boolean {
    this.#lookups += rules;
    return !this.isSpent;
  }

  /** Names came that no rule was looked up for. They are ignored, and redacted. */
  get isSpent(): boolean {
    return this.#lookups > maxLookups;
  }

  /** False: the node serves this one comparison. */
  keep(node: PathNode, name: string, above: string): boolean {
    const isKept =
      this.nodes.length < maxPathNodes &&
      name.length <= maxNameLength &&
      above.length + 1 + name.length <= maxPathLength;
    this.overflowed ||= !isKept;
    return isKept && this.nodes.push(node) > 0;
  }
}

/** Every name that no rule was looked up for. */
const beyond = new PathTree({ ...plainRules, ignored: ["*"], redacted: ["*"] }).root.child("");

/** Looks names up as a comparison does. */
export function lookUpNames(node: PathNode, value: unknown): void {
  if (typeof value !== "object" || value === null || node.ignored) return;
  if (Array.isArray(value)) for (const one of value as readonly unknown[]) lookUpNames(node, one);
  else for (const [name, one] of Object.entries(value)) lookUpNames(node.child(name), one);
}

/**
 * A name with dots is one name of a rule, or several: a rule cannot tell them apart. What is redacted is so with all that is below it, so there the
 * name may have more parts than the rule. `parts` null: it has no dots.
 */
function furtherAlong({ rule, count }: Along, name: string, parts: readonly string[] | null): readonly Along[] {
  const further: Along[] = [];
  const { names, said } = rule;
  const left = names.length - count;
  const isNext = (one: string, ahead: number): boolean => {
    const next = names[count + ahead];
    return next === "*" || next === one;
  };
  if (left === 0) return further;
  if (isNext(name, 0)) further.push({ rule, count: count + 1 });
  const compared = said === "redacted" ? parts?.slice(0, left) : parts;
  if (compared?.every(isNext) === true) further.push({ rule, count: count + compared.length });
  return further;
}
