// HeadEdits: what a Mapping changes in the head of a request, as the writers of both protocols need it.
import type { CompiledRewrite } from "../../../routing/route/rewrite.ts";
import type { Upstream } from "../../../routing/model/upstream.ts";
import { fieldNamed } from "../../../routing/request/bytes.ts";
import { isFeedback } from "../../../routing/request/feedback.ts";
import type { RequestHead } from "../../../routing/request/head.ts";
import { puidField, type PuidSigner } from "../feedback/puid.ts";
import { isAuthority } from "../fields/authority.ts";
import type { CompiledEdits } from "./header-edits.ts";
import type { OwnLines } from "./own-lines.ts";

export interface HeadEdits {
  readonly rewrite: CompiledRewrite;
  /** `host: …` with its line end, instead of the client's; null: the client's. */
  readonly hostLine: Buffer | null;
  readonly ownLines: OwnLines;
  readonly requestEdits: CompiledEdits | null;
  /** A request that takes one gets a puid that names the predictor; null: none does. */
  readonly puid: PuidSigner | null;
  /** Bytes that this Mapping may add to a head, but for a regex rewrite. */
  readonly headBytes: number;
  /** Where it goes. */
  readonly pool: { readonly upstream: Upstream | null } | null;
}

/** Does it take a puid? The one that its client sent stays, and what feedback is about has its own. */
export function takesPuid(head: RequestHead): boolean {
  return !isFeedback(head) && fieldNamed(head, puidField, 0) < 0;
}

/** Of a request that names no host: servers of HTTP/1.1 refuse one without Host, and some an empty one. It is the Upstream's own name then. */
export function hostLineOfNone({ hostLine, pool }: HeadEdits): Buffer {
  return hostLine ?? hostLineTo(hostOfUpstream(pool?.upstream ?? null) ?? "") ?? emptyHostLine;
}

const emptyHostLine = Buffer.from("host: \r\n");

/** null: it is no Host. */
export function hostLineTo(host: string): Buffer | null {
  return isAuthority(Buffer.from(host), 0, Buffer.byteLength(host)) ? Buffer.from(`host: ${host}\r\n`) : null;
}

/** The Upstream's own DNS name, as `auto_host_rewrite` means it. */
export function hostOfUpstream(upstream: Upstream | null): string | null {
  if (upstream === null) return null;
  const { address } = upstream;
  switch (address.kind) {
    case "service":
      return `${address.name}.${address.namespace}`;
    case "dns":
      return address.host;
    case "address":
      return address.ip.includes(":") ? `[${address.ip}]` : address.ip;
  }
}
