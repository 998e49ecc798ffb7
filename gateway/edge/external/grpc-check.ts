// Authorization over gRPC: `envoy.service.auth.v3.Authorization/Check`. Numbers of fields are those of Envoy's published protos.
import { clientAddress } from "../message/request-values.ts";
import type { ExtraFields } from "../message/header-edits.ts";
import { hostOf, methodOf, pathOf, shownFields, type AskedRequest } from "./asked-request.ts";
import {
  failedVerdict,
  isSettable,
  isFieldName,
  mostChangedFields,
  noAnswerChange,
  type AnswerChange,
  type AuthVerdict,
} from "./auth-verdict.ts";
import { grpcMessageOf } from "./grpc-question.ts";
import type { ShownBody } from "./http-check.ts";
import {
  entryField,
  fieldsOf,
  lastField,
  messageField,
  numberField,
  numberOfField,
  textField,
  textOfField,
  type ProtoField,
} from "../../../routing/text/protobuf.ts";
import type { CallOutcome, ServiceField } from "./service-call.ts";

export const checkPath = "/envoy.service.auth.v3.Authorization/Check";

/** A CheckRequest, in parts. `extensions`: `auth_context_extensions` of the Mapping. `atMs`: epoch ms. */
export function checkRequest(
  request: AskedRequest,
  extensions: Readonly<Record<string, string>>,
  body: ShownBody | null,
  atMs: number,
): readonly Buffer[] {
  const { head, facts, secure, bodyBytes } = request;
  const scheme = secure ? "https" : "http";
  const [method, path, host] = [methodOf(head), pathOf(head), hostOf(head)];
  const headers = joined([
    [":method", method],
    [":path", path],
    [":authority", host],
    [":scheme", scheme],
    ...shownFields(request).map(([name, value]) => [name, Buffer.from(value, "latin1").toString()] as const),
  ]);
  if (body !== null) headers.set("x-envoy-auth-partial-body", String(body.partial));
  const http = messageField(2, [
    textField(2, method),
    ...[...headers].map(([name, value]) => entryField(3, name, value)),
    textField(4, path),
    textField(5, host),
    textField(6, scheme),
    sizeField(bodyBytes),
    textField(10, head.neverIndexed !== null ? "HTTP/2" : head.http11 ? "HTTP/1.1" : "HTTP/1.0"),
    ...(body === null ? [] : [bodyField(body.bytes)]),
  ]);
  const time = messageField(1, [
    numberField(1, Math.floor(atMs / 1000)),
    numberField(2, Math.round((atMs % 1000) * 1e6)),
  ]);
  const attributes = [
    peerField(1, clientAddress(head, facts)),
    messageField(4, [time, http]),
    ...Object.entries(extensions).map(([key, value]) => entryField(10, key, value)),
  ];
  return [messageField(1, attributes)];
}

/** `AttributeContext.Peer` with an address; its port is not known of who is behind a proxy. */
function peerField(number: number, address: string): Buffer {
  const socket = messageField(1, [textField(2, address), numberField(3, 0)]);
  return messageField(number, [messageField(1, [socket])]);
}

/** −1 where it is not known, as Envoy says it: ten bytes of an int64. */
function sizeField(bytes: number): Buffer {
  return bytes < 0
    ? Buffer.from([0x48, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])
    : numberField(9, bytes);
}

/** What is no UTF-8 stands in `raw_body`, since a text of protobuf has to be. */
function bodyField(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString()).equals(bytes) ? messageField(11, [bytes]) : messageField(12, [bytes]);
}

/** One entry a name. */
function joined(fields: readonly ServiceField[]): Map<string, string> {
  const map = new Map<string, string>();
  for (const [name, value] of fields) {
    const before = map.get(name);
    map.set(name, before === undefined ? value : `${before}${name === "cookie" ? "; " : ","}${value}`);
  }
  return map;
}

/** `status.code` 0 is yes; without a `denied_response` no is 403. */
export function grpcVerdict(outcome: CallOutcome): AuthVerdict {
  const message = grpcMessageOf(outcome);
  if (typeof message === "string") return failedVerdict(message);
  try {
    return verdictOf(nested(message));
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return failedVerdict(error.message);
  }
}

/** What came is no CheckResponse that can be carried out. */
class NoAnswer extends Error {}

