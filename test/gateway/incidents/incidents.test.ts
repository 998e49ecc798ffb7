// The incidents of the runbook on real gateways: `sluice status`, and at most two more commands, tell the cause.
import { afterEach, beforeEach, expect, test } from "vitest";
import { GrpcClient, metadataOf, paths } from "../../wire/grpc-peer.ts";
import { GatewayStage } from "../gateway-stage.ts";
import { until } from "../until.ts";
import { runTool } from "../tools/run-tool.ts";
import { incidents } from "./incidents.ts";

let stage: GatewayStage;

beforeEach(async () => {
  stage = await GatewayStage.open();
});
afterEach(() => stage.close());

test.each(incidents)("$name", { timeout: 60_000 }, async ({ arrange, happen, first, commands, cause }) => {
  expect(commands.length).toBeLessThanOrEqual(2);
  const gateway = stage.serve(2, ...(await arrange(stage)));
  const { traffic, admin } = await gateway.listening();
  const url = `${traffic}/seldon/prod/iris/api/v1.0/predictions`;
  await happen({
    stage,
    traffic,
    admin,
    async ask(fields = {}) {
      const answer = await fetch(url, { method: "POST", body: '{"data":{"ndarray":[[1]]}}', headers: fields });
      await answer.arrayBuffer();
      return answer.status;
    },
    async askGrpc() {
      const client = new GrpcClient(Number(new URL(traffic).port));
      try {
        return (await client.unary(paths.predict, metadataOf({ seldon: "iris", namespace: "prod" }))).status.code;
      } finally {
        client.close();
      }
    },
  });
  const verdict = async (): Promise<string> => {
    const answer = (await (await fetch(`${admin}/api/v1/status`)).json()) as { readonly first: string | null };
    return answer.first ?? "well";
  };
  if (first !== null) await until(async () => first.test(await verdict()), `status says ${first.source}`);
  // Data workers hand failures over each 100 ms.
  if (commands.some(([name]) => name === "failures"))
    await until(async () => (await (await fetch(`${admin}/api/v1/failures`)).text()).includes('"requestId"'));
  const said: string[] = [];
  for (const [name, ...rest] of [["status"], ...commands]) {
    const { out, err } = await runTool(name!, ...rest, "--url", admin);
    expect(err, [name, ...rest].join(" ")).toBe("");
    said.push(`$ sluice ${[name, ...rest].join(" ")}\n${out}`);
  }
  if (process.env["SHOW_INCIDENTS"]) console.log(said.join("\n"));
  if (first === null) expect(said[0]).toContain("Well");
  else expect(said[0]).toContain("Wrong");
  expect(said.slice(1).join("\n")).toMatch(cause);
});
