// /api/v1/explain: where one request would go, and why. Credentials come in a body only: a URL stands in logs.
import { withoutCredentials } from "../../callers/shown.ts";
import { printExplanationText } from "../../explain/explanation-text.ts";
import { printExplanation, requestLine } from "../../explain/explanation.ts";
import { explainShown, type Looker } from "../../explain/explanation-shown.ts";
import { withUsage } from "../../explain/usage.ts";
import { wayUsage } from "../way-usage.ts";
import { servedHosts } from "../../explain/host-words.ts";
import { inSigns, inWords } from "../../explain/match-words.ts";
import { answer, badRequest, nothingUnread, queryOf, wantsText } from "../answers.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { askedByBody, askedByQuery, type AskedExplanation } from "./explain-request.ts";

export function explainByQuery(parts: EndpointParts): Handler {
  return explaining(
    parts,
    (request) => askedByQuery(queryOf(request)),
    "write ?path=/seldon/NS/NAME/api/v0.1/predictions and, if they matter, method, host, grpc=true, secure=true (TLS) and header=name: value; credentials only by POST",
    async () => "a URL is no place for credentials: ask by POST",
  );
}

export function explainByBody(parts: EndpointParts): Handler {
  return explaining(
    parts,
    ({ body }) => askedByBody(body),
    'write {"path": "/seldon/NS/NAME/api/v0.1/predictions"} as application/json and, if they matter, method, host, headers ([[name, value]]), grpc, secure, as and wide',
    parts.openLook,
  );
}

function explaining(
  parts: EndpointParts,
  read: (request: Parameters<Handler>[0]) => AskedExplanation | null,
  whatToWrite: string,
  looker: () => Promise<Looker>,
): Handler {
  const { view, bodyBytes, oauth, trustedHops, policy, certificateSet, usesRedis, openLimits } = parts;
  return async (request, reply, viewer) => {
    const asked = read(request);
    if (asked === null) return badRequest(reply, whatToWrite);
    const wide = !wantsText(request) || asked.wide;
    const held = policy();
    const limits = usesRedis ? null : await openLimits();
    const explained = await explainShown(
      view.table,
      asked.request,
      {
        translation: view.translation,
        bodyBytes,
        policy: held,
        as: asked.as,
        oauth,
        trustedHops,
        unread: nothingUnread,
        hosts: servedHosts(certificateSet()),
        wording: wide ? inSigns : inWords,
        measuredOf: (series) => view.counted.measuredOf([series]).lastMinute,
        viewer,
      },
      looker,
    );
    const explanation = withUsage(explained, (way, caller) => wayUsage(parts, asked.request, way, caller, limits));
    const shown = withoutCredentials(asked.request, held);
    return answer(
      request,
      reply,
      () => ({ request: shown, ...explanation }),
      () => `${requestLine(shown)}\n${wide ? printExplanation(explanation) : printExplanationText(explanation)}`,
    );
  };
}
