// `sluice parity`: one harmless request of each deployment and protocol to two gateways, and in what their answers differ.
import { readFile } from "node:fs/promises";
import { isNamed } from "../../explain/who.ts";
import { command, type Outcome, type Use } from "../../options/command.ts";
import { choice, integer, list, text as textOption, wrongValue } from "../../options/option.ts";
import { hasOneOrigin, manifestOptions, readServed, type Served } from "../manifests.ts";
import { printValue } from "../output.ts";
import { plural } from "../read-words.ts";
import { answerMs, probeOf, type Answered, type Probe } from "./probe.ts";

const text = `Sends one request of each deployment and protocol to two gateways and prints where the answers differ: status, who answered (x-sluice-predictor), the names of
the headers; and both latencies. A REST request is GET /v2/health/ready of the deployment, and a gRPC call is ServerLive of KServe's V2: no model predicts for
them. A model that speaks another protocol refuses them, and refuses both alike. --predict sends the JSON of a file as a prediction instead. It waits ${answerMs / 1000} s
for each answer.
Exits 0 when all answers are alike, 1 when some differ, a gateway does not answer or nothing can be read, 2 on wrong use.
`;

const options = {
  a: textOption("URL", "traffic address of the first gateway, for example http://127.0.0.1:8003", "", readUrl),
  b: textOption("URL", "traffic address of the second gateway", "", readUrl),
  predict: textOption("FILE", "send this JSON as a prediction over REST: the models predict"),
  header: { ...list("'name: value'", "header of each request, for example a credential", "", readHeader), short: "H" },
  ignoreHeader: list(
    "NAME",
    "leave this header out of the comparison",
    "date, server, x-envoy-upstream-service-time and other headers of each gateway's own",
  ),
  deployment: textOption("[NS/]NAME", "ask for this deployment only"),
  lanes: integer({ byDefault: 8, min: 1, max: 64 }, "requests at a time"),
  output: { ...choice(["text", "json", "yaml"], "form of the output"), short: "o" },
  ...manifestOptions,
};

export const parity = command({
  forms: ["--a URL --b URL DIR|FILE… [options]", "--a URL --b URL --cluster [options]"],
  text,
  options,
  words: "files",
  run,
});

/** What each gateway adds of its own. */
const ownHeaders: ReadonlySet<string> = new Set([
  "connection",
  "date",
  "keep-alive",
  "server",
  "transfer-encoding",
  "x-envoy-upstream-service-time",
  "x-request-id",
]);

interface Compared {
  readonly deployment: string;
  readonly probe: Probe;
  readonly a: Answered;
  readonly b: Answered;
  /** `status 200 and 503`; empty: they are alike. */
  readonly differences: readonly string[];
}

async function run(use: Use<typeof options>): Promise<Outcome> {
  const { values, positionals } = use;
  const { a, b, predict, deployment: named } = values;
  if (a === null || b === null || !hasOneOrigin(values, positionals))
    return {
      kind: "wrong",
      sentence: "it takes two gateways and manifests: write sluice parity --a URL --b URL DIR, or --cluster",
    };
  let body: string | null = null;
  if (predict !== null) {
    try {
      body = await readFile(predict, "utf8");
      JSON.parse(body);
    } catch (error) {
      return {
        kind: "failed",
        sentence: `--predict ${predict} cannot be read as JSON (${error instanceof Error && "code" in error ? String(error.code) : "bad JSON"}): name a file with one request`,
      };
    }
  }
  const read = await readServed(use, positionals);
  if (read.kind !== "served") return read;
  const probes = probesOf(read.served, named, body);
  if (probes.length === 0)
    return {
      kind: "failed",
      sentence:
        named === null
          ? "no SeldonDeployment has Routes, so there is nothing to ask for: name the files of the SeldonDeployments"
          : `no SeldonDeployment with Routes is named ${named}: write NAME or NAMESPACE/NAME as sluice routes shows it`,
    };
  const shown = new Map(
    values.header.map((line) => [
      line.slice(0, line.indexOf(":")).toLowerCase(),
      line.slice(line.indexOf(":") + 1).trim(),
    ]),
  );
  const ignored = new Set([...ownHeaders, ...values.ignoreHeader.map((name) => name.toLowerCase())]);
  const compared = await inLanes(probes, values.lanes, async ({ deployment, probe }): Promise<Compared> => {
    const asked = { ...probe, headers: { ...Object.fromEntries(shown), ...probe.headers } };
    const [ofA, ofB] = [await probeOf(a, asked), await probeOf(b, asked)];
    return { deployment, probe, a: ofA, b: ofB, differences: differencesOf(ofA, ofB, ignored) };
  });
  const differing = compared.filter(({ differences }) => differences.length > 0);
  const summary = `${plural(compared.length, "request")} to each gateway: ${compared.length - differing.length} alike, ${differing.length} different; median ${medianOf(compared.map((one) => one.a.ms))} and ${medianOf(compared.map((one) => one.b.ms))} ms`;
  const printed =
    values.output === "text"
      ? `${differing.map((one) => `${lineOf(one)}\n`).join("")}${differing.length === 0 ? "" : "\n"}${summary}\n`
      : printValue(
          {
            items: compared.map(({ deployment, probe: { protocol, path }, ...rest }) => ({
              deployment,
              protocol,
              path,
              ...rest,
            })),
          },
          values.output,
        );
  return { kind: "done", text: printed, form: "plain", code: differing.length === 0 ? 0 : 1 };
}

