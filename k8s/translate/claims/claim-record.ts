// The record of claims as text (`record-text.ts`): a line for each prefix, and one for the bare names of a namespace.
import { hostText } from "../../../routing/model/match-precedence.ts";
import { compareText } from "../../../routing/text/problem.ts";
import { parseHostGlob } from "../meaning/grant.ts";
import { entryKey, type ClaimRecord, type ClaimEntry, type ClaimedThing } from "./claim-entry.ts";
import { namespaceBytes, printRecordText, readRecordText, recordBytes } from "../values/record-text.ts";
import { arrayOf, textOf } from "../values/value.ts";

const head = "sluice-claims 1";

export type RecordRead =
  | { readonly kind: "record"; readonly record: ClaimRecord }
  | { readonly kind: "bad"; readonly reason: string };

/** The same text for the same record. */
export function printRecord(record: ClaimRecord): string {
  const lines = [...Map.groupBy(record.values(), ({ namespace }) => namespace)]
    .sort(([a], [b]) => compareText(a, b))
    .flatMap(([, entries]) => linesOf(entries));
  return printRecordText(head, lines);
}

/** An empty text is an empty record. `bad`: words that follow "it". */
export function readRecord(text: string): RecordRead {
  const read = readRecordText(head, text, readLine);
  if (read.kind === "bad") return read;
  return { kind: "record", record: new Map(read.lines.flat().map((one) => [entryKey(one.namespace, one.thing), one])) };
}

/** The record with `added`, as far as there is room: for the total and for each namespace. `over` counts what is left out, by namespace. */
export function withinRoom(
  record: ClaimRecord,
  added: readonly ClaimEntry[],
): { readonly record: ClaimRecord; readonly over: ReadonlyMap<string, number> } {
  const next = new Map(record);
  const used = new Map<string, number>();
  let total = head.length + 80;
  const take = (one: ClaimEntry, limited: boolean): boolean => {
    const before = used.get(one.namespace);
    const bytes = roomOf(one) + (before === undefined ? lineBytes + Buffer.byteLength(one.namespace) : 0);
    if (limited && ((before ?? 0) + bytes > namespaceBytes || total + bytes > recordBytes)) return false;
    used.set(one.namespace, (before ?? 0) + bytes);
    total += bytes;
    return true;
  };
  for (const one of record.values()) take(one, false);
  const over = new Map<string, number>();
  for (const one of added) {
    if (take(one, true)) next.set(entryKey(one.namespace, one.thing), one);
    else over.set(one.namespace, (over.get(one.namespace) ?? 0) + 1);
  }
  return { record: next, over };
}

/** What a line has beside its names or its prefix, bytes, rounded up. */
const lineBytes = 80;

/** Bytes that one takes at most. Names of a namespace share one line. */
function roomOf({ namespace, thing }: ClaimEntry): number {
  if (thing.kind === "name") return Buffer.byteLength(JSON.stringify(thing.name)) + 1;
  const { prefix, host } = thing.area;
  return (
    lineBytes +
    40 +
    Buffer.byteLength(namespace) +
    Buffer.byteLength(JSON.stringify(prefix)) +
    Buffer.byteLength(JSON.stringify(hostText(host)))
  );
}

/** Of one namespace. A name has one owner, so its time is not kept: thousands of names are one line. */
function linesOf(entries: readonly ClaimEntry[]): readonly string[] {
  const { namespace } = entries[0]!;
  const names = entries.flatMap(({ thing }) => (thing.kind === "name" ? [thing.name] : [])).sort(compareText);
  const prefixes = entries.flatMap(({ sinceMs, thing }) =>
    thing.kind === "prefix" ? [JSON.stringify({ namespace, sinceMs, ...prefixLine(thing) })] : [],
  );
  return [...(names.length === 0 ? [] : [JSON.stringify({ namespace, names })]), ...prefixes.sort(compareText)];
}

function prefixLine({
  area: { prefix, exact, caseSensitive, host },
}: Extract<ClaimedThing, { readonly kind: "prefix" }>): Readonly<Record<string, unknown>> {
  return {
    prefix,
    ...(exact ? { exact } : {}),
    ...(caseSensitive ? {} : { anyCase: true }),
    ...(host.kind === "any" ? {} : host.kind === "regex" ? { hostRegex: host.pattern } : { host: hostText(host) }),
  };
}

function readLine(line: Readonly<Record<string, unknown>>): readonly ClaimEntry[] | null {
  const { sinceMs, namespace, names, prefix, exact, anyCase, host, hostRegex } = line;
  if (typeof namespace !== "string" || namespace === "") return null;
  if (names !== undefined) {
    const texts = arrayOf(names).filter((name) => typeof name === "string");
    return texts.map((name) => ({ namespace, sinceMs: 0, thing: { kind: "name", name } }));
  }
  if (typeof sinceMs !== "number" || !(sinceMs >= 0)) return null;
  if (typeof prefix !== "string") return null;
  const match =
    typeof hostRegex === "string" ? ({ kind: "regex", pattern: hostRegex } as const) : parseHostGlob(textOf(host));
  if (match === null) return null;
  return [
    {
      namespace,
      sinceMs,
      thing: { kind: "prefix", area: { prefix, exact: exact === true, caseSensitive: anyCase !== true, host: match } },
    },
  ];
}
