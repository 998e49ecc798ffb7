// What a byte may be in HTTP/1.1 (RFC 9110 §5.6.2, §5.5; RFC 3986 §3.2.2): 256-entry tables, one look-up a byte.

export const cr = 0x0d;
export const lf = 0x0a;
export const space = 0x20;
export const tab = 0x09;
export const colon = 0x3a;
export const comma = 0x2c;
export const semicolon = 0x3b;

function table(allowed: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (allowed(byte) ? 1 : 0));
}

function isAlphanumeric(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

/** Token bytes: methods and field names. */
export const isToken = table((byte) => isAlphanumeric(byte) || "!#$%&'*+-.^_`|~".includes(String.fromCharCode(byte)));

/** Bytes of a field value: visible, space, tab and everything from 0x80 on. No CR, LF, NUL or other CTL. */
export const isValue = table((byte) => byte === tab || (byte >= 0x20 && byte !== 0x7f));

/** Bytes of a request target: nothing at or below space, no DEL. What else it may not hold is for the canonical path to say. */
export const isTarget = table((byte) => byte > 0x20 && byte !== 0x7f);

/** Bytes of a registered name. No comma (two Hosts in one), no `@`, no `/` and no `%`. */
export const isName = table((byte) => isAlphanumeric(byte) || "-._~!$&'()*+;=".includes(String.fromCharCode(byte)));

/** Value of a hexadecimal digit, or 255. */
export const hexValue = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return /[0-9A-Fa-f]/.test(character) ? Number.parseInt(character, 16) : 255;
});

/** ASCII letters in lower case, every other byte as it is. */
export const lowered = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte,
);
