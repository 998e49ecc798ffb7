import { array, assert, constantFrom, letrec, oneof, property, string, tuple, type Arbitrary } from "fast-check";
import { describe, expect, test } from "vitest";
import type { Claimant } from "../../../k8s/translate/claims/claimant.ts";
import { decideClaims } from "../../../k8s/translate/claims/contest.ts";
import { literalPrefix } from "../../../k8s/translate/mappings/literal-prefix.ts";
import { Translator } from "../../../k8s/translate/translator.ts";
import type { SourceObject } from "../../../k8s/translate/model/object.ts";
import { compileRegex } from "../../../routing/regex/regex.ts";
import type { Grant } from "../../../k8s/translate/model/translation.ts";
import { clusterSettings, codesOf, deployment, noGrant, object, partsOf, translate } from "./objects.ts";

function mapping(name: string, prefix: string, more = "", createdAt = ""): SourceObject {
  return object(
    "Mapping",
    name,
    `metadata: {creationTimestamp: "${createdAt}"}\nspec: {prefix: "${prefix}", service: x${more}}`,
  );
}

/** Where a Mapping is served: `id space granted`. */
function places(objects: readonly SourceObject[], settings: Parameters<typeof translate>[1] = {}): readonly string[] {
  return [...translate(objects, settings).mappings.values()]
    .map(({ id, space, granted }) => `${id}: ${space ?? "shared"}${granted ? " granted" : ""}`)
    .sort();
}

function grant(fields: Partial<Grant>): Grant {
  return { ...noGrant, ...fields };
}

