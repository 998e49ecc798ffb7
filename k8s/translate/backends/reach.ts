// Reach: which addresses may be dialled. Pure checks, used for EndpointSlices here and for DNS answers in the control worker.
import { embeddedIpv4, parseAddress, printAddress, startsWith } from "../../../routing/text/address.ts";
import type { Problem } from "../../../routing/text/problem.ts";
import type { Upstream } from "../../../routing/model/upstream.ts";
import type { TranslateSettings } from "../model/translation.ts";

/** What of the settings decides about addresses. */
export type ReachSettings = Pick<TranslateSettings, "source" | "forbiddenAddresses">;

/** Why the address of a DNS Upstream must not be dialled, or null. */
export function checkReach(settings: ReachSettings, upstream: Upstream, ip: string): Problem | null {
  const reason = refusalOf(settings, readAddress(ip), upstream.address.port);
  if (reason === null) return null;
  const field = upstream.address.kind === "dns" ? upstream.address.host : "";
  return {
    code: "address-refused",
    level: "error",
    subject: { kind: "Upstream", namespace: "", name: upstream.key },
    field,
    sentence: `the address ${ip} ${reason}, so Sluice does not connect to it; name a Service or host with other addresses`,
  };
}

/** An address, read once. */
export interface Address {
  /** One spelling an address: IPv4 for IPv4-mapped IPv6, else lower-case hexadecimal groups. */
  readonly canonical: string;
  /** `a loopback address` and so on; null: an ordinary one. Of an IPv6 address that leads to IPv4 ones, also what these are. */
  readonly special: string | null;
  /** IPv4 addresses that it leads to (NAT64, 6to4 and their kin). */
  readonly within: readonly string[];
}

const nothingWithin: readonly string[] = Object.freeze([]);

/** null when the text is not exactly one address. */
export function readAddress(ip: string): Address | null {
  const bytes = parseAddress(ip);
  if (bytes === null) return null;
  const canonical = printAddress(bytes);
  const inner = embeddedIpv4(bytes);
  if (inner.length === 0) return { canonical, special: kindOf(bytes, canonical), within: nothingWithin };
  const within = inner.map(printAddress);
  const kinds = [kindOf(bytes, canonical), ...inner.map((ipv4, index) => kindOf(ipv4, within[index]!))].filter(
    (kind) => kind !== null,
  );
  // A folder allows loopback, so it is said last.
  const special = kinds.find((kind) => kind !== loopback) ?? kinds[0] ?? null;
  return { canonical, special, within };
}

/** Why an address must not be dialled at a port, as words that follow it; null when it may be. */
export function refusalOf(settings: ReachSettings, address: Address | null, port: number): string | null {
  if (address === null) return "is not an IP address";
  const forbidden = forbiddenOf(settings);
  if ([address.canonical, ...address.within].some((ip) => forbids(forbidden.get(ip), port)))
    return "belongs to the API server or to the gateway itself";
  const { special } = address;
  return special === null || (special === loopback && settings.source === "folder") ? null : `is ${special}`;
}

type Ports = Set<number> | "all";

function forbids(ports: Ports | undefined, port: number): boolean {
  return ports !== undefined && (ports === "all" || ports.has(port));
}

/** Forbidden addresses by canonical text, read once for each settings object. */
const forbiddenCache = new WeakMap<ReachSettings, ReadonlyMap<string, Ports>>();

function forbiddenOf(settings: ReachSettings): ReadonlyMap<string, Ports> {
  const known = forbiddenCache.get(settings);
  if (known !== undefined) return known;
  const forbidden = new Map<string, Ports>();
  for (const text of settings.forbiddenAddresses) addForbidden(forbidden, text);
  forbiddenCache.set(settings, forbidden);
  return forbidden;
}

/** `::1:8080` reads as an address and as an address with its port: both are forbidden. */
function addForbidden(forbidden: Map<string, Ports>, text: string): void {
  const whole = readAddress(text.replace(/%.*$/, ""));
  if (whole !== null) forbidden.set(whole.canonical, "all");
  const colon = text.lastIndexOf(":");
  const host = readAddress(
    text
      .slice(0, Math.max(0, colon))
      .replace(/^\[|\]$/g, "")
      .replace(/%.*$/, ""),
  );
  if (host === null) return;
  const ports = forbidden.get(host.canonical) ?? new Set();
  if (ports !== "all") forbidden.set(host.canonical, ports.add(Number(text.slice(colon + 1))));
}

/** How `special` names one. */
export const loopback = "a loopback address";
const metadata = "the metadata address of a cloud";

/**
 * Addresses outside the link-local range at which clouds tell a machine its identity and credentials, or run its agent.
 * AWS: metadata, and the credentials of EKS pods; Google; Alibaba; Azure's platform; Oracle.
 */
const metadataAddresses: ReadonlySet<string> = new Set([
  "fd00:ec2::254",
  "fd00:ec2::23",
  "fd20:ce::254",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
]);

function kindOf(bytes: readonly number[], canonical: string): string | null {
  if (metadataAddresses.has(canonical)) return metadata;
  return bytes.length === 4 ? ipv4Kind(bytes) : ipv6Kind(bytes, canonical);
}

function ipv4Kind([a, b]: readonly number[]): string | null {
  if (a === 127) return loopback;
  if (a === 0) return "an unspecified address";
  if (a === 169 && b === 254) return "a link-local address";
  if (a! >= 224) return a! >= 240 ? "a reserved address" : "a multicast address";
  return null;
}

function ipv6Kind(bytes: readonly number[], canonical: string): string | null {
  if (canonical === "::1") return loopback;
  if (canonical === "::") return "an unspecified address";
  const [a, b] = bytes as readonly [number, number];
  if (a === 0xff) return "a multicast address";
  if (a === 0xfe && (b & 0xc0) === 0x80) return "a link-local address";
  if (a === 0xfe && (b & 0xc0) === 0xc0) return "a site-local address";
  // RFC 8215: where in it an IPv4 address stands is the network's own choice, so none can be judged.
  if (startsWith(bytes, [0x00, 0x64, 0xff, 0x9b, 0x00, 0x01])) return "an address of local NAT64";
  return null;
}
