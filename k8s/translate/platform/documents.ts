// Documents that configure the gateway: TLSContexts, Hosts, Modules, and the services that it asks. One that cannot be understood keeps its last good form, else
// it closes what it would have closed: a Host, and the hosts of a TLSContext, have no TLS and take nothing in cleartext; Upstreams of a TLSContext are not ready;
// what a Module says of whose requests pass has its closed value; an AuthService or RateLimitService answers 500 for what it would be asked about.
import type { ObjectRef } from "../../../routing/text/problem.ts";
import { lostWithModule } from "./ambassador-kinds.ts";
import { closedContext, closedHost, contextHosts, decodeHost, type HostDocument } from "./host.ts";
import { documentsMeantIn, type MeantDocument } from "./meant-documents.ts";
import { decodeModule, type ModuleDocument } from "./module.ts";
import { deciding } from "../fields/module-fields.ts";
import { nearWord } from "../../../routing/text/near-word.ts";
import { hostsMeantIn, reportPlatformMisplaced, wordsMeantIn } from "./misplaced.ts";
import { contextRows, decidingTls } from "../fields/tls-fields.ts";
import { closedOutcomes, refusesPlatform, type PlatformKind } from "./platform.ts";
import type { Report } from "../values/report.ts";
import { ServiceDocuments } from "./service-documents.ts";
import { decodeTlsContext, type TlsContext } from "../backends/tls.ts";
import type { TranslateSettings } from "../model/translation.ts";
import { fieldOf, isRecord, quoted, recordOf, type UnknownRecord } from "../values/value.ts";
import type { ServiceDeclaration } from "../backends/written-service.ts";

/** What such documents of one object came to. */
export interface PlatformSaid {
  readonly contexts: readonly TlsContext[];
  /** Those that count. */
  readonly modules: readonly ModuleDocument[];
  /** AuthServices and RateLimitServices that count. */
  readonly services: readonly ServiceDeclaration[];
  /** Hosts, and TLSContexts with hosts, that count. */
  readonly hosts: readonly HostDocument[];
}

/** One document. */
export interface PlatformDocument {
  readonly kind: PlatformKind;
  /** "": it has none. */
  readonly name: string;
  readonly ids: readonly string[];
  /** As it is written, and the map of its fields in it. */
  readonly object: UnknownRecord;
  readonly fields: UnknownRecord;
  /** Where it is, for Problems; "" for an object of its own. */
  readonly field: string;
}

const kept = "its last good form holds";

export class PlatformDocuments {
  readonly #contexts = new Map<string, TlsContext>();
  readonly #modules: ModuleDocument[] = [];
  readonly #hosts: HostDocument[] = [];
  readonly #services: ServiceDocuments;
  readonly #ref: ObjectRef;
  readonly #owner: string;
  readonly #settings: TranslateSettings;
  readonly #lastGood: PlatformSaid | null;
  readonly #report: Report;

  /** `owner`: name of a Host that has none. */
  constructor(
    ref: ObjectRef,
    owner: string,
    settings: TranslateSettings,
    lastGood: PlatformSaid | null,
    report: Report,
  ) {
    this.#ref = ref;
    this.#owner = owner;
    this.#settings = settings;
    this.#lastGood = lastGood;
    this.#report = report;
    this.#services = new ServiceDocuments(ref, settings, lastGood?.services ?? [], report);
  }

