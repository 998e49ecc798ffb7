// The Upstream that a raw Mapping names: reach, TLS and address.
import type { ProblemCode } from "../../../routing/text/problem.ts";
import type { UpstreamTls } from "../../../routing/model/upstream.ts";
import { isUpstreamGranted } from "../meaning/grant.ts";
import type { RawMapping } from "./mapping.ts";
import { meaningOfHost, type HostMeaning } from "../backends/service-address.ts";
import { readAddress, refusalOf } from "../backends/reach.ts";
import { contextTls, missingSecretLevel, plainTls, type MissingTls } from "../backends/tls.ts";
import { notReady, type Lookups } from "../meaning/meaning.ts";
import { absentServiceAddress, planUpstream, serviceAddress, type UpstreamPlan } from "../backends/upstreams.ts";

interface Note {
  readonly level: "error" | "warning";
  readonly code: ProblemCode;
  readonly field: string;
  readonly sentence: string;
}

/** plan null: it may not be dialled, and the Mapping is not served. */
export interface PlannedUpstream {
  readonly plan: UpstreamPlan | null;
  readonly note: Note | null;
}

/** What of a document says where its Upstream is. */
export type WrittenUpstream = Pick<RawMapping, "service" | "tls" | "grpc" | "dial" | "limits">;

/** `trusted`: the operator of the gateway wrote it, who needs no Grant to name what is elsewhere. */
export function planRawUpstream(
  raw: WrittenUpstream,
  namespace: string,
  around: Lookups,
  trusted = false,
): PlannedUpstream {
  const { host, port } = raw.service!;
  const meaning = meaningOfHost(host, namespace);
  const foreign = refuseForeign(meaning, host, port, namespace, around, trusted);
  if (foreign !== null) return { plan: null, note: foreign };
  const tls = tlsOf(raw, namespace, around);
  if (tls.kind === "missing") {
    return {
      plan: withheldUpstream(raw, namespace, plainTls()),
      note: {
        level: tls.isAbsent ? missingSecretLevel(around.settings) : "error",
        code: "tls-missing",
        field: "spec.tls",
        sentence: `TLS ${tls.reason}, so ${notReady}, and Sluice sends none in plain text; create it`,
      },
    };
  }
  const { address, from } = addressOf(meaning, port, raw.dial ?? around.settings.dial, around);
  return {
    plan: planUpstream(address, from, protocolOf(raw), tls.tls, raw.limits),
    note: portNote(meaning, port, around),
  };
}

function portNote(meaning: HostMeaning, port: number, around: Lookups): Note | null {
  const service = meaning.kind === "service" ? around.service(meaning.namespace, meaning.name) : null;
  if (service === null || service.externalName !== "" || service.ports.some((known) => known.port === port))
    return null;
  const ports = service.ports
    .slice(0, 8)
    .map((known) => known.port)
    .join(", ");
  return {
    level: "error",
    code: "no-such-port",
    field: "spec.service",
    sentence: `the Service ${service.name} has no port ${port}, so ${notReady}; ${ports === "" ? "give it ports" : `write one of its ports, ${ports}`}`,
  };
}

/** An Upstream that is never dialled and never ready. */
export function withheldUpstream(raw: WrittenUpstream, namespace: string, tls: UpstreamTls | null): UpstreamPlan {
  const { host, port } = raw.service!;
  return planUpstream({ kind: "service", namespace, name: host, port }, "none", protocolOf(raw), tls, raw.limits);
}

function protocolOf(raw: WrittenUpstream): "http1" | "http2" {
  return raw.grpc ? "http2" : "http1";
}

/** Why the Upstream may not be named, or null. */
function refuseForeign(
  meaning: HostMeaning,
  host: string,
  port: number,
  namespace: string,
  around: Lookups,
  trusted: boolean,
): Note | null {
  const grants = around.grantsOf(namespace);
  const field = "spec.service";
  if (meaning.kind === "service" && meaning.namespace === namespace) {
    const external = around.service(namespace, meaning.name)?.externalName ?? "";
    if (trusted || external === "" || isUpstreamGranted(grants, [external])) return null;
    return {
      level: "error",
      code: "not-granted",
      field,
      sentence: `the Service ${meaning.name} is an ExternalName of ${external}, which needs a Grant; ask the operator of the gateway for one with this name under upstreams`,
    };
  }
  const reason = meaning.kind === "address" ? refusalOf(around.settings, readAddress(meaning.ip), port) : null;
  if (reason !== null)
    return {
      level: "error",
      code: "address-refused",
      field,
      sentence: `the address ${host} ${reason}, so Sluice does not connect to it; name another`,
    };
  const names =
    meaning.kind === "service"
      ? [host, `${meaning.name}.${meaning.namespace}`]
      : meaning.kind === "address"
        ? [host, meaning.ip]
        : [host];
  if (!trusted && !isUpstreamGranted(grants, names)) {
    return {
      level: "error",
      code: "not-granted",
      field,
      sentence: `${host} is outside the namespace ${namespace} and needs a Grant, so the Mapping is not served; name a Service of the namespace, or ask the operator of the gateway for a Grant with ${host} under upstreams`,
    };
  }
  return null;
}

type TlsOutcome = { readonly kind: "tls"; readonly tls: UpstreamTls | null } | MissingTls;

function tlsOf(raw: WrittenUpstream, namespace: string, around: Lookups): TlsOutcome {
  if (raw.tls === null || raw.tls === "")
    return { kind: "tls", tls: raw.tls === "" || raw.service!.tls ? plainTls() : null };
  const context = around.tlsContext(namespace, raw.tls);
  if (context === null)
    return {
      kind: "missing",
      reason: `needs the TLSContext ${raw.tls}, which does not exist in the namespace`,
      isAbsent: false,
    };
  return contextTls(context, {
    namespace,
    isOperator: namespace === around.settings.gatewayNamespace || around.grantsOf(namespace).some((one) => one.gateway),
    secret: (...place) => around.secret(...place),
  });
}

function addressOf(
  meaning: HostMeaning,
  port: number,
  dial: "endpoints" | "service",
  around: Lookups,
): Pick<UpstreamPlan, "from"> & { readonly address: UpstreamPlan["upstream"]["address"] } {
  if (meaning.kind === "address") return { from: "fixed", address: { kind: "address", ip: meaning.ip, port } };
  if (meaning.kind === "name") return { from: "resolver", address: { kind: "dns", host: meaning.host, port } };
  const service = around.service(meaning.namespace, meaning.name);
  // Of a namespace that is not watched nothing is known but its names.
  const { namespaces } = around.settings;
  if (service === null && namespaces.length > 0 && !namespaces.includes(meaning.namespace))
    return { from: "resolver", address: { kind: "dns", host: `${meaning.name}.${meaning.namespace}`, port } };
  if (service === null) return absentServiceAddress(meaning.namespace, meaning.name, port, around.settings.source);
  if (service.externalName !== "")
    return { from: "resolver", address: { kind: "dns", host: service.externalName, port } };
  return serviceAddress(service, port, dial);
}
