// A viewer of one namespace may name it by -n or by the deployment.
import { expect, test } from "vitest";
import { FakeAdmin } from "./fake-admin.ts";
import { runTool } from "./run-tool.ts";

async function askedFor(command: string, ...argv: string[]): Promise<string | null> {
  const asked: string[] = [];
  const admin = await FakeAdmin.start((request, response) => {
    asked.push(request.url!);
    response.destroy();
  });
  await runTool(command, "--url", admin.url, ...argv);
  await admin.stop();
  return new URL(asked[0]!, "http://a").searchParams.get("namespace");
}

test.each(["failures", "logs", "changes", "watch"])("%s", async (command) => {
  expect(await askedFor(command, "prod/iris")).toBe("prod");
  expect(await askedFor(command, "prod/iris", "-n", "team")).toBe("team");
  expect(await askedFor(command, "iris")).toBeNull();
});

test("changes --follow", async () => {
  expect(await askedFor("changes", "prod/iris", "--follow")).toBe("prod");
});
