import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide } from "../../routing/decide.ts";
import { headOf, type HeadText } from "../../routing/request/head-text.ts";
import { privateTable } from "../../routing/private-table.ts";
import { anyHeadText, anyMapping, someEndpoints } from "./arbitrary.ts";
import { change, is, mapping, match, named, prefix, request, tableOf } from "./build.ts";
import { naiveRoute } from "./naive.ts";
import { plainSettings } from "../../routing/model/table-change.ts";

const stretched = <V>(value: V): V =>
  JSON.parse(JSON.stringify(value).replaceAll(/(?<=\/[mM])(?=[/"?])/g, "x".repeat(60))) as V;
const unique = { selector: (mapping: { readonly id: string }): string => mapping.id, maxLength: 24 };

it("lookup finds what trying every Route of the owner by match precedence finds", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(anyMapping, unique),
      someEndpoints,
      fc.constantFrom(null, null, "a"),
      fc.array(anyHeadText, { minLength: 1, maxLength: 10 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.boolean(),
      (given, endpoints, singleNamespace, texts, draw, isLong) => {
        // Longer than what a slot holds of a path.
        const [mappings, heads] = isLong ? [given.map(stretched), texts.map(stretched)] : [given, texts];
        const table = privateTable(
          change(mappings, { endpoints, settings: { ...plainSettings, singleNamespace } }),
          (mapping) => mapping.id,
        );
        for (const text of heads) {
          const expected = naiveRoute(table, text);
          const decision = decide(table, headOf(text), draw);
          if (expected === null) {
            expect(decision).toMatchObject({ kind: "reject", mapping: null });
          } else if (expected.split.forwards.length === 0) {
            expect(decision).toEqual(expected.split.reject);
          } else {
            expect(decision.kind === "forward" && decision.route.key).toBe(expected.key);
            expect(expected.split.forwards.map(({ attached }) => attached)).toContain(
              decision.kind === "forward" ? decision.attached : null,
            );
          }
        }
      },
    ),
    { numRuns: 400 },
  );
});

it("one Route for each of many paths is found among all of them", () => {
  const mappings = Array.from({ length: 3000 }, (_, index) =>
    mapping("u", prefix(`/seldon/ns/model-${index}/`), { id: `m${index}`, space: "ns" }),
  );
  const table = privateTable(
    change(mappings, { endpoints: [{ key: "u", ready: true, endpoints: [] }] }),
    ({ id }) => id,
  );
  for (const index of [0, 1, 7, 999, 2999]) {
    const decision = decide(
      table,
      headOf({
        method: "POST",
        path: `/seldon/ns/model-${index}/api/v0.1/predictions`,
        host: "h",
        headers: [],
        grpc: false,
      }),
      0,
    );
    expect(decision.kind === "forward" && decision.attached).toBe(`m${index}`);
  }
});

it("a Route that asks for seldon and namespace is not found without the namespace, single namespace or not", () => {
  const grpc = match({ kind: "grpc" }, { headers: [named("seldon", is("m")), named("namespace", is("ns"))] });
  const table = tableOf([mapping("m", grpc, { space: "ns" })], [], "ns");
  const call = (headers: HeadText["headers"]): string =>
    decide(table, request("/seldon.protos.Seldon/Predict", { headers, grpc: true }), 0).kind;
  expect(
    call([
      ["seldon", "m"],
      ["namespace", "ns"],
    ]),
  ).toBe("forward");
  expect(
    call([
      ["Namespace", "ns"],
      ["SELDON", "m"],
    ]),
  ).toBe("forward");
  expect(call([["seldon", "m"]])).toBe("reject");
  expect(
    call([
      ["seldon", "m"],
      ["seldon", "x"],
      ["namespace", "ns"],
    ]),
  ).toBe("reject");
  expect(
    call([
      ["seldon", "m"],
      ["namespace", "ns"],
      ["namespace", "ns"],
    ]),
  ).toBe("reject");
});

describe("a namespace of which the slot of its index does not say all", () => {
  const call = (path: string, namespace: string): HeadText => ({
    method: "POST",
    path,
    host: "h",
    headers: [
      ["seldon", "m"],
      ["namespace", namespace],
    ],
    grpc: true,
  });
  const get = (path: string): HeadText => ({ method: "GET", path, host: "h", headers: [], grpc: false });
  const long = "x".repeat(300);
  const folded = match({ kind: "prefix", prefix: "/seldon/ns/m/", caseSensitive: false });
  it.each<readonly [string, Parameters<typeof mapping>[1], string, HeadText]>([
    ["a path that is a method", prefix("/seldon.protos.Seldon/"), "ns", call("/seldon.protos.Seldon/Predict", "ns")],
    ["a path under its base in any case, called by gRPC", folded, "ns", call("/SELDON/ns/m/x", "ns")],
    ["a long path", prefix(`/seldon/ns/${long}/`), "ns", get(`/seldon/ns/${long}/x`)],
    ["a long name", prefix(`/seldon/${long}/m/`), long, get(`/seldon/${long}/m/x`)],
    [
      "a name of more bytes than are counted",
      prefix(`/seldon/${long}${long}/m/`),
      long + long,
      get(`/seldon/${long}${long}/m/x`),
    ],
  ])("%s is found", (_, given, space, text) => {
    const table = tableOf([mapping("m", given, { space })], []);
    expect(decide(table, headOf(text), 0).kind).toBe("forward");
    expect(decide(table, headOf({ ...text, path: text.path.replace(/x$|Predict$/, "").slice(0, -1) }), 0).kind).toBe(
      "reject",
    );
  });
});
