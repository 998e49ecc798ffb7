// Time limits of SeldonDeployments: the defaults as one object each.
import type { TimeLimit } from "../../../routing/model/mapping.ts";
import { commonPart } from "../collections/common-part.ts";

/** Idle limit of Seldon's Mappings; a longer timeout raises it (operator 0.4.1 and later). */
export const defaultIdleMs = 300_000;
const defaultIdle: TimeLimit = commonPart({ ms: defaultIdleMs, setBy: null });

let lastDefault = defaultIdle;

/** The default limit, `ms`. One object for all Mappings: what is shared here travels once and is kept once in every worker. */
export function defaultTimeLimit(ms: number): TimeLimit {
  if (lastDefault.ms !== ms) lastDefault = commonPart({ ms, setBy: null });
  return lastDefault;
}

/** The idle limit beside this timeout, which raises it where it is strictly greater, as the operator does. */
export function idleOf(timeout: TimeLimit): TimeLimit {
  return timeout.ms > defaultIdleMs ? timeout : defaultIdle;
}
