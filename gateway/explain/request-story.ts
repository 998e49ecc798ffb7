// What became of one request that failed, for a person who has its id: who ended it, the usual cause, and what to do next.
import { failureFlags } from "../failure-flags.ts";
import { failures, type Failure } from "../failures.ts";
import type { AccessEntry } from "../shared/access-fields.ts";
import type { RequestStory } from "../api/failures.ts";
import { visible } from "../../routing/text/visible.ts";

export function storyOf(request: AccessEntry): RequestStory {
  return { request, cause: causeOf(request), next: nextSteps(request) };
}

const byName: ReadonlyMap<string, Failure> = new Map(Object.values(failures).map((row) => [row.name, row]));
const flagCauses: ReadonlyMap<string, string> = new Map(Object.entries(failureFlags));

function causeOf({ flag, reason, origin }: AccessEntry): string {
  if (flag === "" && origin === "model") return "The model itself answered that it failed. Its own log has the reason";
  const row = byName.get(reason);
  if (row !== undefined) return row.cause === "" ? row.sentence : row.cause;
  return flagCauses.get(flag.split(",")[0]!) ?? "";
}

function nextSteps({ namespace, deployment, origin, code }: AccessEntry): readonly string[] {
  if (deployment === "") return ["sluice explain --url ADMIN PATH: it says which Routes are near"];
  const name = `${namespace}/${deployment}`;
  return [
    ...(origin !== "model" && (code === 401 || code === 403)
      ? [`sluice who ${name} --url ADMIN: it says who may call, and which object says so`]
      : []),
    `sluice failures ${name} --url ADMIN: it says whether others fail alike`,
    origin === "model"
      ? `kubectl logs -n ${namespace} -l seldon-deployment-id=${deployment} --all-containers --tail=100`
      : `sluice routes --url ADMIN --deployment ${name}: it says which predictors and Endpoints are ready`,
  ];
}

/** The story as text. Ends with a newline. */
export function printStory({ request, cause, next }: RequestStory): string {
  const { atMs, namespace, deployment, predictor, origin, grpcStatus, code, flag, durationMs } = request;
  const ended =
    origin === "" ? "The client left" : origin === "model" ? "The model answered" : "The gateway ended the request";
  const rows: readonly (readonly [string, string])[] = [
    ["request", `${request.method} ${request.path}`.trim()],
    ["id", request.requestId],
    ["time", new Date(atMs).toISOString()],
    ["client", [request.peer, request.client].filter((text) => text !== "").join(", ")],
    ["deployment", deployment === "" ? "" : `${namespace}/${deployment}`],
    ["predictor", predictor],
    ["route", request.route],
    ["endpoint", request.address],
    [
      "answer",
      `${code === 0 ? "none" : code}${grpcStatus === "" ? "" : `, gRPC ${grpcStatus}`} after ${durationMs} ms`,
    ],
    ["flag", [flag === "" ? "-" : flag, request.reason].filter((text) => text !== "").join(", ")],
    ["failure", request.sentence],
    ["reason", request.reason],
    ["cause", cause],
  ];
  const lines = rows.filter(([, text]) => text !== "").map(([name, text]) => `  ${name.padEnd(12)}${text}`);
  return `${[`${ended}.`, ...lines, "Next:", ...next.map((step) => `  ${step}`)].map(visible).join("\n")}\n`;
}
