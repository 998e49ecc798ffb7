import { describe, expect, test } from "vitest";
import { parseSticky } from "../../../../k8s/translate/fields/sticky-text.ts";
import { stickyText } from "../../../../routing/model/sticky.ts";
import { deployment, partsOf, problemsOf, translate } from "../objects.ts";

const day = 86_400_000;

test.each([
  ["header x-user", { kind: "header", name: "x-user" }],
  ["  header \t X-User-Id ", { kind: "header", name: "x-user-id" }],
  [`header ${"h".repeat(128)}`, { kind: "header", name: "h".repeat(128) }],
  ["cookie sluice", { kind: "cookie", name: "sluice", ttlMs: null }],
  ["cookie Sluice 1s", { kind: "cookie", name: "Sluice", ttlMs: 1000 }],
  ["cookie sluice 90m", { kind: "cookie", name: "sluice", ttlMs: 5_400_000 }],
  ["cookie sluice 12h", { kind: "cookie", name: "sluice", ttlMs: day / 2 }],
  ["cookie sluice 400d", { kind: "cookie", name: "sluice", ttlMs: 400 * day }],
  ["query user", { kind: "query", name: "user" }],
  ["query user[id]", { kind: "query", name: "user[id]" }],
  ["client", { kind: "client" }],
  ["address", { kind: "address" }],
])("%j", (text, value) => {
  expect(parseSticky(text)).toEqual({ kind: "value", value });
});

const written = "so a draw decides each request; write header NAME, cookie NAME [TTL], query NAME, client or address";

describe("a mistake is a Problem that says what to write, and a draw decides", () => {
  test.each([
    ["x-user", '"x-user" says nothing that callers can be told apart by'],
    ["Header x-user", '"Header x-user" says nothing that callers can be told apart by'],
    ["header", '"header" names no header'],
    ["cookie", '"cookie" names no cookie'],
    ["query", '"query" names no query parameter'],
    ["header x-user x-id", '"header x-user x-id" has "x-id" after the name'],
    ["query user 1h", '"query user 1h" has "1h" after the name'],
    ["cookie sluice 1h x", '"cookie sluice 1h x" has "x" after the TTL'],
    ["client x", '"client x" has "x" after client'],
    ["address x", '"address x" has "x" after address'],
    ["header :path", '"header :path" has ":path", which no header is called'],
    ["header x,y", '"header x,y" has "x,y", which no header is called'],
    ["cookie a=b", '"cookie a=b" has "a=b", which no cookie is called'],
    ["query bücher", '"query bücher" has "bücher", which no query parameter is called'],
    ["cookie sluice 0s", '"cookie sluice 0s" has "0s", which is not a time from 1s to 400d'],
    ["cookie sluice 999ms", '"cookie sluice 999ms" has "999ms", which is not a time from 1s to 400d'],
    ["cookie sluice 401d", '"cookie sluice 401d" has "401d", which is not a time from 1s to 400d'],
    ["cookie sluice 60", '"cookie sluice 60" has "60", which is not a time from 1s to 400d'],
    [`header ${"h".repeat(129)}`, `"header ${"h".repeat(50)}..." has a name of more than 128 characters`],
  ])("%j", (text, said) => {
    const translation = translate([deployment("prod/iris", ["main"], { "sluice.io/sticky": text })]);
    expect(problemsOf(translation)).toEqual([
      `warning bad-value SeldonDeployment prod/iris metadata.annotations["sluice.io/sticky"]: ${said}, ${written}`,
    ]);
    expect(partsOf(translation, "prod/iris").get("http main")!.sticky).toBeNull();
  });
});

test("every form of a deployment has one identity: the name in its paths", () => {
  const annotations = { "sluice.io/sticky": "cookie sluice 1h", "seldon.io/ambassador-service-name": "flowers" };
  const parts = partsOf(translate([deployment("prod/iris", ["main", "canary"], annotations)]), "prod/iris");
  expect(parts.size).toBeGreaterThan(4);
  for (const { sticky } of parts.values()) {
    expect(sticky).toEqual({ on: { kind: "cookie", name: "sluice", ttlMs: 3_600_000 }, identity: "prod/flowers" });
    expect(stickyText(sticky!.on)).toBe("cookie sluice 3600s");
  }
});
