// The end of a message goes with its last DATA frame, where that has not left yet.
import { expect, test } from 'vitest';
import { FrameOutput } from '../../../gateway/edge/http2/output.ts';
import { Turn } from '../../../gateway/edge/http2/turn.ts';
import type { Transport } from '../../../gateway/edge/transport.ts';

function start(): { output: FrameOutput; frames: () => string[] } {
  let written = Buffer.alloc(0);
  const transport = { congested: false, write: (bytes: Buffer) => ((written = Buffer.concat([written, bytes])), true) } as unknown as Transport;
  const output = new FrameOutput(transport, new Turn(), () => undefined);
  return {
    output,
    /** Type, flags and stream of each frame that was written. */
    frames: () => {
      output.flush();
      const found: string[] = [];
      for (let at = 0; at < written.length; at += 9 + written.readUIntBE(at, 3)) found.push(`${written[at + 3]} ${written[at + 4]} ${written.readUInt32BE(at + 5)}`);
      return found;
    },
  };
}

const body = Buffer.from('body');

test('the last frame of the stream carries the end', () => {
  const { output, frames } = start();
  output.data(1, body, 0, 4, false);
  output.data(3, body, 0, 4, false);
  expect([output.endData(3), output.endData(3)]).toEqual([true, false]);
  expect(frames()).toEqual(['0 0 1', '0 1 3']);
});

test.each<[string, (output: FrameOutput) => void]>([
  ['another stream has sent since', (output) => output.data(3, body, 0, 4, false)],
  ['another frame was put since', (output) => output.windowUpdate(1, 10)],
  ['it has left', (output) => output.flush()],
])('not when %s', (_, meanwhile) => {
  const { output } = start();
  output.data(1, body, 0, 4, false);
  meanwhile(output);
  expect(output.endData(1)).toBe(false);
});

test('a frame that made the buffer leave first is found where it stands', () => {
  const { output, frames } = start();
  const large = Buffer.alloc(16_384);
  for (let frame = 0; frame < 6; frame++) output.data(1, large, 0, large.length, false);
  expect(output.endData(1)).toBe(true);
  expect(frames()).toEqual(['0 0 1', '0 0 1', '0 0 1', '0 0 1', '0 0 1', '0 1 1']);
});