describe("spaces", () => {
  test.each([
    ["own", "/seldon/prod/iris/", ["Mapping prod/m: prod"]],
    ["shared", "/mycompany/ml/", ["Mapping prod/m: shared"]],
    ["above the own space: there too", "/", ["Mapping prod/m own: prod", "Mapping prod/m: shared"]],
    ["/seldon/ too", "/seldon/", ["Mapping prod/m own: prod", "Mapping prod/m: shared"]],
    ["another’s", "/seldon/other/iris/", []],
  ])("%s: %s", (_name, prefix, expected) => {
    expect(places([mapping("prod/m", prefix)])).toEqual(expected);
  });

  test("the advice for a prefix above other namespaces helps whoever follows it, and a Grant alone does not", () => {
    const grants = [grant({ namespace: "prod", prefixes: ["/", "/seldon/other/"] })];
    const rest = mapping("prod/m", "/");
    const advised = translate([rest], { grants }).problems.find(({ code }) => code === "differs");
    expect(advised?.sentence).toMatch(
      /write a Mapping for each of those, with a prefix such as \/seldon\/OTHER\/, and ask .* Grant/,
    );
    expect(places([rest], { grants })).not.toContainEqual(expect.stringContaining(": other"));
    expect(places([rest, mapping("prod/n", "/seldon/other/")], { grants })).toContain("Mapping prod/n: other");
  });

  test("a regex outside the own space needs a Grant, precedence counts as 0 without one", () => {
    expect(places([mapping("prod/m", "/x/.*", ", prefix_regex: true")])).toEqual([]);
    expect(places([mapping("prod/m", "/seldon/prod/.*", ", prefix_regex: true")])).toEqual(["Mapping prod/m: prod"]);
    expect(places([mapping("prod/m", ".*", ", prefix_regex: true")])).toEqual(["Mapping prod/m: prod"]);
    const grants = [grant({ namespace: "prod", prefixes: ["/x/"], regex: true, precedence: true })];
    expect(places([mapping("prod/m", "/x/.*", ", prefix_regex: true")], { grants })).toEqual([
      "Mapping prod/m: shared granted",
    ]);
    const precedence = (settings: object): number =>
      translate([mapping("prod/m", "/x/", ", precedence: 5")], settings).mappings.get("Mapping prod/m")!.precedence;
    expect(precedence({})).toBe(0);
    expect(precedence({ grants })).toBe(5);
    expect(
      translate([mapping("prod/m", "/seldon/prod/x/", ", precedence: 5")]).mappings.get("Mapping prod/m")!.precedence,
    ).toBe(5);
  });

  test("a regex with alternatives is in the space that all of them are in", () => {
    const alternatives = (pattern: string): SourceObject => mapping("prod/m", pattern, ", prefix_regex: true");
    expect(places([alternatives("/seldon/prod/a|/seldon/prod/b")])).toEqual(["Mapping prod/m: prod"]);
    expect(codesOf(translate([alternatives("(/seldon/prod/a|/seldon/prod/b)/.*")]))).toEqual([]);
    expect(places([alternatives("/seldon/prod/a|/seldon/other/b")])).toEqual(["Mapping prod/m: prod"]);
    expect(codesOf(translate([alternatives("/seldon/prod/a|/seldon/other/b")]))).toEqual(["error not-granted"]);
    expect(places([alternatives("/seldon/other/a|/seldon/other/b")])).toEqual([]);
    const grants = (prefix: string): readonly Grant[] => [
      grant({ namespace: "prod", prefixes: [prefix], regex: true }),
    ];
    expect(places([alternatives("/x/a|/x/b")], { grants: grants("/x/") })).toEqual(["Mapping prod/m: shared granted"]);
    expect(places([alternatives("/x/a|/y/b")], { grants: grants("/x/") })).toEqual(["Mapping prod/m: prod"]);
    expect(places([alternatives("/x/a|/y/b")], { grants: grants("/") })).toEqual([
      "Mapping prod/m own: prod",
      "Mapping prod/m: shared granted",
    ]);
  });

  describe("no path that a regex matches begins otherwise", () => {
    const path = string({ unit: constantFrom("/", "a", "b", "A", "|", "😀"), maxLength: 5 }).map((rest) => `/${rest}`);
    const holds = (pattern: string, paths: readonly string[]): boolean => {
      const compiled = compileRegex(pattern);
      if (!compiled.ok) return true;
      const literal = literalPrefix(pattern);
      return paths.every((text) => text.startsWith(literal) || !compiled.regex.matches(text));
    };

    test("of any characters", () => {
      const written = string({
        unit: constantFrom(
          "/",
          "a",
          "b",
          "|",
          "(",
          ")",
          "?",
          "*",
          "+",
          ".",
          "[",
          "]",
          "^",
          "$",
          "\\",
          "{1}",
          "(?i)",
          "(?:",
        ),
        maxLength: 10,
      });
      assert(
        property(written, path, path, (pattern, one, other) =>
          holds(`${one}${pattern}`, [one, other, `${one}${other}`]),
        ),
        { numRuns: 5000 },
      );
    });

    test("of any groups, alternatives and repetitions", () => {
      const repeated = (part: Arbitrary<string>): Arbitrary<string> =>
        tuple(part, constantFrom("", "", "", "", "?", "*", "+", "??", "{0}", "{2}", "{")).map((both) => both.join(""));
      const piece = constantFrom(
        "/",
        "/",
        "a",
        "b",
        "😀",
        "\\/",
        ".",
        "^",
        "$",
        "[a/]",
        "[]|/)]",
        "\\b",
        "\\x2f",
        "(?i)",
        "(?s-i)",
        "\\Q\\E",
        "\\Q/\\E",
        "\\Q|)",
        "\\Q",
      );
      const { pattern } = letrec<{ pattern: string; group: string }>((tie) => ({
        pattern: array(repeated(oneof({ depthSize: "small" }, piece, tie("group"))), { maxLength: 4 }).map((parts) =>
          parts.join(""),
        ),
        group: tuple(
          constantFrom("(", "(?:", "(?i:", "(?P<n>"),
          array(tie("pattern"), { minLength: 1, maxLength: 2 }),
        ).map(([opening, parts]) => `${opening}${parts.join("|")})`),
      }));
      const start = constantFrom("", "/", "/a", "(/a/)", "(?:/a|/b)", "^");
      const paths = ["/", "/a", "/b", "/A", "//", "/a/", "/a/a", "/a/b", "/aa", "/ab", "/b/a", "//a"];
      assert(
        property(start, pattern, path, (first, rest, other) => holds(`${first}${rest}`, [...paths, other])),
        { numRuns: 5000 },
      );
    });
  });

  test("a Grant leads into another’s space", () => {
    const grants = [grant({ namespace: "prod", prefixes: ["/seldon/other/iris/"] })];
    expect(places([mapping("prod/m", "/seldon/other/iris/v2/")], { grants })).toEqual(["Mapping prod/m: other"]);
    expect(places([mapping("prod/m", "/seldon/other/")], { grants })).toEqual([]);
  });

  test("the metadata of another namespace cannot be matched", () => {
    expect(
      places([
        object(
          "Mapping",
          "evil/m",
          "spec: {prefix: /seldon.protos.Seldon/, grpc: true, service: x, headers: {seldon: iris, namespace: prod}}",
        ),
      ]),
    ).toEqual([]);
    expect(
      places([
        object(
          "Mapping",
          "prod/m",
          "spec: {prefix: /seldon.protos.Seldon/, grpc: true, service: x, headers: {seldon: iris, namespace: prod}}",
        ),
      ]),
    ).toEqual(["Mapping prod/m: prod"]);
  });

  test("with a single namespace all of /seldon/ is its own", () => {
    expect(places([mapping("prod/m", "/seldon/x/")], { singleNamespace: "prod", namespaces: ["prod"] })).toEqual([
      "Mapping prod/m: prod",
    ]);
  });

  test.each([
    ["/a/.*", "/a/"],
    ["/a?b", "/"],
    ["/a\\.b/x*", "/a.b/"],
    ["/a{2}", "/"],
    ["/a\\d", "/a"],
    ["/ab+c", "/ab"],
    ["^/a/.*$", "/a/"],
    ["", "/"],
    [".*", "/"],
    ["/a|/b", "/"],
    ["/x/a|/x/b", "/x/"],
    ["/x/a.*|/x/ab", "/x/a"],
    ["/x/(a|b)/y", "/x/"],
    ["(/x/a|/x/b)/y", "/x/"],
    ["(?:/x/a)|(?P<n>/x/b)", "/x/"],
    ["(/x)/y/(z)", "/x/y/z"],
    ["(/x)?/y", "/"],
    ["(/x/a)(?i)?/y", "/"],
    ["(/x/a)(?i)(?s-i){0}/y", "/"],
    ["(/x/a)\\Q\\E*/y", "/"],
    ["(/x/a)\\Q\\E(?i)*/y", "/"],
    ["/x/(?i)y?", "/x/"],
    ["(/x/(?i)a)?/y", "/"],
    ["(/x/(?i)a)/y", "/x/"],
    ["(/x/(?i:a))/y?", "/x/"],
    ["(/x/)+y", "/x/"],
    ["/x/y|", "/"],
    ["/x/[|]y|/x/z", "/x/"],
    ["/x/[]|/]y|/x/z", "/x/"],
    ["/x/[[:alpha:]|]|/x/z", "/x/"],
    ["/x/[^]|]|/x/z", "/x/"],
    ["/x/\\||/x/z", "/x/"],
    ["/x/.\\Q|/y)\\E|/x/z", "/x/"],
    ["/x/\\Qa", "/x/"],
    ["(?i)/a", "/"],
    ["/x/(?i)a", "/x/"],
    ["/x/(?i)a|/x/b", "/"],
    ["/x/(?i:a)/b", "/x/"],
    ["(/x", "/x"],
    ["/x)/y|/x", "/x"],
    ["/x/😀?y", "/x/"],
    ["/x/😀y*", "/x/😀"],
    ["/x/(😀a|😀b)y", "/x/😀"],
    ["/x/(😀|😁)y", "/x/"],
  ])("every path of %j begins with %j", (pattern, literal) => {
    expect(literalPrefix(pattern)).toBe(literal);
  });
});

