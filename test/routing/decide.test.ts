import { describe, expect, it } from "vitest";
import { decide, isCopied } from "../../routing/decide.ts";
import type { Decision } from "../../routing/route/decision.ts";
import type { HeadText } from "../../routing/request/head-text.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import type { PathMatch } from "../../routing/model/match.ts";
import type { RouteTable } from "../../routing/table.ts";
import { exact, is, live, mapping, match, named, prefix, regex, request, tableOf } from "./build.ts";

/** Who answers: the Upstream, or the reason why nobody does. */
function answer(table: RouteTable<null>, path: string, more: Partial<HeadText> = {}, draw = 0): string {
  return textOf(decide(table, request(path, more), draw));
}

function textOf(decision: Decision<null>): string {
  return decision.kind === "reject"
    ? decision.reason
    : decision.target.kind === "forward"
      ? decision.target.upstream
      : "redirect";
}

function inSpace(space: string | null, name: string, path: PathMatch, more: Partial<Mapping> = {}): Mapping {
  return mapping(name, path, { space, ...more });
}

const grpcCall = (metadata: Readonly<Record<string, string>>): Partial<HeadText> => ({
  grpc: true,
  headers: Object.entries(metadata),
});
const predict = "/seldon.protos.Seldon/Predict";

function grpcMapping(name: string, space: string | null, metadata: Readonly<Record<string, string>>): Mapping {
  return mapping(
    name,
    match({ kind: "grpc" }, { headers: Object.entries(metadata).map(([key, value]) => named(key, is(value))) }),
    { space },
  );
}

describe("tenancy comes before match precedence", () => {
  const table = tableOf([
    inSpace("ns", "iris", prefix("/seldon/ns/iris/")),
    inSpace(null, "precedence", prefix("/"), { precedence: 1, granted: true }),
    inSpace(null, "longer", prefix("/seldon/ns/iris/api/v0.1/")),
    inSpace(null, "regex", regex("/seldon/[a-z]*/iris/api/v0.1/predictions")),
    inSpace("ns", "granted-in", prefix("/seldon/ns/extra/"), { namespace: "other" }),
  ]);

  it.each([
    ["the owner answers under its prefix, whatever others declare", "/seldon/ns/iris/api/v0.1/predictions", "iris"],
    ["a Route granted into the space answers there", "/seldon/ns/extra/x", "granted-in"],
    ["nothing found in the owned space is no Route of another", "/seldon/ns/nope/", "no-route"],
    ["a namespace without Routes too", "/seldon/empty/iris/", "no-route"],
    ["an empty namespace too", "/seldon//iris/", "no-route"],
    ["the prefix without its slash is not the Route", "/seldon/ns/iris", "no-route"],
    ["a path that names no namespace is shared space", "/seldon/ns", "precedence"],
    ["everything else is shared space", "/x", "precedence"],
    ["paths are compared byte for byte", "/Seldon/ns/iris/", "precedence"],
  ])("%s", (_name, path, expected) => {
    expect(answer(table, path)).toBe(expected);
  });
});

it("namespaces and paths of one hash are told apart by comparing them", () => {
  // The hash ignores case, so `ns` and `NS` collide, and so do the paths.
  const table = tableOf([
    inSpace("NS", "foreign", prefix("/seldon/ns/x/")),
    inSpace("ns", "own", prefix("/seldon/ns/y/")),
    inSpace("ns", "other-case", prefix("/seldon/ns/Y/")),
  ]);
  expect(
    ["/seldon/ns/x/", "/seldon/ns/y/", "/seldon/ns/Y/", "/seldon/Ns/y/"].map((path) => answer(table, path)),
  ).toEqual(["no-route", "own", "other-case", "no-route"]);
});

