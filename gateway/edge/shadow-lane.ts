// What one shadow Upstream has under way in this worker, so that a slow one holds a share of what copies may use and never all of it.
import type { Attachment } from './attachment.ts';
import { ShadowBackOff } from './shadow-backoff.ts';
import type { ShadowCopy } from './shadow.ts';

/** A copy waiting for its turn at one shadow. */
export interface Queued {
  readonly copy: ShadowCopy;
  readonly target: Attachment;
}

export class ShadowLane {
  readonly backOff = new ShadowBackOff();
  readonly queue: Queued[] = [];
  inFlight = 0;

  /** Nothing is under way. */
  get isIdle(): boolean {
    return this.inFlight === 0 && this.queue.length === 0;
  }
}

/** What each of `lanes` shadows may hold of `total` slots: as much as if one more wanted some, so that one that comes finds room. Rounded up. */
export function shareOf(total: number, lanes: number): number {
  return Math.ceil(total / (lanes + 1));
}
