// Grants: what an operator permits a namespace beyond what it owns (routing rules 4 and 5).
import type { HostMatch } from "../../../routing/model/match.ts";
import { readAddress } from "../backends/reach.ts";
import type { Grant } from "../model/translation.ts";

/** May Mappings of the namespace of these Grants name this host? `names` are its spellings. */
export function isUpstreamGranted(grants: readonly Grant[], names: readonly string[]): boolean {
  return grants.some(({ upstreams }) => upstreams.some((glob) => names.some((name) => matchesGlob(glob, name))));
}

/** May SeldonDeployments and Mappings of the namespace of these Grants say that anybody may call them? */
export function isAnonymousGranted(grants: readonly Grant[]): boolean {
  return grants.some(({ anonymous }) => anonymous);
}

/** `*`, `*.example.com`, `10.0.*` or a whole name; letters in any case. The star stands for one character or more, and of what begins an address for the rest of one: `10.0.example.com` is a name. */
function matchesGlob(glob: string, name: string): boolean {
  const pattern = glob.toLowerCase();
  const text = name.toLowerCase();
  if (pattern === "*") return true;
  if (pattern.startsWith("*")) return text.length >= pattern.length && text.endsWith(pattern.slice(1));
  if (pattern.endsWith("*"))
    return (
      text.length >= pattern.length &&
      text.startsWith(pattern.slice(0, -1)) &&
      (!/^[\d.]+\*$|:/.test(pattern) || readAddress(text) !== null)
    );
  return pattern === text;
}

/** `hostname` of Ambassador's v3alpha1: `*`, a leading or a trailing star, else exact. null: a star elsewhere. */
export function parseHostGlob(glob: string): HostMatch | null {
  const text = glob.trim().toLowerCase();
  if (text === "*" || text === "") return { kind: "any" };
  const star = text.indexOf("*");
  if (star < 0) return { kind: "exact", host: text };
  if (star !== text.lastIndexOf("*")) return null;
  if (star === 0) return { kind: "suffix", suffix: text.slice(1) };
  return star === text.length - 1 ? { kind: "prefix", prefix: text.slice(0, -1) } : null;
}

/** Can one host satisfy both? A regex may always. */
export function hostsOverlap(a: HostMatch, b: HostMatch): boolean {
  if (a.kind === "any" || b.kind === "any" || a.kind === "regex" || b.kind === "regex") return true;
  if (a.kind === "exact") return holdsHost(b, a.host);
  if (b.kind === "exact") return holdsHost(a, b.host);
  if (a.kind === "suffix" && b.kind === "suffix") return a.suffix.endsWith(b.suffix) || b.suffix.endsWith(a.suffix);
  if (a.kind === "prefix" && b.kind === "prefix") return a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix);
  return true;
}

/** Is every host of `inner` one of `outer`? */
export function hostWithin(inner: HostMatch, outer: HostMatch): boolean {
  if (outer.kind === "any") return true;
  if (inner.kind === "exact") return holdsHost(outer, inner.host);
  if (inner.kind === "suffix" && outer.kind === "suffix") return inner.suffix.endsWith(outer.suffix);
  return inner.kind === "prefix" && outer.kind === "prefix" && inner.prefix.startsWith(outer.prefix);
}

function holdsHost(glob: HostMatch, host: string): boolean {
  switch (glob.kind) {
    case "any":
      return true;
    case "exact":
      return glob.host === host;
    case "suffix":
      return host.length > glob.suffix.length && host.endsWith(glob.suffix);
    case "prefix":
      return host.length > glob.prefix.length && host.startsWith(glob.prefix);
    case "regex":
      return false;
  }
}