describe("texts of one hash that differ in what their slots leave out", () => {
  const long = "x".repeat(60);

  it.each([
    [
      "of a namespace",
      [inSpace("ns", "own", prefix(`/seldon/ns/m${long}/`)), inSpace("ns", "other", prefix(`/seldon/ns/M${long}/`))],
      `/seldon/ns/m${long}/x`,
      `/seldon/ns/M${long}/x`,
    ],
    [
      "of shared space",
      [inSpace(null, "own", prefix(`/api/m${long}/`)), inSpace(null, "other", prefix(`/api/M${long}/`))],
      `/api/m${long}/x`,
      `/api/M${long}/x`,
    ],
    [
      "names of namespaces",
      [
        inSpace(`n${long}`, "own", prefix(`/seldon/n${long}/m/`)),
        inSpace(`N${long}`, "other", prefix(`/seldon/N${long}/m/`)),
      ],
      `/seldon/n${long}/m/`,
      `/seldon/N${long}/m/`,
    ],
    [
      "short names of namespaces, long paths",
      [inSpace("n", "own", prefix(`/seldon/n/${long}/`)), inSpace("N", "other", prefix(`/seldon/N/${long}/`))],
      `/seldon/n/${long}/`,
      `/seldon/N/${long}/`,
    ],
  ] as const)("are told apart: paths %s", (_name, mappings, own, other) => {
    for (const order of [mappings, mappings.toReversed()]) {
      const table = tableOf(order);
      expect([own, other].map((path) => answer(table, path))).toEqual(["own", "other"]);
      const [first] = order;
      const alone = tableOf([first]);
      expect([own, other].map((path) => answer(alone, path))).toEqual(
        first === mappings[0] ? ["own", "no-route"] : ["no-route", "other"],
      );
    }
  });

  it("are told apart: deployments of gRPC", () => {
    const table = tableOf([
      grpcMapping("own", "ns", { seldon: `m${long}`, namespace: "ns" }),
      grpcMapping("short", "ns", { seldon: "m", namespace: "ns" }),
    ]);
    const call = (name: string): string =>
      answer(table, "/seldon.protos.Seldon/Predict", {
        headers: [
          ["seldon", name],
          ["namespace", "ns"],
        ],
        grpc: true,
      });
    expect([`m${long}`, `M${long}`, "m", "M"].map(call)).toEqual(["own", "no-route", "short", "no-route"]);
  });

  it("are told apart where the Route is of the namespace and its path is not", () => {
    const table = tableOf([
      inSpace("ns", "own", prefix("/SELDON/ns/m/")),
      inSpace("ns", "long", prefix(`/SELDON/ns/${long}/`)),
    ]);
    expect(["/seldon/ns/m/x", `/seldon/ns/${long}/`].map((path) => answer(table, path))).toEqual([
      "no-route",
      "no-route",
    ]);
  });
});

describe("single namespace", () => {
  const mappings = [
    inSpace("ns", "iris", prefix("/seldon/ns/iris/")),
    inSpace("ns", "bare", prefix("/seldon/iris/")),
    inSpace("ns", "ns", prefix("/seldon/ns/")),
    grpcMapping("grpc", "ns", { seldon: "iris" }),
    inSpace(null, "root", prefix("/")),
  ];
  const table = tableOf(mappings, [], "ns");

  it.each([
    ["/seldon/iris/api", "bare"],
    ["/seldon/ns/iris/api", "iris"],
    ["/seldon/ns/other/", "ns"],
    ["/seldon/x", "no-route"],
    ["/seldon", "root"],
  ])("all of /seldon/ is its space: %s", (path, expected) => {
    expect(answer(table, path)).toBe(expected);
  });

  it("gRPC metadata `seldon` alone is enough", () => {
    expect(answer(table, predict, grpcCall({ seldon: "iris" }))).toBe("grpc");
    expect(answer(table, predict, grpcCall({ seldon: "iris", namespace: "other" }))).toBe("no-route");
  });
});

