// HeadEdits: what a Mapping changes in the head of a request, as the writers of both protocols need it.
import type { CompiledRewrite } from '../../../routing/rewrite.ts';
import type { CompiledEdits } from './header-edits.ts';
import type { OwnLines } from './own-lines.ts';

export interface HeadEdits {
  readonly rewrite: CompiledRewrite;
  /** `host: …` with its line end, instead of the client's; null: the client's. */
  readonly hostLine: Buffer | null;
  readonly ownLines: OwnLines;
  readonly requestEdits: CompiledEdits | null;
  /** Bytes that this Mapping may add to a head, but for a regex rewrite. */
  readonly headBytes: number;
}
