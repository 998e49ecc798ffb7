// Which predictor answered: on a real gateway, by the annotation and by the option.
import { afterEach, beforeEach, expect, test } from "vitest";
import { GatewayStage } from "./gateway-stage.ts";

let stage: GatewayStage;

beforeEach(async () => {
  stage = await GatewayStage.open();
});
afterEach(() => stage.close());

test.each([
  { options: [], iris: "default", other: null },
  { options: ["--answered-by"], iris: "default", other: "default" },
])("$options", async ({ options, iris, other }) => {
  // A model's own field is replaced.
  stage.model.answer = (_, response) => response.writeHead(200, { "x-sluice-predictor": "forged" }).end("{}");
  await stage.manifests.deploy("iris", stage.model.port, "prod", { "sluice.io/answered-by": "true" });
  await stage.manifests.deploy("other", stage.model.port);
  await stage.manifests.deploy("quiet", stage.model.port, "prod", { "sluice.io/answered-by": "false" });
  const { traffic } = await stage.serve(1, ...options).listening();
  const named = async (name: string): Promise<string | null> => {
    const answer = await fetch(`${traffic}/seldon/prod/${name}/api/v1.0/predictions`, { method: "POST", body: "{}" });
    await answer.arrayBuffer();
    return answer.headers.get("x-sluice-predictor");
  };
  expect(await named("iris")).toBe(iris);
  expect(await named("other")).toBe(other ?? "forged");
  expect(await named("quiet")).toBe("forged");
});
