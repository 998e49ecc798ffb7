import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { splitDocuments } from "../../../../k8s/source/objects/documents.ts";
import { printProblem } from "../../../../routing/text/problem.ts";
import { manifestBounds } from "../../../../k8s/source/manifest/manifest-bounds.ts";
import { parseManifest, readingManifest, type Manifest } from "../../../../k8s/source/manifest/manifest.ts";

function read(text: string, file = "a.yaml", lastGood: Manifest["objects"] = []): Manifest {
  return parseManifest(Buffer.from(text), { file, defaultNamespace: "default", lastGood });
}

function names(manifest: Manifest): string[] {
  return manifest.objects.map(({ ref }) => `${ref.kind} ${ref.namespace}/${ref.name}`);
}

function problems(manifest: Manifest): string[] {
  return manifest.problems.map(printProblem);
}

const nothing: Manifest = { objects: [], problems: [], complete: true, otherKinds: 0, withoutNamespace: 0 };

const service = (name: string): string => `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\n`;

const inFlow = (name: string): string => `{ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "${name}" } }`;

describe("documents", () => {
  test("each document is an object with the line it starts on", () => {
    const manifest = read(
      `# first\n${service("a")}---\n\n# second\n${service("b")}...\n%YAML 1.2\n---\n${service("c")}`,
    );
    expect(names(manifest)).toEqual(["Service default/a", "Service default/b", "Service default/c"]);
    expect(manifest.objects.map(({ origin }) => origin)).toEqual(["a.yaml:2", "a.yaml:8", "a.yaml:14"]);
    expect(manifest.complete).toBe(true);
  });

  test("a namespace that is written wins over the default", () => {
    expect(names(read("{apiVersion: v1, kind: Service, metadata: {name: a, namespace: prod}}"))).toEqual([
      "Service prod/a",
    ]);
  });

  test("CRLF and a byte order mark are nothing special", () => {
    expect(names(read(`\uFEFF${service("a")}---\n${service("b")}`.replaceAll("\n", "\r\n")))).toEqual([
      "Service default/a",
      "Service default/b",
    ]);
  });

  test("directives and comments before a document belong to it, whatever ends their lines", () => {
    for (const end of ["\n", "\r\n"]) {
      const texts = [
        ...splitDocuments(["%YAML 1.2", "---", "a: 1", "...", "# c\u2028", "%YAML 1.2", "--- # d", "b: 2"].join(end)),
      ].map(({ text, line, contentLine }) => [text.split(end).filter((one) => one !== ""), line, contentLine]);
      expect(texts).toEqual([
        [["%YAML 1.2", "---", "a: 1", "..."], 1, 3],
        [["# c\u2028", "%YAML 1.2", "--- # d", "b: 2"], 5, 8],
      ]);
    }
  });

  test("three dashes inside a block scalar do not cut it", () => {
    const manifest = read(
      `apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: { name: a }\nspec:\n  text: |\n    x\n    ---\n    y\n`,
    );
    expect((manifest.objects[0]!.object as { spec: { text: string } }).spec.text).toBe("x\n---\ny\n");
  });

  test("an empty file, comments alone and empty documents declare nothing", () => {
    for (const text of ["", "\n", "# only a comment\n", "---\n---\n---", "null\n"]) expect(read(text)).toEqual(nothing);
    expect(read("", "a.json")).toEqual(nothing);
  });
});

