// Names that every plain object of JavaScript answers to, in every place where people write: they mean what any other word means there. Each manifest is translated with such a
// name and with a word of the same form that nobody knows, as key and as value; nothing is thrown, the outcome is the same, and it can be sent to a thread.
import { expect, test } from "vitest";
import { knownAnnotations } from "../../../k8s/translate/fields/annotation-names.ts";
import type { SourceObject } from "../../../k8s/translate/model/object.ts";
import { Translator } from "../../../k8s/translate/translator.ts";
import { clusterSettings, noGrant, object } from "./objects.ts";
import { mappingFields, platformFields, type Tree } from "./walked-fields.ts";

const names = ["constructor", "__proto__", "hasOwnProperty", "toString"];
const settings = { ...clusterSettings, gatewayNamespace: "ops" };

/** A word of the same length, letters and signs that is nobody's. */
const wordLike = (name: string): string => name.replaceAll(/[a-z]/g, "q").replaceAll(/[A-Z]/g, "Q");

/** Values as people write them, around a word. */
const forms: readonly ((word: string) => unknown)[] = [
  (word) => word,
  (word) => [word],
  (word) => own(word, "1"),
  (word) => own(word, own(word, [word])),
  (word) => `1${word}`,
  (word) => `${word} 1`,
  (word) => `every 1${word}`,
  (word) => `p99 ≤ 1${word}`,
  (word) => `${word}: 1${word}`,
  (word) => `by ${word}; ${word}=1, x=${word}`,
];

/** An own property, `__proto__` too. */
function own(key: string, value: unknown): Tree {
  return JSON.parse(`{${JSON.stringify(key)}:${JSON.stringify(value)}}`) as Tree;
}

/** The tree with a value in place of each that stands at `root` or below, and beside each. */
function* changed(tree: Tree, root: readonly string[], word: string, form: (word: string) => unknown): Iterable<Tree> {
  const at = (path: readonly string[]): unknown => path.reduce<unknown>((value, step) => (value as Tree)[step], tree);
  for (const path of [root, ...pathsOf(at(root), root)]) {
    yield put(tree, path, form(word));
    const map = at(path);
    if (typeof map === "object" && map !== null && !Array.isArray(map))
      yield put(tree, path, JSON.parse(withKey(JSON.stringify(map), word, form(word))));
  }
}

/** The text of a map with one more key, which is a key also where it is `__proto__`. */
function withKey(map: string, key: string, value: unknown): string {
  return `${map.slice(0, -1)}${map === "{}" ? "" : ","}${JSON.stringify(key)}:${JSON.stringify(value)}}`;
}

function* pathsOf(value: unknown, path: readonly string[] = []): Iterable<readonly string[]> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, below] of Object.entries(value)) {
    yield [...path, key];
    yield* pathsOf(below, [...path, key]);
  }
}

function put(tree: unknown, [step, ...below]: readonly string[], value: unknown): Tree {
  if (step === undefined) return value as Tree;
  const copy = structuredClone(tree) as Tree;
  copy[step] = put(copy[step], below, value);
  return copy;
}

/** Without a text that is cut, perhaps within the word. */
const withoutCut = (sentence: string): string => sentence.replace(/^.*\.\.\./s, "");

/** What the gateway makes of an object, with `word` as WORD. */
function outcomeOf(source: SourceObject, word: string): string {
  const translator = new Translator({
    ...settings,
    grants: [{ ...noGrant, namespace: "ops", prefixes: ["/"], gateway: true }],
  });
  translator.apply({ set: [source], removed: [] });
  const { settings: table, mappings, hosts, upstreams, problems } = translator.current();
  const outcome = structuredClone({
    table,
    mappings: [...mappings.values()],
    hosts,
    upstreams: [...upstreams.values()],
    guards: [...translator.guards()],
    // The digest of its text is another, of course.
    releases: Array.from(translator.plannedReleases(), (release) => ({ ...release, text: "" })),
    problems: problems
      .map(({ code, level, field, sentence }) => [level, code, field, withoutCut(sentence)].join(" "))
      .toSorted(),
  });
  return JSON.stringify(outcome).replaceAll(new RegExp(word, "gi"), "WORD");
}

function expectSame(kind: string, name: string, tree: Tree, root: readonly string[], version?: string): void {
  const failures: string[] = [];
  for (const form of forms)
    for (const word of names) {
      // Near `proto`, which no other word of its form is.
      if (kind === "AuthService" && word === "__proto__") continue;
      const other = wordLike(word);
      const others = [...changed(tree, root, other, form)];
      for (const [at, one] of [...changed(tree, root, word, form)].entries()) {
        const text = JSON.stringify(one);
        try {
          const outcome = outcomeOf(object(kind, name, text, version), word);
          const expected = outcomeOf(object(kind, name, JSON.stringify(others[at]), version), other);
          if (outcome !== expected) failures.push(text);
        } catch (error) {
          failures.push(`${text}: ${String(error)}`);
        }
      }
    }
  expect(failures.slice(0, 5)).toEqual([]);
}

test.each(Object.entries(platformFields))("in a %s", (kind, spec) => {
  expectSame(kind, `ops/${kind === "Module" ? "ambassador" : "one"}`, { spec }, ["spec"], "getambassador.io/v2");
});

test.each(Object.entries(mappingFields))("in the field %s of a Mapping", (name, [value, beside = {}]) => {
  const spec = { prefix: "/m/", service: "model", ...beside, [name]: value };
  expectSame("Mapping", "ops/one", { spec }, ["spec", name]);
});

const deployment = {
  metadata: { annotations: { "example.com/other": "1" } },
  spec: { predictors: [{ name: "main", graph: { name: "c" }, annotations: {} }] },
};

test.each([...knownAnnotations])("in the annotation %s", (name) => {
  const metadata = { annotations: { [name]: "1" } };
  expectSame("SeldonDeployment", "ops/one", { ...deployment, metadata }, ["metadata", "annotations", name]);
});

test.each(["metadata", "spec"])("in %s of a SeldonDeployment", (part) => {
  expectSame("SeldonDeployment", "ops/one", deployment, [part]);
});
