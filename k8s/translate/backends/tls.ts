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
  const reason = certificateReason(name, secret);
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

/** TLS of a TLSContext. `secretOf` finds Secrets of the context's namespace. */
export function contextTls(context: TlsContext, secretOf: (name: string) => Secret | null): TlsResult {
  if (context.unreadable)
    return {
      kind: "missing",
      reason: `needs the TLSContext ${context.name}, which cannot be understood`,
      isAbsent: false,
    };
  let certificate: UpstreamTls["certificate"] = null;
  if (context.secret !== "") {
    const secret = secretOf(context.secret);
    const reason = certificateReason(context.secret, secret);
    if (reason !== null) return { kind: "missing", reason, isAbsent: secret === null };
    certificate = { certPem: secret!.certPem!, keyPem: secret!.keyPem! };
  }
  let caPem: string | null = null;
  if (context.caSecret !== "") {
    const secret = secretOf(context.caSecret);
    caPem = secret?.caPem ?? secret?.certPem ?? null;
    if (caPem === null)
      return { kind: "missing", reason: `needs the Secret ${context.caSecret} with ca.crt`, isAbsent: secret === null };
  }
  return { kind: "tls", tls: { context: context.name, sni: context.sni, caPem, certificate } };
}

function certificateReason(name: string, secret: Secret | null): string | null {
  if (secret === null) return `needs the Secret ${name}, which is not there`;
  return secret.certPem === null || secret.keyPem === null
    ? `needs tls.crt and tls.key in PEM in the Secret ${name}`
    : null;
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
