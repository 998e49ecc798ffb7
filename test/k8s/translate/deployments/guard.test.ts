// Who may call, as each kind of object says it.
import { describe, expect, test } from "vitest";
import type { SourceObject } from "../../../../k8s/translate/model/object.ts";
import { providerName, mostProviders, parseAuth, plainGuard, type Guard } from "../../../../routing/model/guard.ts";
import { noGrant, object, problemsOf, service, translate } from "../objects.ts";

const spec = "spec: {predictors: [{name: main}]}";
const mappingText = "apiVersion: ambassador/v1\nkind: Mapping\nname: x\nprefix: /seldon/prod/x/\nservice: main:8000\n";

/** One object of each kind that has Mappings, with these annotations. */
const kinds: Readonly<Record<string, (annotations: object) => SourceObject>> = {
  SeldonDeployment: (annotations) =>
    object("SeldonDeployment", "prod/one", `${JSON.stringify({ metadata: { annotations } }).slice(0, -1)}, ${spec}}`),
  "SeldonDeployment with documents": (annotations) =>
    object(
      "SeldonDeployment",
      "prod/one",
      `${JSON.stringify({ metadata: { annotations: { "seldon.io/ambassador-config": mappingText, ...annotations } } }).slice(0, -1)}, ${spec}}`,
    ),
  Mapping: (annotations) =>
    object(
      "Mapping",
      "prod/one",
      JSON.stringify({ metadata: { annotations }, spec: { prefix: "/seldon/prod/x/", service: "main:8000" } }),
    ),
  Service: (annotations) =>
    object(
      "Service",
      "prod/one",
      JSON.stringify({
        metadata: { annotations: { "getambassador.io/config": mappingText, ...annotations } },
        spec: { ports: [{ port: 8000 }] },
      }),
    ),
};

interface Outcome {
  readonly guards: readonly Guard["auth"][];
  /** Is one of its Mappings' Upstreams ready? */
  readonly ready: boolean;
  readonly problems: readonly string[];
}

function guardsOf(made: SourceObject): readonly Guard[] {
  const { mappings } = translate([...service("prod/main"), ...service("prod/one-main"), made], { mappings: true });
  return [
    ...new Map(
      [...mappings.values()]
        .filter(({ source }) => source.name === "one")
        .map(({ guard }) => [JSON.stringify(guard), guard]),
    ).values(),
  ];
}

function outcomeOf(made: SourceObject, grants = false): Outcome {
  const world = [...service("prod/main"), ...service("prod/one-main")];
  const translation = translate([...world, made], {
    mappings: true,
    grants: grants ? [{ ...noGrant, namespace: "prod", anonymous: true }] : [],
  });
  const mappings = [...translation.mappings.values()].filter(({ source }) => source.name === "one");
  return {
    guards: [...new Set(mappings.map(({ guard }) => guard.auth))],
    ready: mappings.some(
      ({ target }) => target.kind === "forward" && translation.endpoints.get(target.upstream)!.ready,
    ),
    problems: problemsOf(translation).filter((line) => line.startsWith("error")),
  };
}

