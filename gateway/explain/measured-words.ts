// What was measured, in words: beside a declared share stands how many requests fail, and of what.
import { failureFlags, type FailureFlag } from "../failure-flags.ts";
import type { Measured } from "../api/deployments.ts";

/** Failures of the request itself, which say nothing of the model: a flood of them neither makes a healthy model look dead nor hides a dead one. */
const refusals: readonly FailureFlag[] = ["DPE", "DT", "NR", "UAEX", "RL", "LR", "OM"];
/** Counted beside the flag or the answer of the last try. */
const besides: readonly FailureFlag[] = ["URX"];

/** What a failure with this flag says: that the request was at fault, that the serving failed, or nothing that another count does not. */
export function meaningOf(flag: FailureFlag): "refused" | "failed" | "beside" {
  return refusals.includes(flag) ? "refused" : besides.includes(flag) ? "beside" : "failed";
}

/** What is said of a flag of which no failure was told; "": of the model's own errors. */
export function flagSentence(flag: FailureFlag | ""): string {
  return flag === "" ? "the model answered a server error" : failureFlags[flag];
}

/** Fewer requests than this in a minute say nothing. */
export const minRequests = 5;

/** Requests that were not refused for what they are themselves. */
export function admittedOf({ requests, failures }: Pick<Measured, "requests" | "failures">): number {
  return failures.reduce(
    (left, { flag, count }) => (flag !== "" && meaningOf(flag as FailureFlag) === "refused" ? left - count : left),
    requests,
  );
}

/** Do most requests fail that were not refused? */
export function mostFail(measured: Measured): boolean {
  const admitted = admittedOf(measured);
  return admitted >= minRequests && measured.failed * 2 >= admitted;
}

/** `27 of 30 failed in the last minute: UF, Sluice could not connect to the Endpoint`; "": nothing failed. `when`: of which window the numbers are. */
export function failedWords(measured: Measured, when = "in the last minute"): string {
  const { failed, failures } = measured;
  const first = failures.find(({ flag }) => flag === "" || meaningOf(flag as FailureFlag) === "failed");
  if (failed === 0 || first === undefined) return "";
  const name = first.flag === "" ? "" : `${first.flag}, `;
  return `${failed} of ${admittedOf(measured)} failed ${when}: ${name}${first.sentence}`;
}

/** Failures of one kind at an Endpoint. */
export interface FailuresAt {
  /** `ip:port`. */
  readonly address: string;
  readonly count: number;
}

/** Endpoints that a sentence names. */
const maxNamed = 3;

/** The sentence with the Endpoint whose failure it is, or with the share of each where there are several. */
export function withEndpoints(sentence: string, endpoints: readonly FailuresAt[]): string {
  const [first, ...others] = endpoints.toSorted((one, other) => other.count - one.count);
  if (first === undefined) return sentence;
  if (others.length === 0) return sentence.includes(first.address) ? sentence : `${sentence}, ${first.address}`;
  const named = [first, ...others.slice(0, maxNamed - 1)].map(({ address, count }) => `${count} at ${address}`);
  const left = others.length + 1 - named.length;
  return `${sentence} (${named.join(", ")}${left > 0 ? `, and ${left} more Endpoints` : ""})`;
}
