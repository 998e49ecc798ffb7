// What an answer of many names, or of many bytes that are no text, costs: it is bounded, and said.
import { expect, test } from "vitest";
import type { CapturedAnswer } from "../../../../routing/release/compare/answer.ts";
import { bytesText } from "../../../../routing/release/compare/bytes-text.ts";
import { Comparison } from "../../../../routing/release/compare/comparison.ts";
import { maxLookups } from "../../../../routing/release/compare/path-tree.ts";
import { keptAnswer } from "../../../../routing/release/compare/redacted.ts";
import { ignoredByDefault, plainRules, type CompareRules } from "../../../../routing/release/compare/rules.ts";

/** An object of `count` names. Each is looked up among the rules of the whole answer. */
function namesOf(count: number, prefix: string): string {
  return `{${Array.from({ length: count }, (_, at) => `"${prefix}${at}":1`).join(",")}}`;
}

function answerOf(text: string): CapturedAnswer & { readonly body: Buffer } {
  return { status: 200, grpcStatus: -1, headerBytes: -1, body: Buffer.from(text) };
}

const redacting: CompareRules = { ...plainRules, redacted: Array.from({ length: 60 }, (_, at) => `*.*.*.a${at}`) };
const most = Math.floor(maxLookups / (1 + ignoredByDefault.length + 60));

test.each([
  ["few", "few", "disagreed", undefined],
  ["few", "many", "disagreed", undefined],
  ["many", "few", "incomparable", "the primary's answer has more names than its rules are looked up for"],
  ["many", "many", "incomparable", "the primary's answer has more names than its rules are looked up for"],
])("a primary with %s names and a shadow with %s: %s", (primary, shadow, outcome, reason) => {
  const [few, many] = [Math.floor(most / 3), most * 2];
  const comparison = new Comparison(redacting);
  const counts = (size: string): number => (size === "few" ? few : many);
  const verdict = comparison.add({
    isGrpc: false,
    path: "/",
    primary: answerOf(namesOf(counts(primary), "a.b.c")),
    shadow: answerOf(namesOf(counts(shadow), "b.c.d")),
  });
  expect([verdict.kind, verdict.kind === "incomparable" ? verdict.reason : undefined]).toEqual([outcome, reason]);
});

test("names of one pair are not counted against the next one, and an answer of many records is compared", () => {
  const comparison = new Comparison(redacting);
  const records = answerOf(`[${Array.from({ length: 50_000 }, () => '{"a":1,"b":{"c":2}}').join(",")}]`);
  const names = answerOf(namesOf(Math.floor(most * 0.6), "n"));
  for (const answer of [names, names, records])
    expect(
      comparison.add({ isGrpc: false, path: "/", primary: answer, shadow: answerOf(`${answer.body.toString()} `) })
        .kind,
    ).toBe("agreed");
});

test("what no rule was looked up for is redacted", () => {
  const text = `${namesOf(most * 2, "n").slice(0, -1)},"x":{"y":{"z":{"a7":"pa55"}}}}`;
  expect(keptAnswer(answerOf(text), false, "/", redacting)).not.toContain("pa55");
});

test.each([
  ["a byte order mark", [0xef, 0xbb, 0xbf, 0x41], "\ufeffA"],
  ["a replacement character", [0xef, 0xbf, 0xbd], "\ufffd"],
  ["no UTF-8", [0xff, 0x41], "0xff41"],
  ["half a character", [0xe2, 0x82], "0xe282"],
])("bytes with %s have a text of their own", (_what, bytes, text) => {
  expect(bytesText(new Uint8Array(bytes))).toBe(text);
});
