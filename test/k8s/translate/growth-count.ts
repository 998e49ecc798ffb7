// Which functions run much more than twice as often for 2n objects as for n. Started by growth.test.ts (see block-counts.ts).
import type { SourceObject } from "../../../k8s/translate/model/object.ts";
import { blockCounts } from "./block-counts.ts";

const { clusterSettings, deployment, object } = await import("./objects.ts");
const { Translator } = await import("../../../k8s/translate/translator.ts");
const { build } = await import("../../../gateway/tools/manifests.ts");
const { printTable } = await import("../../../routing/print.ts");
const { printRouteList } = await import("../../../gateway/explain/route-list.ts");
const { OAuthClients } = await import("../../../gateway/edge/oauth/oauth-clients.ts");
const { printProblem } = await import("../../../routing/text/problem.ts");

const numbers = (n: number): number[] => Array.from({ length: n }, (_, index) => index);
const shared = { "seldon.io/ambassador-service-name": "one" };

const keyed = (name: string): SourceObject =>
  object(
    "SeldonDeployment",
    name,
    JSON.stringify({
      spec: { oauth_key: "key", oauth_secret: "secret", predictors: [{ name: "main", graph: { name: "classifier" } }] },
    }),
  );

const shapes: Readonly<Record<string, (n: number) => readonly SourceObject[]>> = {
  deployments: (n) => numbers(n).map((i) => deployment(`prod/m${i}`)),
  "header Routes on one external name": (n) =>
    numbers(n).map((i) =>
      deployment(`prod/m${i}`, ["main"], { ...shared, "seldon.io/ambassador-header": `x-user: u${i}` }),
    ),
  "deployments on one external name": (n) => numbers(n).map((i) => deployment(`prod/m${i}`, ["main"], shared)),
  "one name in many namespaces": (n) => numbers(n).map((i) => deployment(`ns${i}/m`)),
  "predictors of one deployment": (n) => [
    deployment(
      "prod/m",
      numbers(n).map((i) => `p${i}`),
    ),
  ],
  "predictors without an engine": (n) => [
    object(
      "SeldonDeployment",
      "prod/m",
      JSON.stringify({
        spec: {
          predictors: numbers(n).map((i) => ({
            name: `p${i}`,
            graph: { name: "model" },
            annotations: { "seldon.io/no-engine": "true" },
          })),
        },
      }),
    ),
  ],
  "predictors with traffic by annotation": (n) => [
    deployment(
      "prod/m",
      numbers(n).map((i) => `p${i}`),
      {
        "sluice.io/traffic": numbers(n)
          .map((i) => `p${i}=${i === 0 ? 100 : 0}`)
          .join(","),
      },
    ),
  ],
  "prefixes of many namespaces": (n) =>
    numbers(n).map((i) => object("Mapping", `ns${i}/m`, `spec: { prefix: /x${i}/, service: s }`)),
  "one prefix of many namespaces": (n) =>
    numbers(n).map((i) => object("Mapping", `ns${i}/m`, "spec: { prefix: /x/, service: s }")),
  "hosts on one prefix": (n) =>
    numbers(n).map((i) =>
      object("Mapping", `ns${i % 10}/m${i}`, `spec: { prefix: /, host: h${i}.example.com, service: s }`),
    ),
  "globs of hosts on one prefix": (n) =>
    numbers(n).map((i) =>
      object("Mapping", `ns${i % 10}/m${i}`, `spec: { prefix: /, hostname: "*.h${i}.example.com", service: s }`),
    ),
  "globs of hosts that lose to others": (n) =>
    numbers(n).map((i) =>
      object(
        "Mapping",
        `ns${i % 10}/m${i}`,
        `spec: { ${i % 10 === 0 ? `prefix: /, hostname: "h${i}.*"` : `prefix: /x/, hostname: "*.h${i}"`}, service: s }`,
      ),
    ),
  "nested prefixes": (n) =>
    numbers(n).map((i) => object("Mapping", `ns${i}/m`, `spec: { prefix: /${"a/".repeat(i)}, service: s }`)),
  "hosts on one prefix, and prefixes of other hosts": (n) =>
    numbers(n).map((i) =>
      object(
        "Mapping",
        `ns${i % 10}/m${i}`,
        `spec: { ${i % 2 === 0 ? `prefix: /, host: h${i}.ns${i % 10}` : `prefix: /x${i}/, hostname: "*.ns${i % 10}"`}, service: s }`,
      ),
    ),
  "one oauth_key of one namespace": (n) => numbers(n).map((i) => keyed(`prod/m${i}`)),
  "one oauth_key of many namespaces": (n) => numbers(n).map((i) => keyed(`ns${i}/m`)),
  "Mappings of one path with header conditions": (n) =>
    numbers(n).map((i) =>
      object("Mapping", `ns/m${i}`, `spec: { prefix: /x/, service: s, headers: { x-user: u${i} } }`),
    ),
};

/** Everything that `sluice check` and `sluice routes` do with objects, and what data workers do with OAuth clients of them. */
function work(objects: readonly SourceObject[]): void {
  const translator = new Translator({ ...clusterSettings, oauth: true });
  const clients = new OAuthClients();
  translator.apply({ set: objects, removed: [] });
  const known = translator.drainOAuth();
  clients.apply({ whole: true, ...known });
  for (let times = 0; times < known.set.length; times++) clients.authenticate("key", "secret");
  const { table, translation, problems } = build(translator.current(), []);
  printTable(table);
  printRouteList(table, translation.upstreams, () => "");
  problems.map(printProblem);
  // All go at once, too.
  translator.apply({ set: [], removed: objects.map(({ ref }) => `${ref.kind} ${ref.namespace}/${ref.name}`) });
  clients.apply({ whole: false, ...translator.drainOAuth() });
}

const n = Number(process.argv[2]);
/** Functions whose work grows much more than twice, by shape: a square is four times, sorting and hashing a little over two. */
const growth: Record<string, Record<string, number>> = {};
for (const [name, objectsOf] of Object.entries(shapes)) {
  const [once, twice] = [n, 2 * n].map((count) => {
    const objects = objectsOf(count);
    return blockCounts(() => work(objects));
  }) as [ReadonlyMap<string, number>, ReadonlyMap<string, number>];
  growth[name] = Object.fromEntries(
    Array.from(twice, ([place, times]) => [place, times / Math.max(once.get(place) ?? 0, n)] as const).filter(
      ([, ratio]) => ratio > 3.7,
    ),
  );
}
process.stdout.write(`${JSON.stringify(growth)}\n`);
