// Authorization over HTTP/1.1: the request's own method and path, some of its fields, and an answer whose status decides (Envoy's ext_authz with
// `http_service`, as Ambassador sets it up).
import type { AuthService, ServicePlace } from "../../../routing/model/external-services.ts";
import { shownFields, hostOf, methodOf, type AskedRequest } from "./asked-request.ts";
import {
  failedVerdict,
  isFieldName,
  isSettable,
  mostChangedFields,
  noAnswerChange,
  type AuthVerdict,
} from "./auth-verdict.ts";
import type { CallOutcome, ServiceField } from "./service-call.ts";

/** A body that the service is shown. */
export interface ShownBody {
  readonly bytes: Buffer;
  /** The request has more of it. */
  readonly partial: boolean;
}

/** The head of the question; the framing of its body comes behind it. Byte for byte what the model gets: what is no UTF-8 is not made another value. */
export function httpHead(
  service: AuthService,
  { authority }: ServicePlace,
  request: AskedRequest,
  body: ShownBody | null,
): Buffer {
  const { head } = request;
  const path = (head.pathBytes as Buffer).toString("latin1", head.pathStart, head.queryEnd);
  const lines = [
    `${methodOf(head)} ${oneByteText(service.pathPrefix)}${path} HTTP/1.1`,
    `host: ${hostOf(head) || authority}`,
  ];
  const added = service.addLinkerdHeaders
    ? [...service.addedHeaders, ["l5d-dst-override", authority] as const]
    : service.addedHeaders;
  for (const [name, value] of shownFields(request))
    if (service.requestHeaders.includes(name) && !added.some(([own]) => own === name)) lines.push(`${name}: ${value}`);
  for (const [name, value] of added) lines.push(`${name}: ${oneByteText(value)}`);
  if (body !== null) lines.push(`x-envoy-auth-partial-body: ${String(body.partial)}`);
  return Buffer.from(`${lines.join("\r\n")}\r\n`, "latin1");
}

/** A character for each byte of its UTF-8. */
function oneByteText(text: string): string {
  return Buffer.from(text).toString("latin1");
}

/** A refusal's fields that the client always gets (Envoy). */
const alwaysTold: ReadonlySet<string> = new Set(["location", "www-authenticate"]);
const removalField = "x-envoy-auth-headers-to-remove";

/** 200 is yes; 5xx is a service that cannot say; anything else is no, in the service's own words. */
export function httpVerdict({ answerHeaders, trustedHeaders }: AuthService, outcome: CallOutcome): AuthVerdict {
  if (outcome.kind === "failed") return failedVerdict(outcome.sentence);
  const { status, fields, body } = outcome.answer;
  if (status >= 500) return failedVerdict(`it answered with status ${status}`);
  const told = fields.filter(
    (field) => (answerHeaders.includes(field[0]) || (status !== 200 && alwaysTold.has(field[0]))) && isSettable(field),
  );
  if (told.length > mostChangedFields)
    return failedVerdict(`its answer has more than ${mostChangedFields} fields for others`);
  if (status !== 200)
    return {
      kind: "denied",
      status,
      contentType: fields.find(([name]) => name === "content-type")?.[1] ?? "text/plain",
      fields: told,
      body,
    };
  const removed = removals(fields);
  if (removed === null) return failedVerdict(`its ${removalField} names what is no field`);
  return {
    kind: "allowed",
    change: {
      remove: [...new Set([...trustedHeaders, ...removed, ...told.map(([name]) => name)])],
      add: told,
      removeParameters: [],
    },
    answer: noAnswerChange,
  };
}

/** null: a name that no field has. */
function removals(fields: readonly ServiceField[]): readonly string[] | null {
  const names = fields.flatMap(([name, value]) =>
    name === removalField
      ? value
          .split(",")
          .map((one) => one.trim().toLowerCase())
          .filter((one) => one !== "")
      : [],
  );
  if (names.length > mostChangedFields || !names.every(isFieldName)) return null;
  return names.filter((name) => isSettable([name, ""]));
}
