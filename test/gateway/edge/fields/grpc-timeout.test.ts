import { describe, expect, test } from "vitest";
import { readGrpcTimeout } from "../../../../gateway/edge/fields/grpc-timeout.ts";

function read(text: string): number {
  return readGrpcTimeout(Buffer.from(`x${text}`), 1, text.length + 1);
}

describe("grpc-timeout", () => {
  test.each([
    ["1H", 3_600_000],
    ["2M", 120_000],
    ["3S", 3000],
    ["250m", 250],
    ["1500u", 1.5],
    ["1000000n", 1],
    ["0S", 0],
    ["99999999S", 99_999_999_000],
  ])("%s", (text, ms) => {
    expect(read(text)).toBeCloseTo(ms, 6);
  });

  test.each(["", "S", "1", "1s", "1h", "-1S", "+1S", "1.5S", " 1S", "1 S", "100000000S", "1SS", "0x1S", "1é"])(
    '"%s" is none',
    (text) => {
      expect(read(text)).toBe(Infinity);
    },
  );
});
