// The policy file (`--policy FILE`): providers of identities, and the rules of deployments without rules of their own.
import { parseAuth, providerName } from "../../routing/model/guard.ts";
import { limitWords, parseLimits } from "../../routing/model/rate-limit.ts";
import { mostPlatformBlocks, readBlocks } from "../../routing/text/address-block.ts";
import type { Problem } from "../../routing/text/problem.ts";
import { decodeText } from "../schema/decode.ts";
import {
  byDefault,
  choice,
  converted,
  entries,
  flag,
  namespaceNames,
  object,
  oneOrMany,
  optional,
  text,
  type Decoded,
  type ValuesOf,
} from "../schema/schema.ts";
import type { CallPolicy, Rules } from "./call-policy.ts";
import { kindOf, providerSchema, type Provider, type ProviderDeclaration } from "./providers/kinds.ts";
import { viewerNames, viewerSchema, type ViewerDeclaration } from "./viewers.ts";
import { placeKey, type Material, type MaterialPlace } from "./providers/material.ts";

/** A policy file as it is written. */
export interface PolicyDeclaration extends Omit<CallPolicy, "providers"> {
  /** Who may ask the admin API about which namespaces, by name. No data worker knows them. */
  readonly viewers: Readonly<Record<string, ViewerDeclaration>>;
  readonly providers: Readonly<Record<string, ProviderDeclaration>>;
}

/** Bytes of a policy file. */
export const maxPolicyBytes = 1024 * 1024;
/** Providers, and namespaces, of one policy. */
const maxNames = 1000;
/** Sentences about the keys of one provider. */
const maxKeySentences = 20;

const auth = converted(oneOrMany(text), (names, place) => {
  const auth = parseAuth(names.join(","));
  if (auth === null) return place.refuse("does not say who may call: write names of providers, or none");
  return auth.kind === "open" ? ("none" as const) : auth.names;
});

/** An empty list is wrong: it would let in everybody or nobody. */
const blocks = converted(oneOrMany(text), (texts, place) => {
  const words = texts.flatMap((one) => one.split(/[\s,]+/)).filter((one) => one !== "");
  const parsed = readBlocks(words, mostPlatformBlocks);
  return parsed.kind === "blocks"
    ? parsed.blocks
    : place.refuse(`${parsed.reason}: write addresses and blocks, for example [10.0.0.0/8, "2001:db8::/32"]`);
});

const limits = converted(text, (written, place) => {
  const parsed = parseLimits(written);
  return parsed.kind === "limits"
    ? parsed.limits
    : place.refuse(`is not a rate limit (${parsed.reason}): write ${limitWords}`);
});

export const ruleFields = {
  auth: optional(auth, null, "Names of providers of which one must admit the caller, or `none`: anyone can call"),
  allow: optional(blocks, null, "Addresses and blocks that alone may call"),
  deny: optional(blocks, null, "Addresses and blocks that may not call. `deny` wins"),
  rateLimit: optional(limits, null, "Rate limits of each deployment without its own, as in `sluice.io/rate-limit`"),
};

export const namespaceFields = {
  ...ruleFields,
  mayOpen: byDefault(flag, false, "`true`: manifests of the namespace may say `sluice.io/auth: none`"),
};

const noRules = { auth: null, allow: null, deny: null, rateLimit: null };

export const policyFields = {
  defaults: optional(object(ruleFields), null, "Rules of every deployment without rules of its own"),
  namespaces: optional(
    entries(namespaceNames, object(namespaceFields), maxNames),
    [],
    "Rules of a namespace, by its name, instead of the defaults",
  ),
  providers: optional(
    entries(
      {
        pattern: providerName,
        words:
          'a name for a provider: write lower-case letters, digits and "-", at most 63, and neither none nor oauth',
      },
      providerSchema,
      maxNames,
    ),
    [],
    "Providers of identities, by name",
  ),
  clientHeader: byDefault(
    flag,
    false,
    "`true`: models get the name of the caller as `x-sluice-client`. Clients cannot send that header",
  ),
  limitsWithoutRedis: byDefault(
    choice(["share", "close"] as const),
    "share",
    "While Redis is unreachable: `share` counts limits per replica, `close` rejects requests that have limits",
  ),
  viewers: optional(
    entries(viewerNames, viewerSchema, maxNames),
    [],
    "Who may ask the admin API about some namespaces, by name",
  ),
};

