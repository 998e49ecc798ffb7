// What may become of the requests of a Route, aspect by aspect, each as a value that is compared and as words.
import { callersSaid, type CallWorld } from "../../callers/said.ts";
import { destinationOf, destinationWords } from "../../explain/target-words.ts";
import type { HeaderEdits, Mapping, TimeLimit } from "../../../routing/model/mapping.ts";
import type { Upstream } from "../../../routing/model/upstream.ts";
import { printShare } from "../../../routing/print.ts";
import type { Route } from "../../../routing/route/decision.ts";
import { compareText } from "../../../routing/text/problem.ts";

/** `compared` may hold keys of TLS and values of headers: only `words` are printed. */
export interface Aspect {
  readonly name: string;
  readonly compared: string;
  readonly words: string;
}

/** What a Route's requests depend on beside it. */
export interface AspectWorld extends CallWorld {
  readonly upstreams: ReadonlyMap<string, Upstream>;
}

/** Of a Route: declared shares, so that readiness, which moves by itself, is no difference; then each aspect on which its members may differ. */
export function aspectsOf({ split, shadows, mappings }: Route<unknown>, world: AspectWorld): readonly Aspect[] {
  const shares = split.members
    .filter(({ declared }) => declared > 0 || split.members.length === 1)
    .map(({ mapping, declared }) => `${memberWords(mapping)} ${printShare(declared)}`)
    .sort(compareText);
  const copies = shadows
    .map(({ mapping, fraction }) => `${memberWords(mapping)} ${printShare(fraction)}`)
    .sort(compareText);
  const members = mappings.toSorted((a, b) => compareText(memberWords(a), memberWords(b)));
  return [
    textAspect("shares", shares.length === 0 ? "nobody answers" : shares.join(", ")),
    textAspect("copies", copies.length === 0 ? "none" : copies.join(", ")),
    ...Object.entries(ofMember).map(([name, read]) => joined(name, members, (mapping) => read(mapping, world))),
  ];
}

/** `main`; of an object without predictors its kind and name. */
function memberWords({ series: { predictor }, source: { kind, namespace, name } }: Mapping): string {
  return predictor === "" ? `${kind} ${namespace}/${name}` : predictor;
}

function textAspect(name: string, words: string): Aspect {
  return { name, compared: words, words };
}

interface Read {
  /** "": as usual. */
  readonly words: string;
  /** What is compared beside the words, which do not show all. */
  readonly beside?: unknown;
}

/** Of all members at once where they are alike. */
function joined(name: string, members: readonly Mapping[], read: (mapping: Mapping) => Read): Aspect {
  const each = members.map((mapping) => ({ who: memberWords(mapping), ...read(mapping) }));
  const texts = new Set(each.map(({ words }) => words));
  const compared = JSON.stringify(each.map(({ who, words, beside }) => [who, words, beside ?? null]));
  const usual = (words: string): string => (words === "" ? "as usual" : words);
  const words =
    texts.size <= 1 ? usual(each[0]?.words ?? "") : each.map((one) => `${one.who}: ${usual(one.words)}`).join("; ");
  return { name, compared, words };
}

const ofMember: Readonly<Record<string, (mapping: Mapping, world: AspectWorld) => Read>> = {
  "goes to": (mapping, { upstreams }) => ({ words: destinationWords(destinationOf(mapping, upstreams)) }),
  "who may call": (mapping, world) => ({
    words: callersSaid(mapping, world)
      .callers.map(({ words }) => words)
      .join(", and "),
  }),
  addresses: (mapping, world) => ({ words: callersSaid(mapping, world).addresses.join("; ") }),
  limits: (mapping, world) => ({ words: callersSaid(mapping, world).limits.join("; ") }),
  timeout: forward((target) => ({ words: timeWords(target.timeout) })),
  "idle timeout": forward((target) => ({ words: timeWords(target.idleTimeout) })),
  retries: forward(({ retry }) => ({
    words: retry === null ? "" : `${retry.numRetries} on ${retry.retryOn.join(", ")}`,
    beside: retry,
  })),
  "request headers": forward(({ requestHeaders }) => editsRead(requestHeaders)),
  "response headers": forward(({ responseHeaders }) => editsRead(responseHeaders)),
  host: forward(({ hostRewrite }) => ({
    words: hostRewrite.kind === "literal" ? hostRewrite.host : hostRewrite.kind === "upstream" ? "the upstream's" : "",
    beside: hostRewrite,
  })),
  path: forward(({ rewrite }) => ({
    words: rewrite.kind === "none" ? "kept" : rewrite.kind === "prefix" ? `becomes ${rewrite.with}` : "by a regex",
    beside: rewrite,
  })),
  redirect: ({ target }) => ({
    words: target.kind === "redirect" ? String(target.code) : "",
    beside: target.kind === "redirect" ? target : null,
  }),
  balancing: forward(({ loadBalancer }) => ({
    words: loadBalancer.kind === "least-request" ? "" : loadBalancer.kind,
    beside: loadBalancer,
  })),
  "TLS to the model": ({ target }, { upstreams }) => {
    const tls = target.kind === "forward" ? (upstreams.get(target.upstream)?.tls ?? null) : null;
    return { words: tls === null ? "" : tls.context, beside: tls };
  },
  "connections to the model": ({ target }, { upstreams }) => {
    const upstream = target.kind === "forward" ? upstreams.get(target.upstream) : undefined;
    if (upstream === undefined) return { words: "" };
    const { protocol, connectTimeoutMs, idleTimeoutMs, maxLifetimeMs, breakers, healthCheck } = upstream;
    const breaking = breakers.length === 0 ? "" : ", circuit breaker";
    return {
      words: `${protocol}${breaking}${healthCheck === null ? "" : ", health check"}`,
      beside: [connectTimeoutMs, idleTimeoutMs, maxLifetimeMs, breakers, healthCheck],
    };
  },
  "other fields": forward(({ priority, cors, upgrades, dialService, externalPolicy, compare }) => ({
    words: [
      priority === "high" ? "high priority" : "",
      cors === null ? "" : "CORS",
      ...upgrades,
      compare === "" ? "" : "answers compared",
    ]
      .filter((word) => word !== "")
      .join(", "),
    beside: [cors, dialService, externalPolicy, compare],
  })),
};

type Forward = Extract<Mapping["target"], { readonly kind: "forward" }>;

function forward(read: (target: Forward) => Read): (mapping: Mapping) => Read {
  return ({ target }) => (target.kind === "forward" ? read(target) : { words: "" });
}

function timeWords({ ms }: TimeLimit): string {
  return ms === 0 ? "none" : `${ms} ms`;
}

/** Names alone: values may be secrets. */
function editsRead(edits: HeaderEdits): Read {
  const adds = edits.add.map(({ name }) => name).join(", ");
  const words = [
    adds === "" ? "" : `with ${adds}`,
    edits.remove.length === 0 ? "" : `without ${edits.remove.join(", ")}`,
  ];
  return { words: words.filter((word) => word !== "").join(", "), beside: edits };
}
