// Nothing that a tenant wrote moves a terminal, breaks a line or turns text, wherever the gateway shows it.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { eventOf } from "../../gateway/control/status/problem-events.ts";
import { failureAnswer } from "../../gateway/edge/message/answers.ts";
import { failures } from "../../gateway/failures.ts";
import { compileEdits } from "../../gateway/edge/message/header-edits.ts";
import { isUntouchableHeader, untouchableHeaders } from "../../routing/text/untouchable-headers.ts";
import { printProblem, type Problem } from "../../routing/text/problem.ts";
import { object, service, translate } from "../k8s/translate/objects.ts";

const hostile = "m\u001b[2J\r\nset-cookie: a=b\u009b31m\u202e\u2066\ud800";
const moving = /[\p{Cc}\p{Bidi_Control}\p{Cs}]/u;

describe("answers", () => {
  test.each([
    [false, false],
    [true, false],
    [false, true],
  ])("json %s, gRPC %s", (json, grpc) => {
    const { body, fields } = failureAnswer(
      failures.upstreamTimeout,
      `upstream request timeout: timeout 10 ms set by timeout_ms of Mapping p/${hostile}`,
      json,
      grpc,
    );
    expect(String(body)).not.toMatch(moving);
    for (const [, value] of fields) expect(value).not.toMatch(moving);
    expect(`${String(body)}${fields.map(([, value]) => value).join("")}`).toContain("Mapping p/m");
  });
});

describe("Problems", () => {
  const problem: Problem = {
    code: "bad-value",
    level: "error",
    subject: { kind: "Mapping", namespace: "p", name: hostile },
    field: `spec.${hostile}`,
    sentence: `${hostile} is wrong`,
  };

  test("as text and as an event", () => {
    expect(printProblem(problem)).not.toMatch(moving);
    expect(eventOf(problem).message).not.toMatch(moving);
  });
});

test("the log", async () => {
  const script = `import { pinoLog } from './gateway/shared/log.ts'; const end = await pinoLog(); end.log.write('thread-failed', { a: ${JSON.stringify(hostile)} }); await end.end();`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
    cwd: `${import.meta.dirname}/../..`,
  });
  expect(stdout.trimEnd()).not.toMatch(moving);
  expect(JSON.parse(stdout)).toMatchObject({ event: "thread-failed" });
});

describe("headers that no Mapping touches: one list for translation and for the wire", () => {
  const names = [
    ...untouchableHeaders,
    "proxy-authorization",
    "Proxy-Connection",
    "proxy-",
    "Content_Length",
    "HTTP2-Settings",
    "Expect",
  ];

  test.each(names)("%s", (name) => {
    expect(isUntouchableHeader(name)).toBe(true);
    for (const direction of ["request", "response"]) {
      const translation = translate([
        object(
          "Mapping",
          "p/m",
          JSON.stringify({
            spec: {
              prefix: "/m/",
              host: "h",
              service: "model:8000",
              [`add_${direction}_headers`]: { [name]: "x" },
              [`remove_${direction}_headers`]: [name],
            },
          }),
        ),
        ...service("p/model"),
      ]);
      expect(translation.problems.map(({ level, code }) => `${level} ${code}`)).toEqual([
        "warning bad-value",
        "warning bad-value",
      ]);
      expect(translation.mappings.get("Mapping p/m")!.target).toMatchObject({
        requestHeaders: { add: [], remove: [] },
        responseHeaders: { add: [], remove: [] },
      });
    }
    expect(compileEdits({ remove: [name], add: [{ name, value: "x", append: false }] })).toMatchObject({
      gone: [],
      templates: null,
    });
    expect(compileEdits({ remove: [], add: [{ name, value: "x", append: true }] })!.lines).toHaveLength(0);
  });

  test("others are edited", () => {
    expect(isUntouchableHeader("x-proxy-a")).toBe(false);
    expect(
      compileEdits({ remove: ["x-a"], add: [{ name: "authorization", value: "x", append: true }] })!.lines.toString(),
    ).toBe("authorization: x\r\n");
  });

  test.each(["\u001b[2J", "a\r\nb", "\u009b", "\u202e", "\ud800"])("the value %j is refused", (value) => {
    const translation = translate([
      object(
        "Mapping",
        "p/m",
        JSON.stringify({ spec: { prefix: "/m/", service: "model:8000", add_response_headers: { "x-a": value } } }),
      ),
      ...service("p/model"),
    ]);
    expect(translation.mappings.get("Mapping p/m")!.target).toMatchObject({ responseHeaders: { add: [] } });
    expect(translation.problems.map(({ code }) => code)).toEqual(["bad-value"]);
  });
});
