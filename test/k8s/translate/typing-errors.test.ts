// A typing error never makes anybody be served more in silence: a drawn part of all of them (some 64,000; SLUICE_TYPING_ERRORS is how many are tried).
import { dump } from "js-yaml";
import { describe, expect, test } from "vitest";
import { printProblem } from "../../../routing/text/problem.ts";
import { outcomeOf, silentlyWider, typingErrors, worldsOf } from "./typing-errors.ts";

const tried = Number(process.env["SLUICE_TYPING_ERRORS"] ?? 1000);
const seed = Number(process.env["SLUICE_SEED"] ?? 20261122);

/** mulberry32. */
function draws(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const worlds = worldsOf();

/** One world, and one error by its text. */
function widerBy(name: string, what: string): readonly string[] {
  const graph = worlds.find((one) => one.name === name)!;
  const error = [...typingErrors(graph.subject)].find((one) => one.what === what);
  if (error === undefined) throw new Error(`${name} has no error ${what}`);
  return widerIn(graph, [error]);
}

function widerIn(
  graph: (typeof worlds)[number],
  errors: Iterable<{ readonly what: string; readonly text: string }>,
): readonly string[] {
  const before = outcomeOf(graph.around, dump(graph.subject));
  const without = outcomeOf(graph.around, "");
  const known = new Set(before.problems.map(printProblem));
  return [...errors].flatMap((error) =>
    silentlyWider(graph, before, without, error, known).map((line) => `${graph.name}: ${error.what}: ${line}`),
  );
}

describe("a typing error", () => {
  test(`widens nothing in silence (${tried} of them, seed ${seed})`, { timeout: 180_000 }, () => {
    const draw = draws(seed);
    const all = worlds.map((graph) => ({ graph, errors: [...typingErrors(graph.subject)] }));
    const chance = tried / all.reduce((sum, { errors }) => sum + errors.length, 0);
    const wider = all.flatMap(({ graph, errors }) =>
      widerIn(
        graph,
        errors.filter(() => draw() < chance),
      ),
    );
    expect(wider).toEqual([]);
  });

  test.each([
    ['Mapping {"method":"GET"}', 'line 9 "  method: GET": two out'],
    ['Mapping {"method":"GET"}', 'line 9 "  method: GET": cut'],
    ['Mapping {"method":"GET"}', 'spec.method = ""'],
    ['Mapping {"shadow":true}', 'line 9 "  shadow: true": cut'],
    ['Mapping {"headers":{"x-user":"me"}}', 'line 9 "  headers:": two out'],
    ['Mapping {"headers":{"x-user":"me"}}', 'line 10 "    x-user: me": four out'],
    ['Mapping {"headers":{":authority":"a.com"}}', 'spec.headers.:authority = ""'],
    ['Mapping {"weight":10}', 'line 9 "  weight: 10": two out'],
    ['configuration {"weight":10}', 'line 14 "      weight: 10": two out'],
    ["corpus header-canary", 'spec.annotations.seldon.io/ambassador-header = ""'],
    [
      'metadata {"seldon.io/ambassador-header":"x-user:me"}',
      'line 8 "    seldon.io/ambassador-header: x-user:me": two out',
    ],
    ['metadata {"seldon.io/ambassador-id":"other"}', 'metadata.annotations.seldon.io/ambassador-id = "\\t"'],
    ["corpus tls tls", 'line 10 "        certSecretName: cert": cut'],
    ["corpus plain", 'metadata.namespace spelt "namespaces"'],
  ])("%s: %s", (name, what) => {
    const graph =
      name === "corpus plain"
        ? "corpus prepackaged prepackaged"
        : name === "corpus header-canary"
          ? "corpus canary header"
          : name;
    expect(widerBy(graph, what)).toEqual([]);
  });
});
