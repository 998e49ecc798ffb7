// Questions of a data worker over HTTP: each gets one answer, whatever becomes of the control worker, and only so many wait.
import { MessageChannel } from "node:worker_threads";
import { expect, test } from "vitest";
import type { DataToControl, HttpAnswer } from "../../../gateway/shared/messages.ts";
import { maxWaiting, outsideAsker } from "../../../gateway/worker/outside.ts";

const question = { url: "https://login.example/introspect", headers: {}, body: "token=abc" };

test("the control worker answers each question", async () => {
  const { port1, port2 } = new MessageChannel();
  port2.on("message", (message: DataToControl) => {
    if (message.kind === "ask")
      message.answer.postMessage({
        kind: "got",
        text: message.question.body!,
        maxAgeMs: null,
      } satisfies HttpAnswer);
  });
  const ask = outsideAsker(() => port1);
  expect(await Promise.all([ask(question), ask({ ...question, body: "token=def" })])).toEqual([
    { kind: "got", text: "token=abc", maxAgeMs: null },
    { kind: "got", text: "token=def", maxAgeMs: null },
  ]);
  port1.close();
});

test("without a control worker, and with one that ends, the answer says so", async () => {
  expect(await outsideAsker(() => null)(question)).toEqual({
    kind: "failed",
    reason: "the control worker is away",
  });
  const { port1, port2 } = new MessageChannel();
  port2.on("message", (message: DataToControl) => {
    if (message.kind === "ask") message.answer.close();
  });
  expect(await outsideAsker(() => port1)(question)).toEqual({
    kind: "failed",
    reason: "the control worker has ended",
  });
  port1.close();
});

test.each([
  [maxWaiting - 1, 0],
  [maxWaiting, 0],
  [maxWaiting + 1, 1],
])("%i wait at once: %i are refused", async (count, refused) => {
  const { port1, port2 } = new MessageChannel();
  const ports: { close: () => void }[] = [];
  const allAsked = Promise.withResolvers<void>();
  port2.on("message", (message: DataToControl) => {
    if (message.kind === "ask") ports.push(message.answer);
    if (ports.length === count - refused) allAsked.resolve();
  });
  const ask = outsideAsker(() => port1);
  const answers = Array.from({ length: count }, () => ask(question));
  await allAsked.promise;
  for (const port of ports) port.close();
  const reasons = (await Promise.all(answers)).map((answer) => (answer.kind === "failed" ? answer.reason : ""));
  expect(reasons.filter((reason) => reason === "too many questions wait")).toHaveLength(refused);
  // Those that were answered wait no more.
  port2.on("message", (message: DataToControl) => message.kind === "ask" && message.answer.close());
  expect(await ask(question)).toMatchObject({ reason: "the control worker has ended" });
  port1.close();
});
