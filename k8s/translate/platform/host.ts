// Host: Ambassador's object that says how a host is reached: its certificate, and what becomes of cleartext. A TLSContext with `hosts` says the same of more.
import type { Cleartext, HostDeclaration } from "../../../routing/model/host-tls.ts";
import type { ObjectRef } from "../../../routing/text/problem.ts";
import { hostsMeantIn } from "./understood.ts";
import type { Report } from "../values/report.ts";
import { hostRows, hostSelectors } from "../fields/tls-fields.ts";
import { decodeTermination, type Termination } from "../backends/termination.ts";
import {
  findSecret,
  missingSecretLevel,
  type FoundSecret,
  type Secret,
  type SecretNaming,
  type TlsContext,
} from "../backends/tls.ts";
import type { TranslateSettings } from "../model/translation.ts";
import {
  arrayOf,
  fieldOf,
  isRecord,
  quoted,
  recordOf,
  scalarText,
  textOf,
  type UnknownRecord,
} from "../values/value.ts";

/** A Host, or a TLSContext with hosts. */
export interface HostDocument {
  /** `Host models/door`. */
  readonly name: string;
  readonly field: string;
  readonly hosts: readonly string[];
  /** Secret of the certificate, or null; it beats that of the termination. `namespace`: as written, or "". */
  readonly secret: { readonly namespace: string; readonly name: string } | null;
  /** What it says itself; null: nothing. */
  readonly termination: Termination | null;
  /** TLSContext of the same namespace that it names, or "". */
  readonly context: string;
  readonly cleartext: Cleartext | null;
  /** Something that decides cannot be read: its hosts have no TLS. */
  readonly unreadable: boolean;
}

/** Hosts of one object, at most. */
const mostHosts = 500;
const actions: Readonly<Record<string, Cleartext>> = {
  __proto__: null as never,
  redirect: "redirect",
  route: "route",
  reject: "reject",
};

/** Null: it has no host that can be read. */
export function decodeHost(
  ref: ObjectRef,
  name: string,
  fields: UnknownRecord,
  field: string,
  report: Report,
): HostDocument | null {
  const at = field === "" ? "spec." : `${field} `;
  let unreadable = false;
  const refuse = (part: string, sentence: string): void => {
    unreadable = true;
    report(
      "error",
      "bad-value",
      `${at}${part}`,
      `${sentence}, and it decides who may connect, so the host has no TLS; correct it`,
    );
  };
  const host = plainHost(fieldOf(fields, "hostname") ?? "*", `${at}hostname`, report);
  for (const [name, { use }] of Object.entries(hostRows))
    if (use.kind === "lost" && use.asks(fieldOf(fields, name)))
      report(use.level, "field-lost", `${at}${name}`, use.sentence);
  // Without it the host would serve Mappings that it does not select.
  const selecting = hostSelectors.filter((name) => selects(fieldOf(fields, name) ?? null));
  for (const name of selecting) {
    unreadable = true;
    report(
      "error",
      "host-selector",
      `${at}${name}`,
      "Sluice does not select Mappings by their labels, and would serve others on this host too, so it serves nothing there: no TLS, and nothing in cleartext; remove this, and write hostname (host in v2) in each Mapping",
    );
  }
  const secretFields = fieldOf(fields, "tlsSecret") ?? null;
  const secretName = isRecord(secretFields) ? textOf(fieldOf(secretFields, "name")) : "";
  if (secretFields !== null && secretName === "") refuse("tlsSecret", `${quoted(secretFields)} names no Secret`);
  const contextFields = fieldOf(fields, "tlsContext") ?? null;
  const context = isRecord(contextFields) ? textOf(fieldOf(contextFields, "name")) : "";
  if (contextFields !== null && context === "") refuse("tlsContext", `${quoted(contextFields)} names no TLSContext`);
  const tls = fieldOf(fields, "tls") ?? null;
  if (tls !== null && !isRecord(tls)) refuse("tls", `${quoted(tls)} is not a record`);
  const written = cleartextOf(fieldOf(fields, "requestPolicy") ?? null, refuse);
  const cleartext = selecting.length > 0 ? "reject" : written;
  if (host === null) return null;
  return {
    name: `Host ${ref.namespace}/${name}`,
    field,
    hosts: [host],
    secret:
      secretName === "" ? null : { namespace: textOf(fieldOf(recordOf(secretFields), "namespace")), name: secretName },
    termination: isRecord(tls) ? decodeTermination(tls, `${at}tls.`, report) : null,
    context,
    cleartext,
    unreadable,
  };
}

