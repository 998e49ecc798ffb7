// What somebody shows with a request that is explained, and what a gateway would make of it.
import type { CallPolicy } from "./call-policy.ts";
import type { CredentialPlace } from "./providers/credential-place.ts";
import { oauthSecrets, tokenField } from "./oauth-place.ts";

/** A request as it would be sent. Its credentials are in memory while it is looked at, and in no log. */
export interface ShownRequest {
  readonly method: string;
  readonly host: string;
  /** With its query. */
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** What one provider makes of it. */
export type LookedAt =
  | { readonly kind: "admitted"; readonly client: string }
  /** It holds something for this provider, which admits it not; or nobody's keys are known. */
  | { readonly kind: "refused"; readonly sentence: string }
  /** It holds nothing for this provider. */
  | { readonly kind: "absent" }
  | { readonly kind: "not-looked"; readonly sentence: string };

export interface CredentialLook {
  /** Asks a provider of this policy, as a data worker would. `provider`: one that the policy declares. Never rejects. */
  look(request: ShownRequest, provider: string, policy: CallPolicy): Promise<LookedAt>;
  close(): void;
}

const hidden = "(not shown)";
const secretFields = ["authorization", "proxy-authorization", "cookie", tokenField];

/** Places where a request may hold a credential, whatever a policy says, or for one of its providers. */
interface Places {
  readonly fields: ReadonlySet<string>;
  readonly parameters: ReadonlySet<string>;
}

function placesOf({ providers }: CallPolicy): Places {
  const places = Object.values(providers).flatMap((provider): readonly CredentialPlace[] => provider.places);
  return {
    fields: new Set([...secretFields, ...places.flatMap((place) => (place.kind === "header" ? [place.name] : []))]),
    parameters: new Set([...oauthSecrets, ...places.flatMap((place) => (place.kind === "query" ? [place.name] : []))]),
  };
}

/** Does the request hold something where credentials stand? */
export function mayShowCredentials({ headers, path }: ShownRequest, policy: CallPolicy): boolean {
  const { fields, parameters } = placesOf(policy);
  return headers.some(([name]) => fields.has(name.toLowerCase())) || withoutParameters(path, parameters) !== path;
}

/** The request without what may be a credential, as it may be printed. */
export function withoutCredentials<R extends ShownRequest>(request: R, policy: CallPolicy): R {
  const { fields, parameters } = placesOf(policy);
  return {
    ...request,
    path: withoutParameters(request.path, parameters),
    headers: request.headers.map(([name, value]) => [name, fields.has(name.toLowerCase()) ? hidden : value] as const),
  };
}

/** A path without what its query may hold of credentials. */
export function withoutCredentialsInQuery(path: string, policy: CallPolicy): string {
  return withoutParameters(path, placesOf(policy).parameters);
}

function withoutParameters(path: string, names: ReadonlySet<string>): string {
  const question = path.indexOf("?");
  if (question < 0 || names.size === 0) return path;
  const parts = path
    .slice(question + 1)
    .split("&")
    .map((part) => {
      const name = part.split("=", 1)[0]!;
      return names.has(decoded(name)) ? `${name}=${hidden}` : part;
    });
  return `${path.slice(0, question)}?${parts.join("&")}`;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll("+", " "));
  } catch {
    return name;
  }
}
