// `sluice.io/sticky`: by what callers stay with one predictor, as text.
import type { StickyOn } from "../../../routing/model/sticky.ts";
import { durationMs, quoted } from "../values/value.ts";
import type { Parsed } from "./annotation.ts";

/** A good text. */
export const stickyWords = "header NAME, cookie NAME [TTL], query NAME, client or address";

/** The longest name. */
const maxNameLength = 128;
/** Longest life of a cookie: as long as browsers keep one. */
const maxTtlMs = 400 * 86_400_000;
/** A token of HTTP: names of fields and of cookies. */
const token = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

/** `header x-user`, `cookie sluice 30m`, `query user`, `client`, `address`. TTL: `90s`, `30m`, `12h`, `7d`, from 1 s to 400 days. */
export function parseSticky(text: string): Parsed<StickyOn> {
  const [kind = "", name, ttl, ...rest] = text.trim().split(/\s+/);
  if (kind === "client" || kind === "address")
    return name === undefined ? { kind: "value", value: { kind } } : wrong(`has ${quoted(name)} after ${kind}`);
  if (kind !== "header" && kind !== "cookie" && kind !== "query")
    return wrong("says nothing that callers can be told apart by");
  if (name === undefined) return wrong(`names no ${kind === "query" ? "query parameter" : kind}`);
  const after = kind === "cookie" ? rest[0] : ttl;
  if (after !== undefined) return wrong(`has ${quoted(after)} after ${kind === "cookie" ? "the TTL" : "the name"}`);
  if (name.length > maxNameLength) return wrong(`has a name of more than ${maxNameLength} characters`);
  if (kind === "query")
    return /^[!-~]+$/.test(name)
      ? { kind: "value", value: { kind, name } }
      : wrong(`has ${quoted(name)}, which no query parameter is called`);
  if (!token.test(name)) return wrong(`has ${quoted(name)}, which no ${kind} is called`);
  if (kind === "header") return { kind: "value", value: { kind, name: name.toLowerCase() } };
  const ttlMs = ttl === undefined ? null : ttlOf(ttl);
  return ttl !== undefined && ttlMs === null
    ? wrong(`has ${quoted(ttl)}, which is not a time from 1s to 400d`)
    : { kind: "value", value: { kind, name, ttlMs } };
}

function ttlOf(text: string): number | null {
  const [, days] = /^(\d{1,3})d$/.exec(text) ?? [];
  const ms = days === undefined ? (/\d(?:s|m|h)$/.test(text) ? durationMs(text) : null) : Number(days) * 86_400_000;
  return ms !== null && ms >= 1000 && ms <= maxTtlMs ? Math.floor(ms / 1000) * 1000 : null;
}

function wrong(reason: string): Parsed<never> {
  return { kind: "wrong", reason };
}
