// How a Problem code is declared: its levels, its cause, an example and its cure. A table a kind of object; `all.ts` joins them.
import type { ProblemLevel } from "../../routing/text/problem.ts";

/** What an example needs beside its object, as texts of the files that a gateway reads. */
export interface Beside {
  /** Options of `sluice check`. */
  readonly options?: string;
  /** The policy file. */
  readonly policy?: string;
  /** The Grants file. */
  readonly grants?: string;
}

/** The smallest thing that gives the Problem. A test translates the first two kinds. */
export type Example =
  /** Fields of an object that is valid without them, a line each: `spec.weight: many`. `kind`: one of `validObjects`. */
  | {
      readonly kind: "fields";
      readonly object: keyof typeof validObjects;
      readonly lines: readonly string[];
      readonly beside: Beside;
    }
  /** A whole file of manifests. */
  | { readonly kind: "file"; readonly text: string; readonly beside: Beside }
  /** In words: manifests alone cannot give it. */
  | { readonly kind: "situation"; readonly words: string };

export interface ProblemEntry {
  /** Each level that it may have, that of the example first. */
  readonly levels: readonly ProblemLevel[];
  /** What is wrong, and what Sluice does instead. */
  readonly cause: string;
  readonly example: Example;
  /** What to write or do. */
  readonly cure: string;
}

/** The objects that examples change, one of each kind. */
export const validObjects = {
  SeldonDeployment:
    "{ apiVersion: machinelearning.seldon.io/v1, kind: SeldonDeployment, metadata: { name: iris, namespace: models }, spec: { predictors: [{ name: main, graph: { name: classifier } }] } }",
  Mapping:
    '{ apiVersion: getambassador.io/v2, kind: Mapping, metadata: { name: iris, namespace: models }, spec: { prefix: /seldon/models/iris/, service: "iris-main:8000" } }',
  Host: "{ apiVersion: getambassador.io/v2, kind: Host, metadata: { name: site, namespace: default }, spec: { hostname: models.example.com } }",
  TLSContext:
    "{ apiVersion: getambassador.io/v2, kind: TLSContext, metadata: { name: site, namespace: default }, spec: { secret: site } }",
  Module:
    "{ apiVersion: getambassador.io/v2, kind: Module, metadata: { name: ambassador, namespace: default }, spec: { config: {} } }",
  AuthService:
    '{ apiVersion: getambassador.io/v2, kind: AuthService, metadata: { name: auth, namespace: default }, spec: { auth_service: "auth:3000", proto: http } }',
  RateLimitService:
    '{ apiVersion: getambassador.io/v2, kind: RateLimitService, metadata: { name: limits, namespace: default }, spec: { service: "limits:8081", protocol_version: v3 } }',
} as const;

type Levels = readonly [ProblemLevel, ...ProblemLevel[]];

function entry(levels: Levels, cause: string, example: Example, cure: string): ProblemEntry {
  return { levels, cause, example, cure };
}

type Declare = (cause: string, example: Example, cure: string) => ProblemEntry;

export const error: Declare = (...parts) => entry(["error"], ...parts);
export const warning: Declare = (...parts) => entry(["warning"], ...parts);
export const info: Declare = (...parts) => entry(["info"], ...parts);

/** Of several levels; the cause says when it is which. */
export const either = (levels: Levels, ...parts: Parameters<Declare>): ProblemEntry => entry(levels, ...parts);

function fields(object: keyof typeof validObjects, place: string, text: string, beside: Beside): Example {
  return { kind: "fields", object, lines: text.split("\n").map((line) => `${place}${line}`), beside };
}

/** Fields of a SeldonDeployment, from its top. */
export const deployment = (text: string, beside: Beside = {}): Example => fields("SeldonDeployment", "", text, beside);

/** One annotation of a SeldonDeployment: `seldon.io/rest-timeout: soon`. */
export const annotation = (text: string, beside: Beside = {}): Example =>
  deployment(text.replace(/^([^:]+):/, 'metadata.annotations["$1"]:'), beside);

/** Fields in the spec of a Mapping. */
export const mapping = (text: string, beside: Beside = {}): Example => fields("Mapping", "spec.", text, beside);

/** Keys in the config of the Module. */
export const module = (text: string): Example => fields("Module", "spec.config.", text, {});

/** Fields in the spec of a Host, a TLSContext, an AuthService or a RateLimitService. */
export const platform = (object: "Host" | "TLSContext" | "AuthService" | "RateLimitService", text: string): Example =>
  fields(object, "spec.", text, {});

/** The manifest of a SeldonDeployment that says no more than it must, for examples of several objects. */
export const plainDeployment = (name: string, namespace: string): string =>
  `apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: ${name}, namespace: ${namespace} }
spec: { predictors: [{ name: main, graph: { name: m } }] }`;

export const file = (text: string, beside: Beside = {}): Example => ({ kind: "file", text: text.trim(), beside });

export const situation = (words: string): Example => ({ kind: "situation", words });
