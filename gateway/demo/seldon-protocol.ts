// Seldon's REST protocol as a model server speaks it behind the gateway, for the demo's classifier (as the executor of Seldon Core 1.18 does), and KServe's V2.
import {
  classNames,
  coefficients,
  featureNames,
  modelImage,
  modelName,
  probabilities,
  type ModelVersion,
} from "./classifier.ts";
import { infer, inferShapes } from "./v2-messages.ts";

/** What a model server says to one request: a status and a JSON body, or an empty one. */
export interface ModelAnswer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * Answers one request. `path` has no query; `body` is the whole body, as text; `puid` goes into `meta` of an answer, where a client takes it from for its feedback.
 * Unknown paths get 404, known ones with the wrong method 405, a payload that is not a table of four measurements a row 400 with the reason.
 */
export function answer(version: ModelVersion, method: string, path: string, body: string, puid: string): ModelAnswer {
  const meta = { puid, requestPath: { [modelName]: modelImage(version) } };
  if (method === "OPTIONS") return { status: 200, body: null };
  if (path === "/ready" || path === "/live") return { status: 200, body: null };
  if (/^\/v2(?:\/|$)/u.test(path)) return answerV2(version, method, path, body);
  const [, rest] = /^\/api\/v(?:0\.1|1\.0)\/(.+)$/u.exec(path) ?? [];
  if (rest === undefined) return failure(404, `no such path: ${path}`);
  if (rest === "predictions")
    return method === "POST" ? predict(version, body, meta) : failure(405, "predictions takes POST");
  if (rest === "feedback") return method === "POST" ? feedback(body, meta) : failure(405, "feedback takes POST");
  if (method !== "GET" && method !== "HEAD") return failure(405, `${rest} takes GET`);
  if (rest === "health/status") return { status: 200, body: { data: { names: [], ndarray: ["ok"] }, meta } };
  if (rest === "metadata")
    return { status: 200, body: { name: "default", models: { [modelName]: metadata(version) } } };
  if (rest === `metadata/${modelName}`) return { status: 200, body: metadata(version) };
  return failure(404, `no such path: ${path}`);
}

/** The model answers to any name, as one that is served alone does. */
function answerV2(version: ModelVersion, method: string, path: string, body: string): ModelAnswer {
  const [, model = "", rest = ""] = /^\/v2\/models\/([^/]+)(?:\/versions\/[^/]+)?(\/ready|\/infer)?$/u.exec(path) ?? [];
  if (rest === "/infer") return method === "POST" ? inferV2(version, model, body) : failure(405, "infer takes POST");
  if (method !== "GET" && method !== "HEAD") return failure(405, `${path} takes GET`);
  if (path === "/v2/health/live") return { status: 200, body: { live: true } };
  if (path === "/v2/health/ready") return { status: 200, body: { ready: true } };
  if (path === "/v2") return { status: 200, body: { name: "sluice model", version, extensions: [] } };
  if (model === "") return failure(404, `no such path: ${path}`);
  if (rest === "/ready") return { status: 200, body: { name: model, ready: true } };
  const { input, output } = inferShapes;
  return {
    status: 200,
    body: { name: model, versions: [version], platform: "seldon", inputs: [input], outputs: [output] },
  };
}

function inferV2(version: ModelVersion, model: string, body: string): ModelAnswer {
  const request = parseObject(body);
  const inputs = request?.["inputs"];
  const input = Array.isArray(inputs) ? asObject(inputs.at(-1)) : null;
  const [shape, flat] = [input?.["shape"], Array.isArray(input?.["data"]) ? input["data"].flat() : null];
  if (!isNumbers(shape) || !isNumbers(flat)) return failure(400, "send inputs with name, datatype, shape and data");
  const { id } = request!;
  const answered = infer(version, {
    model_name: model,
    ...(typeof id === "string" ? { id } : {}),
    inputs: [{ name: "predict", datatype: "FP64", shape, contents: { fp64_contents: flat } }],
  });
  if (typeof answered === "string") return failure(400, answered);
  const outputs = answered.outputs.map(({ contents, ...output }) => ({ ...output, data: contents!.fp64_contents }));
  return { status: 200, body: { ...answered, outputs } };
}

interface Payload {
  readonly form: "ndarray" | "tensor";
  readonly rows: readonly (readonly number[])[];
}

function predict(version: ModelVersion, body: string, meta: unknown): ModelAnswer {
  const payload = decodePayload(body);
  if (typeof payload === "string") return failure(400, payload);
  const rows = payload.rows.map((row) => probabilities(coefficients[version], row));
  const table =
    payload.form === "ndarray"
      ? { ndarray: rows }
      : { tensor: { shape: [rows.length, classNames.length], values: rows.flat() } };
  return { status: 200, body: { data: { names: classNames, ...table }, meta } };
}

/** A reward for an earlier answer. This model does not learn, so it only says that it got it. */
function feedback(body: string, meta: unknown): ModelAnswer {
  const parsed = parseObject(body);
  if (parsed === null) return failure(400, "the body is not a JSON object");
  if (typeof parsed["reward"] !== "number") return failure(400, "reward is not a number");
  return { status: 200, body: { data: { tensor: { shape: [0], values: [] } }, meta } };
}

/** The rows of a SeldonMessage, or the sentence that says what is wrong with it. */
function decodePayload(body: string): Payload | string {
  const message = parseObject(body);
  if (message === null) return "the body is not a JSON object";
  const table = asObject(message["data"]);
  if (table === null) return 'data is missing: send {"data":{"ndarray":[[5.1,3.5,1.4,0.2]]}}';
  const names = table["names"];
  if (Array.isArray(names) && names.length > 0 && names.length !== featureNames.length)
    return `data.names has ${names.length} names, this model takes ${featureNames.length}`;
  if ("ndarray" in table) {
    const rows = table["ndarray"];
    return isTable(rows)
      ? { form: "ndarray", rows }
      : `data.ndarray is not a list of rows of ${featureNames.length} numbers`;
  }
  const tensor = asObject(table["tensor"]);
  if (tensor === null) return "data has neither ndarray nor tensor";
  const rows = reshape(tensor["shape"], tensor["values"]);
  return rows === null
    ? `data.tensor is not of shape [rows, ${featureNames.length}] with as many values`
    : { form: "tensor", rows };
}

function isTable(rows: unknown): rows is readonly (readonly number[])[] {
  return Array.isArray(rows) && rows.every((row) => isNumbers(row) && row.length === featureNames.length);
}

function reshape(shape: unknown, values: unknown): readonly (readonly number[])[] | null {
  if (!isNumbers(shape) || !isNumbers(values) || shape.length !== 2) return null;
  const [rows, columns] = shape;
  if (columns !== featureNames.length || rows! * columns !== values.length) return null;
  return Array.from({ length: rows! }, (_, row) => values.slice(row * columns, (row + 1) * columns));
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number");
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return null;
  }
}

function asObject(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

function metadata(version: ModelVersion): unknown {
  return {
    name: modelName,
    platform: "seldon",
    versions: [modelImage(version)],
    inputs: [{ messagetype: "tensor", schema: { names: featureNames, shape: [featureNames.length] } }],
    outputs: [{ messagetype: "tensor", schema: { names: classNames, shape: [classNames.length] } }],
  };
}

function failure(code: number, sentence: string): ModelAnswer {
  return { status: code, body: { status: { code, info: sentence, status: "FAILURE" } } };
}
