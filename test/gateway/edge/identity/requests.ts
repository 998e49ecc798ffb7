// Requests as verifiers see them.
import { clientFacts } from "../../../../gateway/edge/message/client-facts.ts";
import { copyOfHead } from "../../../../gateway/edge/message/head-copy.ts";
import type { ClientCertificate } from "../../../../gateway/edge/message/client-certificate.ts";
import { forwardedUpstream } from "../../../../gateway/edge/message/request-fields.ts";
import { WireRequestHead, readRequestHead } from "../../../../gateway/edge/message/request-head.ts";
import type { Admission, IdentityRequest, Verifier } from "../../../../gateway/edge/identity/verifier.ts";
import { frontWith } from "../../fixtures.ts";

/** A request with these lines, each `name: value`. Its head is read anew each time it is asked for, as a worker's is of each request. */
export function requestOf(
  lines: readonly string[] = [],
  target = "/p",
  certificate: ClientCertificate | null = null,
): IdentityRequest {
  const head = new WireRequestHead();
  const bytes = Buffer.from(
    `GET ${target} HTTP/1.1\r\nHost: h\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n\0`,
    "latin1",
  );
  const end = readRequestHead(head, bytes, 0, bytes.length - 1, {
    requestLineBytes: 200_000,
    headBytes: 400_000,
    headFields: 1000,
  });
  if (end < 0) throw new Error(`no request: ${head.fault.sentence}`);
  return {
    head,
    facts: clientFacts("192.0.2.1", certificate === null ? null : { certificate, clientDigest: "" }, frontWith(0)),
    secure: certificate !== null,
  };
}

export interface Passed {
  readonly target: string;
  readonly fields: readonly string[];
}

/** What of the request a model gets once it was admitted so. */
export function passed(request: IdentityRequest, admission: Admission): Passed {
  if (admission.kind !== "admitted") throw new Error(JSON.stringify(admission));
  const head = admission.change === null ? request.head : copyOfHead(request.head, admission.change);
  const text = (bytes: Uint8Array, start: number, end: number): string =>
    Buffer.from(bytes.subarray(start, end)).toString();
  const fields: string[] = [];
  for (let field = 0; field < head.fieldCount; field++) {
    const at = field * 4;
    if (forwardedUpstream(frontWith())[head.kinds[field]!] === 1)
      fields.push(
        `${text(head.bytes, head.fields[at]!, head.fields[at + 1]!)}: ${text(head.bytes, head.fields[at + 2]!, head.fields[at + 3]!)}`,
      );
  }
  return {
    target: text(head.pathBytes, head.pathStart, head.queryEnd),
    fields: fields.filter((line) => !line.startsWith("Host")),
  };
}

/** `admitted CLIENT`, `absent`, or what it was refused as and why. */
export async function verdictOf(verifier: Verifier, request: IdentityRequest): Promise<string> {
  return admissionText(await verifier.verify(request));
}

export function admissionText(admission: Admission): string {
  switch (admission.kind) {
    case "admitted":
      return `admitted ${admission.caller.client}`;
    case "absent":
      return "absent";
    case "refused":
      return `${admission.as}: ${admission.sentence}`;
  }
}
