// Whose Mapping answers: whatever namespaces declare, a request is answered from the space that owns it, by who may be there. From objects to the
// decision of a table; what may be is told by the request, the Grants and what else would match, with strings and loops.
import {
  array,
  assert,
  boolean,
  constantFrom,
  option,
  property,
  record,
  tuple,
  uniqueArray,
  type Arbitrary,
} from "fast-check";
import { expect, test } from "vitest";
import { objectKey, type SourceObject } from "../../../k8s/translate/model/object.ts";
import type { Grant } from "../../../k8s/translate/model/translation.ts";
import { Translator } from "../../../k8s/translate/translator.ts";
import { decide } from "../../../routing/decide.ts";
import { headOf, type HeadText } from "../../../routing/request/head-text.ts";
import type { Mapping } from "../../../routing/model/mapping.ts";
import { privateTable } from "../../../routing/private-table.ts";
import { compileRegex } from "../../../routing/regex/regex.ts";
import { change } from "../../routing/build.ts";
import { clusterSettings, deployment, noGrant, object } from "./objects.ts";

const namespace = constantFrom("a", "b", "ab", "c");
const path = tuple(
  constantFrom(
    "/",
    "/",
    "/x/",
    "/x/",
    "/X/",
    "/k/",
    "/\u212a/",
    "/seldon/a/",
    "/seldon/b/",
    "/SELDON/a/",
    "/seldon",
    "/seldon/",
    "/seldon/a",
    "/%73eldon/a/",
    "//seldon/a/",
    "/seldon.protos.Seldon/",
  ),
  array(constantFrom("x", "y", "X", "x/", "y/", "é", "s", "ſ"), { maxLength: 2 }),
).map(([base, rest]) => base + rest.join(""));
const regex = tuple(path, path, constantFrom(".*", "", "(/.*)?", "x?")).chain(([one, other, end]) =>
  constantFrom(
    `${one}${end}`,
    `${one}${end}`,
    `(${one}|${other})${end}`,
    `${one}|${other}${end}`,
    `(?i)${one}${end}`,
    `${one}?${end}`,
    ".*",
    `(${one})?/.*`,
  ),
);
const hosts = ["*", "a.com", "b.a.com", "*.a.com", "*a.com", "a.*", "~.*", "~a.com$$"];

const spec = record(
  {
    service: constantFrom("x"),
    path: tuple(path, constantFrom("prefix", "prefix", "prefix", "exact", "regex"), regex).map(
      ([text, kind, pattern]) =>
        kind === "regex" ? { prefix: pattern, prefix_regex: true } : { prefix: text, prefix_exact: kind === "exact" },
    ),
    case_sensitive: constantFrom(true, false, "no"),
    host: option(
      constantFrom(
        ...hosts.map((hostname) => ({ hostname })),
        { host: ".*", host_regex: true },
        { host: "a.com$$", host_regex: true },
      ),
      { freq: 1 },
    ),
    headers: constantFrom(
      {},
      {},
      {},
      { namespace: "a" },
      { namespace: true },
      { Namespace: "b", seldon: "x" },
      { seldon: "x" },
    ),
    precedence: constantFrom(0, 0, 0, 5),
  },
  { requiredKeys: ["service", "path"] },
).map(({ path: paths, host, ...more }) => ({ ...more, ...paths, ...host }));

const raw = tuple(namespace, constantFrom("m", "n"), spec, constantFrom("2026-01-01", "2026-01-02")).map(
  ([owner, name, written, createdAt]) =>
    object(
      "Mapping",
      `${owner}/${name}`,
      JSON.stringify({ metadata: { creationTimestamp: createdAt }, spec: written }),
    ),
);
const sd = tuple(namespace, constantFrom("x", "y"), option(array(spec, { minLength: 1, maxLength: 2 }))).map(
  ([owner, name, documents]) =>
    deployment(
      `${owner}/${name}`,
      ["main"],
      documents === null
        ? {}
        : {
            "seldon.io/ambassador-config": documents
              .map((written, index) =>
                JSON.stringify({
                  apiVersion: "getambassador.io/v2",
                  kind: "Mapping",
                  name: ["m", "m own"][index],
                  ...written,
                }),
              )
              .join("\n---\n"),
          },
    ),
);
const turns = array(
  array(
    tuple(constantFrom(0, 0, 0, 1), raw, sd).map(([isSd, one, other]) => (isSd === 1 ? other : one)),
    { minLength: 1, maxLength: 4 },
  ),
  { minLength: 1, maxLength: 3 },
);

const grant: Arbitrary<Grant> = record({
  namespace,
  prefixes: uniqueArray(constantFrom("/x/", "/X/", "/", "/x/y", "/k/", "/seldon/a/", "/seldon/b/x"), {
    minLength: 1,
    maxLength: 2,
  }),
  hosts: constantFrom([], [], ["a.com"], ["*.a.com"], ["a.*"]),
  regex: boolean(),
  precedence: boolean(),
  open: constantFrom(false, false, true),
}).map((given) => ({ ...noGrant, ...given }));

const request: Arbitrary<HeadText> = record({
  method: constantFrom("GET"),
  path: tuple(path, constantFrom("", "x", "/", "X/y", "Predict")).map(([start, end]) => start + end),
  host: constantFrom("a.com", "A.COM:80", "b.a.com", "x.org", "~a.com", "~.x"),
  headers: array(tuple(constantFrom("namespace", "Namespace", "seldon"), constantFrom("a", "b", "x")), {
    maxLength: 2,
  }),
  grpc: boolean(),
});

