// Problem codes of the gateway's own files: policy, keys, certificates; and those of `sluice check --back`.
import { annotation, either, error, situation, warning, type ProblemEntry } from "./entry.ts";

export const gatewayProblems = {
  "bad-policy": error(
    "The policy file was changed and cannot be read. The policy from before holds.",
    situation("An edit of the policy left a misspelt key."),
    "Correct what the sentence names.",
  ),
  "gateway-fault": error(
    "An object meets a bug of Sluice, and is not served. Hosts and services in it are closed. All other objects go on.",
    situation("An object in a form that nobody thought of."),
    "Report the line `gateway-fault` of the gateway's log, with the object if you can.",
  ),
  "provider-keys": either(
    ["error", "warning"],
    "A provider of the policy has no usable keys, so it authenticates no caller. `warning`: the Secret is not among the manifests, or the keys from before still hold.",
    situation("The Secret of a provider does not exist, or the URL of its key set does not answer."),
    "Correct the file, the Secret or the URL that the sentence names.",
  ),
  "bad-certificate": either(
    ["error", "warning"],
    "A certificate, its key or its authorities cannot be used, or a key has no certificate. The ones from before are served, or the hosts have no TLS; requests to a model that needs them fail. `warning`: the Secret is not among the manifests.",
    situation("`tls.key` of a Secret does not belong to its `tls.crt`."),
    "Write a certificate and its key, or authorities, in PEM.",
  ),
  "certificate-expired": error(
    "A certificate has ended, or is not valid yet. The one from before is served if it is valid. Otherwise this one is, and clients refuse it.",
    situation("The program that renews certificates has stopped."),
    "Write one that is valid now.",
  ),
  "certificate-of-another": warning(
    "A certificate does not name its host. Clients that check refuse it.",
    situation("A Host names the Secret of another site."),
    "Write a certificate that names the host.",
  ),
  "host-taken": warning(
    "Two declarations give the same host a certificate. Sluice serves the first one.",
    situation("Two Hosts of the same hostname name two Secrets."),
    "Give each host one certificate.",
  ),
  "bad-ticket-keys": error(
    "The file of ticket keys cannot be used. The keys from before hold. Without any, a TLS session cannot continue at another replica.",
    situation("A line of the file is not 48 bytes in base64."),
    "Write 1 to 4 lines, each as `openssl rand -base64 48` prints it.",
  ),
} as const satisfies Readonly<Record<string, ProblemEntry>>;

const back = { options: "--back" };

export const backProblems = {
  opens: error(
    "Callers that Sluice refuses could reach this object if Ambassador served it again: any caller, any address, or without a rate limit. Ambassador does not read `sluice.io/auth`, `sluice.io/allow`, `sluice.io/deny`, `sluice.io/rate-limit` or the policy.",
    annotation("sluice.io/auth: staff", back),
    "Before you go back, use what the sentence names in its place: an AuthService, `ip_allow` or `ip_deny` of Ambassador's Module, or a RateLimitService. Or give the object an ambassador-id that Ambassador does not have.",
  ),
  "ends-release": warning(
    "The rollout or bandit of this SeldonDeployment would end if Ambassador served it again. Ambassador reads the traffic of the spec alone.",
    annotation("sluice.io/rollout: canary", back),
    "Write the shares that each predictor is to have into `predictors[].traffic` before you go back. `sluice rollout` prints those of now.",
  ),
  "no-policy": warning(
    "`sluice check --back` got no policy, so it does not list what the policy's defaults protect.",
    annotation('seldon.io/rest-timeout: "5000"', back),
    "Write `--policy FILE`, if the gateway has one.",
  ),
  "mappings-not-read": warning(
    "`sluice check --back --cluster` does not read Mapping objects and annotated Services, so it does not list what protects them.",
    situation("`sluice check --back --cluster` without `--mappings`."),
    "Write `--mappings`, if the gateway reads them.",
  ),
} as const satisfies Readonly<Record<string, ProblemEntry>>;
