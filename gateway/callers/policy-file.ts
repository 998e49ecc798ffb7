// The policy file (`--policy FILE`): providers of identities, and what holds where nobody says anything. Wrong content is refused as a whole: half of
// a policy would let in whom the other half keeps out.
import { load } from "js-yaml";
import { mostPlatformBlocks, readBlocks } from "../../routing/text/address-block.ts";
import { isProviderName, parseAuth } from "../../routing/model/guard.ts";
import type { Problem } from "../../routing/text/problem.ts";
import { limitWords, parseLimits } from "../../routing/model/rate-limit.ts";
import { apiKeysOf, decodeApiKeys, type ApiKeysDeclaration } from "./api-keys-provider.ts";
import { noRules, type CallPolicy, type NamespaceRules, type Provider, type Rules } from "./call-policy.ts";
import { basicOf, decodeBasic, type BasicDeclaration } from "./basic-provider.ts";
import { keysOf } from "./keys.ts";
import { decodeJwt, jwtOf, type JwtDeclaration } from "./jwt-provider.ts";
import { decodeMtls, type MtlsDeclaration } from "./mtls-provider.ts";
import { PolicyEntry } from "./policy-entry.ts";
import { placeKey, type Material, type MaterialPlace, type ProviderBase } from "./provider.ts";

export type ProviderDeclaration = ApiKeysDeclaration | BasicDeclaration | JwtDeclaration | MtlsDeclaration;

/** A policy file as it is written. */
export interface PolicyDeclaration extends Omit<CallPolicy, "providers"> {
  readonly providers: Readonly<Record<string, ProviderDeclaration>>;
}

export type PolicyOutcome =
  | { readonly kind: "policy"; readonly policy: PolicyDeclaration }
  | { readonly kind: "wrong"; readonly sentences: readonly string[] };

/** Bytes of a policy file. */
export const mostPolicyBytes = 1024 * 1024;
/** Providers, and namespaces, of one policy. */
const mostNamed = 1000;
/** Of what is wrong, told at once. */
const mostTold = 20;

/** Decodes YAML or JSON. `sentences`: each names a place in the file and says what to write there. */
export function decodePolicyFile(text: string): PolicyOutcome {
  if (Buffer.byteLength(text) > mostPolicyBytes)
    return { kind: "wrong", sentences: [`the file is longer than ${mostPolicyBytes} bytes: write a shorter one`] };
  let document: unknown;
  try {
    document = load(text);
  } catch (error) {
    return {
      kind: "wrong",
      sentences: [`the file is not YAML: ${error instanceof Error ? error.message.split("\n", 1)[0] : String(error)}`],
    };
  }
  const wrong: string[] = [];
  // An empty file may be one that is being written.
  const root = new PolicyEntry(document, "", wrong);
  const clientHeader = root.flag("clientHeader", false);
  const limitsWithoutRedis = root.choice("limitsWithoutRedis", ["share", "close"]);
  const defaults = rulesOf(root.entry("defaults"), wrong);
  const providers: Record<string, ProviderDeclaration> = {};
  const namespaces: Record<string, NamespaceRules> = {};
  for (const [name, entry] of named(root, "providers")) {
    if (!isProviderName(name))
      entry.refuse(
        "",
        'is no name of a provider: write lower-case letters, digits and "-", at most 63, and neither none nor oauth',
      );
    const declared = providerOf(entry);
    if (declared !== null) providers[name] = declared;
  }
  for (const [name, entry] of named(root, "namespaces")) {
    if (!isNamespace(name)) entry.refuse("", "is no name of a namespace: write one");
    const mayOpen = entry.flag("mayOpen", false);
    namespaces[name] = { ...rulesOf(entry, wrong), mayOpen };
  }
  root.done();
  // One indentation in, the rules of everybody would be those of a namespace that nobody has.
  if (Object.hasOwn(namespaces, "defaults") && !root.has("defaults"))
    root.refuse(
      "namespaces.defaults",
      "are rules of a namespace of this name: write defaults beside namespaces, or defaults: {} there if there is such a namespace",
    );
  const policy = { providers, defaults, namespaces, clientHeader, limitsWithoutRedis };
  for (const [place, rules] of [
    ["defaults", defaults],
    ...Object.entries(namespaces).map(([name, one]) => [`namespaces.${name}`, one] as const),
  ] as const) {
    for (const name of Array.isArray(rules.auth) ? (rules.auth as readonly string[]) : []) {
      if (!Object.hasOwn(providers, name))
        wrong.push(
          `${place}.auth names the provider ${name}, which is not among providers: declare it, or name another`,
        );
    }
  }
  if (wrong.length === 0) return { kind: "policy", policy };
  return {
    kind: "wrong",
    sentences: wrong.length > mostTold ? [...wrong.slice(0, mostTold), `and ${wrong.length - mostTold} more`] : wrong,
  };
}

function isNamespace(text: string): boolean {
  return /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(text);
}

