// StickyChoice: the member of a Route that the key of a caller falls on (`sluice.io/sticky`), instead of the one that was drawn.
import { randomBytes } from "node:crypto";
import { fieldIs, fieldNamed } from "../../../routing/request/bytes.ts";
import type { ForwardDecision, StickySplit } from "../../../routing/route/decision.ts";
import { noKey, pointOfBytes, pointOfHead, pointOfText } from "../../../routing/route/sticky-key.ts";
import { memberAt } from "../../../routing/route/sticky-split.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import { readClientAddress } from "../message/request-values.ts";
import type { LazyMapping } from "../policy/compiled-mapping.ts";

type Split = StickySplit<LazyMapping>;

/** Bytes of an IPv6 address that say whose it is: who has one address has all of its /64. */
const networkBytes = 8;
const address = new Uint8Array(16);
/** 144 bits: a multiple of three bytes has no padding in base64. */
const cookieBytes = 18;

/** One for each exchange. Holds what belongs to the request that was decided last, where its Route is sticky. */
export class StickyChoice {
  /** Where its key falls; `noKey`: it has none. */
  point = noKey;
  /** Value of `set-cookie` for a client that has no cookie yet; null: none. */
  cookie: string | null = null;

  /** The member for this head. Without a key it is `drawn`. A Route that is sticky by clients is decided later, by `byClient`. */
  byHead(
    drawn: ForwardDecision<LazyMapping>,
    sticky: Split,
    head: WireRequestHead,
    facts: ClientFacts,
    secure: boolean,
  ): ForwardDecision<LazyMapping> {
    this.cookie = null;
    this.point = sticky.on.kind === "address" ? pointOfAddress(sticky, head, facts) : pointOfHead(sticky, head);
    if (this.point === noKey && sticky.on.kind === "cookie") {
      const value = randomBytes(cookieBytes).toString("base64url");
      const { name, ttlMs } = sticky.on;
      this.cookie = cookieLine(name, value, ttlMs, secure || isForwardedSecure(head, facts));
      this.point = pointOfText(sticky.seed, value);
    }
    return this.point === noKey ? drawn : memberAt(sticky, this.point);
  }

  /** The member for a client whose name has just become known. */
  byClient(sticky: Split, client: string): ForwardDecision<LazyMapping> {
    this.point = pointOfText(sticky.seed, Buffer.from(client).toString("latin1"));
    return memberAt(sticky, this.point);
  }
}

function pointOfAddress({ seed }: Split, head: WireRequestHead, facts: ClientFacts): number {
  const length = readClientAddress(head, facts, address);
  return pointOfBytes(seed, address, 0, Math.min(length, networkBytes));
}

/** A proxy that is believed took it over TLS. */
function isForwardedSecure(head: WireRequestHead, { trustedHops }: ClientFacts): boolean {
  const field = trustedHops === 0 ? -1 : fieldNamed(head, "x-forwarded-proto", 0);
  return field >= 0 && fieldIs(head, "x-forwarded-proto", field, "https");
}

/** For all paths, so that REST and gRPC-Web of one browser agree. Nothing reads the value but the hash. */
function cookieLine(name: string, value: string, ttlMs: number | null, secure: boolean): string {
  const age = ttlMs === null ? "" : `; Max-Age=${ttlMs / 1000}`;
  return `${name}=${value}${age}; Path=/; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
}
