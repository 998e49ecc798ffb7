// Where a Mapping's requests go and what somebody wrote about the way there, in words.
import { stickyText } from "../../routing/model/sticky.ts";
import type {
  ForwardTarget,
  HeaderEdits,
  LoadBalancer,
  Mapping,
  RedirectTarget,
  TimeLimit,
} from "../../routing/model/mapping.ts";
import type { PathMatch } from "../../routing/model/match.ts";
import type { Upstream } from "../../routing/model/upstream.ts";
import { printJsonPath } from "../../routing/text/json-path.ts";

/** An address as people write it. `port` is "" where there is none. */
export interface Destination {
  readonly host: string;
  readonly port: string;
}

/** Of an Upstream that nobody knows, which only happens in tests: its key. */
export function destinationOf({ target }: Mapping, upstreams: ReadonlyMap<string, Upstream>): Destination {
  if (target.kind === "redirect") return { host: redirectWords(target), port: "" };
  const upstream = upstreams.get(target.upstream);
  if (upstream === undefined) return { host: target.upstream, port: "" };
  const { address } = upstream;
  const port = String(address.port);
  switch (address.kind) {
    case "service":
      return { host: `${address.name}.${address.namespace}`, port };
    case "dns":
      return { host: address.host, port };
    case "address":
      return { host: address.ip.includes(":") ? `[${address.ip}]` : address.ip, port };
  }
}

export function destinationWords({ host, port }: Destination): string {
  return port === "" ? host : `${host}:${port}`;
}

/** What is not as usual: `timeout 5 s`, `TLS`, `path becomes /v2/…`. */
export function targetNotes(
  { target, match, sticky }: Mapping,
  upstreams: ReadonlyMap<string, Upstream>,
): readonly string[] {
  if (target.kind === "redirect") return [];
  return [
    ...(sticky === null ? [] : [`sticky by ${stickyText(sticky.on)}`]),
    ...rewriteNotes(target, match.path),
    ...policyNotes(target),
    ...upstreamNotes(upstreams.get(target.upstream)),
  ];
}

function redirectWords({ host, code, path }: RedirectTarget): string {
  const where = {
    keep: "",
    path: path.kind === "path" ? path.path : "",
    prefix: path.kind === "prefix" ? `${path.with}…` : "",
    regex: " with another path",
  }[path.kind];
  return `redirect ${code} to ${host === "" && where === "" ? "the same host" : `${host}${where}`}`;
}

/** Usual: a prefix is taken off, and a gRPC call or a regex keeps its path. */
function rewriteNotes({ rewrite }: ForwardTarget, path: PathMatch): readonly string[] {
  switch (rewrite.kind) {
    case "none":
      return path.kind === "prefix" || path.kind === "exact" ? ["path kept"] : [];
    case "regex":
      return [`path rewritten: ${rewrite.pattern} becomes ${rewrite.substitution}`];
    case "prefix":
      if (path.kind === "prefix" && path.prefix === rewrite.with) return ["path kept"];
      return path.kind === "prefix" && (rewrite.with === "/" || isExplainerApi(path.prefix, rewrite.with))
        ? []
        : [`path becomes ${rewrite.with}${path.kind === "prefix" ? "…" : ""}`];
  }
}

/** The explainer's path of Seldon 0.4 to 1.0, whose `/api/` stays. */
function isExplainerApi(prefix: string, rest: string): boolean {
  return rest === "/api/" && prefix.endsWith("-explainer/api/");
}

function policyNotes(target: ForwardTarget): readonly string[] {
  const notes: string[] = [];
  const limit = (name: string, { ms, setBy }: TimeLimit): void => {
    if (setBy !== null) notes.push(ms === 0 ? `no ${name}` : `${name} ${durationWords(ms)}`);
  };
  limit("timeout", target.timeout);
  limit("idle timeout", target.idleTimeout);
  if (target.retry !== null)
    notes.push(
      `${target.retry.numRetries} ${target.retry.numRetries === 1 ? "retry" : "retries"} on ${target.retry.retryOn.join(", ")}`,
    );
  if (target.hostRewrite.kind === "literal") notes.push(`host becomes ${target.hostRewrite.host}`);
  if (target.hostRewrite.kind === "upstream") notes.push("host becomes the upstream's");
  notes.push(...balancerNotes(target.loadBalancer));
  if (target.priority === "high") notes.push("high priority");
  notes.push(...editNotes("request", target.requestHeaders), ...editNotes("response", target.responseHeaders));
  if (target.cors !== null) notes.push("CORS");
  for (const protocol of target.upgrades) notes.push(protocol === "websocket" ? "WebSocket" : protocol);
  if (target.dialService) notes.push("dials the Service");
  if (target.compare !== "") notes.push("answers compared");
  if (target.rewardPath !== null) notes.push(`reward of feedback at ${printJsonPath(target.rewardPath)}`);
  return notes;
}

function balancerNotes(balancer: LoadBalancer): readonly string[] {
  if (balancer.kind === "least-request") return [];
  if (balancer.kind === "round-robin") return ["round robin"];
  const { on } = balancer;
  return [`sticky by ${on.kind === "source-ip" ? "the client's address" : `${on.kind} ${on.name}`}`];
}

function editNotes(direction: string, { add, remove }: HeaderEdits): readonly string[] {
  const names = (list: readonly string[]): string => [...new Set(list)].join(", ");
  const notes: string[] = [];
  if (remove.length > 0) notes.push(`${direction} without ${names(remove)}`);
  if (add.length > 0) notes.push(`${direction} with ${names(add.map(({ name }) => name))}`);
  return notes;
}

function upstreamNotes(upstream: Upstream | undefined): readonly string[] {
  if (upstream === undefined) return [];
  const notes: string[] = [];
  if (upstream.tls !== null) notes.push("TLS");
  if (upstream.breakers.length > 0) notes.push("circuit breaker");
  if (upstream.healthCheck !== null) notes.push("health check");
  return notes;
}

/** `1500` is `1500 ms`, `5000` is `5 s`. */
function durationWords(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}
