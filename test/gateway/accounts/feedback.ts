// Feedback of clients: what they say, and what a gateway must count of it.
import * as fc from "fast-check";
import { feedbackWays, rewardBounds } from "../../../gateway/shared/metrics/series.ts";
import { callPlans, restPlans } from "./scripted-models.ts";
import type { Asking } from "./asking.ts";
import type { Counts } from "./books.ts";

/** Of the gateway: `--feedback-body-bytes`. */
export const maxBodyBytes = 1024;

/** Where a feedback has its puid, and whose. */
const kinds = ["header", "response", "request", "none", "forged", "own", "others", "late", "zipped"] as const;

export interface Feedback {
  /** `half`: its predictor canary has no Endpoint. */
  readonly to: "both" | "half" | "sole";
  readonly over: "http" | "grpc";
  readonly kind: (typeof kinds)[number];
  /** Whose puid it says. */
  readonly about: "main" | "canary";
  /** Sums of them are exact. */
  readonly reward: number | "absent" | "no number" | "too large";
  readonly plan: string;
  readonly leaving: Asking["leaving"];
}

const said = {
  to: fc.constantFrom("both", "both", "half", "sole"),
  kind: fc.constantFrom(...kinds),
  about: fc.constantFrom("main", "canary"),
};
const rewards = [0, 1, 0.5, -1, -1.5, 0.75, 10, 10.5, -1024, "absent", "no number", "too large"] as const;
const leaving = fc.constantFrom("after", "after", "after", "before", "during");
const aim = (plans: readonly string[], taken: string): fc.Arbitrary<string> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(taken) }, { weight: 1, arbitrary: fc.constantFrom(...plans) });

export const feedbacks: fc.Arbitrary<Feedback> = fc.oneof(
  fc.record({
    ...said,
    over: fc.constant("http"),
    reward: fc.constantFrom(...rewards),
    plan: aim(restPlans, "200"),
    leaving,
  }),
  fc.record({
    ...said,
    over: fc.constant("grpc"),
    reward: fc.constantFrom(...rewards),
    plan: aim(callPlans, "0"),
    leaving,
  }),
);

/** Feedback that models take, of clients that stay: each says the reward 1. */
export const takenFeedbacks: fc.Arbitrary<Feedback> = fc.oneof(
  ...(["http", "grpc"] as const).map((over) =>
    fc.record({
      ...said,
      over: fc.constant(over),
      reward: fc.constant(1),
      plan: fc.constant(over === "http" ? "200" : "0"),
      leaving: fc.constant("after"),
    }),
  ),
);

/** Puids of answers, by deployment and model. */
export type Puids = ReadonlyMap<string, string>;

function puidOf({ to, kind, about }: Feedback, puids: Puids): string {
  if (kind === "none") return "";
  if (kind === "forged") return "0123456789abcdef".repeat(3).slice(0, 40);
  if (kind === "own") return "a client's own";
  const isOwn = (kind === "others") === (to === "half");
  return puids.get(`${isOwn ? "both" : "half"} ${about}`)!;
}

/** Its metadata or fields, and its body. */
export function written(
  feedback: Feedback,
  puids: Puids,
): { readonly header: string; readonly body: Buffer<ArrayBuffer> } {
  const puid = puidOf(feedback, puids);
  const header = feedback.kind === "header" ? puid : "";
  const inBody = header === "" ? puid : "";
  return { header, body: feedback.over === "http" ? restBody(feedback, inBody) : grpcBody(feedback, inBody) };
}

function restBody({ kind, reward }: Feedback, puid: string): Buffer<ArrayBuffer> {
  const about = { meta: { puid } };
  const value = { "no number": "1", "too large": 2e9, absent: undefined }[String(reward)] ?? reward;
  return Buffer.from(
    JSON.stringify({
      ...(kind === "late" ? { pad: "x".repeat(maxBodyBytes) } : {}),
      ...(puid === "" ? {} : kind === "request" ? { request: about } : { response: about }),
      ...(reward === "absent" ? {} : { reward: value }),
    }),
  );
}

