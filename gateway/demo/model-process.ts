// Entry of a model server's own process: `model-process.ts 1` or `2` is the model version. Started by models.ts with an IPC channel.
import { once } from "node:events";
import { createGrpcServer, listenGrpc } from "./grpc-server.ts";
import { createModelServer } from "./model-server.ts";
import type { AddressInfo, Server } from "node:net";
import type { ModelVersion } from "./classifier.ts";

/** From the demo to a model process: how many predictions were asked of you? */
export interface ToModel {
  readonly kind: "count";
}

export type FromModel =
  | { readonly kind: "listening"; readonly http: number; readonly grpc: number }
  | { readonly kind: "count"; readonly predictions: number };

let predictions = 0;
const version: ModelVersion = process.argv[2] === "2" ? "2" : "1";
const count = (): void => {
  predictions += 1;
};

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function tell(message: FromModel): void {
  process.send?.(message);
}

process.on("message", (message: ToModel) => {
  if (message.kind === "count") tell({ kind: "count", predictions });
});
// The demo is gone, however it ended (SIGKILL closes the channel too): no model outlives it.
process.on("disconnect", () => process.exit(0));
// Ctrl-C reaches the whole foreground group: the demo stops its models itself, after the gateway has drained.
process.on("SIGINT", () => {});
tell({
  kind: "listening",
  http: await listen(createModelServer(version, count)),
  grpc: await listenGrpc(createGrpcServer(version, count)),
});
