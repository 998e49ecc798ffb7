import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { objectKey, type SourceObject } from "../../../k8s/translate/model/object.ts";
import { Translator } from "../../../k8s/translate/translator.ts";
import { clusterSettings, contentOf, deployment, noGrant, object, service, slice } from "./objects.ts";

const settings = {
  ...clusterSettings,
  grants: [{ ...noGrant, namespace: "a", prefixes: ["/granted/"], upstreams: ["*"], grpcNames: ["g"], regex: true }],
};

function translated(objects: readonly SourceObject[]): unknown {
  const translator = new Translator(settings);
  translator.apply({ set: objects, removed: [] });
  return contentOf(translator.current());
}

const kinds = ["SeldonDeployment", "Service", "EndpointSlice", "Secret", "Mapping", "TLSContext"] as const;

/** Names that decoders read, so that arbitrary values reach deep. */
const words = [
  "metadata",
  "spec",
  "annotations",
  "labels",
  "predictors",
  "name",
  "traffic",
  "shadow",
  "explainer",
  "type",
  "ssl",
  "certSecretName",
  "graph",
  "componentSpecs",
  "componentSpec",
  "containers",
  "children",
  "seldon.io/no-engine",
  "seldon.io/svc-name",
  "seldon.io/ambassador-header",
  "seldon.io/ambassador-regex-header",
  "seldon.io/ambassador-config",
  "seldon.io/rest-timeout",
  "sluice.io/traffic",
  "ports",
  "port",
  "endpoints",
  "addresses",
  "conditions",
  "ready",
  "prefix",
  "prefix_regex",
  "service",
  "headers",
  "host",
  "tls",
  "secret",
  "weight",
  "rewrite",
  "regex_rewrite",
  "pattern",
  "retry_policy",
  "circuit_breakers",
  "load_balancer",
  "cors",
  "labels",
  "add_request_headers",
  "ownerReferences",
  "kind",
  "__proto__",
  "constructor",
  "getambassador.io/config",
  "kubernetes.io/service-name",
  "data",
  "tls.crt",
];
const leaves = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom(
    "/x/",
    "true",
    "80",
    "svc:80",
    "10.0.0.1",
    "a: b",
    "(",
    "Mapping",
    "ambassador/v1",
    "main=50,canary=50",
    "SeldonDeployment",
  ),
);
const anything = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, depthIdentifier: "v" },
    leaves,
    fc.array(tie("value"), { maxLength: 3, depthIdentifier: "v" }),
    fc.dictionary(fc.oneof(fc.constantFrom(...words), fc.string()), tie("value"), { maxKeys: 6, depthIdentifier: "v" }),
  ),
})).value;

describe("decoding never throws", () => {
  test("on objects of any shape", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...kinds), anything), { maxLength: 6 }), (objects) => {
        const given = objects.map(([kind, value], index): SourceObject => ({
          ref: { kind, namespace: "a", name: `o${index}` },
          apiVersion: "getambassador.io/v2",
          origin: "",
          object: value,
        }));
        expect(translated(given)).toBeDefined();
      }),
      { numRuns: 200 },
    );
  });

  test("on SDs whose parts have any shape", () => {
    fc.assert(
      fc.property(
        fc.record({
          metadata: fc.record({ annotations: anything }),
          spec: fc.record({
            name: anything,
            annotations: anything,
            predictors: fc.array(fc.dictionary(fc.constantFrom(...words), anything), { maxLength: 3 }),
          }),
        }),
        (value) => {
          expect(
            translated([
              {
                ref: { kind: "SeldonDeployment", namespace: "a", name: "x" },
                apiVersion: "v1",
                origin: "",
                object: value,
              },
            ]),
          ).toBeDefined();
        },
      ),
      { numRuns: 200 },
    );
  });

  test("on Mappings whose fields have any shape", () => {
    const fields = [
      "prefix",
      "service",
      "rewrite",
      "regex_rewrite",
      "headers",
      "regex_headers",
      "hostname",
      "method",
      "query_parameters",
      "weight",
      "precedence",
      "tls",
      "host_redirect",
      "path_redirect",
      "regex_redirect",
      "redirect_response_code",
      "retry_policy",
      "circuit_breakers",
      "load_balancer",
      "cors",
      "labels",
      "add_request_headers",
      "remove_request_headers",
      "health_checks",
      "ambassador_id",
      "timeout_ms",
    ];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...fields), anything), (spec) => {
        expect(
          translated([
            {
              ref: { kind: "Mapping", namespace: "a", name: "x" },
              apiVersion: "getambassador.io/v2",
              origin: "",
              object: { spec: { prefix: "/x/", service: "x", ...spec } },
            },
          ]),
        ).toBeDefined();
      }),
      { numRuns: 200 },
    );
  });

  test("on any annotation text", () => {
    const text = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc
        .array(
          fc.constantFrom(
            "a: ",
            "kind: Mapping\n",
            "prefix: /x/\n",
            "- ",
            "\n",
            " ",
            "{",
            "}",
            "[",
            "&a ",
            "*a",
            '"',
            "|",
            "---\n",
            ":",
            "apiVersion: ambassador/v1\n",
          ),
          { maxLength: 40 },
        )
        .map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(
          "seldon.io/ambassador-config",
          "seldon.io/ambassador-header",
          "seldon.io/ambassador-regex-header",
          "seldon.io/ambassador-service-name",
          "sluice.io/traffic",
          "seldon.io/ambassador-id",
        ),
        text,
        (key, value) => {
          expect(translated([deployment("a/x", ["main"], { [key]: value })])).toBeDefined();
        },
      ),
      { numRuns: 200 },
    );
  });
});