describe("kinds", () => {
  test("Lists are unfolded; items of a typed list take kind and apiVersion from it", () => {
    const manifest = read(`
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: Service, metadata: { name: a } }
  - { apiVersion: machinelearning.seldon.io/v1, kind: SeldonDeployment, metadata: { name: b, namespace: n } }
---
apiVersion: machinelearning.seldon.io/v1alpha2
kind: SeldonDeploymentList
items:
  - metadata: { name: c }
`);
    expect(names(manifest)).toEqual(["Service default/a", "SeldonDeployment n/b", "SeldonDeployment default/c"]);
    expect(manifest.objects[2]!.apiVersion).toBe("machinelearning.seldon.io/v1alpha2");
  });

  test("kinds that routing does not read are passed over, also under a name it knows", () => {
    const manifest = read(`
{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}
---
{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: a}}
---
{apiVersion: v1, kind: constructor, metadata: {name: a}}
`);
    expect(manifest).toEqual({ ...nothing, otherKinds: 3 });
  });

  test("a document that is no object is a warning", () => {
    expect(problems(read("replicas: 2\n---\njust text\n"))).toEqual([
      "warning not-an-object File a.yaml line 1, column 1: the document has no kind or no apiVersion and is skipped; write both, or move the file out of the folder",
      "warning not-an-object File a.yaml line 3, column 1: the document is not a Kubernetes object and is skipped; remove it or write apiVersion, kind and metadata",
    ]);
  });

  test.each(["", "a/b", "a b", "../x", "x".repeat(254)])("the name %j is refused", (name) => {
    const manifest = read(JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name } }));
    expect(manifest.objects).toEqual([]);
    expect(manifest.problems[0]).toMatchObject({ code: "bad-name", level: "error" });
  });

  test.each(["", "a/b", "Prod", "-a", "x".repeat(64), 7])("the namespace %j is refused", (namespace) => {
    const manifest = read(JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name: "a", namespace } }));
    expect(manifest.objects).toEqual([]);
    expect(manifest.problems[0]).toMatchObject({ code: "bad-name", level: "error" });
  });
});

