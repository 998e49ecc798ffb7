// A limit of rate, compiled for the table: in whole units, so that what is counted is exact for as long as a process lives.
import { createHash } from "node:crypto";
import type { RateLimit } from "../../../routing/model/guard.ts";
import { printLimit } from "../../../routing/model/rate-limit.ts";
import type { LimitMemory } from "../../shared/memory/limit-memory.ts";

export interface CompiledLimit {
  readonly limit: RateLimit;
  /** As it is written: also the name of its policy in answers. */
  readonly text: string;
  readonly owner: LimitOwner;
  /** It counts everybody together. */
  readonly whole: boolean;
  /** Units of TAT (a power of two in a permit), of which so many pass in a ms. */
  readonly unitsPerMs: number;
  readonly permit: number;
  /** Of a whole burst. */
  readonly tolerance: number;
  /** Keys of the hash of its clients. */
  readonly key0: number;
  readonly key1: number;
  /** 12 bits by which cells of one namespace know each other, and 12 below them for those of one limit. */
  readonly kind: number;
}

/** A TAT has 48 bits, which hold for so long a time. */
const lifeMs = 2 ** 37;
const tatUnits = 2 ** 48;

/** Whose a limit is. */
export interface LimitOwner {
  /** Makes room for its own first, whatever it has of objects and limits. */
  readonly namespace: string;
  /** `SeldonDeployment prod/iris`. */
  readonly object: string;
}

/** The same limit of two owners is counted apart. `text`: of a share, the limit that it is of. */
export function compileLimit(
  limit: RateLimit,
  owner: LimitOwner,
  { secret }: LimitMemory,
  text = printLimit(limit),
): CompiledLimit {
  const { permits, periodMs, burst } = limit;
  const permitsInLife = (permits / periodMs) * lifeMs + burst + 1;
  const permit = 2 ** Math.min(40, Math.floor(Math.log2(tatUnits / permitsInLife)));
  const digest = createHash("sha256")
    .update(`${secret[0]} ${secret[1]} ${owner.object}\n${text}\n${permits} ${periodMs} ${burst}`)
    .digest();
  const tenant = createHash("sha256").update(`${secret[0]} ${secret[1]} ${owner.namespace}`).digest();
  return {
    limit,
    text,
    owner,
    whole: limit.per.kind === "all",
    unitsPerMs: (permits * permit) / periodMs,
    permit,
    tolerance: burst * permit,
    key0: digest.readUInt32LE(0),
    key1: digest.readUInt32LE(4),
    kind: ((tenant.readUInt16LE(0) & 0xfff) << 12) | (digest.readUInt16LE(8) & 0xfff),
  };
}
