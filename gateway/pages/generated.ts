// Generated parts of the pages: what they may be, and how one gets into its page. Everything else of a page is written by hand and stays as it is.

/** A part of a page, between two marks that name it. */
export interface GeneratedPart {
  /** The page, from the root of the repository. */
  readonly page: string;
  /** Its name in the marks: letters, digits and "-", unique in its page. */
  readonly name: string;
  /** Markdown, without the marks. */
  readonly text: () => string;
}

/** A whole file that nobody writes by hand, as a JSON Schema is. */
export interface GeneratedFile {
  /** From the root of the repository. */
  readonly file: string;
  readonly text: () => string;
}

/** The page with this part made anew; null: the page has no marks of that name, or has them twice. */
export function withPart(page: string, { name, text }: GeneratedPart): string | null {
  const [first, last] = [`<!-- made by "npm run pages": ${name} -->`, `<!-- end of ${name} -->`];
  const pieces = page.split(first);
  const rest = pieces[1]?.split(last);
  if (pieces.length !== 2 || rest?.length !== 2) return null;
  return `${pieces[0]}${first}\n\n${text().trim()}\n\n${last}${rest[1]}`;
}

/** A table in Markdown. A bar in a cell is escaped; a cell is one line. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll(/(?<!\\)\|/g, "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
