// Certificates and authorities that upstreams are dialled with. A gateway finds at the first request that OpenSSL cannot use them.
import type { Translation } from "../../k8s/translate/model/translation.ts";
import { plainTerms } from "../../routing/model/host-tls.ts";
import type { Problem } from "../../routing/text/problem.ts";
import type { UpstreamTls } from "../../routing/model/upstream.ts";
import { checkIdentity, checkTerms } from "../control/certificates/certificate-check.ts";

/** One for each object and each context that its requests cannot go by. `nowMs`: since 1970. */
export function upstreamCertificateProblems({ mappings, upstreams }: Translation, nowMs: number): readonly Problem[] {
  const faults = new Map<UpstreamTls, string | null>();
  const problems = new Map<string, Problem>();
  for (const { source, target } of mappings.values()) {
    const tls = target.kind === "forward" ? (upstreams.get(target.upstream)?.tls ?? null) : null;
    if (tls === null) continue;
    const fault = faults.get(tls) ?? faultOf(tls, nowMs);
    faults.set(tls, fault);
    if (fault === null) continue;
    const sentence = `TLS by ${tls.context}: ${fault}; write a certificate and its key, or authorities, in PEM`;
    problems.set(`${source.kind} ${source.namespace}/${source.name} ${sentence}`, {
      code: "bad-certificate",
      level: "error",
      subject: source,
      field: "",
      sentence,
    });
  }
  return [...problems.values()];
}

function faultOf({ certificate, caPem }: UpstreamTls, nowMs: number): string | null {
  if (caPem !== null && checkTerms({ ...plainTerms, client: { caPem, crlPem: null, required: true } }) !== null)
    return "its authorities cannot be read, so Sluice trusts no upstream and requests get 503";
  if (certificate === null) return null;
  const check = checkIdentity(certificate);
  if (check.kind === "bad") return `the certificate that the gateway shows ${check.reason}, so requests get 503`;
  const { notBeforeMs, notAfterMs } = check.facts;
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  if (nowMs < notBeforeMs)
    return `the certificate that the gateway shows is not valid before ${day(notBeforeMs)}, and models that check refuse it`;
  return nowMs < notAfterMs
    ? null
    : `the certificate that the gateway shows has ended on ${day(notAfterMs)}, and models that check refuse it`;
}
