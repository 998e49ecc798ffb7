import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { CORE_SCHEMA, dump, loadAll, mergeTag } from "js-yaml";
import { describe, expect, test } from "vitest";
import { splitDocuments } from "../../../../k8s/source/objects/documents.ts";
import { plainCharacters, readPlainYaml } from "../../../../k8s/source/manifest/plain-yaml.ts";
import { deploymentManifest, plainSplit, serviceManifests } from "../../../../load/peers/manifests.ts";

const schema = CORE_SCHEMA.withTags(mergeTag);
const root = join(import.meta.dirname, "..", "..", "..", "..");

/** The documents of all manifests that are here. */
const corpus: readonly string[] = ["test/golden", "k8s/examples", "gateway/demo"]
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.ya?ml$/.test(name))
      .map((name) => join(root, folder, name)),
  )
  .flatMap((file) => [...splitDocuments(readFileSync(file, "utf8"))].map(({ text }) => text));

/** What js-yaml reads; null: an error. */
function slowly(text: string): readonly unknown[] | null {
  try {
    return loadAll(text, { schema, maxDepth: 100 });
  } catch {
    return null;
  }
}

/** Nothing else than js-yaml reads, the order of keys too. true: it was read. */
function isRead(text: string): boolean {
  const value = readPlainYaml(text);
  if (value === undefined) return false;
  const documents = slowly(text);
  expect({ text, documents }).toEqual({ text, documents: [value] });
  expect(JSON.stringify(value)).toBe(JSON.stringify(documents![0]));
  return true;
}

test("manifests are plain, nearly all of them", () => {
  const plain = corpus.filter(isRead);
  expect(corpus.length).toBeGreaterThan(500);
  expect(plain.length / corpus.length).toBeGreaterThan(0.9);
});

test("manifests as the harness of load writes them are plain", () => {
  const deployment = {
    index: 1,
    namespace: "team",
    name: "m",
    prefix: "",
    main: { host: "127.0.0.1", port: 1 },
    canary: { host: "127.0.0.1", port: 2 },
  };
  const text =
    deploymentManifest(deployment, plainSplit) +
    serviceManifests("m-main", "team", deployment.main) +
    serviceManifests("m-canary", "team", null);
  expect([...splitDocuments(text)].map(({ text: document }) => isRead(document))).toEqual([
    true,
    true,
    true,
    true,
    true,
  ]);
});

/** Pieces of YAML, for wrong places. */
const pieces = [
  " ",
  "  ",
  "\n",
  "\n\n",
  ":",
  ": ",
  "- ",
  "-",
  "#",
  " #",
  " # c\n",
  '"',
  "'",
  "{",
  "}",
  "[",
  "]",
  ",",
  "|",
  "|\n",
  "|-\n",
  ">\n",
  "&a ",
  "*a",
  "!!str ",
  "---\n",
  "...\n",
  "\t",
  "\r",
  "\\",
  "? ",
  "%",
  "@",
  "`",
  "=",
  "://",
  " :",
  "x:",
  "~",
  "null",
  "true",
  "False",
  "yes",
  "1",
  "-1",
  "+1",
  "007",
  "-0",
  "0x1",
  "0o7",
  "1e3",
  ".5",
  ".inf",
  "-.INF",
  ".nan",
  "12345678901234567890",
  "é",
  "\uFEFF",
  '""',
  "''",
  "'it''s'",
  "a b",
  "<<: ",
  "__proto__: 1\n",
  "a: b",
  "a: b\n",
  "  a: b\n",
  "    x\n",
  "key:\n",
  "- a: 1\n  b: 2\n",
  "- - a",
  "{a: 1}",
  "{a: }",
  "[1, 2]",
  "[a: 1]",
  "[1, ]",
];

test("no slip of a hand is read differently", () => {
  const edit = fc.record({
    what: fc.constantFrom("cut", "line away", "indent", "outdent", "line again", "piece"),
    at: fc.nat(4000),
    to: fc.nat(4000),
    piece: fc.constantFrom(...pieces),
  });
  let read = 0;
  fc.assert(
    fc.property(fc.constantFrom(...corpus), fc.array(edit, { minLength: 1, maxLength: 4 }), (document, edits) => {
      if (isRead(edits.reduce(edited, document))) read += 1;
    }),
    { numRuns: 5000 },
  );
  expect(read).toBeGreaterThan(500);
});

