// The forms of `check` that other programs read: SARIF by its schema, XML and YAML by parsers, GitHub's commands by their grammar.
import AjvDraft04 from "ajv-draft-04";
import * as fc from "fast-check";
import { load } from "js-yaml";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { SaxesParser } from "saxes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { githubText } from "../../../gateway/tools/check/github.ts";
import { junitText } from "../../../gateway/tools/check/junit.ts";
import type { Report } from "../../../gateway/tools/check/report.ts";
import { sarifValues } from "../../../gateway/tools/check/sarif.ts";
import { placeOfField, placeOfOrigin } from "../../../k8s/source/read.ts";
import { fieldAt, originAt } from "../../../k8s/source/objects/manifest-place.ts";
import { compareText } from "../../../routing/text/problem.ts";
import { visibleLines } from "../../../routing/text/visible.ts";
import { runTool, type Ran } from "./run-tool.ts";

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-formats-"));
  mkdirSync(at("manifests"));
  const documents = [
    deployment("good"),
    deployment("bad", "{ sluice.io/traffic: x }"),
    deployment("differing", '{ seldon.io/ambassador-retries: "40" }'),
    deployment("others", "{ seldon.io/ambassador-id: other }"),
    deployment("ignored", '{ seldon.io/ambassador-retries: "99" }'),
    "apiVersion: getambassador.io/v3alpha1\nkind: Listener\nmetadata: { name: l, namespace: prod }\n",
    "replicas: 1\n",
  ];
  writeFileSync(at("manifests/all.yaml"), documents.join("---\n"));
});

afterAll(() => rmSync(folder, { recursive: true }));

function deployment(name: string, annotations = "{}"): string {
  return `apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: { name: ${name}, namespace: prod, annotations: ${annotations} }\nspec: { predictors: [{ name: main, graph: { name: c } }] }\n`;
}

const checked = (...argv: string[]): Promise<Ran> => runTool("check", at("manifests"), ...argv);

const schemas = join(dirname(createRequire(import.meta.url).resolve("@microsoft/jest-sarif")), "schemas");
const validate = new AjvDraft04.default({
  strict: false,
  unicodeRegExp: false,
  formats: { uri: (text) => URL.canParse(text), "uri-reference": true, "date-time": true },
}).compile(JSON.parse(readFileSync(join(schemas, "sarif-2.1.0-rtm.5.json"), "utf8")) as object);

interface Sarif {
  readonly runs: readonly {
    readonly tool: {
      readonly driver: { readonly rules: readonly { readonly id: string; readonly helpUri?: string }[] };
    };
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly level: string;
      readonly locations: readonly { readonly physicalLocation?: unknown }[];
    }[];
  }[];
}

/** Elements of strict XML, with their attributes and texts. */
function elementsOf(
  xml: string,
): readonly { readonly name: string; readonly attributes: Readonly<Record<string, string>>; text: string }[] {
  const elements: { name: string; attributes: Readonly<Record<string, string>>; text: string }[] = [];
  const open: (typeof elements)[number][] = [];
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes }) => {
    const element = { name, attributes, text: "" };
    elements.push(element);
    open.push(element);
  });
  parser.on("text", (text) => {
    if (open.length > 0) open.at(-1)!.text += text;
  });
  parser.on("closetag", () => open.pop());
  parser.write(xml).close();
  return elements;
}

test("the exit code is the same in every form", async () => {
  for (const form of ["text", "json", "yaml", "github", "sarif", "junit"]) {
    expect([form, (await checked("-o", form)).code]).toEqual([form, 1]);
    expect([form, (await checked("-o", form, "--ignore", "bad-value")).code]).toEqual([form, 0]);
  }
  expect((await checked("-o", "xml")).code).toBe(2);
});

test("YAML has the same values as JSON", async () => {
  const { out } = await checked("-o", "yaml");
  expect(load(out)).toEqual(JSON.parse((await checked("-o", "json")).out));
});

describe("SARIF", () => {
  test("is valid by its schema, and each result has its rule and its place", async () => {
    const log = JSON.parse(
      (await checked("-o", "sarif", "--help-url", "https://git.example.com/PROBLEMS.md")).out,
    ) as Sarif;
    expect([validate(log), validate.errors]).toEqual([true, null]);
    const [{ tool, results }] = log.runs as [Sarif["runs"][0]];
    expect(tool.driver.rules.find(({ id }) => id === "bad-value")?.helpUri).toBe(
      "https://git.example.com/PROBLEMS.md#bad-value",
    );
    for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex]!.id).toBe(ruleId);
    const placed = (ruleId: string): unknown => results.find((result) => result.ruleId === ruleId)!;
    const place = (startLine: number): unknown => ({
      artifactLocation: { uri: new URL(`file://${at("manifests/all.yaml")}`).href },
      region: { startLine, startColumn: 1 },
    });
    expect(placed("bad-value")).toMatchObject({ level: "error", locations: [{ physicalLocation: place(6) }] });
    expect(placed("differs")).toMatchObject({ level: "note", locations: [{ physicalLocation: place(11) }] });
    expect(placed("kind-not-served")).toMatchObject({ level: "warning", locations: [{ physicalLocation: place(26) }] });
    expect(placed("not-an-object")).toMatchObject({ locations: [{ physicalLocation: place(30) }] });
  });

  test("without --help-url has no links, and is valid", async () => {
    const log = JSON.parse((await checked("-o", "sarif")).out) as Sarif;
    expect([validate(log), validate.errors]).toEqual([true, null]);
    expect(JSON.stringify(log)).not.toContain("helpUri");
  });

  test("of no Problems is valid", async () => {
    writeFileSync(at("good.yaml"), deployment("good"));
    expect(validate(JSON.parse((await runTool("check", at("good.yaml"), "-o", "sarif")).out))).toBe(true);
  });

  test.each(["no address", "https://a.example/#b", "javascript:alert(1)", "https://"])(
    "--help-url %j is wrong use",
    async (url) => {
      expect((await checked("-o", "sarif", "--help-url", url)).code).toBe(2);
    },
  );
});

