// What telling of one request costs: what is near it, and not the whole table. Counted in Routes that are made, and in texts that are read.
import { expect, test } from "vitest";
import { noPolicy } from "../../../gateway/callers/call-policy.ts";
import { explain } from "../../../gateway/explain/explanation.ts";
import { inWords } from "../../../gateway/explain/match-words.ts";
import { operator, tenant } from "../../../gateway/api/viewer.ts";
import { mostCandidates } from "../../../routing/candidates.ts";
import { plainMappingOf } from "../../../routing/arena/plain-mapping.ts";
import type { Mapping } from "../../../routing/model/mapping.ts";
import { privateTable } from "../../../routing/private-table.ts";
import type { RouteTable } from "../../../routing/table.ts";
import { change } from "../../routing/build.ts";

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