describe("gRPC", () => {
  const table = tableOf([
    grpcMapping("iris", "ns", { seldon: "iris", namespace: "ns" }),
    grpcMapping("iris-header", "ns", { seldon: "iris", namespace: "ns", "x-user": "a" }),
    grpcMapping("other-iris", "other", { seldon: "iris", namespace: "other" }),
    grpcMapping("unique", null, { seldon: "unique" }),
  ]);

  it.each<[string, string, Record<string, string>, string]>([
    ["both metadata", predict, { seldon: "iris", namespace: "ns" }, "iris"],
    ["names in any case, values as they are", predict, { Seldon: "iris", NAMESPACE: "ns" }, "iris"],
    ["more headers come first", predict, { seldon: "iris", namespace: "ns", "x-user": "a" }, "iris-header"],
    ["namespaces never mix", predict, { seldon: "iris", namespace: "other" }, "other-iris"],
    ["V2 protocol", "/inference.GRPCInferenceService/ModelInfer", { seldon: "iris", namespace: "ns" }, "iris"],
    ["health of a named deployment", "/grpc.health.v1.Health/Check", { seldon: "iris", namespace: "ns" }, "iris"],
    [
      "reflection of a named deployment",
      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
      { seldon: "iris", namespace: "ns" },
      "iris",
    ],
    ["the pattern is a full match", "/x/seldon.protos.Seldon/Predict", { seldon: "iris", namespace: "ns" }, "no-route"],
    ["a bare name that has a Route in shared space", predict, { seldon: "unique" }, "unique"],
    ["a bare name that has none asks for namespace", predict, { seldon: "iris" }, "namespace-needed"],
    ["a bare name that nobody has", predict, { seldon: "nope" }, "no-route"],
    ["a bare name of a path that is no method", "/x.Y/Z", { seldon: "iris" }, "no-route"],
    ["an unknown deployment", predict, { seldon: "nope", namespace: "ns" }, "no-route"],
    ["no metadata", predict, {}, "no-route"],
    ["namespace alone", predict, { namespace: "ns" }, "no-route"],
    [
      "the namespace twice is not the namespace",
      predict,
      { seldon: "iris", namespace: "ns", Namespace: "ns" },
      "no-route",
    ],
  ])("%s", (_name, path, metadata, expected) => {
    expect(answer(table, path, grpcCall(metadata))).toBe(expected);
  });

  it("a call that is not gRPC is not taken by a gRPC Route", () => {
    expect(answer(table, predict, { headers: [["seldon", "unique"]] })).toBe("no-route");
  });

  it("says which metadata is missing, and names nothing that was not sent", () => {
    const sentence = (metadata: Record<string, string>): string => {
      const decision = decide(table, request(predict, grpcCall(metadata)), 0);
      return decision.kind === "reject" ? decision.sentence : "";
    };
    expect(sentence({})).toMatch(/seldon and namespace/);
    expect(sentence({ namespace: "ns" })).toMatch(/seldon beside namespace/);
    expect(sentence({ seldon: "iris" })).toMatch(/Send the metadata "namespace"/);
    expect(sentence({ seldon: "nope" })).toBe("no deployment of that name");
    for (const metadata of [{}, { namespace: "ns" }, { seldon: "iris" }, { seldon: "nope", namespace: "ns" }])
      expect(sentence(metadata)).not.toMatch(/iris|other|unique/);
  });
});

describe("shares", () => {
  const path = prefix("/seldon/ns/a/");
  const pair = [inSpace("ns", "main", path, { role: live(75) }), inSpace("ns", "canary", path, { role: live(25) })];
  const at = (table: RouteTable<null>, draw: number): string => answer(table, "/seldon/ns/a/", {}, draw);

  it("one draw picks the member, no draw falls outside", () => {
    const table = tableOf(pair);
    expect([0, 0.2499999, 0.25, 0.9999999999999999].map((draw) => at(table, draw))).toEqual([
      "canary",
      "canary",
      "main",
      "main",
    ]);
  });

  it("predictors share inside their member", () => {
    const member = "SeldonDeployment ns/a";
    const table = tableOf([
      inSpace("ns", "a1", path, { member, role: live(50, 0.5) }),
      inSpace("ns", "a2", path, { member, role: live(50, 0.5) }),
      inSpace("ns", "b", path, { role: live(50) }),
    ]);
    expect([0, 0.25, 0.5].map((draw) => at(table, draw))).toEqual(["a1", "a2", "b"]);
  });

  it("an unready member gives its share away; none ready is 503 and never a wider Route", () => {
    const wider = inSpace("ns", "wider", prefix("/seldon/ns/"));
    expect([0, 0.9].map((draw) => at(tableOf([...pair, wider], ["main"]), draw))).toEqual(["canary", "canary"]);
    expect(at(tableOf([...pair, wider], ["main", "canary"]), 0)).toBe("no-healthy-upstream");
  });

  it("weight 0 takes nothing, not even when it alone is ready", () => {
    const zero = [inSpace("ns", "main", path, { role: live(null) }), inSpace("ns", "canary", path, { role: live(0) })];
    expect([0, 0.999999].map((draw) => at(tableOf(zero), draw))).toEqual(["main", "main"]);
    expect(at(tableOf(zero, ["main"]), 0)).toBe("no-healthy-upstream");
  });

  it("all zero is 503 with a Problem on each", () => {
    const table = tableOf(pair.map((one) => ({ ...one, role: live(0) })));
    expect(at(table, 0)).toBe("all-weights-zero");
    expect(
      table
        .routesInOrder()
        .flatMap(({ problems }) => problems)
        .map(({ code, subject }) => `${code} ${subject.name}`),
    ).toEqual(["all-weights-zero canary", "all-weights-zero main"]);
  });

  it("a Decision is built once", () => {
    const table = tableOf(pair);
    expect(decide(table, request("/seldon/ns/a/x"), 0.1)).toBe(decide(table, request("/seldon/ns/a/y?z"), 0.2));
  });
});

