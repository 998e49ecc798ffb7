// Sticky: by what of a request its caller stays with one member of a Route.

/** Header names in lower case; names of cookies and query parameters as written. */
export type StickyOn =
  | { readonly kind: "header"; readonly name: string }
  /** `ttlMs` null: the cookie that the gateway sets lasts as long as the browser's session. */
  | { readonly kind: "cookie"; readonly name: string; readonly ttlMs: number | null }
  | { readonly kind: "query"; readonly name: string }
  /** Who calls, by the providers of identities. */
  | { readonly kind: "client" }
  /** The client's address; of IPv6 its /64. */
  | { readonly kind: "address" };

export interface Sticky {
  readonly on: StickyOn;
  /** Seeds the hash: `namespace/name` of the deployment, the same for REST and gRPC. Callers of two deployments are apart. */
  readonly identity: string;
}

/** `header x-user`, `cookie sluice 3600s`: as the annotation has it. */
export function stickyText(on: StickyOn): string {
  switch (on.kind) {
    case "header":
    case "query":
      return `${on.kind} ${on.name}`;
    case "cookie":
      return `cookie ${on.name}${on.ttlMs === null ? "" : ` ${on.ttlMs / 1000}s`}`;
    case "client":
    case "address":
      return on.kind;
  }
}
