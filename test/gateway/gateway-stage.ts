// A stage for tests of whole processes: a folder of manifests, one of other files, a model server, and gateways that end with it.
import { GatewayProcess, Manifests, ModelServer } from "./gateway-process.ts";

export class GatewayStage {
  readonly manifests: Manifests;
  /** For whatever is no manifest: policies, keys. */
  readonly files: Manifests;
  readonly model: ModelServer;
  readonly #gateways: GatewayProcess[] = [];

  private constructor(manifests: Manifests, files: Manifests, model: ModelServer) {
    this.manifests = manifests;
    this.files = files;
    this.model = model;
  }

  static async open(): Promise<GatewayStage> {
    return new GatewayStage(await Manifests.create(), await Manifests.create(), await ModelServer.start());
  }

  /** Starts `sluice serve` on the folder of manifests, at ports of its own, which ends without a wait. */
  serve(workers: number, ...argv: readonly string[]): GatewayProcess {
    const unlessGiven = [
      ["--listen", "127.0.0.1:0"],
      ["--admin", "127.0.0.1:0"],
      ["--drain-wait-ms", "0"],
    ].filter(([name]) => !argv.includes(name!));
    const gateway = new GatewayProcess([
      "serve",
      "--folder",
      this.manifests.folder,
      "--workers",
      String(workers),
      ...unlessGiven.flat(),
      ...argv,
    ]);
    this.#gateways.push(gateway);
    return gateway;
  }

  async close(): Promise<void> {
    await Promise.all(this.#gateways.map((gateway) => gateway.kill()));
    await this.model.stop();
    await this.manifests.remove();
    await this.files.remove();
  }
}
