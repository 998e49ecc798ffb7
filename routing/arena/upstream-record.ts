// Upstream records: what is known of an Upstream and its Endpoints, as bytes.
import { unitWords, type Arena } from "./arena.ts";
import { patched, patchOf, type Patch } from "./patch.ts";
import { plainUpstreamOf } from "./plain-mapping.ts";
import { contentOf, recordWords, textOfRecord } from "./record.ts";
import type { Endpoint, Upstream, UpstreamEndpoints } from "../model/upstream.ts";
import { stateBits, stateOfBits, stateOfEndpoints, type UpstreamState } from "../route/upstream-state.ts";

/** An Upstream as the table knows it. */
export interface KnownUpstream {
  /** null: Endpoints or Mappings came without a description. */
  readonly upstream: Upstream | null;
  /** null: not told. */
  readonly endpoints: UpstreamEndpoints | null;
  /** Where the data plane counts for each of them, in their order; −1, or none: nowhere. */
  readonly endpointSlots: readonly number[];
  /** Where all workers count what they have in use of it, or −1: each counts alone. */
  readonly breakerSlot: number;
  /** `ip:port` of Endpoints that fail their health check. */
  readonly failing: readonly string[];
}

/** Of an Upstream that the table does not know. */
export const nothingKnown: KnownUpstream = Object.freeze({
  upstream: null,
  endpoints: null,
  endpointSlots: Object.freeze([]),
  breakerSlot: -1,
  failing: Object.freeze([]),
});

/** The key of the Upstream whose record is at this unit. */
export function upstreamKeyAt(arena: Arena, unit: number): string {
  return Buffer.from(textOfRecord(arena, unit), "latin1").toString();
}

/** The `owner` of its record: its state, so that a reader that asks for nothing else parses nothing. */
export function ownerOfUpstream({ endpoints }: KnownUpstream): number {
  return stateBits(stateOfEndpoints(endpoints));
}

/** The state of the Upstream whose record is at this unit. */
export function upstreamStateAt({ words }: Arena, unit: number): UpstreamState {
  return stateOfBits(words[unit * unitWords + recordWords.owner]!);
}

type PackedEndpoint = readonly [ip: string, port: number, state: 0 | 1, slot: number];
type Packed = readonly [
  patch: Patch | null,
  described: 0 | 1,
  ready: -1 | 0 | 1,
  endpoints: readonly PackedEndpoint[],
  breakerSlot: number,
  failing: readonly string[],
];

/** The content of an Upstream's record; its key is the text. */
export function packUpstream({ upstream, endpoints, endpointSlots, breakerSlot, failing }: KnownUpstream): string {
  const packed: Packed = [
    upstream === null ? null : (patchOf(plainUpstreamOf(upstream.key), upstream) ?? null),
    upstream === null ? 0 : 1,
    endpoints === null ? -1 : endpoints.ready ? 1 : 0,
    (endpoints?.endpoints ?? []).map(
      ({ ip, port, state }, at) => [ip, port, state === "ready" ? 1 : 0, endpointSlots[at] ?? -1] as const,
    ),
    breakerSlot,
    failing,
  ];
  return JSON.stringify(packed);
}

/** The Upstream in the record at this unit, whose key is `key`. */
export function upstreamAt(arena: Arena, unit: number, key: string): KnownUpstream {
  const [patch, described, ready, endpoints, breakerSlot, failing] = contentOf(arena, unit) as Packed;
  return {
    upstream: described === 1 ? (patched(plainUpstreamOf(key), patch ?? undefined) as Upstream) : null,
    endpoints:
      ready === -1
        ? null
        : {
            key,
            ready: ready === 1,
            endpoints: endpoints.map(([ip, port, state]): Endpoint => ({
              ip,
              port,
              state: state === 1 ? "ready" : "terminating",
            })),
          },
    endpointSlots: endpoints.map(([, , , slot]) => slot),
    breakerSlot,
    failing,
  };
}
