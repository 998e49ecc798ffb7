// Two ways to ask for one thing in one Mapping, and ways that no request fits: never silently nothing, never silently everything.
import { describe, expect, test } from "vitest";
import { Translator } from "../../../k8s/translate/translator.ts";
import { clusterSettings, object, problemsOf, translate } from "./objects.ts";

function served(fields: string): { readonly match: object | null; readonly problems: readonly string[] } {
  const translation = translate([
    object("Mapping", "p/m", `spec: { prefix: /seldon/p/m/, service: "m:80", ${fields} }`),
  ]);
  return {
    match: [...translation.mappings.values()][0]?.match ?? null,
    problems: problemsOf(translation).filter((problem) => !problem.includes("no-such-service")),
  };
}

describe("hosts", () => {
  test.each([
    ['hostname: b.example, headers: { ":authority": a.example }', "hostname"],
    ['hostname: "*", headers: { ":authority": a.example }', "hostname"],
    ['host: b.example, headers: { ":authority": a.example }', "host"],
    ['host: "a[.]example", host_regex: true, headers: { ":authority": a.example }', "host"],
  ])("%s is not served", (fields, other) => {
    const { match, problems } = served(fields);
    expect(match).toBeNull();
    expect(problems.join()).toContain(
      `error bad-value Mapping p/m spec.headers: ":authority" asks for another host than ${other}`,
    );
  });

  test.each([
    'headers: { ":authority": a.example }',
    'hostname: a.example, headers: { ":authority": "A.example:8080" }',
    'hostname: "", headers: { ":authority": a.example }',
    'hostname: null, host: "", headers: { ":authority": a.example }',
    'hostname: "", host: a.example',
    "host: a.example",
  ])("%s asks for a.example", (fields) => {
    expect(served(fields).match).toMatchObject({ host: { kind: "exact", host: "a.example" } });
  });
});

describe("methods", () => {
  test.each([
    "method: get",
    "method: Post",
    'headers: { ":method": get }',
    "method: get|post, method_regex: true",
    'regex_headers: { ":method": "get|put" }',
  ])("%s fits no request of a client, and is an error", (fields) => {
    const { match, problems } = served(fields);
    expect(match).toBeNull();
    expect(problems.join()).toMatch(
      /error bad-value Mapping p\/m spec\.(?:method|headers|regex_headers): .* write .*as clients send/,
    );
  });

  test.each([
    ["method: GET", "GET"],
    ["method: purge", "purge"],
    ['headers: { ":method": GET }', "GET"],
    ['method: GET, headers: { ":method": GET }', "GET"],
    ['method: GET, headers: { ":method": true }', "GET"],
  ])("%s", (fields, value) => {
    expect(served(fields).match).toMatchObject({ method: { kind: "exact", value } });
  });

  test.each([
    'method: "GET|get", method_regex: true',
    'method: "(?i)get", method_regex: true',
    'method: "PURGE", method_regex: true',
  ])("%s", (fields) => {
    expect(served(fields).match).toMatchObject({ method: { kind: "regex" } });
  });

  test("two that differ fit no request", () => {
    expect(served('method: GET, headers: { ":method": POST }').match).toBeNull();
  });

  test("an edit to one that fits nothing keeps the last good form", () => {
    const translator = new Translator(clusterSettings);
    const of = (method: string) =>
      object("Mapping", "p/m", `spec: { prefix: /seldon/p/m/, service: "m:80", method: ${method} }`);
    translator.apply({ set: [of("GET")], removed: [] });
    translator.apply({ set: [of("get")], removed: [] });
    expect([...translator.current().mappings.values()][0]!.match.method).toEqual({ kind: "exact", value: "GET" });
  });
});

describe("a redirect", () => {
  const redirect = (service: string) =>
    translate([object("Mapping", "p/m", `spec: { prefix: /seldon/p/m/, host_redirect: true${service} }`)]);

  test.each(["", ", service: null"])("without a host (%j) is not served: it would lead to itself", (service) => {
    const translation = redirect(service);
    expect(translation.mappings.size).toBe(0);
    expect(problemsOf(translation)).toEqual([
      expect.stringContaining("error bad-value Mapping p/m spec.service: the redirect names no host"),
    ]);
  });

  test.each([
    [", service: a.example", "a.example"],
    [', service: ""', ""],
  ])("%s", (service, host) => {
    expect([...redirect(service).mappings.values()][0]!.target).toMatchObject({ kind: "redirect", host });
  });
});