/** Does a selector name anything? */
function selects(selector: unknown): boolean {
  if (!isRecord(selector)) return selector !== null;
  return Object.values(selector).some((part) => !isRecord(part) || Object.keys(part).length > 0);
}

/** In place of a Host, or the hosts of a TLSContext, that cannot be understood: none has TLS, and in cleartext all is rejected. */
export function closedHost(
  kind: "Host" | "TLSContext",
  ref: ObjectRef,
  name: string,
  field: string,
  hosts: readonly string[],
): HostDocument {
  return {
    name: `${kind} ${ref.namespace}/${name}`,
    field,
    hosts,
    secret: null,
    termination: null,
    context: "",
    cleartext: "reject",
    unreadable: true,
  };
}

/** A TLSContext that cannot be understood: Hosts that name it have no TLS, and no upstream is reached with it. */
export function closedContext(context: TlsContext): TlsContext {
  return { ...context, unreadable: true, termination: { ...context.termination, unreadable: true } };
}

/** The hosts of a TLSContext, or null: it has none, and serves towards upstreams only. */
export function contextHosts(
  ref: ObjectRef,
  { name, termination }: TlsContext,
  fields: UnknownRecord,
  field: string,
  report: Report,
): HostDocument | null {
  const at = field === "" ? "spec.hosts" : `${field} hosts`;
  const written = fieldOf(fields, "hosts") ?? null;
  const isList = written === null || (Array.isArray(written) && written.every((host) => typeof host !== "object"));
  if (!isList)
    report(
      "error",
      "bad-value",
      at,
      `${quoted(written)} is not a list of hosts and none is served by it; write a list`,
    );
  const hosts = arrayOf(written);
  if (hosts.length === 0 && isList) return null;
  if (hosts.length > mostHosts)
    report(
      "error",
      "over-limit",
      at,
      `there are ${hosts.length} hosts and no more than ${mostHosts} are served; write several TLSContexts`,
    );
  const meant = isList ? hosts : hostsMeantIn({ hosts: written });
  const plain = meant.slice(0, mostHosts).flatMap((host, index) => plainHost(host, `${at}[${index}]`, report) ?? []);
  return {
    name: `TLSContext ${ref.namespace}/${name}`,
    field,
    hosts: [...new Set(plain)],
    secret: null,
    termination,
    context: "",
    cleartext: termination.redirects ? "redirect" : null,
    unreadable: !isList,
  };
}

/** `*`, `*.example.com` or `a.example.com`, lower case; null with a Problem for what is no host. */
function plainHost(written: unknown, field: string, report: Report): string | null {
  const host = (scalarText(written) ?? "").toLowerCase().replace(/\.$/, "");
  if (host === "*" || (host.length <= 253 && /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(host))) return host;
  report(
    "error",
    "bad-value",
    field,
    `${quoted(written)} is no host and Sluice serves nothing by it; write a name, *. and a name, or *`,
  );
  return null;
}

function cleartextOf(policy: unknown, refuse: (part: string, sentence: string) => void): Cleartext {
  const insecure = isRecord(policy) ? (fieldOf(policy, "insecure") ?? null) : policy;
  const written = isRecord(insecure) ? (fieldOf(insecure, "action") ?? null) : insecure;
  if (written === null) return "redirect";
  const action = typeof written === "string" ? actions[written.trim().toLowerCase()] : undefined;
  if (action === undefined)
    refuse("requestPolicy.insecure.action", `${quoted(written)} is none of Redirect, Route and Reject`);
  return action ?? "reject";
}

/** What may be asked for while a Host is translated. */
export interface HostLookups {
  readonly settings: Pick<TranslateSettings, "withoutSlices">;
  secret(namespace: string, name: string): Secret | null;
  tlsContext(namespace: string, name: string): TlsContext | null;
}

