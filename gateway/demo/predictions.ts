// Asking for predictions, and counting who answered.
import { namespace } from "./manifests.ts";
import { modelImage, modelName, type ModelVersion } from "./classifier.ts";

/** An iris versicolor that version 1 takes for a virginica, cm. */
export const flower: readonly number[] = [7, 3.2, 4.7, 1.4];
export const ndarrayPayload = JSON.stringify({ data: { ndarray: [flower] } });
export const tensorPayload = JSON.stringify({ data: { tensor: { shape: [1, 4], values: flower } } });

export interface Answer {
  /** 0: no answer came, and `text` says why. */
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Which model version answered; null when the answer names none. */
  readonly version: ModelVersion | null;
}

/** A request's limit, so that a demo never hangs, ms. */
const requestTimeoutMs = 10_000;

/** Public path of a deployment's API: Ambassador's, and so Sluice's. */
export function deploymentPath(deployment: string, rest: string): string {
  return `/seldon/${namespace}/${deployment}/${rest}`;
}

export function get(base: string, path: string): Promise<Answer> {
  return ask(`${base}${path}`, {});
}

export function post(
  base: string,
  path: string,
  payload: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return ask(`${base}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: payload,
  });
}

async function ask(url: string, request: RequestInit): Promise<Answer> {
  try {
    const response = await fetch(url, { ...request, signal: AbortSignal.timeout(requestTimeoutMs) });
    const text = await response.text();
    const version =
      (["1", "2"] as const).find((candidate) => text.includes(`"${modelName}":"${modelImage(candidate)}"`)) ?? null;
    return { status: response.status, headers: response.headers, text, version };
  } catch (error) {
    // fetch names the reason (ECONNREFUSED) in the cause.
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { status: 0, headers: new Headers(), text: String(cause), version: null };
  }
}

/** The first item of a list of the admin API about one deployment; null: there is none, or no list came. */
export async function firstItem<T>(admin: string, list: string, deployment: string): Promise<T | null> {
  const { status, text } = await get(admin, `/api/v1/${list}?deployment=${namespace}/${deployment}`);
  if (status !== 200) return null;
  return (JSON.parse(text) as { items?: readonly T[] }).items?.[0] ?? null;
}

export interface Tally {
  readonly first: number;
  readonly second: number;
  /** Answers that were not a prediction: the first of them in words, for the report. */
  readonly failed: number;
  readonly failure: string | null;
}

/** Requests at a time. */
export const lanes = 8;

/** What came of one request: which version answered, or, where none did, what went wrong. */
export interface Outcome {
  readonly version: ModelVersion | null;
  readonly failure: string;
}

/** Asks for `count` predictions, eight at a time, and counts the answers by model version. */
export async function tally(
  base: string,
  path: string,
  count: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<Tally> {
  return tallyOf(count, lanes, async () => {
    const { status, version, text } = await post(base, path, ndarrayPayload, headers);
    return { version: status === 200 ? version : null, failure: `${status} ${text.trim()}` };
  });
}

/** Asks `count` times, `atOnce` at a time, and counts. */
export async function tallyOf(count: number, atOnce: number, once: () => Promise<Outcome>): Promise<Tally> {
  let [asked, first, second, failed] = [0, 0, 0, 0];
  let reason: string | null = null;
  const lane = async (): Promise<void> => {
    while (asked < count) {
      asked += 1;
      const { version, failure } = await once();
      if (version === "1") first += 1;
      else if (version === "2") second += 1;
      else {
        failed += 1;
        reason ??= failure;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return { first, second, failed, failure: reason };
}

/**
 * How far the count of one outcome may lie from its mean in `count` draws with chance `share`: six standard deviations, rounded up.
 * A right split falls outside less than once in 10^8 demos (exact binomial tails for 400 draws at 25 % and 50 %).
 */
export function tolerance(count: number, share: number): number {
  return Math.ceil(6 * Math.sqrt(count * share * (1 - share)));
}
