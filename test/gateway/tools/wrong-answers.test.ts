// Commands on an admin port that answers wrongly: one sentence, and exit 1.
import { afterEach, describe, expect, test } from "vitest";
import { broken, FakeAdmin, withoutNames } from "./fake-admin.ts";
import { runTool } from "./run-tool.ts";

const admins: FakeAdmin[] = [];
afterEach(async () => {
  for (const admin of admins.splice(0)) await admin.stop();
});

describe("an admin port that answers wrongly", () => {
  const commands: readonly (readonly string[])[] = [
    ["routes", "-o", "json"],
    ["who", "-o", "json"],
    ["problems", "-o", "json"],
    ["explain", "/x", "-o", "json"],
    ["oauth", "revoke", "token"],
  ];
  for (const [way, answer, sentence] of broken)
    test(`that is ${way}: each command prints one sentence and exits 1`, async () => {
      const admin = await FakeAdmin.start(answer);
      admins.push(admin);
      for (const [name, ...argv] of commands) {
        const ran = await runTool(name!, ...argv, "--url", admin.url);
        expect(ran).toMatchObject({ code: 1, out: "" });
        const said = withoutNames(ran.err.replace(/http:\S+?\/api\/[a-z0-9/]+/, `${admin.url}/x`), admin.url, "/x");
        expect(said.slice(`sluice ${name!}: `.length).trimEnd()).toMatch(sentence);
        expect(said.split("\n")).toHaveLength(2);
      }
    });
});
