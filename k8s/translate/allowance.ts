// Allowance: how much raw configuration one namespace may have (routing rule 4), so that none costs the others.
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

export interface Usage {
  rawRoutes: number;
  regexes: number;
  configBytes: number;
}

/** What each member (an SD, a raw Mapping) uses: the several forms of one Mapping count once. */
function usageOfMembers({ drafts }: UnitMeaning): ReadonlyMap<string, Omit<Usage, 'configBytes'>> {
  const members = new Map<string, Omit<Usage, 'configBytes'>>();
  for (const { mapping, raw, regexes } of drafts) if (raw || regexes > 0) members.set(mapping.member, { rawRoutes: raw ? 1 : 0, regexes });
  return members;
}

/** What a unit uses in all. */
export function usageOf(meaning: UnitMeaning): Usage {
  const usage = { rawRoutes: 0, regexes: 0, configBytes: meaning.configBytes };
  for (const { rawRoutes, regexes } of usageOfMembers(meaning).values()) {
    usage.rawRoutes += rawRoutes;
    usage.regexes += regexes;
  }
  return usage;
}

export function isOver({ rawRoutes, regexes, configBytes }: Usage): boolean {
  return rawRoutes > allowance.rawRoutes || regexes > allowance.regexes || configBytes > allowance.configBytes;
}

/** Goes through the units of one namespace, oldest first; what does not fit any more is refused. Only units with refusals are in the answer. */
export function refusalsOf<U>(units: readonly U[], meaningOf: (unit: U) => UnitMeaning): ReadonlyMap<U, Refusals> {
  const refusals = new Map<U, Refusals>();
  const used: Usage = { rawRoutes: 0, regexes: 0, configBytes: 0 };
  for (const unit of units) {
    const meaning = meaningOf(unit);
    const refused = new Set<string>();
    let reason = '';
    const tooLarge = meaning.configBytes > 0 && used.configBytes + meaning.configBytes > allowance.configBytes;
    if (!tooLarge) used.configBytes += meaning.configBytes;
    for (const [member, { rawRoutes, regexes }] of usageOfMembers(meaning)) {
      const tooMany = used.rawRoutes + rawRoutes > allowance.rawRoutes;
      const tooManyRegexes = used.regexes + regexes > allowance.regexes;
      if (tooLarge || tooMany || tooManyRegexes) {
        refused.add(member);
        reason = tooLarge ? `more than ${allowance.configBytes / 1024} KiB of Ambassador configuration` : tooMany ? `more than ${allowance.rawRoutes} raw Mappings` : `more than ${allowance.regexes} regexes`;
      } else {
        used.rawRoutes += rawRoutes;
        used.regexes += regexes;
      }
    }
    if (refused.size > 0) refusals.set(unit, { mappings: new Set(meaning.drafts.filter(({ mapping }) => refused.has(mapping.member)).map(({ mapping }) => mapping.id)), reason });
  }
  return refusals;
}