describe.each(Object.entries(kinds))("%s", (_kind, made) => {
  test("names providers, says nothing, or lets everybody in", () => {
    expect(outcomeOf(made({}))).toMatchObject({ guards: [null], ready: true, problems: [] });
    expect(outcomeOf(made({ "sluice.io/auth": "corp, keys" }))).toMatchObject({
      guards: [{ kind: "providers", names: ["corp", "keys"] }],
      ready: true,
      problems: [],
    });
    expect(outcomeOf(made({ "sluice.io/auth": "none" }))).toMatchObject({
      guards: [{ kind: "open", granted: false }],
      ready: true,
      problems: [],
    });
    expect(outcomeOf(made({ "sluice.io/auth": "none" }), true)).toMatchObject({
      guards: [{ kind: "open", granted: true }],
    });
  });

  test("says which addresses may call, and which may not", () => {
    const addresses = made({ "sluice.io/allow": "10.0.0.0/8\n2001:DB8::/32", "sluice.io/deny": "10.1.2.3" });
    expect(outcomeOf(addresses)).toMatchObject({ guards: [null], ready: true, problems: [] });
    expect(guardsOf(addresses)).toEqual([
      { auth: null, allow: ["10.0.0.0/8", "2001:db8::/32"], deny: ["10.1.2.3/32"], limits: null },
    ]);
  });

  test("says how much may come", () => {
    const limited = made({ "sluice.io/rate-limit": "100/s burst 200; 5000/h per client" });
    expect(outcomeOf(limited)).toMatchObject({ ready: true, problems: [] });
    const rate = (permits: number, periodMs: number, burst: number, kind: "all" | "client"): object => ({
      permits,
      periodMs,
      burst,
      per: { kind },
    });
    expect(guardsOf(limited)).toEqual([
      { ...plainGuard, limits: [rate(100, 1000, 200, "all"), rate(5000, 3_600_000, 5000, "client")] },
    ]);
  });

  test.each([
    ["rate-limit", ""],
    ["rate-limit", "none"],
    ["rate-limit", "1/s; many"],
    ["rate-limit", 5],
    ["rate-limit", null],
    ["allow", ""],
    ["allow", "office"],
    ["deny", "10.0.0.0/8, 10.1.2.3/8"],
    ["deny", ["10.0.0.0/8"]],
    ["allow", null],
  ])("where sluice.io/%s is %j nobody is served, and one error says so", (name, text) => {
    const { ready, problems } = outcomeOf(made({ [`sluice.io/${name}`]: text }));
    expect(ready).toBe(false);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`metadata.annotations["sluice.io/${name}"]`);
  });

  test.each(["", "corp,", "none, corp", "a b", ["corp"], null, { corp: "x" }])(
    "with %j nobody is served, and one error says so",
    (text) => {
      const { ready, problems } = outcomeOf(made({ "sluice.io/auth": text }));
      expect(ready).toBe(false);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toContain('metadata.annotations["sluice.io/auth"]');
    },
  );

  test.each([
    "sluice.io/rate-limits",
    "sluice.io/ratelimit",
    "seldon.io/rate-limit",
    "sluice.io/Rate_Limit",
    "sluice.io/alow",
    "sluice.io/Deny",
    "seldon.io/allow",
    "sluice.io/auht",
    "Sluice.io/auth",
    "seldon.io/auth",
    "sluice.io/Auth",
  ])("%s is a slip that nobody gets through", (key) => {
    const { ready, problems } = outcomeOf(made({ [key]: "corp" }));
    expect(ready).toBe(false);
    expect(problems.join()).toContain(`metadata.annotations["${key}"]`);
  });
});

test("annotations that are no map may have said it", () => {
  const { ready, problems } = outcomeOf(
    object(
      "Mapping",
      "prod/one",
      JSON.stringify({
        metadata: { annotations: ["sluice.io/auth: corp"] },
        spec: { prefix: "/seldon/prod/x/", service: "main:8000" },
      }),
    ),
  );
  expect(ready).toBe(false);
  expect(problems.join()).toContain("bad-value");
});

test("a redirect goes nowhere while it cannot be read who may call", () => {
  const redirect = (auth: string): SourceObject =>
    object(
      "Mapping",
      "prod/one",
      JSON.stringify({
        metadata: { annotations: { "sluice.io/auth": auth } },
        spec: { prefix: "/seldon/prod/x/", service: "main", host_redirect: true },
      }),
    );
  expect(outcomeOf(redirect("corp")).guards).toHaveLength(1);
  expect(outcomeOf(redirect("corp,")).guards).toEqual([]);
});

describe("names of providers", () => {
  test.each([
    [62, true],
    [63, true],
    [64, false],
  ])("of %i characters", (length, isName) => {
    expect(providerName.test("x".repeat(length))).toBe(isName);
  });

  test.each([
    [mostProviders - 1, true],
    [mostProviders, true],
    [mostProviders + 1, false],
  ])("%i of them", (count, reads) => {
    expect(parseAuth(Array.from({ length: count }, (_, index) => `p${index}`).join(",")) !== null).toBe(reads);
  });

  test.each(["None", " none ", "NONE"])("%j is nobody in particular", (text) => {
    expect(parseAuth(text)).toEqual({ kind: "open" });
  });
});

describe.each(Object.entries(kinds))("a longer word below our own prefix: %s", (_kind, make) => {
  test.each(["sluice.io/authentication", "sluice.io/authorization", "sluice.io/allow-from", "sluice.io/rate-limits-x"])(
    "%s is an error, and nobody gets through",
    (key) => {
      const { ready, problems } = outcomeOf(make({ [key]: "corp" }));
      expect(ready).toBe(false);
      expect(problems.filter((line) => line.includes(key))).not.toEqual([]);
    },
  );

  test("another one that is not known is told", () => {
    const translation = translate([
      make({ "sluice.io/colour": "blue" }),
      ...service("prod/main"),
      ...service("prod/one-main"),
    ]);
    expect(problemsOf(translation).filter((line) => line.includes("sluice.io/colour"))).toHaveLength(1);
  });
});
