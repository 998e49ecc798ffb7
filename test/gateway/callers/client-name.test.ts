// Names of clients: bounded, printable, and never two that become one.
import { expect, test } from "vitest";
import { clientName, fieldText, mostNameCharacters } from "../../../gateway/callers/client-name.ts";

test.each([
  ["alice", "alice"],
  ["Jürgen", "J%C3%BCrgen"],
  ["100%", "100%25"],
  ["J%C3%BCrgen", "J%25C3%25BCrgen"],
  [" a b ", "%20a b%20"],
  ["a\r\nx: y", "a%0D%0Ax: y"],
  ["\0", "%00"],
  ["\u001b[31m", "%1B[31m"],
])("%j becomes %s", (text, name) => {
  expect(clientName(text)).toBe(name);
  expect(fieldText(text)).toBe(name);
});

test("half of a surrogate pair is no name: all of them would be one", () => {
  expect(["\ud800", "a\udc00b", "\udc00\ud800"].map(clientName)).toEqual([null, null, null]);
});

test("an empty name is none, and one that is too long, which is not cut", () => {
  expect(clientName("")).toBeNull();
  expect(clientName("n".repeat(mostNameCharacters - 1))).toHaveLength(mostNameCharacters - 1);
  expect(clientName("n".repeat(mostNameCharacters))).toHaveLength(mostNameCharacters);
  expect(clientName("n".repeat(mostNameCharacters + 1))).toBeNull();
});