describe("what is not read is said", () => {
  test("Lists in Lists are read, and a Problem names the item", () => {
    const manifest = read(`
apiVersion: v1
kind: List
items:
  - { apiVersion: v1, kind: List, items: [{ apiVersion: v1, kind: Service, metadata: { name: a } }, { apiVersion: v1, kind: Service, metadata: { name: A/b } }] }
  - { apiVersion: v1, kind: Service, metadata: { name: b } }
  - 7
`);
    expect(manifest.objects.map(({ ref, origin }) => `${ref.name} ${origin}`)).toEqual([
      "a a.yaml:5 items[0].items[0]",
      "b a.yaml:6 items[1]",
    ]);
    expect(manifest.problems.map(({ code, field }) => `${code} ${field}`)).toEqual([
      "bad-name line 5, items[0].items[1]",
      "not-an-object line 7, items[2]",
    ]);
  });

  test.each([
    [
      "a.yaml",
      `# export\nkind: List\napiVersion: v1\nitems:\n- ${inFlow("a")}\n\n# the other\n- ${inFlow("b")}\n`,
      [5, 8],
    ],
    ["a.json", `{ "kind": "List", "apiVersion": "v1", "items": [\n${inFlow("a")},\n\n${inFlow("b")}] }`, [2, 4]],
    ["a.json", `\n[1]\n{ "kind": "List", "apiVersion": "v1", "items": [\n${inFlow("a")}, ${inFlow("b")}] }`, [4, 4]],
    ["a.yaml", `kind: List\napiVersion: v1\nitems: [\n  ${inFlow("a")},\n  ${inFlow("b")}]\n`, [1, 1]],
    ["a.yaml", `a: &a\n- ${inFlow("a")}\n- ${inFlow("b")}\nitems: *a\nkind: List\napiVersion: v1\n`, [1, 1]],
  ])("an item of a List in %s has a line of its own where the text can be cut: %j", (file, text, lines) => {
    expect(read(text, file).objects.map(({ origin }) => origin)).toEqual(
      lines.map((line, index) => `${file}:${line} items[${index}]`),
    );
  });

  test.each([
    [
      "SeldonDeploymnt",
      "machinelearning.seldon.io/v1",
      'error unknown-kind File a.yaml line 1, column 1: "SeldonDeploymnt" of "machinelearning.seldon.io/v1" is nothing that Sluice reads; write SeldonDeployment and machinelearning.seldon.io/v1',
    ],
    [
      "SeldonDeployment",
      "v1",
      'error unknown-kind File a.yaml line 1, column 1: "SeldonDeployment" of "v1" is nothing that Sluice reads; write SeldonDeployment and machinelearning.seldon.io/v1',
    ],
    ...(
      [
        ["AuthServic", "getambassador.io/v2"],
        ["hosts", "x.getambassador.io/v3alpha1"],
      ] as const
    ).map(([kind, apiVersion]): [string, string, string] => [
      kind,
      apiVersion,
      `error unknown-kind File a.yaml line 1, column 1: "${kind}" is not a kind of Ambassador, and the object is not read; correct its spelling, or remove it`,
    ]),
    [
      "Listener",
      "getambassador.io/v2",
      'warning kind-not-served Listener default/a a.yaml:1: the kind "Listener" is not served (its ports do not open); remove it, or keep another gateway for it',
    ],
  ])("kind %s of %s", (kind, apiVersion, problem) => {
    const manifest = read(JSON.stringify({ apiVersion, kind, metadata: { name: "a" } }));
    expect(problems(manifest)).toEqual([problem]);
    expect(manifest.objects).toEqual([]);
  });

  test.each([
    "apps/v1 Deployment",
    "serving.knative.dev/v1 Service",
    "v1 ConfigMap",
    "example.com/v1 Mapping",
    "v1 Services/x",
  ])("%s is of another kind and counted", (text) => {
    const [apiVersion, kind] = text.split(" ");
    expect(read(JSON.stringify({ apiVersion, kind, metadata: { name: "a" } }))).toEqual({ ...nothing, otherKinds: 1 });
  });

  const authService = { apiVersion: "getambassador.io/v2", kind: "AuthService", metadata: { name: "a" }, spec: {} };

  test.each([[undefined], ["v2"], ["GetAmbassador.io/v2"], ["getambasador.io/v2"], [2]])(
    "an AuthService of apiVersion %j is read: its decoder closes what it may close",
    (apiVersion) => {
      expect(names(read(JSON.stringify({ ...authService, apiVersion })))).toEqual(["AuthService default/a"]);
    },
  );

  test.each([
    ["AuthService", "apiVersion", "example.com/v1"],
    ["AuthService", "kind", undefined],
    ["Service", "apiVersion", "V1"],
    ["Service", "apiVersion", undefined],
    ["Service", "kind", "Servce"],
    ["Service", "kind", undefined],
  ])("%s whose %s is %j now keeps its last good form", (kind, key, value) => {
    const object = { ...authService, apiVersion: kind === "Service" ? "v1" : authService.apiVersion, kind };
    const { objects } = read(JSON.stringify(object));
    const manifest = read(JSON.stringify({ ...object, [key]: value }), "a.yaml", objects);
    expect(manifest.complete).toBe(false);
    expect(problems(manifest)).toContain(
      `error unknown-kind File a.yaml line 1, column 1: the document may be ${kind} default/a of ${object.apiVersion}, which was here before, and is not read, and its last good form stays; write kind: ${kind} and apiVersion: ${object.apiVersion}, or remove the document`,
    );
    const ofAnother = JSON.stringify({ ...object, [key]: value, metadata: { name: "b" } });
    expect(read(ofAnother, "a.yaml", objects).complete).toBe(true);
    for (const cut of ["apiVersion:", "apiVersion: v1", `- ${JSON.stringify(object)}`, "text"]) {
      expect(read(cut, "a.yaml", objects).complete).toBe(false);
      expect(read(cut).complete).toBe(true);
    }
  });

  test("objects without a namespace are counted", () => {
    expect(
      read(`${service("a")}---\n${service("b").replace("name: b", "name: b, namespace: x")}`).withoutNamespace,
    ).toBe(1);
  });

  test.each([
    ["apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\n", "line 4, column 9"],
    ["{{- if .Values.a }}\nkind: Service\n{{- end }}\n", "line 1, column 1"],
    ['# {{ no }}\na: "{{ no }}"\nb:\n{{- toYaml .x }}\nc: d', "line 4, column 1"],
  ])("the template %j is called one, at its line", (text, field) => {
    expect(problems(read(`${service("a")}---\n${text}`))).toEqual([
      `error template File a.yaml ${field.replace(/\d+/, (line) => String(Number(line) + 4))}: this is a template ({{ … }}) and is not read; render it first, for example with helm template`,
    ]);
  });

  test("a name from a template is called one", () => {
    expect(problems(read('{apiVersion: v1, kind: Service, metadata: {name: "{{ .x }}"}}'))).toEqual([
      "error bad-name File a.yaml line 1, column 1: a Service has no usable metadata.name and is not served; this is a template: render it first",
    ]);
  });

  test("YAML in a .json file, several JSON values in one, and standard input are read as kubectl reads them", () => {
    expect(names(read(`${service("a")}---\n${service("b")}`, "a.json"))).toEqual([
      "Service default/a",
      "Service default/b",
    ]);
    const json = (name: string): string =>
      JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name, annotations: { x: '}"{\\' } } }, null, 2);
    expect(names(read(`${json("a")}\n${json("b")}\n\n${json("c")}\n`, "a.json"))).toEqual([
      "Service default/a",
      "Service default/b",
      "Service default/c",
    ]);
    expect(read(`${json("a")}\n${json("b")}`, "-").objects.map(({ origin }) => origin)).toEqual([
      "-:1",
      `-:${json("a").split("\n").length + 1}`,
    ]);
    expect(names(read(service("a"), "-"))).toEqual(["Service default/a"]);
  });
});

