// Puids that name the predictor that answers: 24 hex digits of the request's id, and 16 of a keyed code over them, by a key that is the predictor's own. Without the key
// a puid is 40 random digits; who has it can tell for each predictor whether a puid is its. So feedback finds the model that it is about, and nothing is remembered.
import { createHmac } from "node:crypto";
import { SipHash } from "./siphash.ts";

/** As Seldon's executor calls it; lower case, as HTTP/2 and gRPC have it. */
export const puidField = "seldon-puid";

const nonceDigits = 24;
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

/** A field line, and where its value stands. One for all: what it holds is valid until the next is made. */
const line = Buffer.from(`${puidField}: ${" ".repeat(puidDigits)}\r\n`);
export const puidStart = puidField.length + 2;
const codeStart = puidStart + nonceDigits;

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

/** Makes and knows the puids of one predictor. */
export class PuidSigner {
  /** The first makes them, all know them. */
  readonly #hashes: readonly SipHash[];

  /** `keys`: one or more, 32 bytes each. */
  constructor(keys: readonly Uint8Array[], { namespace, deployment, predictor }: PuidOwner) {
    const owner = JSON.stringify(["puid 1", namespace, deployment, predictor]);
    this.#hashes = keys.map((key) => new SipHash(createHmac("sha256", key).update(owner).digest().subarray(0, 16)));
  }

  /** The field's line for the request of this id, a UUID of 36 bytes: the same each time. Valid until the next call of any signer. */
  lineFor(requestId: Uint8Array): Buffer {
    const hash = this.#hashes[0]!;
    for (let digit = 0; digit < nonceDigits; digit++) line[puidStart + digit] = requestId[randomAt[digit]!]!;
    hash.of(line, puidStart, codeStart);
    let half = hash.high;
    for (let digit = 0; digit < codeDigits; digit++) {
      if (digit === 8) half = hash.low;
      line[codeStart + digit] = hexDigits[half >>> 28]!;
      half <<= 4;
    }
    return line;
  }

  /** Did this predictor answer under this puid? Whatever a client may send as one. */
  isOwn(puid: string): boolean {
    if (puid !== read.puid) read = readPuid(puid);
    const { nonce, high, low } = read;
    if (nonce === null) return false;
    return this.#hashes.some((hash) => {
      hash.of(nonce, 0, nonceDigits);
      return ((hash.high ^ high) | (hash.low ^ low)) === 0;
    });
  }
}
