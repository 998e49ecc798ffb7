import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AnswerReader } from "../../../../gateway/admin/sending/answer-reader.ts";

let server: Server;
let client: Socket;

beforeEach(async () => {
  server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  client = connect((server.address() as AddressInfo).port, "127.0.0.1");
});

afterEach(() => {
  client.destroy();
  server.close();
});

/** The answers to requests that are sent at once. */
async function asked(requests: number): Promise<readonly ServerResponse[]> {
  const answers: ServerResponse[] = [];
  const all = new Promise<void>((resolve) => {
    server.on("request", (_, answer) => {
      if (answers.push(answer) === requests) resolve();
    });
  });
  client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(requests));
  await all;
  return answers;
}

describe("the reader of an answer", () => {
  test("is gone when its connection ends, also one whose answer stands behind another", async () => {
    const answers = await asked(3);
    const readers = answers.map((answer) => new AnswerReader(answer));
    expect(readers.map(({ isGone }) => isGone)).toEqual([false, false, false]);
    const sending = readers.slice(1).map((reader) => reader.send(Buffer.alloc(1024 * 1024)));
    client.destroy();
    await Promise.all([...sending, ...answers.map((answer) => once(answer, "close"))]);
    expect(readers.map(({ isGone }) => isGone)).toEqual([true, true, true]);
  });

  test("is gone from the start where the connection has ended already", async () => {
    const answers = await asked(2);
    client.destroy();
    await once(answers[1]!, "close");
    const readers = answers.map((answer) => new AnswerReader(answer));
    expect(readers.map(({ isGone }) => isGone)).toEqual([true, true]);
    await readers[1]!.send(Buffer.from("text"));
  });
});