describe("what does not parse", () => {
  test("a broken document is a Problem with line and column, and the others count", () => {
    const manifest = read(`${service("a")}---\nkind: Service\nkind: Service\n---\n${service("c")}`);
    expect(names(manifest)).toEqual(["Service default/a", "Service default/c"]);
    expect(manifest.complete).toBe(false);
    expect(problems(manifest)).toEqual([
      "error bad-yaml File a.yaml line 6, column 1: the document is not valid YAML (duplicated mapping key) and is not read; correct it",
    ]);
  });

  test.each([199, 200, 201])("the parser's own words are cut after 200 characters: a reason of %i", (length) => {
    const wrong = "unknown scalar tag !<!";
    const tag = "a".repeat(length - wrong.length - 1);
    const reason = `${wrong}${tag}>`.slice(0, 200);
    expect(problems(read(`kind: !${tag} Service\n`))).toEqual([
      `error bad-yaml File a.yaml line 1, column 7: the document is not valid YAML (${reason}) and is not read; correct it`,
    ]);
  });

  const stays = ", and its last good form stays; ";
  const written = (name: unknown, namespace: unknown): string =>
    JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name, namespace } });
  test.each([
    ["bad-yaml", "kind: Service\nkind: Service\n", "a.yaml"],
    ["bad-json", '{"kind"', "a.json"],
    ["template", "a: {{ .x }}", "a.yaml"],
    ["not-utf8", Uint8Array.of(0x61, 0xff), "a.yaml"],
    ["over-limit", Buffer.alloc(manifestBounds.fileBytes + 1, "#"), "a.yaml"],
    ["over-limit", `a: 1\n${"---\n".repeat(manifestBounds.documents)}${service("a")}`, "a.yaml"],
    ["over-limit", `a: ${"x".repeat(manifestBounds.documentBytes)}`, "a.yaml"],
    ["over-limit", `${"[".repeat(manifestBounds.depth + 1)}${"]".repeat(manifestBounds.depth + 1)}`, "a.json"],
    ["unknown-kind", written("a", "default").replace("Service", "SeldonDeployment"), "a.yaml"],
    ["bad-name", written("a/b", "default"), "a.yaml"],
    ["bad-name", written("{{ .x }}", "default"), "a.yaml"],
    ["bad-name", written("a", "Prod"), "a.yaml"],
    ["bad-name", `${written("a", undefined).slice(0, -1)},"namespace":"prod"}`, "a.yaml"],
  ])("%s says that the last good form stays, where one does", (code, text, file) => {
    const refusal = (lastGood: Manifest["objects"]): string | undefined =>
      parseManifest(Buffer.from(text), {
        file,
        defaultNamespace: "default",
        lastGood,
      }).problems.find((problem) => problem.code === code)?.sentence;
    expect(refusal([])).toEqual(expect.not.stringContaining("last good"));
    expect(refusal(read(service("a")).objects)).toBe(refusal([])!.replace("; ", stays));
  });

  test("of a document that was refused when every earlier object is there, nothing stays", () => {
    const manifest = read(`${service("a")}---\n{{{`, "a.yaml", read(service("a")).objects);
    expect(problems(manifest)).toEqual([expect.not.stringContaining("last good")]);
  });

  test.each([
    ['{"a":\n abc}', "line 2, column 2"],
    ["[1,]", "line 1, column 4"],
    ['{"a":1', "line 1, column 7"],
    ['{"a" 1}', "line 1, column 6"],
    ['{"a":1,}', "line 1, column 8"],
    ['{"a":01}', "line 1, column 7"],
    ['{"a":"\\x"}', "line 1, column 7"],
    ["[]\n{]", "line 2, column 2"],
    ['{"a":"\n"}', "line 1, column 7"],
  ])("JSON %j is wrong at %s", (text, field) => {
    expect(read(text, "a.json").problems.filter(({ level }) => level === "error")).toMatchObject([
      { code: "bad-json", field },
    ]);
  });

  test("a Problem of JSON never quotes the file, which may hold a Secret", () => {
    expect(problems(read('{"password": hunter2}', "a.json"))[0]).not.toContain("hunter2");
  });

  test("bytes that are not UTF-8 are a Problem", () => {
    const manifest = parseManifest(Uint8Array.of(0x61, 0xff), {
      file: "a.yaml",
      defaultNamespace: "default",
      lastGood: [],
    });
    expect(manifest.problems).toMatchObject([{ code: "not-utf8" }]);
    expect(manifest.complete).toBe(false);
  });

  test("no text makes it throw", () => {
    const pieces = fc.constantFrom(
      "---",
      "...",
      "\n",
      "- ",
      "a: ",
      "&x ",
      "*x",
      "{",
      "}",
      "[",
      "]",
      '"',
      "'",
      "|",
      ">",
      "? ",
      "!!map ",
      "<<: ",
      "%YAML 1.2",
      "\t",
      "kind: List",
      "items: ",
      "#",
      "\\",
      "1",
      "é",
      "\0",
      "\u2028",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), fc.constantFrom("a.yaml", "a.json"), (parts, file) => {
        const manifest = read(parts.join(""), file);
        expect(manifest.complete || manifest.problems.length > 0).toBe(true);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        parseManifest(bytes, { file: "a.yaml", defaultNamespace: "default", lastGood: [] });
      }),
    );
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(read(text, "a.json").problems.filter(({ code }) => code === "bad-json")).toEqual([]);
      }),
    );
  });
});

