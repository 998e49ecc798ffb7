// Names of fields that are met in nearly every message: one comparison says what they mean, where a name that nobody knows must be looked at
// byte by byte (it may be no name at all).
import { viewOf } from "./field-lines.ts";
import { meaningOfName, pseudoNames } from "./field-meaning.ts";
import { staticLines, staticNameBytes, staticStart } from "./static-table.ts";

/** The name is not known. No meaning has this value: a name that breaks the rules has no other bit. */
export const notKnown = 0xff;

const others = [
  "baggage",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-message",
  "grpc-previous-rpc-attempts",
  "grpc-status",
  "grpc-status-details-bin",
  "grpc-tags-bin",
  "grpc-timeout",
  "grpc-trace-bin",
  "namespace",
  "seldon",
  "te",
  "traceparent",
  "tracestate",
  "x-b3-parentspanid",
  "x-b3-sampled",
  "x-b3-spanid",
  "x-b3-traceid",
  "x-envoy-upstream-service-time",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-grpc-web",
  "x-request-id",
  "x-user-agent",
];

const slots = 1024;
/** Where the name in a slot begins in `names`, and its length; 0: the slot is empty. */
const startAt = new Int32Array(slots);
const lengthAt = new Uint8Array(slots);
const meaningAt = new Uint8Array(slots);

function slotOf(bytes: Uint8Array, start: number, length: number): number {
  return (
    (length * 59 + bytes[start]! * 5 + bytes[start + (length >>> 1)]! * 23 + bytes[start + length - 1]! * 97) &
    (slots - 1)
  );
}

function staticNames(): string[] {
  return Array.from(staticNameBytes.subarray(1), (length, index) =>
    staticLines.toString("latin1", staticStart[index + 1], staticStart[index + 1]! + length),
  );
}

const known = [...new Set([...pseudoNames, ...staticNames(), ...others])];
/** All of them, one behind the other. */
const names = Buffer.from(known.join(""));
const namesView = viewOf(names);

let start = 0;
for (const { length } of known) {
  let slot = slotOf(names, start, length);
  while (lengthAt[slot] !== 0) slot = (slot + 1) & (slots - 1);
  startAt[slot] = start;
  lengthAt[slot] = length;
  meaningAt[slot] = meaningOfName(names, start, start + length);
  start += length;
}

/** What the name `bytes[start..start + length)`, one byte or more, means (`meaningOfName`), or `notKnown`. `view` is that of the bytes. */
export function knownMeaning(bytes: Uint8Array, view: DataView, start: number, length: number): number {
  for (let slot = slotOf(bytes, start, length); ; slot = (slot + 1) & (slots - 1)) {
    const given = lengthAt[slot]!;
    if (given === 0) return notKnown;
    if (given === length && isName(bytes, view, start, length, startAt[slot]!)) return meaningAt[slot]!;
  }
}

function isName(bytes: Uint8Array, view: DataView, start: number, length: number, at: number): boolean {
  let i = 0;
  for (; i + 4 <= length; i += 4) if (view.getUint32(start + i) !== namesView.getUint32(at + i)) return false;
  while (i < length && bytes[start + i] === names[at + i]) i++;
  return i === length;
}
