// Front: what holds of every connection and request of a client, whatever its Route. Options say it, and where they do not, the table, which may
// say something else while the gateway runs.
import type { FrontSettings } from '../../../routing/table-change.ts';
import type { Settings } from '../../settings.ts';

/** One object until something of it changes. */
export interface Front {
  /** Proxies in front that are believed. */
  readonly trustedHops: number;
  /** A client's x-request-id is the request's id, also where nobody in front is believed. */
  readonly keepsRequestId: boolean;
  /** A head is looked at before anything else is: it may be refused, or lose fields. */
  readonly looksAtHeads: boolean;
  readonly underscores: FrontSettings['underscores'];
  readonly refusesEscapedSlashes: boolean;
  /** An idle client connection, ms. */
  readonly connectionIdleMs: number;
}

/** What holds while the table says this; null: nothing. */
export function frontOf(settings: Pick<Settings, 'trustedHops' | 'connectionIdleWritten' | 'limits'>, said: FrontSettings | null): Front {
  const { connectionIdleTimeoutMs } = settings.limits;
  const underscores = said?.underscores ?? 'allow';
  const refusesEscapedSlashes = said?.refusesEscapedSlashes ?? false;
  return Object.freeze({
    trustedHops: settings.trustedHops ?? said?.trustedHops ?? 0,
    keepsRequestId: said?.keepsRequestId ?? false,
    looksAtHeads: underscores !== 'allow' || refusesEscapedSlashes,
    underscores,
    refusesEscapedSlashes,
    connectionIdleMs: settings.connectionIdleWritten ? connectionIdleTimeoutMs : (said?.connectionIdleMs ?? connectionIdleTimeoutMs),
  });
}
