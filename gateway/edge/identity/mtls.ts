// The provider `mtls` at work in a data worker: whose certificate this is. Asked once a connection.
import { clientName } from "../../callers/client-name.ts";
import type { MtlsProvider } from "../../callers/providers/mtls.ts";
import type { ClientCertificate } from "../message/client-certificate.ts";
import { absent, got, type Admission, type IdentityRequest, Verifier } from "./verifier.ts";

export class MtlsVerifier extends Verifier {
  readonly #name: string;
  readonly #provider: MtlsProvider;
  readonly #judged = new WeakMap<ClientCertificate, Admission>();
  /** No scheme is registered for it: this one says what is missing. */
  readonly challenges: readonly string[];

  constructor(name: string, provider: MtlsProvider) {
    super();
    this.#name = name;
    this.#provider = provider;
    this.challenges = [`ClientCertificate realm="${name}"`];
  }

  override get unexplained(): string {
    return "a certificate is shown by TLS, and not in a header";
  }

  verify({ facts: { certificate } }: IdentityRequest): Admission {
    if (certificate === null) return absent;
    const known = this.#judged.get(certificate);
    if (known !== undefined) return known;
    const admission = this.#judge(certificate);
    this.#judged.set(certificate, admission);
    return admission;
  }

  #judge(certificate: ClientCertificate): Admission {
    const said = namesOf(certificate);
    const taken = this.#provider.any ? said : said.filter(([kind, name]) => this.#provider[kind].includes(name));
    // A name that is too long to be one is not cut: the fingerprint is as much the client's own.
    const client =
      taken.map(([, name]) => clientName(name)).find((name) => name !== null) ??
      (taken.length > 0 ? certificate.fingerprint : null);
    if (client !== null)
      return Object.freeze({ kind: "admitted", caller: Object.freeze({ provider: this.#name, client }), change: null });
    // It was asked for by the host: what the request itself shows is what its client means.
    const sentence = `the client's certificate is not among those that may call by the provider ${this.#name}: use another, or have one of its names added`;
    return Object.freeze({
      kind: "refused",
      got: got.nothing,
      as: "forbidden",
      sentence,
      retryAfterSeconds: 0,
      challenge: null,
    });
  }
}

type Kind = "uris" | "dnsNames" | "emails" | "subjects" | "fingerprints";

/** What it says of its owner, the most telling first. */
function namesOf({
  uris,
  dnsNames,
  emails,
  subject,
  fingerprint,
}: ClientCertificate): readonly (readonly [Kind, string])[] {
  const all: (readonly [Kind, string])[] = [];
  for (const uri of uris) all.push(["uris", uri]);
  for (const name of dnsNames) all.push(["dnsNames", name.toLowerCase()]);
  for (const email of emails) all.push(["emails", email]);
  if (subject !== "") all.push(["subjects", subject]);
  all.push(["fingerprints", fingerprint]);
  return all;
}
