// Door: requests that go no further because of the connection on which they came: in cleartext to a host that is served by TLS, or by a TLS connection
// that was agreed for another host whose clients are asked for other certificates.
import { textOf } from "../../../routing/request/bytes.ts";
import type { Cleartext } from "../../../routing/model/host-tls.ts";
import { byHost, comparableHost, type CertificateSet } from "../../shared/certificates.ts";
import { servedInCleartext, turnedAway } from "../../shared/cleartext.ts";
import { failures, type Failure } from "../../failures.ts";
import type { Answer } from "../message/answers.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import { kind } from "../fields/field-kind.ts";
import { isWord } from "../fields/fields.ts";
import type { WireRequestHead } from "../message/request-head.ts";

const alwaysServed = servedInCleartext.map(({ path, whole }) => ({ bytes: Buffer.from(path), whole }));
/** The gateway's own too, and a name that a model may have: served to whoever asks no host, as checks of balancers do. */
const servedWithoutHost = [{ bytes: Buffer.from("/readyz"), whole: true }];
const defaultPort = 443;
const noBody = { contentType: "text/plain", body: "" } as const;

/** What becomes of a request that goes no further. */
export type Turned =
  | { readonly kind: "answer"; readonly answer: Answer }
  | { readonly kind: "fail"; readonly failure: Failure };

/** What the gateway itself listens on: a client that names its port for cleartext is sent to that for TLS. */
export interface OwnPorts {
  readonly cleartext: number;
  readonly tls: number;
}

/** Null: every request may come by every connection. */
export function doorOf(set: CertificateSet, ports: OwnPorts): Door | null {
  const isAsked = set.entries.some(({ clientDigest }) => clientDigest !== "");
  return isAsked || set.cleartext.size > 0 ? new Door(set, ports) : null;
}

export class Door {
  readonly #set: CertificateSet;
  readonly #ports: OwnPorts;
  /** The host that was asked for last and what holds for it: most requests are for the same few, and nothing is allocated for these. */
  #lastHost = Buffer.alloc(0);
  #lastCleartext: Cleartext = "route";
  #lastClientDigest = "";

  constructor(set: CertificateSet, ports: OwnPorts) {
    this.#set = set;
    this.#ports = ports;
  }

  /** Null: it may pass. */
  judge(head: WireRequestHead, facts: ClientFacts): Turned | null {
    this.#lookUp(head);
    if (facts.clientDigest !== null)
      return facts.clientDigest === this.#lastClientDigest ? null : { kind: "fail", failure: failures.misdirected };
    const isHostless = head.authorityStart === head.authorityEnd;
    if (
      this.#lastCleartext === "route" ||
      isAmong(alwaysServed, head) ||
      (isHostless && isAmong(servedWithoutHost, head)) ||
      (facts.trustedHops > 0 && cameSecurely(head))
    )
      return null;
    const turned = turnedAway(this.#lastCleartext, textOf(head.bytes, head.methodStart, head.methodEnd), head.grpc);
    // There is nowhere to send a request that names no host.
    if (typeof turned === "number" && isHostless) return { kind: "fail", failure: failures.tlsNeeded };
    return typeof turned === "number"
      ? { kind: "answer", answer: this.#redirect(head, turned) }
      : { kind: "fail", failure: turned };
  }

  #lookUp({ bytes, authorityStart, authorityEnd }: WireRequestHead): void {
    const last = this.#lastHost;
    if (
      last.length === authorityEnd - authorityStart &&
      last.length > 0 &&
      last.compare(bytes, authorityStart, authorityEnd) === 0
    )
      return;
    const name = comparableHost(textOf(bytes, authorityStart, authorityEnd));
    const place = byHost(this.#set.hosts, name);
    this.#lastHost = Buffer.from(bytes.subarray(authorityStart, authorityEnd));
    this.#lastClientDigest = place === null ? "" : this.#set.entries[place]!.clientDigest;
    this.#lastCleartext = byHost(this.#set.cleartext, name) ?? "route";
  }

  /** To the same host and path by https. */
  #redirect(
    { bytes, authorityStart, authorityEnd, pathBytes, pathStart, queryEnd }: WireRequestHead,
    code: 301 | 308,
  ): Answer {
    const authority = textOf(bytes, authorityStart, authorityEnd);
    const port = /:(\d+)$/.exec(authority)?.[1];
    const host = authority.replace(/:\d*$/, "");
    const isOwn = port !== undefined && Number(port) === this.#ports.cleartext && this.#ports.tls !== defaultPort;
    const location = `https://${host}${isOwn ? `:${this.#ports.tls}` : ""}${textOf(pathBytes, pathStart, queryEnd)}`;
    return { code, ...noBody, fields: [["location", location.replaceAll(/[^!-~]/g, encodeURIComponent)]] };
  }
}

function isAmong(paths: typeof alwaysServed, { pathBytes, pathStart, pathEnd }: WireRequestHead): boolean {
  return paths.some(({ bytes, whole }) => {
    const length = pathEnd - pathStart;
    return (
      (whole ? length === bytes.length : length >= bytes.length) &&
      bytes.compare(pathBytes, pathStart, pathStart + bytes.length) === 0
    );
  });
}

/** A proxy in front, which is believed, had it by TLS. */
function cameSecurely(head: WireRequestHead): boolean {
  const { bytes, fields, kinds, fieldCount } = head;
  let last = -1;
  for (let field = 0; field < fieldCount; field++) if (kinds[field] === kind.forwardedProto) last = field;
  return last >= 0 && isWord(bytes, fields[last * 4 + 2]!, fields[last * 4 + 3]!, "https");
}
