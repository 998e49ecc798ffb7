// TLS towards Upstreams: Secrets and TLSContexts decoded, and the UpstreamTls that they make (routing rule 5: what cannot have TLS is unready).
import { createHash } from "node:crypto";
import type { UpstreamTls } from "../../../routing/model/upstream.ts";
import type { Report } from "../values/report.ts";
import { decodeTermination, type Termination } from "./termination.ts";
import type { TranslateSettings } from "../model/translation.ts";
import { booleanOf, fieldOf, recordOf, scalarText, textOf, textRecordOf } from "../values/value.ts";

/** PEM texts of a Secret; null for those that it lacks. */
export interface Secret {
  readonly certPem: string | null;
  readonly keyPem: string | null;
  readonly caPem: string | null;
  /** Lists of what was revoked: `crl.pem`. */
  readonly crlPem: string | null;
}

/** `data` in base64 or `stringData` as it is, of type `kubernetes.io/tls` or any other. */
export function decodeSecret(object: unknown): Secret {
  const encoded = textRecordOf(fieldOf(recordOf(object), "data"));
  const plain = textRecordOf(fieldOf(recordOf(object), "stringData"));
  const pem = (name: string): string | null => {
    const text =
      plain[name] ?? (encoded[name] === undefined ? "" : Buffer.from(encoded[name], "base64").toString("utf8"));
    return text.includes("-----BEGIN ") ? text : null;
  };
  return { certPem: pem("tls.crt"), keyPem: pem("tls.key"), caPem: pem("ca.crt"), crlPem: pem("crl.pem") };
}

/** Entries of a Secret as bytes, by name. */
export function secretTexts(object: unknown): ReadonlyMap<string, Buffer> {
  const encoded = textRecordOf(fieldOf(recordOf(object), "data"));
  const plain = textRecordOf(fieldOf(recordOf(object), "stringData"));
  return new Map([
    ...Object.entries(encoded).map(([name, text]) => [name, Buffer.from(text, "base64")] as const),
    ...Object.entries(plain).map(([name, text]) => [name, Buffer.from(text)] as const),
  ]);
}

/** What Ambassador calls a TLSContext. */
export interface TlsContext {
  readonly name: string;
  /** Secret with the client certificate, in the context's namespace, or "". */
  readonly secret: string;
  /** Secret with the authorities that verify the upstream, or "". */
  readonly caSecret: string;
  readonly sni: string | null;
  /** What it says of connections of clients: for its hosts, and for Hosts that name it. */
  readonly termination: Termination;
  /** It cannot be understood what it says. */
  readonly unreadable: boolean;
}

/** Why TLS cannot be had, as words that follow its name. */
export type TlsResult = { readonly kind: "tls"; readonly tls: UpstreamTls } | MissingTls;

/** `isAbsent`: the Secret itself is not there, which an export of manifests says of every Secret. */
export interface MissingTls {
  readonly kind: "missing";
  readonly reason: string;
  readonly isAbsent: boolean;
}

/** How a Secret that is not there is told: manifests that a tool reads are mostly exported without them, and a gateway has all that there are. */
export function missingSecretLevel({ withoutSlices }: Pick<TranslateSettings, "withoutSlices">): "warning" | "error" {
  return withoutSlices === "ready" ? "warning" : "error";
}

/** TLS of a predictor with `ssl.certSecretName`: the Secret's certificate; the peer is verified only when the Secret holds `ca.crt` (as shipped). */
export function predictorTls(name: string, secret: Secret | null): TlsResult {
  const reason = certificateReason(`Secret ${name}`, secret);
  if (reason !== null) return { kind: "missing", reason, isAbsent: secret === null };
  return {
    kind: "tls",
    tls: {
      context: name,
      sni: null,
      caPem: secret!.caPem,
      certificate: { certPem: secret!.certPem!, keyPem: secret!.keyPem! },
    },
  };
}

/** A Secret by the name that an object has for it. */
export interface FoundSecret {
  readonly secret: Secret | null;
  /** As words: `Secret site in certs`. */
  readonly words: string;
}

/** Who names Secrets: an object of `namespace`; `isOperator`: it may name those of all namespaces. */
export interface SecretNaming {
  readonly namespace: string;
  readonly isOperator: boolean;
  secret(namespace: string, name: string): Secret | null;
}

