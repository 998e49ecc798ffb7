// What people write in place of a command, of its help or of -o.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { printStory, storyOf } from "../../../gateway/explain/request-story.ts";
import { emptyEntry } from "../../../gateway/shared/access-fields.ts";
import { entry } from "../entry.ts";
import { answering, FakeAdmin } from "./fake-admin.ts";
import { runTool } from "./run-tool.ts";

const run = promisify(execFile);

test("a command that is misspelt, and help of one", async () => {
  const wrong = await run(process.execPath, [entry, "statsu"]).catch((error: unknown) => error);
  expect(wrong).toMatchObject({ code: 2, stderr: 'sluice: unknown command "statsu": did you mean status?\n' });
  expect((await run(process.execPath, [entry, "help", "status"])).stdout).toMatch(/^Use: sluice status /);
});

test("-o=json is -o json", async () => {
  const admin = await FakeAdmin.start(answering({ items: [], continue: null, away: [] }));
  const ran = await runTool("problems", "--url", admin.url, "-o=json");
  await admin.stop();
  expect(ran.err).toBe("");
  expect(JSON.parse(ran.out)).toEqual({ items: [], continue: null, away: [] });
});

test("a request that access refused leads to who, and its reason is shown", () => {
  const refused = {
    ...emptyEntry,
    namespace: "prod",
    deployment: "iris",
    origin: "gateway",
    code: 401,
    reason: "no-token",
  };
  const printed = printStory(storyOf(refused));
  expect(printed).toContain("  sluice who prod/iris --url ADMIN: it says who may call");
  expect(printed).toMatch(/^ {2}reason +no-token$/m);
  expect(printStory(storyOf({ ...refused, origin: "model" }))).not.toContain("sluice who");
});
