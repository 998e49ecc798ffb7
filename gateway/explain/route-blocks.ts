// Blocks: the Routes of one deployment together, REST and gRPC, all header Routes and explainers, as `sluice routes` shows them.
import { namespacedName } from "../../routing/text/namespaced-name.ts";
import type { Route } from "../../routing/route/decision.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import type { Match } from "../../routing/model/match.ts";
import { compareProblems, compareText, type ObjectRef, type Problem } from "../../routing/text/problem.ts";
import type { PrintedTable } from "../../routing/print.ts";
import type { Upstream } from "../../routing/model/upstream.ts";
import { conditionWords, pathWords } from "../../routing/match-words.ts";
import { destinationOf, targetNotes, type Destination } from "./target-words.ts";

/** What answers under one name, or, for Mappings outside `/seldon/`, under one path. */
export interface RouteBlock {
  readonly kind: "deployment" | "path";
  /** `prod/iris`. */
  readonly title: string;
  /** Whose space it is in, or who declares it in shared space. */
  readonly namespace: string;
  /** Without conditions first, then in the order tried, explainers last. */
  readonly sections: readonly BlockSection[];
}

/** Routes with the same conditions and the same split. */
export interface BlockSection {
  /** "" for the deployment's own requests, else `with location: london`, `explainer`. */
  readonly heading: string;
  readonly addresses: readonly BlockAddress[];
  /** Greatest declared share first, then copies. */
  readonly rows: readonly BlockRow[];
  /** Why nobody answers, or null. */
  readonly reject: string | null;
  readonly problems: readonly Problem[];
}

/** Are gRPC calls alone taken there? */
export function isGrpcAlone({ addresses }: Pick<BlockSection, "addresses">): boolean {
  return addresses.every(({ protocol }) => protocol === "gRPC");
}

/** How it is called, and what all its rows have in common on the way. */
export interface BlockAddress {
  readonly protocol: "REST" | "gRPC" | "path";
  readonly text: string;
  readonly notes: string;
}

export interface BlockRow {
  readonly role: "live" | "shadow";
  /** 0..1: of the requests; of a shadow, how many are copied. */
  readonly share: number;
  readonly declared: number;
  readonly ready: boolean;
  /** "" of a raw Mapping. */
  readonly predictor: string;
  readonly source: ObjectRef;
  /** By protocol, where they differ. */
  readonly destinations: readonly (readonly [protocol: BlockAddress["protocol"], destination: Destination])[];
  readonly notes: string;
}

/** Those Routes alone that answer under this name, or that an object of this name declares, in part at least. `named`: `NAMESPACE/NAME` or `NAME`; null: all. */
export function routesNamed<T>(table: PrintedTable<T>, named: string | null): PrintedTable<T> {
  if (named === null) return table;
  const { singleNamespace } = table.settings;
  const routes = table.routesInOrder().filter((route) => isRouteNamed(route, singleNamespace, named));
  return { version: table.version, hash: table.hash, settings: table.settings, routesInOrder: () => routes };
}

/** Does it answer under this name, or does an object of this name declare it, in part at least? */
export function isRouteNamed(route: Route<unknown>, singleNamespace: string | null, named: string): boolean {
  const isNamed = (namespace: string, name: string): boolean =>
    named === name || named === namespacedName(namespace, name);
  const { kind, name } = nameOf(route, singleNamespace);
  return (
    (kind === "deployment" && isNamed(route.space ?? route.namespace, name)) ||
    route.mappings.some(({ source }) => isNamed(source.namespace, source.name))
  );
}

/** All Routes, by namespace, deployments before other paths, by name; those of one title are one block. Time grows with the Routes (and with sorting them). Yields where its caller may rest. */
export function* routeBlocks(
  routes: Iterable<Route<unknown>>,
  singleNamespace: string | null,
  upstreams: ReadonlyMap<string, Upstream>,
): Generator<"", readonly RouteBlock[]> {
  const drafts = new Map<string, BlockDraft>();
  for (const route of routes) {
    yield "";
    const named = nameOf(route, singleNamespace);
    const key = JSON.stringify([route.namespace, route.space ?? route.namespace, named.kind, named.name]);
    let draft = drafts.get(key);
    if (draft === undefined) drafts.set(key, (draft = { ...named, route, sections: new Map() }));
    addRoute(draft.sections, route, named, route.problems, upstreams);
  }
  return oneATitle(Array.from(drafts.values(), finished).sort(compareBlocks));
}

