// Columns of Seldon's `data` by their names, since their order says nothing.

type Values = Readonly<Record<string, unknown>>;

/** With columns in the order of their names, where each has a name of its own; any other answer stays as it is. */
export function byColumnName(tree: unknown): unknown {
  const data = recordOf(recordOf(tree)?.["data"]);
  const names = data?.["names"];
  if (data === null || !Array.isArray(names) || names.length < 2) return tree;
  const columns = (names as readonly unknown[]).map((name, at) => ({ name, at }));
  if (!columns.every((one): one is { name: string; at: number } => typeof one.name === "string")) return tree;
  const sorted = columns.toSorted((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0));
  if (sorted.every(({ at }, place) => at === place)) return tree;
  if (sorted.some(({ name }, place) => name === sorted[place + 1]?.name)) return tree;
  const order = sorted.map(({ at }) => at);
  const ordered = inOrder(data, order);
  return ordered === null
    ? tree
    : { ...(tree as Values), data: { ...data, ...ordered, names: sorted.map(({ name }) => name) } };
}

/** null: its rows are not as wide as there are names. */
function inOrder(data: Values, order: readonly number[]): Values | null {
  const width = order.length;
  const { ndarray } = data;
  if (Array.isArray(ndarray)) {
    const rows = ndarray as readonly unknown[];
    if (!rows.every((row): row is readonly unknown[] => Array.isArray(row) && row.length === width)) return null;
    return { ndarray: rows.map((row) => order.map((at) => row[at])) };
  }
  const tensor = recordOf(data["tensor"]);
  const [shape, values] = [tensor?.["shape"], tensor?.["values"]];
  if (!Array.isArray(shape) || !Array.isArray(values) || shape.length !== 2 || shape[1] !== width) return null;
  if (values.length % width !== 0) return null;
  const inTurn = (_: unknown, at: number): unknown => values[at - (at % width) + order[at % width]!];
  return { tensor: { ...tensor, values: values.map(inTurn) } };
}

function recordOf(value: unknown): Values | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Values) : null;
}
