// FeedbackReader: what of a feedback Sluice reads, as its body passes: the puids of what it is about, and its reward. Feedback of Seldon's REST is JSON, of its gRPC the message
// Feedback of seldon.protos.
import type { JsonPath } from "../../../routing/text/json-path.ts";
import { JsonValues, type Found } from "./json-values.ts";
import { ProtoValues } from "./proto-values.ts";

/** Larger rewards, either way, are none: sums of them, and of their squares, stay exact enough to compare models by. */
export const maxReward = 1e9;

/** Where Seldon's clients have it. */
const seldonPath: JsonPath = ["reward"];

/** The answer is what the feedback is about; a client that sets its own puid has it in the request, too. */
const puidPaths: readonly JsonPath[] = [
  ["response", "meta", "puid"],
  ["request", "meta", "puid"],
];
/** `response.meta.puid`, `request.meta.puid`, `reward` by their numbers in seldon.protos.Feedback, SeldonMessage and Meta. */
const protoPaths = [[2, 2, 1], [1, 2, 1], [3]] as const;
const rewardAt = 2;

export interface FeedbackReader {
  /** The next bytes of the body, `bytes[start..end)`. */
  take(bytes: Uint8Array, start: number, end: number): void;
  /** Those that have come so far, the answer's first. */
  readonly puids: readonly string[];
  /** Once the body is whole; null: it has none. */
  readonly reward: number | null;
}

/** `path`: of the reward, a number, true (1) or false (0); null: where Seldon's clients have it, which is a number. */
export function jsonFeedback(path: JsonPath | null): FeedbackReader {
  const values = new JsonValues([...puidPaths, path ?? seldonPath]);
  return {
    take: (bytes, start, end) => values.take(bytes, start, end),
    get puids() {
      return values.found.slice(0, rewardAt).filter((one) => typeof one === "string");
    },
    get reward() {
      return values.isWhole ? rewardOf(values.found[rewardAt]!, path !== null) : null;
    },
  };
}

/** Flag and length before a message. */
const prefixBytes = 5;

/**
 * A compressed message gives nothing. Protobuf leaves out a reward of 0, so a message without one has 0. `path`: of the reward in JSON; null: where Seldon's clients have it, and there
 * alone it is read.
 */
export class GrpcFeedback implements FeedbackReader {
  readonly #hasReward: boolean;
  readonly #prefix = Buffer.alloc(prefixBytes);
  #prefixed = 0;
  #values: ProtoValues | null = null;

  constructor(path: JsonPath | null) {
    this.#hasReward = path === null;
  }

  take(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end && this.#prefixed < prefixBytes) this.#prefix[this.#prefixed++] = bytes[at++]!;
    if (this.#prefixed < prefixBytes || this.#prefix[0] !== 0) return;
    this.#values ??= new ProtoValues(protoPaths, this.#prefix.readUInt32BE(1));
    this.#values.take(bytes, at, end);
  }

  get puids(): readonly string[] {
    return (this.#values?.found.slice(0, rewardAt) ?? []).flatMap((one) => one?.toString("latin1") ?? []);
  }

  get reward(): number | null {
    if (!this.#hasReward || this.#values?.isWhole !== true) return null;
    const written = this.#values.found[rewardAt] ?? null;
    if (written === null) return 0;
    return written.length === 4 ? bounded(written.readFloatLE()) : null;
  }
}

function rewardOf(found: Found | null, mayBeTruth: boolean): number | null {
  return typeof found === "number" || (mayBeTruth && typeof found === "boolean") ? bounded(Number(found)) : null;
}

function bounded(reward: number): number | null {
  return Math.abs(reward) <= maxReward ? reward : null;
}
