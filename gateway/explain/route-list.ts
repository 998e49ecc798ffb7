// The list of routes for people: a block a deployment, in columns. The whole table, as it is tried, is routing/print.ts.
//
//   models/iris-canary
//     REST  /seldon/models/iris-canary/…
//     gRPC  seldon: iris-canary, namespace: models (or seldon alone)
//          90%       90%  yes    main       iris-canary-main:8000, gRPC 5001    SeldonDeployment iris-canary (canary.yaml:6)
//          10%       10%  yes    canary     iris-canary-canary:8000, gRPC 5001  SeldonDeployment iris-canary (canary.yaml:6)
import { printProblem, type ObjectRef } from "../../routing/text/problem.ts";
import type { Route } from "../../routing/route/decision.ts";
import { printShare, type PrintedTable } from "../../routing/print.ts";
import type { Upstream } from "../../routing/model/upstream.ts";
import { visible } from "../../routing/text/visible.ts";
import { Columns, memberColumns, type Column } from "./columns.ts";
import {
  isGrpcAlone,
  routeBlocks,
  type BlockAddress,
  type BlockRow,
  type BlockSection,
  type RouteBlock,
} from "./route-blocks.ts";
import { destinationWords, type Destination } from "./target-words.ts";

const columns: readonly Column[] = [
  ...memberColumns,
  { heading: "DECLARED IN", align: "left", most: 80 },
  { heading: "", align: "left", most: 80 },
];

/** Names of what answers 503 that the last line holds. */
const mostNamed = 10;

/** `originOf`: where an object was read, `canary.yaml:6`, or "". `measuredOf`: how the requests of a row fared lately, in words, or "". Ends with a newline. */
export function printRouteList(
  table: PrintedTable<unknown>,
  upstreams: ReadonlyMap<string, Upstream>,
  originOf: (ref: ObjectRef) => string,
): string {
  const { singleNamespace } = table.settings;
  return [...routeListPieces(table.routesInOrder(), singleNamespace, upstreams, originOf, () => "")].join("");
}

/** The same bit by bit: its caller may rest between two pieces. */
export function* routeListPieces(
  routes: Iterable<Route<unknown>>,
  singleNamespace: string | null,
  upstreams: ReadonlyMap<string, Upstream>,
  originOf: (ref: ObjectRef) => string,
  measuredOf: (row: BlockRow) => string,
): Generator<string, void> {
  const blocks = yield* routeBlocks(routes, singleNamespace, upstreams);
  if (blocks.length === 0) return void (yield "no Routes\n");
  const cells = (block: RouteBlock, row: BlockRow): string[] => cellsOf(block, row, originOf, measuredOf);
  const rows: string[][] = [];
  for (const block of blocks) {
    yield "";
    for (const { rows: of } of block.sections) rows.push(...of.map((row) => cells(block, row)));
  }
  const layout = new Columns(columns, rows, 4);
  yield `${layout.headings()}\n\n`;
  for (const block of blocks) {
    const lines = [visible(block.title)];
    for (const [at, section] of block.sections.entries()) {
      const before = at === 0 ? "" : addressLines(block.sections[0]!).join("\n");
      const addresses = addressLines(section);
      const heading = section.heading === "" ? [] : [`  ${section.heading}`];
      // A header Route answers where the deployment itself does: said once.
      const head = addresses.join("\n") === before && heading.length > 0 ? heading : [...heading, ...addresses];
      lines.push(
        ...head.map(visible),
        ...section.rows.map((row) => layout.row(cells(block, row))),
        ...endLines(section).map(visible),
      );
    }
    yield `${lines.join("\n")}\n\n`;
  }
  yield `${visible(summaryOf(blocks))}\n`;
}

function addressLines({ addresses }: BlockSection): readonly string[] {
  return addresses
    .filter((address) => !isBareOfOther(address, addresses))
    .map((address) => {
      const bare = addresses.some((other) => isBareOf(other, address)) ? " (or seldon alone)" : "";
      return `  ${address.protocol}  ${address.text}${bare}${address.notes === "" ? "" : `  [${address.notes}]`}`;
    });
}

