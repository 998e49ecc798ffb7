// Record: one thing of a table, as bytes in an arena: a Route, the Routes of a namespace, an Upstream, a name.
//
//   word 0  serial: different for every record that was ever written, so that what a reader made of a record is known to be of this one
//        1  owner: id of the NamespaceRoutes it belongs to, or is of; of an Upstream its state; or 0
//        2  bytes of the text
//        3  bytes of the content
//        4  number: a small one, for lists by number; records that replace each other keep it
//   text, then content (JSON, UTF-8)
//
// Serial, owner and the end of the text stand in the long slots of an index too (routing/arena/index-page.ts), so that a look-up reads no record.
import { unitBytes, unitWords, type Arena } from "./arena.ts";
import type { Blocks } from "./blocks.ts";

/** Words of a record, from its first. */
export const recordWords = Object.freeze({
  serial: 0,
  owner: 1,
  textBytes: 2,
  contentBytes: 3,
  number: 4,
});

/** Where the text begins, bytes. */
export const textOffset = 20;

export interface RecordHead {
  readonly serial: number;
  readonly owner: number;
  readonly number: number;
  /** Byte text: one character a byte. */
  readonly text: string;
}

/** Writes a record into a block of its own: its first unit. Throws ArenaFull. */
export function writeRecord(
  arena: Arena,
  blocks: Blocks,
  { serial, owner, number, text }: RecordHead,
  content: string,
): number {
  const contentBytes = Buffer.byteLength(content);
  const unit = blocks.take(sizeOf(text.length, contentBytes));
  const { words, text: buffer } = arena;
  const at = unit * unitWords;
  words[at] = serial;
  words[at + 1] = owner;
  words[at + 2] = text.length;
  words[at + 3] = contentBytes;
  words[at + 4] = number;
  const start = unit * unitBytes + textOffset;
  buffer.write(text, start, "latin1");
  buffer.write(content, start + text.length, "utf8");
  return unit;
}

/** Bytes of the record at this unit. */
export function recordBytes({ words }: Arena, unit: number): number {
  const at = unit * unitWords;
  return sizeOf(words[at + recordWords.textBytes]!, words[at + recordWords.contentBytes]!);
}

/** The content of a record. */
export function contentOf({ words, text }: Arena, unit: number): unknown {
  const at = unit * unitWords;
  const start = unit * unitBytes + textOffset + words[at + recordWords.textBytes]!;
  return JSON.parse(text.toString("utf8", start, start + words[at + recordWords.contentBytes]!));
}

/** The text of a record. */
export function textOfRecord({ words, text }: Arena, unit: number): string {
  const start = unit * unitBytes + textOffset;
  return text.toString("latin1", start, start + words[unit * unitWords + recordWords.textBytes]!);
}

function sizeOf(textBytes: number, contentBytes: number): number {
  return textOffset + textBytes + contentBytes;
}
