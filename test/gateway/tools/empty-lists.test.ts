// A list with nothing in it is a sentence, and as JSON an empty list.
import { afterEach, beforeEach, expect, test } from "vitest";
import { FakeAdmin } from "./fake-admin.ts";
import { runTool } from "./run-tool.ts";

let admin: FakeAdmin;
beforeEach(async () => {
  admin = await FakeAdmin.start((request, response) => {
    const isText = request.headers.accept === "text/plain";
    response.setHeader("content-type", isText ? "text/plain" : "application/json");
    response.end(isText ? "" : JSON.stringify({ items: [], continue: null }));
  });
});
afterEach(() => admin.stop());

test.each([
  ["problems", "No problems.\n"],
  ["changes", "No changes.\n"],
])("%s", async (command, out) => {
  expect(await runTool(command, "--url", admin.url)).toEqual({ code: 0, out, err: "" });
  const json = await runTool(command, "--url", admin.url, "-o", "json");
  expect(JSON.parse(json.out)).toEqual({ items: [], continue: null });
});

test("rollout: nobody asks for one; of a deployment that is named that is no success", async () => {
  expect(await runTool("rollout", "--url", admin.url)).toEqual({
    code: 0,
    out: "No SeldonDeployment asks for a rollout or a bandit.\n",
    err: "",
  });
  expect(await runTool("rollout", "prod/irs", "--url", admin.url)).toEqual({
    code: 1,
    out: "No SeldonDeployment of this name asks for a rollout or a bandit.\n",
    err: "",
  });
  const json = await runTool("rollout", "prod/irs", "--url", admin.url, "-o", "json");
  expect({ code: json.code, out: JSON.parse(json.out) as unknown }).toEqual({ code: 1, out: { items: [], away: [] } });
});
