import { expect, it } from 'vitest';
import { OutBuffer } from '../../../../gateway/edge/io/out-buffer.ts';

it('shows what was put, also where a view of that length was shown before the buffer grew', () => {
  const out = new OutBuffer(16);
  out.putAll(Buffer.from('one'));
  expect(out.view().toString()).toBe('one');
  out.drop();
  out.putAll(Buffer.alloc(40, 'x'));
  expect(out.view().toString()).toBe('x'.repeat(40));
  out.drop();
  out.putAll(Buffer.from('two'));
  expect(out.view().toString()).toBe('two');
});

it.each([2047, 2048, 2049])('shows %i bytes, twice', (length) => {
  const out = new OutBuffer();
  for (const letter of ['a', 'b']) {
    out.putAll(Buffer.alloc(length, letter));
    expect(out.view().toString()).toBe(letter.repeat(length));
    out.drop();
  }
});
