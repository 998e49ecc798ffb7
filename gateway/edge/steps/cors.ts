// CORS of a Mapping: preflights are answered here, and answers to allowed origins say so (Fetch standard; Envoy's cors filter, Ambassador `cors`).
import { fieldNamed, fieldText, isText } from "../../../routing/request/bytes.ts";
import type { RequestHead } from "../../../routing/request/head.ts";
import type { Cors } from "../../../routing/model/mapping.ts";
import type { ExtraFields } from "../message/header-edits.ts";
import { goOn, requestStep, type Step } from "./step.ts";

/** A Mapping's CORS, compiled once. */
export interface CompiledCors {
  /** `*` is among the origins. */
  readonly any: boolean;
  readonly origins: ReadonlySet<string>;
  /** Of an answer to a preflight, but for the origin. */
  readonly preflight: ExtraFields["fields"];
  /** Of any other answer, but for the origin. */
  readonly actual: ExtraFields["fields"];
}

/** What an allowed origin gets: the whole answer to a preflight, or fields for the upstream's answer. */
export type CorsVerdict =
  | { readonly kind: "preflight"; readonly fields: ExtraFields["fields"] }
  | { readonly kind: "allowed"; readonly extra: ExtraFields };

/** Null: the Mapping has none. */
export function compileCors(cors: Cors | null): CompiledCors | null {
  if (cors === null) return null;
  const credentials: ExtraFields["fields"] = cors.credentials ? [["access-control-allow-credentials", "true"]] : [];
  return Object.freeze({
    any: cors.origins.includes("*"),
    origins: new Set(cors.origins),
    preflight: [
      ...credentials,
      ...written("access-control-allow-methods", cors.methods),
      ...written("access-control-allow-headers", cors.headers),
      ...written("access-control-max-age", cors.maxAge),
    ],
    actual: [...credentials, ...written("access-control-expose-headers", cors.exposedHeaders)],
  });
}

function written(name: string, value: string): ExtraFields["fields"] {
  return value === "" ? [] : [[name, value]];
}

/** What only the gateway says where the Mapping has CORS: an upstream's own words would be a second answer to the same question. */
const ours: readonly string[] = [
  "access-control-allow-origin",
  "access-control-allow-credentials",
  "access-control-expose-headers",
];

/**
 * Null: no Origin, several, or one that is not allowed. Such a request goes to the upstream as it is, a preflight too (Envoy), and its answer
 * gets no fields of ours. The allowed origin is repeated, also where `*` allows it, so caches are told that the answer depends on it.
 */
export function corsOf(cors: CompiledCors, head: RequestHead): CorsVerdict | null {
  const field = fieldNamed(head, "origin", 0);
  if (field < 0 || fieldNamed(head, "origin", field + 1) >= 0) return null;
  const origin = fieldText(head, "origin", field);
  if (origin === "" || !(cors.any || cors.origins.has(origin))) return null;
  const allowed: readonly (readonly [string, string])[] = [
    ["access-control-allow-origin", origin],
    ["vary", "Origin"],
  ];
  if (
    isText(head.bytes, head.methodStart, head.methodEnd, "OPTIONS") &&
    fieldNamed(head, "access-control-request-method", 0) >= 0
  ) {
    return { kind: "preflight", fields: [...allowed, ...cors.preflight] };
  }
  return { kind: "allowed", extra: { instead: ours, fields: [...allowed, ...cors.actual] } };
}

/** Answers preflights, and lets other requests of allowed origins have their fields in whatever answers them. */
export function corsStep(cors: CompiledCors): Step {
  return requestStep("cors", (request) => {
    const verdict = corsOf(cors, request.head);
    if (verdict === null) return goOn;
    if (verdict.kind === "preflight")
      return {
        kind: "answer",
        answer: { code: 200, contentType: "", body: "", fields: verdict.fields },
        counted: true,
      };
    request.addToAnswer(verdict.extra);
    return goOn;
  });
}
