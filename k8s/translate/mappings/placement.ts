// Placement: whose space a raw Mapping belongs to, and whether it may be there. Tenancy comes before match precedence.
import type { Match } from "../../../routing/model/match.ts";
import type { ProblemLevel, ProblemCode } from "../../../routing/text/problem.ts";
import { hostWithin, parseHostGlob } from "../meaning/grant.ts";
import { beginsWith, foldedText } from "../values/letter-case.ts";
import { literalPrefix } from "./literal-prefix.ts";
import type { Grant, TranslateSettings } from "../model/translation.ts";
import type { Standing } from "../meaning/meaning.ts";
import { quoted } from "../values/value.ts";

/** One place where a Mapping is served. */
export interface Place {
  readonly space: string | null;
  readonly granted: boolean;
  readonly precedence: number;
  readonly standing: Standing;
}

export interface Placement {
  readonly places: readonly Place[];
  /** What is not served as written, [code, level, sentence]. */
  readonly notes: readonly (readonly [code: ProblemCode, level: ProblemLevel, sentence: string])[];
}

/**
 * A Mapping of `namespace` whose paths all lie under `/seldon/<namespace>/`, or that asks for the metadata `namespace: <namespace>`, is in the
 * namespace's own space. One that lies in another's needs a Grant. Everything else is a claim on shared space; where its prefix is above the
 * own space, it is also there.
 */
export function placeMapping(
  match: Match,
  precedence: number,
  namespace: string,
  settings: TranslateSettings,
  grants: readonly Grant[],
): Placement {
  const owned = (space: string): Placement => ({
    places: [{ space, granted: false, precedence, standing: { kind: "owned" } }],
    notes: [],
  });
  const metadata = exactHeader(match, "namespace");
  if (metadata !== null && metadata !== namespace)
    return intoOther(match, precedence, metadata, `/seldon/${metadata}/`, grants);
  if (match.path.kind === "grpc") return placeGrpc(match, namespace, settings, grants, owned);
  if (metadata !== null) return owned(namespace);
  const literal = literalOf(match);
  const caseSensitive = isCaseSensitive(match);
  const base = settings.singleNamespace === null ? `/seldon/${namespace}/` : "/seldon/";
  if (beginsWith(literal, base, caseSensitive)) return owned(namespace);
  const other = /^\/seldon\/([^/]+)\//.exec(caseSensitive ? literal : foldedText(literal))?.[1];
  if (other !== undefined) return intoOther(match, precedence, other, literal, grants);
  const above = match.path.kind !== "exact" && beginsWith(base, literal, caseSensitive) ? owned(namespace).places : [];
  return claim(match, literal, precedence, namespace, settings, grants, above);
}

function placeGrpc(
  match: Match,
  namespace: string,
  settings: TranslateSettings,
  grants: readonly Grant[],
  owned: (space: string) => Placement,
): Placement {
  if (exactHeader(match, "namespace") === namespace) return owned(namespace);
  const name = exactHeader(match, "seldon");
  if (name !== null) {
    if (settings.singleNamespace !== null) return owned(namespace);
    if (settings.bareNames === "off")
      return {
        places: [],
        notes: [
          [
            "bare-names-off",
            "error",
            "gRPC without the metadata namespace is closed by --bare-names off; add the header namespace",
          ],
        ],
      };
    return { places: [{ space: null, granted: false, precedence: 0, standing: { kind: "bare", name } }], notes: [] };
  }
  return claim(match, "/", 0, namespace, settings, grants, owned(namespace).places);
}

function intoOther(
  match: Match,
  precedence: number,
  space: string,
  literal: string,
  grants: readonly Grant[],
): Placement {
  const covering = grants.filter((grant) => covers(grant, literal, match) && mayUse(grant, match, precedence));
  if (covering.length > 0)
    return { places: [{ space, granted: false, precedence, standing: { kind: "owned" } }], notes: [] };
  return {
    places: [],
    notes: [
      [
        "not-granted",
        "error",
        `this belongs to the namespace ${space} and needs a Grant; ask the operator of the gateway for one with the prefix /seldon/${space}/…`,
      ],
    ],
  };
}