describe("claims", () => {
  const served = (objects: readonly SourceObject[], settings = {}): readonly string[] =>
    places(objects, settings).map((text) => text.split(":")[0]!);

  test("the older object wins an overlap, and both are told", () => {
    const objects = [
      mapping("a/m", "/x/", "", "2026-01-02T00:00:00Z"),
      mapping("b/m", "/x/y/", "", "2026-01-01T00:00:00Z"),
    ];
    expect(served(objects)).toEqual(["Mapping b/m"]);
    expect(codesOf(translate(objects))).toEqual(["error claim-contested", "error claim-contested"]);
  });

  test("then by namespace and name; other hosts and other prefixes are no contest", () => {
    expect(served([mapping("b/m", "/x/"), mapping("a/m", "/x/")])).toEqual(["Mapping a/m"]);
    expect(served([mapping("a/m", "/x/"), mapping("b/m", "/y/")])).toEqual(["Mapping a/m", "Mapping b/m"]);
    expect(
      served([mapping("a/m", "/x/", ", hostname: a.com"), mapping("b/m", "/x/", ', hostname: "*.b.com"')]),
    ).toEqual(["Mapping a/m", "Mapping b/m"]);
    expect(
      served([mapping("a/m", "/x/", ", hostname: a.b.com"), mapping("b/m", "/x/", ', hostname: "*.b.com"')]),
    ).toEqual(["Mapping a/m"]);
    expect(served([mapping("a/m", "/x", ", prefix_exact: true"), mapping("b/m", "/x/")])).toEqual([
      "Mapping a/m",
      "Mapping b/m",
    ]);
  });

  test.each([
    ["the holder is case-sensitive", "/MyCompany/ML/", "", "/mycompany/ml/", ", case_sensitive: false"],
    ["the holder is not", "/ci/path/", ", case_sensitive: false", "/CI/PATH/x", ""],
    ["neither is", "/ci/path/", ", case_sensitive: false", "/CI/", ", case_sensitive: false"],
    ["above, on an exact path", "/CI/Path", ", prefix_exact: true", "/ci/", ", case_sensitive: false"],
    ["two exact paths", "/CI/Path", ", prefix_exact: true", "/ci/path", ", prefix_exact: true, case_sensitive: false"],
  ])("letter case takes no prefix from its holder, and both are told: %s", (_name, held, holding, wanted, wanting) => {
    const objects = [
      mapping("b/late", wanted, wanting, "2026-01-02T00:00:00Z"),
      mapping("b/early", held, holding, "2026-01-01T00:00:00Z"),
      mapping("a/late", wanted, wanting, "2026-01-02T00:00:00Z"),
    ];
    expect(served(objects)).toEqual(["Mapping b/early", "Mapping b/late"]);
    expect(codesOf(translate(objects)).length).toBeGreaterThanOrEqual(2);
    expect(new Set(codesOf(translate(objects)))).toEqual(new Set(["error claim-contested"]));
    expect(
      served([
        mapping("a/early", held, holding, "2026-01-01T00:00:00Z"),
        mapping("b/late", wanted, wanting, "2026-01-02T00:00:00Z"),
      ]),
    ).toEqual(["Mapping a/early"]);
  });

  test.each([
    ["a prefix and a regex", 'hostname: "~.*"', 'host: ".*", host_regex: true'],
    ["a host and a regex", 'hostname: "~a.com$$$$"', 'host: "a.com$$$$", host_regex: true'],
    ["a host and all that end so", "hostname: b.com", 'hostname: "*.com"'],
    ["letter case", "hostname: b.com", "case_sensitive: false"],
  ])("a claim that is edited is decided anew: %s", (_name, narrow, wide) => {
    const translator = new Translator(clusterSettings);
    translator.apply({
      set: [mapping("a/m", "/x/", ", hostname: a.com"), mapping("b/m", "/x/", `, ${narrow}`)],
      removed: [],
    });
    expect([...translator.current().mappings.keys()]).toEqual(["Mapping a/m", "Mapping b/m"]);
    translator.apply({ set: [mapping("b/m", "/x/", `, ${wide}`)], removed: [] });
    expect([...translator.current().mappings.keys()]).toEqual(["Mapping a/m"]);
  });

  test("case-sensitive prefixes that differ in letter case are different prefixes", () => {
    expect(served([mapping("a/m", "/X/"), mapping("b/m", "/x/")])).toEqual(["Mapping a/m", "Mapping b/m"]);
  });

  test("a Grant is compared without letter case with what ignores it", () => {
    const grants = [grant({ namespace: "b", prefixes: ["/Team/"] })];
    expect(
      served([mapping("a/m", "/team/x/", ", case_sensitive: false"), mapping("a/n", "/team/x/")], { grants }),
    ).toEqual(["Mapping a/n"]);
    expect(
      places([mapping("b/m", "/TEAM/x/", ", case_sensitive: false"), mapping("b/n", "/TEAM/x/")], { grants }),
    ).toEqual(["Mapping b/m: shared granted", "Mapping b/n: shared"]);
    const into = [grant({ namespace: "b", prefixes: ["/seldon/prod/Iris/"] })];
    expect(places([mapping("b/m", "/Seldon/prod/iris/", ", case_sensitive: false")], { grants: into })).toEqual([
      "Mapping b/m: prod",
    ]);
  });

  test("only ASCII letters have case, as in lookup", () => {
    expect(
      served([mapping("a/m", "/k/", ", case_sensitive: false"), mapping("b/m", "/\u212a/", ", case_sensitive: false")]),
    ).toEqual(["Mapping a/m", "Mapping b/m"]);
  });

  test("Mappings of one namespace never contest each other", () => {
    expect(served([mapping("a/m", "/x/"), mapping("a/n", "/x/y/")])).toEqual(["Mapping a/m", "Mapping a/n"]);
  });

  test("the oldest object has a prefix, whenever each was seen, and the next oldest has it when that one goes", () => {
    const translator = new Translator(clusterSettings);
    const [younger, older] = [
      mapping("b/m", "/x/", "", "2026-01-02T00:00:00Z"),
      mapping("a/m", "/x/", "", "2026-01-01T00:00:00Z"),
    ];
    translator.apply({ set: [younger], removed: [] });
    expect([...translator.current().mappings.keys()]).toEqual(["Mapping b/m"]);
    const contested = translator.apply({ set: [older], removed: [] });
    expect([contested.removedMappings, contested.mappings.map(({ id }) => id)]).toEqual([
      ["Mapping b/m"],
      ["Mapping a/m"],
    ]);
    const freed = translator.apply({ set: [], removed: ["Mapping a/m"] });
    expect(freed.mappings.map(({ id }) => id)).toEqual(["Mapping b/m"]);
  });

  test("in a folder no time decides, which anybody could write: namespace and name do", () => {
    const both = [mapping("b/m", "/x/", "", "2020-01-01T00:00:00Z"), mapping("a/m", "/x/", "", "2026-01-01T00:00:00Z")];
    expect(served(both, { source: "folder" })).toEqual(["Mapping a/m"]);
    expect(served(both)).toEqual(["Mapping b/m"]);
  });

  test("a Grant beats every ungranted claim, used or not", () => {
    const grants = [grant({ namespace: "b", prefixes: ["/x/"] })];
    expect(places([mapping("a/m", "/x/", "", "2020-01-01T00:00:00Z"), mapping("b/m", "/x/")], { grants })).toEqual([
      "Mapping b/m: shared granted",
    ]);
    expect(served([mapping("a/m", "/x/y/")], { grants })).toEqual([]);
    expect(served([mapping("a/m", "/")], { grants })).toEqual(["Mapping a/m own"]);
  });

  test("of two Grants of one prefix each beats every ungranted claim on its own hosts", () => {
    const grants = [
      grant({ namespace: "a", prefixes: ["/x/"], hosts: ["a.com"] }),
      grant({ namespace: "b", prefixes: ["/x/"] }),
      grant({ namespace: "c", prefixes: ["/x/"], hosts: ["c.com"], open: true }),
    ];
    const hosts = ["*", "a.com", "b.com", "*.com", "c.com"];
    for (const namespace of ["a", "c", "d"])
      expect(
        served(
          hosts.map((host, index) => mapping(`${namespace}/m${index}`, "/x/", `, hostname: "${host}"`)),
          { grants },
        ),
      ).toEqual(namespace === "a" ? ["Mapping a/m1"] : []);
    expect(
      served(
        [
          mapping("a/m", "/x/", ", hostname: a.com"),
          mapping("b/m", "/x/", ", hostname: b.com"),
          mapping("d/m", "/x/y/", ", hostname: b.com"),
        ],
        { grants },
      ),
    ).toEqual(["Mapping a/m", "Mapping b/m"]);
  });

  test("an open Grant leaves deeper prefixes to others", () => {
    const grants = [grant({ namespace: "b", prefixes: ["/"], open: true })];
    expect(places([mapping("a/m", "/x/"), mapping("b/m", "/")], { grants })).toEqual([
      "Mapping a/m: shared",
      "Mapping b/m own: b",
      "Mapping b/m: shared",
    ]);
    expect(served([mapping("a/m", "/")], { grants })).toEqual(["Mapping a/m own"]);
  });

  test("--claims granted closes shared space to the rest", () => {
    expect(served([mapping("a/m", "/x/"), mapping("a/n", "/seldon/a/x/")], { claims: "granted" })).toEqual([
      "Mapping a/n",
    ]);
  });

  test("deciding many is not quadratic", () => {
    let compared = 0;
    const claimants: Claimant[] = Array.from({ length: 5000 }, (_, index) => ({
      claim: { prefix: `/team-${index}/`, exact: false, caseSensitive: true, host: { kind: "any" }, rank: "ungranted" },
      get namespace() {
        compared++;
        return `ns${index}`;
      },
      createdAt: "",
      name: "m",
      id: `${index}`,
      isGrant: false,
    }));
    expect(decideClaims(claimants)).toEqual([]);
    expect(compared).toBeLessThan(500_000);
  });
});

