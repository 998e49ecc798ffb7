// Asks the admin port, and holds each answer to what its endpoint declares: form, shape, and nothing that the shape does not name.
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { endpoints } from "../../../gateway/admin/endpoints.ts";
import type { Endpoint } from "../../../gateway/admin/endpoint.ts";
import { refusalShape } from "../../../gateway/api/problem.ts";

const ajv = new Ajv2020({ strict: false, allErrors: true });
const compiled = new Map<object, ValidateFunction>();

/** `fetch` of a path of the admin port. Throws where the answer is not as declared. */
export async function askJudged(port: number, path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
  const endpoint = endpointAt(init.method ?? "GET", path);
  if (endpoint === null || init.method === "HEAD") return response;
  judge(endpoint, response.status, response.headers.get("content-type") ?? "", await response.clone().text());
  return response;
}

export function endpointAt(method: string, path: string): Endpoint | null {
  const [bare] = path.split("?");
  return (
    Object.values<Endpoint>(endpoints).find(
      (one) =>
        one.method === method &&
        (one.alias === bare || new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(bare!)),
    ) ?? null
  );
}

function judge({ path, answer }: Endpoint, status: number, type: string, text: string): void {
  const fail = (why: string): never => {
    throw new Error(`${path} answers ${status} ${type}: ${why}: ${text.slice(0, 400)}`);
  };
  if (type.startsWith("text/plain")) return answer.text ? undefined : fail("it declares no text");
  if (!type.startsWith("application/json")) return fail("no form that is declared");
  const shape = status === 200 ? answer.json : refusalShape;
  if (shape === null) return fail("it declares no JSON");
  let validate = compiled.get(shape);
  if (validate === undefined) {
    validate = ajv.compile(closed(shape) as object);
    compiled.set(shape, validate);
  }
  return validate(JSON.parse(text)) ? undefined : fail(ajv.errorsText(validate.errors));
}

/** The same shape, to which nothing may be added: what an answer holds is declared. */
export function closed(shape: unknown): unknown {
  if (Array.isArray(shape)) return shape.map(closed);
  if (typeof shape !== "object" || shape === null) return shape;
  const entries = Object.entries(shape).map(([name, value]) => [name, closed(value)] as const);
  return {
    ...Object.fromEntries(entries),
    ...("properties" in shape && !("additionalProperties" in shape) ? { additionalProperties: false } : {}),
  };
}
