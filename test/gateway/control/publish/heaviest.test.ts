import { expect, test } from "vitest";
import { heaviestNamespaces } from "../../../../gateway/control/publish/heaviest.ts";
import { mappingOf } from "../../fixtures.ts";

const change = (id: string, member: string): { mapping: ReturnType<typeof mappingOf>; slot: number } => ({
  mapping: { ...mappingOf("m", "u"), id, member },
  slot: -1,
});

test("by what would be in the table, three of them", () => {
  const written = [
    ["SeldonDeployment prod/a http", 2 ** 20],
    ["SeldonDeployment prod/b http", 2 ** 20],
    ["Mapping gone/a", 2 ** 24],
    ["Mapping shrunk/a", 2 ** 24],
    ["Mapping few/a", 10],
  ] as const;
  const changed = [
    change("Mapping shrunk/a", ""),
    change("SeldonDeployment evil/a http main", "x".repeat(2 ** 22)),
    change("Mapping few/b", "x".repeat(2 ** 19)),
  ];
  expect(heaviestNamespaces(written, changed, ["Mapping gone/a"])).toBe(
    "evil (4.0 MiB), prod (2.0 MiB), few (0.5 MiB)",
  );
});
