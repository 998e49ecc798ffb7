// The tables of failure flags and of failures, for RUNBOOK.md.
import { failureFlags, releaseEvidence, type FailureFlag } from "../failure-flags.ts";
import { failures } from "../failures.ts";
import { grpcStatusNames } from "../grpc-statuses.ts";
import { table, type GeneratedPart } from "./generated.ts";

export const flagsPart: GeneratedPart = {
  page: "gateway/RUNBOOK.md",
  name: "flags",
  text: () =>
    table(
      ["flag", "status", "cause"],
      Object.entries(failureFlags).map(([flag, cause]) => [flag, statusesOf(flag), cause]),
    ),
};

const evidenceWords = {
  always: "yes",
  limit: "if the model had nine tenths of the limit",
  never: "no, and the request is no evidence",
} as const;

export const evidencePart: GeneratedPart = {
  page: "k8s/RELEASING.md",
  name: "evidence",
  text: () =>
    table(
      ["flag", "what happened", "a failure of the predictor"],
      (Object.keys(failureFlags) as FailureFlag[])
        .filter((flag) => flag !== "URX")
        .map((flag) => [`\`${flag}\``, failureFlags[flag], evidenceWords[releaseEvidence[flag]]]),
    ),
};

export const reasonsPart: GeneratedPart = {
  page: "gateway/RUNBOOK.md",
  name: "reasons",
  text: () =>
    table(
      ["reason", "flag", "HTTP", "gRPC", "cause, and what to do"],
      Object.values(failures).map(({ name, flag, httpStatus, grpcStatus, sentence, cause }) => [
        `\`${name}\``,
        flag,
        httpStatus === 0 ? "none" : String(httpStatus),
        grpcStatusNames[grpcStatus]!,
        (cause === "" ? sentence : cause).replaceAll(/`[^`]*`|--[a-z][a-z-]+/g, (text) =>
          text.startsWith("`") ? text : `\`${text}\``,
        ),
      ]),
    ),
};

/** Of all failures with this flag; "none": there is nobody to answer. */
function statusesOf(flag: string): string {
  const statuses = Object.values(failures)
    .filter((failure) => failure.flag === flag)
    .map(({ httpStatus }) => httpStatus);
  const answered = [...new Set(statuses)].filter((status) => status > 0).toSorted((a, b) => a - b);
  return [...answered, ...(statuses.includes(0) ? ["none"] : [])].join(", ") || "–";
}
