// The OpenAPI 3.1 document of the admin port, made from the declarations of its endpoints.
import { refusalShape } from "../api/problem.ts";
import type { Shape } from "../api/shape.ts";
import type { Endpoint } from "./endpoint.ts";

type Json = Readonly<Record<string, unknown>>;

/** `info.version` is that of the API, not of Sluice. */
export function openApiOf(declared: readonly Endpoint[]): Json {
  const paths: Record<string, Record<string, Json>> = { __proto__: null as never };
  for (const endpoint of declared) {
    const operation = operationOf(endpoint);
    paths[endpoint.path] = { ...paths[endpoint.path], [endpoint.method.toLowerCase()]: operation };
    if (endpoint.alias !== "")
      paths[endpoint.alias] = { [endpoint.method.toLowerCase()]: { ...operation, summary: `As ${endpoint.path}` } };
  }
  return {
    openapi: "3.1.1",
    info: { title: "Sluice admin API", version: "1", license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    paths,
    components: {
      schemas: { Refusal: refusalShape },
      securitySchemes: { token: { type: "http", scheme: "bearer", description: "--admin-token, or a viewer's token" } },
    },
  };
}

function operationOf({ path, parameters, body, answers, answer, access }: Endpoint): Json {
  const stream = answer.events === null ? [] : [["text/event-stream", eventsOf(answer.events)] as const];
  const json = answer.json === null ? [] : [["application/json", { schema: answer.json }] as const];
  const text = answer.text ? [["text/plain", { schema: { type: "string" } }] as const] : [];
  const refusal =
    access === "everyone" && answer.json === null
      ? { "text/plain": { schema: { type: "string" } } }
      : { "application/json": { schema: { $ref: "#/components/schemas/Refusal" } } };
  return {
    summary: answers,
    ...(access === "everyone" ? {} : { security: [{ token: [] }] }),
    parameters: Object.entries(parameters).map(([name, schema]) => parameterOf(path, name, schema)),
    ...(body === null
      ? {}
      : { requestBody: { content: { "application/json": { schema: { type: "object", properties: body } } } } }),
    responses: {
      200: { description: answers, content: Object.fromEntries([...json, ...text, ...stream]) },
      default: { description: "Why there is no answer", content: refusal },
    },
  };
}

function parameterOf(path: string, name: string, { description, ...schema }: Shape & { description?: string }): Json {
  const isInPath = path.includes(`{${name}}`);
  return { name, in: isInPath ? "path" : "query", required: isInPath, description: description ?? "", schema };
}

/** What `data` of each event holds: OpenAPI 3.1 has no words for events. */
function eventsOf(events: Readonly<Record<string, Shape>>): Json {
  return {
    schema: { type: "string", description: "Server-sent events; `x-events` has the shape of the data of each" },
    "x-events": events,
  };
}