/** What a document declares now. Whatever cannot be had of who may connect closes its hosts. */
export function declareHost(ref: ObjectRef, host: HostDocument, around: HostLookups, report: Report): HostDeclaration {
  const { name, field, hosts, cleartext } = host;
  const place = field === "" ? "spec" : field;
  const context = host.context === "" ? null : around.tlsContext(ref.namespace, host.context);
  const termination = host.termination ?? context?.termination ?? null;
  const closed = (reason: string): HostDeclaration => ({
    name,
    subject: ref,
    field,
    hosts,
    identity: { closed: reason },
    terms: noTerms,
    clientName: "closed",
    cleartext: cleartext === "route" && termination?.required !== true ? "route" : (cleartext ?? "reject"),
  });
  if (host.context !== "" && context === null) {
    report(
      "error",
      "tls-missing",
      place,
      `there is no TLSContext ${host.context} in ${ref.namespace}, which says who may connect, so ${hosts.join(", ")} has no TLS; write it`,
    );
    return closed("no TLSContext");
  }
  if (host.unreadable || termination?.unreadable === true || context?.termination.unreadable === true)
    return closed("unreadable");
  // Whoever declares hosts is the operator of the gateway.
  const naming: SecretNaming = {
    namespace: ref.namespace,
    isOperator: true,
    secret: (...place) => around.secret(...place),
  };
  const client = termination === null ? null : clientOf(termination, naming, around);
  if (client !== null && "reason" in client) {
    report(client.level, "tls-missing", place, `${client.reason}, so ${hosts.join(", ")} has no TLS; write it`);
    return closed(client.reason);
  }
  const own = termination?.secret !== "" && termination !== null ? termination.secret : (context?.secret ?? "");
  const namespaced = (termination ?? context?.termination)?.namespaced ?? true;
  const from =
    host.secret !== null
      ? findSecret(host.secret.name, host.secret.namespace === "" && namespaced, {
          ...naming,
          namespace: host.secret.namespace || ref.namespace,
        })
      : own === ""
        ? null
        : findSecret(own, namespaced, naming);
  const clientName =
    client === null
      ? ""
      : `${ref.namespace}/${termination!.caSecret} ${ref.namespace}/${termination!.crlSecret} ${termination!.required}`;
  // Without a certificate of its own it says nothing about TLS, unless it asks clients for theirs.
  const identity = from === null ? (client === null ? null : { closed: "no Secret" }) : identityOf(from, around);
  if (from === null && client !== null)
    report(
      "error",
      "tls-missing",
      place,
      `it asks clients for certificates and names no Secret with its own, so ${hosts.join(", ")} has no TLS; write one`,
    );
  // Differs: Ambassador routes cleartext to a TLSContext's hosts, and nobody would show a certificate.
  const asked = client?.required === true && cleartext === null ? "redirect" : cleartext;
  return {
    name,
    subject: ref,
    field,
    hosts,
    identity,
    terms: termination === null ? noTerms : { ...termination.terms, client },
    clientName,
    cleartext: asked,
  };
}

/** Why clients cannot be asked for certificates. */
interface NoAuthorities {
  readonly reason: string;
  readonly level: "error" | "warning";
}

function clientOf(
  { caSecret, crlSecret, required, namespaced }: Termination,
  naming: SecretNaming,
  around: HostLookups,
): HostDeclaration["terms"]["client"] | NoAuthorities {
  if (caSecret === "")
    return required || crlSecret !== ""
      ? { reason: "it asks clients for certificates and names no ca_secret", level: "error" }
      : null;
  const lacks = (secret: Secret | null, reason: string): NoAuthorities => ({
    reason,
    level: secret === null ? missingSecretLevel(around.settings) : "error",
  });
  const ca = findSecret(caSecret, namespaced, naming);
  const caPem = ca.secret?.caPem ?? ca.secret?.certPem ?? null;
  if (caPem === null) return lacks(ca.secret, `there is no ${ca.words} with ca.crt`);
  const crl = crlSecret === "" ? null : findSecret(crlSecret, namespaced, naming);
  const crlPem = crl?.secret?.crlPem ?? null;
  if (crl !== null && crlPem === null) return lacks(crl.secret, `there is no ${crl.words} with crl.pem`);
  return { caPem, crlPem, required };
}

function identityOf({ secret, words }: FoundSecret, around: HostLookups): HostDeclaration["identity"] {
  if (secret === null)
    return {
      missing: `cannot be had: there is no ${words}, or it may not be read`,
      level: missingSecretLevel(around.settings),
    };
  if (secret.certPem !== null && secret.keyPem !== null) return { certPem: secret.certPem, keyPem: secret.keyPem };
  return {
    missing: `cannot be had: the ${words} has no tls.crt and tls.key in PEM`,
    level: "error",
  };
}

const noTerms: HostDeclaration["terms"] = Object.freeze({
  minVersion: null,
  maxVersion: null,
  ciphers: [],
  curves: [],
  alpn: ["h2", "http/1.1"] as const,
  client: null,
});
