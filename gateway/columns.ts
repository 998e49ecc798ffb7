// Columns: cells under each other. What somebody else wrote is escaped before it is measured, so that no cell breaks a line or moves another.
import { visible } from '../routing/visible.ts';

export interface Column {
  /** "" for none. */
  readonly heading: string;
  readonly align: 'left' | 'right';
  /** A longer cell pushes the rest of its own row and no other row. */
  readonly most: number;
}

/** Prints rows that have a cell for each column, `indent` spaces in, with nothing after the last cell that says something. */
export class Columns {
  readonly #columns: readonly Column[];
  readonly #widths: readonly number[];
  readonly #indent: string;

  /** `rows`: all that will be printed, to find the widths. */
  constructor(columns: readonly Column[], rows: Iterable<readonly string[]>, indent: number) {
    const widths = columns.map(({ heading }) => heading.length);
    for (const row of rows) {
      for (let at = 0; at < row.length; at++) widths[at] = Math.max(widths[at]!, Math.min(visible(row[at]!).length, columns[at]!.most));
    }
    this.#columns = columns;
    this.#widths = widths;
    this.#indent = ' '.repeat(indent);
  }

  headings(): string {
    return this.row(this.#columns.map(({ heading }) => heading));
  }

  row(cells: readonly string[]): string {
    const padded = cells.map((cell, at) => {
      const text = visible(cell);
      return this.#columns[at]!.align === 'left' ? text.padEnd(this.#widths[at]!) : text.padStart(this.#widths[at]!);
    });
    return `${this.#indent}${padded.join('  ')}`.trimEnd();
  }
}
