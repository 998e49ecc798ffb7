// sluice_endpoints: a line for each predictor and state, straight into bytes as the other series of deployments are.
import { seriesMetrics } from "../../shared/metrics/series.ts";
import type { AnswerReader } from "../sending/answer-reader.ts";
import { escaped } from "./series.ts";
import { SampleLines, wordsOf } from "./sample-lines.ts";
import type { Slices } from "../../shared/slices.ts";
import { StreamedText } from "./streamed-text.ts";
import type { EndpointsOf, SeenEndpoint } from "../../api/counted.ts";

const { endpoints: metric } = seriesMetrics;
const labelNames = metric.labels.slice(0, -1).map((label, at) => wordsOf(`${at === 0 ? "" : '",'}${label}="`));
const head = wordsOf(`${metric.name}{`);
const states: readonly SeenEndpoint["state"][] = ["ready", "terminating", "failing"];
const tails = states.map((state) => wordsOf(`",state="${state}"} `));

/** Predictors that are read and written together, some 0.1 ms. */
const together = 16;

/** `ready` is written of every predictor, also where it is 0. */
export async function writeEndpointStates(
  reader: AnswerReader,
  all: () => Iterable<EndpointsOf>,
  slices: Slices,
): Promise<void> {
  const text = new StreamedText((bytes) => reader.send(bytes));
  const lines = new SampleLines(text, labelNames);
  text.write(`# HELP ${metric.name} ${metric.help}\n# TYPE ${metric.name} ${metric.kind}\n`);
  let written = 0;
  for (const { predictor, endpoints } of all()) {
    const { namespace, deployment, predictor: name, role } = predictor;
    lines.of([escaped(namespace), escaped(deployment), escaped(name), role]);
    for (const [at, state] of states.entries()) {
      const count = endpoints.reduce((sum, one) => sum + Number(one.state === state), 0);
      if (count > 0 || state === "ready") lines.count(head, tails[at]!, count);
    }
    written += 1;
    if (written % together !== 0) continue;
    await text.flush();
    await slices.pause();
    if (reader.isGone) return;
  }
  await text.end();
}