describe("bounds", () => {
  test.each([
    [-1, []],
    [0, []],
    [1, ["over-limit"]],
  ])("a file of the limit %i documents", (over, codes) => {
    const manifest = read(`${service("a")}${"---\n".repeat(manifestBounds.documents + over - 1)}`);
    expect(manifest.problems.map(({ code }) => code)).toEqual(codes);
    expect(manifest.complete).toBe(codes.length === 0);
  });

  test.each([
    [-1, []],
    [0, []],
    [1, ["1 more Problems"]],
    [2, ["2 more Problems"]],
  ])("a file of the limit %i Problems", (over, said) => {
    const { problems: told } = read("---\n7\n".repeat(manifestBounds.problems + over));
    expect(told).toHaveLength(Math.min(manifestBounds.problems + over, manifestBounds.problems + 1));
    expect(
      told.filter(({ code }) => code === "more-problems").map(({ sentence }) => / has (.*),/.exec(sentence)![1]),
    ).toEqual(said);
  });

  test.each([
    [-1, 1],
    [0, 1],
    [1, 0],
  ])("a document of the limit %i bytes", (over, count) => {
    const head = service("big");
    const comment = `#${"x".repeat(manifestBounds.documentBytes + over - Buffer.byteLength(head) - 2)}\n`;
    const manifest = read(`${head}${comment}---\n${service("small")}`);
    expect(manifest.objects).toHaveLength(count + 1);
    expect(manifest.problems.map(({ code }) => code)).toEqual(count === 1 ? [] : ["over-limit"]);
  });

  test.each([
    [-1, true],
    [0, true],
    [1, false],
  ])("a file of the limit %i bytes", (over, read) => {
    const bytes = Buffer.alloc(manifestBounds.fileBytes + over, "\n");
    const line = Buffer.from(`---\n${"#".repeat(512 * 1024)}\n`);
    for (let at = 0; at + line.length <= bytes.length; at += line.length) line.copy(bytes, at);
    bytes.write(service("a"), 0);
    const manifest = parseManifest(bytes, {
      file: "a.yaml",
      defaultNamespace: "default",
      lastGood: [],
    });
    expect(manifest.problems.map(({ code }) => code)).toEqual(read ? [] : ["over-limit"]);
  });

  // The document is a map of a shared list and of a list of aliases to it: 1 + (1 + 999) + (1 + aliases × 1000) + the rest in plain values.
  test.each([
    [-1, true],
    [0, true],
    [1, false],
  ])("a document of the limit %i values with aliases written out", (over, fits) => {
    const aliases = 190;
    const rest = manifestBounds.nodes + over - 1 - 1000 - (1 + aliases * 1000) - 1;
    const text = `shared: &s [${"0,".repeat(999)}]\nagain: [${"*s,".repeat(aliases)}]\nrest: [${"0,".repeat(rest)}]\n`;
    expect(read(text).problems.map(({ code }) => code)).toEqual([fits ? "not-an-object" : "over-limit"]);
  });

  test("an alias bomb is refused without being written out", () => {
    let text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (let level = 1; level < 30; level++) text += `a${level}: &a${level} [${`*a${level - 1}, `.repeat(10)}]\n`;
    expect(read(text).problems.map(({ code }) => code)).toEqual(["over-limit"]);
  });

  test("an alias inside its own anchor is refused", () => {
    expect(read("a: &a [*a]\n").problems.map(({ code }) => code)).toEqual(["over-limit"]);
  });

  test.each([
    [-1, true],
    [0, true],
    [1, false],
  ])("nesting of the limit %i", (over, fits) => {
    // One chain of lists that goes on through an alias, so that the parser's own bound does not see it. The map is a level, the scalar none.
    const first = 60;
    const second = manifestBounds.depth + over - first - 1;
    const text = `a: &a ${"[".repeat(first)}${"]".repeat(first)}\nb: ${"[".repeat(second)}*a${"]".repeat(second)}\n`;
    expect(read(text).problems.map(({ code }) => code)).toEqual([fits ? "not-an-object" : "over-limit"]);
  });

  test("anchors, aliases and merge keys of honest manifests are read", () => {
    const manifest = read(`
apiVersion: getambassador.io/v2
kind: Mapping
metadata: &meta { name: a, labels: &labels { x: "1" } }
spec: { selector: *labels, more: { <<: *labels, y: "2" } }
`);
    expect(manifest.objects[0]!.object).toMatchObject({ spec: { selector: { x: "1" }, more: { x: "1", y: "2" } } });
  });

  test("a text that aliases repeat is refused once it is too long written out", () => {
    const manifest = read(
      `apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec: { long: &long ${"x".repeat(500_000)}, all: [${"*long, ".repeat(20)}] }\n`,
    );
    expect(manifest.objects).toEqual([]);
    expect(manifest.problems).toMatchObject([{ code: "over-limit", level: "error" }]);
  });

  test("numbers that JSON does not have stay values that no reader takes for a number", () => {
    const manifest = read(
      "{apiVersion: getambassador.io/v2, kind: Mapping, metadata: {name: a}, spec: {a: .inf, b: [-.inf, .nan], c: 1.5}}",
    );
    expect(manifest.objects[0]!.object).toMatchObject({ spec: { a: "Infinity", b: ["-Infinity", "NaN"], c: 1.5 } });
  });
});

