// Ambassador's kinds that Sluice does not have, and what is lost with each.
import { quoted } from "../values/value.ts";

const lostKinds: Readonly<Record<string, string>> = {
  Listener: "its ports do not open",
  TracingService: "requests are not traced",
  LogService: "requests are not logged there",
  TCPMapping: "its port is not served",
};

/** Said of an object or document of such a kind. */
export function lostWith(kind: string): string {
  return `the kind ${quoted(kind)} is not served (${Object.hasOwn(lostKinds, kind) ? lostKinds[kind]! : "nothing of it applies"}); remove it, or keep another gateway for it`;
}

const lostModules: Readonly<Record<string, string>> = {
  authentication: "requests are not authenticated by it; write an AuthService",
  tls: "its TLS termination does not apply; write a Host, or a TLSContext with hosts",
};

/** Said of a Module of another name than `ambassador`. */
export function lostWithModule(name: string): string {
  return `only the Module named ambassador counts, and this one is named ${quoted(name)}: ${Object.hasOwn(lostModules, name) ? lostModules[name]! : "nothing of it applies; name it ambassador, or remove it"}`;
}
