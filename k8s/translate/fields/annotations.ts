// The annotations of a SeldonDeployment that Sluice reads, each declared once. Reading, failing closed, near misses, MANIFESTS.md and the values of
// DeploymentPolicy follow from this table.
import { mostOwnersBlocks, parseBlocks } from "../../../routing/text/address-block.ts";
import { parseAuth } from "../../../routing/model/guard.ts";
import { limitWords, parseLimits } from "../../../routing/model/rate-limit.ts";
import { readBanditPlan, type BanditPlan } from "../../../routing/release/bandit/plan.ts";
import { readRolloutPlan, type RolloutPlan } from "../../../routing/release/rollout/plan.ts";
import { numberOf, notText } from "../values/value.ts";
import { annotation, count, guard, milliseconds, read, type Annotation, type Parsed } from "./annotation.ts";
import { parseHeaders, parseRegexHeaders, type HeaderPairs } from "./header-grammar.ts";
import { parseSticky, stickyWords } from "./sticky-text.ts";
import { compareWords, readCompareRules } from "../../../routing/release/compare/rules.ts";
import { exampleTraffic, parseTraffic } from "./traffic-text.ts";

const restTimeout = milliseconds({ name: "seldon.io/rest-timeout", meaning: "ms of a REST request" });
const grpcTimeout = milliseconds({ name: "seldon.io/grpc-timeout", meaning: "ms of a gRPC call" });

