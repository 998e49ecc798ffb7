import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { visible, visibleLines } from "../../../routing/text/visible.ts";

describe("texts of others", () => {
  test.each([
    ["plain", "plain"],
    ["größer 模型", "größer 模型"],
    ["\u001b[2J", "\\u001b[2J"],
    ["a\r\nset-cookie: b", "a\\u000d\\u000aset-cookie: b"],
    ["\u009b31m\u007f", "\\u009b31m\\u007f"],
    ["a\u202eb\u2066c\u200f", "a\\u202eb\\u2066c\\u200f"],
    ["a\u2028b", "a\\u2028b"],
    ["\ud800", "\\ud800"],
    ["\u{e0041}", "\\udb40\\udc41"],
  ])("%j is shown as %s", (text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  test("of several lines the ends stay", () => {
    expect(visibleLines("a\nb\r\n\u001bc\n")).toBe("a\nb\\u000d\n\\u001bc\n");
  });

  test("JSON keeps its value, and nothing in it moves a terminal", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const json = visibleLines(JSON.stringify({ text }, null, 2));
        expect(JSON.parse(json)).toEqual({ text });
        expect(json).not.toMatch(/[[\p{Cc}\p{Bidi_Control}]--[\n]]/v);
      }),
    );
  });
});
