// The call policy: what the platform says about who may call, with all that data workers need to hold to it. Plain values: it travels between
// threads by structured clone.
import type { RateLimit } from "../../routing/model/guard.ts";
import type { Provider } from "./providers/kinds.ts";

/** What the platform says where an object says nothing. */
export interface Rules {
  /** Names of providers of which one must admit, `none`: anybody; null: it says nothing. */
  readonly auth: readonly string[] | "none" | null;
  /** Canonical blocks of addresses that alone may call, and that may not; null: it says nothing. */
  readonly allow: readonly string[] | null;
  readonly deny: readonly string[] | null;
  /** How much may come of each deployment that does not say so itself; null: it says nothing. */
  readonly limits: readonly RateLimit[] | null;
}

/** They say nothing. */
export const noRules: Rules = Object.freeze({ auth: null, allow: null, deny: null, limits: null });

export interface NamespaceRules extends Rules {
  /** Its objects may say `sluice.io/auth: none` whatever else holds for them. */
  readonly mayOpen: boolean;
}

export interface CallPolicy {
  /** By name. */
  readonly providers: Readonly<Record<string, Provider>>;
  readonly defaults: Rules;
  readonly namespaces: Readonly<Record<string, NamespaceRules>>;
  /** Models get the name of their caller as `x-sluice-client`, which nobody else can send them. */
  readonly clientHeader: boolean;
  /** While Redis is away: each replica counts its share of a limit, or nobody passes one. */
  readonly limitsWithoutRedis: "share" | "close";
}

/** Holds where there is no policy file: whatever says nothing may be called by anybody, and no provider is known. */
export const noPolicy: CallPolicy = Object.freeze({
  providers: {},
  defaults: noRules,
  namespaces: {},
  clientHeader: false,
  limitsWithoutRedis: "share",
});