test("a request is answered by who may answer it", () => {
  let answered = 0;
  assert(
    property(
      turns,
      array(grant, { maxLength: 3 }),
      array(request, { minLength: 12, maxLength: 12 }),
      (given, grants, requests) => {
        const translator = new Translator({ ...clusterSettings, grants });
        for (const turn of given)
          translator.apply({
            set: [...new Map(turn.map((one): [string, SourceObject] => [objectKey(one.ref), one])).values()],
            removed: [],
          });
        const mappings = [...translator.current().mappings.values()];
        expect(new Set(mappings.map(({ id }) => id)).size).toBe(mappings.length);
        const table = privateTable(
          change(mappings, {
            endpoints: mappings.flatMap(({ target }) =>
              target.kind === "forward" ? [{ key: target.upstream, ready: true, endpoints: [] }] : [],
            ),
          }),
          (mapping) => mapping,
        );
        for (const head of requests) {
          const decision = decide(table, headOf(head), 0);
          if (decision.kind !== "forward") continue;
          answered += 1;
          expect([head, decision.attached, wrongOf(head, decision.attached, mappings, grants)]).toEqual([
            head,
            decision.attached,
            null,
          ]);
        }
      },
    ),
    { numRuns: 500 },
  );
  expect(answered).toBeGreaterThan(200);
});

/** Why this Mapping may not answer; null: it may. */
function wrongOf(head: HeadText, mapping: Mapping, all: readonly Mapping[], grants: readonly Grant[]): string | null {
  const owner = ownerOf(head);
  const { match, precedence } = mapping;
  const isRegex = match.path.kind === "regex" || match.path.kind === "grpc";
  const isFolded = "caseSensitive" in match.path && !match.path.caseSensitive;
  // A call that names its namespace in the metadata alone is in that one's space, whatever its method.
  const place = owner === null || head.path.startsWith("/seldon/") ? head : { ...head, path: `/seldon/${owner}/` };
  const own = grants.filter(
    (one) => one.namespace === mapping.namespace && covers(one, place, isFolded) && (one.regex || !isRegex),
  );
  if (owner === mapping.namespace) return null;
  if (owner !== null) return own.some((one) => one.precedence || precedence === 0) ? null : `the space of ${owner}`;
  if (mapping.space !== null) return `a Mapping of the space ${mapping.space}`;
  // Calls that name a deployment and no namespace: whoever has the name.
  if (match.path.kind === "grpc") return null;
  if (isRegex && own.length === 0) return "a regex without a Grant";
  if (precedence !== 0 && !own.some((one) => one.precedence)) return "precedence without a Grant";
  if (own.length > 0 || head.path.startsWith("/seldon")) return null;
  const length =
    match.path.kind === "prefix" ? match.path.prefix.length : match.path.kind === "exact" ? match.path.path.length : 0;
  const foreign = grants.find(
    (one) =>
      one.namespace !== mapping.namespace &&
      covers(one, head, false) &&
      !(one.open && one.prefixes.every((prefix) => !head.path.startsWith(prefix) || prefix.length < length)),
  );
  if (foreign !== undefined) return `granted to ${foreign.namespace}`;
  const rival = all.find(
    (other) =>
      other.namespace !== mapping.namespace &&
      other.space === null &&
      matches(other, head) &&
      !grants.some((one) => one.namespace === other.namespace && covers(one, head, true)),
  );
  return rival === undefined ? null : `claimed by ${rival.id} too`;
}

function ownerOf({ path: whole, headers, grpc }: HeadText): string | null {
  const under = /^\/seldon\/([^/]*)\//.exec(whole);
  if (under !== null) return under[1]!;
  const lines = headers.filter(([name]) => name.toLowerCase() === "namespace").map(([, value]) => value);
  return grpc && lines.length > 0 && !whole.startsWith("/seldon/") ? lines.join(",") : null;
}

function covers({ prefixes, hosts: globs }: Grant, head: HeadText, isFolded: boolean): boolean {
  return (
    prefixes.some((prefix) => begins(head.path, prefix, isFolded)) &&
    (globs.length === 0 || globs.some((glob) => globMatches(glob, hostOf(head))))
  );
}

function matches({ match: { path: wanted, host } }: Mapping, head: HeadText): boolean {
  const onHost =
    host.kind === "any" ||
    (host.kind === "regex"
      ? fullMatch(host.pattern, hostOf(head))
      : globMatches(
          host.kind === "exact" ? host.host : host.kind === "suffix" ? `*${host.suffix}` : `${host.prefix}*`,
          hostOf(head),
        ));
  if (!onHost) return false;
  switch (wanted.kind) {
    case "prefix":
      return begins(head.path, wanted.prefix, !wanted.caseSensitive);
    case "exact":
      return head.path.length === wanted.path.length && begins(head.path, wanted.path, !wanted.caseSensitive);
    case "regex":
      return fullMatch(wanted.pattern, head.path);
    case "grpc":
      return false;
  }
}

function hostOf({ host }: HeadText): string {
  return host.replace(/:\d+$/, "").toLowerCase();
}

/** The star stands for one character or more. */
function globMatches(glob: string, host: string): boolean {
  const [before, behind] = glob.split("*") as [string, string?];
  return behind === undefined
    ? host === before
    : glob === "*" || (host.length > glob.length - 1 && host.startsWith(before) && host.endsWith(behind));
}

function begins(text: string, start: string, isFolded: boolean): boolean {
  const folded = (one: string): string => (isFolded ? one.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()) : one);
  return folded(text).startsWith(folded(start));
}

function fullMatch(pattern: string, text: string): boolean {
  const compiled = compileRegex(pattern);
  return compiled.ok && compiled.regex.matches(text);
}
