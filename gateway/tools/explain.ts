// `sluice explain`: where one request goes, and why. Nothing is sent: draws are shown as shares.
import { explainRequest, isRequestId } from "./requests/explain-id.ts";
import { printExplanationText } from "../explain/explanation-text.ts";
import { printExplanation, requestLine } from "../explain/explanation.ts";
import { explainShown } from "../explain/explanation-shown.ts";
import { inSigns, inWords } from "../explain/match-words.ts";
import { operator } from "../api/viewer.ts";
import { command, type Command, type Outcome, type Use } from "../options/command.ts";
import { flag, list, pick, text } from "../options/option.ts";
import { serveOptions } from "../options/serve-options.ts";
import { withoutCredentials, type CredentialLook } from "../callers/shown.ts";
import { namedCaller } from "../callers/words.ts";
import { declaredHosts } from "../explain/host-words.ts";
import { adminOptions, ask } from "./admin.ts";
import { isValue, printValue, textFormOf, wideOutputOption } from "./output.ts";
import { hasOneOrigin, manifestOptions, readServed } from "./manifests.ts";
import { readRequest } from "./request.ts";

const description = `Shows which Route takes the request, which earlier Routes do not match and why, which backend gets which share, who may call, which steps the request
passes, which limits apply and which object sets them. It checks credentials in -H as a gateway would, and says whose they are or why it did not check
them; it never prints or logs them. A path or an http:// URL stands for a cleartext request, an https://HOST/… URL for one over TLS.
With --url, an x-request-id stands for a request that failed: it prints what became of it, why, and what to do next.
For a gRPC call write --grpc -H 'seldon: NAME' -H 'namespace: NS' /seldon.protos.Seldon/Predict
Exits 0 when it has explained the request, 1 when it cannot read the manifests, the policy or the gateway, 2 on wrong use.
`;

const requestForm = "[-X METHOD] [-H 'name: value']… [--grpc] PATH-or-URL";

const options = {
  method: { ...text("METHOD", "method of the request", "GET; POST with --grpc"), short: "X" },
  header: { ...list("'name: value'", "header of the request"), short: "H" },
  grpc: flag("explain a gRPC call"),
  as: text("PROVIDER[/CLIENT]", "say whether this caller would be allowed"),
  ...pick(serveOptions, ["bodyBytes"]),
  ...adminOptions,
  ...wideOutputOption("the Routes in the signs of routes -o wide"),
  ...manifestOptions,
};

/** `openLook`: opens the checks of credentials. */
export function explainCommand(openLook: () => Promise<CredentialLook>): Command {
  return command({
    forms: [
      `${requestForm} DIR|FILE… [options]`,
      `${requestForm} --cluster [options]`,
      `${requestForm} --url ADMIN [-n NAMESPACE] [-o FORM]`,
      "REQUEST-ID --url ADMIN [-o FORM]",
    ],
    text: description,
    options,
    words: "files",
    run: (use) => run(use, openLook),
  });
}

async function run(
  { values, written, positionals }: Use<typeof options>,
  openLook: () => Promise<CredentialLook>,
): Promise<Outcome> {
  const [target, ...paths] = positionals;
  const { url, output } = values;
  if (target === undefined || !hasOneOrigin(values, paths)) {
    return {
      kind: "wrong",
      sentence:
        "it takes a request and manifests, a cluster or a gateway: write sluice explain /seldon/NS/NAME/api/v1.0/predictions DIR, or --cluster, or --url ADMIN",
    };
  }
  if (url !== null && isRequestId(target)) return explainRequest(target, { ...values, url });
  const requested = readRequest({ method: values.method, headers: values.header, grpc: values.grpc, target });
  if (requested.kind === "wrong") return requested;
  const { request } = requested;
  const as = values.as === null ? null : namedCaller(values.as);
  if (values.as !== null && as === null)
    return { kind: "wrong", sentence: "--as names a caller: write --as PROVIDER/CLIENT, or --as PROVIDER" };
  const wide = output !== "text";
  if (url !== null)
    return ask("explainByBody", { ...request, as: values.as ?? "", wide: output === "wide" }, { ...values, url });
  const read = await readServed({ values, written }, paths);
  if (read.kind !== "served") return read;
  const { served, settings } = read;
  const parts = {
    translation: served.translation,
    bodyBytes: settings.limits.bodyBytes,
    policy: served.policy,
    as,
    oauth: settings.oauth,
    trustedHops: settings.trustedHops,
    unread: served.unread,
    hosts: declaredHosts(served.translation.hosts),
    wording: wide ? inSigns : inWords,
    viewer: operator,
    measuredOf: () => null,
  };
  const opened: CredentialLook[] = [];
  const explanation = await explainShown(served.table, request, parts, async () => (opened[0] ??= await openLook()));
  opened[0]?.close();
  const shown = withoutCredentials(request, served.policy);
  const printed = isValue(output)
    ? printValue({ request: shown, ...explanation }, output)
    : `${requestLine(shown)}\n${wide ? printExplanation(explanation) : printExplanationText(explanation)}`;
  return { kind: "done", text: printed, form: textFormOf(output), code: 0 };
}
