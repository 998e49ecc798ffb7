import { expect, test } from "vitest";
import { StreamedText, pieceBytes } from "../../../../gateway/admin/families/streamed-text.ts";

/** What is sent is kept as a reader would: the memory is written over as soon as `send` resolves. */
function sink(): { readonly sent: Buffer[]; readonly text: StreamedText } {
  const sent: Buffer[] = [];
  const text = new StreamedText(async (bytes) => {
    sent.push(Buffer.from(bytes));
    await Promise.resolve();
  });
  return { sent, text };
}

test.each([pieceBytes - 1, pieceBytes, pieceBytes + 1, 3 * pieceBytes + 7])(
  "a text of %i bytes is sent as it was written, whatever its characters",
  async (bytes) => {
    for (const part of ["x", "ü", "€", "😀", "abcdefg😀h".repeat(50)]) {
      for (const flushes of [true, false]) {
        const parts = Math.ceil(bytes / Buffer.byteLength(part));
        const { sent, text } = sink();
        for (let count = 0; count < parts; count++) {
          text.write(part);
          if (flushes) await text.flush();
        }
        await text.end();
        expect(Buffer.concat(sent).toString() === part.repeat(parts)).toBe(true);
        expect(sent.length).toBeLessThan(2 + (bytes * 2) / pieceBytes);
      }
    }
  },
);

test("a part that is longer than a piece is written whole", async () => {
  const { sent, text } = sink();
  text.write("a");
  text.write("ü".repeat(2 * pieceBytes));
  text.write("z");
  await text.end();
  expect(Buffer.concat(sent).toString() === `a${"ü".repeat(2 * pieceBytes)}z`).toBe(true);
});

test("it is sent through the same memory, and little of it", async () => {
  const memory = new Set<ArrayBufferLike>();
  const text = new StreamedText(async ({ buffer }) => {
    memory.add(buffer);
  });
  for (let count = 0; count < 10 * pieceBytes; count += 1000) {
    text.write("x".repeat(1000));
    await text.flush();
  }
  await text.end();
  expect([...memory].map(({ byteLength }) => byteLength)).toEqual([pieceBytes]);
});
