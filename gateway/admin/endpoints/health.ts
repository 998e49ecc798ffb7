// /healthz and /readyz, also by Ambassador's paths.
import { textType } from "../answers.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";

export function live({ turns }: EndpointParts): Handler {
  return (_, reply) =>
    turns()
      ? reply.type(textType).send("sluice is alive\n")
      : reply.code(503).type(textType).send("sluice is not alive: no data worker turns\n");
}

export function ready({ view, notReady }: EndpointParts): Handler {
  return (_, reply) => {
    if (view.ready) return reply.type(textType).send("sluice is ready\n");
    const reason = notReady();
    return reply
      .code(503)
      .type(textType)
      .send(`sluice is not ready${reason === null ? "" : `: ${reason}`}\n`);
  };
}
