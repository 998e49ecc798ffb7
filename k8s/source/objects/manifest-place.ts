// Places in a manifest file, as Problems and origins name them.
import type { ManifestDocument } from "./documents.ts";

/** Where an object is in its file. */
export interface Place {
  readonly line: number;
  /** Of an object in a List: `items[41]`; else "". */
  readonly items: string;
}

export function fieldAt({ line, items }: Place): string {
  return items === "" ? position(line, 1) : `line ${line}, ${items}`;
}

export function originAt(file: string, { line, items }: Place): string {
  return items === "" ? `${file}:${line}` : `${file}:${line} ${items}`;
}

/** A place as other tools name it. */
export interface FilePlace {
  readonly file: string;
  /** 1 where nothing is known of it. */
  readonly line: number;
  readonly column: number;
}

/** What `originAt` has written; null: nothing is known, as of a cluster. */
export function placeOfOrigin(origin: string): FilePlace | null {
  if (origin === "") return null;
  const [, file, line] = /^(.*):(\d+)(?: items\S*)?$/s.exec(origin) ?? [];
  return file === undefined ? { file: origin, line: 1, column: 1 } : { file, line: Number(line), column: 1 };
}

/** Of a Problem of a file, whose `field` is what `fieldAt` has written, or "". */
export function placeOfField(file: string, field: string): FilePlace {
  const [, line = "1", column = "1"] = /^line (\d+), (?:column (\d+)|items)/.exec(field) ?? [];
  return { file, line: Number(line), column: Number(column) };
}

export function position(line: number, column: number): string {
  return `line ${line}, column ${column}`;
}

/** Position of the first `{{` that is neither in quotes nor in a comment, or null. */
export function templateIn({ text, line }: ManifestDocument): string | null {
  for (const [index, row] of text.split("\n").entries()) {
    const at = row.search(/\{\{(?!\{)/);
    if (at >= 0 && row.includes("}}", at) && !/[#"']/.test(row.slice(0, at))) return position(line + index, at + 1);
  }
  return null;
}
