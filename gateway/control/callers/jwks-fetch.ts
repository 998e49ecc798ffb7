// Fetches the keys of an issuer: one request, bounded in time and size, to addresses that may be dialled, and no redirect.
import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { visible } from "../../../routing/text/visible.ts";
import { keyBounds } from "../../callers/providers/public-keys.ts";

/** A whole fetch, look-up of the name included, ms. */
export const jwksFetchMs = 5000;
/** Addresses of a name that are tried. */
const mostAddresses = 8;

export interface JwksOutside {
  /** IP addresses of a name; rejects when there are none. */
  readonly lookup: (host: string) => Promise<readonly string[]>;
  /** Why an address must not be dialled, as words that follow it; null: it may be. */
  readonly refuse: (ip: string, port: number) => string | null;
}

export type JwksAnswer =
  /** `maxAgeMs`: how long its server says that it holds; null: it does not say. */
  | { readonly kind: "got"; readonly text: string; readonly maxAgeMs: number | null }
  /** `reason` follows "cannot be fetched: ". */
  | { readonly kind: "failed"; readonly reason: string };

/** Never rejects. The text is not judged. */
export async function fetchJwks(url: string, outside: JwksOutside, limitMs = jwksFetchMs): Promise<JwksAnswer> {
  const signal = AbortSignal.timeout(limitMs);
  try {
    const target = new URL(url);
    const late = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(tooSlow));
    });
    // What comes after the time is nobody's.
    late.catch(() => undefined);
    return await Promise.race([answerOf(await Promise.race([send(target, outside, signal), late])), late]);
  } catch (error) {
    return { kind: "failed", reason: reasonOf(error) };
  }
}

const tooSlow = new Error("there was no whole answer in time");

async function send(target: URL, { lookup, refuse }: JwksOutside, signal: AbortSignal): Promise<IncomingMessage> {
  const isPlain = target.protocol === "http:";
  const port = target.port === "" ? (isPlain ? 80 : 443) : Number(target.port);
  const host = target.hostname.replace(/^\[|\]$/g, "");
  const found = isIP(host) === 0 ? await lookup(host) : [host];
  const refusals = found.map((ip) => refuse(ip, port));
  const allowed = found.filter((_, index) => refusals[index] === null).slice(0, mostAddresses);
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
  const headers = {
    accept: "application/json, application/jwk-set+json",
    "accept-encoding": "identity",
    "user-agent": "sluice-keys",
    connection: "close",
  };
  return new Promise((resolve, reject) => {
    const options = {
      host,
      port,
      path: `${target.pathname}${target.search}`,
      headers: { ...headers, host: target.host },
      signal,
      agent: false,
      lookup: known,
      maxHeaderSize: 16_384,
    };
    const outgoing = isPlain ? requestHttp(options) : requestHttps(options);
    outgoing.on("error", reject);
    outgoing.on("response", resolve);
    outgoing.end();
  });
}

async function answerOf(response: IncomingMessage): Promise<JwksAnswer> {
  try {
    const { statusCode = 0, headers } = response;
    if (statusCode >= 300 && statusCode < 400)
      return {
        kind: "failed",
        reason: `it answers ${statusCode}, and redirects are not followed: write the address of the keys themselves`,
      };
    if (statusCode !== 200) return { kind: "failed", reason: `it answers ${statusCode}` };
    if ((headers["content-encoding"] ?? "identity") !== "identity")
      return { kind: "failed", reason: "it answers compressed, which was not asked for" };
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of response as AsyncIterable<Buffer>) {
      length += part.length;
      if (length > keyBounds.bytes)
        return { kind: "failed", reason: `its answer has more than ${keyBounds.bytes / 1024} KiB` };
      parts.push(part);
    }
    return { kind: "got", text: Buffer.concat(parts).toString("utf8"), maxAgeMs: maxAgeOf(headers["cache-control"]) };
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
  if (error === tooSlow || error.name === "AbortError") return tooSlow.message;
  return visible((error as NodeJS.ErrnoException).code ?? error.message).slice(0, 200);
}
