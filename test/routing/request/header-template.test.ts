// Header values with variables.
import { assert, property, string } from "fast-check";
import { expect, test } from "vitest";
import { fillTemplate, templateOf } from "../../../routing/request/header-template.ts";

const values = { address: "10.1.2.3", peer: "192.0.2.7", protocol: "HTTP/1.1" };

function filled(value: string): string | null {
  const template = templateOf("x-test", value);
  return template === null ? null : fillTemplate(template, values);
}

test.each([
  ["plain", "plain"],
  ["", ""],
  ["%PROTOCOL%", "HTTP/1.1"],
  ["ip=%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%;", "ip=10.1.2.3;"],
  ["%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%%PROTOCOL%", "192.0.2.7HTTP/1.1"],
  ["100%", "100%"],
  ["100%% %PROTOCOL%", "100% HTTP/1.1"],
  ["%%%%", "%%"],
  ["%%PROTOCOL%%", "%PROTOCOL%"],
])("%j is sent as %j", (value, sent) => {
  expect(filled(value)).toBe(sent);
});

test.each(["%UPSTREAM_REMOTE_ADDRESS%", "%protocol%", "%constructor%", "%__proto__%", "a %REQ(authorization)% b"])(
  "%j names no variable that is known",
  (value) => {
    expect(filled(value)).toBeNull();
  },
);

test("a value in which percent signs are doubled is sent as it was", () => {
  assert(property(string(), (value) => filled(value.replaceAll("%", "%%")) === value));
});