function verdictOf(response: readonly ProtoField[]): AuthVerdict {
  const code = numberOfField(partOf(response, 1), 1);
  if (code !== 0) return deniedVerdict(partOf(response, 2));
  const ok = partOf(response, 3);
  if (ok.some(({ number }) => number === 7)) throw new NoAnswer("it adds to the query, which the gateway does not do");
  const set: ServiceField[] = [];
  const appended: ServiceField[] = [];
  for (const { field, append } of optionsOf(ok, 2)) (append ? appended : set).push(field);
  const removed = ok.filter(({ number }) => number === 5).map(({ bytes }) => bytes.toString().toLowerCase());
  if (removed.length > mostChangedFields || !removed.every((name) => isFieldName(name)))
    throw new NoAnswer("it takes out what is no field");
  const remove = [...new Set([...removed.filter((name) => isSettable([name, ""])), ...set.map(([name]) => name)])];
  return {
    kind: "allowed",
    change: {
      remove,
      add: [...set, ...appended],
      removeParameters: ok.filter(({ number }) => number === 8).map(({ bytes }) => bytes.toString()),
    },
    answer: answerChange(ok),
  };
}

function deniedVerdict(denied: readonly ProtoField[]): AuthVerdict {
  const status = numberOfField(partOf(denied, 1), 1);
  const fields = optionsOf(denied, 2).map(({ field }) => field);
  const contentType = fields.findLast(([name]) => name === "content-type")?.[1] ?? "text/plain";
  return {
    kind: "denied",
    status: status >= 200 && status <= 599 ? status : 403,
    contentType,
    fields: fields.filter(([name]) => name !== "content-type"),
    body: lastField(denied, 3)?.bytes ?? Buffer.alloc(0),
  };
}

/** `response_headers_to_add`. */
function answerChange(ok: readonly ProtoField[]): AnswerChange {
  const options = optionsOf(ok, 6);
  if (options.length === 0) return noAnswerChange;
  const of = (...actions: readonly number[]): ServiceField[] =>
    options.filter(({ action }) => actions.includes(action)).map(({ field }) => field);
  const always: ExtraFields = {
    instead: [...new Set(of(appendAction.overwriteOrAdd).map(([name]) => name))],
    fields: of(appendAction.append, appendAction.overwriteOrAdd),
  };
  return { always, ifAbsent: of(appendAction.ifAbsent), ifPresent: of(appendAction.overwriteIfPresent) };
}

/** `HeaderValueOption.HeaderAppendAction`. */
const appendAction = { append: 0, ifAbsent: 1, overwriteOrAdd: 2, overwriteIfPresent: 3 } as const;

interface HeaderOption {
  readonly field: ServiceField;
  /** `append` as it is written: absent is no. */
  readonly append: boolean;
  /** `append_action`, unless `append` is written. */
  readonly action: number;
}

/** The HeaderValueOptions of a field of a message. What frames the message or belongs to the connection is left out, as Envoy leaves it. */
function optionsOf(message: readonly ProtoField[], number: number): readonly HeaderOption[] {
  const options = message.filter((field) => field.number === number).map(({ bytes }) => optionOf(nested(bytes)));
  if (options.length > mostChangedFields) throw new NoAnswer(`it sets more than ${mostChangedFields} fields`);
  return options.filter(({ field }) => isSettable(field));
}

function optionOf(option: readonly ProtoField[]): HeaderOption {
  const header = partOf(option, 1);
  const name = textOfField(header, 1).toLowerCase();
  const raw = lastField(header, 3);
  const value = raw === null || raw.bytes.length === 0 ? textOfField(header, 2) : raw.bytes.toString();
  // A name such as `:path` is none of a field; a value that breaks a line is an attack or a bug.
  if (isFieldName(name) && !isSettable(["x", value])) throw new NoAnswer(`it sets ${name} to what no field can hold`);
  const append = lastField(option, 2);
  const isAppend = append !== null && numberOfField(nested(append.bytes), 1) !== 0;
  return {
    field: [name, value],
    append: isAppend,
    action: append === null ? numberOfField(option, 3) : isAppend ? appendAction.append : appendAction.overwriteOrAdd,
  };
}

/** The message of this number; without one its fields are absent. Several are one, as protobuf merges them: no is not taken back by silence. */
function partOf(fields: readonly ProtoField[], number: number): readonly ProtoField[] {
  return nested(Buffer.concat(fields.filter((field) => field.number === number).map(({ bytes }) => bytes)));
}

function nested(bytes: Buffer): readonly ProtoField[] {
  const fields = fieldsOf(bytes);
  if (fields === null) throw new NoAnswer("its answer is no protobuf");
  return fields;
}
