// A kept answer: its text within a bound, without the values that rules redact.
import { readAnswer, type CapturedAnswer } from "./answer.ts";
import { bytesText } from "./bytes-text.ts";
import { cutText } from "./cut-text.ts";
import { PathTree, type PathNode } from "./path-tree.ts";
import type { CompareRules } from "./rules.ts";

/** Characters of a kept answer. */
export const maxKeptLength = 4096;

/** For people: JSON, or what it is where it cannot be read. Nothing of a body that cannot be read is kept where something is redacted. */
export function keptAnswer(answer: CapturedAnswer, isGrpc: boolean, path: string, rules: CompareRules): string {
  const read = readAnswer(answer, isGrpc, path);
  if (read.kind === "tree") {
    const tree =
      rules.redacted.length === 0 ? read.tree : redactedTree(new PathTree(rules).root, read.tree, "redacted");
    return cutText(textOf(tree), maxKeptLength);
  }
  if (rules.redacted.length > 0) return `(an answer that ${read.reason}; rules redact it)`;
  return cutText(bytesText(answer.body.subarray(0, maxKeptLength)), maxKeptLength);
}

function textOf(tree: unknown): string {
  try {
    return JSON.stringify(tree) ?? "";
  } catch {
    // It has a number beyond 2^53.
    return JSON.stringify(tree, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
  }
}

/** `instead` stands in place of each value that rules redact. */
function redactedTree(node: PathNode, value: unknown, instead: string): unknown {
  if (node.redacted) return instead;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return (value as readonly unknown[]).map((one) => redactedTree(node, one, instead));
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, redactedTree(node.child(key), one, instead)]),
  );
}
