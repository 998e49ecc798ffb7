// Typing errors: what somebody's hand makes of a manifest, one at a time, and who is served then. The manifests are those of the corpus and of the
// examples, and Mappings with every kind of condition.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { dump, load } from "js-yaml";
import { build } from "../../../gateway/tools/manifests.ts";
import { Declarations } from "../../../k8s/source/files/declarations.ts";
import { parseManifest } from "../../../k8s/source/manifest/manifest.ts";
import { Translator } from "../../../k8s/translate/translator.ts";
import { decide } from "../../../routing/decide.ts";
import { headOf, type HeadText } from "../../../routing/request/head-text.ts";
import type { Mapping } from "../../../routing/model/mapping.ts";
import { GRPC_PATTERN, type ValueMatch } from "../../../routing/model/match.ts";
import { isDifference, printProblem, type Problem } from "../../../routing/text/problem.ts";
import { clusterSettings } from "./objects.ts";

type Tree = Record<string, unknown>;

/** A manifest beside those that it shares a Route with. */
export interface ObjectGraph {
  readonly name: string;
  readonly subject: Tree;
  readonly around: string;
}

/** One typing error: what was done where, and the text of the manifest with it. */
export interface TypingError {
  readonly what: string;
  readonly text: string;
}

const root = join(import.meta.dirname, "..", "..", "..");

const neighbour = `
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: canary, namespace: beside }
spec: { predictors: [{ name: main, traffic: 50, graph: { name: m } }, { name: next, traffic: 50, graph: { name: m } }] }
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: { name: canary, namespace: beside }
spec: { prefix: /beside/, service: "canary-main:8000" }
`;

/** Everything that Mappings say about which requests and how many, each beside a plain one of the same prefix. */
const conditions: readonly Tree[] = [
  { headers: { "x-user": "me" } },
  { headers: { "x-user": true } },
  { regex_headers: { "x-user": "m.*" } },
  { headers: { ":authority": "a.com" } },
  { headers: { ":method": "GET" } },
  { method: "GET" },
  { method: "G.*", method_regex: true },
  { query_parameters: { debug: "1" } },
  { regex_query_parameters: { debug: ".*" } },
  { hostname: "a.com" },
  { hostname: "*.a.com" },
  { host: "a.com" },
  { host: "a.*", host_regex: true },
  { weight: 10 },
  { weight: 10, headers: { "x-user": "me" }, method: "GET" },
  { shadow: true },
  { shadow: true, weight: 10 },
  { prefix_exact: true },
  { case_sensitive: true },
  { prefix: "/seldon/p/m/.*", prefix_regex: true },
  { precedence: -1 },
  { ambassador_id: ["other"] },
  { ambassador_id: "other" },
  { host_redirect: true, service: "elsewhere" },
  { rewrite: "/x/", timeout_ms: 100, grpc: false },
];

