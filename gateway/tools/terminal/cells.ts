// Cells of a terminal: what somebody else wrote, escaped, cut to a width and padded. A cell never breaks a line or moves another.
import { visible } from "../../../routing/text/visible.ts";

/** Characters that take two columns, and those that take none: near enough for East Asian text and pictographs. */
const wide =
  /[[\p{Extended_Pictographic}\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]--[\0-\xff]]/v;
const combining = /\p{M}/u;
const plain = /^[\x20-\x7e]*$/;
/** A longer text is cut before anything else is done with it. */
const maxCharacters = 1000;

function widthOf(text: string): number {
  if (plain.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += combining.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return width;
}

/** The text on one line, escaped, at most `width` columns wide: where it is longer it ends with `…`. */
export function cut(text: string, width: number): string {
  const shown = visible(text.slice(0, maxCharacters));
  if (widthOf(shown) <= width && text.length <= maxCharacters) return shown;
  let [kept, columns] = ["", 0];
  for (const character of shown) {
    columns += widthOf(character);
    if (columns > width - 1) break;
    kept += character;
  }
  return width < 1 ? "" : `${kept}…`;
}

/** The same, exactly `width` columns wide. */
export function cell(text: string, width: number, align: "left" | "right" = "left"): string {
  const shown = cut(text, width);
  const space = " ".repeat(Math.max(0, width - widthOf(shown)));
  return align === "left" ? shown + space : space + shown;
}

export interface TextColumn {
  readonly heading: string;
  readonly align: "left" | "right";
  readonly maxWidth: number;
}

/** Rows under headings, two spaces between columns. The last cell of a row that has fewer cells reaches into the columns behind it. `""` as every heading: no line of headings. */
export function tableOf(columns: readonly TextColumn[], rows: readonly (readonly string[])[]): readonly string[] {
  const headings = columns.map(({ heading }) => heading);
  const all = headings.every((heading) => heading === "") ? rows : [headings, ...rows];
  const reaches = (row: readonly string[], at: number): boolean => at === row.length - 1 && at < columns.length - 1;
  const widths = columns.map(({ maxWidth }, at) =>
    all.reduce((most, row) => Math.max(most, reaches(row, at) ? 0 : widthOf(cut(row[at] ?? "", maxWidth))), 0),
  );
  return all.map((row) =>
    row
      .map((text, at) => {
        const { maxWidth, align } = columns[at]!;
        return reaches(row, at) ? cut(text, maxWidth) : cell(text, widths[at]!, align);
      })
      .join("  ")
      .trimEnd(),
  );
}
