// The routing table of a whole Translation, for tools and for programs that use Sluice as a library: nothing of it is counted, resolved or dialled.
import type { Translation } from "../../k8s/translate/model/translation.ts";
import { privateTable } from "../../routing/private-table.ts";
import type { RouteTable } from "../../routing/table.ts";

/** Throws ArenaFull where 1 GiB is not enough. */
export function tableOf({
  settings,
  mappings,
  upstreams,
  endpoints,
}: Pick<Translation, "settings" | "mappings" | "upstreams" | "endpoints">): RouteTable<null> {
  const whole = {
    settings,
    mappings: [...mappings.values()].map((mapping) => ({ mapping, slot: -1 })),
    removedMappings: [],
    upstreams: [...upstreams.values()].map((upstream) => ({ upstream, breakerSlot: -1 })),
    removedUpstreams: [],
    endpoints: [...endpoints.values()],
    endpointSlots: [],
    failing: [],
  };
  return privateTable<null>(whole, () => null);
}
