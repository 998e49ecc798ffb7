// Reach: which addresses may be dialled (design §4.5). Pure checks, used for EndpointSlices here and for DNS answers in the control worker.
import type { Problem } from '../../routing/problem.ts';
import type { Upstream } from '../../routing/upstream.ts';
import type { TranslateSettings } from './translation.ts';

/** What of the settings decides about addresses. */
export type ReachSettings = Pick<TranslateSettings, 'source' | 'forbiddenAddresses'>;

/** Why the address of a DNS Upstream must not be dialled, or null. */
export function checkReach(settings: ReachSettings, upstream: Upstream, ip: string): Problem | null {
  const reason = refusalOf(settings, readAddress(ip), upstream.address.port);
  if (reason === null) return null;
  const field = upstream.address.kind === 'dns' ? upstream.address.host : '';
  return { code: 'address-refused', level: 'error', subject: { kind: 'Upstream', namespace: '', name: upstream.key }, field, sentence: `the address ${ip} ${reason} and is not dialled; name a Service or host with other addresses` };
}

/** An address, read once. */
export interface Address {
  /** One spelling an address: IPv4 for IPv4-mapped IPv6, else lower-case hexadecimal groups. */
  readonly canonical: string;
  /** `a loopback address` and so on; null: an ordinary one. */
  readonly special: string | null;
}

/** null when the text is not exactly one address. */
export function readAddress(ip: string): Address | null {
  const bytes = parseAddress(ip);
  if (bytes === null) return null;
  return { canonical: bytes.length === 4 && !ip.includes(':') ? ip : printAddress(bytes), special: kindOf(bytes) };
}

/** Why an address must not be dialled at a port, as words that follow it; null when it may be. */
export function refusalOf(settings: ReachSettings, address: Address | null, port: number): string | null {
  if (address === null) return 'is not an IP address';
  const ports = forbiddenOf(settings).get(address.canonical);
  if (ports !== undefined && (ports === 'all' || ports.has(port))) return 'belongs to the API server or to the gateway itself';
  const { special } = address;
  return special === null || (special === loopback && settings.source === 'folder') ? null : `is ${special}`;
}

type Ports = Set<number> | 'all';

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
  const whole = readAddress(text.replace(/%.*$/, ''));
  if (whole !== null) forbidden.set(whole.canonical, 'all');
  const colon = text.lastIndexOf(':');
  const host = readAddress(text.slice(0, Math.max(0, colon)).replace(/^\[|\]$/g, '').replace(/%.*$/, ''));
  if (host === null) return;
  const ports = forbidden.get(host.canonical) ?? new Set();
  if (ports !== 'all') forbidden.set(host.canonical, ports.add(Number(text.slice(colon + 1))));
}

const loopback = 'a loopback address';

function kindOf(bytes: readonly number[]): string | null {
  const [a, b] = bytes as readonly [number, number];
  if (bytes.length === 4) {
    if (a === 127) return loopback;
    if (a === 0) return 'an unspecified address';
    if (a === 169 && b === 254) return 'a link-local address';
    if (a >= 224) return a >= 240 ? 'a reserved address' : 'a multicast address';
    return null;
  }
  if (bytes.slice(0, 15).every((byte) => byte === 0)) {
    if (bytes[15] === 1) return loopback;
    if (bytes[15] === 0) return 'an unspecified address';
  }
  if (a === 0xff) return 'a multicast address';
  if (a === 0xfe && (b & 0xc0) === 0x80) return 'a link-local address';
  return embeddedIpv4(bytes);
}

/** IPv6 addresses that lead to an IPv4 one: IPv4-compatible, NAT64 and 6to4 are judged by what they hold. */
function embeddedIpv4(bytes: readonly number[]): string | null {
  const zeros = (from: number, to: number): boolean => bytes.slice(from, to).every((byte) => byte === 0);
  if (zeros(0, 12)) return kindOf(bytes.slice(12));
  if (bytes[0] === 0x00 && bytes[1] === 0x64 && bytes[2] === 0xff && bytes[3] === 0x9b && zeros(4, 12)) return kindOf(bytes.slice(12));
  return bytes[0] === 0x20 && bytes[1] === 0x02 ? kindOf(bytes.slice(2, 6)) : null;
}

/** 4 or 16 bytes; null when the text is not exactly one address. */
function parseAddress(text: string): readonly number[] | null {
  if (text.length > 45) return null;
  if (!text.includes(':')) return parseIpv4(text);
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const head = parseGroups(halves[0]!);
  const tail = halves.length === 2 ? parseGroups(halves[1]!) : [];
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return null;
  const bytes = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  const mapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return mapped ? bytes.slice(12) : bytes;
}

function parseGroups(text: string): readonly number[] | null {
  if (text === '') return [];
  const groups = text.split(':');
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    if (group.includes('.') && index === groups.length - 1) {
      const ipv4 = parseIpv4(group);
      if (ipv4 === null) return null;
      bytes.push(...ipv4);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else {
      return null;
    }
  }
  return bytes;
}

/** Four decimal numbers without leading zeros: other spellings (octal, one number) mean different things to different readers. */
function parseIpv4(text: string): readonly number[] | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return null;
  return parts.map(Number);
}

function printAddress(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i]! << 8) | bytes[i + 1]!).toString(16));
  const text = `:${groups.join(':')}:`;
  const zeros = text.match(/(?::0){2,}(?=:)/g)?.sort((a, b) => b.length - a.length)[0];
  if (zeros === undefined) return groups.join(':');
  const at = text.indexOf(zeros);
  const left = text.slice(1, at);
  const right = text.slice(at + zeros.length + 1, -1);
  return `${left}::${right}`;
}
