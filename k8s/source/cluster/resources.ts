// Resources: the kinds that a gateway watches and where the API server has them.

export interface Resource {
  readonly kind: string;
  /** "" for the core group. */
  readonly group: string;
  readonly plural: string;
  /** In the order tried; a group that everybody serves has one and is not looked up. */
  readonly versions: readonly string[];
  /** Without it nothing can be routed: until it was read once the gateway is not ready. */
  readonly required: boolean;
  /** Defined by a CRD, which may be missing. */
  readonly custom: boolean;
}

export const deployments: Resource = {
  kind: "SeldonDeployment",
  group: "machinelearning.seldon.io",
  plural: "seldondeployments",
  versions: ["v1", "v1alpha3", "v1alpha2"],
  required: true,
  custom: true,
};
export const services: Resource = {
  kind: "Service",
  group: "",
  plural: "services",
  versions: ["v1"],
  required: true,
  custom: false,
};
export const slices: Resource = {
  kind: "EndpointSlice",
  group: "discovery.k8s.io",
  plural: "endpointslices",
  versions: ["v1"],
  required: false,
  custom: false,
};
export const secrets: Resource = {
  kind: "Secret",
  group: "",
  plural: "secrets",
  versions: ["v1"],
  required: false,
  custom: false,
};
export const configMaps: Resource = {
  kind: "ConfigMap",
  group: "",
  plural: "configmaps",
  versions: ["v1"],
  required: false,
  custom: false,
};
const mappings: Resource = {
  kind: "Mapping",
  group: "getambassador.io",
  plural: "mappings",
  versions: ["v2", "v3alpha1", "v1"],
  required: false,
  custom: true,
};
const tlsContexts: Resource = {
  kind: "TLSContext",
  group: "getambassador.io",
  plural: "tlscontexts",
  versions: ["v2", "v3alpha1", "v1"],
  required: false,
  custom: true,
};

const modules: Resource = {
  kind: "Module",
  group: "getambassador.io",
  plural: "modules",
  versions: ["v2", "v3alpha1", "v1"],
  required: false,
  custom: true,
};
const hosts: Resource = {
  kind: "Host",
  group: "getambassador.io",
  plural: "hosts",
  versions: ["v2", "v3alpha1", "v1"],
  required: true,
  custom: true,
};
const authServices: Resource = {
  kind: "AuthService",
  group: "getambassador.io",
  plural: "authservices",
  versions: ["v2", "v3alpha1", "v1"],
  required: true,
  custom: true,
};
const rateLimitServices: Resource = {
  kind: "RateLimitService",
  group: "getambassador.io",
  plural: "ratelimitservices",
  versions: ["v2", "v3alpha1", "v1"],
  required: true,
  custom: true,
};

/** Those that keep requests away: a gateway that may not read them, wherever they count, does not begin without them. */
export const guardResources: readonly Resource[] = [authServices, rateLimitServices, hosts];

/** Those that configure the whole gateway: they are watched where the gateway takes them from as well. */
export const platformResources: readonly Resource[] = [tlsContexts, modules, ...guardResources];

/** Those that are watched whole. */
export function watchedResources(withMappings: boolean): readonly Resource[] {
  return [deployments, services, slices, ...(withMappings ? [mappings, ...platformResources] : [])];
}

/** `seldondeployments.machinelearning.seldon.io`, as in RBAC rules and for kubectl. */
export function resourceName({ plural, group }: Resource): string {
  return group === "" ? plural : `${plural}.${group}`;
}

/** `machinelearning.seldon.io/v1`, `v1`. */
export function apiVersionOf({ group }: Resource, version: string): string {
  return group === "" ? version : `${group}/${version}`;
}

/** Path of the collection; `namespace` null: of all namespaces. */
export function collectionPath(resource: Resource, version: string, namespace: string | null): string {
  const root = resource.group === "" ? "/api" : "/apis";
  return `${root}/${apiVersionOf(resource, version)}${namespace === null ? "" : `/namespaces/${namespace}`}/${resource.plural}`;
}
