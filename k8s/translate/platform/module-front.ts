// Keys of a Module about every connection and request, whatever its Route. Those that decide whose request passes, or who it is taken to come from,
// fail closed: what cannot be read believes nobody and refuses what it would refuse.
import { mostPlatformBlocks, readBlocks } from "../../../routing/text/address-block.ts";
import type { AddressRule, FrontSettings } from "../../../routing/model/table-change.ts";
import type { Fields } from "../fields/fields.ts";
import { decidingRows, type Deciding } from "../fields/module-fields.ts";
import { arrayOf, booleanOf, integerOf, quoted, recordOf, textOf } from "../values/value.ts";

/** What one Module says; null: nothing. */
export interface ModuleFront {
  readonly trustedHops: FrontSettings["trustedHops"];
  readonly keepsRequestId: boolean | null;
  readonly underscores: FrontSettings["underscores"] | null;
  readonly refusesEscapedSlashes: boolean | null;
  readonly connectionIdleMs: number | null;
  readonly addresses: readonly AddressRule[];
}

const maxHops = decidingRows.xff_num_trusted_hops.max;

const actions: ReadonlyMap<string, FrontSettings["underscores"]> = new Map([
  ["ALLOW", "allow"],
  ["DROP_HEADER", "drop"],
  ["REJECT_REQUEST", "refuse"],
]);

/** `readable` false: a key that decides cannot be read, which has been reported, and has its closed value. `lost`: keys that stand where nobody reads them. */
export function decodeFront(
  fields: Fields,
  lost: ReadonlySet<Deciding>,
): { readonly front: ModuleFront; readonly readable: boolean } {
  const keys = new DecidingKeys(fields, lost);
  const front: ModuleFront = {
    trustedHops: keys.read<number | "unknown">(
      "xff_num_trusted_hops",
      hopsOf,
      "unknown",
      `a whole number from 0 to ${maxHops}`,
      "Sluice believes no proxy in front and knows no client's address",
    ),
    underscores: keys.read(
      "headers_with_underscores_action",
      (value) => actions.get(textOf(value)) ?? null,
      "refuse",
      "ALLOW, DROP_HEADER or REJECT_REQUEST",
      "Sluice refuses requests with such headers",
    ),
    refusesEscapedSlashes: keys.read(
      "reject_requests_with_escaped_slashes",
      booleanOf,
      true,
      "true or false",
      "Sluice refuses such requests",
    ),
    keepsRequestId: fields.has("preserve_external_request_id") ? fields.boolean("preserve_external_request_id") : null,
    connectionIdleMs: fields.integer("listener_idle_timeout_ms"),
    addresses: (["allow", "deny"] as const).flatMap(
      (kind) =>
        keys.read(
          `ip_${kind}`,
          (value) => addressesOf(kind, value),
          nobody,
          `peer: or remote: with an address or a block, at most ${mostPlatformBlocks} of them`,
          "Sluice refuses every request",
        ) ?? [],
    ),
  };
  return { front, readable: keys.readable };
}

/** No address is in an empty list. */
const nobody: AddressRule = Object.freeze({ kind: "allow", peer: [], remote: [] });

/** `[{peer: 10.0.0.0/8}, {remote: 192.0.2.7}]`; null: something of it cannot be read. */
function addressesOf(kind: AddressRule["kind"], value: unknown): AddressRule | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > mostPlatformBlocks) return null;
  const lists = { peer: [] as string[], remote: [] as string[] };
  for (const item of arrayOf(value)) {
    const [[place, text] = ["", null], ...more] = Object.entries(recordOf(item));
    if (more.length > 0 || typeof text !== "string" || (place !== "peer" && place !== "remote")) return null;
    const parsed = readBlocks([text.trim()], 1);
    if (parsed.kind === "wrong") return null;
    lists[place].push(...parsed.blocks);
  }
  return { kind, ...lists };
}

function hopsOf(value: unknown): number | null {
  const hops = integerOf(value);
  return hops !== null && hops >= 0 && hops <= maxHops ? hops : null;
}

class DecidingKeys {
  readable = true;
  readonly #fields: Fields;
  readonly #lost: ReadonlySet<Deciding>;

  constructor(fields: Fields, lost: ReadonlySet<Deciding>) {
    this.#fields = fields;
    this.#lost = lost;
  }

  read<V>(name: Deciding, read: (value: unknown) => V | null, closed: V, write: string, outcome: string): V | null {
    const value = this.#fields.take(name);
    if (value === undefined && this.#lost.has(name)) {
      this.readable = false;
      return closed;
    }
    if (value === undefined) return null;
    const said = read(value);
    if (said !== null) return said;
    this.readable = false;
    this.#fields.report(
      "error",
      "bad-value",
      name,
      `${quoted(value)} cannot be read. Without a last good form ${outcome}; write ${write}`,
    );
    return closed;
  }
}

/** What several say together: the strictest, whoever says it. null: none says anything. */
export function strictest(fronts: readonly ModuleFront[]): FrontSettings | null {
  const least = (numbers: readonly (number | null)[]): number | null =>
    numbers.reduce((one, other) => (one === null || other === null ? (one ?? other) : Math.min(one, other)), null);
  const hops = fronts.map(({ trustedHops }) => trustedHops);
  const kept = fronts.flatMap(({ keepsRequestId }) => keepsRequestId ?? []);
  const said = fronts.flatMap(({ underscores }) => underscores ?? []);
  const front: FrontSettings = {
    trustedHops: hops.includes("unknown") ? "unknown" : least(hops.filter((one) => one !== "unknown")),
    keepsRequestId: kept.length > 0 && kept.every(Boolean),
    underscores: said.includes("refuse") ? "refuse" : said.includes("drop") ? "drop" : "allow",
    refusesEscapedSlashes: fronts.some(({ refusesEscapedSlashes }) => refusesEscapedSlashes === true),
    connectionIdleMs: least(fronts.map(({ connectionIdleMs }) => connectionIdleMs)),
    addresses: fronts.flatMap(({ addresses }) => addresses),
  };
  return front.trustedHops === null &&
    !front.keepsRequestId &&
    front.underscores === "allow" &&
    !front.refusesEscapedSlashes &&
    front.connectionIdleMs === null &&
    front.addresses.length === 0
    ? null
    : Object.freeze(front);
}