// A small world in which everything meets: two namespaces, few names, every rule that goes beyond one object.
const namespaces = fc.constantFrom("a", "b");
const names = fc.constantFrom("x", "y", "g", "x-explainer");
const named = fc.tuple(namespaces, names).map((parts) => parts.join("/"));
/** Values that cannot be read keep what was there before, so a world with a history has none of them. */
const annotationsWith = (unreadable: boolean): fc.Arbitrary<Record<string, string>> => {
  const some = (readable: readonly string[], other: string): fc.Arbitrary<string> =>
    fc.constantFrom(...readable, ...(unreadable ? [other] : []));
  return fc.oneof<fc.Arbitrary<Record<string, string>>[]>(
    fc.constant({}),
    fc.record({ "seldon.io/ambassador-service-name": some(["x", "y", "g", "x-explainer"], "..") }),
    fc.record({ "seldon.io/ambassador-regex-header": some(["h: a.*", "h: b"], "h: (") }),
    fc.record({ "seldon.io/ambassador-shadow": fc.constant("true"), "seldon.io/ambassador-weight": some(["10"], "z") }),
    fc.record({ "seldon.io/ambassador-weight": some(["20"], "z") }),
    fc.record({ "seldon.io/ambassador-id": fc.constantFrom("default", "other") }),
    fc.record({ "sluice.io/traffic": some(["canary=10"], "main=75,?") }),
    fc.record({
      "seldon.io/ambassador-config": fc
        .constantFrom("/", "/p/", "/granted/z/", "/seldon/a/q/")
        .map((prefix) => `apiVersion: ambassador/v1\nkind: Mapping\nname: m\nprefix: ${prefix}\nservice: x-main\n`),
    }),
  );
};
const sdWith = (unreadable: boolean): fc.Arbitrary<SourceObject> =>
  fc
    .tuple(
      named,
      fc.constantFrom(["main", "canary"], ["main:75", "canary:25"], ["canary"]),
      annotationsWith(unreadable),
    )
    .map(([name, predictors, notes]) => deployment(name, predictors, notes));
const special = named.map((name) =>
  object(
    "SeldonDeployment",
    name,
    "spec: {predictors: [{name: main, explainer: {type: a}, ssl: {certSecretName: x}}, {name: canary, shadow: true}]}",
  ),
);
const backend = fc
  .tuple(
    namespaces,
    fc.constantFrom("x-main", "x-canary", "y-main", "x-main-explainer"),
    fc.constantFrom(null, "x", "y"),
    fc.boolean(),
  )
  .map(([namespace, name, owner]) => service(`${namespace}/${name}`, [], owner)[0]!);
const slices = fc
  .tuple(
    namespaces,
    fc.constantFrom("s1", "s2"),
    fc.constantFrom("x-main", "x-canary", "y-main"),
    fc.boolean(),
    fc.constantFrom("10.0.0.1", "10.0.0.2"),
  )
  .map(([namespace, name, of, ready, ip]) =>
    slice(`${namespace}/${name}`, of, [{ addresses: [ip], conditions: { ready } }]),
  );
const secret = namespaces.map((namespace) =>
  object(
    "Secret",
    `${namespace}/x`,
    JSON.stringify({ stringData: { "tls.crt": "-----BEGIN C", "tls.key": "-----BEGIN K" } }),
  ),
);
const raw = fc
  .tuple(
    named,
    fc.constantFrom("/p/", "/p/q/", "/", "/seldon/a/x/", "/granted/"),
    fc.constantFrom("", ", tls: ctx", ", shadow: true", ", weight: 20", ", prefix_regex: true"),
    fc.constantFrom("2026-01-01", "2026-01-02"),
  )
  .map(([name, prefix, more, createdAt]) =>
    object(
      "Mapping",
      name,
      `metadata: {creationTimestamp: "${createdAt}"}\nspec: {prefix: "${prefix}", service: x-main${more}}`,
    ),
  );