function edited(
  text: string,
  { what, at, to, piece }: { what: string; at: number; to: number; piece: string },
): string {
  const place = at % (text.length + 1);
  const lines = text.split("\n");
  const line = at % lines.length;
  switch (what) {
    case "cut":
      return text.slice(0, place) + text.slice(place + 1 + (to % 4));
    case "line away":
      return lines.toSpliced(line, 1).join("\n");
    case "indent":
      return lines.with(line, " ".repeat(1 + (to % 3)) + lines[line]!).join("\n");
    case "outdent":
      return lines.with(line, lines[line]!.slice(1 + (to % 2))).join("\n");
    case "line again":
      return lines.toSpliced(to % lines.length, 0, lines[line]!).join("\n");
    default:
      return text.slice(0, place) + piece + text.slice(place);
  }
}

test("whatever js-yaml writes is read as it was", () => {
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom(...pieces),
      fc.string(),
      fc.integer(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      tie("list"),
      tie("map"),
    ),
    list: fc.array(tie("value"), { maxLength: 4 }),
    map: fc.dictionary(fc.oneof(fc.constantFrom("name", "a/b.c", "null", "True", "1"), fc.string()), tie("value"), {
      maxKeys: 4,
    }),
  })).map;
  const style = fc.record({
    flowLevel: fc.constantFrom(-1, 0, 1, 2),
    indent: fc.constantFrom(1, 2, 4),
    lineWidth: fc.constantFrom(-1, 40),
  });
  fc.assert(
    fc.property(value, style, (given, how) => void isRead(dump(given, how))),
    { numRuns: 3000 },
  );
});

describe("what is left to js-yaml", () => {
  test.each([
    ["nothing", ""],
    ["a comment", "# a\n"],
    ["no value", "---\n"],
    ["text", "a\n"],
    ["a second document", "a: 1\n---\nb: 1\n"],
    ["a directive", "%YAML 1.2\n---\na: 1\n"],
    ["an anchor", "a: &x 1\n"],
    ["an alias", "a: *x\n"],
    ["a tag", "a: !!str 1\n"],
    ["a merge", "<<: {}\n"],
    ["a folded text", "a: >\n  b\n"],
    ["text in two lines", "a: b\n  c\n"],
    ["a key twice", "a: 1\na: 2\n"],
    ["a key twice in brackets", "a: { b: 1, b: 2 }\n"],
    ["a key that is no text", "true: 1\n"],
    ["__proto__", "__proto__: 1\n"],
    ["a tab", "a:\tb\n"],
    ["a carriage return", "a: b\r\n"],
    ["another alphabet", "a: ä\n"],
    ["an escape", 'a: "\\n"\n'],
    ["a doubled quote", "a: 'b''c'\n"],
    ["a quote that goes on", 'a: "b\n  c"\n'],
    ["brackets that go on", "a: [1,\n  2]\n"],
    ["a comma too many", "a: [1, ]\n"],
    ["a pair in a list", "a: [b: 1]\n"],
    ["no value in brackets", "a: { b: }\n"],
    ["a colon in text", "a: b: c\n"],
    ["a comment without space", 'a: "b"#c\n'],
    ["another column", "a:\n   b: 1\n  c: 1\n"],
  ])("%s", (_, text) => {
    expect(readPlainYaml(text)).toBeUndefined();
  });

  test("more than 50 levels, and more brackets than 40", () => {
    const lines = (levels: number): string =>
      Array.from({ length: levels }, (_, level) => `${" ".repeat(level)}a:\n`).join("");
    expect(isRead(lines(50))).toBe(true);
    expect(isRead(lines(51))).toBe(false);
    expect(isRead(`a: ${"[".repeat(40)}${"]".repeat(40)}`)).toBe(true);
    expect(isRead(`a: ${"[".repeat(41)}${"]".repeat(41)}`)).toBe(false);
  });

  test("longer documents", () => {
    const text = (characters: number): string => `a: ${"b".repeat(characters - 3)}`;
    expect(isRead(text(plainCharacters))).toBe(true);
    expect(isRead(text(plainCharacters + 1))).toBe(false);
  });
});
