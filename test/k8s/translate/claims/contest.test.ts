// The contest of claims beside one that compares each claim with every other, and finds an overlap by a request that both match.
import { array, assert, boolean, constantFrom, property, record, string, type Arbitrary } from "fast-check";
import { expect, test } from "vitest";
import type { Claimant } from "../../../../k8s/translate/claims/claimant.ts";
import { decideClaims } from "../../../../k8s/translate/claims/contest.ts";
import { parseHostGlob } from "../../../../k8s/translate/meaning/grant.ts";
import type { Claim, ClaimArea } from "../../../../k8s/translate/meaning/meaning.ts";
import type { HostMatch } from "../../../../routing/model/match.ts";

const path = string({ unit: constantFrom("/", "a", "A", "é", "😀", "_"), maxLength: 2 }).map((rest) => `/${rest}`);
const host = constantFrom<HostMatch>(
  ...["*", "a.com", "a.a.com", "*.a.com", "*a.com", "*m", "a.*", "a.c*", "a.com*"].map((glob) => parseHostGlob(glob)!),
  { kind: "regex", pattern: ".*" },
);
const rank = constantFrom<Claim["rank"]>("granted", "open", "ungranted", "ungranted", "ungranted");
const one: Arbitrary<Omit<Claimant, "id">> = record({
  claim: record({ prefix: path, exact: boolean(), caseSensitive: boolean(), host, rank }),
  namespace: constantFrom("a", "b", "c"),
  createdAt: constantFrom("", "2025", "2026"),
  name: constantFrom("m", "n"),
  isGrant: boolean(),
}).map((claimant) => {
  if (!claimant.isGrant || claimant.claim.rank === "ungranted") return { ...claimant, isGrant: false };
  return {
    ...claimant,
    claim: { ...claimant.claim, exact: false, caseSensitive: true },
    createdAt: "",
  };
});
const many = array(one, { minLength: 3, maxLength: 7 }).map((all) =>
  all.map((claimant, index): Claimant => ({ ...claimant, id: String(index) })),
);

test("claims are decided as by comparing each with every other", () => {
  assert(
    property(many, (claimants) => {
      const contests = decideClaims(claimants);
      const lost = new Set(contests.map(({ loser }) => loser.id));
      expect([...lost].sort()).toEqual(naiveLosers(claimants).sort());
      for (const { loser, winner } of contests)
        expect([loser.id, winner.id, naiveConflict(winner, loser)]).toEqual([loser.id, winner.id, true]);
    }),
    { numRuns: 5000 },
  );
});

const ranks = ["granted", "open", "ungranted"];

function compare(a: Claimant, b: Claimant): number {
  const keys = ({ claim, createdAt, namespace, name, id }: Claimant): readonly (string | number)[] => [
    ranks.indexOf(claim.rank),
    createdAt,
    namespace,
    name,
    id,
  ];
  const [left, right] = [keys(a), keys(b)];
  const at = left.findIndex((key, index) => key !== right[index]);
  return at < 0 ? 0 : left[at]! < right[at]! ? -1 : 1;
}

function naiveLosers(claimants: readonly Claimant[]): string[] {
  const standing: { readonly claimant: Claimant; readonly wins: boolean }[] = [];
  const losers: string[] = [];
  for (const claimant of claimants.toSorted(compare)) {
    const wins = !standing.some(
      (earlier) =>
        (earlier.wins || earlier.claimant.claim.rank !== claimant.claim.rank) &&
        naiveConflict(earlier.claimant, claimant),
    );
    if (wins || claimant.isGrant) standing.push({ claimant, wins });
    if (!wins) losers.push(claimant.id);
  }
  return losers;
}

function naiveConflict({ namespace, claim: a }: Claimant, { namespace: other, claim: b }: Claimant): boolean {
  if (namespace === other || !havePathInCommon(a, b) || !haveHostInCommon(a.host, b.host)) return false;
  if (b.rank !== "ungranted")
    return a.caseSensitive && b.caseSensitive ? a.prefix === b.prefix : fold(a.prefix) === fold(b.prefix);
  return a.rank !== "open" || b.prefix.length <= a.prefix.length;
}

/** The only paths that may be in common are spellings of the longer prefix: where one side minds letter case, with its letters. */
function havePathInCommon(a: ClaimArea, b: ClaimArea): boolean {
  const [long, short] = a.prefix.length >= b.prefix.length ? [a, b] : [b, a];
  const spelling =
    long.caseSensitive || !short.caseSensitive ? long.prefix : short.prefix + long.prefix.slice(short.prefix.length);
  return [long, short].every(({ prefix, exact, caseSensitive }) => {
    const [text, start] = caseSensitive ? [spelling, prefix] : [fold(spelling), fold(prefix)];
    return exact ? text === start : text.startsWith(start);
  });
}

function fold(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function haveHostInCommon(a: HostMatch, b: HostMatch): boolean {
  const [before, behind, whole] = [
    [a, b].map((one) => (one.kind === "prefix" ? one.prefix : "")),
    [a, b].map((one) => (one.kind === "suffix" ? one.suffix : "")),
    [a, b].flatMap((one) => (one.kind === "exact" ? [one.host] : [])),
  ];
  const made = before.flatMap((start) => behind.map((end) => `${start}x${end}`));
  return [...whole, ...made].some((text) => [a, b].every((one) => matchesHost(one, text)));
}

function matchesHost(match: HostMatch, text: string): boolean {
  switch (match.kind) {
    case "any":
    case "regex":
      return true;
    case "exact":
      return match.host === text;
    case "suffix":
      return text.length > match.suffix.length && text.endsWith(match.suffix);
    case "prefix":
      return text.length > match.prefix.length && text.startsWith(match.prefix);
  }
}