export function worldsOf(): readonly ObjectGraph[] {
  const texts = [readFileSync(join(root, "test/golden/shape-corpus/input.yaml"), "utf8")];
  for (const name of readdirSync(join(root, "k8s/examples"))
    .filter((file) => file.endsWith(".yaml"))
    .sort())
    texts.push(readFileSync(join(root, "k8s/examples", name), "utf8"));
  const deployments = texts.flatMap((text) => text.split(/^---$/m)).map((text) => load(text) as Tree);
  const groups = Map.groupBy(
    deployments.filter(({ kind }) => kind === "SeldonDeployment"),
    groupOf,
  );
  const worlds: ObjectGraph[] = [];
  for (const [group, members] of groups) {
    for (const subject of members)
      worlds.push({
        name: `${group} ${(subject["metadata"] as Tree)["name"] as string}`,
        subject,
        around: [neighbour, ...members.filter((other) => other !== subject).map((other) => dump(other))].join(
          "\n---\n",
        ),
      });
  }
  const mapping = (name: string, spec: Tree): Tree => ({
    apiVersion: "getambassador.io/v2",
    kind: "Mapping",
    metadata: { name, namespace: "p" },
    spec: { prefix: "/seldon/p/m/", service: "main:8000", ...spec },
  });
  for (const [index, spec] of conditions.entries()) {
    worlds.push({
      name: `Mapping ${JSON.stringify(spec)}`,
      subject: mapping("subject", spec),
      around: `${neighbour}\n---\n${dump(mapping("main", { weight: 60 }))}`,
    });
    const config = dump({
      apiVersion: "ambassador/v2",
      kind: "Mapping",
      name: `c${index}`,
      prefix: "/seldon/p/m/",
      service: "main.p:8000",
      ...spec,
    });
    const deployment = {
      apiVersion: "machinelearning.seldon.io/v1",
      kind: "SeldonDeployment",
      metadata: { name: "subject", namespace: "p" },
      spec: {
        annotations: { "seldon.io/ambassador-config": config },
        predictors: [{ name: "main", graph: { name: "m" } }],
      },
    };
    worlds.push({
      name: `configuration ${JSON.stringify(spec)}`,
      subject: deployment,
      around: `${neighbour}\n---\n${dump(mapping("main", { weight: 60 }))}`,
    });
  }
  const annotated: readonly Readonly<Record<string, string>>[] = [
    { "seldon.io/ambassador-header": "x-user:me" },
    { "seldon.io/ambassador-header": "x-user: me\nx-team: a" },
    { "seldon.io/ambassador-regex-header": "x-user: m.*" },
    { "seldon.io/ambassador-weight": "10" },
    { "seldon.io/ambassador-shadow": "true" },
    { "seldon.io/ambassador-id": "other" },
    { "seldon.io/ambassador-header": "x-user:me", "seldon.io/ambassador-weight": "10" },
  ];
  for (const place of ["metadata", "spec"]) {
    for (const annotations of annotated) {
      const all = { "seldon.io/ambassador-service-name": "m", ...annotations };
      const subject = {
        apiVersion: "machinelearning.seldon.io/v1",
        kind: "SeldonDeployment",
        metadata: { name: "subject", namespace: "p", ...(place === "metadata" ? { annotations: all } : {}) },
        spec: {
          ...(place === "spec" ? { annotations: all } : {}),
          predictors: [{ name: "main", graph: { name: "m" } }],
        },
      };
      worlds.push({
        name: `${place} ${JSON.stringify(annotations)}`,
        subject,
        around: `${neighbour}\n---\n${dump({ ...subject, metadata: { name: "m", namespace: "p" }, spec: { predictors: [{ name: "main", graph: { name: "m" } }] } })}`,
      });
    }
  }
  const split = {
    apiVersion: "machinelearning.seldon.io/v1",
    kind: "SeldonDeployment",
    metadata: { name: "subject", namespace: "p", annotations: { "sluice.io/traffic": "main=90,next=10" } },
    spec: {
      predictors: [
        { name: "main", traffic: 95, graph: { name: "m" } },
        { name: "next", traffic: 5, graph: { name: "m" } },
        { name: "copy", shadow: true, traffic: 5, graph: { name: "m" } },
      ],
    },
  };
  worlds.push({ name: "sluice.io/traffic", subject: split, around: neighbour });
  return worlds;
}

function groupOf(object: Tree): string {
  const metadata = object["metadata"] as Tree;
  const spec = object["spec"] as Tree;
  const annotations = {
    ...(metadata["annotations"] as Tree | undefined),
    ...(spec["annotations"] as Tree | undefined),
  };
  return `${metadata["namespace"] as string} ${(annotations["seldon.io/ambassador-service-name"] ?? metadata["name"]) as string}`;
}

/** What routing does not read is not worth a mutation. */
const unread = new Set([
  "graph",
  "componentSpecs",
  "componentSpec",
  "labels",
  "engineResources",
  "svcOrchSpec",
  "replicas",
  "oauth_key",
  "oauth_secret",
  "progressDeadlineSeconds",
  "initParameters",
  "containerSpec",
]);

type Path = readonly (string | number)[];

function pathsOf(tree: unknown, path: Path, isKey: boolean): Path[] {
  if (typeof tree !== "object" || tree === null) return isKey ? [] : [path];
  const below = Object.entries(tree)
    .filter(([key]) => !unread.has(key))
    .flatMap(([key, value]) => {
      const at = [...path, Array.isArray(tree) ? Number(key) : key];
      return [...(isKey && !Array.isArray(tree) ? [at] : []), ...pathsOf(value, at, isKey)];
    });
  return below;
}

