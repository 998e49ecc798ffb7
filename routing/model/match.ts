// Match: the conditions on a request that a Mapping states. All must hold.

export type PathMatch =
  /** Byte-wise prefix, not segment aware: `/foo` matches `/foobar` (Ambassador). */
  | { readonly kind: "prefix"; readonly prefix: string; readonly caseSensitive: boolean }
  | { readonly kind: "exact"; readonly path: string; readonly caseSensitive: boolean }
  /** RE2, full match of the path without its query. */
  | { readonly kind: "regex"; readonly pattern: string }
  /**
   * Seldon's gRPC services: the regex `GRPC_PATTERN`, plus reflection and health (routing rule 3). Printed, ordered and measured as that regex;
   * a kind of its own so that lookup goes by the `seldon` metadata and not through one regex a deployment.
   */
  | { readonly kind: "grpc" };

/** What Seldon's operator writes since 1.3 as prefix regex of a gRPC Mapping. */
export const GRPC_PATTERN = "/(seldon.protos.*|tensorflow.serving.*|inference.*)/.*";

export type ValueMatch =
  | { readonly kind: "exact"; readonly value: string }
  | { readonly kind: "regex"; readonly pattern: string }
  | { readonly kind: "present" };

export interface NamedMatch {
  /** Header names in lower case; query names as written. */
  readonly name: string;
  readonly value: ValueMatch;
}

/** Host condition: without port, lower case. */
export type HostMatch =
  | { readonly kind: "any" }
  | { readonly kind: "exact"; readonly host: string }
  /** `*.example.com`: ends with `suffix`, at least one character before it. */
  | { readonly kind: "suffix"; readonly suffix: string }
  /** `foo.*`: starts with `prefix`. */
  | { readonly kind: "prefix"; readonly prefix: string }
  | { readonly kind: "regex"; readonly pattern: string };

export interface Match {
  readonly path: PathMatch;
  readonly host: HostMatch;
  /** null: any method. Exact upper-case token or RE2 full match. */
  readonly method: ValueMatch | null;
  /** In listed order, which element 7 of the match precedence reads. */
  readonly headers: readonly NamedMatch[];
  readonly query: readonly NamedMatch[];
}