  get said(): PlatformSaid {
    return {
      contexts: [...this.#contexts.values()],
      modules: this.#modules,
      services: this.#services.declared,
      hosts: this.#hosts,
    };
  }

  take(document: PlatformDocument): void {
    switch (document.kind) {
      case "TLSContext":
        return this.#context(document, true);
      case "Host":
        return this.#host(document, true);
      case "Module":
        return this.#module(document, true);
      case "AuthService":
      case "RateLimitService": {
        const { kind, name, fields, field } = document;
        // Of a tenant nothing is looked at.
        const isUnderstood =
          refusesPlatform(kind, this.#ref.namespace, this.#settings) !== null || !this.#isMisplaced(document, false);
        return isUnderstood
          ? this.#services.document(kind, name, fields, field)
          : this.#services.unreadable(kind, name, field);
      }
    }
  }

  /** Whose it is, or in which form it is written, cannot be read. */
  unreadable(document: PlatformDocument): void {
    const { kind, name, field } = document;
    if (kind === "AuthService" || kind === "RateLimitService") return this.#services.unreadable(kind, name, field);
    if (kind === "TLSContext") this.#context(document, false);
    else if (kind === "Host") this.#host(document, false);
    else this.#module(document, false);
  }

  /** A text of which a part is no document: what that may have said of services. */
  unreadableServices(text: string, field: string): void {
    this.#services.unreadableText(text, field);
  }

  /** A text that is no YAML: what it may have said. */
  unreadableText(text: string, field: string): void {
    this.unreadableServices(text, field);
    if (this.#lastGood === null)
      for (const { kind, name, object } of documentsMeantIn(text)) this.#closeMeant(kind, name, object, field);
    const { contexts, modules, hosts } = this.#lastGood ?? { contexts: [], modules: [], hosts: [] };
    for (const context of contexts) this.#contexts.set(context.name, context);
    this.#modules.push(...modules);
    this.#hosts.push(...hosts);
  }

  #closeMeant(kind: MeantDocument["kind"], name: string, object: UnknownRecord, field: string): void {
    if (refusesPlatform(kind, this.#ref.namespace, this.#settings) === null)
      this.#report(
        "error",
        "bad-document",
        field,
        `the text seems to hold a ${kind}, which cannot be read, so ${closedOutcomes[kind]}; correct the text`,
      );
    const fields = kind === "Module" ? { config: {} } : {};
    const named = kind === "Module" ? "ambassador" : name || this.#owner;
    this.unreadable({ kind, name: named, ids: this.#settings.ambassadorIds, object, fields, field });
  }

  /** Told; true: it is not understood. */
  #isMisplaced({ kind, object, field }: PlatformDocument, hasLastGood: boolean): boolean {
    const isService = kind === "AuthService" || kind === "RateLimitService";
    return reportPlatformMisplaced(
      kind,
      object,
      field,
      isService ? "it is not valid" : hasLastGood ? kept : closedOutcomes[kind],
      this.#report,
    );
  }

  #sayKept({ kind, name, field }: PlatformDocument): void {
    this.#report(
      "error",
      "bad-document",
      field,
      `the ${kind} ${quoted(name)} is not valid, and ${kept}; correct the fields that the other Problems name`,
    );
  }

  #module(document: PlatformDocument, isReadable: boolean): void {
    const { name, ids, object, fields, field } = document;
    const refusal = refusesPlatform("Module", this.#ref.namespace, this.#settings);
    if (refusal !== null) return this.#report("error", "not-granted", field, refusal);
    if (name !== "ambassador") return this.#report("error", "kind-not-served", field, lostWithModule(name));
    const lastGood = this.#lastGood?.modules.find((last) => last.field === field && last.readable) ?? null;
    const config = fieldOf(fields, "config");
    const isUnderstood = isReadable && !this.#isMisplaced(document, lastGood !== null) && isRecord(config);
    const written = recordOf(config);
    // Where they belong their own readers look at them.
    const lost = isUnderstood
      ? []
      : [...wordsMeantIn(object, deciding)].filter((word) => (fieldOf(written, word) ?? null) === null);
    const decoded = decodeModule(this.#ref, field, ids, fields, new Set(lost), this.#report);
    const isGood = isUnderstood && decoded.readable;
    if (!isGood && lastGood !== null) this.#sayKept(document);
    this.#modules.push(isGood ? decoded : (lastGood ?? { ...decoded, readable: false }));
  }

  #context(document: PlatformDocument, isReadable: boolean): void {
    const { name, fields, field } = document;
    if (name === "") return this.#report("error", "bad-document", field, "the TLSContext has no name; write one");
    const lastGood = this.#lastGood?.contexts.find((last) => last.name === name && !last.unreadable) ?? null;
    const isUnderstood = isReadable && !this.#isMisplaced(document, lastGood !== null);
    this.#sayLost(fields, field);
    const decoded = decodeTlsContext(name, fields, field === "" ? "spec." : `${field} `, this.#report);
    const hosts = contextHosts(this.#ref, decoded, fields, field, this.#report);
    const isGood = isUnderstood && !decoded.termination.unreadable && hosts?.unreadable !== true;
    if (!isGood && lastGood !== null) this.#sayKept(document);
    // A value that says who may connect says nothing about upstreams.
    this.#contexts.set(name, isGood ? decoded : (lastGood ?? (isUnderstood ? decoded : closedContext(decoded))));
    const declared = isGood
      ? hosts
      : lastGood !== null
        ? this.#lastHost(`TLSContext ${this.#ref.namespace}/${name}`)
        : isUnderstood
          ? hosts
          : this.#closedHosts(document);
    if (declared !== null && this.#isOfGateway("TLSContext with hosts", field)) this.#hosts.push(declared);
  }

  /** Without hosts it is one of upstreams alone. */
  #closedHosts({ name, object, field }: PlatformDocument): HostDocument | null {
    const hosts = hostsMeantIn(object);
    return hosts.length === 0 ? null : closedHost("TLSContext", this.#ref, name, field, hosts);
  }

  #sayLost(fields: UnknownRecord, field: string): void {
    const known = Object.keys(contextRows).filter((name) => contextRows[name]!.use.kind !== "lost");
    for (const key of Object.keys(fields)) {
      const near = known.includes(key) ? key : nearWord(key, known);
      // One that decides is reported with the other places.
      if (near === key || (near !== null && decidingTls.includes(near))) continue;
      const use = Object.hasOwn(contextRows, key) ? contextRows[key]!.use : null;
      const sentence =
        use?.kind === "lost"
          ? use.sentence
          : `Sluice does not read this field of a TLSContext and ignores it; remove it${near === null ? "" : `, or write ${near}`}`;
      this.#report("warning", "field-lost", (field === "" ? `spec.${key}` : `${field} ${key}`).slice(0, 120), sentence);
    }
  }

  #host(document: PlatformDocument, isReadable: boolean): void {
    const { object, fields, field } = document;
    const name = document.name === "" ? this.#owner : document.name;
    if (!this.#isOfGateway("Host", field)) return;
    const lastGood = this.#lastHost(`Host ${this.#ref.namespace}/${name}`);
    const isUnderstood = isReadable && !this.#isMisplaced({ ...document, name }, lastGood !== null);
    const decoded = decodeHost(this.#ref, name, fields, field, this.#report);
    const isGood = isUnderstood && decoded !== null && !decoded.unreadable;
    if (!isGood && lastGood !== null) this.#sayKept({ ...document, name });
    if (!isGood && lastGood !== null) this.#hosts.push(lastGood);
    // With a host, and something else that cannot be read, it is closed already.
    else if (isUnderstood && decoded !== null) this.#hosts.push(decoded);
    else {
      const hosts = hostsMeantIn(object);
      // A Host that names none is one of all hosts; a text that is no host is none that anybody asks for.
      if (hosts.length > 0 || !isUnderstood)
        this.#hosts.push(closedHost("Host", this.#ref, name, field, hosts.length === 0 ? ["*"] : hosts));
    }
  }

  #lastHost(name: string): HostDocument | null {
    return this.#lastGood?.hosts.find((last) => last.name === name && !last.unreadable) ?? null;
  }

  /** Whoever may configure the whole gateway wrote it: nobody takes another's host. */
  #isOfGateway(kind: string, field: string): boolean {
    const refusal = refusesPlatform(kind, this.#ref.namespace, this.#settings);
    if (refusal !== null) this.#report("error", "not-granted", field, refusal);
    return refusal === null;
  }
}
