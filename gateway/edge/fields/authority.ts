// The authority: what Host says, `uri-host [":" port]` (RFC 9110 §7.2, RFC 3986 §3.2).
import { isIPv6 } from "node:net";
import { colon, isName } from "./characters.ts";

/** `[` + IPv6 address + `]` is no longer than this. */
const mostAddressBytes = 47;
const mostPort = 65_535;

/**
 * Is `bytes[start..end)` a name or an address, with or without a port? Stricter than the RFC in two points: percent-encoded bytes are
 * refused, because some servers decode them and others do not, and so is an empty name.
 */
export function isAuthority(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  if (bytes[start] === 0x5b) at = afterAddress(bytes, start, end);
  else while (at < end && isName[bytes[at]!] === 1) at++;
  return at > start && (at === end || isPort(bytes, at, end));
}

/** The position after `[address]`, or −1. */
function afterAddress(bytes: Uint8Array, start: number, end: number): number {
  const close = bytes.indexOf(0x5d, start);
  if (close < 0 || close >= end || close - start >= mostAddressBytes) return -1;
  const address = String.fromCharCode(...bytes.subarray(start + 1, close));
  // A zone (`%lo`) means something only on the machine that wrote it.
  return isIPv6(address) && !address.includes("%") ? close + 1 : -1;
}

/** A colon and 0..65535, or the colon alone. */
function isPort(bytes: Uint8Array, at: number, end: number): boolean {
  if (bytes[at] !== colon || end - at > 6) return false;
  let port = 0;
  for (let i = at + 1; i < end; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= mostPort;
}
