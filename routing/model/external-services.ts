// External services: who is asked about requests before they go on, as Ambassador's AuthService and RateLimitService say it. Plain values of JSON:
// they lie in the table, so that a worker has them and the Upstreams that they name in one step.

/** Where a service is asked. */
export interface ServicePlace {
  /** Key of its Upstream. */
  readonly upstream: string;
  /** `host:port`, as it was written. */
  readonly authority: string;
}

/** `include_body`. */
export interface IncludedBody {
  /** 1..`mostIncludedBytes`. */
  readonly maxBytes: number;
  /** A longer body is cut for the service; false: its request is answered 413. */
  readonly allowPartial: boolean;
}

/** What Ambassador's AuthService says. Names of fields are in lower case. */
export interface AuthService {
  readonly proto: "http" | "grpc";
  /** One or more, asked in equal shares. */
  readonly places: readonly ServicePlace[];
  /** 0: no limit but that of the request. */
  readonly timeoutMs: number;
  /** Stands before the path of each request that the service is asked about (http). */
  readonly pathPrefix: string;
  /** What of a request's fields an HTTP service is shown; a gRPC service is shown all. */
  readonly requestHeaders: readonly string[];
  /** What of its answer's fields reaches the model, or with a refusal the client (http). */
  readonly answerHeaders: readonly string[];
  /** Fields that the model believes because only the service sets them: a client's own are taken out. */
  readonly trustedHeaders: readonly string[];
  /** Fields that each request to the service gets (http). */
  readonly addedHeaders: readonly (readonly [name: string, value: string])[];
  /** Each request to the service says by `l5d-dst-override` where it goes (http). */
  readonly addLinkerdHeaders: boolean;
  readonly body: IncludedBody | null;
  /** Of the answer where the service cannot be asked, 400..599. */
  readonly statusOnError: number;
  /** Requests go on where the service cannot be asked. */
  readonly failureModeAllow: boolean;
}

/** What Ambassador's RateLimitService says. */
export interface RateLimitService {
  readonly place: ServicePlace;
  /** Of the labels that count. */
  readonly domain: string;
  /** 1 or more. */
  readonly timeoutMs: number;
  /** Requests are refused where the service cannot be asked. */
  readonly failureModeDeny: boolean;
  /** A gRPC call over its limit is RESOURCE_EXHAUSTED; false: UNAVAILABLE, as Envoy has it. */
  readonly resourceExhausted: boolean;
  /** What the label `source_cluster` says. */
  readonly sourceCluster: string;
}

/** `closed`: somebody wants one, and what it says cannot be read: whoever it would be asked about is refused. */
export type Consulted<S> =
  | { readonly kind: "none" }
  | { readonly kind: "closed" }
  | { readonly kind: "service"; readonly service: S };

export interface ExternalServices {
  readonly auth: Consulted<AuthService>;
  readonly rateLimit: Consulted<RateLimitService>;
}

const none = Object.freeze({ kind: "none" } as const);

export const noExternalServices: ExternalServices = Object.freeze({ auth: none, rateLimit: none });

/** Longest body that a service is shown: each is held twice while it is asked. */
export const mostIncludedBytes = 4 * 1024 * 1024;
