// /metrics: the few families are shared between readers, the series of deployments are written for each.
import type { EndpointParts, Handler } from "../endpoint.ts";
import { streamShared } from "../sending/send-shared.ts";
import { writeBreakers } from "../families/breaker-series.ts";
import { writeEndpointStates } from "../families/endpoint-series.ts";
import { writeSeries } from "../families/series.ts";
import { SharedAnswers } from "../sending/shared-answers.ts";
import { slicesOfThread } from "../../shared/slices.ts";

export function metrics({ families, blocks, view }: EndpointParts): Handler {
  const few = new SharedAnswers(
    async () => Buffer.from(await families.text()),
    () => performance.now(),
  );
  return (_, reply) =>
    streamShared(reply, few, "text/plain; version=0.0.4; charset=utf-8", async (reader) => {
      await writeSeries(reader, blocks, () => view.counted.usedSlots, slicesOfThread());
      await writeEndpointStates(reader, () => view.counted.predictorEndpoints, slicesOfThread());
      await writeBreakers(reader, blocks, view.counted, slicesOfThread());
    });
}
