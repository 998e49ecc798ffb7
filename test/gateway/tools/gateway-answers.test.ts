// The one reader of answers: whatever is at the other end, a value of the shape or one sentence.
import { afterEach, describe, expect, test } from "vitest";
import { Type } from "../../../gateway/api/shape.ts";
import { isWithinBounds } from "../../../gateway/tools/gateway/json-bounds.ts";
import { askList, listBounds } from "../../../gateway/tools/gateway/ask-list.ts";
import { askFor, askBounds } from "../../../gateway/tools/gateway/ask.ts";
import { gatewayAt } from "../../../gateway/tools/gateway/gateway.ts";
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
  const asked = await askFor(gatewayAt(admin.url), question, shape, bounds);
  return asked.kind === "answer" ? asked : { ...asked, sentence: withoutNames(asked.sentence, admin.url, "/x") };
}

describe("an answer", () => {
  test("of the shape is its value, with what a newer version adds", async () => {
    expect(await ask(answering({ isWell: true, more: 1 }))).toEqual({
      kind: "answer",
      value: { isWell: true, more: 1 },
      bytes: 24,
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
    const gateway = gatewayAt("127.0.0.1:1");
    const connect = (): Promise<never> => new Promise(() => undefined);
    expect(await askFor({ ...gateway, name: "NAME", connect }, question, shape, late)).toEqual(sentence);
  });

  test("at its bound of bytes", async () => {
    const value = { isWell: true };
    const answerBytes = JSON.stringify(value).length;
    for (const by of [-1, 0, 1]) {
      const asked = await ask(answering(value), { ...askBounds, answerBytes: answerBytes + by });
      expect(asked.kind).toBe(by < 0 ? "failed" : "answer");
    }
  });

  const nested = (depth: number): FakeAnswer => {
    const brackets = `${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}`;
    return (_, response) => response.end(`{"isWell":true,"more":${brackets || 1}}`);
  };

  test("at its bounds of depth and of values, which strings do not count for", () => {
    const bounds = { depth: 3, values: 5 };
    for (const [text, isWithin] of [
      ['{"a":[[1]]}', true],
      ['{"a":[[[]]]}', false],
      ["[1,2,3]", true],
      ["[1,2,3,4]", true],
      ["[1,2,3,4,5]", false],
      ['["[[[[,,,,,\\"[[[[,,,,", 2]', true],
    ] as const)
      expect([text, isWithinBounds(text, bounds)]).toEqual([text, isWithin]);
  });

  test("that is valid JSON, and more than any answer, is one sentence", async () => {
    for (const answer of [nested(101), nested(100_000)])
      expect(await ask(answer)).toMatchObject({ sentence: expect.stringMatching(/^NAME answers JSON that is nested/) });
    expect(await ask(nested(100))).toMatchObject({ kind: "answer" });
    expect(
      await ask((_, response) => response.end(`{"isWell":true,"more":[${"0,".repeat(4_000_000)}0]}`)),
    ).toMatchObject({ sentence: expect.stringMatching(/^NAME answers JSON that is nested/) });
  });

  test("is not asked for with a token that no header holds", async () => {
    const gateway = gatewayAt("127.0.0.1:1");
    const asked = await askFor(gateway, { ...question, adminToken: "secret\nword" }, shape);
    expect(asked).toEqual({
      kind: "failed",
      sentence: "the admin token holds a line break or another character that no header holds: write it without",
    });
  });
});

describe("a list", () => {
  const listShape = Type.Object({ items: Type.Array(Type.Number()), continue: Type.Unsafe<string | null>({}) });
  async function list(answer: FakeAnswer, bounds = listBounds) {
    const admin = await FakeAdmin.start(answer);
    admins.push(admin);
    const asked = await askList(
      gatewayAt(admin.url),
      (more) => ({ ...question, path: `/x?${more ?? ""}` }),
      listShape,
      bounds,
    );
    return asked.kind === "answer" ? asked.value : asked.sentence.replace(admin.url, "NAME");
  }
  const without = "the list of NAME does not end, or is too long: write -n NAMESPACE for a part of it";
  const part = (items: readonly number[], more: string | null): FakeAnswer => answering({ items, continue: more });

  test("is all its parts, also one of more items than a call takes arguments", async () => {
    const many = Array.from({ length: 300_000 }, () => 1);
    const found = await list((request, response) =>
      (request.url === "/x" ? part(many, "b") : part([2], null))(request, response),
    );
    expect(JSON.stringify(found).slice(-40)).toBe(',1,1,1,1,1,1,1,1,1,1,2],"continue":null}');
    expect((found as { items: unknown[] }).items.length).toBe(300_001);
  });

  test("that does not end is one sentence: by bytes, by time, by number, by the same part", async () => {
    let count = 0;
    const on: FakeAnswer = (request, response) => part([1], `${count++}`)(request, response);
    const bytes = JSON.stringify({ items: [1], continue: "0" }).length;
    expect(await list(on, { ...listBounds, answerBytes: 3 * bytes })).toBe(without);
    expect(count).toBe(3);
    expect(await list(on, { ...listBounds, answerMs: 50 })).toMatch(/^the list of NAME does not end|^NAME does not/);
    let empty = 0;
    expect(await list((request, response) => part([], `${empty++}`)(request, response))).toBe(without);
    expect(empty).toBe(1000);
    expect(await list(part([1], "a"))).toBe(without);
  });
});
