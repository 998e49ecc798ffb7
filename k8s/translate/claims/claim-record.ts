// The record of claims as text: what is kept in a ConfigMap or a file, read again by any replica. One line of head, JSON lines, a checksum, so that
// a record that was cut, merged or edited is recognised and not believed.
import { createHash } from "node:crypto";
import { hostText } from "../../../routing/model/match-precedence.ts";
import { compareText } from "../../../routing/text/problem.ts";
import { parseHostGlob } from "../meaning/grant.ts";
import { entryKey, type ClaimRecord, type ClaimEntry, type ClaimedThing } from "./claim-entry.ts";
import { arrayOf, isRecord, textOf } from "../values/value.ts";

/** Longest text of a record (of claims, of releases), bytes: a ConfigMap holds 1 MiB in all. */
export const recordBytes = 960 * 1024;
/** Of it, for the claims of one namespace: none takes the room of the others. */
export const namespaceBytes = 64 * 1024;

const head = "sluice-claims 1";

/** Why a store does not take the text: a sentence without its end; null: it takes it. */
export function recordExcess(text: string): string | null {
  const bytes = Buffer.byteLength(text);
  return bytes <= recordBytes ? null : `it would have ${bytes} bytes, and a record has at most ${recordBytes}`;
}

export type RecordRead =
  | { readonly kind: "record"; readonly record: ClaimRecord }
  | { readonly kind: "bad"; readonly reason: string };

/** The same text for the same record. */
export function printRecord(record: ClaimRecord): string {
  const lines = [
    head,
    ...[...Map.groupBy(record.values(), ({ namespace }) => namespace)]
      .sort(([a], [b]) => compareText(a, b))
      .flatMap(([, entries]) => linesOf(entries)),
  ];
  const body = `${lines.join("\n")}\n`;
  return `${body}sha256 ${checksum(body)}\n`;
}

/** An empty text is an empty record. `bad`: words that follow "it". */
export function readRecord(text: string): RecordRead {
  if (text === "") return { kind: "record", record: new Map() };
  if (Buffer.byteLength(text) > recordBytes) return bad(`has more than ${recordBytes} bytes`);
  if (!text.startsWith(`${head}\n`)) return bad("is not one that this version writes");
  const end = text.lastIndexOf("sha256 ");
  if (end < 0 || text.slice(end) !== `sha256 ${checksum(text.slice(0, end))}\n`)
    return bad("was cut or edited: its checksum is wrong");
  const record = new Map<string, ClaimEntry>();
  for (const line of text
    .slice(head.length + 1, end)
    .split("\n")
    .slice(0, -1)) {
    const entries = readLine(line);
    if (entries === null) return bad("holds a line that this version does not write");
    for (const one of entries) record.set(entryKey(one.namespace, one.thing), one);
  }
  return { kind: "record", record };
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

function readLine(line: string): readonly ClaimEntry[] | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (!isRecord(value)) return null;
  const { sinceMs, namespace, names, prefix, exact, anyCase, host, hostRegex } = value;
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

function checksum(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function bad(reason: string): RecordRead {
  return { kind: "bad", reason };
}
