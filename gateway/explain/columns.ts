// Columns: cells under each other. What somebody else wrote is escaped before it is measured, so that no cell breaks a line or moves another.
import { visible } from "../../routing/text/visible.ts";

export interface Column {
  /** "" for none. */
  readonly heading: string;
  readonly align: "left" | "right";
  /** A longer cell pushes the rest of its own row and no other row. */
  readonly most: number;
}

/** Who gets which share, and where it goes: the first columns of `routes` and of `explain`. */
export const memberColumns: readonly Column[] = [
  { heading: "SHARE", align: "right", most: 12 },
  { heading: "DECLARED", align: "right", most: 8 },
  { heading: "READY", align: "left", most: 5 },
  { heading: "PREDICTOR", align: "left", most: 24 },
  { heading: "GOES TO", align: "left", most: 56 },
];

/** Prints rows that have a cell for each column, `indent` spaces in, with nothing after the last cell that says something. */
export class Columns {
  readonly #columns: readonly Column[];
  readonly #widths: readonly number[];
  readonly #indent: string;

  /** `rows`: all that will be printed, to find the widths. */
  constructor(columns: readonly Column[], rows: Iterable<readonly string[]>, indent: number) {
    const widths = columns.map(({ heading }) => heading.length);
    for (const row of rows) {
      for (let at = 0; at < row.length; at++)
        widths[at] = Math.max(widths[at]!, Math.min(visible(row[at]!).length, columns[at]!.most));
    }
    this.#columns = columns;
    this.#widths = widths;
    this.#indent = " ".repeat(indent);
  }

  headings(): string {
    return this.row(this.#columns.map(({ heading }) => heading));
  }

  row(cells: readonly string[]): string {
    const padded = cells.map((cell, at) => {
      const text = visible(cell);
      return this.#columns[at]!.align === "left" ? text.padEnd(this.#widths[at]!) : text.padStart(this.#widths[at]!);
    });
    return `${this.#indent}${padded.join("  ")}`.trimEnd();
  }
}
