// Translation: what the objects of a Snapshot mean for routing. The contract between k8s/translate, the control plane and the tools.
import type { HostDeclaration } from "../../../routing/model/host-tls.ts";
import type { Mapping } from "../../../routing/model/mapping.ts";
import type { ObjectRef, Problem } from "../../../routing/text/problem.ts";
import type { TableSettings } from "../../../routing/model/table-change.ts";
import type { Breaker, Upstream, UpstreamEndpoints } from "../../../routing/model/upstream.ts";

/** What the operator of the gateway chose; the same for every object. */
export interface TranslateSettings {
  /** Own ids, one or more: `--ambassador-id` (routing rule 11). */
  readonly ambassadorIds: readonly string[];
  /** Watched namespaces; empty: all. Objects elsewhere do not exist. */
  readonly namespaces: readonly string[];
  /** The single namespace of `--single-namespace`, or null. */
  readonly singleNamespace: string | null;
  readonly claims: "open" | "granted";
  readonly bareNames: "on" | "off";
  /** Answers of models name their predictor in `x-sluice-predictor`, unless a SeldonDeployment says otherwise (`--answered-by`). */
  readonly answeredBy: boolean;
  /** Rollouts and bandits move traffic. */
  readonly releases: boolean;
  /** Seldon's OAuth gateway is served (`--oauth`). */
  readonly oauth: boolean;
  /** Read Mapping objects and `getambassador.io/config` on Services (`--mappings`; always true in a folder). */
  readonly mappings: boolean;
  /** `service`: dial ClusterIPs and names instead of Endpoints (`--dial`). */
  readonly dial: "endpoints" | "service";
  /** `folder`: loopback is allowed, a Service that is not among the manifests is resolved by DNS. `cluster`: neither. */
  readonly source: "folder" | "cluster";
  /** Addresses never to dial: the API server's and the gateway's own (`ip` or `ip:port`). */
  readonly forbiddenAddresses: readonly string[];
  readonly grants: readonly Grant[];
  /** Namespace of the gateway itself: what configures the whole gateway counts only there, or by a Grant; null: nobody has said which it is. */
  readonly gatewayNamespace: string | null;
  /** Default time to the response head, ms; 0 none (`--default-timeout-ms`, 3000). */
  readonly defaultTimeoutMs: number;
  /** A Service without any EndpointSlice: `ready` for tools that read an export without them, `unready` for a gateway. Such an export has no Secrets either (`missingSecretLevel`). */
  readonly withoutSlices: "ready" | "unready";
}

/** An operator's permission for a namespace to claim what it does not own. Read from `--grants FILE`. */
export interface Grant {
  readonly namespace: string;
  /** Path prefixes it may claim outside its own space; `/seldon/<other>/…` grants into that namespace. */
  readonly prefixes: readonly string[];
  /** Hosts the prefixes are limited to; empty: any. Globs as in `hostname`. */
  readonly hosts: readonly string[];
  /** Bare gRPC names reserved for it. */
  readonly grpcNames: readonly string[];
  /** Upstream hosts outside the namespace that its Mappings may name (`payments.billing`, `api.example.com`, `10.0.0.7`, globs). */
  readonly upstreams: readonly string[];
  /** May use `prefix_regex` and `precedence` in shared space. */
  readonly regex: boolean;
  readonly precedence: boolean;
  /** true: deeper prefixes stay open to others' claims. */
  readonly open: boolean;
  /** EndpointSlices that no Kubernetes controller manages are accepted. */
  readonly endpointSlices: boolean;
  /** `sluice.io/auth: none` holds, whatever the policy says where nobody says anything. */
  readonly anonymous: boolean;
  /** What configures the whole gateway (Module, Host, AuthService, RateLimitService) counts from it as from the gateway's own namespace. */
  readonly gateway: boolean;
}

/** How a predictor's Service was chosen; `explain` prints it (routing rule 13). */
export interface ServiceChoice {
  readonly mapping: string;
  readonly candidates: readonly string[];
  readonly chosen: string;
  readonly exists: boolean;
}

/** An object that another gateway serves. */
export interface OfAnother {
  readonly ref: ObjectRef;
  /** Its ambassador-ids, none of which is the gateway's own. */
  readonly ids: readonly string[];
}

/** The meaning of a whole Snapshot. */
export interface Translation {
  readonly settings: TableSettings;
  /** By id. */
  readonly mappings: ReadonlyMap<string, Mapping>;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly endpoints: ReadonlyMap<string, UpstreamEndpoints>;
  /** Breakers of each Upstream, without the Upstream being made. */
  readonly breakers: ReadonlyMap<string, readonly Breaker[]>;
  /** Which Service a predictor has, by the id of its REST Mapping; null for any other. */
  choiceOf(mapping: string): ServiceChoice | null;
  /** Was a SeldonDeployment scaled to 0, so that nothing of it is meant to answer? */
  isScaledToZero(namespace: string, name: string): boolean;
  /** How hosts are served by TLS, as objects say: in order, of several with one host the first has it. The same list until that changes. */
  readonly hosts: readonly HostDeclaration[];
  readonly ofAnother: readonly OfAnother[];
  readonly problems: readonly Problem[];
}

/** What one change of the Snapshot changed. */
export interface TranslationChange {
  readonly mappings: readonly Mapping[];
  readonly removedMappings: readonly string[];
  readonly upstreams: readonly Upstream[];
  readonly removedUpstreams: readonly string[];
  /** Upstreams whose addresses or ready bit changed. */
  readonly endpoints: readonly UpstreamEndpoints[];
  /** Keys of `endpoints` whose ready bit changed, that are ending from now on or no longer, or that are new: only these touch Routes. */
  readonly flipped: readonly string[];
}
