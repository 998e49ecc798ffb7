// Source objects for tests, written as manifests would be.
import { load } from "js-yaml";
import type { Mapping } from "../../../routing/model/mapping.ts";
import { isDifference, printProblem, type Problem } from "../../../routing/text/problem.ts";
import type { SourceObject } from "../../../k8s/translate/model/object.ts";
import type { Grant, Translation, TranslateSettings } from "../../../k8s/translate/model/translation.ts";
import { Translator } from "../../../k8s/translate/translator.ts";

export const clusterSettings: TranslateSettings = {
  ambassadorIds: ["default"],
  namespaces: [],
  singleNamespace: null,
  claims: "open",
  bareNames: "on",
  answeredBy: false,
  releases: true,
  mappings: true,
  dial: "endpoints",
  source: "cluster",
  forbiddenAddresses: ["10.96.0.1:443", "10.0.0.99"],
  grants: [],
  gatewayNamespace: null,
  oauth: false,
  defaultTimeoutMs: 3000,
  withoutSlices: "unready",
};

export const noGrant: Grant = {
  namespace: "",
  prefixes: [],
  hosts: [],
  grpcNames: [],
  upstreams: [],
  regex: false,
  precedence: false,
  open: false,
  endpointSlices: false,
  anonymous: false,
  gateway: false,
};

/** An object of any kind; `text` is YAML of everything but kind and identity. */
export function object(
  kind: string,
  name: string,
  text: string,
  apiVersion = defaultVersions[kind] ?? "v1",
): SourceObject {
  const [namespace, own] = name.split("/") as [string, string];
  const value = load(text === "" ? "{}" : text) as Record<string, unknown>;
  const metadata = { ...(value["metadata"] as object | undefined), name: own, namespace };
  return {
    ref: { kind, namespace, name: own },
    apiVersion,
    origin: "",
    object: { ...value, apiVersion, kind, metadata },
  };
}

const defaultVersions: Readonly<Record<string, string>> = {
  SeldonDeployment: "machinelearning.seldon.io/v1",
  EndpointSlice: "discovery.k8s.io/v1",
  Mapping: "getambassador.io/v2",
  TLSContext: "getambassador.io/v2",
  Module: "getambassador.io/v2",
};

/** An SD with predictors `name` or `name:traffic`, and annotations in metadata. */
export function deployment(
  name: string,
  predictors: readonly string[] = ["main"],
  annotations: Readonly<Record<string, string>> = {},
): SourceObject {
  const list = predictors.map((text) => {
    const [predictor, traffic] = text.split(":");
    return {
      name: predictor,
      graph: { name: "classifier" },
      ...(traffic === undefined ? {} : { traffic: Number(traffic) }),
    };
  });
  return object("SeldonDeployment", name, JSON.stringify({ metadata: { annotations }, spec: { predictors: list } }));
}

/** A Service with ports http and grpc, and one slice of addresses; `owner`: label of the SD that it belongs to. */
export function service(
  name: string,
  addresses: readonly string[] = ["10.1.0.1"],
  owner: string | null = null,
): readonly SourceObject[] {
  const [, own] = name.split("/") as [string, string];
  const labels = owner === null ? {} : { "seldon-deployment-id": owner };
  return [
    object(
      "Service",
      name,
      JSON.stringify({
        metadata: { labels },
        spec: {
          ports: [
            { name: "http", port: 8000 },
            { name: "grpc", port: 5001 },
          ],
        },
      }),
    ),
    slice(
      `${name}-1`,
      own,
      addresses.map((address) => ({ addresses: [address] })),
    ),
  ];
}

export function slice(
  name: string,
  of: string,
  endpoints: readonly unknown[],
  managed = "endpointslice-controller.k8s.io",
): SourceObject {
  const labels = { "kubernetes.io/service-name": of, "endpointslice.kubernetes.io/managed-by": managed };
  return object(
    "EndpointSlice",
    name,
    JSON.stringify({
      metadata: { labels },
      ports: [
        { name: "http", port: 9000 },
        { name: "grpc", port: 9500 },
      ],
      endpoints,
    }),
  );
}

export function translate(objects: readonly SourceObject[], settings: Partial<TranslateSettings> = {}): Translation {
  const translator = new Translator({ ...clusterSettings, ...settings });
  translator.apply({ set: objects, removed: [] });
  return translator.current();
}

/** `part predictor` of the ids of an SD's Mappings to the Mapping. */
export function partsOf(translation: Translation, name: string): ReadonlyMap<string, Mapping> {
  const prefix = `SeldonDeployment ${name} `;
  return new Map(
    [...translation.mappings]
      .filter(([id]) => id.startsWith(prefix))
      .map(([id, mapping]) => [id.slice(prefix.length), mapping]),
  );
}

/** Problems as text, without those at level info. */
export function problemsOf(translation: Translation): readonly string[] {
  return translation.problems.filter(({ level }) => level !== "info").map(printProblem);
}

/** Problems but those of Services that a test does not declare: its Mappings name some all the same. */
export function reportedOf(translation: Translation): readonly Problem[] {
  return translation.problems.filter(({ code }) => code !== "no-such-service" && code !== "no-such-port");
}

/** As `codesOf`, without what only differs from Ambassador: for tests of something else. */
export function faultsOf(translation: Translation): readonly string[] {
  return reportedOf(translation)
    .filter((problem) => !isDifference(problem))
    .map(({ level, code }) => `${level} ${code}`);
}

export function codesOf(translation: Translation): readonly string[] {
  return reportedOf(translation).map(({ level, code }) => `${level} ${code}`);
}

export function pathOf(mapping: Mapping | undefined): string {
  const path = mapping?.match.path;
  return path === undefined
    ? ""
    : path.kind === "prefix"
      ? path.prefix
      : path.kind === "exact"
        ? path.path
        : path.kind === "regex"
          ? path.pattern
          : "grpc";
}

/** Everything that a Translation says, in an order of its own. */
export function contentOf(translation: Translation): unknown {
  const sorted = <V>(map: ReadonlyMap<string, V>): readonly (readonly [string, V])[] =>
    [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  const { mappings, upstreams, endpoints, problems, settings } = translation;
  const choices = sorted(mappings).map(([id]) => translation.choiceOf(id));
  return {
    settings,
    mappings: sorted(mappings),
    upstreams: sorted(upstreams),
    endpoints: sorted(endpoints),
    choices,
    problems,
  };
}