describe("shadows", () => {
  const shadow = { role: { kind: "shadow" as const, percent: 10 } };
  it("a Route without a live member never answers: lookup goes on", () => {
    const header = match(prefix("/a/"), { headers: [named("x", is("1"))] });
    const table = tableOf([mapping("live", prefix("/a/")), mapping("shadow", header, shadow)]);
    expect(answer(table, "/a/", { headers: [["x", "1"]] })).toBe("live");
  });

  it("only when nothing live matches is it 503, with a Problem", () => {
    const table = tableOf([mapping("shadow", prefix("/a/"), shadow)]);
    expect(answer(table, "/a/")).toBe("only-shadows");
    expect(
      table
        .routesInOrder()
        .flatMap(({ problems }) => problems)
        .map(({ code, level }) => `${level} ${code}`),
    ).toEqual(["error only-shadows"]);
  });

  it("each has its own percent and draw; over 100 is all, 0 is none", () => {
    const table = tableOf([
      mapping("live", prefix("/a/")),
      ...[0, 10, 250].map((percent) => mapping(`s${percent}`, prefix("/a/"), { role: { kind: "shadow", percent } })),
    ]);
    const decision = decide(table, request("/a/"), 0);
    const shadows = decision.kind === "forward" ? decision.route.shadows : [];
    expect(shadows.map(({ mapping: { target } }) => (target.kind === "forward" ? target.upstream : ""))).toEqual([
      "s0",
      "s10",
      "s250",
    ]);
    expect(shadows.map((one) => [0, 0.0999, 0.1, 0.9999].filter((draw) => isCopied(one, draw)).length)).toEqual([
      0, 2, 4,
    ]);
  });
});

it("a refused regex matches nothing, is a Problem and harms no other Route", () => {
  const table = tableOf([
    mapping("bad", regex("/a/(")),
    mapping("large", regex("/a/(x{50}){20}")),
    mapping("good", prefix("/a/")),
    mapping("header", match(prefix("/a/"), { headers: [named("x", { kind: "regex", pattern: "[" })] })),
  ]);
  expect(answer(table, "/a/b", { headers: [["x", "1"]] })).toBe("good");
  expect(
    table
      .routesInOrder()
      .flatMap(({ problems }) => problems)
      .map(({ code, subject }) => `${code} ${subject.name}`)
      .toSorted(),
  ).toEqual(["bad-value bad", "bad-value header", "bad-value large"]);
});

it("prefixes, exact paths and regexes of one length are told apart", () => {
  const table = tableOf([
    mapping("prefix", prefix("/foo")),
    mapping("exact", exact("/foo/bar")),
    mapping("folded", prefix("/CASE/", false)),
    mapping("slash", prefix("/foo/")),
  ]);
  expect(
    ["/foo", "/foobar", "/foo/", "/foo/bar", "/foo/bars", "/case/x", "/CaSe/", "/fo"].map((path) =>
      answer(table, path),
    ),
  ).toEqual(["prefix", "prefix", "slash", "exact", "slash", "folded", "folded", "no-route"]);
});
