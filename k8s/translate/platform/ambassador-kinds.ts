// Ambassador's kinds: those that decide who gets what, however they are spelt, and those that Sluice does not have, with what is lost with each.
import { nearWord } from "../../../routing/text/near-word.ts";
import { quoted } from "../values/value.ts";
import { platformKinds } from "./platform.ts";

const deciding: readonly string[] = ["Mapping", ...platformKinds];

const lostKinds: Readonly<Record<string, string>> = {
  Listener: "its ports do not open",
  TracingService: "requests are not traced",
  LogService: "requests are not logged there",
  TCPMapping: "its port is not served",
};

/**
 * The kind that decides and that somebody meant who wrote this: the kind itself, or the one that it is a slip of (`AuthServic`, `Hosts`). null: none, as
 * of Ambassador's other kinds. What such a document meant to close it must close.
 */
export function meantKind(kind: string): string | null {
  return Object.hasOwn(lostKinds, kind) ? null : nearWord(kind, deciding);
}

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
