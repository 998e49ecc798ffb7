// Clients of Seldon's OAuth gateway: for each SeldonDeployment with a key, who may ask for tokens of it. Digests only.

export interface OAuthClient {
  /** Digest of the SeldonDeployment, its key and its secret: what tokens are of, so that they end with any of these. */
  readonly id: string;
  /** Digests of the names that it asks by. Several clients may have one: then the secret tells. */
  readonly names: readonly string[];
  /** Digest of its secret, made out to the SeldonDeployment. */
  readonly secret: string;
  readonly namespace: string;
  /** Name of the SeldonDeployment. */
  readonly deployment: string;
}

/** What changed; `whole`: these are all. */
export interface OAuthClientsChange {
  readonly whole: boolean;
  readonly set: readonly OAuthClient[];
  /** Ids. */
  readonly removed: readonly string[];
}
