// A gateway whose /seldon/prod/iris/ leads to an origin that answers ok.
import type { ForwardTarget } from "../../routing/model/mapping.ts";
import { Gateway, type GatewayOptions } from "./gateway.ts";
import { Origin } from "./origin.ts";

export interface ServedIris {
  readonly gateway: Gateway;
  readonly origin: Origin;
  readonly close: () => Promise<void>;
}

export async function servedIris(
  options: GatewayOptions = {},
  target: Partial<ForwardTarget> = {},
): Promise<ServedIris> {
  const gateway = await new Gateway(options).listen();
  const origin = await new Origin().listen();
  gateway.serveIris([origin.port], target);
  const close = (): Promise<void> => {
    gateway.close();
    return origin.close();
  };
  return { gateway, origin, close };
}
