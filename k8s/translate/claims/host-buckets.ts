// Host buckets: claims by their hosts, so that those whose hosts may overlap are found without looking at all others. A name or glob is in a bucket of
// its own, and below each glob that somebody claims and that it lies within.
import type { HostMatch } from "../../../routing/model/match.ts";

export class HostBuckets {
  readonly #suffixes: Globs;
  readonly #prefixes: Globs;

  /** `hosts`: all that will be asked for. */
  constructor(hosts: readonly HostMatch[]) {
    this.#suffixes = new Globs(
      hosts.flatMap((host) => (host.kind === "suffix" ? host.suffix : [])),
      (text, length) => text.slice(text.length - length),
    );
    this.#prefixes = new Globs(
      hosts.flatMap((host) => (host.kind === "prefix" ? host.prefix : [])),
      (text, length) => text.slice(0, length),
    );
  }

  /** Buckets that a claim on a host is in. */
  bucketsOf(host: HostMatch): readonly string[] {
    switch (host.kind) {
      case "any":
      case "regex":
        return ["all", "wide"];
      case "exact":
        return [
          "all",
          `= ${host.host}`,
          ...this.#suffixes.in(host.host).map((suffix) => `below *${suffix}`),
          ...this.#prefixes.in(host.host).map((prefix) => `below ${prefix}*`),
        ];
      case "suffix":
        return [
          "all",
          "suffixes",
          `= *${host.suffix}`,
          ...this.#suffixes.in(host.suffix).map((suffix) => `below *${suffix}`),
        ];
      case "prefix":
        return [
          "all",
          "prefixes",
          `= ${host.prefix}*`,
          ...this.#prefixes.in(host.prefix).map((prefix) => `below ${prefix}*`),
        ];
    }
  }

  /** Buckets of all claims on hosts that may overlap one; no claim is in two of them. */
  bucketsAround(host: HostMatch): readonly string[] {
    switch (host.kind) {
      case "any":
      case "regex":
        return ["all"];
      case "exact":
        return [
          "wide",
          `= ${host.host}`,
          ...this.#suffixes.in(host.host).map((suffix) => `= *${suffix}`),
          ...this.#prefixes.in(host.host).map((prefix) => `= ${prefix}*`),
        ];
      case "suffix":
        return [
          "wide",
          "prefixes",
          `below *${host.suffix}`,
          ...this.#suffixes.in(host.suffix).flatMap((suffix) => (suffix === host.suffix ? [] : `= *${suffix}`)),
        ];
      case "prefix":
        return [
          "wide",
          "suffixes",
          `below ${host.prefix}*`,
          ...this.#prefixes.in(host.prefix).flatMap((prefix) => (prefix === host.prefix ? [] : `= ${prefix}*`)),
        ];
    }
  }
}

/** Texts of globs of one kind. */
class Globs {
  readonly #texts: ReadonlySet<string>;
  readonly #lengths: readonly number[];
  readonly #part: (text: string, length: number) => string;

  /** `part`: the characters of a text that a glob of that length is compared with. */
  constructor(texts: readonly string[], part: (text: string, length: number) => string) {
    this.#texts = new Set(texts);
    this.#lengths = [...new Set(texts.map(({ length }) => length))].sort((a, b) => a - b);
    this.#part = part;
  }

  /** Those that a name or glob is within, itself too. */
  in(text: string): readonly string[] {
    const found: string[] = [];
    for (const length of this.#lengths) {
      if (length > text.length) break;
      const part = this.#part(text, length);
      if (this.#texts.has(part)) found.push(part);
    }
    return found;
  }
}
