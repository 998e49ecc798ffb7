// Puids that name the predictor that answers: 24 hex digits of the request's id, and 16 of a keyed code over them, by a key that is the predictor's own. Without the key
// a puid is 40 random digits; who has it can tell for each predictor whether a puid is its. So feedback finds the predictor that it is about, and nothing is remembered. The first half of
// the code is the predictor's; the second is changed by a tag of the model that it has, so that what is said of a model is not learnt of its successor.
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
  /** Digest of its model; "": it is not released, and any is the same. */
  readonly model: string;
}

/** The field's line, with the digits of the puid that `lineFor` made last. */
export const puidLine = Buffer.from(`${puidField}: ${" ".repeat(puidDigits)}\r\n`);
export const puidLineBytes = puidLine.length;
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

/** Of one key: the predictor's, and the tag of its model. */
interface TaggedKey {
  readonly key: SipKey;
  readonly tag: number;
}

/** Makes and knows the puids of one predictor. The first key is its own words, so that a request reads one object. */
export class PuidSigner extends SipKey {
  readonly #tag: number;
  /** Keys of before, which only know. */
  readonly #earlier: readonly TaggedKey[];

  /** `keys`: one or more, 32 bytes each. The first makes puids, all know them. */
  constructor(keys: readonly Uint8Array[], { namespace, deployment, predictor, model }: PuidOwner) {
    const [own, ...earlier] = keys.map((key) => {
      const derived = (...words: readonly string[]): Buffer =>
        createHmac("sha256", key).update(JSON.stringify(words)).digest();
      return {
        key: derived("puid 1", namespace, deployment, predictor).subarray(0, 16),
        tag: model === "" ? 0 : derived("puid model 1", namespace, deployment, predictor, model).readInt32BE(),
      };
    });
    super(own!.key);
    this.#tag = own!.tag;
    this.#earlier = earlier.map(({ key, tag }) => ({ key: new SipKey(key), tag }));
  }

  /** Writes the field's line for the request of this id, a UUID of 36 bytes, from `at` on: the same each time. There is room for `puidLineBytes`. */
  writeLine(requestId: Uint8Array, bytes: Uint8Array, at: number): void {
    const start = at + puidStart;
    const codeStart = start + nonceDigits;
    const end = codeStart + codeDigits;
    for (let place = 0; place < puidStart; place++) bytes[at + place] = puidLine[place]!;
    for (let digit = 0; digit < nonceDigits; digit++) bytes[start + digit] = requestId[randomAt[digit]!]!;
    sipHash(this, bytes, start, codeStart);
    writeHex(sipHashed.high, bytes, codeStart);
    writeHex(sipHashed.low ^ this.#tag, bytes, codeStart + 8);
    bytes[end] = 0x0d;
    bytes[end + 1] = 0x0a;
  }

  /** The same line, valid until the next call of any signer. */
  lineFor(requestId: Uint8Array): Buffer {
    this.writeLine(requestId, puidLine, 0);
    return puidLine;
  }

  /** Did this predictor answer under this puid, by the model that it has (`model`) or by one of before (`predictor`)? Whatever a client may send as one. */
  whose(puid: string): "model" | "predictor" | "others" {
    if (puid !== read.puid) read = readPuid(puid);
    if (read.nonce === null) return "others";
    const own = whose(this, this.#tag, read.nonce, read);
    if (own !== "others") return own;
    for (const { key, tag } of this.#earlier) {
      const earlier = whose(key, tag, read.nonce, read);
      if (earlier !== "others") return earlier;
    }
    return "others";
  }
}

function whose(key: SipKey, tag: number, nonce: Buffer, { high, low }: ReadPuid): "model" | "predictor" | "others" {
  sipHash(key, nonce, 0, nonceDigits);
  if ((sipHashed.high ^ high) !== 0) return "others";
  return (sipHashed.low ^ tag ^ low) === 0 ? "model" : "predictor";
}

/** Eight digits. */
function writeHex(word: number, bytes: Uint8Array, at: number): void {
  let left = word;
  for (let digit = 0; digit < 8; digit++) {
    bytes[at + digit] = hexDigits[left >>> 28]!;
    left <<= 4;
  }
}
