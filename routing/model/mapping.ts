// Mappings: requests that satisfy this Match go to this Upstream, in this Role. The only input of the table.
import type { Guard } from "./guard.ts";
import type { Match } from "./match.ts";
import type { JsonPath } from "../text/json-path.ts";
import type { ObjectRef } from "../text/problem.ts";
import type { LabelGroup } from "./rate-limit-labels.ts";
import type { Sticky } from "./sticky.ts";

/** Part of live traffic, or a copy. */
export type Role =
  | {
      readonly kind: "live";
      /** Declared share of the member (an SD or a raw Mapping) among the members of its Route, percent, or null for "the rest" (routing rule 6, level 1). */
      readonly weight: number | null;
      /** Exact share of this Mapping inside its member, 0..1; the shares of one member's Mappings in one Route sum to 1 (level 2). */
      readonly share: number;
    }
  /** A copy whose response is discarded: `percent` of the Route's requests, 0..100, drawn independently. */
  | { readonly kind: "shadow"; readonly percent: number };

/** A limit in ms and what set it, for the 504's sentence. `ms: 0` is none. */
export interface TimeLimit {
  readonly ms: number;
  /** null: the default, which no manifest wrote (routing rule 17); else for example `annotation seldon.io/rest-timeout`. */
  readonly setBy: string | null;
}

/** What happens to the path (Ambassador `rewrite`, `regex_rewrite`). The query is always kept. */
export type Rewrite =
  | { readonly kind: "none" }
  /** The matched prefix (of a regex Match: the whole path) is replaced by `with`. */
  | { readonly kind: "prefix"; readonly with: string }
  /** RE2 global replace on the path; `\1` in the substitution is group 1. */
  | { readonly kind: "regex"; readonly pattern: string; readonly substitution: string };

/** The Host sent upstream. */
export type HostRewrite =
  | { readonly kind: "client" }
  | { readonly kind: "literal"; readonly host: string }
  /** The Upstream's own DNS name (`auto_host_rewrite`). */
  | { readonly kind: "upstream" };

export interface HeaderAdd {
  /** Lower case. */
  readonly name: string;
  readonly value: string;
  /** true: beside what is there; false: instead of it. */
  readonly append: boolean;
}

/** Header edits of one direction. Removals come first (Envoy's order). Names in lower case. */
export interface HeaderEdits {
  readonly remove: readonly string[];
  readonly add: readonly HeaderAdd[];
}

/** `retryOn` words as Ambassador documents them; gateway/edge/policy/retry-policy.ts serves them. */
export interface RetryPolicy {
  readonly retryOn: readonly string[];
  readonly numRetries: number;
  /** ms, or null: no limit of its own. */
  readonly perTryTimeoutMs: number | null;
}

export type LoadBalancer =
  | { readonly kind: "least-request" }
  | { readonly kind: "round-robin" }
  | {
      readonly kind: "hash";
      readonly policy: "ring_hash" | "maglev";
      readonly on:
        | { readonly kind: "cookie"; readonly name: string; readonly ttlMs: number | null; readonly path: string }
        | { readonly kind: "header"; readonly name: string }
        | { readonly kind: "source-ip" };
    };

export interface Cors {
  readonly origins: readonly string[];
  readonly methods: string;
  readonly headers: string;
  readonly exposedHeaders: string;
  readonly credentials: boolean;
  readonly maxAge: string;
}

/** Fields that steer an AuthService or a RateLimitService; without effect where the gateway has neither. */
export interface ExternalPolicy {
  readonly bypassAuth: boolean;
  readonly authContextExtensions: Readonly<Record<string, string>>;
  /** null: none. */
  readonly labels: readonly LabelGroup[] | null;
}

/** Policy of a forwarded Mapping. Every field applies to this Mapping alone (`Differs:` Ambassador flattens some to the group). */
export interface ForwardTarget {
  readonly kind: "forward";
  /** Key of the Upstream. */
  readonly upstream: string;
  readonly rewrite: Rewrite;
  readonly hostRewrite: HostRewrite;
  readonly requestHeaders: HeaderEdits;
  readonly responseHeaders: HeaderEdits;
  readonly timeout: TimeLimit;
  /** No byte either way for this long ends the exchange; 0 is none. Default 300000. */
  readonly idleTimeout: TimeLimit;
  readonly retry: RetryPolicy | null;
  readonly loadBalancer: LoadBalancer;
  readonly priority: "default" | "high";
  readonly cors: Cors | null;
  /** Lower-case protocols that may be upgraded to: `websocket`. */
  readonly upgrades: readonly string[];
  /** true: dial the ClusterIP or the DNS name instead of Endpoints (Mapping `resolver: kubernetes-service`). */
  readonly dialService: boolean;
  /** true: its predictor is released, and its requests are evidence. */
  readonly released: boolean;
  /** Digest of the model of a predictor that is released: feedback on the answers of another teaches nothing. "": it is not released. */
  readonly model: string;
  readonly externalPolicy: ExternalPolicy;
  /** Of a shadow: the rules by which its answers are compared with the primary's (routing/release/compare/rules.ts). "": they are not. */
  readonly compare: string;
  /** Where feedback has its reward; null: where Seldon's clients have it. */
  readonly rewardPath: JsonPath | null;
}

/** `host_redirect` and its companions: answered by the gateway. */
export interface RedirectTarget {
  readonly kind: "redirect";
  /** New host, or "" to keep the request's. */
  readonly host: string;
  readonly code: 301 | 302 | 303 | 307 | 308;
  readonly path:
    | { readonly kind: "keep" }
    | { readonly kind: "path"; readonly path: string }
    | { readonly kind: "prefix"; readonly with: string }
    | { readonly kind: "regex"; readonly pattern: string; readonly substitution: string };
}

/** Metric labels: from the configuration only. */
export interface Series {
  readonly namespace: string;
  readonly deployment: string;
  readonly predictor: string;
  readonly role: "live" | "shadow";
  readonly protocol: "http" | "grpc";
}

export interface Mapping {
  /** Unique and stable over edits: object, part and protocol. */
  readonly id: string;
  readonly source: ObjectRef;
  /** The namespace that declares it. Mappings of different namespaces never share a Route. */
  readonly namespace: string;
  /** Whose owned space it is looked up in, or null for shared space (routing rule 4). */
  readonly space: string | null;
  /** true for a granted Mapping in shared space: it is tried before every ungranted one. */
  readonly granted: boolean;
  /** The member of the Route that this Mapping belongs to: `SeldonDeployment prod/iris`, `Mapping prod/x`. */
  readonly member: string;
  readonly match: Match;
  /** Higher is tried first, whatever the prefix. Default 0. */
  readonly precedence: number;
  readonly role: Role;
  /** By what callers stay with one member of the Route, as all of its live Mappings must say; null: the draw decides each request. */
  readonly sticky: Sticky | null;
  readonly target: ForwardTarget | RedirectTarget;
  /** Who may call, and how much. */
  readonly guard: Guard;
  readonly series: Series;
}