describe("bare gRPC names", () => {
  const problemsOfBare = (
    objects: readonly SourceObject[],
    settings: Parameters<typeof translate>[1] = {},
  ): readonly string[] =>
    translate(objects, settings)
      .problems.filter(({ code }) => code === "bare-name-contested")
      .map(
        ({ level, subject, sentence }) => `${level} ${subject.kind} ${subject.namespace}/${subject.name}: ${sentence}`,
      );
  const bare = (objects: readonly SourceObject[], settings = {}): readonly string[] =>
    [...translate(objects, settings).mappings.keys()]
      .filter((id) => id.includes("grpc-bare"))
      .map((id) => id.split(" ")[1]!);

  test("of several that declare a name at once the older has it, ready or not, then by namespace; later ones are told", () => {
    expect(bare([deployment("a/iris")])).toEqual(["a/iris"]);
    expect(bare([deployment("b/iris"), deployment("a/iris")])).toEqual(["a/iris"]);
    const older = object(
      "SeldonDeployment",
      "b/iris",
      'metadata: {creationTimestamp: "2026-01-01T00:00:00Z"}\nspec: {predictors: [{name: main, graph: {name: m}}]}',
    );
    const newer = object(
      "SeldonDeployment",
      "a/iris",
      'metadata: {creationTimestamp: "2026-01-02T00:00:00Z"}\nspec: {predictors: [{name: main, graph: {name: m}}]}',
    );
    expect(bare([newer, older])).toEqual(["b/iris"]);
    expect(
      bare([deployment("a/iris"), deployment("a/canary", ["main"], { "seldon.io/ambassador-service-name": "iris" })]),
    ).toEqual(["a/iris", "a/canary"]);
    expect(problemsOfBare([deployment("a/iris"), deployment("b/iris")])).toEqual([
      "info SeldonDeployment b/iris: the name iris belongs to the namespace a, which goes first by the age of its object, then by its name, so gRPC calls without the metadata namespace do not reach it; callers send namespace: b",
    ]);
  });

  test("reserved by a Grant, closed by --bare-names off", () => {
    const grants = [grant({ namespace: "b", grpcNames: ["iris"] })];
    expect(bare([deployment("a/iris"), deployment("b/iris")], { grants })).toEqual(["b/iris"]);
    expect(bare([deployment("a/iris")], { grants })).toEqual([]);
    expect(bare([deployment("a/iris")], { bareNames: "off" })).toEqual([]);
  });

  test("a second namespace does not switch it off; it has the name when the first gives it up, and an older object takes it", () => {
    const translator = new Translator(clusterSettings);
    translator.apply({ set: [deployment("b/iris")], removed: [] });
    const contested = translator.apply({ set: [deployment("c/iris")], removed: [] });
    expect([contested.removedMappings, contested.mappings.filter(({ id }) => id.includes("bare"))]).toEqual([[], []]);
    const freed = translator.apply({ set: [], removed: ["SeldonDeployment b/iris"] });
    expect(freed.mappings.map(({ id }) => id)).toEqual(["SeldonDeployment c/iris grpc-bare main"]);
    const taken = translator.apply({ set: [deployment("a/iris")], removed: [] });
    expect(taken.removedMappings).toEqual(["SeldonDeployment c/iris grpc-bare main"]);
    expect(taken.mappings.map(({ id }) => id)).toContain("SeldonDeployment a/iris grpc-bare main");
  });

  test("under --claims granted a Grant is needed, unless one namespace alone is watched", () => {
    const granted = { claims: "granted", grants: [grant({ namespace: "b", grpcNames: ["iris"] })] } as const;
    expect(bare([deployment("a/wine"), deployment("b/iris")], granted)).toEqual(["b/iris"]);
    expect(problemsOfBare([deployment("a/wine")], granted)).toEqual([
      "info SeldonDeployment a/wine: the name wine needs a Grant here (--claims granted), so gRPC calls without the metadata namespace do not reach it; callers send namespace: a",
    ]);
    expect(bare([deployment("a/wine")], { claims: "granted", namespaces: ["a"] })).toEqual(["a/wine"]);
    expect(bare([deployment("a/wine")], { claims: "granted", namespaces: ["a", "b"] })).toEqual([]);
  });
});