/** One for each protocol of each SeldonDeployment. */
function probesOf(
  { translation: { mappings } }: Served,
  named: string | null,
  body: string | null,
): readonly { readonly deployment: string; readonly probe: Probe }[] {
  const found = new Map<string, { readonly deployment: string; readonly probe: Probe }>();
  for (const { source, series, match } of mappings.values()) {
    const { kind, namespace, name } = source;
    if (kind !== "SeldonDeployment" || !isNamed(source, named)) continue;
    // Predictions follow the deployment's name; Routes of conditions are not tried.
    const prefix = `/seldon/${namespace}/${name}/`;
    const isOwn = match.path.kind === "prefix" ? match.path.prefix === prefix : series.protocol === "grpc";
    if (!isOwn) continue;
    const isRest = series.protocol === "http";
    const probe: Probe = isRest
      ? {
          protocol: "REST",
          path: body === null ? `${prefix}v2/health/ready` : `${prefix}api/v1.0/predictions`,
          headers: {},
          body,
        }
      : {
          protocol: "gRPC",
          path: "/inference.GRPCInferenceService/ServerLive",
          headers: { seldon: name, namespace },
          body: null,
        };
    found.set(`${namespace}/${name} ${probe.protocol}`, { deployment: `${namespace}/${name}`, probe });
  }
  return [...found.values()];
}

function differencesOf(a: Answered, b: Answered, ignored: ReadonlySet<string>): readonly string[] {
  const differences: string[] = [];
  if (a.status !== b.status || a.status.startsWith("no answer")) differences.push(`status ${a.status} and ${b.status}`);
  if (a.answeredBy !== "" && b.answeredBy !== "" && a.answeredBy !== b.answeredBy)
    differences.push(`answered by ${a.answeredBy} and ${b.answeredBy}`);
  const only = (one: Answered, other: Answered): readonly string[] =>
    one.headers.filter((name) => !ignored.has(name) && !name.startsWith("x-sluice-") && !other.headers.includes(name));
  const [ofA, ofB] = [only(a, b), only(b, a)];
  if (ofA.length > 0) differences.push(`headers of the first alone: ${ofA.join(", ")}`);
  if (ofB.length > 0) differences.push(`headers of the second alone: ${ofB.join(", ")}`);
  return differences;
}

function lineOf({ deployment, probe: { protocol }, a, b, differences }: Compared): string {
  return `${deployment}  ${protocol}  ${differences.join("; ").slice(0, 500)}  (${a.ms} and ${b.ms} ms)`;
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** In the order given. */
async function inLanes<T, R>(all: readonly T[], lanes: number, work: (one: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = Array.from({ length: all.length });
  const queue = all.entries();
  const lane = async (): Promise<void> => {
    for (const [index, one] of queue) results[index] = await work(one);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}

function readUrl(written: string, from: string): string {
  const url = URL.canParse(written) ? new URL(written) : null;
  if (
    url === null ||
    !/^https?:$/.test(url.protocol) ||
    url.username !== "" ||
    url.search !== "" ||
    url.pathname !== "/"
  )
    return wrongValue(`${from} is no address of a gateway: write for example http://127.0.0.1:8003`);
  return url.origin;
}

function readHeader(written: string, from: string): string {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e]*$/.test(written)
    ? written
    : wrongValue(`${from} is not name: value: write for example -H 'x-api-key: KEY'`);
}