describe("GitHub's commands", () => {
  test("name file, line and code", async () => {
    const { out } = await checked("-o", "github");
    expect(out).toContain(
      `::error file=${at("manifests/all.yaml")},line=6,col=1,title=bad-value::SeldonDeployment prod/bad `,
    );
    expect(out).toMatch(/^::notice [^:]*title=differs::.* \(k8s\/PROBLEMS\.md#differs\)$/m);
    expect(out).toMatch(/^::warning [^:]*,line=26,col=1,title=kind-not-served::/m);
  });
});

describe("JUnit", () => {
  test("has a case for each deployment, and for each other object with a Problem", async () => {
    const elements = elementsOf((await checked("-o", "junit", "--fail-on", "warning")).out);
    const cases = elements
      .filter(({ name }) => name === "testcase")
      .map(({ attributes }) => `${attributes["classname"]} ${attributes["name"]}`);
    expect(cases.toSorted()).toEqual([
      expect.stringMatching(/^File .*all\.yaml$/),
      "Listener prod/l",
      ...["bad", "differing", "good", "ignored", "others"].map((name) => `SeldonDeployment prod/${name}`),
    ]);
    expect(elements[0]!.attributes).toMatchObject({ tests: "7", failures: "3", skipped: "1" });
    const failures = elements.filter(({ name }) => name === "failure");
    expect(failures.map(({ attributes }) => attributes["type"]!).toSorted(compareText)).toEqual([
      "bad-value",
      "kind-not-served",
      "not-an-object",
    ]);
    expect(failures.find(({ attributes }) => attributes["type"] === "bad-value")!.text).toMatch(
      /^error bad-value SeldonDeployment prod\/bad \(.*:6\) /,
    );
  });
});

test("whatever a tenant wrote, each form stays one that its readers take, and says the same", () => {
  const hostile = fc.string({
    unit: fc.constantFrom(
      ..."a%:,\r\n\u001b\u202e\ud800<>&'\"]\0\uffff\u2028|\\é".split(""),
      "::error::",
      "]]>",
      "%0A",
    ),
  });
  fc.assert(
    fc.property(hostile, hostile, hostile, (name, field, sentence) => {
      const report: Report = {
        verdicts: [],
        problems: [
          { code: "bad-value", level: "error", subject: { kind: "Mapping", namespace: "prod", name }, field, sentence },
        ],
        ignored: 0,
        ofOthers: 0,
        read: { kinds: new Map(), unwatched: 0, otherKinds: 0, withoutNamespace: 0, orphans: [] },
        ofAnotherId: 0,
        originOf: () => `${name}.yaml:3`,
        failing: ["error"],
        helpUrl: null,
      };
      const github = visibleLines(githubText(report));
      expect(github).toMatch(/^::error file=[^:,\n]*,line=3,col=1,title=bad-value::[^\r\n]*\n$/);
      expect(github.replaceAll(/%(?:25|3A|2C)/g, "")).not.toContain("%");
      const [, , testcase, failure] = elementsOf(visibleLines(junitText(report)));
      expect([testcase!.name, failure!.name]).toEqual(["testcase", "failure"]);
      const sarif: unknown = JSON.parse(visibleLines(JSON.stringify(sarifValues(report))));
      expect([validate(sarif), validate.errors]).toEqual([true, null]);
    }),
  );
});

test("places are read back as they were written", () => {
  const file = fc
    .string({ unit: fc.constantFrom("a", "b", ":", "1", "/", " ", "[", "]", " items[0]") })
    .map((name) => `${name}.yaml`);
  const items = fc.constantFrom("", "items[0]", "items[3].items[12]");
  fc.assert(
    fc.property(file, fc.nat({ max: 99 }), items, (name, before, inList) => {
      const place = { line: before + 1, items: inList };
      expect(placeOfOrigin(originAt(name, place))).toEqual({ file: name, line: place.line, column: 1 });
      expect(placeOfField(name, fieldAt(place))).toEqual({ file: name, line: place.line, column: 1 });
    }),
  );
  expect(placeOfOrigin("")).toBeNull();
  expect(placeOfField("a.yaml", "")).toEqual({ file: "a.yaml", line: 1, column: 1 });
});
