import { expect, test } from "vitest";
import { LastFailures, maxKept } from "../../../../gateway/control/measured/last-failures.ts";
import { emptyEntry, type AccessEntry } from "../../../../gateway/shared/access-fields.ts";

const iris = { namespace: "prod", deployment: "iris", predictor: "default" };
const entry = (more: Partial<AccessEntry>): AccessEntry => ({ ...emptyEntry, ...iris, flag: "UF", ...more });

test.each([
  ["the last one stands", [{ sentence: "one" }, { sentence: "two" }], "UF", "two"],
  ["with its Endpoint", [{ sentence: "refused", address: "10.2.3.4:9000" }], "UF", "refused, 10.2.3.4:9000"],
  ["once", [{ sentence: "10.2.3.4:9000: refused", address: "10.2.3.4:9000" }], "UF", "10.2.3.4:9000: refused"],
  ["the first of two flags", [{ sentence: "refused", flag: "UF,URX" }], "UF", "refused"],
  [
    "the model's own",
    [{ sentence: "The model answered 500", flag: "", origin: "model" }],
    "",
    "The model answered 500",
  ],
  ["no refusal", [{ sentence: "who?", flag: "UAEX" }], "UAEX", null],
  ["nothing of an answer", [{ sentence: "", flag: "" }], "", null],
  ["nothing of another predictor", [{ sentence: "x", predictor: "canary" }], "UF", null],
  ["of bounded length", [{ sentence: "x".repeat(65_536) }], "UF", "x".repeat(300)],
] as const)("%s", (_case, entries, flag, expected) => {
  const last = new LastFailures();
  for (const one of entries) last.take(entry(one));
  expect(last.sentenceOf(iris, flag)).toBe(expected);
});

test.each([
  [maxKept - 1, "told"],
  [maxKept, null],
])("beyond its bound the predictor that failed longest ago is forgotten: %d others", (others, expected) => {
  const last = new LastFailures();
  last.take(entry({ sentence: "told" }));
  for (let at = 0; at < others; at++) last.take(entry({ deployment: `other-${at}`, sentence: "x" }));
  expect(last.sentenceOf(iris, "UF")).toBe(expected);
});
