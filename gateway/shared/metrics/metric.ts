// What a metric is, and how the cells that workers count in are laid out: one behind another, in the order of the declarations.

/** A family of /metrics. Labels come from the configuration only, never from a request. */
export interface Metric<Value extends string = string> {
  readonly name: string;
  readonly kind: "counter" | "gauge" | "histogram";
  /** One sentence. */
  readonly help: string;
  readonly labels: readonly string[];
  /** What the last label may be, and what each means; "": its name says it. Empty: the configuration decides. */
  readonly values: Readonly<Record<Value, string>>;
}

/** Every Metric that is declared so far, by name. */
export const declaredMetrics = new Map<string, Metric>();

function declared(kind: Metric["kind"]) {
  return <Value extends string = never>(
    name: string,
    help: string,
    labels: readonly string[] = [],
    values = {} as Readonly<Record<Value, string>>,
  ): Metric<Value> => {
    const metric = { name, kind, help, labels, values };
    declaredMetrics.set(name, metric);
    return metric;
  };
}

export const counter = declared("counter");
export const gauge = declared("gauge");
export const histogram = declared("histogram");

/** The values that a Metric's last label may have, in order. */
export function valuesOf<Value extends string>({ values }: Pick<Metric<Value>, "values">): readonly Value[] {
  return Object.keys(values) as Value[];
}

/**
 * What a cell says, and so what becomes of it when its worker dies: a counter's total goes into the base block, so that no total ever falls; a
 * gauge says what the worker has now, and a mark what it does, and both end with it.
 */
export type CellKind = "counter" | "gauge" | "mark";

/** Cells beside each other that are counted alike. */
export interface CountedCells {
  readonly kind: CellKind;
  /** Where its sums over all workers are shown, with these labels; null: nowhere, or the code that shows them reads the cells itself. */
  readonly shown: { readonly metric: Metric; readonly labels: readonly Readonly<Record<string, string>>[] } | null;
  readonly first: number;
  readonly count: number;
}

/** Cells of one kind of block, in the order in which they are asked for. */
export class CellTable {
  readonly rows: CountedCells[] = [];
  /** How many they are. */
  length = 0;

  /** The cell of a Metric that has these labels. */
  one(metric: Metric, labels: Readonly<Record<string, string>> = {}): number {
    return this.#row(metric.kind === "counter" ? "counter" : "gauge", 1, { metric, labels: [labels] });
  }

  /** A cell for each value of the Metric's last label; `labels`: the others. */
  each<Value extends string>(
    metric: Metric<Value>,
    labels: Readonly<Record<string, string>> = {},
  ): Readonly<Record<Value, number>> {
    const [values, label] = [valuesOf(metric), metric.labels.at(-1)!];
    const first = this.#row(metric.kind === "counter" ? "counter" : "gauge", values.length, {
      metric,
      labels: values.map((value) => ({ ...labels, [label]: value })),
    });
    return Object.fromEntries(values.map((value, at) => [value, first + at])) as Record<Value, number>;
  }

  /** Reserves `count` cells that no family shows; gives the first. */
  unshown(kind: CellKind, count = 1): number {
    return this.#row(kind, count, null);
  }

  #row(kind: CellKind, count: number, shown: CountedCells["shown"]): number {
    const first = this.length;
    this.length += count;
    this.rows.push({ kind, shown, first, count });
    return first;
  }
}