function named(root: PolicyEntry, field: string): readonly (readonly [string, PolicyEntry])[] {
  const all = [...(root.entry(field)?.entries() ?? [])];
  if (all.length > mostNamed) root.refuse(field, `has more than ${mostNamed}: write fewer`);
  return all.slice(0, mostNamed);
}

/** Reads the rules of an entry, and says what nobody reads there. */
function rulesOf(entry: PolicyEntry | null, wrong: string[]): Rules {
  if (entry === null) return noRules;
  const rules = {
    auth: authOf(entry, wrong),
    allow: blocksOf(entry, "allow"),
    deny: blocksOf(entry, "deny"),
    limits: limitsOf(entry),
  };
  entry.done();
  return rules;
}

/** `corp`, `corp, keys`, a list of names, or none. */
function authOf(entry: PolicyEntry, wrong: string[]): Rules["auth"] {
  if (entry.value("auth") === null) return null;
  const said = parseAuth(entry.texts("auth").join(","));
  if (said !== null) return said.kind === "open" ? "none" : said.names;
  if (wrong.length === 0 || !wrong.at(-1)!.includes("auth"))
    entry.refuse("auth", "does not say who may call: write names of providers, or none");
  return null;
}

/** One text or a list; an empty one is wrong, as it would let in everybody or nobody. */
function blocksOf(entry: PolicyEntry, name: "allow" | "deny"): Rules["allow"] {
  if (entry.value(name) === null) return null;
  const parsed = readBlocks(
    entry
      .texts(name)
      .flatMap((text) => text.split(/[\s,]+/))
      .filter((word) => word !== ""),
    mostPlatformBlocks,
  );
  if (parsed.kind === "blocks") return parsed.blocks;
  entry.refuse(name, `${parsed.reason}: write addresses and blocks, for example [10.0.0.0/8, "2001:db8::/32"]`);
  return null;
}

/** As in the annotation `sluice.io/rate-limit`. */
function limitsOf(entry: PolicyEntry): Rules["limits"] {
  if (entry.value("rateLimit") === null) return null;
  const said = parseLimits(entry.text("rateLimit") ?? "");
  if (said.kind === "limits") return said.limits;
  entry.refuse("rateLimit", `does not say how much may come (${said.reason}): write ${limitWords}`);
  return null;
}

function providerOf(entry: PolicyEntry): ProviderDeclaration | null {
  const base: ProviderBase = { namespaces: entry.texts("namespaces") };
  const nameless = base.namespaces.find((name) => !isNamespace(name));
  if (nameless !== undefined)
    entry.refuse("namespaces", `has "${nameless.slice(0, 63)}", which is no name of a namespace: write names`);
  // Without the field any namespace may name it; a list that was emptied says the opposite.
  if (entry.has("namespaces") && base.namespaces.length === 0)
    entry.refuse("namespaces", "names none: write those that may name the provider, or remove it, and any may");
  const kind = entry.neededText("kind", kinds);
  const declared = declaredAs(kind, entry, base);
  if (declared === null && kind !== "")
    entry.refuse("kind", `is "${kind.slice(0, 40)}", which is none: write ${kinds}`);
  if (declared !== null) entry.done();
  return declared;
}

const kinds = "api-keys, basic, jwt or mtls";

function declaredAs(kind: string, entry: PolicyEntry, base: ProviderBase): ProviderDeclaration | null {
  switch (kind) {
    case "api-keys":
      return decodeApiKeys(entry, base);
    case "basic":
      return decodeBasic(entry, base);
    case "jwt":
      return decodeJwt(entry, base);
    case "mtls":
      return decodeMtls(entry, base);
    default:
      return null;
  }
}

/** Where all of its keys are. */
export function placesOf({ providers }: PolicyDeclaration): readonly MaterialPlace[] {
  return Object.values(providers).flatMap((declared) => (declared.kind === "mtls" ? [] : [declared.from]));
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
    if (declared.kind === "mtls") {
      providers[name] = declared;
      continue;
    }
    const wrong: string[] = [];
    const material = materialAt(declared.from);
    // Of a URL its keeper knows more.
    if (material === null && declared.from.kind !== "url")
      report(
        name,
        `its keys are not there (${placeKey(declared.from)}), so it admits nobody: create it`,
        declared.from,
      );
    const provider = completed(declared, material, wrong);
    if (material !== null && wrong.length === 0 && keysOf(provider) === "none")
      wrong.push(`it has no keys (${placeKey(declared.from)} is empty), so it admits nobody: write some there`);
    providers[name] = provider;
    for (const sentence of wrong.slice(0, mostTold)) report(name, sentence, null);
  }
  return { ...declaration, providers };
}

function completed(
  declared: Exclude<ProviderDeclaration, MtlsDeclaration>,
  material: Material | null,
  wrong: string[],
): Provider {
  switch (declared.kind) {
    case "api-keys":
      return apiKeysOf(declared, material ?? new Map(), wrong);
    case "basic":
      return basicOf(declared, material, wrong);
    case "jwt":
      return jwtOf(declared, material, wrong);
  }
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
