// What a change of one object costs beside families of many that share something: blocks that run, for n objects, 2n and 4n. Started by growth.test.ts
// (see block-counts.ts).
import type { SourceObject } from "../../../k8s/translate/model/object.ts";
import { blockCounts, sumOf } from "./block-counts.ts";

const { clusterSettings, deployment, object, service } = await import("./objects.ts");
const { Translator } = await import("../../../k8s/translate/translator.ts");

const numbers = (n: number): number[] => Array.from({ length: n }, (_, index) => index);
const keyed = (name: string): SourceObject =>
  object(
    "SeldonDeployment",
    name,
    JSON.stringify({
      spec: { oauth_key: "key", oauth_secret: "secret", predictors: [{ name: "main", graph: { name: "classifier" } }] },
    }),
  );
const mapping = (name: string, spec: Readonly<Record<string, unknown>>): SourceObject =>
  object("Mapping", name, JSON.stringify({ spec: { service: "s", ...spec } }));

/** Of one tenant, each with its number. */
const families: Readonly<Record<string, (i: number) => readonly SourceObject[]>> = {
  "deployments and their Services": (i) => [deployment(`a/m${i}`), ...service(`a/m${i}-main`, ["10.1.0.1"], `m${i}`)],
  "one oauth_key": (i) => [keyed(`a/m${i}`)],
  "one oauth_key in many namespaces": (i) => [keyed(`a${i}/m`)],
  "one external name": (i) => [deployment(`a/m${i}`, ["main"], { "seldon.io/ambassador-service-name": "one" })],
  "one bare gRPC name": (i) => [deployment(`a${i}/m`)],
  "one Service": (i) => [
    mapping(`a${Math.trunc(i / 400)}/m${i}`, { prefix: `/seldon/a${Math.trunc(i / 400)}/x${i}/`, service: "one:80" }),
  ],
  "one Secret": (i) => [
    object(
      "SeldonDeployment",
      `a/m${i}`,
      JSON.stringify({
        spec: { predictors: [{ name: "main", graph: { name: "c" }, ssl: { certSecretName: "one" } }] },
      }),
    ),
  ],
  "one name of Services by label": (i) => service(`a/s${i}`, ["10.1.0.1"], "one"),
  "slices of one Service": (i) =>
    service(`a/s`, ["10.1.0.1"])
      .slice(1)
      .map((slice) => ({ ...slice, ref: { ...slice.ref, name: `s${i}` } })),
  "hosts on one prefix": (i) => [mapping(`a${i % 10}/m${i}`, { prefix: "/", host: `h${i}.example.com` })],
  "one prefix": (i) => [mapping(`a${i % 10}/m${i}`, { prefix: "/" })],
  "nested prefixes": (i) => [mapping(`a${i % 10}/m${i}`, { prefix: `/${"a/".repeat(i)}` })],
  regexes: (i) => [
    mapping(`a${Math.trunc(i / 40)}/m${i}`, {
      prefix: `/seldon/a${Math.trunc(i / 40)}/x/`,
      headers: { "x-user": { regex: `u${i}.*` } },
    }),
  ],
  "raw configuration beyond the allowance": (i) => [mapping(`a/m${i}`, { prefix: `/seldon/a/x${i}/` })],
  "ids of other gateways": (i) => [mapping(`a/m${i}`, { prefix: "/x/", ambassador_id: "other" })],
  "objects with Problems": (i) => [deployment(`a/m${i}`, ["main"], { "seldon.io/rest-timeout": "x" })],
  Hosts: (i) => [
    object(
      "Host",
      `gateway/h${i}`,
      JSON.stringify({ spec: { hostname: `h${i}.example.com`, tlsSecret: { name: "t" } } }),
      "getambassador.io/v2",
    ),
  ],
};

/** The same object, changed. */
function edited(one: SourceObject): SourceObject {
  const { metadata, ...rest } = one.object as { readonly metadata: { readonly annotations?: object } };
  return {
    ...one,
    object: {
      ...rest,
      metadata: {
        ...metadata,
        creationTimestamp: "2020-01-01T00:00:00Z",
        annotations: { ...metadata.annotations, edited: "yes" },
      },
    },
  };
}

const n = Number(process.argv[2]);
const costs: Record<string, { readonly own: readonly number[]; readonly neighbour: readonly number[] }> = {};
for (const [name, familyOf] of Object.entries(families)) {
  const [own, neighbour]: [number[], number[]] = [[], []];
  for (const count of [n, 2 * n, 4 * n]) {
    const translator = new Translator({ ...clusterSettings, oauth: true, gatewayNamespace: "gateway" });
    const change = (set: readonly SourceObject[]): number => {
      const work = blockCounts(() => {
        translator.apply({ set, removed: [] });
        translator.drainOAuth();
      });
      return sumOf(work);
    };
    change([
      ...numbers(count).flatMap(familyOf),
      deployment("other/m"),
      ...service("other/m-main", ["10.1.0.1"], "m"),
      mapping("other/map", { prefix: "/other/" }),
    ]);
    own.push(change([edited(familyOf(3)[0]!)]));
    neighbour.push(change([edited(deployment("other/m", ["main", "canary"]))]));
  }
  costs[name] = { own, neighbour };
}
process.stdout.write(`${JSON.stringify(costs)}\n`);
