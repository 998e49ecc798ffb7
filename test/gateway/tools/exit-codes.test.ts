// Every command: 0 for its help, 2 on wrong use, 1 where no gateway answers; one sentence on standard error, and nothing on standard output.
import { describe, expect, test } from "vitest";
import { commandsOf } from "../../../gateway/commands.ts";
import { ShownCredentials } from "../../../gateway/edge/identity/shown-credentials.ts";
import { answering, FakeAdmin } from "./fake-admin.ts";
import { runTool } from "./run-tool.ts";

const named = commandsOf(async () => new ShownCredentials());
const loaded = await Promise.all(named.map(async ({ name, load }) => ({ name, command: await load() })));
const asking = loaded.filter(({ command }) => "url" in command.options).map(({ name }) => name);

/** What each takes beside a gateway. */
const asked: Readonly<Record<string, readonly string[]>> = {
  compare: ["prod/iris"],
  explain: ["/x"],
  oauth: ["revoke", "token"],
  watch: ["prod/iris"],
};

const saidOnce = (name: string): RegExp => new RegExp(`^sluice ${name}: [^\\n]+\\n$`);

describe.each(named.map(({ name }) => name))("sluice %s", (name) => {
  test("prints its help", async () => {
    const { code, out, err } = await runTool(name, "--help");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(new RegExp(`^Use: sluice ${name}[ \\n]`));
  });

  test("does not know an option", async () => {
    expect(await runTool(name, "--no-such-option")).toEqual({
      code: 2,
      out: "",
      err: `sluice ${name}: unknown option --no-such-option: write --help for the list\n`,
    });
  });
});

test("a gateway is asked by these commands", () => {
  expect(asking.toSorted()).toEqual([
    "changes",
    "compare",
    "explain",
    "failures",
    "logs",
    "oauth",
    "problems",
    "rollout",
    "routes",
    "status",
    "top",
    "watch",
    "who",
  ]);
});

describe.each(asking)("sluice %s --url", (name) => {
  test.each([
    "",
    " ",
    "http://",
    "http:///x",
    "ftp://127.0.0.1",
    "http://127.0.0.1:65536",
    "http://127.0.0.1:1?x",
    "http://127.0.0.1:1/#x",
    "http://a\u001b[31mb:80",
    "http://127.0.0.1:1,",
  ])("of no address is wrong use: %j", async (url) => {
    const ran = await runTool(name, ...(asked[name] ?? []), "--url", url);
    expect({ ...ran, err: "" }).toEqual({ code: 2, out: "", err: "" });
    expect(ran.err).toMatch(saidOnce(name));
    expect(ran.err).toContain("no address of an admin port: write for example http://127.0.0.1:8877");
    expect(ran.err).not.toContain("\u001b");
  });

  test("https:// to a port that speaks no TLS is a sentence without the texts of OpenSSL", async () => {
    const admin = await FakeAdmin.start(answering({}));
    const ran = await runTool(name, ...(asked[name] ?? []), "--url", admin.url.replace("http:", "https:"));
    await admin.stop();
    expect(ran).toMatchObject({ code: 1, out: "" });
    expect(ran.err).toMatch(saidOnce(name));
    expect(ran.err).toContain("does not answer (it speaks no TLS, so write http:// in place of https://)");
  });

  test.each(["http://127.0.0.1:1", "127.0.0.1:1", "https://127.0.0.1:1/below/", "[::1]:1"])(
    "where nothing answers: %s",
    async (url) => {
      const ran = await runTool(name, ...(asked[name] ?? []), "--url", url);
      expect({ ...ran, err: "" }).toEqual({ code: 1, out: "", err: "" });
      expect(ran.err).toMatch(saidOnce(name));
      expect(ran.err.split("does not answer")).toHaveLength(2);
      // Each sentence names the replica, once.
      expect(ran.err).toMatch(new RegExp(`^sluice ${name}: https?://[^ ]*:1(?:/below)? does not answer`));
    },
  );
});

test.each([
  ["rollout", "it takes one deployment at most: write NAMESPACE/NAME once, or none for all"],
  ["failures", "it takes one deployment at most: write NAMESPACE/NAME once, or none for all"],
  ["logs", "it takes one deployment at most: write NAMESPACE/NAME once, or none for all"],
  ["status", "it takes options alone: remove the other arguments"],
  ["top", "it takes options alone: remove the other arguments"],
  ["problems", "it takes options alone: remove the other arguments"],
])("sluice %s does not ask for the gateway that it was told, but for fewer words", async (name, sentence) => {
  expect(await runTool(name, "prod/iris", "more", "--url", "http://127.0.0.1:1")).toEqual({
    code: 2,
    out: "",
    err: `sluice ${name}: ${sentence}\n`,
  });
});
