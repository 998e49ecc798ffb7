// Fetches the keys of an issuer: one request, bounded in time and size, to addresses that may be dialled, and no redirect.
import type { IncomingMessage } from "node:http";
import { isIP, type LookupFunction } from "node:net";
import { LateAnswer, responseTo, textOfBody, within } from "../../../k8s/source/http/http-call.ts";
import { visible } from "../../../routing/text/visible.ts";
import { keyBounds } from "../../callers/providers/public-keys.ts";
import type { HttpAnswer } from "../../shared/messages.ts";

/** A whole fetch, look-up of the name included, ms. */
const fetchMs = 5000;
/** Addresses of a name that are tried. */
const maxAddresses = 8;

export interface Reach {
  /** IP addresses of a name; rejects when there are none. */
  readonly lookup: (host: string) => Promise<readonly string[]>;
  /** Why an address must not be dialled, as words that follow it; null: it may be. */
  readonly refuse: (ip: string, port: number) => string | null;
}

/** The keys of an issuer, as they are published: not judged. Never rejects. */
export async function fetchJwks(url: string, reach: Reach, limitMs = fetchMs): Promise<HttpAnswer> {
  try {
    return await within(limitMs, async (signal) => answerOf(await send(url, reach, signal)));
  } catch (error) {
    return { kind: "failed", reason: reasonOf(error) };
  }
}

async function send(url: string, { lookup, refuse }: Reach, signal: AbortSignal): Promise<IncomingMessage> {
  const target = new URL(url);
  const isPlain = target.protocol === "http:";
  const port = target.port === "" ? (isPlain ? 80 : 443) : Number(target.port);
  const host = target.hostname.replace(/^\[|\]$/g, "");
  const found = isIP(host) === 0 ? await lookup(host) : [host];
  const refusals = found.map((ip) => refuse(ip, port));
  const allowed = found.filter((_, index) => refusals[index] === null).slice(0, maxAddresses);
  if (allowed.length === 0)
    throw new Error(
      found.length === 0 ? "its host has no address" : `its address ${found[0]!} ${refusals[0]!} and is not dialled`,
    );
  // Those that were judged, and no others: a second look-up might give another address.
  const known: LookupFunction = (_host, options, done) => {
    const addresses = allowed.map((address) => ({ address, family: isIP(address) }));
    if (options.all === true) done(null, addresses);
    else done(null, addresses[0]!.address, addresses[0]!.family);
  };
  return responseTo(
    !isPlain,
    {
      host,
      port,
      path: `${target.pathname}${target.search}`,
      method: "GET",
      headers: {
        accept: "application/json, application/jwk-set+json",
        "user-agent": "sluice-keys",
        "accept-encoding": "identity",
        connection: "close",
        host: target.host,
      },
      signal,
      agent: false,
      lookup: known,
      maxHeaderSize: 16_384,
    },
    null,
  );
}

async function answerOf(response: IncomingMessage): Promise<HttpAnswer> {
  try {
    const { statusCode = 0, headers } = response;
    if (statusCode >= 300 && statusCode < 400)
      return {
        kind: "failed",
        reason: `it answers ${statusCode}, and redirects are not followed: write the address itself`,
      };
    if (statusCode !== 200) return { kind: "failed", reason: `it answers ${statusCode}` };
    if ((headers["content-encoding"] ?? "identity") !== "identity")
      return { kind: "failed", reason: "it answers compressed, which was not asked for" };
    const text = await textOfBody(response, keyBounds.bytes);
    return text === null
      ? { kind: "failed", reason: `its answer has more than ${keyBounds.bytes / 1024} KiB` }
      : { kind: "got", text, maxAgeMs: maxAgeOf(headers["cache-control"]) };
  } finally {
    response.destroy();
  }
}

/** RFC 9111 §5.2.2.1. What may not be kept counts as 0. */
function maxAgeOf(cacheControl: string | undefined): number | null {
  if (cacheControl === undefined) return null;
  if (/(?:^|[\s,])no-(?:store|cache)(?:[\s,]|$)/i.test(cacheControl)) return 0;
  const [, seconds] = /(?:^|[\s,])max-age="?(\d{1,9})"?(?:[\s,]|$)/i.exec(cacheControl) ?? [];
  return seconds === undefined ? null : Number(seconds) * 1000;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "of a fault";
  if (error instanceof LateAnswer) return "there was no whole answer in time";
  return visible((error as NodeJS.ErrnoException).code ?? error.message).slice(0, 200);
}
