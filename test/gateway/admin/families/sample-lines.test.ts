import * as fc from "fast-check";
import { expect, test } from "vitest";
import { SampleLines, wordsOf, type Words } from "../../../../gateway/admin/families/sample-lines.ts";
import { StreamedText, pieceBytes } from "../../../../gateway/admin/families/streamed-text.ts";

const [head, other, tail] = ["a{", "other{", '"} '].map(wordsOf) as [Words, Words, Words];

async function written(write: (lines: SampleLines) => void): Promise<string> {
  const sent: Buffer[] = [];
  const text = new StreamedText(async (bytes) => {
    sent.push(Buffer.from(bytes));
  });
  write(new SampleLines(text, ['x="', '",y="'].map(wordsOf)));
  await text.end();
  return Buffer.concat(sent).toString();
}

async function numberOf(write: (lines: SampleLines) => void): Promise<string> {
  const text = await written((lines) => {
    lines.of(["1", ""]);
    write(lines);
  });
  return /^a\{x="1",y=""\} (\S+)\n$/.exec(text)![1]!;
}

test("a count is written in digits", async () => {
  const counts = fc.oneof(fc.constantFrom(0, 9, 10, 99, 100, 2 ** 31 - 1, 2 ** 31, 2 ** 53), fc.maxSafeNat(), fc.nat());
  await fc.assert(
    fc.asyncProperty(counts, async (count) => {
      expect(await numberOf((lines) => lines.count(head, tail, count))).toBe(String(count));
    }),
  );
});

test("seconds are written to the nanosecond", async () => {
  const seconds = fc.oneof(
    fc.constantFrom(0, 0.1 + 0.2, 1e-9, 4e-10, 0.9999999999, 2 ** 31 - 1, 2 ** 31 + 0.5, 1e22),
    fc.double({ min: 0, max: 1e9, noNaN: true }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    // A sum of rewards.
    fc.double({ min: -1e9, max: 0, noNaN: true }),
  );
  await fc.assert(
    fc.asyncProperty(seconds, async (one) => {
      const text = await numberOf((lines) => lines.seconds(head, tail, one));
      expect(Math.abs(Number(text) - one)).toBeLessThanOrEqual(5.1e-10 + Math.abs(one) * 1e-15);
      expect(text).toMatch(one < 0 ? /^-\d+(\.\d+)?(e-\d+)?$/ : /^\d+(\.\d{0,8}[1-9]|\.\d+)?(e\+\d+)?$/);
    }),
  );
});

test("lines say the labels of their series, whatever line came before, from piece to piece", async () => {
  const values = ["1", "ü€😀", "ö".repeat(1000), "long".repeat(pieceBytes / 4)];
  const expected: string[] = [];
  const text = await written((lines) => {
    for (let round = 0; round < 200; round++) {
      const labels = [values[round % 50 === 0 ? 3 : round % 3]!, values[round % 2]!];
      lines.of(labels);
      for (const [name, words] of [
        ["a{", head],
        ["a{", head],
        ["other{", other],
        ["a{", head],
      ] as const) {
        lines.count(words, tail, round);
        expected.push(`${name}x="${labels[0]}",y="${labels[1]}"} ${round}\n`);
      }
    }
  });
  expect(text === expected.join("")).toBe(true);
});
