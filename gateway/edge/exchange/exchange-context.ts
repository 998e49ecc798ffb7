// ExchangeContext: what all exchanges of a worker share: the current table, copies for shadows, ids. One object, made once.
import { emptyTable } from '../../../routing/table.ts';
import type { RouteTable } from '../../../routing/table.ts';
import type { WorkerContext } from '../io/worker-context.ts';
import { RequestIds } from '../message/request-id.ts';
import type { LazyMapping } from '../policy/compiled-mapping.ts';
import { probeStep } from '../policy/probe.ts';
import type { Step } from '../policy/step.ts';
import type { ShadowSender } from '../shadow/shadow-sender.ts';
import type { UpstreamContext } from '../upstream/upstream-context.ts';

export class ExchangeContext {
  readonly worker: WorkerContext;
  readonly upstream: UpstreamContext;
  readonly shadows: ShadowSender;
  readonly ids = new RequestIds();
  /** The one reference to the current table. A request reads it once. */
  table: RouteTable<LazyMapping> = emptyTable<LazyMapping>();
  /** Counter slots by id of the Mapping, for rejects. */
  readonly slots = new Map<string, number>();
  /** What check_ready answers. */
  ready = false;
  /** Of requests for which there is no Route. */
  readonly stepsWithoutRoute: readonly Step[] = [probeStep(this)];

  constructor(upstream: UpstreamContext, shadows: ShadowSender) {
    this.worker = upstream.worker;
    this.upstream = upstream;
    this.shadows = shadows;
  }

  /** −1: a Mapping of which nothing is counted. */
  slotOf(mappingId: string): number {
    return this.slots.get(mappingId) ?? -1;
  }
}
