// Ambassador's kinds that Sluice does not have, with what is lost with each. A kind that is none of Ambassador's may be a misspelt one that keeps requests away.
import { quoted } from "../values/value.ts";

const nothing = "nothing of it applies";

/** What is lost with each. */
const lostKinds: Readonly<Record<string, string>> = {
  Listener: "its ports do not open",
  TracingService: "requests are not traced",
  LogService: "requests are not logged there",
  TCPMapping: "its port is not served",
  ConsulResolver: nothing,
  KubernetesEndpointResolver: nothing,
  KubernetesServiceResolver: nothing,
  DevPortal: nothing,
  Filter: "it filters no requests",
  FilterPolicy: "its Filters filter no requests",
  Middleware: "it filters no requests",
  Policy: "it filters no requests",
  RateLimit: "it limits no requests; write a RateLimitService",
  Project: nothing,
  ProjectController: nothing,
  ProjectRevision: nothing,
  PreviewURL: nothing,
};

/** One of Ambassador's that Sluice does not have. */
export function isLostKind(kind: string): boolean {
  return Object.hasOwn(lostKinds, kind);
}

/** Said of an object or document of a lost kind. */
export function lostWith(kind: string): string {
  return `the kind ${quoted(kind)} is not served (${lostKinds[kind]!}); remove it, or keep another gateway for it`;
}

const lostModules: Readonly<Record<string, string>> = {
  authentication: "requests are not authenticated by it; write an AuthService",
  tls: "its TLS termination does not apply; write a Host, or a TLSContext with hosts",
};

/** Said of a Module of another name than `ambassador`. */
export function lostWithModule(name: string): string {
  return `only the Module named ambassador counts, and this one is named ${quoted(name)}: ${Object.hasOwn(lostModules, name) ? lostModules[name]! : "nothing of it applies; name it ambassador, or remove it"}`;
}
