// References in comments and documents: to files, to what stands in them, to routing rules. As a function, so that the test can plant wrong ones.
import { posix } from "node:path";

/** What references may name. */
export interface Named {
  /** Text of every file of the repository that may be named, by path from its root. */
  readonly files: ReadonlyMap<string, string>;
  /** Numbers of the rules in routing/RULES.md. */
  readonly rules: ReadonlySet<number>;
}

const rooted = /(?<![\w./@-])(?:gateway|release|routing|k8s|test|load|\.ci|\.github)\/[\w./*<>{}-]*[\w>*}/]/g;
const sources = /(?<![\w./@-])[\w./-]*\w\.(?:ts|mjs|md|sh)\b(?!\/)/g;
const inside = /(?<![\w./@-])([\w./-]+\.ts):(\w+)/g;
const ruleNumbers = /\brouting rules? (\d+(?:(?:, | and | to )\d+)*)/gi;
/** Pages that are not here: of whoever designed the project, of its issues, of a machine. */
const outside =
  /\bdesign §|\bdesign\.md|\breference:? (?:node-platform|reliability|http2-engine|http1-codec|seldon-routing|ambassador-mapping)\b|\b(?:seldon-routing|ambassador-mapping|http[12]-(?:codec|engine)|model-codebases|demand-and-pitfalls)\b|(?<![#\w])issue \d+|\/work\//gi;
const section = /§/g;
/** A public document that has sections, on the same line before one of them. */
const published = /\b(?:RFC \d+|YAML 1\.2)\b/;

/** One line for each reference of `text` to a file, or to what stands in one, that leads nowhere. `text`: a document, or the comments of a source at `from`. */
export function deadPaths(from: string, text: string, { files }: Named): string[] {
  return lineByLine(from, text, (line, say) => {
    for (const [path] of line.matchAll(rooted)) if (!isRooted(path, files)) say(`names ${path}, which is not there`);
    for (const [path] of line.matchAll(sources))
      if (fileOf(from, path, files) === null) say(`names ${path}, which is not there`);
    for (const [, path, name] of line.matchAll(inside)) {
      const file = fileOf(from, path!, files);
      if (file !== null && !new RegExp(`\\b${name!}\\b`).test(files.get(file)!))
        say(`names ${name!}, which is not in ${file}`);
    }
  });
}

/** One line for each citation of a rule, or of a page, that is not here; messages and names of tests count too. */
export function deadCitations(from: string, text: string, { rules }: Named): string[] {
  return lineByLine(from, text, (line, say) => {
    for (const [, numbers] of line.matchAll(ruleNumbers)) {
      for (const [number] of numbers!.matchAll(/\d+/g))
        if (!rules.has(Number(number))) say(`names routing rule ${number}, which routing/RULES.md has not`);
    }
    for (const [cited] of line.matchAll(outside)) say(`cites "${cited}", which is not in the repository`);
    for (const { index: at } of line.matchAll(section))
      if (!published.test(line.slice(0, at))) say("has a § without the public document that it is in");
  });
}

function lineByLine(from: string, text: string, look: (line: string, say: (what: string) => void) => void): string[] {
  const found: string[] = [];
  for (const [index, line] of text.split("\n").entries())
    look(line.replace(/\bhttps?:\/\/\S+/g, ""), (what) => found.push(`${from}:${index + 1} ${what}`));
  return found;
}

/** Comments of a source, everything else blank, on the same lines; a golden's notes. */
export function commentsOf(path: string, text: string): string {
  if (/\.ya?ml$/.test(path)) return text.replace(/^(?!\s*#).*$/gm, "");
  return text.replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\/\*[^]*?\*\/|(?<![:\\])\/\/[^\n]*|[^\n]/g, (part) =>
    /^\/[/*]/.test(part) ? part : "",
  );
}

/** A path from the root: a file, a folder of some, or a pattern with `*` or `<…>` whose fixed beginning is one. */
function isRooted(path: string, files: ReadonlyMap<string, string>): boolean {
  const fixed = path.replace(/[*<{].*$/, "").replace(/\/$/, "");
  if (files.has(fixed)) return true;
  for (const file of files.keys())
    if (file.startsWith(`${fixed}/`) || (fixed !== path.replace(/\/$/, "") && file.startsWith(fixed))) return true;
  // Without its ending, as in `gateway/edge/policy`.
  return files.has(`${fixed}.ts`);
}

/** The file that a path means: from the root, from the folder of `from`, or as the end of a path. */
function fileOf(from: string, path: string, files: ReadonlyMap<string, string>): string | null {
  const beside = posix.join(posix.dirname(from), path);
  if (files.has(beside)) return beside;
  const plain = path.replace(/^\.\//, "");
  if (files.has(plain)) return plain;
  for (const file of files.keys()) if (file.endsWith(`/${plain}`)) return file;
  return null;
}
