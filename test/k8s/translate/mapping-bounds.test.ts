import { describe, expect, it } from "vitest";
import type { ForwardTarget, Mapping } from "../../../routing/model/mapping.ts";
import { clusterSettings, noGrant, object, problemsOf, translate } from "./objects.ts";

const grants = [{ ...noGrant, namespace: "prod", prefixes: ["/"], upstreams: ["*"] }];

function served(fields: object): { readonly mapping: Mapping | undefined; readonly problems: readonly string[] } {
  const translation = translate(
    [object("Mapping", "prod/m", JSON.stringify({ spec: { prefix: "/seldon/prod/m/", service: "s", ...fields } }))],
    { ...clusterSettings, grants },
  );
  return {
    mapping: [...translation.mappings.values()][0],
    problems: problemsOf(translation).filter((problem) => !problem.includes("service-missing")),
  };
}

const forward = (mapping: Mapping | undefined): ForwardTarget => mapping!.target as ForwardTarget;
const many = (count: number, value = "v"): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, value]));

describe("what one Mapping may make of every request is bounded", () => {
  it.each(["regex_rewrite", "regex_redirect"])(
    "%s: a substitution of 1024 characters is served, one of 1025 is not, and says why",
    (name) => {
      const of = (length: number) =>
        served({
          ...(name === "regex_redirect" ? { host_redirect: true } : {}),
          [name]: { pattern: "a", substitution: "x".repeat(length) },
        });
      for (const length of [1023, 1024]) expect(of(length).mapping).toBeDefined();
      const { mapping, problems } = of(1025);
      expect(mapping).toBeUndefined();
      expect(problems.join("\n")).toContain(
        `error bad-value Mapping prod/m spec.${name}: the substitution has 1025 characters, more than 1024`,
      );
    },
  );

  it.each([
    ["\\0".repeat(17), "the substitution has 17 references to groups, more than 16"],
    ["/\\2", "the substitution names group 2 and the regex has 1"],
    ["/\\x", "the substitution holds a \\ that is followed neither by a digit nor by \\"],
  ])("regex_rewrite to %s is an error and no longer silently no rewrite", (substitution, reason) => {
    const { mapping, problems } = served({ regex_rewrite: { pattern: "/(.*)", substitution } });
    expect(mapping).toBeUndefined();
    expect(problems.join("\n")).toContain(reason);
  });

  it.each([
    ["rewrite", (length: number) => ({ rewrite: `/${"p".repeat(length - 1)}` }), 2048],
    ["host_rewrite", (length: number) => ({ host_rewrite: "h".repeat(length) }), 261],
  ])("%s", (name, fields, limit) => {
    expect(
      [limit - 1, limit, limit + 1].map(
        (length) => served(fields(length)).problems.filter((problem) => problem.includes(`spec.${name}`)).length,
      ),
    ).toEqual([0, 0, 1]);
  });

  it("64 headers are added, and the rest is told", () => {
    for (const [count, told] of [
      [63, 0],
      [64, 0],
      [65, 1],
    ] as const) {
      const { mapping, problems } = served({ add_request_headers: many(count), add_response_headers: {} });
      expect(forward(mapping).requestHeaders.add.length).toBe(Math.min(64, count));
      expect(problems.filter((problem) => problem.includes("over-limit")).length).toBe(told);
    }
  });

  it("added headers have 8192 bytes in all", () => {
    for (const [length, told] of [
      [8188, 0],
      [8189, 0],
      [8190, 1],
    ] as const) {
      const { mapping, problems } = served({ add_response_headers: { "x-1": "v".repeat(length) } });
      expect(forward(mapping).responseHeaders.add.length).toBe(1 - told);
      expect(problems.filter((problem) => problem.includes("over-limit")).length).toBe(told);
    }
  });

  it("64 headers are removed", () => {
    expect(
      forward(served({ remove_request_headers: Object.keys(many(65)) }).mapping).requestHeaders.remove.length,
    ).toBe(64);
  });

  it.each(["headers", "regex_headers", "query_parameters", "regex_query_parameters"])(
    "32 conditions of %s are asked; with 33 the Mapping is not served",
    (name) => {
      for (const count of [31, 32]) expect(served({ [name]: many(count) }).mapping).toBeDefined();
      const { mapping, problems } = served({ [name]: many(33) });
      expect(mapping).toBeUndefined();
      expect(problems.join("\n")).toContain("33 conditions are more than 32");
    },
  );

  it("of configuration 64 KiB, and not as many characters", () => {
    for (const [count, told] of [
      [21_000, 0],
      [22_000, 1],
    ] as const) {
      const { mapping, problems } = served({ docs: "€".repeat(count) });
      expect(mapping === undefined ? 1 : 0).toBe(told);
      expect(problems.filter((problem) => problem.includes("over-limit")).length).toBe(told);
    }
  });
});
