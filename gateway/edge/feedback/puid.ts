// Puids that name the predictor that answers: 24 hex digits of the request's id, and 16 of a keyed code over them, by a key that is the predictor's own. Without the key
// a puid is 40 random digits; who has it can tell for each predictor whether a puid is its. So feedback finds the model that it is about, and nothing is remembered.
import { createHmac } from "node:crypto";
import { sipHash, sipHashed, SipKey } from "./siphash.ts";

/** As Seldon's executor calls it; lower case, as HTTP/2 and gRPC have it. */
export const puidField = "seldon-puid";

const nonceDigits = 24;
export const codeStartDigit = nonceDigits;
const codeDigits = 16;
export const puidDigits = nonceDigits + codeDigits;

const puidForm = /^[\da-f]{40}$/;
const hexDigits = Buffer.from("0123456789abcdef");
/** Where the digits of a UUID stand that are random: all but those of its version and its variant. */
const randomAt = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35);

/** Whose answer it is: REST and gRPC of a predictor are one. */
export interface PuidOwner {
  readonly namespace: string;
  readonly deployment: string;
  readonly predictor: string;
}

/** The field's line without its digits. */
const line = Buffer.from(`${puidField}: ${" ".repeat(puidDigits)}\r\n`);
export const puidLineBytes = line.length;
/** Where the digits begin in the line. */
export const puidStart = puidField.length + 2;

/** A text that may be a puid, taken apart; `nonce` null: it is none. */
interface ReadPuid {
  readonly puid: string;
  readonly nonce: Buffer | null;
  readonly high: number;
  readonly low: number;
}

function readPuid(puid: string): ReadPuid {
  if (!puidForm.test(puid)) return { puid, nonce: null, high: 0, low: 0 };
  const nonce = Buffer.from(puid.slice(0, nonceDigits), "latin1");
  const high = Number.parseInt(puid.slice(nonceDigits, nonceDigits + 8), 16);
  return { puid, nonce, high, low: Number.parseInt(puid.slice(nonceDigits + 8), 16) };
}

/** The last one: each member of a Route is asked about it. */
let read = readPuid("");

/** Makes and knows the puids of one predictor. The first key is its own words, so that a request reads one object. */
export class PuidSigner extends SipKey {
  /** Keys of before, which only know. */
  readonly #earlier: readonly SipKey[];

  /** `keys`: one or more, 32 bytes each. The first makes puids, all know them. */
  constructor(keys: readonly Uint8Array[], { namespace, deployment, predictor }: PuidOwner) {
    const owner = JSON.stringify(["puid 1", namespace, deployment, predictor]);
    const [own, ...earlier] = keys.map((key) => createHmac("sha256", key).update(owner).digest().subarray(0, 16));
    super(own!);
    this.#earlier = earlier.map((key) => new SipKey(key));
  }

  /** Writes the field's line for the request of this id, a UUID of 36 bytes, from `at` on: the same each time. There is room for `puidLineBytes`. */
  writeLine(requestId: Uint8Array, bytes: Uint8Array, at: number): void {
    const start = at + puidStart;
    const codeStart = start + nonceDigits;
    const end = codeStart + codeDigits;
    for (let place = 0; place < puidStart; place++) bytes[at + place] = line[place]!;
    for (let digit = 0; digit < nonceDigits; digit++) bytes[start + digit] = requestId[randomAt[digit]!]!;
    sipHash(this, bytes, start, codeStart);
    writeHex(sipHashed.high, bytes, codeStart);
    writeHex(sipHashed.low, bytes, codeStart + 8);
    bytes[end] = 0x0d;
    bytes[end + 1] = 0x0a;
  }

  /** The same line, valid until the next call of any signer. */
  lineFor(requestId: Uint8Array): Buffer {
    this.writeLine(requestId, line, 0);
    return line;
  }

  /** Did this predictor answer under this puid? Whatever a client may send as one. */
  isOwn(puid: string): boolean {
    if (puid !== read.puid) read = readPuid(puid);
    return isCodeOf(this, read) || this.#earlier.some((key) => isCodeOf(key, read));
  }
}

function isCodeOf(key: SipKey, { nonce, high, low }: ReadPuid): boolean {
  if (nonce === null) return false;
  sipHash(key, nonce, 0, nonceDigits);
  return ((sipHashed.high ^ high) | (sipHashed.low ^ low)) === 0;
}

/** Eight digits. */
function writeHex(word: number, bytes: Uint8Array, at: number): void {
  let left = word;
  for (let digit = 0; digit < 8; digit++) {
    bytes[at + digit] = hexDigits[left >>> 28]!;
    left <<= 4;
  }
}
