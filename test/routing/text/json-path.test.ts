// Paths of JSON: each form, each mistake with what to write, and bounds at limit − 1, limit and limit + 1.
import { expect, test } from "vitest";
import {
  maxKeyLength,
  maxPathKeys,
  maxPathLength,
  printJsonPath,
  readJsonPath,
  type JsonPath,
} from "../../../routing/text/json-path.ts";
import * as fc from "../../seeded.ts";

test.each<[string, JsonPath]>([
  ["$.reward", ["reward"]],
  ["$.truth.jsonData.clicked", ["truth", "jsonData", "clicked"]],
  ["$.truth.data.ndarray[0][12]", ["truth", "data", "ndarray", 0, 12]],
  ["$[0]", [0]],
  ["$[999999]", [999_999]],
  ["$.click-rate.grün._1", ["click-rate", "grün", "_1"]],
  [`$["user.id"].x`, ["user.id", "x"]],
  [`$['user.id']['it"s']`, ["user.id", 'it"s']],
  [`$["a\\u0020b\\u003b\\"]"]`, ['a b;"]']],
  [`$[""]`, [""]],
  ["$.0", ["0"]],
  ["$.__proto__.constructor", ["__proto__", "constructor"]],
])("%s", (text, path) => {
  expect(readJsonPath(text)).toEqual({ path });
});

const howTo = 'write it as $.truth.clicked, $.items[0] or $["user.id"]';

test.each([
  ["", `the path does not begin with "$"; write "$.truth.clicked"`],
  ["truth.clicked", `the path does not begin with "$"; write "$.truth.clicked"`],
  [`["a"]`, `the path does not begin with "$"; write "$["a"]"`],
  ["$", `the path names the whole document; write the keys, as in $.truth.clicked`],
  ["$.", `the path is not understood from "." on; ${howTo}`],
  ["$a", `the path is not understood from "a" on; ${howTo}`],
  ["$.a b", `the path is not understood from " b" on; ${howTo}`],
  ["$.a[01]", `the path is not understood from "[01]" on; ${howTo}`],
  ["$.a[1000000]", `the path is not understood from "[1000000]" on; ${howTo}`],
  ["$.a[b]", `the path is not understood from "[b]" on; ${howTo}`],
  [`$["a`, `the path is not understood from "["a" on; ${howTo}`],
  [`$["\\x"]`, `the path is not understood from "["\\x"]" on; ${howTo}`],
  ["$.a\u001b[31m", `the path is not understood from "\\u001b[31m" on; ${howTo}`],
  ...["..a", ".*", "*", "[*]", "[?@.a]", "[-1]", "[1:2]", "[:2]", "[0,1]"].map((rest) => [
    `$${rest}`,
    `the path names several values at "${rest}"; write one without "..", "*", ":" and "?"`,
  ]),
])("a mistake says what to write: %j", (text, sentence) => {
  const read = readJsonPath(text);
  expect("mistake" in read ? read.mistake : read).toBe(sentence);
});

test("bounds: characters, keys, characters of a key", () => {
  const said = (text: string): string => {
    const read = readJsonPath(text);
    return "mistake" in read ? read.mistake.replace("the path ", "") : "read";
  };
  const keys = (count: number): string => `$${".a".repeat(count)}`;
  expect([maxPathKeys - 1, maxPathKeys, maxPathKeys + 1].map((count) => said(keys(count)))).toEqual([
    "read",
    "read",
    "has more than 16 keys; name a value less deep",
  ]);
  const key = (length: number): string => `$.${"a".repeat(length)}`;
  expect([maxKeyLength - 1, maxKeyLength, maxKeyLength + 1].map((length) => said(key(length)))).toEqual([
    "read",
    "read",
    "has a key of more than 64 characters; name another value",
  ]);
  const long = (length: number): string => {
    const text = `$${`.${"a".repeat(60)}`.repeat(4)}.`;
    return text + "a".repeat(length - text.length);
  };
  expect([maxPathLength - 1, maxPathLength, maxPathLength + 1].map((length) => said(long(length)))).toEqual([
    "read",
    "read",
    "has more than 256 characters; write a shorter one",
  ]);
});

test("a path that is printed reads as the same path and is one word of a clause; any text gives a path or a sentence on one line", () => {
  const key = fc.oneof(
    fc.nat(999_999),
    fc.string({ maxLength: 5, unit: "binary" }),
    fc.constantFrom("a b", ";", ",≤<="),
  );
  void fc.assert(
    fc.property(fc.array(key, { minLength: 1, maxLength: 4 }), (path) => {
      const text = printJsonPath(path);
      expect(text).toMatch(/^[^\s,;≤≥<>=]+$/u);
      expect(readJsonPath(text)).toEqual({ path });
    }),
  );
  void fc.assert(
    fc.property(fc.string({ maxLength: 300, unit: "binary" }), fc.constantFrom("", "$", "$."), (text, head) => {
      const read = readJsonPath(head + text);
      if ("mistake" in read) expect(read.mistake).toMatch(/^[\P{Cc}]{1,900}$/u);
    }),
  );
});
