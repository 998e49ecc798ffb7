// Platform objects in files that cannot be read: at a start, when nobody knows what they said, they close what they may have closed, and a file that can be read again opens it.
import { describe, expect, test } from "vitest";
import { parseManifest } from "../../../k8s/source/manifest/manifest.ts";
import { Translator } from "../../../k8s/translate/translator.ts";
import { clusterSettings, contentOf, object, service } from "./objects.ts";

const settings = { ...clusterSettings, gatewayNamespace: "models" };
const neighbour = [
  ...service("models/x"),
  object("Mapping", "models/neighbour", 'spec: {prefix: /seldon/models/x/, service: "x:8000", labels: {a: [{b: c}]}}'),
];

function served(text: string, file = "guards.yaml"): { readonly text: string; readonly errors: readonly string[] } {
  const { objects, problems } = parseManifest(Buffer.from(text), { file, defaultNamespace: "models", lastGood: [] });
  const translator = new Translator(settings);
  translator.apply({ set: [...neighbour, ...objects], removed: [] });
  const { problems: _problems, ...rest } = contentOf(translator.current()) as Readonly<Record<string, unknown>> & {
    readonly problems: readonly unknown[];
  };
  return {
    text: JSON.stringify({ ...rest, hosts: translator.current().hosts }),
    errors: [...problems, ...translator.current().problems]
      .filter(({ level }) => level === "error")
      .map(({ sentence }) => sentence),
  };
}

const open = served("").text;
const specs = {
  AuthService: "auth_service: auth.default:3000",
  RateLimitService: "service: limits.default:5000",
  Host: "hostname: '*'",
  Module: "config: {}",
};

describe.each(Object.entries(specs))("%s", (kind, spec) => {
  const name = kind === "Module" ? "ambassador" : "guard";
  const head = `apiVersion: getambassador.io/v2\nkind: ${kind}\n`;

  test.each([
    ["a key twice", `${head}metadata: {name: ${name}}\nspec: {${spec}}\nspec: {${spec}}\n`],
    ["no YAML", `${head}metadata: {name: ${name}}\nspec: {${spec}\n`],
    ["a misspelt kind", `apiVersion: getambassador.io/v2\nknid: ${kind}\nmetadata: {name: ${name}}\nspec: {${spec}}\n`],
    ["no usable name", `${head}metadata: {name: Not/usable}\nspec: {${spec}}\n`],
    [
      "beside a good one",
      `${head}metadata: {name: ${name}}\nspec: {${spec}}\n---\n${head}metadata: {name: b}\nspec: {\n`,
    ],
  ])("%s closes", (_what, text) => {
    const { text: content, errors } = served(text);
    expect(content).not.toBe(open);
    expect(errors).toContainEqual(
      expect.stringContaining(`the file seems to hold an object of kind ${kind}, which cannot be read, so`),
    );
  });

  test("its like in JSON", () => {
    const { errors } = served(`{"apiVersion": "getambassador.io/v2", "kind": "${kind}", "metadata": {`, "guards.json");
    expect(errors).toContainEqual(expect.stringContaining(`the file seems to hold an object of kind ${kind}`));
  });
});

test("a document without a guard closes nothing, and a part of a List that is read stands for itself", () => {
  expect(served("apiVersion: v1\nkind: Service\nkind: Service\n").text).toBe(open);
  const list = (items: string): string => `{apiVersion: v1, kind: List, items: [${items}]}`;
  const auth = `{apiVersion: getambassador.io/v2, kind: AuthService, metadata: {name: a}, spec: {auth_service: "a.default:3000"}}`;
  const { text, errors } = served(list(`${auth}, {apiVersion: v1, kind: Service, metadata: {name: No/name}}`));
  expect(text).toBe(served(auth).text);
  expect(errors.filter((sentence) => sentence.includes("seems to hold"))).toEqual([]);
});
