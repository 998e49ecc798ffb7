// Where in a request a token may stand.

export type TokenPlace =
  /** `authorization: Bearer TOKEN` (RFC 6750 §2.1). */
  | { readonly kind: 'authorization' }
  /** The whole value of a field; name in lower case. */
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'cookie'; readonly name: string }
  /** A parameter of the query, which never goes to the model. */
  | { readonly kind: 'query'; readonly name: string };
