// What is in use on one way of an explained request: of its limits for the caller, and of the circuit breaker of its Upstream.
import { printLimit } from "../../routing/model/rate-limit.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import type { RateLimit } from "../../routing/model/guard.ts";
import { limitsOf } from "../callers/effective-limits.ts";
import { nameText, type NamedCaller } from "../callers/words.ts";
import type { ExplainRequest } from "../explain/explanation.ts";
import type { WayUsage } from "../explain/usage.ts";
import type { Way } from "../explain/ways.ts";
import type { LimitedClient, LimitLook } from "../shared/memory/limit-memory.ts";
import { breakerFill } from "./view/breakers.ts";
import type { EndpointParts } from "./endpoint.ts";

/** `look` null: replicas count limits together in Redis, which is not read. */
export function wayUsage(
  { view, blocks, policy }: EndpointParts,
  { headers }: ExplainRequest,
  { decision }: Way,
  caller: NamedCaller | null,
  look: LimitLook | null,
): WayUsage {
  if (decision.kind === "reject") return { usage: [], refuses: null };
  const { mapping: id } = decision;
  const mapping = view.routeOf(id)?.mappings.find((one) => one.id === id);
  if (mapping === undefined) return { usage: [], refuses: null };
  const all = [...limitUses(mapping), ...breakerUses(mapping)];
  return { usage: all.map(({ text }) => text), refuses: all.find(({ refuses }) => refuses !== null)?.refuses ?? null };

  function limitUses({ guard, namespace, source }: Mapping): readonly Use[] {
    const owner = { namespace, object: `${source.kind} ${source.namespace}/${source.name}` };
    return limitsOf(guard, namespace, policy()).limits.map((limit) => {
      const name = `the limit ${printLimit(limit)}`;
      if (look === null)
        return { text: `${name}: replicas count it together in Redis, which explain does not read`, refuses: null };
      const client = clientOf(limit, headers, caller);
      if (typeof client === "string") return { text: `${name}: ${client}`, refuses: null };
      const left = look.left(limit, owner, client.client);
      const text = `${name}: ${left} of ${limit.burst} requests left for ${client.words}`;
      return { text, refuses: left > 0 ? null : { step: "rate-limit", sentence: text } };
    });
  }

  function breakerUses({ target }: Mapping): readonly Use[] {
    if (target.kind === "redirect") return [];
    const fill = breakerFill(blocks, view.counted.breakers, target.upstream, target.priority);
    if (fill === null) return [];
    const text = `the circuit breaker of ${target.upstream}: ${fill.map(({ resource, inUse, limit }) => `${inUse} of ${limit} ${resource}`).join(", ")}`;
    const full = fill.find(
      ({ resource, inUse, limit }) => resource !== "retries" && resource !== "connections" && inUse >= limit,
    );
    return [{ text, refuses: full === undefined ? null : { step: "circuit breaker", sentence: text } }];
  }
}

interface Use {
  readonly text: string;
  readonly refuses: WayUsage["refuses"];
}

/** Who is counted; a text: why that is not known. */
function clientOf(
  { per }: RateLimit,
  headers: ExplainRequest["headers"],
  caller: NamedCaller | null,
): { readonly client: LimitedClient; readonly words: string } | string {
  switch (per.kind) {
    case "all":
      return { client: { kind: "all" }, words: "all callers together" };
    case "header": {
      const values = headers.flatMap(([name, value]) => (name.toLowerCase() === per.name ? [value] : []));
      return {
        client: { kind: "header", values },
        words: values.length === 0 ? `all requests without ${per.name}` : `requests with this ${per.name}`,
      };
    }
    case "client":
      return caller === null || caller.client === ""
        ? "it counts each client by itself: write --as PROVIDER/CLIENT, or send the client's credentials"
        : { client: { kind: "client", ...caller }, words: nameText(caller) };
    case "address":
      return "it counts each client address by itself, which the request does not say";
  }
}
