// What the tools share: their options, and manifests of files or of a cluster read, translated and built into a table as `serve` would, with nothing resolved or dialled.
import { namespacedName } from "../../routing/text/namespaced-name.ts";
import { openCluster } from "../../k8s/source/cluster/open.ts";
import { maxInputBytes, readManifests } from "../../k8s/source/read.ts";
import { objectKey, type SourceObject } from "../../k8s/translate/model/object.ts";
import { unownedObjects, type UnownedObject } from "../../k8s/translate/problems/unowned-objects.ts";
import { isWatched, platformNamespaces } from "../../k8s/translate/platform/platform.ts";
import { secretTexts } from "../../k8s/translate/backends/tls.ts";
import type { Translation } from "../../k8s/translate/model/translation.ts";
import { Translator } from "../../k8s/translate/translator.ts";
import { compareProblems, type ObjectRef, type Problem } from "../../routing/text/problem.ts";
import type { RouteTable } from "../../routing/table.ts";
import type { CallPolicy } from "../callers/call-policy.ts";
import { guardProblems } from "../callers/guard-problems.ts";
import type { Material } from "../callers/providers/material.ts";
import { readPolicyOfFiles } from "../callers/read-policy.ts";
import type { Use } from "../options/command.ts";
import { chosenOf, serveConfig } from "../options/config.ts";
import { CertificateAssembly } from "../control/certificates/certificate-set.ts";
import { tableOf } from "../library/table-of.ts";
import { readGrants } from "../options/grants.ts";
import { flag, pick, text } from "../options/option.ts";
import { withPodNamespace } from "../options/pod-namespace.ts";
import { serveOptions } from "../options/serve-options.ts";
import type { ClusterSettings, Settings } from "../options/settings.ts";
import { translateSettingsOf } from "../options/translate-settings.ts";
import { namespaceOption } from "./admin.ts";
import { wideOutputOption } from "./output.ts";
import { nothingServed } from "./nothing-served.ts";
import { upstreamCertificateProblems } from "./upstream-certificates.ts";

/** Options of `serve` that say which cluster, and what of it. */
const clusterFields = ["kubeconfig", "context", "serviceAccount", "mappings"] as const;

/** Options of `serve` that change what manifests mean. */
const meaningFields = [
  "grants",
  "policy",
  "gatewayNamespace",
  "ambassadorId",
  "namespace",
  "singleNamespace",
  "claims",
  "bareNames",
  "answeredBy",
  "oauth",
  "dial",
  "defaultTimeoutMs",
] as const;

export const manifestOptions = {
  cluster: flag("read the objects of the cluster once"),
  ...namespaceOption,
  ...pick(serveOptions, [...clusterFields, ...meaningFields]),
};

export const routesOutputOption = wideOutputOption(
  "every Route in the order tried; ^ marks a prefix, = a path, ~ a regex",
);
export const deploymentOption = { deployment: text("[NS/]NAME", "print this deployment only") };

export type ManifestUse = Use<typeof manifestOptions>;

export type SettingsRead =
  | { readonly kind: "settings"; readonly settings: Settings }
  | { readonly kind: "wrong"; readonly sentence: string }
  /** Right use, but a file cannot be read. */
  | { readonly kind: "failed"; readonly sentence: string };

/** Settings as `serve --folder` would have them, or with `--cluster` as `serve`, Grants included, by those options of `serve` that the command has. */
export async function readSettings({
  values,
  written,
}: Pick<ManifestUse, "values" | "written">): Promise<SettingsRead> {
  const ofServe = Object.fromEntries(Object.entries(values).filter(([field]) => Object.hasOwn(serveOptions, field)));
  if (!values.cluster) {
    const stray = clusterFields.find((field) => field !== "mappings" && written.has(field));
    if (stray !== undefined)
      return {
        kind: "wrong",
        sentence: `${written.get(stray)!.from} says which cluster: write --cluster with it and no manifests`,
      };
    ofServe["folder"] = ["."];
  }
  const config = serveConfig(chosenOf(ofServe, written), process.env);
  if (config.kind === "wrong") return config;
  const settings = await withPodNamespace(config.settings);
  if (config.grantsFile === null) return { kind: "settings", settings };
  const grants = await readGrants(config.grantsFile);
  return grants.kind === "failed" ? grants : { kind: "settings", settings: { ...settings, grants: grants.grants } };
}

