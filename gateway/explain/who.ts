// `sluice who`: who may call which deployment, and since what: the same for manifests and for a gateway that runs.
import { namespacedName } from "../../routing/text/namespaced-name.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import { compareText, printProblem, type ObjectRef, type Problem } from "../../routing/text/problem.ts";
import type { TableSettings } from "../../routing/model/table-change.ts";
import type { RouteTable } from "../../routing/table.ts";
import { visible } from "../../routing/text/visible.ts";
import type { CallPolicy } from "../callers/call-policy.ts";
import { callersSaid, type CallersSaid } from "../callers/said.ts";
import { Columns, type Column } from "./columns.ts";
import { cleartextLines, type HostBook } from "./host-words.ts";
import { pathWords } from "../../routing/match-words.ts";

/** What holds for an object's Mappings, or for those of them that these paths are of. */
export interface WhoRow {
  readonly source: ObjectRef;
  /** `anybody`, `clients of corp, and as the AuthService says (…)`, `nobody: …`. */
  readonly callers: string;
  readonly since: string;
  /** From which addresses, and since what: each list that holds; empty: from any. */
  readonly addresses: readonly string[];
  /** How much may come, and since what; "": any number. */
  readonly limits: string;
  /** What its Mappings match, where others of the same object hold to something else; empty: all of them hold to this. */
  readonly paths: readonly string[];
}

/** All that is known of who may call. */
export interface Who {
  /** In order of their objects. */
  readonly who: readonly WhoRow[];
  /** What becomes of requests in cleartext, by host, where they are not served as they are. */
  readonly cleartext: readonly string[];
  /** What is wrong with the policy's keys: a gateway fails closed then. */
  readonly problems: readonly Problem[];
}

/** What it is made of beside the table. */
export interface WhoWith {
  readonly policy: CallPolicy;
  /** Proxies that are believed, as the option says it; null: it does not. */
  readonly trustedHops: number | null;
  /** Providers whose keys were not read here, though a gateway may have them. */
  readonly unread: ReadonlySet<string>;
  /** All that are known; those of the policy are told. */
  readonly problems: readonly Problem[];
  readonly hosts: HostBook;
}

const columns: readonly Column[] = [
  { heading: "DEPLOYMENT", align: "left", most: 48 },
  { heading: "WHO MAY CALL", align: "left", most: 56 },
  { heading: "SINCE", align: "left", most: 80 },
  { heading: "LIMITS", align: "left", most: 120 },
  { heading: "ADDRESSES", align: "left", most: 120 },
];

/** `named`: `NAMESPACE/NAME` or `NAME`; null: all. */
export function whoOf(table: RouteTable<unknown>, world: WhoWith, named: string | null): Who {
  const mappings = table.routesInOrder().flatMap((route) => route.mappings);
  return {
    who: whoRows(
      mappings.filter(({ source }) => isNamed(source, named)),
      table.settings,
      world,
    ),
    ...whoBeside(world),
  };
}

/** What is said beside the rows. */
export function whoBeside({ hosts, problems }: Pick<WhoWith, "hosts" | "problems">): Omit<Who, "who"> {
  return { cleartext: cleartextLines(hosts), problems: problems.filter(({ subject }) => subject.kind === "Policy") };
}

/** Rows of the objects of these Mappings, in order of their objects. */
export function whoRows(
  mappings: Iterable<Mapping>,
  { external, front }: Pick<TableSettings, "external" | "front">,
  { policy, trustedHops, unread }: WhoWith,
): readonly WhoRow[] {
  const objects = new Map<string, { readonly source: ObjectRef; readonly said: Map<string, Group> }>();
  for (const mapping of mappings) {
    const object = objectAt(objects, mapping.source);
    const said =
      mapping.role.kind === "shadow"
        ? onlyCopies
        : callersSaid(mapping, { policy, external, front, trustedHops, unread });
    const key = JSON.stringify(said);
    const group = object.said.get(key);
    if (group === undefined) object.said.set(key, { said, mappings: [mapping] });
    else group.mappings.push(mapping);
  }
  return [...objects]
    .toSorted(([a], [b]) => compareText(a, b))
    .flatMap(([, { source, said }]) => rowsOf(source, [...said.values()]));
}

/** Mappings of one object of which the same is said. */
interface Group {
  readonly said: CallersSaid;
  readonly mappings: Mapping[];
}

/** Copies are nobody's calls: what their Route takes is called. */
const onlyCopies: CallersSaid = Object.freeze({
  callers: [{ words: "nobody: it gets copies only", since: "it is a shadow" }],
  asks: [],
  addresses: [],
  limits: [],
});

function objectAt(
  objects: Map<string, { readonly source: ObjectRef; readonly said: Map<string, Group> }>,
  source: ObjectRef,
): { readonly said: Map<string, Group> } {
  const key = `${source.namespace}/${source.name} ${source.kind}`;
  const known = objects.get(key);
  if (known !== undefined) return known;
  const object = { source, said: new Map<string, Group>() };
  objects.set(key, object);
  return object;
}

function rowsOf(source: ObjectRef, groups: readonly Group[]): readonly WhoRow[] {
  const called = groups.filter(({ said }) => said !== onlyCopies);
  const shown = called.length === 0 ? groups : called;
  return shown.map(({ said: { callers, addresses, limits }, mappings }) => ({
    source,
    callers: callers.map(({ words }) => words).join(", and "),
    since: callers.map(({ since }) => since).join(", and "),
    addresses,
    limits: limits.join("; "),
    paths:
      shown.length === 1 ? [] : [...new Set(mappings.map(({ match }) => pathWords(match.path)))].toSorted(compareText),
  }));
}

/** `named`: `NAMESPACE/NAME` or `NAME`; null: all. */
export function isNamed({ namespace, name }: Pick<ObjectRef, "namespace" | "name">, named: string | null): boolean {
  return named === null || named === name || named === namespacedName(namespace, name);
}

/** Why there is nothing to say of that name. */
export function nobodyNamed(named: string): string {
  return `no deployment or Mapping is named ${named}: write NAME or NAMESPACE/NAME as sluice routes shows it`;
}

/** Paths of one row that are shown. */
const mostPaths = 3;

/** The table for people; ends with a newline. */
export function printWho(who: Who): string {
  return [...whoPieces(who)].join("");
}

/** The same bit by bit: its caller may rest between two pieces. */
export function* whoPieces({ who, cleartext, problems }: Who): Generator<string, void> {
  if (who.length === 0) return void (yield "no Routes, so there is nothing to call\n");
  const cells = who.map(({ source, paths, callers, since, addresses, limits }) => {
    const more = paths.length > mostPaths ? ` and ${paths.length - mostPaths} more` : "";
    const kind = source.kind === "SeldonDeployment" ? "" : ` (${source.kind})`;
    const name = `${source.namespace}/${source.name}${kind}${paths.length === 0 ? "" : `: ${paths.slice(0, mostPaths).join(", ")}${more}`}`;
    return [
      name,
      callers,
      since,
      limits === "" ? "any number" : limits,
      addresses.length === 0 ? "any" : addresses.join("; "),
    ];
  });
  const layout = new Columns(columns, cells, 0);
  yield `${layout.headings()}\n`;
  for (const row of cells) yield `${layout.row(row)}\n`;
  for (const line of [...below(cleartext), ...below(problems.map(printProblem))]) yield `${line}\n`;
}

function below(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", ...lines.map(visible)];
}