/** Paths have no name of their own: what the same objects declare is one block. */
function oneATitle(blocks: readonly RouteBlock[]): RouteBlock[] {
  const titled = new Map<string, RouteBlock>();
  for (const block of blocks) {
    const key = JSON.stringify([block.namespace, block.title]);
    const known = titled.get(key);
    titled.set(
      key,
      known === undefined
        ? block
        : {
            ...known,
            kind: known.kind === "deployment" ? "deployment" : block.kind,
            sections: [...known.sections, ...block.sections],
          },
    );
  }
  return [...titled.values()];
}

/** What a Route is called by. */
interface RouteName {
  readonly kind: RouteBlock["kind"];
  readonly name: string;
  readonly explainer: boolean;
  readonly address: Omit<BlockAddress, "notes">;
  /** Beside what the address says. */
  readonly conditions: string;
}

interface BlockDraft extends RouteName {
  /** The first of its Routes. */
  readonly route: Route<unknown>;
  readonly sections: Map<string, SectionDraft>;
}

interface SectionDraft {
  readonly rank: number;
  readonly heading: string;
  readonly addresses: BlockAddress[];
  rows: readonly BlockRow[];
  readonly reject: string | null;
  readonly problems: Map<string, Problem>;
}

/** How people call what a Route belongs to, and how it is called: `prod/iris`, or of a path the path. */
export function routeWords(
  route: Route<unknown>,
  singleNamespace: string | null,
): { readonly title: string; readonly address: string } {
  const { kind, name, explainer, address, conditions } = nameOf(route, singleNamespace);
  const called = `${explainer ? "explainer, " : ""}${address.protocol} ${address.text}`;
  return {
    title: kind === "deployment" ? `${route.space ?? route.namespace}/${name}` : address.text,
    address: conditions === "" ? called : `${called} with ${conditions}`,
  };
}

