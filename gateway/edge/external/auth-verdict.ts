// What an authorization service says of a request, whichever protocol it speaks.
import type { HeadChange } from "../message/head-copy.ts";
import { isEditable, type ExtraFields } from "../message/header-edits.ts";
import { isToken, isValue } from "../fields/characters.ts";
import type { ServiceField } from "./service-call.ts";

export type AuthVerdict =
  /** `change` of the request's head; `answer`: what its answer gets. */
  | { readonly kind: "allowed"; readonly change: HeadChange; readonly answer: AnswerChange }
  /** This is what the client gets. */
  | {
      readonly kind: "denied";
      readonly status: number;
      readonly contentType: string;
      readonly fields: readonly ServiceField[];
      readonly body: Buffer;
    }
  /** Nobody could be asked, or what came is no answer. */
  | { readonly kind: "failed"; readonly sentence: string };

/** Fields that the answer to the client gets; of some it depends on what the model says. */
export interface AnswerChange {
  readonly always: ExtraFields;
  /** Only where the model's answer has none of that name. */
  readonly ifAbsent: readonly ServiceField[];
  /** Only where it has one, in its place. */
  readonly ifPresent: readonly ServiceField[];
}

export const noAnswerChange: AnswerChange = Object.freeze({
  always: Object.freeze({ instead: [], fields: [] }),
  ifAbsent: [],
  ifPresent: [],
});

export function isPlainAnswer({ always, ifAbsent, ifPresent }: AnswerChange): boolean {
  return always.instead.length + always.fields.length + ifAbsent.length + ifPresent.length === 0;
}

export function failedVerdict(sentence: string): AuthVerdict {
  return { kind: "failed", sentence };
}

/** Most fields that a service may set, take out or add: what is beyond is no answer. */
export const mostChangedFields = 100;

/** Whether a message can have the field: what frames it, or belongs to the connection, is the gateway's. */
export function isSettable([name, value]: ServiceField): boolean {
  return isEditable(name) && Buffer.from(value).every((byte) => isValue[byte] === 1);
}

/** What an answer of the gateway says by itself, once. */
export const gatewaysFields: ReadonlySet<string> = new Set([
  "content-type",
  "date",
  "x-request-id",
  "grpc-status",
  "grpc-message",
  "grpc-status-details-bin",
]);

/** Whether it is the name of a field at all. */
export function isFieldName(name: string): boolean {
  return name !== "" && Buffer.from(name).every((byte) => isToken[byte] === 1);
}