/** Another name, or another path, is another object, which is what somebody may want. */
const identity = /^(?:kind|apiVersion|metadata\.(?:name|namespace)|spec\.(?:name|prefix)|spec\.predictors\.\d+\.name)$/;

const marker = "THE_PLACE";

function withMarker(tree: unknown, path: Path, isKey: boolean): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return marker;
  if (Array.isArray(tree))
    return (tree as unknown[]).map((item, index) => (index === first ? withMarker(item, rest, isKey) : item));
  const entries = Object.entries(tree as Tree).map(([key, value]): [string, unknown] => {
    if (key !== first) return [key, value];
    return rest.length === 0 && isKey ? [marker, value] : [key, withMarker(value, rest, isKey)];
  });
  return Object.fromEntries(entries);
}

function valueAt(tree: unknown, path: Path): unknown {
  return path.reduce((value, key) => (value as Record<string | number, unknown>)[key], tree);
}

const values = [
  "",
  "~",
  "null",
  '""',
  '" "',
  '"\\t"',
  "[]",
  "{}",
  "yes",
  "no",
  "on",
  "off",
  '"yes"',
  '"True"',
  "TRUE",
  "y",
  "N",
  "true",
  "false",
  "0",
  "1",
  "-1",
  "-5",
  "1e9",
  "1e400",
  "99999999999999999999",
  ".nan",
  ".inf",
  "-.inf",
  "0x10",
  "0o17",
  "010",
  "1_000",
  "1,5",
  "10%",
  '"10%"',
  "%",
  "12.5",
  "+10",
  '"-0"',
  "!!str 10",
  '!!int "10"',
  "!!binary aGk=",
  "!x y",
  "2001-01-01",
  '"\\0"',
  '"\\u202e"',
  '"\\e[2J"',
  '"a\\r\\nb: c"',
  "*",
  '"*"',
  ".*",
  "(",
  "a b",
  "nonsense",
  '"{{ .Values.x }}"',
  "${X}",
  "<none>",
];

function* valueErrors(subject: Tree): Generator<TypingError> {
  for (const path of pathsOf(subject, [], false)) {
    if (identity.test(path.join("."))) continue;
    const text = JSON.stringify(withMarker(subject, path, false));
    const value = valueAt(subject, path);
    const raw = JSON.stringify(value);
    const word = String(value);
    const own = [
      `[${raw}]`,
      `{a: ${raw}}`,
      `"${word} "`,
      `" ${word}"`,
      `"'${word}'"`,
      word,
      `"${word}"`,
      `${word}%`,
      `-${word}`,
      JSON.stringify(word.toUpperCase()),
      JSON.stringify(`${word};`),
      JSON.stringify(`${word},`),
      JSON.stringify(`${word}.`),
      JSON.stringify(`"${word}"`),
      JSON.stringify(`${word}\u00a0`),
      JSON.stringify(word.replace(/:/g, "=")),
      JSON.stringify(word.replace(/:/g, "：")),
    ];
    if (typeof value === "string" && value.includes("\n")) {
      for (const error of lineErrors(value))
        yield {
          what: `${path.join(".")} / ${error.what}`,
          text: text.replace(`"${marker}"`, () => JSON.stringify(error.text)),
        };
      continue;
    }
    for (const literal of [...values, ...own].filter((text) => !isAnother(String(path.at(-1)), text)))
      yield { what: `${path.join(".")} = ${literal}`, text: text.replace(`"${marker}"`, () => literal) };
  }
}