function claim(
  match: Match,
  literal: string,
  precedence: number,
  namespace: string,
  settings: TranslateSettings,
  grants: readonly Grant[],
  above: readonly Place[],
): Placement {
  const covering = grants.filter((grant) => covers(grant, literal, match));
  const where = above.length > 0 ? ` outside /seldon/${namespace}/` : "";
  if (isRegex(match) && !covering.some(({ regex }) => regex)) {
    return {
      places: above,
      notes: [
        [
          "not-granted",
          "error",
          `a regex for the path needs a Grant${where}; use a prefix, or ask the operator of the gateway for a Grant of the prefix ${quoted(literal)}, which all its paths begin with, and regex: true`,
        ],
      ],
    };
  }
  if (settings.claims === "granted" && covering.length === 0) {
    return {
      places: above,
      notes: [
        [
          "not-granted",
          "error",
          `prefixes outside /seldon/${namespace}/ need a Grant here (--claims granted); ask the operator of the gateway for one with the prefix ${quoted(literal)}`,
        ],
      ],
    };
  }
  const mayPrecede = precedence === 0 || covering.some((grant) => grant.precedence && mayUse(grant, match, precedence));
  const rank = covering.some(({ open }) => !open) ? "granted" : covering.length > 0 ? "open" : "ungranted";
  const standing: Standing = {
    kind: "claim",
    claim: {
      prefix: literal,
      exact: match.path.kind === "exact",
      caseSensitive: isCaseSensitive(match),
      host: match.host,
      rank,
    },
  };
  const shared: Place = { space: null, granted: rank === "granted", precedence: mayPrecede ? precedence : 0, standing };
  const notes: (readonly [ProblemCode, ProblemLevel, string])[] = [];
  if (!mayPrecede)
    notes.push([
      "not-granted",
      "warning",
      `precedence needs a Grant${where} and counts as 0 there; remove it, or ask the operator of the gateway for a Grant of the prefix ${quoted(literal)} with precedence: true`,
    ]);
  if (above.length > 0)
    notes.push([
      "differs",
      "info",
      `Sluice sends it the paths under /seldon/${namespace}/ and those of no namespace, and Ambassador also sent it the paths of other namespaces; write a Mapping for each of those, with a prefix such as /seldon/OTHER/, and ask the operator of the gateway for a Grant with these prefixes`,
    ]);
  return { places: [shared, ...above], notes };
}

function covers({ prefixes, hosts }: Grant, literal: string, match: Match): boolean {
  if (!prefixes.some((prefix) => beginsWith(literal, prefix, isCaseSensitive(match)))) return false;
  return (
    hosts.length === 0 ||
    hosts.some((glob) => {
      const host = parseHostGlob(glob);
      return host !== null && hostWithin(match.host, host);
    })
  );
}

function mayUse(grant: Grant, match: Match, precedence: number): boolean {
  return (precedence === 0 || grant.precedence) && (!isRegex(match) || grant.regex);
}

function isRegex({ path }: Match): boolean {
  return path.kind === "regex" || path.kind === "grpc";
}

function isCaseSensitive({ path }: Match): boolean {
  return path.kind === "regex" || path.kind === "grpc" || path.caseSensitive;
}

function exactHeader(match: Match, name: string): string | null {
  const value = match.headers.find((header) => header.name === name)?.value;
  return value?.kind === "exact" ? value.value : null;
}

/** Text that every path begins with that the Match can match; in any letter case where it is not case-sensitive. */
function literalOf({ path }: Match): string {
  switch (path.kind) {
    case "prefix":
      return path.prefix;
    case "exact":
      return path.path;
    case "regex":
      return literalPrefix(path.pattern);
    case "grpc":
      return "/";
  }
}
