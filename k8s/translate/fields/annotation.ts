// Annotation: what is declared of one annotation of a SeldonDeployment, and how its text is looked up and read.
import { maxNumber } from "./field-table.ts";
import { notText, quoted } from "../values/value.ts";
import type { FieldKind } from "./field-kinds.ts";

/** Annotations of an SD in both places. `spec` comes before `metadata`, by presence (Seldon 1.9.0 and later). */
export interface DeploymentAnnotations {
  readonly spec: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A predictor, as far as texts name it. */
export interface Named {
  readonly name: string;
  readonly shadow: boolean;
}

/** `reason`: words that follow the quoted text. */
export type Parsed<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "wrong"; readonly reason: string };

export interface Annotation<T> {
  readonly name: string;
  readonly decides: FieldKind;
  /** The value without the annotation, and without a usable text. */
  readonly absent: T;
  readonly read: (text: string, predictors: readonly Named[]) => Parsed<T>;
  /**
   * The text "". `absent`: counts as absent, with the warning `empty-field`. Seldon's operator asks each for "" before it reads it, and templates write
   * so what has no value. `default`: the default holds, with the warning `bad-value`. `text`: `read` judges it.
   */
  readonly empty: "absent" | "default" | "text";
  readonly bad: BadText;
  /** The value of a bad text. */
  readonly unreadable: T;
  /** It counts only where this annotation is absent. */
  readonly unless: string | null;
  /** A good text, in the words of a Problem. */
  readonly write: string | ((predictors: readonly Named[]) => string);
  /** A good value as YAML, for MANIFESTS.md; null: the page has it elsewhere. */
  readonly example: string | null;
  /** For MANIFESTS.md, after `decides`. */
  readonly meaning: string;
}

/** What a text gets that cannot be read. `invalid`: the object keeps its last good form. `default`: `instead` says what holds. */
export type BadText = { readonly kind: "invalid" } | { readonly kind: "default"; readonly instead: string };

/** A whole declaration: what it leaves out is `invalid`, and "" counts as absent. */
export function annotation<T, Absent>({
  read,
  ...declared
}: Pick<Annotation<Absent>, "name" | "decides" | "absent" | "write" | "example" | "meaning"> &
  Pick<Annotation<T>, "read"> &
  Partial<Pick<Annotation<unknown>, "empty" | "bad" | "unless">> & { readonly unreadable?: T }): Annotation<
  T | Absent
> {
  return { empty: "absent", bad: { kind: "invalid" }, unreadable: declared.absent, unless: null, read, ...declared };
}

/** Says who may call, or how much: read of every object whose Mappings are served. The text "" cannot be read. */
export function guard<T>(
  declared: Pick<Annotation<T>, "name" | "write" | "example" | "meaning"> &
    Partial<Pick<Annotation<T>, "decides">> & { readonly read: (text: string) => Parsed<T> },
): Annotation<T | null> {
  return annotation<T, null>({
    decides: "which",
    absent: null,
    empty: "text",
    ...declared,
  });
}

/** A time limit in whole ms. Without it that of the gateway or its Module holds. */
export function milliseconds({
  name,
  meaning,
  unless = null,
}: Pick<Annotation<unknown>, "name" | "meaning"> & {
  readonly unless?: Annotation<unknown> | null;
}): Annotation<number | null> {
  return annotation<number | null, null>({
    name,
    decides: "how",
    absent: null,
    read: (text) => read(wholeNumber(text), `is not a number of milliseconds from 0 to ${maxNumber}`),
    empty: "text",
    bad: { kind: "default", instead: "Sluice uses the default" },
    unless: unless?.name ?? null,
    write: "whole milliseconds, 0 for none",
    example: '"5000"',
    meaning,
  });
}

/** A whole number of 0 or more. Blank text counts as absent, without a Problem. */
export function count(name: string, example: string, meaning: string): Annotation<number | null> {
  return annotation<number | null, null>({
    name,
    decides: "how",
    absent: null,
    read: (text) =>
      text.trim() === ""
        ? { kind: "value", value: null }
        : read(wholeNumber(text), `is not a whole number from 0 to ${maxNumber}`),
    empty: "text",
    bad: { kind: "default", instead: "Sluice ignores it" },
    write: "a whole number of 0 or more",
    example: `"${example}"`,
    meaning,
  });
}

/** A whole number as the operator reads it (Go's `strconv.Atoi`): without white space, point or exponent. null: it is none, or out of bounds. */
function wholeNumber(text: string): number | null {
  const number = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : null;
  return number !== null && number >= 0 && number <= maxNumber ? number : null;
}

/** `value`, or where it is null the reason. */
export function read<T>(value: T | null, reason: string): Parsed<T> {
  return value === null ? { kind: "wrong", reason } : { kind: "value", value };
}

/** Where an annotation was found: its text and its field for Problems. */
export interface WrittenAnnotation {
  readonly text: string;
  readonly field: string;
}

/** The annotation where it counts: in `spec` when the key is there, even empty, else in `metadata`. */
export function annotationOf(
  annotations: DeploymentAnnotations,
  { name }: Pick<Annotation<unknown>, "name">,
): WrittenAnnotation | null {
  const spec = annotations.spec[name];
  if (spec !== undefined) return { text: spec, field: `spec.annotations["${name}"]` };
  const metadata = annotations.metadata[name];
  return metadata === undefined ? null : { text: metadata, field: `metadata.annotations["${name}"]` };
}

/** A bad text as the subject and predicate of a Problem. */
export function wrongText(text: string, reason: string): string {
  return text === notText ? "the value is not a text" : `${quoted(text)} ${reason}`;
}

export function writeOf({ write }: Annotation<unknown>, predictors: readonly Named[]): string {
  return typeof write === "string" ? write : write(predictors);
}