/** A bare gRPC name: the same call without the metadata `namespace`. */
function isBareOf(bare: BlockAddress, whole: BlockAddress): boolean {
  return (
    bare !== whole &&
    bare.protocol === "gRPC" &&
    bare.notes === whole.notes &&
    whole.text.startsWith(`${bare.text}, namespace: `)
  );
}

function isBareOfOther(address: BlockAddress, addresses: readonly BlockAddress[]): boolean {
  return addresses.some((other) => isBareOf(address, other));
}

function endLines(section: BlockSection): readonly string[] {
  const { reject, problems } = section;
  return [
    ...(reject === null ? [] : [`    answers ${isGrpcAlone(section) ? "UNAVAILABLE" : "503"}: ${reject}`]),
    ...problems.map((problem) => `    ${printProblem(problem)}`),
  ];
}

function cellsOf(
  { namespace }: RouteBlock,
  row: BlockRow,
  originOf: (ref: ObjectRef) => string,
  measuredOf: (row: BlockRow) => string,
): string[] {
  const { kind, name } = row.source;
  const origin = originOf(row.source);
  return [
    `${row.role === "shadow" ? "copy " : ""}${printShare(row.share)}`,
    row.role === "shadow" ? "" : printShare(row.declared),
    row.ready ? "yes" : "no",
    row.predictor === "" ? "-" : row.predictor,
    goesTo(row, namespace),
    `${kind} ${row.source.namespace === namespace ? "" : `${row.source.namespace}/`}${name}${origin === "" ? "" : ` (${origin})`}`,
    [row.notes === "" ? "" : `[${row.notes}]`, measuredOf(row)].filter((part) => part !== "").join("  "),
  ];
}

/** A Service of the block's namespace by its name alone. */
function ownName({ host, port }: Destination, namespace: string): Destination {
  return { host: port !== "" && host.endsWith(`.${namespace}`) ? host.slice(0, -namespace.length - 1) : host, port };
}

/** `iris-main:8000, gRPC 5001`. */
function goesTo({ destinations }: BlockRow, namespace: string): string {
  const parts: string[] = [];
  const said = new Set<string>();
  const [, first] = destinations[0]!;
  for (const [protocol, destination] of destinations) {
    const text = destinationWords(ownName(destination, namespace));
    if (said.has(text)) continue;
    said.add(text);
    const short = destination.host === first.host && destination.port !== "" ? destination.port : text;
    parts.push(parts.length === 0 ? text : `${protocol === "path" ? "" : `${protocol} `}${short}`);
  }
  return parts.join(", ");
}

function summaryOf(blocks: readonly RouteBlock[]): string {
  const deployments = blocks.filter(({ sections }) =>
    sections.some(({ rows }) => rows.some(({ source }) => source.kind === "SeldonDeployment")),
  ).length;
  const others = blocks.length - deployments;
  const counts = [
    deployments === 0 ? "" : `${deployments} deployment${deployments === 1 ? "" : "s"}`,
    others === 0 ? "" : `${others} of Mappings alone`,
  ];
  const silent = blocks.filter(({ sections }) =>
    sections.some((section) => section.reject !== null && !isGrpcAlone(section)),
  );
  const withoutGrpc = blocks.filter(
    (block) => !silent.includes(block) && block.sections.some(({ reject }) => reject !== null),
  );
  return `${counts.filter((part) => part !== "").join(", ")}${namedText("answers 503", silent)}${namedText("no gRPC", withoutGrpc)}`;
}

function namedText(words: string, blocks: readonly RouteBlock[]): string {
  if (blocks.length === 0) return "";
  const more = blocks.length > mostNamed ? ` and ${blocks.length - mostNamed} more` : "";
  return `; ${words}: ${blocks
    .slice(0, mostNamed)
    .map(({ title }) => title)
    .join(", ")}${more}`;
}
