// Kinds: which objects of manifests routing reads.
import { nearWord } from "../../../routing/text/near-word.ts";
import { isLostKind } from "../../translate/platform/ambassador-kinds.ts";
import { platformKinds } from "../../translate/platform/platform.ts";
import { quoted } from "../../translate/values/value.ts";

const seldon = /^machinelearning\.seldon\.io(?:\/|$)/;
/** Whatever the version: their decoder judges it. */
const ambassador = /^(?:x\.)?(?:get)?ambassador(?:\.io)?(?:\/|$)/i;

/** No apiVersion, one without a group, and a group one slip away: nobody else has these kinds there, and what they may close must close. */
const ambassadorOrSlip = {
  test: (apiVersion: string): boolean =>
    ambassador.test(apiVersion) ||
    !apiVersion.includes("/") ||
    nearWord(apiVersion.slice(0, apiVersion.indexOf("/")), ["getambassador.io"]) !== null,
};

/** Groups of the kinds that are read. Every other kind belongs to somebody else and is only counted. */
const groups: Readonly<Record<string, Pick<RegExp, "test">>> = {
  __proto__: null as never,
  SeldonDeployment: /^machinelearning\.seldon\.io\//,
  Service: /^v1$/,
  Secret: /^v1$/,
  EndpointSlice: /^discovery\.k8s\.io\//,
  Mapping: ambassadorOrSlip,
  ...Object.fromEntries(platformKinds.map((kind) => [kind, ambassadorOrSlip])),
};

/** A kind of Ambassador that is read. */
export function isAmbassadorKind(kind: unknown): boolean {
  return typeof kind === "string" && groups[kind] === ambassadorOrSlip;
}

/** Those that are read. */
export const kindNames: readonly string[] = Object.keys(groups);

export type Kind =
  | { readonly kind: "read" }
  /** A kind that a group of ours does not have, or a SeldonDeployment of another group: what is wrong, and what to write. */
  | { readonly kind: "unknown"; readonly wrong: string; readonly remedy: string }
  /** Ambassador's, and not served: the caller says what is lost. */
  | { readonly kind: "lost" }
  | { readonly kind: "other" };

/** `apiVersion` "": it has none. */
export function readKind(kind: string, apiVersion: string): Kind {
  if (groups[kind]?.test(apiVersion) === true) return { kind: "read" };
  if (kind === "SeldonDeployment" || seldon.test(apiVersion))
    return {
      kind: "unknown",
      wrong: `${quoted(kind)} of ${quoted(apiVersion)} is nothing that Sluice reads`,
      remedy: "write SeldonDeployment and machinelearning.seldon.io/v1",
    };
  if (!ambassador.test(apiVersion)) return { kind: "other" };
  return isLostKind(kind)
    ? { kind: "lost" }
    : {
        kind: "unknown",
        wrong: `${quoted(kind)} is not a kind of Ambassador, and the object is not read`,
        remedy: "correct its spelling, or remove it",
      };
}
