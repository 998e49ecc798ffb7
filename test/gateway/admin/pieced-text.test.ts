import { expect, test } from 'vitest';
import { PiecedText, pieceBytes } from '../../../gateway/admin/pieced-text.ts';

function textOf(text: PiecedText): string {
  return Buffer.concat([...text.pieces()]).toString();
}

test.each([pieceBytes - 1, pieceBytes, pieceBytes + 1, 3 * pieceBytes + 7])('a text of %i bytes is what was written, whatever its characters', (bytes) => {
  for (const part of ['x', 'ü', '€', '😀', 'abcdefg😀h'.repeat(50)]) {
    const parts = Math.ceil(bytes / Buffer.byteLength(part));
    const text = new PiecedText();
    for (let count = 0; count < parts; count++) text.write(part);
    expect(textOf(text) === part.repeat(parts)).toBe(true);
    expect(text.byteLength).toBe(parts * Buffer.byteLength(part));
  }
});

test('a part that is longer than a piece is written whole', () => {
  const text = new PiecedText();
  text.write('a');
  text.write('ü'.repeat(2 * pieceBytes));
  text.write('z');
  expect(textOf(text) === `a${'ü'.repeat(2 * pieceBytes)}z`).toBe(true);
});

test('what is freed holds no memory', () => {
  const text = new PiecedText();
  for (let count = 0; count < 3 * pieceBytes; count++) text.write('x');
  const pieces = [...text.pieces()];
  expect(pieces.map(({ buffer }) => buffer.byteLength)).toEqual([pieceBytes, pieceBytes, pieceBytes]);
  text.free();
  expect(pieces.map(({ buffer }) => buffer.byteLength)).toEqual([0, 0, 0]);
  expect([...text.pieces()]).toEqual([]);
});
