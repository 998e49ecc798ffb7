// Names of fields that are met in nearly every message: one comparison says what they mean, where a name that nobody knows must be looked at
// byte by byte (it may be no name at all).
import { meaningOfName, pseudoNames } from './field-meaning.ts';
import { staticLines, staticNameBytes, staticStart } from './static-table.ts';

/** The name is not known. No meaning has this value: a name that breaks the rules has no other bit. */
export const notKnown = 0xff;

const others = [
  'baggage', 'grpc-accept-encoding', 'grpc-encoding', 'grpc-message', 'grpc-previous-rpc-attempts', 'grpc-status', 'grpc-status-details-bin', 'grpc-tags-bin', 'grpc-timeout',
  'grpc-trace-bin', 'namespace', 'seldon', 'te', 'traceparent', 'tracestate', 'x-b3-parentspanid', 'x-b3-sampled', 'x-b3-spanid', 'x-b3-traceid', 'x-envoy-upstream-service-time',
  'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-grpc-web', 'x-request-id', 'x-user-agent',
];

const slots = 1024;
const nameAt: (Buffer | null)[] = Array.from({ length: slots }, () => null);
const meaningAt = new Uint8Array(slots);

function slotOf(bytes: Uint8Array, start: number, length: number): number {
  return (length * 59 + bytes[start]! * 5 + bytes[start + (length >>> 1)]! * 23 + bytes[start + length - 1]! * 97) & (slots - 1);
}

function staticNames(): string[] {
  return Array.from(staticNameBytes.subarray(1), (length, index) => staticLines.toString('latin1', staticStart[index + 1], staticStart[index + 1]! + length));
}

for (const name of new Set([...pseudoNames, ...staticNames(), ...others])) {
  const bytes = Buffer.from(name);
  let slot = slotOf(bytes, 0, bytes.length);
  while (nameAt[slot] !== null) slot = (slot + 1) & (slots - 1);
  nameAt[slot] = bytes;
  meaningAt[slot] = meaningOfName(bytes, 0, bytes.length);
}

/** What the name `bytes[start..start + length)`, one byte or more, means (`meaningOfName`), or `notKnown`. */
export function knownMeaning(bytes: Uint8Array, start: number, length: number): number {
  for (let slot = slotOf(bytes, start, length); ; slot = (slot + 1) & (slots - 1)) {
    const name = nameAt[slot]!;
    if (name === null) return notKnown;
    if (name.length !== length) continue;
    let i = 0;
    while (i < length && bytes[start + i] === name[i]) i++;
    if (i === length) return meaningAt[slot]!;
  }
}
