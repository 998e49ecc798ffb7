import * as fc from "fast-check";
import { load } from "js-yaml";
import { expect, test } from "vitest";
import { printValue } from "../../../gateway/tools/output.ts";
import { visible, visibleLines } from "../../../routing/text/visible.ts";

/** As `runCommand` prints it. */
const printed = (value: unknown, output: "json" | "yaml"): string => visibleLines(printValue(value, output));
const values = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.array(fc.record({ name: fc.string({ unit: "binary" }), sentence: fc.string({ unit: "grapheme" }) })),
);

test("JSON and YAML are the value, and nothing that a terminal obeys", () => {
  fc.assert(
    fc.property(values, (value) => {
      const json = JSON.parse(JSON.stringify(value)) as unknown;
      for (const [output, read] of [
        ["json", JSON.parse],
        ["yaml", load],
      ] as const) {
        const text = printed({ json }, output);
        expect(read(text)).toEqual({ json });
        expect(text.replaceAll("\n", "")).toBe(visible(text.replaceAll("\n", "")));
        expect(text.endsWith("\n")).toBe(true);
      }
    }),
    { examples: [[["a\u001b[2Jb", "x\u202ey", "two\nlines\u2028", "\ud800"]], [["- a: b", "null", "1", ""]]] },
  );
});

test("YAML is plain where nothing needs quotes", () => {
  expect(printed({ items: [{ name: "iris", share: 0.5 }], continue: null }, "yaml")).toBe(
    "items:\n  - name: iris\n    share: 0.5\ncontinue: null\n",
  );
});
