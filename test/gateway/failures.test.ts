import { describe, expect, test } from "vitest";
import { failureFlags } from "../../gateway/failure-flags.ts";
import { failures, rejectFailure } from "../../gateway/failures.ts";
import { grpcStatusNames } from "../../gateway/grpc-statuses.ts";

describe("failures", () => {
  test.each(Object.values(failures))(
    "$name has a flag that is counted, statuses that exist, and a name of its own",
    ({ name, flag, httpStatus, grpcStatus }) => {
      expect(Object.keys(failureFlags)).toContain(flag);
      expect(httpStatus === 0 || (httpStatus >= 400 && httpStatus < 600)).toBe(true);
      expect(grpcStatusNames[grpcStatus]).toBeDefined();
      expect(Object.values(failures).filter((other) => other.name === name)).toHaveLength(1);
    },
  );

  test.each([
    ["no-route", 404, "UNIMPLEMENTED"],
    ["not-read", 503, "UNAVAILABLE"],
    ["namespace-needed", 400, "INVALID_ARGUMENT"],
    ["regex-work", 431, "RESOURCE_EXHAUSTED"],
    ["no-healthy-upstream", 503, "UNAVAILABLE"],
    ["all-weights-zero", 503, "UNAVAILABLE"],
    ["only-shadows", 503, "UNAVAILABLE"],
  ] as const)("a Decision that rejects for %s is answered %i, and %s to gRPC", (reason, httpStatus, grpcName) => {
    const failure = rejectFailure(reason);
    expect([failure.httpStatus, grpcStatusNames[failure.grpcStatus]]).toEqual([httpStatus, grpcName]);
  });
});
