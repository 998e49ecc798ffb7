// Keys of digests of what tenants write: drawn, so that nobody can make two texts that have one digest.
import { randomInt } from 'node:crypto';
import { digestKey, type DigestKey } from '../../routing/digest.ts';

export function drawnKey(): DigestKey {
  return digestKey({ high: randomInt(2 ** 32), low: randomInt(2 ** 32) });
}
