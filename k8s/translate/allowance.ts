// Allowance: how much raw configuration one namespace may have (design §4.4), so that none costs the others.
import type { UnitMeaning } from './unit.ts';

export const allowance = { rawRoutes: 500, regexes: 50, configBytes: 64 * 1024 } as const;

/** Does a unit use any of the allowance? */
export function usesAllowance({ drafts, configBytes }: UnitMeaning): boolean {
  return configBytes > 0 || drafts.some(({ raw, regexes }) => raw || regexes > 0);
}

export interface Refusals {
  /** Ids of Mappings that are not served. */
  readonly mappings: ReadonlySet<string>;
  /** What was exceeded, as words that follow "the namespace has". */
  readonly reason: string;
}

/** Goes through the units of one namespace, oldest first; what does not fit any more is refused. Only units with refusals are in the answer. */
export function refusalsOf<U>(units: readonly U[], meaningOf: (unit: U) => UnitMeaning): ReadonlyMap<U, Refusals> {
  const refusals = new Map<U, Refusals>();
  let routes = 0;
  let regexes = 0;
  let bytes = 0;
  for (const unit of units) {
    const { drafts, configBytes } = meaningOf(unit);
    const refused = new Set<string>();
    let reason = '';
    const tooLarge = configBytes > 0 && bytes + configBytes > allowance.configBytes;
    if (tooLarge) reason = `more than ${allowance.configBytes / 1024} KiB of Ambassador configuration`;
    else bytes += configBytes;
    for (const draft of drafts) {
      const tooMany = draft.raw && (tooLarge || routes + 1 > allowance.rawRoutes);
      const tooManyRegexes = draft.regexes > 0 && regexes + draft.regexes > allowance.regexes;
      if (tooMany || tooManyRegexes) {
        refused.add(draft.mapping.id);
        if (!tooLarge) reason = tooMany ? `more than ${allowance.rawRoutes} raw Mappings` : `more than ${allowance.regexes} regexes`;
      } else {
        if (draft.raw) routes += 1;
        regexes += draft.regexes;
      }
    }
    if (refused.size > 0) refusals.set(unit, { mappings: refused, reason });
  }
  return refusals;
}
