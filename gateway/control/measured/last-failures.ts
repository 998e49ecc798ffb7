// The last failure of each kind that was told of a predictor: its sentence stands beside the counts. Told are samples, so a count may have none.
import { meaningOf } from "../../explain/measured-words.ts";
import { keyOf, type PredictorKey } from "../../api/counted.ts";
import { failureFlags, type FailureFlag } from "../../failure-flags.ts";
import type { AccessEntry } from "../../shared/access-fields.ts";

/** Predictors that are kept, the one that failed last longest. */
export const maxKept = 5000;
/** Characters of a sentence. */
const maxSentence = 300;

interface Told {
  readonly sentence: string;
  /** `ip:port`; "": it came to no Endpoint. */
  readonly address: string;
}

export class LastFailures {
  /** Sentences by flag, by predictor; in the order of their last failure. */
  readonly #kept = new Map<string, Map<FailureFlag | "", Told>>();

  /** A request that failed, or that was answered. */
  take({ namespace, deployment, predictor, flag, origin, sentence, address }: AccessEntry): void {
    const [first = ""] = flag.split(",");
    if (sentence === "" || deployment === "" || !isKept(first, origin)) return;
    const key = keyOf({ namespace, deployment, predictor });
    const sentences = this.#kept.get(key) ?? new Map<FailureFlag | "", Told>();
    const at = address === "" || sentence.includes(address) ? "" : `, ${address}`;
    sentences.set(first, { sentence: `${sentence}${at}`.slice(0, maxSentence), address });
    this.#kept.delete(key);
    this.#kept.set(key, sentences);
    if (this.#kept.size > maxKept) this.#kept.delete(this.#kept.keys().next().value!);
  }

  /** null: none was told. */
  sentenceOf(predictor: Omit<PredictorKey, "role">, flag: FailureFlag | ""): string | null {
    return this.#kept.get(keyOf(predictor))?.get(flag)?.sentence ?? null;
  }

  /** The same of one Endpoint; null: the last of this flag was another's. */
  sentenceAt(predictor: Omit<PredictorKey, "role">, flag: FailureFlag | "", address: string): string | null {
    const told = this.#kept.get(keyOf(predictor))?.get(flag);
    return told?.address === address ? told.sentence : null;
  }
}

function isKept(flag: string, origin: string): flag is FailureFlag | "" {
  if (flag === "") return origin === "model";
  return Object.hasOwn(failureFlags, flag) && meaningOf(flag as FailureFlag) !== "refused";
}