/** `NAME.NAMESPACE` is a Secret of that namespace (Ambassador, unless `secret_namespacing` is false). One of the object's own namespace whose name has that dot is found too. */
export function findSecret(written: string, namespaced: boolean, by: SecretNaming): FoundSecret {
  const own = { secret: by.secret(by.namespace, written), words: `Secret ${written} in ${by.namespace}` };
  const [, name, namespace] = /^(.+)\.([^.]+)$/.exec(written) ?? [];
  if (!namespaced || name === undefined || namespace === undefined) return own;
  if (namespace !== by.namespace && !by.isOperator)
    return own.secret === null
      ? {
          secret: null,
          words: `${own.words} (and one of the namespace ${namespace} only an object of the gateway's own namespace may name)`,
        }
      : own;
  const there = { secret: by.secret(namespace, name), words: `Secret ${name} in ${namespace}` };
  return there.secret === null && own.secret !== null ? own : there;
}

/** TLS of a TLSContext. */
export function contextTls(context: TlsContext, by: SecretNaming): TlsResult {
  const find = (name: string): FoundSecret => findSecret(name, context.termination.namespaced, by);
  if (context.unreadable)
    return {
      kind: "missing",
      reason: `needs the TLSContext ${context.name}, which cannot be understood`,
      isAbsent: false,
    };
  let certificate: UpstreamTls["certificate"] = null;
  if (context.secret !== "") {
    const { secret, words } = find(context.secret);
    const reason = certificateReason(words, secret);
    if (reason !== null) return { kind: "missing", reason, isAbsent: secret === null };
    certificate = { certPem: secret!.certPem!, keyPem: secret!.keyPem! };
  }
  let caPem: string | null = null;
  if (context.caSecret !== "") {
    const { secret, words } = find(context.caSecret);
    caPem = secret?.caPem ?? secret?.certPem ?? null;
    if (caPem === null) return { kind: "missing", reason: `needs the ${words} with ca.crt`, isAbsent: secret === null };
  }
  return { kind: "tls", tls: { context: context.name, sni: context.sni, caPem, certificate } };
}

/** `words`: `Secret site`. */
function certificateReason(words: string, secret: Secret | null): string | null {
  if (secret === null) return `needs the ${words}, which is not there`;
  return secret.certPem === null || secret.keyPem === null ? `needs tls.crt and tls.key in PEM in the ${words}` : null;
}

/** `https://` without a context: encrypted, nothing presented, nothing verified (Ambassador). */
export function plainTls(): UpstreamTls {
  return { context: "https", sni: null, caPem: null, certificate: null };
}

/** Part of an Upstream's key: the context and a short hash of the material, so that rotation makes a new Upstream and no secret is told. */
export function tlsKey(tls: UpstreamTls): string {
  const material = JSON.stringify([tls.sni, tls.caPem, tls.certificate]);
  return `${tls.context}#${createHash("sha256").update(material).digest("hex").slice(0, 12)}`;
}

/** Fields of a TLSContext document (flat or `spec`). */
export function decodeTlsContext(
  name: string,
  fields: Readonly<Record<string, unknown>>,
  at: string,
  report: Report,
): TlsContext {
  const sni = textOf(fieldOf(fields, "sni"));
  return {
    name,
    secret: textOf(fieldOf(fields, "secret")),
    caSecret: textOf(fieldOf(fields, "ca_secret")),
    sni: sni === "" ? null : sni,
    termination: decodeTermination(fields, at, report),
    unreadable: false,
  };
}

/** Readers of a document's fields, as far as `tls` needs them. */
interface TlsFields {
  take(name: string): unknown;
  bad(name: string, value: unknown, write: string): void;
}

/** The field `tls`: the name of a TLSContext, "" for TLS without one, null for none. */
export function tlsNameIn(fields: TlsFields): string | null {
  const written = fields.take("tls");
  const asked = booleanOf(written);
  if (written === undefined || asked === false || written === "") return null;
  if (asked === true) return "";
  const text = scalarText(written);
  if (text === null) fields.bad("tls", written, "the name of a TLSContext");
  return text;
}
