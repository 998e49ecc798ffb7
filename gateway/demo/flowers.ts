// Fifteen of Fisher's irises, five of each class, as R prints them: requests whose right answer is known. Version 1 of the model is right about eleven of them, version 2 about all.
export interface Flower {
  /** Measurements, cm. */
  readonly row: readonly number[];
  /** Name of its class. */
  readonly klass: string;
}

const rows = {
  setosa: [
    [5.1, 3.5, 1.4, 0.2],
    [4.9, 3, 1.4, 0.2],
    [4.7, 3.2, 1.3, 0.2],
    [5.4, 3.9, 1.7, 0.4],
    [5, 3.4, 1.5, 0.2],
  ],
  versicolor: [
    [7, 3.2, 4.7, 1.4],
    [6.4, 3.2, 4.5, 1.5],
    [6.9, 3.1, 4.9, 1.5],
    [5.5, 2.3, 4, 1.3],
    [5.7, 2.8, 4.5, 1.3],
  ],
  virginica: [
    [6.3, 3.3, 6, 2.5],
    [5.8, 2.7, 5.1, 1.9],
    [7.1, 3, 5.9, 2.1],
    [6.3, 2.9, 5.6, 1.8],
    [6.5, 3, 5.8, 2.2],
  ],
};

export const flowers: readonly Flower[] = Object.entries(rows).flatMap(([klass, all]) =>
  all.map((row) => ({ row, klass })),
);

/** A prediction request for it. */
export function payloadOf({ row }: Flower): string {
  return JSON.stringify({ data: { ndarray: [row] } });
}