export const annotations = {
  id: annotation({
    name: "seldon.io/ambassador-id",
    decides: "which",
    absent: null,
    read: (text) => {
      const ids = text === notText ? [] : parseIds(text);
      return read(ids.length === 0 ? null : ids, "names no gateway");
    },
    write: "an id, or several with commas between them",
    example: "sluice",
    meaning: "the gateway that serves it",
  }),
  serviceName: annotation({
    name: "seldon.io/ambassador-service-name",
    decides: "which",
    absent: null,
    read: (text) => read(isExternalName(text) ? text : null, "is not a name for a path"),
    empty: "default",
    write: 'letters, digits, "-", "." and "/" between names',
    example: "iris",
    meaning: "the name in its paths, shared with another SD",
  }),
  header: annotation({
    name: "seldon.io/ambassador-header",
    decides: "which",
    absent: [],
    read: (text) => conditions(parseHeaders(text)),
    write: '"name: value", one a line',
    example: '"location: london"',
    meaning: "requests with these headers; several conditions, one a line",
  }),
  regexHeader: annotation({
    name: "seldon.io/ambassador-regex-header",
    decides: "which",
    absent: [],
    read: (text) => conditions(parseRegexHeaders(text)),
    write: '"name: value", one a line',
    example: '"location: lon.*"',
    meaning: "requests with these headers; a full match in RE2's language",
  }),
  /** Replaces everything that Sluice would make. Its documents have readers, Problems and last good forms of their own. */
  config: annotation({
    name: "seldon.io/ambassador-config",
    decides: "which",
    absent: null,
    read: (text) => ({ kind: "value", value: text }),
    write: "the documents",
    example: null,
    meaning: "what these Mappings say, instead of Sluice's own",
  }),
  weight: annotation({
    name: "seldon.io/ambassador-weight",
    decides: "share",
    absent: null,
    read: (text) => {
      const weight = /\s/.test(text) ? null : numberOf(text);
      return read(weight !== null && weight >= 0 ? weight : null, "is not a weight");
    },
    unreadable: 0,
    write: "a percentage from 0 to 100",
    example: '"25"',
    meaning: "beside the SD of the same service name",
  }),
  shadow: annotation({
    name: "seldon.io/ambassador-shadow",
    decides: "share",
    absent: false,
    read: (text) =>
      read(
        text === notText ? null : !["false", "0", "no", "off", "n"].includes(text.trim().toLowerCase()),
        "is neither true nor false",
      ),
    write: "true or false, in quotes",
    example: '"true"',
    meaning: "it gets copies only",
  }),
  /** Shares by predictor. The spec declares shares, too: they hold where this one cannot be read. */
  traffic: annotation({
    name: "sluice.io/traffic",
    decides: "share",
    absent: null,
    read: parseTraffic,
    write: (predictors) => `for example ${exampleTraffic(predictors)}`,
    example: "main=75,canary=25",
    meaning: "of each predictor",
  }),
  /** Moves traffic by steps. One that cannot be read moves nothing: the canary stays where the record of releases has it. */
  rollout: annotation<Readable<RolloutPlan>, null>({
    name: "sluice.io/rollout",
    decides: "share",
    absent: null,
    read: (text) => readable(readRolloutPlan(text)),
    empty: "text",
    bad: { kind: "default", instead: "nothing moves, and each predictor keeps the share that it has" },
    unreadable: "unreadable",
    write: (predictors) =>
      `for example ${predictors.find(({ shadow }, index) => index > 0 && !shadow)?.name ?? "canary"}`,
    example: "canary",
    meaning: "steps by which traffic moves to a predictor, and gates that it must keep",
  }),
  rolloutPause: order({
    name: "sluice.io/rollout-pause",
    meaning: "the rollout or bandit stays where it is",
    unreadable: true,
    instead: "the release is paused",
  }),
  rolloutPromote: order({
    name: "sluice.io/rollout-promote",
    meaning: "the rollout goes to its last step at once, whatever its gates say",
    unreadable: false,
    instead: "Sluice does not promote",
  }),
  rolloutAbort: order({
    name: "sluice.io/rollout-abort",
    meaning:
      "the rollout ends at once, and its predictor gets no traffic; a bandit goes on, so remove its annotation to end it",
    unreadable: true,
    instead: "the rollout is aborted",
  }),
  bandit: annotation<Readable<BanditPlan>, null>({
    name: "sluice.io/bandit",
    decides: "share",
    absent: null,
    read: (text) => readable(readBanditPlan(text)),
    empty: "text",
    bad: { kind: "default", instead: "nothing moves, and each predictor keeps the share that it has" },
    unreadable: "unreadable",
    write: "for example policy thompson; floor 5%; every 1m",
    example: '"policy thompson; floor 5%; every 1m"',
    meaning:
      "of each predictor by the rewards that it earns: `reward feedback`, `reward feedback $.truth.clicked` for a path of JSON feedback, `reward success` or `reward latency`; feedback over gRPC without a reward has the reward 0, and none where a path is written",
  }),
  auth: guard({
    name: "sluice.io/auth",
    read: (text) => read(parseAuth(text), "does not name providers"),
    write: "names of providers with commas between them, or none",
    example: "keys, partners",
    meaning: "callers of these providers",
  }),
  allow: guard({
    name: "sluice.io/allow",
    read: addresses,
    write: "addresses and blocks with commas between them, for example 10.0.0.0/8, 2001:db8::/32",
    example: "10.0.0.0/8, 2001:db8::/32",
    meaning: "callers at these addresses alone",
  }),
  deny: guard({
    name: "sluice.io/deny",
    read: addresses,
    write: "addresses and blocks with commas between them, for example 10.0.0.0/8, 2001:db8::/32",
    example: "10.1.2.3",
    meaning: "no callers at these addresses",
  }),
  rateLimit: guard({
    name: "sluice.io/rate-limit",
    decides: "share",
    read: (text) => {
      const parsed = parseLimits(text);
      return parsed.kind === "wrong"
        ? { kind: "wrong", reason: `is not a rate limit (${parsed.reason})` }
        : { kind: "value", value: parsed.limits };
    },
    write: limitWords,
    example: "100/s burst 200; 5000/h per client",
    meaning: "no more requests than this",
  }),
  restTimeout,
  restReadTimeout: milliseconds({
    name: "seldon.io/rest-read-timeout",
    meaning: "counts if `rest-timeout` is absent",
    unless: restTimeout,
  }),
  grpcTimeout,
  grpcReadTimeout: milliseconds({
    name: "seldon.io/grpc-read-timeout",
    meaning: "counts if `grpc-timeout` is absent",
    unless: grpcTimeout,
  }),
  retries: count("seldon.io/ambassador-retries", "2", "retries after a gateway error, 25 at most"),
  maxConnections: count(
    "seldon.io/ambassador-circuit-breakers-max-connections",
    "200",
    "connections to each predictor",
  ),
  maxPending: count(
    "seldon.io/ambassador-circuit-breakers-max-pending-requests",
    "100",
    "requests that wait for a connection to each predictor",
  ),
  maxRequests: count(
    "seldon.io/ambassador-circuit-breakers-max-requests",
    "200",
    "requests to each predictor at one time",
  ),
  sticky: annotation({
    name: "sluice.io/sticky",
    decides: "how",
    absent: null,
    read: parseSticky,
    bad: { kind: "default", instead: "a draw decides each request" },
    write: stickyWords,
    example: "header x-user",
    meaning: `callers stay with one predictor while shares allow it, by ${stickyWords}`,
  }),
  answeredBy: annotation({
    name: "sluice.io/answered-by",
    decides: "how",
    absent: null,
    read: (text) => read(text === "true" ? true : text === "false" ? false : null, "is neither true nor false"),
    bad: { kind: "default", instead: "Sluice does as --answered-by says" },
    write: '"true" or "false"',
    example: '"true"',
    meaning: "`x-sluice-predictor` on each answer of a model: the predictor that answered",
  }),
  /** "": nothing is compared. */
  compare: annotation({
    name: "sluice.io/compare",
    decides: "how",
    absent: "",
    read: (text) => {
      const parsed = readCompareRules(text);
      return "mistake" in parsed
        ? { kind: "wrong", reason: `cannot be read (${parsed.mistake})` }
        : { kind: "value", value: parsed.rules === null ? "" : text.trim() };
    },
    bad: { kind: "default", instead: "Sluice compares nothing" },
    write: compareWords,
    example: '"tolerance 1e-3; ignore meta.tags"',
    meaning: "answers of shadows are compared with the primary's: `true`, or rules",
  }),
  maxRetries: count("seldon.io/ambassador-circuit-breakers-max-retries", "3", "retries to each predictor at one time"),
};