function field(number: number, bytes: Buffer): Buffer<ArrayBuffer> {
  const { length } = bytes;
  const varint = length < 128 ? [length] : [(length & 127) | 128, length >> 7];
  return Buffer.concat([Buffer.from([number * 8 + 2, ...varint]), bytes]);
}

/** seldon.protos.Feedback. */
function grpcBody({ kind, reward }: Feedback, puid: string): Buffer<ArrayBuffer> {
  const about = field(2, field(1, Buffer.from(puid)));
  const value = Buffer.alloc(5, 3 * 8 + 5);
  value.writeFloatLE(reward === "no number" ? Number.NaN : reward === "too large" ? 2e9 : Number(reward), 1);
  const message = Buffer.concat([
    // `strData` of a request.
    ...(kind === "late" ? [field(1, field(4, Buffer.alloc(maxBodyBytes, "x")))] : []),
    ...(puid === "" ? [] : [field(kind === "request" ? 1 : 2, about)]),
    ...(reward === "absent" ? [] : [value]),
  ]);
  const prefix = Buffer.alloc(5);
  prefix[0] = kind === "zipped" ? 1 : 0;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** One that a model took. */
export interface Taken {
  readonly feedback: Feedback;
  readonly predictor: string;
}

/** Why it goes where it goes. */
export function wayOf({ to, kind, about }: Feedback): (typeof feedbackWays)[number] {
  if (to === "sole") return "sole";
  if (kind === "none" || kind === "zipped") return "no_puid";
  if (kind === "forged" || kind === "own" || kind === "others") return "unknown_puid";
  if (kind === "late") return "too_long";
  return to === "half" && about === "canary" ? "unready" : "puid";
}

/** Where it must go; null: by the split. */
export function predictorOf(feedback: Feedback): string | null {
  if (feedback.to !== "both") return "main";
  return wayOf(feedback) === "puid" ? feedback.about : null;
}

/** null: none. */
function rewardOf({ kind, over, reward }: Feedback): number | null {
  if (kind === "zipped") return null;
  if (reward === "absent") return over === "grpc" ? 0 : null;
  return typeof reward === "number" ? reward : null;
}

/** The lines of /metrics about them. */
export function linesOf(all: readonly Taken[]): Counts {
  const lines = new Map<string, number>();
  const add = (name: string, by: number): unknown => lines.set(name, (lines.get(name) ?? 0) + by);
  for (const { feedback, predictor } of all) {
    const labels = `namespace="prod",deployment="${feedback.to}",predictor="${predictor}",role="live",protocol="${feedback.over}"`;
    add(`sluice_feedback_total{${labels},routed="${wayOf(feedback)}"}`, 1);
    const reward = rewardOf(feedback);
    if (reward === null) continue;
    for (const bound of [...rewardBounds, Infinity])
      add(`sluice_reward_bucket{${labels},le="${bound === Infinity ? "+Inf" : bound}"}`, reward <= bound ? 1 : 0);
    add(`sluice_reward_sum{${labels}}`, reward);
    add(`sluice_reward_count{${labels}}`, 1);
  }
  return Object.fromEntries(lines);
}

interface Rewards {
  readonly count: number;
  readonly sum: number;
  readonly sumSquares: number;
}

/** What /api/v1/feedback says of a predictor: its ways that are not 0, and its rewards. */
export function countedOf(
  all: readonly Taken[],
  deployment: string,
  predictor: string,
): { readonly routed: Counts; readonly rewards: Rewards } {
  const own = all.filter(({ feedback, predictor: named }) => feedback.to === deployment && named === predictor);
  const values = own.map(({ feedback }) => rewardOf(feedback)).filter((reward) => reward !== null);
  const sum = (numbers: readonly number[]): number => numbers.reduce((one, other) => one + other, 0);
  const ways = feedbackWays.map((way) => [way, own.filter(({ feedback }) => wayOf(feedback) === way).length] as const);
  return {
    routed: Object.fromEntries(ways),
    rewards: { count: values.length, sum: sum(values), sumSquares: sum(values.map((value) => value * value)) },
  };
}
