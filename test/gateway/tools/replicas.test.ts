// The one reader of answers: whatever is at the other end, a value of the shape or one sentence.
import { afterEach, describe, expect, test } from "vitest";
import { Type } from "../../../gateway/api/shape.ts";
import { askFor, askBounds } from "../../../gateway/tools/replicas/ask.ts";
import { replicasAt } from "../../../gateway/tools/replicas/replica.ts";
import { answering, broken, FakeAdmin, withoutNames, type FakeAnswer } from "./fake-admin.ts";

const shape = Type.Object({ isWell: Type.Boolean() });
const question = { method: "GET", path: "/x", body: null, accept: "application/json", adminToken: null } as const;
const admins: FakeAdmin[] = [];
afterEach(async () => {
  for (const admin of admins.splice(0)) await admin.stop();
});

async function ask(answer: FakeAnswer, bounds = askBounds) {
  const admin = await FakeAdmin.start(answer);
  admins.push(admin);
  const asked = await askFor(replicasAt([admin.url])[0]!, question, shape, bounds);
  return asked.kind === "answer" ? asked : { ...asked, sentence: withoutNames(asked.sentence, admin.url, "/x") };
}

describe("an answer", () => {
  test("of the shape is its value, with what a newer version adds", async () => {
    expect(await ask(answering({ isWell: true, more: 1 }))).toEqual({
      kind: "answer",
      value: { isWell: true, more: 1 },
    });
  });

  test.each(broken)("that is %s is one sentence", async (_, answer, sentence) => {
    const asked = await ask(answer);
    if (asked.kind !== "failed") throw new Error("it was taken for an answer");
    expect(asked.sentence).toMatch(sentence);
    expect(asked.sentence.length).toBeLessThan(600);
  });

  test("that does not come in its time is one sentence, at its head and at its body", async () => {
    const late = { ...askBounds, answerMs: 100 };
    const sentence = { kind: "failed", sentence: "NAME does not answer within 0.1 s" };
    expect(await ask(() => undefined, late)).toEqual(sentence);
    expect(await ask((_, response) => response.write("{"), late)).toEqual(sentence);
    const [replica] = replicasAt(["127.0.0.1:1"]);
    const connect = (): Promise<never> => new Promise(() => undefined);
    expect(await askFor({ ...replica!, name: "NAME", connect }, question, shape, late)).toEqual(sentence);
  });

  test("at its bound of bytes", async () => {
    const value = { isWell: true };
    const answerBytes = JSON.stringify(value).length;
    for (const by of [-1, 0, 1]) {
      const asked = await ask(answering(value), { ...askBounds, answerBytes: answerBytes + by });
      expect(asked.kind).toBe(by < 0 ? "failed" : "answer");
    }
  });

  test("is not asked for with a token that no header holds", async () => {
    const [replica] = replicasAt(["127.0.0.1:1"]);
    const asked = await askFor(replica!, { ...question, adminToken: "secret\nword" }, shape);
    expect(asked).toEqual({
      kind: "failed",
      sentence: "the admin token holds a line break or another character that no header holds: write it without",
    });
  });
});
