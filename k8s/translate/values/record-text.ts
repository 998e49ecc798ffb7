// Records as text: what replicas keep in a ConfigMap or a file, and any of them reads again. One line of head, JSON lines, a checksum, so that a record
// that was cut, merged or edited is recognised and not believed.
import { createHash } from "node:crypto";
import { isRecord } from "./value.ts";

/** Longest text of a record, bytes: a ConfigMap holds 1 MiB in all. */
export const recordBytes = 960 * 1024;
/** Of it, for one namespace: none takes the room of the others. */
export const namespaceBytes = 64 * 1024;
/** Why a store does not take the text: a sentence without its end; null: it takes it. */
export function recordExcess(text: string): string | null {
  const bytes = Buffer.byteLength(text);
  return bytes <= recordBytes ? null : `it would have ${bytes} bytes, and a record has at most ${recordBytes}`;
}

export function printRecordText(head: string, lines: readonly string[]): string {
  const body = `${[head, ...lines].join("\n")}\n`;
  return `${body}sha256 ${checksum(body)}\n`;
}

/** What `read` makes of each line; null: no version of this record writes such a line, and it is one of `unread`. An empty text has no line. `bad`: words that follow "it". */
export function readRecordText<T>(
  head: string,
  text: string,
  read: (line: Readonly<Record<string, unknown>>) => T | null,
):
  | { readonly kind: "lines"; readonly lines: readonly T[]; readonly unread: number }
  | { readonly kind: "bad"; readonly reason: string } {
  if (text === "") return { kind: "lines", lines: [], unread: 0 };
  if (Buffer.byteLength(text) > recordBytes) return bad(`has more than ${recordBytes} bytes`);
  if (!text.startsWith(`${head}\n`)) return bad("is not one that this version writes");
  const end = text.lastIndexOf("sha256 ");
  if (end < 0 || text.slice(end) !== `sha256 ${checksum(text.slice(0, end))}\n`)
    return bad("was cut or edited: its checksum is wrong");
  const lines: T[] = [];
  let unread = 0;
  for (const line of text
    .slice(head.length + 1, end)
    .split("\n")
    .slice(0, -1)) {
    const value = parsed(line);
    const made = isRecord(value) ? read(value) : null;
    if (made === null) unread += 1;
    else lines.push(made);
  }
  return { kind: "lines", lines, unread };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function checksum(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function bad(reason: string): { readonly kind: "bad"; readonly reason: string } {
  return { kind: "bad", reason };
}
