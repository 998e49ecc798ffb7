import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { openApiOf } from "../../../gateway/admin/openapi.ts";
import { endpoints } from "../../../gateway/admin/endpoints.ts";
import type { Endpoint } from "../../../gateway/admin/endpoint.ts";
import { Type } from "../../../gateway/api/shape.ts";

const declared = Object.values<Endpoint>(endpoints);
/** As a client gets it. */
const sent = (some: readonly Endpoint[]): Record<string, unknown> =>
  JSON.parse(JSON.stringify(openApiOf(some))) as Record<string, unknown>;

test("the document is OpenAPI 3.1", async () => {
  const validator = new Validator();
  expect(await validator.validate(sent(declared))).toEqual({ valid: true });
  expect(validator.version).toBe("3.1");
});

test("the judge finds what is wrong", async () => {
  const wrong = { ...sent(declared), paths: { "/x": { get: { responses: { 200: {} } } } } };
  expect((await new Validator().validate(wrong)).valid).toBe(false);
});

test("each endpoint, its parameters and its forms are in it", () => {
  const { paths } = sent(declared) as { paths: Record<string, Record<string, Operation>> };
  for (const { method, path, parameters, body, answer, access } of declared) {
    const operation = paths[path]![method.toLowerCase()]!;
    expect(operation.parameters.map(({ name }) => name)).toEqual(Object.keys(parameters));
    for (const { name, in: place, required } of operation.parameters)
      expect([place, required]).toEqual(path.includes(`{${name}}`) ? ["path", true] : ["query", false]);
    expect(Object.keys(operation.requestBody?.content["application/json"].schema.properties ?? {})).toEqual(
      Object.keys(body ?? {}),
    );
    expect(operation.security === undefined).toBe(access === "everyone");
    expect(Object.keys(operation.responses["200"].content)).toEqual([
      ...(answer.json === null ? [] : ["application/json"]),
      ...(answer.text ? ["text/plain"] : []),
      ...(answer.events === null ? [] : ["text/event-stream"]),
    ]);
  }
});

test("a stream and a part of a path are OpenAPI too", async () => {
  const stream: Endpoint = {
    ...endpoints.routes,
    path: "/api/v1/things/{namespace}/{name}",
    parameters: { namespace: Type.String({ description: "n" }), name: Type.String({ description: "m" }) },
    answer: { json: null, text: false, events: { thing: Type.Object({ a: Type.Integer() }) } },
  };
  expect(await new Validator().validate(sent([stream]))).toEqual({ valid: true });
});

interface Operation {
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: { content: { "application/json": { schema: { properties: Record<string, unknown> } } } };
  readonly security?: unknown;
  readonly responses: { "200": { content: Record<string, unknown> } };
}
