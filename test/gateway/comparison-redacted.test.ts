// What was kept of answers that disagreed is gone when another text of the annotation, or the end of what it stands on, says so.
import { afterEach, beforeEach, test } from "vitest";
import { comparedManifest } from "./compared-stage.ts";
import { ModelServer } from "./gateway-process.ts";
import { GatewayStage } from "./gateway-stage.ts";
import { until } from "./until.ts";

let stage: GatewayStage;
let shadow: ModelServer;

beforeEach(async () => {
  stage = await GatewayStage.open();
  shadow = await ModelServer.start();
});
afterEach(async () => {
  await stage.close();
  await shadow.stop();
});

test("other rules, no rules, and no deployment: each drops what was kept", async () => {
  stage.model.answer = (_, response) => response.end('{"strData":"pa55-main"}');
  shadow.answer = (_, response) => response.end('{"strData":"pa55-next"}');
  const ports = { main: stage.model.port, next: shadow.port };
  const write = (rules: string): Promise<void> =>
    stage.manifests.write("iris.yaml", comparedManifest("iris", ports, rules));
  await write("true");
  const { traffic, admin } = await stage.serve(1).listening();
  const shown = async (): Promise<string> => (await fetch(`${admin}/api/v1/comparisons/prod/iris`)).text();
  const keep = async (): Promise<void> => {
    await write("true");
    await until(async () => {
      await (await fetch(`${traffic}/seldon/prod/iris/api/v1.0/predictions`, { method: "POST", body: "{}" })).text();
      return (await shown()).includes("pa55");
    });
  };
  for (const end of [
    () => write("redact strData"),
    () => write("keep off"),
    () => write("ignore meta.tags"),
    () => write("false"),
    () => stage.manifests.write("iris.yaml", "# nothing\n"),
  ]) {
    await keep();
    await end();
    await until(async () => !(await shown()).includes("pa55"));
  }
});
