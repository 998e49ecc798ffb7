// What telling of one request costs: what is near it, and not the whole table, counted in Routes that are made and texts that are read. And to whom it is told.
import { describe, expect, test } from "vitest";
import { noPolicy } from "../../../gateway/callers/call-policy.ts";
import { explain } from "../../../gateway/explain/explanation.ts";
import { inWords } from "../../../gateway/explain/match-words.ts";
import { operator, tenant } from "../../../gateway/api/viewer.ts";
import { mostCandidates } from "../../../routing/candidates.ts";
import { plainMappingOf } from "../../../routing/arena/plain-mapping.ts";
import type { Mapping } from "../../../routing/model/mapping.ts";
import { privateTable } from "../../../routing/private-table.ts";
import type { RouteTable } from "../../../routing/table.ts";
import { change, is, live, mapping, match, named, prefix } from "../../routing/build.ts";

let made = 0;
const tableOf = (mappings: readonly Mapping[]): RouteTable<null> =>
  privateTable(change(mappings), () => {
    made += 1;
    return null;
  });
const mappingOf = (namespace: string, name: string): Mapping =>
  plainMappingOf({ kind: "SeldonDeployment", namespace, name }, "http", "main");
const explained = (table: RouteTable<null>, path: string, viewer = operator) => {
  made = 0;
  const world = {
    translation: { choiceOf: () => null, ofAnother: [], upstreams: new Map() },
    bodyBytes: 0,
    policy: noPolicy,
    as: null,
    oauth: false,
    trustedHops: null,
    unread: new Set<string>(),
    hosts: { certificates: new Map(), cleartext: new Map() },
    wording: inWords,
    measuredOf: () => null,
    viewer,
  };
  const request = { method: "POST", host: "a", path, headers: [], grpc: false, secure: false };
  return explain(table, request, world);
};

/** A tenth in one namespace, the others in as many namespaces. */
const deployments = 10_000;
const many = tableOf(
  Array.from({ length: deployments }, (_, at) => {
    const namespace = at % 10 === 0 ? "team" : `team-${at}`;
    return mappingOf(namespace, `iris-${at}`);
  }),
);

test.each([
  ["/seldon/team/iris-10/api/v1.0/predictions", operator, /iris-10/, null],
  ["/seldon/team/irsi-10/api/v1.0/predictions", operator, null, /nearest Route is .*\/seldon\/team\/iris-10\//],
  ["/seldon/team/iris-10", operator, null, /last slash/],
  ["/nothing/at/all", operator, null, null],
  ["/seldon/team/iris-10/api/v1.0/predictions", tenant(new Set(["team"])), /iris-10/, null],
  ["/seldon/team-11/iris-11/api/v1.0/predictions", tenant(new Set(["team"])), null, null],
] as const)(`%s of ${deployments} deployments makes a handful of Routes`, (path, viewer, route, hint) => {
  const { route: found, hints } = explained(many, path, viewer);
  if (route === null) expect(found).toBeNull();
  else expect(found).toMatch(route);
  if (hint !== null) expect(hints.join()).toMatch(hint);
  expect(made).toBeLessThan(20);
});

test("a misspelt namespace is found among the first thousand", () => {
  const few = tableOf(
    Array.from({ length: 999 }, (_, at) => mappingOf(at === 7 ? "team" : `group-${at}`, `iris-${at}`)),
  );
  expect(explained(few, "/seldon/taem/iris-7/api/v1.0/predictions").hints.join()).toMatch(
    /nearest Route is .*\/seldon\/team\/iris-7\//,
  );
  expect(made).toBeLessThan(20);
});

test.each([mostCandidates - 1, mostCandidates, mostCandidates + 1])(
  "of %i Routes with one path so many are told of as are looked at",
  (count) => {
    const one = mappingOf("team", "iris");
    const headers = (at: number) => [{ name: "x", value: { kind: "exact", value: String(at) } }] as const;
    const table = tableOf(
      Array.from({ length: count }, (_, at) => ({
        ...one,
        id: `Mapping team/m-${at}`,
        match: { ...one.match, headers: headers(at) },
      })),
    );
    const { passed } = explained(table, "/seldon/team/iris/x");
    expect(passed).toHaveLength(Math.min(count, mostCandidates));
    expect(made).toBeLessThan(4 * mostCandidates);
  },
);

describe("a viewer is told nothing of other namespaces", () => {
  const team = tenant(new Set(["team"]));
  const own = [mappingOf("team", "iris"), mapping("own", prefix("/models/iris/"), { namespace: "team" })];
  const hidden = (name: string, path: string, more: Partial<Mapping> = {}): Mapping =>
    mapping(name, prefix(path), { namespace: "other", ...more });

  test.each([
    ["of nearly its name", "/seldon/taem/iris/x", [mappingOf("taem", "rose")]],
    ["with a prefix that is nearer", "/models/iri/x", [hidden("near", "/models/iri-/")]],
    [
      "with many such prefixes",
      "/models/iri/x",
      ["", "x", "y", "z"].map((end) => hidden(`n${end}`, `/models/iri${end}/a/`)),
    ],
  ])("by a hint that is left out: another %s", (_, path, others) => {
    const alone = explained(tableOf(own), path, team);
    expect(alone.hints.join()).toMatch(/nearest Route/);
    expect(explained(tableOf([...own, ...others]), path, team)).toEqual(alone);
  });

  test.each([mostCandidates - 1, mostCandidates, mostCandidates + 1])(
    "by the reason of a refusal behind %i Routes",
    (count) => {
      const before = Array.from({ length: count }, (_, at) =>
        mapping(`m-${at}`, match(prefix("/m/"), { headers: [named("x", is(String(at)))] }), { namespace: "team" }),
      );
      const path = "/m/other/x";
      const alone = explained(tableOf(before), path, team);
      const beside = explained(tableOf([...before, hidden("dead", "/m/other/", { role: live(0) })]), path, team);
      expect(beside.reject).toEqual(alone.reject);
    },
  );
});
