// `sluice model`: a model server to try a gateway with, on loopback: the demo's classifier of flowers.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createOnePort } from "../demo/one-port.ts";
import { command, type Outcome, type Use } from "../options/command.ts";
import { whenNpmGoes } from "../supervisor/npm-parent.ts";
import { print } from "./terminal/print.ts";
import { choice, integer } from "../options/option.ts";

const options = {
  port: integer(
    { byDefault: 9000, min: 1, max: 65_535, orZero: true },
    "port on 127.0.0.1 for REST and gRPC; 0: a free one",
  ),
  modelVersion: choice(["1", "2"], "version of the model, which its answers name: iris:1, iris:2"),
};

export const model = command({
  forms: ["[--port PORT] [options]"],
  text: `Starts a model server on this machine until Ctrl-C: Seldon's protocol and KServe's V2, over REST and over gRPC on the same port. It classifies iris flowers
by four measurements, for example {"data":{"ndarray":[[5.1,3.5,1.4,0.2]]}}.
Exits 0 after Ctrl-C, 1 when it cannot listen, 2 on wrong use.
`,
  options,
  words: [],
  run,
});

async function run({ values: { port, modelVersion }, positionals }: Use<typeof options>): Promise<Outcome> {
  if (positionals[0] !== undefined)
    return { kind: "wrong", sentence: `"${positionals[0]}" is not an option: write --help for the list` };
  const server = createOnePort(modelVersion);
  const npmGoes = new Promise<void>((resolve) => whenNpmGoes(resolve));
  const stopped = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM"), npmGoes]);
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      kind: "failed",
      sentence: `it cannot listen on 127.0.0.1:${port} (${reason}): write --port with a free port`,
    };
  }
  print(
    `model version ${modelVersion} listens on 127.0.0.1:${(server.address() as AddressInfo).port}, REST and gRPC\n`,
  );
  await stopped;
  // Clients keep their connections.
  process.exit(0);
}
