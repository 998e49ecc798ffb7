// What the objects of one namespace use of its allowance, and what does not fit into it (routing rule 4).
import { allowance } from "../values/allowance.ts";
import { groupsOfMembers } from "./route-groups.ts";
import type { ObjectMeaning } from "../meaning/meaning.ts";

/** Does a declarer use any of the allowance? */
export function usesAllowance({ drafts, configBytes }: ObjectMeaning): boolean {
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
function usageOfMembers({ drafts }: ObjectMeaning): ReadonlyMap<string, Omit<Usage, "configBytes">> {
  const members = new Map<string, Omit<Usage, "configBytes">>();
  for (const { mapping, raw, regexes } of drafts)
    if (raw || regexes > 0) members.set(mapping.member, { rawRoutes: raw ? 1 : 0, regexes });
  return members;
}

/** What a declarer uses in all. */
export function usageOf(meaning: ObjectMeaning): Usage {
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

/**
 * Goes through the Routes of one namespace, those of the oldest declarers first; a Route whose members do not all fit any more is refused whole. Only declarers with refusals are
 * in the answer. Members that use nothing (an SD without regexes) are never refused.
 */
export function refusalsOf<U>(
  declarers: readonly U[],
  meaningOf: (declarer: U) => ObjectMeaning,
): ReadonlyMap<U, Refusals> {
  const tooLarge = declarersBeyondBytes(declarers, meaningOf);
  const groups = new Map<string, Omit<Usage, "configBytes"> & { tooLarge: boolean }>();
  const members = declarers.map((declarer) => ({
    declarer,
    meaning: meaningOf(declarer),
    usage: usageOfMembers(meaningOf(declarer)),
  }));
  const groupOf = groupsOfMembers(
    members.flatMap(({ meaning, usage }) =>
      meaning.drafts.filter(({ mapping }) => usage.has(mapping.member)).map(({ mapping }) => mapping),
    ),
  );
  for (const { declarer, usage } of members) {
    for (const [member, { rawRoutes, regexes }] of usage) {
      const key = groupOf.get(member)!;
      const group = groups.get(key) ?? { rawRoutes: 0, regexes: 0, tooLarge: false };
      groups.set(key, {
        rawRoutes: group.rawRoutes + rawRoutes,
        regexes: group.regexes + regexes,
        tooLarge: group.tooLarge || tooLarge.has(declarer),
      });
    }
  }
  const reasons = new Map<string, string>();
  const used = { rawRoutes: 0, regexes: 0 };
  for (const [key, group] of groups) {
    const tooMany = used.rawRoutes + group.rawRoutes > allowance.rawRoutes;
    if (group.tooLarge) reasons.set(key, `more than ${allowance.configBytes / 1024} KiB of Ambassador configuration`);
    else if (tooMany || used.regexes + group.regexes > allowance.regexes)
      reasons.set(
        key,
        tooMany ? `more than ${allowance.rawRoutes} raw Mappings` : `more than ${allowance.regexes} regexes`,
      );
    else {
      used.rawRoutes += group.rawRoutes;
      used.regexes += group.regexes;
    }
  }
  const refusals = new Map<U, Refusals>();
  for (const { declarer, meaning, usage } of members) {
    const refused = meaning.drafts.filter(
      ({ mapping: { member } }) => usage.has(member) && reasons.has(groupOf.get(member)!),
    );
    if (refused.length > 0)
      refusals.set(declarer, {
        mappings: new Set(refused.map(({ mapping }) => mapping.id)),
        reason: reasons.get(groupOf.get(refused.at(-1)!.mapping.member)!)!,
      });
  }
  return refusals;
}

/** Declarers whose text does not fit beside that of older ones. */
function declarersBeyondBytes<U>(declarers: readonly U[], meaningOf: (declarer: U) => ObjectMeaning): ReadonlySet<U> {
  const beyond = new Set<U>();
  let used = 0;
  for (const declarer of declarers) {
    const { configBytes } = meaningOf(declarer);
    if (configBytes === 0) continue;
    if (used + configBytes > allowance.configBytes) beyond.add(declarer);
    else used += configBytes;
  }
  return beyond;
}
