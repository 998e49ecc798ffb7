// Commands on `--url` ask every replica and print what is equal once.
import { afterEach, describe, expect, test } from "vitest";
import { broken, FakeAdmin, withoutNames } from "./fake-admin.ts";
import { runTool } from "./run-tool.ts";

const admins: FakeAdmin[] = [];
afterEach(async () => {
  for (const admin of admins.splice(0)) await admin.stop();
});

async function saying(text: string): Promise<string> {
  const admin = await FakeAdmin.start((_, response) => response.setHeader("content-type", "text/plain").end(text));
  admins.push(admin);
  return admin.url;
}

describe("answers of several replicas", () => {
  test("that are equal are printed once", async () => {
    const [one, two] = [await saying("same"), await saying("same\n")];
    expect(await runTool("routes", "--url", one, "--url", two)).toEqual({ code: 0, out: "same\n", err: "" });
    expect(await runTool("routes", "--url", `${one}, ${two}/,${one}`)).toEqual({ code: 0, out: "same\n", err: "" });
  });

  test("that differ stand below their names, and one that is away is said while others answer", async () => {
    const [one, two, three] = [await saying("same\n"), await saying("other\n"), await saying("same\n")];
    const ran = await runTool("problems", "--url", `${one},${two},${three},127.0.0.1:1`);
    expect(ran.code).toBe(1);
    expect(ran.out).toMatch(
      /^== http:\S+, http:\S+\nsame\n\n== http:\S+\nother\n\n== http:\/\/127\.0\.0\.1:1\nhttp:\/\/127\.0\.0\.1:1 does not answer \(.*\).*\n$/,
    );
    expect(ran.err).toBe("");
  });

  test("as JSON are one object, whether they differ or not", async () => {
    const [one, two] = [await saying('{"items":[],"continue":null}'), await saying("<")];
    const ran = await runTool("routes", "-o", "json", "--url", one, "--url", two);
    expect(JSON.parse(ran.out)).toEqual({
      replicas: [
        { name: one, answer: { items: [], continue: null }, sentence: null },
        {
          name: two,
          answer: null,
          sentence: expect.stringMatching(/answers no JSON, so it is no admin port of Sluice/) as string,
        },
      ],
    });
  });
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