const context = namespaces.map((namespace) => object("TLSContext", `${namespace}/ctx`, "spec: {secret: x}"));
const others = [special, backend, slices, secret, raw, context];
const anyObject = fc.oneof(sdWith(true), ...others);
const readableObject = fc.oneof(sdWith(false), ...others);
const edit = fc.oneof(
  { weight: 3, arbitrary: readableObject.map((set) => ({ set, removed: null })) },
  { weight: 1, arbitrary: readableObject.map(({ ref }) => ({ set: null, removed: objectKey(ref) })) },
);

describe("the Translation is a function of the set of objects", () => {
  test("whatever their order", () => {
    fc.assert(
      fc.property(
        fc
          .uniqueArray(anyObject, { selector: ({ ref }) => objectKey(ref), maxLength: 14 })
          .chain((objects) =>
            fc.tuple(fc.constant(objects), fc.shuffledSubarray(objects, { minLength: objects.length })),
          ),
        ([objects, shuffled]) => {
          expect(translated(shuffled)).toEqual(translated(objects));
        },
      ),
      { numRuns: 200 },
    );
  });

  test("incremental equals full after any series of edits, and the changes told lead from one to the next", () => {
    fc.assert(
      fc.property(fc.array(fc.array(edit, { minLength: 1, maxLength: 8 }), { maxLength: 10 }), (steps) => {
        const translator = new Translator(settings);
        const objects = new Map<string, SourceObject>();
        const removedIds: string[] = [];
        const followed = {
          mappings: new Map<string, unknown>(),
          upstreams: new Map<string, unknown>(),
          endpoints: new Map<string, unknown>(),
        };
        for (const step of steps) {
          const last = new Map<string, SourceObject | null>(
            step.map(({ set, removed }) => (set === null ? [removed, null] : [objectKey(set.ref), set])),
          );
          const set = [...last.values()].filter((value) => value !== null);
          const removed = [...last].filter(([, value]) => value === null).map(([key]) => key);
          const change = translator.apply({ set, removed });
          for (const key of removed) objects.delete(key);
          for (const one of set) objects.set(objectKey(one.ref), one);
          for (const id of change.removedMappings) {
            expect(followed.mappings.delete(id)).toBe(true);
            removedIds.push(id);
          }
          for (const mapping of change.mappings) followed.mappings.set(mapping.id, mapping);
          for (const upstream of change.upstreams) followed.upstreams.set(upstream.key, upstream);
          for (const endpoints of change.endpoints) {
            const before = followed.endpoints.get(endpoints.key) as { ready: boolean } | undefined;
            expect(change.flipped.includes(endpoints.key)).toBe(before?.ready !== endpoints.ready);
            followed.endpoints.set(endpoints.key, endpoints);
          }
          for (const key of change.removedUpstreams) {
            expect(followed.upstreams.delete(key)).toBe(true);
            followed.endpoints.delete(key);
          }
          const full = new Translator(settings);
          full.apply({ set: [...objects.values()], removed: [] });
          expect(contentOf(translator.current())).toEqual(contentOf(full.current()));
        }
        const { mappings, upstreams, endpoints, breakers } = translator.current();
        expect(new Map(breakers)).toEqual(
          new Map(Array.from(upstreams, ([key, upstream]) => [key, upstream.breakers])),
        );
        expect([...mappings.keys()].toSorted()).toEqual([...followed.mappings.keys()].toSorted());
        expect(mappings.size).toBe(followed.mappings.size);
        for (const [id, mapping] of followed.mappings)
          expect([mappings.has(id), mappings.get(id)]).toEqual([true, mapping]);
        for (const id of removedIds)
          expect([mappings.has(id), mappings.get(id)]).toEqual([followed.mappings.has(id), followed.mappings.get(id)]);
        expect(followed).toEqual({
          mappings: new Map(mappings),
          upstreams: new Map(upstreams),
          endpoints: new Map(endpoints),
        });
      }),
      { numRuns: 300 },
    );
  });

  test("an unchanged object changes nothing", () => {
    const objects = [deployment("a/x"), ...service("a/x-main")];
    const translator = new Translator(settings);
    translator.apply({ set: objects, removed: [] });
    const nothing = {
      mappings: [],
      removedMappings: [],
      upstreams: [],
      removedUpstreams: [],
      endpoints: [],
      flipped: [],
    };
    expect(translator.apply({ set: objects, removed: [] })).toEqual(nothing);
    expect(translator.apply({ set: [deployment("a/x"), ...service("a/x-main")], removed: [] })).toEqual(nothing);
  });
});