// What `kubectl get sdep,svc -o yaml` of a larger cluster gives.
describe("a List over the bound of a document", () => {
  const filler = (bytes: number): string => "x".repeat(bytes);
  const objects = (bytes: number): object[] =>
    Array.from({ length: 3 }, (_, index) => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: `a${index}`, annotations: { filler: filler(bytes) } },
    }));
  const yamlItem = (name: string, extra = ""): string =>
    `- apiVersion: v1\n  kind: Service\n  metadata:\n    annotations:\n      text: |\n        - no item\n        kind: x\n    name: ${name}\n${extra}`;
  const yamlList = (items: string): string =>
    `apiVersion: v1\nitems:\n${items}kind: List\nmetadata:\n  resourceVersion: ""\n`;
  const bound = manifestBounds.documentBytes;
  const comment = (bytes: number): string => `  # ${filler(bytes - 5)}\n`;

  test.each(["  ", ""])("is read item by item, in YAML with items behind %j", (indent) => {
    const items = ["a", "b", "c"]
      .map((name) => yamlItem(name, comment(400_000)))
      .join("")
      .replaceAll(/^(?=.)/gm, indent);
    const manifest = read(`# export\n---\n${yamlList(items)}---\n${service("after")}`);
    expect(problems(manifest)).toEqual([]);
    expect(manifest.objects.map(({ ref, origin }) => `${ref.name} ${origin}`)).toEqual([
      "a a.yaml:5 items[0]",
      "b a.yaml:14 items[1]",
      "c a.yaml:23 items[2]",
      "after a.yaml:36",
    ]);
    expect(manifest.complete).toBe(true);
  });

  test("is read item by item as JSON, several of them too, of a kind of their own, and in a .yaml file", () => {
    const list = JSON.stringify(
      { metadata: { items: ["no"] }, apiVersion: "v1", kind: "List", items: objects(400_000) },
      null,
      2,
    );
    expect(names(read(list, "a.json"))).toEqual(["Service default/a0", "Service default/a1", "Service default/a2"]);
    expect(names(read(list))).toHaveLength(3);
    const typed = JSON.stringify({
      apiVersion: "v1",
      kind: "ServiceList",
      items: objects(400_000).map((object) => ({ ...object, kind: undefined, apiVersion: undefined })),
    });
    expect(names(read(`${typed}\n${list}`, "-"))).toHaveLength(6);
    expect(read(list, "a.json").objects[1]!.origin).toMatch(/^a\.json:\d+ items\[1\]$/);
  });

  test.each([
    [-1, 3, []],
    [0, 3, []],
    [1, 2, ["over-limit"]],
  ])("has items of the limit %i bytes", (over, count, codes) => {
    const big = yamlItem("big");
    const manifest = read(
      yamlList(`${yamlItem("a")}${big}${comment(bound + over - Buffer.byteLength(big))}${yamlItem("b")}`),
    );
    expect(names(manifest)).toHaveLength(count);
    expect(manifest.problems.map(({ code }) => code)).toEqual(codes);
    expect(manifest.problems.every(({ field }) => field === "line 11, items[1]")).toBe(true);
  });

  test.each([
    [-1, 3, []],
    [0, 3, []],
    [1, 2, ["over-limit"]],
  ])("has items of the limit %i bytes as JSON", (over, count, codes) => {
    const rest = JSON.stringify(objects(0)[0]).length;
    const items = [
      JSON.stringify(objects(0)[0]),
      JSON.stringify(objects(bound + over - rest)[1]),
      JSON.stringify(objects(0)[2]),
    ];
    const manifest = read(`{"apiVersion":"v1","kind":"List","items":[${items.join(",")}]}`, "a.json");
    expect(names(manifest)).toHaveLength(count);
    expect(manifest.problems.map(({ code }) => code)).toEqual(codes);
  });

  test.each([
    [-1, []],
    [0, []],
    [1, ["over-limit"]],
  ])("counts its items as documents: the limit %i", (over, codes) => {
    // The List is one as well.
    const items = Array.from(
      { length: manifestBounds.documents + over - 1 },
      () => '{"apiVersion":"v1","kind":"Node"}',
    );
    const manifest = read(`{"apiVersion":"v1","kind":"List","items":[${items.join(",")}]}`, "a.json");
    expect(manifest.problems.map(({ code }) => code)).toEqual(codes);
    expect(manifest.otherKinds).toBe(over === 1 ? 0 : items.length);
  });

  test("one bad item leaves the others, and its Problem has its line", () => {
    const manifest = read(
      yamlList(`${yamlItem("a", comment(bound))}${yamlItem("b")}`.replace("name: a\n", "name: a\n  - {\n")),
    );
    expect(names(manifest)).toEqual(["Service default/b"]);
    expect(manifest.complete).toBe(false);
  });

  test("what is no List, or says it in the envelope alone that is too large, is refused as before", () => {
    for (const text of [
      yamlList(yamlItem("a", comment(bound))).replace("kind: List", "kind: Thing"),
      `${service("a")}# ${filler(bound)}\n`,
      yamlList(yamlItem("a")).replace('""', `"${filler(bound)}"`),
    ]) {
      expect(read(text).problems.map(({ code }) => code)).toEqual(["over-limit"]);
    }
  });

  test("pauses after each item, and while it is cut", () => {
    const pauses = (text: string, file: string): number => {
      const work = readingManifest(Buffer.from(text), {
        file,
        defaultNamespace: "default",
        lastGood: [],
      });
      let count = 0;
      while (work.next().done !== true) count += 1;
      return count;
    };
    const many = Array.from({ length: 2000 }, (_, index) => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: `a${index}`, annotations: { filler: filler(2000) } },
    }));
    const bytes = JSON.stringify(many).length;
    expect(pauses(JSON.stringify({ apiVersion: "v1", kind: "List", items: many }), "a.json")).toBeGreaterThanOrEqual(
      2000 + Math.floor(bytes / (256 * 1024)),
    );
    expect(
      pauses(yamlList(many.map(({ metadata }) => yamlItem(metadata.name, comment(2000))).join("")), "a.yaml"),
    ).toBeGreaterThanOrEqual(2000 + Math.floor(bytes / (256 * 1024)));
  });
});
