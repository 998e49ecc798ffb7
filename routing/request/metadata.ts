// Metadata: the two fields by which a gRPC call names its deployment, found in one pass. One number, so that it costs no object a call.
import type { RequestHead } from "./head.ts";

/** Field numbers plus one of the first `seldon` (15 bits) and the first `namespace` (15 bits), 0 for none; then whether one of them comes again. */
export type Metadata = number;

const fieldBits = 15;
const fieldMask = (1 << fieldBits) - 1;
const repeatedBit = 1 << (2 * fieldBits);

/** What the call names; 0 for what is no gRPC call. */
export function metadataOf(head: RequestHead): Metadata {
  if (!head.grpc) return 0;
  const { bytes, fields, fieldCount } = head;
  let deployment = 0;
  let namespace = 0;
  let repeated = 0;
  for (let field = 0; field < fieldCount; field++) {
    const start = fields[field * 4]!;
    const length = fields[field * 4 + 1]! - start;
    // Nearly every other field has another length.
    if (length === 6 && isSeldon(bytes, start)) {
      if (deployment === 0) deployment = field + 1;
      else repeated = repeatedBit;
    } else if (length === 9 && isNamespace(bytes, start)) {
      if (namespace === 0) namespace = field + 1;
      else repeated = repeatedBit;
    }
  }
  return deployment | (namespace << fieldBits) | repeated;
}

// Byte by byte, as every call has both: half of what a loop over a string takes. With bit 5 set a byte is a lower-case letter only if it was that letter
// in either case.
function isSeldon(bytes: Uint8Array, at: number): boolean {
  return (
    (bytes[at]! | 0x20) === 0x73 &&
    (bytes[at + 1]! | 0x20) === 0x65 &&
    (bytes[at + 2]! | 0x20) === 0x6c &&
    (bytes[at + 3]! | 0x20) === 0x64 &&
    (bytes[at + 4]! | 0x20) === 0x6f &&
    (bytes[at + 5]! | 0x20) === 0x6e
  );
}

function isNamespace(bytes: Uint8Array, at: number): boolean {
  if (
    (bytes[at]! | 0x20) !== 0x6e ||
    (bytes[at + 1]! | 0x20) !== 0x61 ||
    (bytes[at + 2]! | 0x20) !== 0x6d ||
    (bytes[at + 3]! | 0x20) !== 0x65 ||
    (bytes[at + 4]! | 0x20) !== 0x73
  )
    return false;
  return (
    (bytes[at + 5]! | 0x20) === 0x70 &&
    (bytes[at + 6]! | 0x20) === 0x61 &&
    (bytes[at + 7]! | 0x20) === 0x63 &&
    (bytes[at + 8]! | 0x20) === 0x65
  );
}

export function namesDeployment(metadata: Metadata): boolean {
  return (metadata & fieldMask) !== 0;
}

export function namesNamespace(metadata: Metadata): boolean {
  return (metadata & (fieldMask << fieldBits)) !== 0;
}

/** Number of the first field `seldon`. There is one: `namesDeployment`. */
export function seldonField(metadata: Metadata): number {
  return (metadata & fieldMask) - 1;
}

/** Number of the first field `namespace`. There is one: `namesNamespace`. */
export function namespaceField(metadata: Metadata): number {
  return ((metadata >> fieldBits) & fieldMask) - 1;
}

/** Has one of the two several lines, which together are its value? */
export function isRepeated(metadata: Metadata): boolean {
  return (metadata & repeatedBit) !== 0;
}