export const policySchema = converted(object(policyFields), (said, place): PolicyDeclaration | undefined => {
  const { clientHeader, limitsWithoutRedis } = said;
  const providers = Object.fromEntries(said.providers);
  const namespaces = Object.fromEntries(
    said.namespaces.map(([name, { mayOpen, ...rules }]) => [name, { ...rulesOf(rules), mayOpen }]),
  );
  // One indentation in, the rules of everybody would be those of a namespace that nobody has.
  if (Object.hasOwn(namespaces, "defaults") && said.defaults === null)
    return place
      .at("namespaces")
      .at("defaults")
      .refuse(
        "are rules of a namespace of this name: write defaults beside namespaces, or defaults: {} there if there is such a namespace",
      );
  const defaults = rulesOf(said.defaults ?? noRules);
  const { length } = place.wrong;
  for (const [here, { auth }] of [
    [place.at("defaults"), defaults] as const,
    ...Object.entries(namespaces).map(([name, rules]) => [place.at("namespaces").at(name), rules] as const),
  ]) {
    for (const name of auth === null || auth === "none" ? [] : auth)
      if (!Object.hasOwn(providers, name))
        here.at("auth").refuse(`names the provider ${name}, which is not among providers: declare it, or name another`);
  }
  return place.wrong.length > length
    ? undefined
    : {
        providers,
        defaults,
        namespaces,
        clientHeader,
        limitsWithoutRedis,
        viewers: Object.fromEntries(said.viewers),
      };
});

function rulesOf({ rateLimit, ...rules }: ValuesOf<typeof ruleFields>): Rules {
  return { ...rules, limits: rateLimit };
}

export function decodePolicyFile(text: string): Decoded<PolicyDeclaration> {
  return decodeText(policySchema, text, maxPolicyBytes);
}

/** Where the tokens of its viewers are. */
export function viewerPlacesOf({ viewers }: PolicyDeclaration): readonly MaterialPlace[] {
  return Object.values(viewers).flatMap(({ from }) => (from === null ? [] : [from]));
}

/** Where all keys of its providers are. */
export function placesOf({ providers }: PolicyDeclaration): readonly MaterialPlace[] {
  return Object.values(providers).flatMap(({ from }) => (from === null ? [] : [from]));
}

/** Takes what is wrong with the keys of a provider. `absent`: the place where nothing is; null: something is there. */
export type ReportKeys = (provider: string, sentence: string, absent: MaterialPlace | null) => void;

/** The policy with its keys. `materialAt` null: nothing is there, so a provider that needs it admits nobody. */
export function completePolicy(
  declaration: PolicyDeclaration,
  materialAt: (place: MaterialPlace) => Material | null,
  report: ReportKeys,
): CallPolicy {
  const providers: Record<string, Provider> = {};
  for (const [name, declared] of Object.entries(declaration.providers)) {
    const { from } = declared;
    const material = from === null ? null : materialAt(from);
    // The control worker itself says why keys of a URL are not there.
    if (from !== null && material === null && from.kind !== "url")
      report(name, `its keys are not there (${placeKey(from)}), so it admits nobody: create it`, from);
    const wrong: string[] = [];
    const provider = kindOf(declared).complete(declared, material, wrong);
    if (from !== null && material !== null && wrong.length === 0 && kindOf(declared).keys(provider) === "none")
      wrong.push(`it has no keys (${placeKey(from)} is empty), so it admits nobody: write some there`);
    providers[name] = provider;
    for (const sentence of wrong.slice(0, maxKeySentences)) report(name, sentence, null);
  }
  const { viewers: _, ...rules } = declaration;
  return { ...rules, providers };
}

/** A fault of the tokens of a viewer, as a Problem of the policy. */
export function viewerProblem(name: string, sentence: string): Problem {
  return { ...providerProblem(name, sentence), field: `viewers.${name}` };
}

/** What is wrong with the keys of a provider, as a Problem of the policy. */
export function providerProblem(provider: string, sentence: string, level: Problem["level"] = "error"): Problem {
  return {
    code: "provider-keys",
    level,
    subject: { kind: "Policy", namespace: "", name: "policy" },
    field: `providers.${provider}`,
    sentence,
  };
}
