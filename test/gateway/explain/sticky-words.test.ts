// Whose the caller of an explained request is, where the head alone does not tell.
import { expect, test } from "vitest";
import { stickyWords } from "../../../gateway/explain/sticky-words.ts";
import { headOf } from "../../../routing/request/head-text.ts";
import { live, mapping, prefix, tableOf } from "../../routing/build.ts";

const series = (predictor: string) =>
  ({ namespace: "ns", deployment: "iris", predictor, role: "live", protocol: "http" }) as const;
const source = { kind: "SeldonDeployment", namespace: "ns", name: "iris" };
const head = headOf({ method: "POST", path: "/x/", host: "a", headers: [], grpc: false });

function wordsFor(kind: "client" | "address", client: string | null, asksWho = true): string | null {
  const sticky = { on: { kind }, identity: "ns/iris" } as const;
  const all = ["main", "canary"].map((name) =>
    mapping(name, prefix("/x/"), { sticky, source, member: "iris", role: live(null, 0.5), series: series(name) }),
  );
  const [route] = tableOf(all).routesInOrder();
  return stickyWords(route!, head, client === null ? null : { provider: "keys", client }, asksWho);
}

test("by client: whose the named caller is, and nothing of one who is not named", () => {
  const said = ["a", "b", "c", "d", "e", "f"].map((client) => wordsFor("client", client)!);
  for (const words of said) {
    expect(words).toMatch(
      /^by client: the key falls at [\d.]+%, and (main|canary) gets the keys from [\d.]+% to [\d.]+%(?: and from [\d.]+% to [\d.]+%)*$/,
    );
    // All of its ranges: together they are its share, and one has the key.
    const ranges = [...words.matchAll(/from ([\d.]+)% to ([\d.]+)%/g)].map(([, from, to]) => [
      Number(from),
      Number(to),
    ]);
    expect(ranges.reduce((sum, [from, to]) => sum + to! - from!, 0)).toBeCloseTo(50, 2);
    const point = Number(/falls at ([\d.]+)%/.exec(words)![1]);
    expect(ranges.some(([from, to]) => from! <= point && point <= to!)).toBe(true);
  }
  expect(new Set(said.map((words) => /(main|canary)/.exec(words)![1])).size).toBe(2);
  expect(wordsFor("client", "a")).toBe(said[0]);
  for (const client of [null, ""])
    expect(wordsFor("client", client)).toContain("the caller is not known, so a draw decides");
});

test("by client where no provider is asked: a draw decides, also for a caller that --as names", () => {
  for (const client of [null, "a"])
    expect(wordsFor("client", client, false)).toBe(
      "by client: no provider is asked who calls, so a draw decides; write sluice.io/auth",
    );
});

test("by address: it is not known here", () => {
  expect(wordsFor("address", "a")).toBe("by address: explain does not know the address of the client");
});
