// Stickiness: what of a request keeps its client at one Endpoint (Ambassador `load_balancer` with cookie, header or source_ip; Envoy's hash
// policies). The member of the Route is chosen before, by a draw or by `sluice.io/sticky`
// (gateway/edge/exchange/sticky-choice.ts), whose hash says nothing of this one.
import { fieldNamed } from "../../../routing/request/bytes.ts";
import type { LoadBalancer } from "../../../routing/model/mapping.ts";
import { CookiePlace } from "../../../routing/request/cookies.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import { requestIdBytes, type RequestIds } from "../fields/request-id.ts";
import { clientAddress } from "../message/request-values.ts";
import { hashRange, hashText, mix } from "../balancing/sticky-hash.ts";
import { goOn, requestStep, type Step } from "./step.ts";

/** What of a request is hashed. */
type StickyOn = Extract<LoadBalancer, { readonly kind: "hash" }>["on"];

interface Stick {
  /** null: the request holds nothing to hash, and goes where least request sends it. */
  readonly hash: number | null;
  /** Value of a `set-cookie` for a client that has no cookie yet; null: none. */
  readonly cookie: string | null;
}

/** Keeps the requests of one client at one Endpoint, and gives a client without a cookie one. */
export function stickinessStep(on: StickyOn): Step {
  return requestStep("stickiness", (request) => {
    const { hash, cookie } = stickOf(on, request.head, request.facts, request.ids);
    request.stickTo(hash);
    if (cookie !== null) request.setCookie(cookie);
    return goOn;
  });
}

function stickOf(on: StickyOn, head: WireRequestHead, facts: ClientFacts, ids: RequestIds): Stick {
  switch (on.kind) {
    case "source-ip":
      return { hash: hashText(clientAddress(head, facts)), cookie: null };
    case "header":
      return { hash: headerHash(head, on.name), cookie: null };
    case "cookie": {
      const hash = cookieHash(head, on.name);
      if (hash !== null || on.ttlMs === null) return { hash, cookie: null };
      const id = Buffer.alloc(requestIdBytes);
      ids.write(id);
      return {
        hash: hashRange(id, 0, id.length),
        cookie: printCookie(on.name, id.toString("latin1"), on.ttlMs, on.path),
      };
    }
  }
}

/** Of all its values in order. */
function headerHash(head: WireRequestHead, name: string): number | null {
  const { bytes, fields } = head;
  let hash: number | null = null;
  for (let field = fieldNamed(head, name, 0); field >= 0; field = fieldNamed(head, name, field + 1)) {
    const value = hashRange(bytes, fields[field * 4 + 2]!, fields[field * 4 + 3]!);
    hash = hash === null ? value : mix(hash ^ value);
  }
  return hash;
}

const place = new CookiePlace();

/** Of the value of the first cookie of this name that has one. */
function cookieHash(head: WireRequestHead, name: string): number | null {
  for (let there = place.first(head, name); there; there = place.next(head, name)) {
    if (place.end > place.start) return hashRange(head.bytes, place.start, place.end);
  }
  return null;
}

/** As Envoy writes it. A time to live under a second makes a session cookie. */
function printCookie(name: string, value: string, ttlMs: number, path: string): string {
  const seconds = Math.floor(ttlMs / 1000);
  return `${name}="${value}"${seconds > 0 ? `; Max-Age=${seconds}` : ""}${path === "" ? "" : `; Path=${path}`}; HttpOnly`;
}
