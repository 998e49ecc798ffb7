// Raw Mappings: one AmbassadorMapping document, decoded with all fields that Ambassador knows, in the shapes of v0 to v3alpha1.
import type { ForwardTarget, RedirectTarget, TimeLimit } from "../../../routing/model/mapping.ts";
import type { Match } from "../../../routing/model/match.ts";
import { defaultConnectTimeoutMs } from "../../../routing/model/upstream.ts";
import type { Fields } from "../fields/fields.ts";
import { defaultable, type Defaultable } from "../meaning/module-defaults.ts";
import { plainTarget } from "../meaning/plain-target.ts";
import { decodeEdits } from "./edits.ts";
import { decodeMatch } from "./match.ts";
import { decodeCors, decodeExternalPolicy, decodeRetry, decodeUpgrades } from "./policy.ts";
import { decodeBreakers, decodeHealthCheck, decodeLoadBalancer } from "./pool.ts";
import { decodeRedirect } from "./redirect.ts";
import { decodeHostRewrite, decodeRewrite } from "./rewrite.ts";
import { parseService, type RawService } from "../backends/service-address.ts";
import { saysNothing } from "./said.ts";
import { defaultIdleMs } from "../deployments/time-limits.ts";
import { checkUnread } from "../fields/unread-fields.ts";
import { defaultUpstreamLimits, type UpstreamLimits } from "../backends/upstreams.ts";
import { tlsNameIn } from "../backends/tls.ts";
import { quoted } from "../values/value.ts";

/** One raw Mapping by itself: what its document says, before Services, TLS and tenancy are looked at. */
export interface RawMapping {
  readonly kind: "Mapping";
  readonly name: string;
  /** Field of the document, for Problems. */
  readonly field: string;
  readonly match: Match;
  readonly precedence: number;
  readonly weight: number | null;
  readonly shadow: boolean;
  readonly grpc: boolean;
  /** null for a redirect. */
  readonly service: RawService | null;
  readonly redirect: RedirectTarget | null;
  /** Name of a TLSContext; "" for TLS without one; null: as the service says. */
  readonly tls: string | null;
  readonly target: Omit<ForwardTarget, "upstream" | "dialService">;
  readonly limits: UpstreamLimits;
  /** `resolver`, or null: the gateway's `--dial`. */
  readonly dial: "endpoints" | "service" | null;
  /** `add_linkerd_headers`. */
  readonly linkerd: boolean;
  /** Own ambassador-id of the gateway under which it is served: which Module gives its defaults. */
  readonly id: string;
  /** Fields that it says itself, of those that a Module may say for it. */
  readonly said: readonly Defaultable[];
  readonly regexes: number;
}

/** Decodes a document's fields; `id`: as in RawMapping. null when it is not valid, which has been reported. */
export function decodeRawMapping(
  name: string,
  field: string,
  id: string,
  fields: Fields,
  defaultTimeoutMs: number,
  owner: string,
): RawMapping | null {
  const match = decodeMatch(fields);
  const shadow = fields.boolean("shadow");
  const grpc = fields.boolean("grpc");
  const written = fields.text("service");
  const redirect = decodeRedirect(fields, written, shadow);
  const tls = tlsNameIn(fields);
  const service = redirect === null ? parseService(written ?? "", tls !== null) : null;
  if (redirect === null && service === null && !fields.unreadable.has("service"))
    fields.refuse(
      "bad-value",
      "service",
      `${quoted(written ?? "")} is not a service; write name:port or name.namespace:port`,
    );
  const rewrite = decodeRewrite(fields);
  const weight = fields.weight("weight");
  const raw: Omit<RawMapping, "regexes" | "match" | "said"> = {
    kind: "Mapping",
    name,
    field,
    precedence: fields.integer("precedence") ?? 0,
    weight,
    shadow,
    grpc,
    service,
    redirect,
    tls,
    target: {
      ...plainTarget,
      rewrite: rewrite ?? plainTarget.rewrite,
      hostRewrite: decodeHostRewrite(fields),
      requestHeaders: decodeEdits(fields, "request"),
      responseHeaders: decodeEdits(fields, "response"),
      timeout: decodeLimit(fields, "timeout_ms", owner) ?? { ms: defaultTimeoutMs, setBy: null },
      idleTimeout: decodeLimit(fields, "idle_timeout_ms", owner) ?? { ms: defaultIdleMs, setBy: null },
      retry: decodeRetry(fields),
      loadBalancer: decodeLoadBalancer(fields),
      priority: decodePriority(fields),
      cors: decodeCors(fields),
      upgrades: decodeUpgrades(fields),
      externalPolicy: decodeExternalPolicy(fields),
    },
    limits: decodeUpstreamLimits(fields, grpc),
    dial: decodeResolver(fields),
    linkerd: fields.boolean("add_linkerd_headers"),
    id,
  };
  const said = defaultable.filter((one) => !saysNothing(fields, one, { ...raw.target, limits: raw.limits }));
  checkUnread(fields);
  return match === null || rewrite === null || fields.unreadable.size > 0
    ? null
    : { ...raw, match, said: said.length === 0 ? nothingSaid : said, regexes: fields.regexes };
}

const nothingSaid: readonly Defaultable[] = Object.freeze([]);

function decodeLimit(fields: Fields, name: string, owner: string): TimeLimit | null {
  const ms = fields.integer(name);
  return ms === null ? null : { ms, setBy: `${name} of ${owner}` };
}

function decodePriority(fields: Fields): "default" | "high" {
  const written = fields.text("priority");
  if (written !== "high" && written !== null && written !== "default")
    fields.bad("priority", written, "default or high");
  return written === "high" ? "high" : "default";
}

function decodeUpstreamLimits(fields: Fields, grpc: boolean): UpstreamLimits {
  const connect = fields.integer("connect_timeout_ms");
  const idle = fields.integer("cluster_idle_timeout_ms");
  const lifetime = fields.integer("cluster_max_connection_lifetime_ms");
  const breakers = decodeBreakers(fields);
  const healthCheck = decodeHealthCheck(fields, grpc);
  if (connect === null && idle === null && lifetime === null && breakers.length === 0 && healthCheck === null)
    return defaultUpstreamLimits;
  return {
    connectTimeoutMs: connect ?? defaultConnectTimeoutMs,
    idleTimeoutMs: idle === 0 ? null : idle,
    maxLifetimeMs: lifetime === 0 ? null : lifetime,
    breakers,
    healthCheck,
  };
}

/** `resolver`; null: not written, or of no use. */
export function decodeResolver(fields: Fields): RawMapping["dial"] {
  const written = fields.text("resolver");
  if (written === null) return null;
  if (written === "kubernetes-service") return "service";
  if (written === "endpoint" || written === "kubernetes-endpoint") return "endpoints";
  fields.bad("resolver", written, "kubernetes-service or endpoint");
  return null;
}