/** What there was to read. */
export interface ReadCounts {
  /** Objects that count, by kind. */
  readonly kinds: ReadonlyMap<string, number>;
  readonly unwatched: number;
  readonly otherKinds: number;
  /** Objects that name no namespace and count as of `defaultNamespace`, where nobody chose it. */
  readonly withoutNamespace: number;
  /** Objects of SeldonDeployments that are not there. */
  readonly orphans: readonly UnownedObject[];
}

/** Manifests as a gateway that has just started would serve them. */
export interface Served {
  readonly read: ReadCounts;
  /** Those that count, as they were read. */
  readonly objects: readonly SourceObject[];
  readonly table: RouteTable<null>;
  readonly translation: Translation;
  /** Who may call; without the keys that issuers publish. */
  readonly policy: CallPolicy;
  /** Providers whose Secret is not among manifests, which are mostly exported without: a gateway may have it. */
  readonly unread: ReadonlySet<string>;
  /** Of the files, the Translation and the table, in order. */
  readonly problems: readonly Problem[];
  /** Where an object was read, for people: `manifests/iris.yaml:12`; "" for a cluster. */
  readonly originOf: (ref: ObjectRef) => string;
}

/** Reads and builds; a sentence when a path is not there or the cluster cannot be read. `paths` are ignored for a cluster. */
export async function serveManifests(
  paths: readonly string[],
  settings: Settings,
  namespace: string | null = null,
): Promise<Served | string> {
  return settings.source.kind === "cluster"
    ? serveCluster(settings, settings.source)
    : serveFiles(paths, settings, namespace);
}

export type ServedRead =
  | { readonly kind: "served"; readonly served: Served; readonly settings: Settings }
  | Exclude<SettingsRead, { readonly kind: "settings" }>;

/** What a command serves of these manifests or the cluster, by its options. */
export async function readServed(
  { values, written }: Pick<ManifestUse, "values" | "written">,
  paths: readonly string[],
): Promise<ServedRead> {
  const read = await readSettings({ values, written });
  if (read.kind !== "settings") return read;
  const { settings } = read;
  const served = await serveManifests(paths, settings, values.objectNamespace);
  return typeof served === "string" ? { kind: "failed", sentence: served } : { kind: "served", served, settings };
}

/** The same for manifests of files, without what says which cluster. */
export function withoutCluster({
  values,
  written,
}: Pick<ManifestUse, "values" | "written">): Pick<ManifestUse, "values" | "written"> {
  const ofCluster: readonly string[] = clusterFields;
  return {
    values: { ...values, cluster: false },
    written: new Map([...written].filter(([field]) => !ofCluster.includes(field) || field === "mappings")),
  };
}

/** true when exactly one says where manifests come from: paths, the cluster or a running gateway. */
export function hasOneOrigin(
  { cluster, url = null }: { readonly cluster: boolean; readonly url?: unknown },
  paths: readonly string[],
): boolean {
  return [paths.length > 0, cluster, url !== null].filter(Boolean).length === 1;
}

async function serveFiles(
  paths: readonly string[],
  settings: Settings,
  namespace: string | null,
): Promise<Served | string> {
  const chosen = namespace ?? settings.singleNamespace;
  const declared = await readPolicyOfFiles(settings.policyFile);
  if (typeof declared === "string") return declared;
  const standardInput = paths.includes("-") ? await readStandardInput() : null;
  const { objects, problems, missing, beside } = readManifests({
    paths,
    standardInput,
    defaultNamespace: chosen ?? "default",
  });
  if (missing[0] !== undefined)
    return `${missing[0]} is neither a directory nor a .yaml, .yml or .json file that exists`;
  const translator = new Translator(translateSettingsOf(settings, [], "ready"));
  translator.apply({ set: objects, removed: [] });
  const origins = new Map(objects.map(({ ref, origin }) => [objectKey(ref), origin]));
  const watched = objects.filter(({ ref }) => isWatched(ref, settings));
  const read = {
    kinds: countKinds(watched),
    unwatched: objects.length - watched.length,
    otherKinds: beside.otherKinds,
    withoutNamespace: chosen === null ? beside.withoutNamespace : 0,
    orphans: unownedObjects(watched),
  };
  const { policy, problems: ofPolicy, absent } = declared.held(secretsOf(objects), "warning");
  const originOf = (ref: ObjectRef): string =>
    ref.kind === "Policy" ? (settings.policyFile ?? "") : (origins.get(objectKey(ref)) ?? "");
  const served = build(translator.current(), [...problems, ...ofPolicy, ...problemsBeside(translator, policy)]);
  // Last: what comes before says why.
  return {
    ...served,
    problems: [
      ...served.problems,
      ...nothingServed(
        { kind: "File", namespace: "", name: paths.join(" ") },
        watched,
        read,
        served.translation,
        settings,
      ),
    ],
    objects: watched,
    policy,
    unread: absent,
    read,
    originOf,
  };
}