function* keyErrors(subject: Tree): Generator<TypingError> {
  for (const path of pathsOf(subject, [], true)) {
    const text = JSON.stringify(withMarker(subject, path, true));
    const key = String(path.at(-1));
    const wrong = new Set<string>([
      key.toUpperCase(),
      key[0]!.toUpperCase() + key.slice(1),
      `${key} `,
      ` ${key}`,
      `${key}s`,
      key.replace(/s$/, ""),
      key.replace(/[-_]/g, ""),
      key.replace(/-/g, "_"),
      key.replace(/_/g, "-"),
      key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      key.replace(/^seldon\.io\//, ""),
      key.replace(/^seldon\.io\//, "seldon/"),
      key.replace(/^seldon\.io\//, "getambassador.io/"),
      key.replace("ambassador", "ambasador"),
      key.replace("seldon.io", "seldon.ai"),
      `${key}:`,
      `${key}\u200b`,
      key.replace(/a/, "\u0430"),
      `# ${key}`,
      `x-${key}`,
    ]);
    for (let index = 0; index < key.length; index += Math.max(1, Math.floor(key.length / 6))) {
      wrong.add(key.slice(0, index) + key.slice(index + 1));
      wrong.add(key.slice(0, index) + key[index]! + key.slice(index));
      if (index + 1 < key.length) wrong.add(key.slice(0, index) + key[index + 1]! + key[index]! + key.slice(index + 2));
    }
    wrong.delete(key);
    for (const other of wrong)
      yield {
        what: `${path.join(".")} spelt ${JSON.stringify(other)}`,
        text: text.replace(`"${marker}"`, () => JSON.stringify(other)),
      };
    yield {
      what: `${path.join(".")} removed after doubled`,
      text: text.replace(`"${marker}":`, () => `${JSON.stringify(key)}: null, ${JSON.stringify(key)}:`),
    };
  }
}

/** Another value that can be read, which somebody may mean. */
function isAnother(key: string, literal: string): boolean {
  if (/(?:weight|traffic|precedence)$/.test(key)) return /^(?:"|!!str |!!int ")?[+-]?[\d.xoe]+"?$/.test(literal);
  if (/(?:shadow|exact|regex|sensitive)$/.test(key)) return /^"?(?:no|off|false|n|0)"?$/i.test(literal);
  return literal === ".*" || literal === '"*"' || (key === ":method" && /^true$/i.test(literal));
}

/** Of YAML in block style, line by line. */
function* lineErrors(block: string): Generator<TypingError> {
  const lines = block.split("\n").filter((line) => line !== "");
  const at = (index: number, ...instead: string[]): string =>
    `${[...lines.slice(0, index), ...instead, ...lines.slice(index + 1)].join("\n")}\n`;
  for (const [index, line] of lines.entries()) {
    if (
      /^\s*(?:name|namespace|kind|apiVersion):/.test(line) ||
      [...unread].some((key) => line.trim().replace(/^- /, "").startsWith(`${key}:`))
    )
      continue;
    for (const [what, ...instead] of [
      ["one in", ` ${line}`],
      ["two in", `  ${line}`],
      ["one out", line.replace(/^ /, "")],
      ["two out", line.replace(/^ {2}/, "")],
      ["four out", line.replace(/^ {4}/, "")],
      ["a tab", line.replace(/^(?: {2})?/, "\t")],
      ["no space", line.replace(/: /, ":")],
      ["no colon", line.replace(/:/, "")],
      ["an equals sign", line.replace(/: */, "=")],
      ["a dash", line.replace(/^( *)/, "$1- ")],
      ["no dash", line.replace(/^( *)- /, "$1  ")],
      ["cut", line.replace(/:.*$/, ":")],
      ["twice", line, line],
      ["a quote lost", line.replace(/['"]/, "")],
      ["a quote opened", line.replace(/: /, ': "')],
      ["a comment behind", line.replace(/: (.*)$/, ": #$1")],
      ["a carriage return", `${line}\r`],
      ["an anchor", line.replace(/: /, ": &x ")],
      ["an alias", line.replace(/: .*$/, ": *x")],
      ["a document ended", line, "---"],
      ["a document ended so", line, "..."],
    ] as [string, ...string[]][]) {
      if (instead.length === 1 && instead[0] === line) continue;
      yield { what: `line ${index + 1} ${JSON.stringify(line)}: ${what}`, text: at(index, ...instead) };
    }
  }
  yield { what: "CR LF", text: lines.join("\r\n") };
  yield { what: "CR", text: lines.join("\r") };
  yield { what: "a byte order mark", text: `\ufeff${lines.join("\n")}` };
}

export function* typingErrors(subject: Tree): Generator<TypingError> {
  yield* valueErrors(subject);
  yield* keyErrors(subject);
  yield* lineErrors(dump(subject));
}

/** Who is served, of each request: shares by Mapping id, of live ones and of copies. */
export interface Outcome {
  readonly mappings: readonly Mapping[];
  readonly sharesOf: (request: HeadText) => ReadonlyMap<string, number>;
  readonly problems: readonly Problem[];
}

const draws = 40;

export function outcomeOf(around: string, subject: string): Outcome {
  const declarations = new Declarations();
  const found: Problem[] = [];
  for (const [file, text] of [
    ["around.yaml", around],
    ["subject.yaml", subject],
  ] as const) {
    const manifest = parseManifest(Buffer.from(text), {
      file,
      defaultNamespace: "default",
      lastGood: [],
    });
    declarations.replace([], manifest.objects);
    found.push(...manifest.problems);
  }
  const translator = new Translator({ ...clusterSettings, source: "folder", withoutSlices: "ready" });
  translator.apply(declarations.changes());
  const translation = translator.current();
  const { table, problems } = build(translation, [...found, ...declarations.problems()]);
  const sharesOf = (request: HeadText): ReadonlyMap<string, number> => {
    const shares = new Map<string, number>();
    for (let index = 0; index < draws; index++) {
      const decision = decide(table, headOf(request), (index + 0.5) / draws);
      if (decision.kind !== "forward") continue;
      shares.set(decision.mapping.id, (shares.get(decision.mapping.id) ?? 0) + 1 / draws);
      if (index > 0) continue;
      for (const { mapping, fraction, ready } of decision.shadows)
        if (ready) shares.set(`copy ${mapping.id}`, fraction);
    }
    return shares;
  };
  return { mappings: [...translation.mappings.values()], sharesOf, problems };
}

/** Requests that hold what a Mapping asks for, and the same without any of it. */
export function requestsFor(mapping: Mapping): readonly HeadText[] {
  const { path, host, method, headers, query } = mapping.match;
  const grpc = path.kind === "grpc" || (path.kind === "regex" && path.pattern === GRPC_PATTERN);
  const text =
    path.kind === "prefix"
      ? `${path.prefix}x`
      : path.kind === "exact"
        ? path.path
        : path.kind === "regex"
          ? path.pattern.replace(".*", "x")
          : "/seldon.protos.Seldon/Predict";
  const hosts =
    host.kind === "any"
      ? "any.example"
      : host.kind === "exact"
        ? host.host
        : host.kind === "suffix"
          ? `x${host.suffix}`
          : host.kind === "prefix"
            ? `${host.prefix}x`
            : host.pattern.replace(".*", "x");
  const of = (value: ValueMatch): string =>
    value.kind === "exact" ? value.value : value.kind === "present" ? "x" : value.pattern.replace(".*", "x");
  const named = headers
    .filter(({ name }) => name === "seldon" || name === "namespace")
    .map(({ name, value }): [string, string] => [name, of(value)]);
  const asked = headers.map(({ name, value }): [string, string] => [name, of(value)]);
  const withQuery =
    query.length === 0 ? text : `${text}?${query.map(({ name, value }) => `${name}=${of(value)}`).join("&")}`;
  return [
    { method: method === null ? "POST" : of(method), host: hosts, path: withQuery, headers: asked, grpc },
    { method: "POST", host: "any.example", path: text, headers: named, grpc },
  ];
}

/** Are about the shares of several, whatever they come from. */
const ofGroups = new Set(["no-weights", "shares-scaled"]);

/** What became wider without a word, of one typing error; [] when nothing did. */
export function silentlyWider(
  graph: ObjectGraph,
  before: Outcome,
  without: Outcome,
  error: TypingError,
  known: ReadonlySet<string>,
): readonly string[] {
  const after = outcomeOf(graph.around, error.text);
  const said = after.problems.filter((problem) => !known.has(printProblem(problem)));
  if (
    said.some(
      (problem) =>
        problem.level === "error" ||
        (problem.level === "warning" && !ofGroups.has(problem.code) && !isDifference(problem)),
    )
  )
    return [];
  const wider: string[] = [];
  const requests = new Map(before.mappings.flatMap(requestsFor).map((request) => [JSON.stringify(request), request]));
  for (const [text, request] of requests) {
    const [now, then, else_] = [after.sharesOf(request), before.sharesOf(request), without.sharesOf(request)];
    for (const [id, share] of now)
      if (share > Math.max(then.get(id) ?? 0, else_.get(id) ?? 0) + 1e-6)
        wider.push(`${id} gets ${share} instead of ${then.get(id) ?? 0} (or ${else_.get(id) ?? 0}) of ${text}`);
  }
  return wider;
}
