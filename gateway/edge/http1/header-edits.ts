// Header edits of a Mapping, compiled once: the names that go, and the lines that come, as bytes.
import type { HeaderEdits } from '../../../routing/mapping.ts';
import { isToken, isValue, lowered } from './characters.ts';
import { kind, kindOf } from './field-kind.ts';

export interface CompiledEdits {
  /** Names in lower case: those removed, and those added instead of what is there. */
  readonly gone: readonly Buffer[];
  /** Whole field lines. */
  readonly lines: Buffer;
}

/** Ambassador's variables: `%DOWNSTREAM_REMOTE_ADDRESS%`. */
const variable = /%[^%]+%/;

/** Fields that frame the message or belong to the connection: no edit touches them. */
const untouchable: readonly number[] = [kind.host, kind.contentLength, kind.transferEncoding, kind.connection, kind.hop, kind.te, kind.trailer, kind.upgrade, kind.expect];

/**
 * Null: no edits. An edit that would break the message (a name that is no token, a value with CR, LF or NUL, a field of the connection) is
 * left out, and so is a value with `%…%` variables, which are not filled in yet: an upstream must not take the variable's name for its
 * value. The control plane reports both.
 */
export function compileEdits(edits: HeaderEdits): CompiledEdits | null {
  if (edits.remove.length === 0 && edits.add.length === 0) return null;
  const added = edits.add.filter(({ name, value }) => isEditable(name) && !variable.test(value) && [...Buffer.from(value)].every((byte) => isValue[byte] === 1));
  const names = [...edits.remove.filter(isEditable), ...added.filter(({ append }) => !append).map(({ name }) => name)];
  return Object.freeze({
    gone: Object.freeze([...new Set(names)].map((name) => Buffer.from(name.toLowerCase()))),
    lines: Buffer.from(added.map(({ name, value }) => `${name}: ${value}\r\n`).join('')),
  });
}

function isEditable(name: string): boolean {
  const bytes = Buffer.from(name);
  return bytes.length > 0 && bytes.every((byte) => isToken[byte] === 1) && !untouchable.includes(kindOf(bytes, 0, bytes.length));
}

/** Does the field named `bytes[start..end)` go? */
export function isGone(edits: CompiledEdits, bytes: Uint8Array, start: number, end: number): boolean {
  const { gone } = edits;
  for (let i = 0; i < gone.length; i++) {
    const name = gone[i]!;
    if (name.length !== end - start) continue;
    let at = 0;
    while (at < name.length && lowered[bytes[start + at]!] === name[at]) at++;
    if (at === name.length) return true;
  }
  return false;
}

/** Does a field that the gateway itself writes (name in lower case) go? */
export function isGoneName(edits: CompiledEdits | null, name: string): boolean {
  return edits !== null && edits.gone.some((gone) => gone.toString('latin1') === name);
}