/** What a gateway that ends TLS would find at its start beside the translation, and what it would find when it dials. */
function problemsBeside(translator: Translator, policy: CallPolicy): readonly Problem[] {
  const nowMs = Date.now();
  const { problems } = new CertificateAssembly(null).assemble(translator.current().hosts, [], nowMs);
  return [
    ...guardProblems(translator.guards(), policy),
    ...problems,
    ...upstreamCertificateProblems(translator.current(), nowMs),
  ];
}

/** Entries of Secrets by `namespace/name`. */
export function secretsOf(objects: Iterable<SourceObject>): (name: string) => Material | null {
  const secrets = new Map<string, SourceObject>();
  for (const object of objects)
    if (object.ref.kind === "Secret") secrets.set(namespacedName(object.ref.namespace, object.ref.name), object);
  return (name) => {
    const secret = secrets.get(name);
    return secret === undefined ? null : secretTexts(secret.object);
  };
}

/** More than one manifest file may have is not kept. */
async function readStandardInput(): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of process.stdin as AsyncIterable<Buffer>) {
    parts.push(part);
    bytes += part.length;
    if (bytes > maxInputBytes) break;
  }
  return Buffer.concat(parts);
}

function countKinds(objects: Iterable<SourceObject>): ReadonlyMap<string, number> {
  const kinds = new Map<string, number>();
  for (const { ref } of objects) kinds.set(ref.kind, (kinds.get(ref.kind) ?? 0) + 1);
  return kinds;
}

async function serveCluster(settings: Settings, { access }: ClusterSettings): Promise<Served | string> {
  const { namespaces, mappings } = settings;
  const declared = await readPolicyOfFiles(settings.policyFile);
  if (typeof declared === "string") return declared;
  let sourceProblems: readonly Problem[] = [];
  const objects = new Map<string, SourceObject>();
  try {
    const source = await openCluster({
      access,
      namespaces,
      mappings,
      platformNamespaces: platformNamespaces(settings),
      releases: null,
      lastGood: null,
      once: true,
    });
    const translator = new Translator(translateSettingsOf(settings, source.forbiddenAddresses, "unready"));
    try {
      await source.start((change) => {
        translator.apply(change);
        for (const object of change.set) objects.set(objectKey(object.ref), object);
        for (const key of change.removed) objects.delete(key);
        sourceProblems = change.problems;
        source.follow(new Set([...translator.wantedSecrets, ...declared.wantedSecrets]));
      });
    } finally {
      await source.stop();
    }
    const { policy, problems } = declared.held(secretsOf(objects.values()), "error");
    const served = build(translator.current(), [...sourceProblems, ...problems, ...problemsBeside(translator, policy)]);
    const read = {
      kinds: countKinds(objects.values()),
      unwatched: 0,
      otherKinds: 0,
      withoutNamespace: 0,
      orphans: unownedObjects(objects.values()),
    };
    const nothing = nothingServed(
      { kind: "Cluster", namespace: "", name: "cluster" },
      [...objects.values()],
      read,
      served.translation,
      settings,
    );
    return {
      ...served,
      problems: [...served.problems, ...nothing],
      objects: [...objects.values()],
      policy,
      unread: new Set(),
      read,
      originOf: () => "",
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export function build(
  translation: Translation,
  sourceProblems: readonly Problem[],
): Omit<Served, "read" | "objects" | "originOf" | "policy" | "unread"> {
  const table = tableOf(translation);
  return {
    table,
    translation,
    problems: [
      ...sourceProblems,
      ...translation.problems,
      ...table.routesInOrder().flatMap(({ problems }) => problems),
    ].sort(compareProblems),
  };
}
