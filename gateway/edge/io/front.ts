// Front: what holds of every connection and request of a client, whatever its Route. Options say it, and where they do not, the table, which may
// say something else while the gateway runs.
import { AddressBlocks } from "../../../routing/text/address-block.ts";
import type { AddressRule, FrontSettings } from "../../../routing/model/table-change.ts";
import type { Settings } from "../../options/settings.ts";

/** One object until something of it changes. */
export interface Front {
  /** Proxies in front that are believed. */
  readonly trustedHops: number;
  /** The address of a client cannot be known: how many proxies to believe is said, and cannot be read. */
  readonly addressUnknown: boolean;
  /** Null: any address may call. */
  readonly addresses: readonly FrontAddresses[] | null;
  /** A client's x-request-id is the request's id, also where nobody in front is believed. */
  readonly keepsRequestId: boolean;
  readonly underscores: FrontSettings["underscores"];
  readonly refusesEscapedSlashes: boolean;
  /** An idle client connection, ms. */
  readonly connectionIdleMs: number;
}

/** Lists, ready to be asked; null: an empty one, which holds nothing. */
export interface FrontAddresses {
  readonly kind: AddressRule["kind"];
  readonly peer: AddressBlocks | null;
  readonly remote: AddressBlocks | null;
}

function compiled({ kind, peer, remote }: AddressRule): FrontAddresses {
  const blocksOf = (list: readonly string[]): AddressBlocks | null =>
    list.length === 0 ? null : new AddressBlocks(list);
  return { kind, peer: blocksOf(peer), remote: blocksOf(remote) };
}

/** What holds while the table says this; null: nothing. */
export function frontOf(
  settings: Pick<Settings, "trustedHops" | "connectionIdleWritten" | "limits">,
  said: FrontSettings | null,
): Front {
  const { connectionIdleTimeoutMs } = settings.limits;
  const hops = settings.trustedHops ?? said?.trustedHops ?? 0;
  return Object.freeze({
    trustedHops: hops === "unknown" ? 0 : hops,
    addressUnknown: hops === "unknown",
    addresses: said === null || said.addresses.length === 0 ? null : said.addresses.map(compiled),
    keepsRequestId: said?.keepsRequestId ?? false,
    underscores: said?.underscores ?? "allow",
    refusesEscapedSlashes: said?.refusesEscapedSlashes ?? false,
    connectionIdleMs: settings.connectionIdleWritten
      ? connectionIdleTimeoutMs
      : (said?.connectionIdleMs ?? connectionIdleTimeoutMs),
  });
}
