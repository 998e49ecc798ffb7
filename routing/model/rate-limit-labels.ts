// Labels of Mappings: what a rate limit service is told of a request (Ambassador `labels`).

export type Label =
  | { readonly kind: "generic"; readonly key: string; readonly value: string }
  /** A request without the field has no descriptor of this group, or, if `optional`, one without this entry. */
  | { readonly kind: "header"; readonly key: string; readonly header: string; readonly optional: boolean }
  /** The trusted address of the client. */
  | { readonly kind: "remote-address" }
  | { readonly kind: "source-cluster" }
  | { readonly kind: "destination-cluster" };

/** Is a domain another one but for letter case and `-_.`? `team-a` and `team-b` are two domains. */
export function isMisspeltDomain(domain: string, served: string): boolean {
  return domain !== served && bare(domain) === bare(served);
}

function bare(domain: string): string {
  return domain.toLowerCase().replace(/[-_.]/g, "");
}

/** Each group makes one descriptor. */
export interface LabelGroup {
  readonly domain: string;
  readonly labels: readonly Label[];
}
