// The verifier of each kind of providers, a line each.
import type { Provider } from "../../callers/providers/kinds.ts";
import { ApiKeysVerifier } from "./api-keys.ts";
import { BasicVerifier } from "./basic.ts";
import { JwtVerifier } from "./jwt-verifier.ts";
import { MtlsVerifier } from "./mtls.ts";
import type { Verifier, VerifierWorld } from "./verifier.ts";

type Make<P> = new (name: string, provider: P, world: VerifierWorld) => Verifier;

const verifiers: { readonly [K in Provider["kind"]]: Make<Extract<Provider, { readonly kind: K }>> } = {
  "api-keys": ApiKeysVerifier,
  basic: BasicVerifier,
  jwt: JwtVerifier,
  mtls: MtlsVerifier,
};

export function verifierOf(name: string, provider: Provider, world: VerifierWorld): Verifier {
  const Kind = verifiers[provider.kind] as Make<Provider>;
  return new Kind(name, provider, world);
}
