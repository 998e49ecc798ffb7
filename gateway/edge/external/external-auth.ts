// External authorization: the service of an AuthService is asked about each request, and what it says is done: the request goes on, with other
// headers, or the client gets the service's answer (Envoy's ext_authz).
import type { AuthService } from "../../../routing/model/external-services.ts";
import type { ExternalPolicy } from "../../../routing/model/mapping.ts";
import { textOf } from "../../../routing/request/bytes.ts";
import { failures } from "../../failures.ts";
import { failureAnswer, type Answer } from "../message/answers.ts";
import { grpcMessage } from "../message/grpc-message.ts";
import type { HeadChange } from "../message/head-copy.ts";
import { hasParameter } from "../../../routing/request/query.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import { fieldAt } from "../message/response-fields.ts";
import { grpcStatusOfHttp } from "../message/grpc-status.ts";
import { gatewaysFields, isPlainAnswer, type AnswerChange, type AuthVerdict } from "./auth-verdict.ts";
import { serviceOf, type Cancel, type ExternalClients } from "./external-clients.ts";
import type { ShownBody } from "./http-check.ts";
import type { ServiceField } from "./service-call.ts";
import { goOn, requestStep, waits, type Resume, type Step, type StepRequest, type Verdict } from "../steps/step.ts";

const name = "external-auth";
const unreadable: Verdict = Object.freeze({ kind: "fail", failure: failures.authUnreadable, detail: "" });
const closedStep = requestStep(name, () => unreadable);

/** Throws where nobody is to be asked. */
export function externalAuthStep(clients: ExternalClients, { authContextExtensions }: ExternalPolicy): Step {
  const { auth } = clients.services;
  if (auth.kind === "closed") return closedStep;
  const service = serviceOf(auth);
  if (service === null) throw new Error("there is no AuthService");
  return Object.freeze({
    name,
    take: (request: StepRequest) => take(request, clients, service, authContextExtensions),
    answered: (head, request, kept) => answered(head, request, kept as AnswerChange | undefined),
    ended: null,
  } satisfies Step);
}

function take(
  request: StepRequest,
  clients: ExternalClients,
  service: AuthService,
  extensions: ExternalPolicy["authContextExtensions"],
): Verdict | typeof waits {
  const { body } = service;
  const wantsBody = body !== null && request.bodyBytes !== 0;
  if (wantsBody && !body.allowPartial && request.bodyBytes > body.maxBytes) return tooLong(service);
  let cancel: Cancel = () => undefined;
  const resume = request.wait(() => cancel());
  const ask = (shown: ShownBody | null): void => {
    cancel = clients.authorize(service, request, extensions, shown, (verdict) =>
      decide(verdict, request, service, resume),
    );
  };
  if (!wantsBody) ask(null);
  else {
    request.awaitBody(
      body.maxBytes,
      (bytes, whole) => {
        if (whole || body.allowPartial) ask({ bytes, partial: !whole });
        else resume(tooLong(service));
      },
      "fail",
    );
  }
  return waits;
}

function tooLong({ body }: AuthService): Verdict {
  return {
    kind: "fail",
    failure: failures.bodyTooLarge,
    detail: `Payload Too Large: the authorization service takes at most ${body!.maxBytes} bytes (include_body)`,
  };
}

function decide(verdict: AuthVerdict, request: StepRequest, service: AuthService, resume: Resume): void {
  // What only the service says no client says behind its body.
  if (service.trustedHeaders.length > 0) request.endTrailers();
  switch (verdict.kind) {
    case "allowed":
      if (!isPlainAnswer(verdict.answer)) {
        request.addToAnswer(verdict.answer.always);
        request.keep(verdict.answer);
      }
      resume(goOnWith(verdict.change, request.head));
      return;
    case "denied":
      resume(refusal(verdict, request.head));
      return;
    case "failed":
      resume(
        service.failureModeAllow
          ? goOnWith({ remove: service.trustedHeaders, add: [], removeParameters: [] }, request.head)
          : unavailable(verdict.sentence, service, request.head),
      );
  }
}

/** Headers may choose another Route (Ambassador's `clear_route_cache`). */
function goOnWith(change: HeadChange, head: WireRequestHead): Verdict {
  const { add, removeParameters } = change;
  const isPlain = add.length === 0 && !hasAny(head, change.remove) && !hasParameter(head, removeParameters);
  return isPlain ? goOn : { kind: "again", change };
}

/** A field of one of these names, also with `_` for `-`. */
function hasAny({ bytes, fields, fieldCount }: WireRequestHead, names: readonly string[]): boolean {
  if (names.length === 0) return false;
  const plain = new Set(names.map(plainName));
  for (let at = 0; at < fieldCount * 4; at += 4)
    if (plain.has(plainName(textOf(bytes, fields[at]!, fields[at + 1]!)))) return true;
  return false;
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

function unavailable(sentence: string, { statusOnError }: AuthService, head: WireRequestHead): Verdict {
  const failure = failures.authUnavailable;
  if (statusOnError === failure.httpStatus) return { kind: "fail", failure, detail: sentence };
  const answer = failureAnswer(
    { ...failure, httpStatus: statusOnError, grpcStatus: grpcStatusOfHttp(statusOnError) },
    sentence,
    head.wantsJson,
    head.grpc,
  );
  return { kind: "refuse", failure, detail: sentence, answer };
}

/** The service's own answer; to a caller of gRPC its status, and its body as the message (Envoy's local replies). Where it says nothing, the gateway does. */
function refusal(
  { status, contentType, fields, body }: Extract<AuthVerdict, { kind: "denied" }>,
  head: WireRequestHead,
): Verdict {
  const failure = failures.authDenied;
  const own = failureAnswer(
    { ...failure, httpStatus: status, grpcStatus: grpcStatusOfHttp(status) },
    "",
    head.wantsJson,
    head.grpc,
  );
  const answer = head.grpc
    ? grpcRefusal(own, fields, body)
    : body.length === 0 && status >= 400
      ? { ...own, fields: [...own.fields, ...fields] }
      : { code: status, contentType, body, fields };
  return { kind: "refuse", failure, detail: "", answer };
}

function grpcRefusal(own: Answer, fields: readonly ServiceField[], body: Buffer): Answer {
  const said =
    body.length === 0
      ? own.fields
      : own.fields.map(
          ([one, value]) =>
            [one, one === "grpc-message" ? grpcMessage(body.toString().slice(0, mostMessageText)) : value] as const,
        );
  return { ...own, fields: [...said, ...fields.filter(([one]) => !gatewaysFields.has(one))] };
}

/** Characters of a body that become a grpc-message: callers' libraries take heads of 8 KiB. */
const mostMessageText = 1024;

/** `kept` undefined: nothing depends on the model's answer. */
function answered(
  head: Parameters<NonNullable<Step["answered"]>>[0],
  request: StepRequest,
  kept: AnswerChange | undefined,
): void {
  if (kept === undefined) return;
  const absent = kept.ifAbsent.filter(([one]) => fieldAt(head, one) < 0);
  const present = kept.ifPresent.filter(([one]) => fieldAt(head, one) >= 0);
  if (absent.length + present.length > 0)
    request.addToAnswer({ instead: present.map(([one]) => one), fields: [...absent, ...present] });
}
