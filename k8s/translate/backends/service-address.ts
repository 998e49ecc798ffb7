// The text of a raw Mapping's `service`: `[scheme://]host[:port]`.
import { readAddress } from "./reach.ts";

export interface RawService {
  /** As written, without port; IPv6 without its brackets. */
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/** null when it is not a service. The default port is 80, or 443 with TLS, which the scheme or the field `tls` asks for (`hasContext`). */
export function parseService(text: string, hasContext: boolean): RawService | null {
  const [, scheme = "", rest = ""] = /^(?:([A-Za-z][A-Za-z0-9+.-]*):\/\/)?(.*)$/s.exec(text.trim()) ?? [];
  if (!["", "http", "https"].includes(scheme.toLowerCase())) return null;
  const tls = scheme.toLowerCase() === "https";
  const [, bracketed, name, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(rest) ?? [];
  const host = bracketed ?? name ?? "";
  const port = digits === undefined ? (tls || hasContext ? 443 : 80) : Number(digits);
  if (host === "" || host.length > 253 || port < 1 || port > 65535) return null;
  if (bracketed !== undefined ? readAddress(bracketed) === null : !isHost(name!)) return null;
  return { host, port, tls };
}

const label = /^[A-Za-z0-9_](?:[-A-Za-z0-9_]{0,61}[A-Za-z0-9_])?$/;
/** Kubernetes takes these for the names of Services and namespaces. */
const objectName = /^[A-Za-z0-9](?:[-A-Za-z0-9]{0,61}[A-Za-z0-9])?$/;

/** A name that DNS can have; of one label or two, a Service or a Service and its namespace, one that Kubernetes can have. */
function isHost(name: string): boolean {
  const labels = name.replace(/\.$/, "").split(".");
  return labels.every((one) => (labels.length > 2 ? label : objectName).test(one));
}

/** What a host means for a Mapping of `namespace`. */
export type HostMeaning =
  | { readonly kind: "service"; readonly namespace: string; readonly name: string }
  | { readonly kind: "address"; readonly ip: string }
  | { readonly kind: "name"; readonly host: string };

/**
 * A bare name is a Service of the Mapping's own namespace; `name.namespace`, with or without `.svc` and the cluster's domain, one of that
 * namespace. Two labels could be a domain as well: what is not the own namespace needs a Grant either way.
 */
export function meaningOfHost(host: string, namespace: string): HostMeaning {
  const address = readAddress(host);
  if (address !== null) return { kind: "address", ip: address.canonical };
  const lower = host.toLowerCase().replace(/\.$/, "");
  const labels = lower.replace(/\.svc(?:\.cluster\.local)?$/, "").split(".");
  if (lower === "localhost" || labels.includes("") || /^[\d.]+$/.test(lower)) return { kind: "name", host: lower };
  if (labels.length === 1) return { kind: "service", namespace, name: labels[0]! };
  return labels.length === 2
    ? { kind: "service", namespace: labels[1]!, name: labels[0]! }
    : { kind: "name", host: lower };
}
