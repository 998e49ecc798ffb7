// A list with nothing in it is a sentence, and as JSON an empty list.
import { afterEach, beforeEach, expect, test } from "vitest";
import { FakeAdmin } from "./fake-admin.ts";
import { runTool } from "./run-tool.ts";

let admin: FakeAdmin;
beforeEach(async () => {
  admin = await FakeAdmin.start((request, response) => {
    const isText = request.headers.accept === "text/plain";
    response.setHeader("content-type", isText ? "text/plain" : "application/json");
    response.end(isText ? "" : JSON.stringify({ items: [], continue: null, leftOut: 0 }));
  });
});
afterEach(() => admin.stop());

test.each([
  ["problems", "No problems.\n"],
  ["changes", "No changes.\n"],
])("%s", async (command, out) => {
  expect(await runTool(command, "--url", admin.url)).toEqual({ code: 0, out, err: "" });
  const json = await runTool(command, "--url", admin.url, "-o", "json");
  expect(JSON.parse(json.out)).toEqual({ items: [], continue: null, leftOut: 0, away: [] });
});

test("rollout: nobody asks for one", async () => {
  expect(await runTool("rollout", "--url", admin.url)).toEqual({
    code: 0,
    out: "No SeldonDeployment asks for a rollout or a bandit.\n",
    err: "",
  });
});

const misspelt = "no deployment or Mapping is named prod/irs: write NAME or NAMESPACE/NAME as sluice routes shows it";

test.each(["rollout", "failures", "changes", "logs", "watch", "compare"])(
  "%s of a deployment that nobody has is the same error",
  async (command) => {
    expect(await runTool(command, "prod/irs", "--url", admin.url)).toEqual({
      code: 1,
      out: "",
      err: `sluice ${command}: ${misspelt}\n`,
    });
  },
);

test.each(["who", "routes"])("%s of a deployment that the gateway does not have is the same error", async (command) => {
  await admin.stop();
  admin = await FakeAdmin.start((_request, response) => {
    response.writeHead(404).end(JSON.stringify({ sentence: misspelt }));
  });
  expect(await runTool(command, "--deployment", "prod/irs", "--url", admin.url)).toEqual({
    code: 1,
    out: "",
    err: `sluice ${command}: ${misspelt}\n`,
  });
});

test("of one that is there and has none, it is said", async () => {
  await admin.stop();
  admin = await FakeAdmin.start((request, response) => {
    const items = request.url!.startsWith("/api/v1/deployments?") ? [{ namespace: "prod", name: "iris" }] : [];
    response.end(JSON.stringify({ items, continue: null, leftOut: 0 }));
  });
  const ran = (command: string) => runTool(command, "prod/iris", "--url", admin.url);
  expect(await ran("changes")).toEqual({ code: 0, out: "No changes.\n", err: "" });
  expect(await ran("failures")).toEqual({ code: 0, out: "No failure is kept that fits.\n", err: "" });
  expect(await ran("rollout")).toEqual({
    code: 1,
    out: "No SeldonDeployment of this name asks for a rollout or a bandit.\n",
    err: "",
  });
});