function nameOf(route: Route<unknown>, singleNamespace: string | null): RouteName {
  const { match, namespace } = route;
  const space = route.space ?? namespace;
  const seldon = match.headers.find(({ name, value }) => name === "seldon" && value.kind === "exact");
  if (seldon?.value.kind === "exact") {
    const owner = match.headers.find(
      ({ name, value }) => name === "namespace" && value.kind === "exact" && value.value === space,
    );
    const path = match.path.kind === "grpc" ? "" : `, ${pathWords(match.path)}`;
    const text = `seldon: ${seldon.value.value}${owner === undefined ? "" : `, namespace: ${space}`}${path}`;
    return {
      kind: "deployment",
      name: seldon.value.value,
      explainer: false,
      address: { protocol: "gRPC", text },
      conditions: conditionsBeside(route, [seldon, owner]),
    };
  }
  const conditions = conditionsBeside(route, []);
  const text = pathWords(match.path);
  const prefix = match.path.kind === "prefix" ? match.path.prefix : "";
  const own = `/seldon/${space}/`;
  const rest =
    prefix.startsWith(own) && prefix !== own
      ? prefix.slice(own.length)
      : singleNamespace === space && prefix.startsWith("/seldon/")
        ? prefix.slice("/seldon/".length)
        : "";
  if (!/[^/]\/$/.test(rest))
    return {
      kind: "path",
      name: `${match.path.kind} ${text}`,
      explainer: false,
      address: { protocol: "path", text },
      conditions,
    };
  const [, explained = ""] = route.mappings.every(isExplainer) ? (/^(.+)-explainer\//.exec(rest) ?? []) : [];
  return {
    kind: "deployment",
    name: explained === "" ? rest.slice(0, -1) : explained,
    explainer: explained !== "",
    address: { protocol: "REST", text },
    conditions,
  };
}

function isExplainer({ source, series }: Mapping): boolean {
  return source.kind === "SeldonDeployment" && series.predictor.endsWith("-explainer");
}

function conditionsBeside(
  { match, precedence, granted }: Route<unknown>,
  said: readonly (Match["headers"][number] | undefined)[],
): string {
  const words = conditionWords({ ...match, headers: match.headers.filter((header) => !said.includes(header)) });
  return [words, precedence === 0 ? "" : `precedence ${precedence}`, granted ? "granted" : ""]
    .filter((part) => part !== "")
    .join(", ");
}

function addRoute(
  sections: Map<string, SectionDraft>,
  route: Route<unknown>,
  { explainer, conditions, address }: RouteName,
  problems: readonly Problem[],
  upstreams: ReadonlyMap<string, Upstream>,
): void {
  const { notes, rows } = rowsOf(route, address.protocol, upstreams);
  const reject = route.split.reject?.sentence ?? null;
  const heading = [explainer ? "explainer" : "", conditions === "" ? "" : `with ${conditions}`]
    .filter((part) => part !== "")
    .join(" ");
  // Of rows everything but where they lead counts: REST and gRPC have ports of their own.
  const key = JSON.stringify([heading, reject, rows.map((row) => ({ ...row, destinations: [] }))]);
  const whole: BlockAddress = { ...address, notes };
  const known = sections.get(key);
  if (known === undefined) {
    sections.set(key, {
      rank: explainer ? 2 : conditions === "" ? 0 : 1,
      heading,
      addresses: [whole],
      rows,
      reject,
      problems: new Map(problems.map((problem) => [JSON.stringify(problem), problem])),
    });
    return;
  }
  if (!known.addresses.some(({ text }) => text === whole.text)) known.addresses.push(whole);
  known.rows = known.rows.map((row, at) => ({
    ...row,
    destinations: [...row.destinations, ...rows[at]!.destinations],
  }));
  for (const problem of problems) known.problems.set(JSON.stringify(problem), problem);
}

/** What all live members have in common is said once. */
function rowsOf(
  { split, shadows }: Route<unknown>,
  protocol: BlockAddress["protocol"],
  upstreams: ReadonlyMap<string, Upstream>,
): { readonly notes: string; readonly rows: readonly BlockRow[] } {
  const live = split.members.map(({ mapping, share, declared, ready }) => ({
    mapping,
    role: "live" as const,
    share,
    declared,
    ready,
  }));
  const copies = shadows.map(({ mapping, fraction, ready }) => ({
    mapping,
    role: "shadow" as const,
    share: fraction,
    declared: fraction,
    ready,
  }));
  const noted = [...live, ...copies].map((member) => ({
    ...member,
    notes: targetNotes(member.mapping, upstreams).join(", "),
  }));
  const common =
    noted.length > 0 && noted.every(({ notes, role }) => role === "shadow" || notes === noted[0]!.notes)
      ? noted[0]!.notes
      : "";
  const rows = noted.map(({ mapping, role, share, declared, ready, notes }): BlockRow => ({
    role,
    share,
    declared,
    ready,
    predictor: mapping.series.predictor,
    source: mapping.source,
    destinations: [[protocol, destinationOf(mapping, upstreams)]],
    notes: notes === common ? "" : notes,
  }));
  return { notes: common, rows: rows.sort(compareRows) };
}

function compareRows(a: BlockRow, b: BlockRow): number {
  if (a.role !== b.role) return a.role === "live" ? -1 : 1;
  return (
    b.declared - a.declared ||
    b.share - a.share ||
    compareText(a.source.name, b.source.name) ||
    compareText(a.source.kind, b.source.kind) ||
    compareText(a.predictor, b.predictor)
  );
}

const protocolRank: Readonly<Record<BlockAddress["protocol"], number>> = { REST: 0, path: 1, gRPC: 2 };

function finished({ kind, name, route, sections }: BlockDraft): RouteBlock {
  const namespace = route.space ?? route.namespace;
  const granted = namespace === route.namespace ? "" : `, granted to ${route.namespace}`;
  const done = [...sections.values()]
    .sort(
      (a, b) =>
        a.rank - b.rank ||
        (a.rank === 0 ? protocolRank[a.addresses[0]!.protocol] - protocolRank[b.addresses[0]!.protocol] : 0),
    )
    .map(({ heading, addresses, rows, reject, problems }): BlockSection => ({
      heading,
      addresses: addresses.sort((a, b) => protocolRank[a.protocol] - protocolRank[b.protocol]),
      rows: rows.map((row) => ({
        ...row,
        destinations: [...row.destinations].sort(([a], [b]) => protocolRank[a] - protocolRank[b]),
      })),
      reject,
      problems: [...problems.values()].sort(compareProblems),
    }));
  return {
    kind,
    namespace,
    title: `${namespace}/${kind === "deployment" ? name : declarersOf(done)}${granted}`,
    sections: done,
  };
}

/** Who declares a path, which has no name of its own. */
function declarersOf(sections: readonly BlockSection[]): string {
  const names = [...new Set(sections.flatMap(({ rows }) => rows.map(({ source }) => source.name)))].sort(compareText);
  return names.length <= 3 ? names.join(", ") : `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;
}

function compareBlocks(a: RouteBlock, b: RouteBlock): number {
  return compareText(a.namespace, b.namespace) || compareText(a.kind, b.kind) || compareText(a.title, b.title);
}
