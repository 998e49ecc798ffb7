// Names that every plain object of JavaScript answers to, in every place where people write: they mean what any other word means there. Each manifest is translated with such a
// name and with a word of the same form that nobody knows, as key and as value; nothing is thrown, the outcome is the same, and it can be sent to a thread.
import { expect, test } from "vitest";
import { knownAnnotations } from "../../../k8s/translate/fields/annotation-names.ts";
import type { SourceObject } from "../../../k8s/translate/model/object.ts";
import { Translator } from "../../../k8s/translate/translator.ts";
import { clusterSettings, noGrant, object } from "./objects.ts";
import { changed, forms, names, wordLike } from "../../prototype-words.ts";
import { mappingFields, platformFields, type Tree } from "./walked-fields.ts";

const settings = { ...clusterSettings, gatewayNamespace: "ops" };

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
      // Near `proto`, and near `value` of a header that is added, which no other word of its form is.
      if (kind === "AuthService" && word === "__proto__") continue;
      if (root.at(-1)?.startsWith("add_") === true && word === "valueOf") continue;
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
