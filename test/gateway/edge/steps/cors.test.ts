// CORS of a Mapping: which requests are preflights, which origins are allowed, what both get.
import { describe, expect, test } from "vitest";
import { headOf } from "../../../../routing/request/head-text.ts";
import type { Cors } from "../../../../routing/model/mapping.ts";
import { compileCors, corsOf } from "../../../../gateway/edge/steps/cors.ts";

const cors: Cors = {
  origins: ["https://a.example", "https://b.example"],
  methods: "GET, POST",
  headers: "content-type",
  exposedHeaders: "x-model",
  credentials: true,
  maxAge: "600",
};

function verdict(
  method: string,
  headers: readonly (readonly [string, string])[],
  of: Cors = cors,
): ReturnType<typeof corsOf> {
  return corsOf(compileCors(of)!, headOf({ method, path: "/p", host: "h", headers, grpc: false }));
}

test("no CORS in the Mapping is none", () => {
  expect(compileCors(null)).toBeNull();
});

describe("an allowed origin", () => {
  test("gets a whole answer to its preflight", () => {
    const headers = [
      ["Origin", "https://a.example"],
      ["Access-Control-Request-Method", "POST"],
    ] as const;
    expect(verdict("OPTIONS", headers)).toEqual({
      kind: "preflight",
      fields: [
        ["access-control-allow-origin", "https://a.example"],
        ["vary", "Origin"],
        ["access-control-allow-credentials", "true"],
        ["access-control-allow-methods", "GET, POST"],
        ["access-control-allow-headers", "content-type"],
        ["access-control-max-age", "600"],
      ],
    });
  });

  test("is named in every other answer, instead of what the upstream says", () => {
    expect(verdict("POST", [["origin", "https://b.example"]])).toEqual({
      kind: "allowed",
      extra: {
        instead: ["access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers"],
        fields: [
          ["access-control-allow-origin", "https://b.example"],
          ["vary", "Origin"],
          ["access-control-allow-credentials", "true"],
          ["access-control-expose-headers", "x-model"],
        ],
      },
    });
  });

  test("that asks with OPTIONS and without a method to ask for is no preflight", () => {
    expect(verdict("OPTIONS", [["origin", "https://a.example"]])?.kind).toBe("allowed");
  });

  test("is any origin where * is allowed, and is repeated", () => {
    const open = { ...cors, origins: ["*"], credentials: false, exposedHeaders: "" };
    expect(verdict("GET", [["origin", "https://else.example"]], open)).toMatchObject({
      extra: {
        fields: [
          ["access-control-allow-origin", "https://else.example"],
          ["vary", "Origin"],
        ],
      },
    });
  });
});

test.each([
  ["no origin", []],
  ["another origin", [["origin", "https://evil.example"]]],
  ["an origin that only begins like an allowed one", [["origin", "https://a.example.evil"]]],
  ["an origin in other case", [["origin", "HTTPS://A.EXAMPLE"]]],
  [
    "two origins",
    [
      ["origin", "https://a.example"],
      ["origin", "https://evil.example"],
    ],
  ],
  ["an empty origin", [["origin", ""]]],
] as const)("%s gets nothing, and its preflight goes to the upstream", (_what, headers) => {
  expect(verdict("OPTIONS", [...headers, ["access-control-request-method", "POST"]])).toBeNull();
});
