import { describe, expect, test } from "vitest";
import { repeatedKeyOffset } from "../../../routing/text/json-keys.ts";
import * as fc from "../../seeded.ts";

describe("a key that is written twice", () => {
  test.each([
    ['{"a": 1, "a": 2}', 9],
    ['[{"b": {"a": [], "c": "{", "\\u0061": 1}}]', 27],
    ['{"a": {"a": 1}, "b": {"a": 1}, "c": [{"a": 1}, {"a": 1}]}', null],
    ['{"a": "a", "b": ["a", "a"], "c\\"": "\\\\", "c": "\\""}', null],
    ['{"__proto__": 1, "__proto__": 2}', 17],
    ['"a"', null],
    ["7", null],
    ["[]", null],
  ])("%s", (text, offset) => {
    expect(repeatedKeyOffset(text)).toBe(offset);
  });

  test("is in no text that comes of a value, and in each with one more", async () => {
    await fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.string(), (text, key) => {
        expect(repeatedKeyOffset(text)).toBeNull();
        const name = JSON.stringify(key);
        expect(repeatedKeyOffset(`{${name}:${text},"x${key.length}":[],${name}:${text}}`)).not.toBeNull();
      }),
    );
  });
});
