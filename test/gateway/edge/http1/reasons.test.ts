import { STATUS_CODES } from "node:http";
import { expect, test } from "vitest";
import { reasons } from "../../../../gateway/edge/http1/reasons.ts";

test("reason phrases are those of Node", () => {
  expect(reasons).toEqual(STATUS_CODES);
});
