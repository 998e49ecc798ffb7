// grpc-timeout: the time that a caller gives a call (gRPC over HTTP/2 protocol, "Timeout").

/** ms of each unit. */
const unitMs = new Float64Array(128);
for (const [unit, ms] of [
  ["H", 3_600_000],
  ["M", 60_000],
  ["S", 1000],
  ["m", 1],
  ["u", 1e-3],
  ["n", 1e-6],
] as const)
  unitMs[unit.charCodeAt(0)] = ms;

/** Digits of a value, by the protocol. */
const mostDigits = 8;

/** The value of a grpc-timeout, ms; Infinity for what is none: then the upstream judges it. */
export function readGrpcTimeout(bytes: Uint8Array, start: number, end: number): number {
  const digits = end - 1 - start;
  const ms = unitMs[bytes[end - 1]!] ?? 0;
  if (digits < 1 || digits > mostDigits || ms === 0) return Infinity;
  let value = 0;
  for (let at = start; at < end - 1; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return Infinity;
    value = value * 10 + digit;
  }
  return value * ms;
}