/** A plan, or a text that is none. */
export type Readable<Plan> = Plan | "unreadable";

function readable<Plan>(found: { readonly plan: Plan } | { readonly mistake: string }): Parsed<Plan> {
  return "plan" in found
    ? { kind: "value", value: found.plan }
    : { kind: "wrong", reason: `cannot be read (${found.mistake})` };
}

/** What a person orders a rollout to do: true or false. */
function order({
  name,
  meaning,
  unreadable,
  instead,
}: Pick<Annotation<boolean>, "name" | "meaning" | "unreadable"> & { readonly instead: string }): Annotation<boolean> {
  return annotation<boolean, boolean>({
    name,
    decides: "how",
    absent: false,
    read: (text) => read(text === "true" ? true : text === "false" ? false : null, "is neither true nor false"),
    bad: { kind: "default", instead },
    unreadable,
    write: '"true" or "false"',
    example: '"true"',
    meaning,
  });
}

/** What each annotation says, `absent` where it says nothing that can be read. */
export type AnnotationValues = {
  readonly [Key in keyof typeof annotations]: (typeof annotations)[Key]["absent"];
};

function conditions({ pairs, wrong }: HeaderPairs): Parsed<HeaderPairs["pairs"]> {
  return read(wrong.length === 0 ? pairs : null, wrong.join(" and "));
}

function addresses(text: string): Parsed<readonly string[]> {
  const parsed = parseBlocks(text, mostOwnersBlocks);
  return parsed.kind === "wrong"
    ? { kind: "wrong", reason: `is not a list of addresses (it ${parsed.reason})` }
    : { kind: "value", value: parsed.blocks };
}

/** A comma list or a YAML flow list of ids. */
function parseIds(text: string): readonly string[] {
  const list = /^\s*\[(.*)\]\s*$/s.exec(text)?.[1] ?? text;
  return list
    .split(/[,\n]/)
    .map((id) =>
      id
        .trim()
        .replace(/^-\s+/, "")
        .replace(/^(["'])(.*)\1$/, "$2"),
    )
    .filter((id) => id !== "");
}

/** One or more path segments. A name with dot segments could never match a canonical path, one with `?` or `#` no path at all. */
function isExternalName(text: string): boolean {
  return (
    text.length <= 1024 &&
    text
      .split("/")
      .every((segment) => /^[A-Za-z0-9._~!$&'()*+,;=:@%-]+$/.test(segment) && segment !== "." && segment !== "..")
  );
}
