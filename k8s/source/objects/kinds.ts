// Kinds: which objects of manifests routing reads, and which look as if somebody thought so.
import { meantKind } from "../../translate/platform/ambassador-kinds.ts";
import { isPlatformKind } from "../../translate/platform/platform.ts";
import { quoted } from "../../translate/values/value.ts";

/** Groups of the kinds that are read. Every other kind belongs to somebody else and is only counted. */
const groups: Readonly<Record<string, RegExp>> = {
  __proto__: null as never,
  SeldonDeployment: /^machinelearning\.seldon\.io\//,
  Service: /^v1$/,
  Secret: /^v1$/,
  EndpointSlice: /^discovery\.k8s\.io\//,
  Mapping: /^(x\.)?getambassador\.io\//,
  TLSContext: /^(x\.)?getambassador\.io\//,
  Module: /^(x\.)?getambassador\.io\//,
  AuthService: /^(x\.)?getambassador\.io\//,
  RateLimitService: /^(x\.)?getambassador\.io\//,
  Host: /^(x\.)?getambassador\.io\//,
};

/** What to write for each kind. */
const versions: Readonly<Record<string, string>> = {
  __proto__: null as never,
  SeldonDeployment: "machinelearning.seldon.io/v1",
  Service: "v1",
  Secret: "v1",
  EndpointSlice: "discovery.k8s.io/v1",
  Mapping: "getambassador.io/v2",
  TLSContext: "getambassador.io/v2",
  Module: "getambassador.io/v2",
  AuthService: "getambassador.io/v2",
  RateLimitService: "getambassador.io/v2",
  Host: "getambassador.io/v2",
};

/** What a wrong apiVersion looks like that means the right one all the same: no group, or a group of another name for the same thing. */
const nearGroups: Readonly<Record<string, RegExp>> = {
  __proto__: null as never,
  SeldonDeployment: /(?:)/,
  Service: /^(?:core\/)?v[^/]*$/i,
  Secret: /^(?:core\/)?v[^/]*$/i,
  EndpointSlice: /(?:)/,
  Mapping: /ambassador/i,
  TLSContext: /ambassador/i,
  Module: /ambassador/i,
  AuthService: /ambassador/i,
  RateLimitService: /ambassador/i,
  Host: /ambassador/i,
};

/** Those that are read. */
export const kindNames: readonly string[] = Object.keys(groups);

export type Kind =
  | { readonly kind: "read"; readonly name: string }
  /** What is wrong, and what to write. */
  | { readonly kind: "misspelt"; readonly wrong: string; readonly remedy: string }
  /** Meant to configure the gateway, in a kind or apiVersion that is misspelt: read as that kind, so that its reader closes what it may have closed. */
  | { readonly kind: "meant"; readonly name: string }
  /** Ambassador's, and not served: the caller says what is lost. */
  | { readonly kind: "ambassador" }
  | { readonly kind: "other" };

export function readKind(kind: string, apiVersion: string): Kind {
  const exact = kindNames.find((name) => name === kind);
  if (exact !== undefined && groups[exact]!.test(apiVersion)) return { kind: "read", name: exact };
  const meant = nearGroups["Mapping"]!.test(apiVersion) ? meantKind(kind) : null;
  if (meant !== null && isPlatformKind(meant)) return { kind: "meant", name: meant };
  if (exact !== undefined && nearGroups[exact]!.test(apiVersion))
    return {
      kind: "misspelt",
      wrong: `${quoted(apiVersion)} is not an apiVersion of a ${exact} and the object is not read`,
      remedy: apiVersion.startsWith("ambassador/")
        ? `write ${versions[exact]!}, its name in metadata.name and its fields in spec, as this version stands in annotations only`
        : `write ${versions[exact]!}`,
    };
  const folded = kind.toLowerCase().replace(/s$/, "");
  const near = kindNames.find(
    (name) => name.toLowerCase() === folded && (groups[name]!.test(apiVersion) || nearGroups[name]!.test(apiVersion)),
  );
  const slip = near ?? meant;
  if (slip !== null && exact === undefined)
    return {
      kind: "misspelt",
      wrong: `${quoted(kind)} is not a kind and the object is not read`,
      remedy: `write ${slip}`,
    };
  if (groups["SeldonDeployment"]!.test(apiVersion))
    return {
      kind: "misspelt",
      wrong: `${quoted(kind)} is not a kind of machinelearning.seldon.io and the object is not read`,
      remedy: "write SeldonDeployment",
    };
  return groups["Mapping"]!.test(apiVersion) ? { kind: "ambassador" } : { kind: "other" };
}