describe("limits of a namespace", () => {
  test("500 raw Mappings, oldest objects first; other namespaces are untouched", () => {
    const many = Array.from({ length: 502 }, (_, index) =>
      mapping(`a/m${String(index).padStart(4, "0")}`, `/seldon/a/x${index}/`),
    );
    const translation = translate([...many, mapping("b/m", "/seldon/b/x/"), deployment("a/iris")]);
    expect([...translation.mappings.keys()].filter((id) => id.startsWith("Mapping a/")).length).toBe(500);
    expect(translation.mappings.has("Mapping a/m0501")).toBe(false);
    expect(translation.mappings.has("Mapping b/m")).toBe(true);
    expect(partsOf(translation, "a/iris").size).toBe(3);
    expect(codesOf(translation)).toEqual(["error over-limit", "error over-limit"]);
  });

  test("50 regexes, those of header annotations too", () => {
    const many = Array.from({ length: 50 }, (_, index) =>
      mapping(`a/m${index}`, `/seldon/a/x${index}/.*`, ", prefix_regex: true"),
    );
    const header = deployment("a/iris", ["main"], { "seldon.io/ambassador-regex-header": "location: lond.*" });
    const translation = translate([...many, header]);
    expect([...translation.mappings.values()].filter(({ source }) => source.kind === "Mapping").length).toBe(49);
    expect(partsOf(translation, "a/iris").size).toBe(3);
    expect(codesOf(translation)).toEqual(["error over-limit", "info differs"]);
  });

  test("a Route of which some Mappings do not fit is refused whole, and the oldest Routes stay", () => {
    const filling = Array.from({ length: 499 }, (_, index) =>
      mapping(`a/m${String(index).padStart(4, "0")}`, `/seldon/a/x${index}/`),
    );
    const main = mapping("a/n-main", "/seldon/a/shared/", ", weight: 95");
    const canary = mapping("a/o-canary", "/seldon/a/shared/", ", weight: 5");
    const ids = (objects: readonly SourceObject[]): readonly string[] =>
      [...translate(objects).mappings.keys()].filter((id) => !id.startsWith("Mapping a/m"));
    expect(ids([...filling.slice(1), main, canary])).toEqual(["Mapping a/n-main", "Mapping a/o-canary"]);
    // One too many: neither the 95 % nor the 5 % get all of it.
    expect(ids([...filling, main, canary])).toEqual([]);
    expect(codesOf(translate([...filling, main, canary]))).toEqual(["error over-limit", "error over-limit"]);
    // One of an older Route takes the place of the newest one.
    const older = mapping("a/l-main", "/seldon/a/older/", ", weight: 95");
    const late = mapping("a/z-canary", "/seldon/a/older/", ", weight: 5");
    expect(ids([...filling.slice(1), older, main, late])).toEqual(["Mapping a/l-main", "Mapping a/z-canary"]);
    // And there is room for another that needs less.
    expect(ids([...filling, main, canary, mapping("a/p", "/seldon/a/single/")])).toEqual(["Mapping a/p"]);
  });

  test("64 KiB of configuration takes whole Routes, also those of two objects", () => {
    const config = (name: string, bytes: number): SourceObject =>
      deployment(name, ["main"], {
        "seldon.io/ambassador-config": `apiVersion: ambassador/v1\nkind: Mapping\nname: m\nprefix: /seldon/a/shared/\nservice: x\ndocs: {d: "${"x".repeat(bytes)}"}\n`,
      });
    expect([...translate([config("a/one", 20_000), config("a/two", 20_000)]).mappings.keys()]).toEqual([
      "SeldonDeployment a/one config m",
      "SeldonDeployment a/two config m",
    ]);
    expect([...translate([config("a/one", 40_000), config("a/two", 40_000)]).mappings.keys()]).toEqual([]);
  });

  test("64 KiB of configuration, and room again when some goes", () => {
    const config = (name: string): SourceObject =>
      deployment(name, ["main"], {
        "seldon.io/ambassador-config": `apiVersion: ambassador/v1\nkind: Mapping\nname: m\nprefix: /seldon/a/${name.slice(2)}/\nservice: x\ndocs: {d: "${"x".repeat(40_000)}"}\n`,
      });
    const translator = new Translator(clusterSettings);
    translator.apply({ set: [config("a/one"), config("a/two")], removed: [] });
    expect([...translator.current().mappings.keys()]).toEqual(["SeldonDeployment a/one config m"]);
    const change = translator.apply({ set: [], removed: ["SeldonDeployment a/one"] });
    expect(change.mappings.map(({ id }) => id)).toEqual(["SeldonDeployment a/two config m"]);
    expect(codesOf(translator.current())).toEqual(["info differs", "info field-without-effect"]);
  });
});
