// Documents that configure the gateway: TLSContexts, Hosts, Modules, and the services that it asks. One that is not valid, in an object without a last good form,
// closes what it would have closed: a Host, and the hosts of a TLSContext, have no TLS and take nothing in cleartext; Upstreams of a TLSContext are not ready;
// what a Module says of whose requests pass has its closed value; an AuthService or RateLimitService answers 500 for what it would be asked about.
import type { ObjectRef } from "../../../routing/text/problem.ts";
import { lostWithModule } from "./ambassador-kinds.ts";
import { closedContext, closedHost, contextHosts, decodeHost, type HostDocument } from "./host.ts";
import { decodeModule, type ModuleDocument } from "./module.ts";
import { deciding } from "../fields/module-fields.ts";
import { hostsMeantIn, isUnderstood, wordsMeantIn } from "./understood.ts";
import { closedOutcomes, refusesPlatform, type PlatformKind } from "./platform.ts";
import type { Report } from "../values/report.ts";
import { decodeService } from "./external-service.ts";
import { decodeTlsContext, type TlsContext } from "../backends/tls.ts";
import type { TranslateSettings } from "../model/translation.ts";
import { fieldOf, isRecord, quoted, recordOf, type UnknownRecord } from "../values/value.ts";
import { serviceKinds, type ServiceDeclaration, type ServiceKind } from "../backends/written-service.ts";

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

/** A Module that may have said all that decides. */
const everyKey: UnknownRecord = Object.fromEntries(deciding.map((key) => [key, null]));

export class PlatformDocuments {
  readonly #contexts = new Map<string, TlsContext>();
  readonly #modules: ModuleDocument[] = [];
  readonly #hosts: HostDocument[] = [];
  readonly #services: ServiceDeclaration[] = [];
  readonly #ref: ObjectRef;
  readonly #owner: string;
  readonly #settings: TranslateSettings;
  readonly #hasLastGood: boolean;
  readonly #report: Report;
  #isValid = true;

  /** `owner`: name of a Host that has none. `hasLastGood`: it holds instead of these where one of them is not valid. */
  constructor(ref: ObjectRef, owner: string, settings: TranslateSettings, hasLastGood: boolean, report: Report) {
    this.#ref = ref;
    this.#owner = owner;
    this.#settings = settings;
    this.#hasLastGood = hasLastGood;
    this.#report = report;
  }

  get said(): PlatformSaid {
    return {
      contexts: [...this.#contexts.values()],
      modules: this.#modules,
      services: this.#services,
      hosts: this.#hosts,
    };
  }

  /** false: one of them is not valid. */
  get isValid(): boolean {
    return this.#isValid;
  }

  take(document: PlatformDocument): void {
    this.#document(document, true);
  }

  /** Whose it is, or in which form it is written, cannot be read. */
  unreadable(document: PlatformDocument): void {
    this.#document(document, false);
  }

  /** A text of which a part is no document: what that may have said of services. */
  unreadableServices(text: string, field: string): void {
    for (const kind of serviceKinds)
      if (text.includes(kind) && !this.#services.some((one) => one.kind === kind))
        this.unreadable({ kind, name: "", ids: [], object: {}, fields: {}, field });
  }

  /** A text that is no YAML closes what it may have said. */
  unreadableText(text: string, object: UnknownRecord, field: string): void {
    this.#isValid = false;
    this.unreadableServices(text, field);
    for (const kind of ["Host", "TLSContext", "Module"] as const) {
      const isWritten = new RegExp(`kind\\W{1,8}${kind}\\b`).test(text);
      if (!isWritten || this.#hasLastGood || refusesPlatform(kind, this.#ref.namespace, this.#settings) !== null)
        continue;
      this.#report(
        "error",
        "bad-document",
        field,
        `the text seems to hold a ${kind}, which cannot be read, so ${closedOutcomes[kind]}; correct the text`,
      );
      const document = { ids: this.#settings.ambassadorIds, object, fields: {}, field };
      // It is not known which hosts are those of a TLSContext.
      if (kind !== "Module") this.#host({ ...document, kind, name: this.#owner }, false);
      else this.#module({ ...document, kind, name: "ambassador", object: everyKey, fields: { config: {} } }, false);
    }
  }

  #document(document: PlatformDocument, isReadable: boolean): void {
    const { kind, name, fields, field } = document;
    // Of a tenant nothing is looked at, but the TLSContexts of its upstreams.
    const refusal = refusesPlatform(kind, this.#ref.namespace, this.#settings);
    if (refusal !== null && kind !== "TLSContext") return this.#report("error", "not-granted", field, refusal);
    switch (kind) {
      case "TLSContext":
        return this.#context(document, isReadable);
      case "Host":
        return this.#host(document, isReadable);
      case "Module":
        return this.#module(document, isReadable);
      case "AuthService":
      case "RateLimitService":
        return this.#service(kind, name, isReadable && this.#isUnderstood(document) ? fields : null, field);
    }
  }

  /** `fields` null: they cannot be understood. */
  #service(kind: ServiceKind, name: string, fields: UnknownRecord | null, field: string): void {
    const service = fields === null ? null : decodeService(kind, fields, field, this.#report);
    this.#services.push({ kind, name, field, service });
    if (service !== null) return;
    this.#isValid = false;
    if (this.#hasLastGood) return;
    this.#report(
      "error",
      "bad-document",
      field,
      `the ${kind} ${quoted(name)} is not valid, and ${closedOutcomes[kind]}; correct the fields that the other Problems name`,
    );
  }

  #isUnderstood({ kind, object, field }: PlatformDocument): boolean {
    const outcome = this.#hasLastGood ? "its last good form holds" : closedOutcomes[kind];
    return isUnderstood(kind, object, field, outcome, this.#report);
  }

  #module(document: PlatformDocument, isReadable: boolean): void {
    const { name, ids, object, fields, field } = document;
    if (name !== "ambassador") return this.#report("error", "kind-not-served", field, lostWithModule(name));
    const config = fieldOf(fields, "config");
    const isGood = isReadable && this.#isUnderstood(document) && isRecord(config);
    const written = recordOf(config);
    // Where they belong their own readers look at them.
    const lost = isGood
      ? []
      : [...wordsMeantIn(object, deciding)].filter((word) => (fieldOf(written, word) ?? null) === null);
    const decoded = decodeModule(this.#ref, field, ids, fields, new Set(lost), this.#report);
    this.#modules.push(decoded);
    if (!isGood || !decoded.readable) this.#isValid = false;
  }

  #context(document: PlatformDocument, isReadable: boolean): void {
    const { name, fields, field, object } = document;
    if (name === "") {
      this.#isValid = false;
      return this.#report("error", "bad-document", field, "the TLSContext has no name; write one");
    }
    const isGood = isReadable && this.#isUnderstood(document);
    const decoded = decodeTlsContext(name, fields, field === "" ? "spec." : `${field} `, this.#report);
    const hosts = isGood
      ? contextHosts(this.#ref, decoded, fields, field, this.#report)
      : this.#closedHosts("TLSContext", name, field, hostsMeantIn(object));
    // A value that says who may connect says nothing about upstreams.
    this.#contexts.set(name, isGood ? decoded : closedContext(decoded));
    if (!isGood || decoded.termination.unreadable || hosts?.unreadable === true) this.#isValid = false;
    const refusal = refusesPlatform("TLSContext with hosts", this.#ref.namespace, this.#settings);
    if (hosts !== null && refusal !== null) this.#report("error", "not-granted", field, refusal);
    else if (hosts !== null) this.#hosts.push(hosts);
  }

  /** Without hosts it is one of upstreams alone. */
  #closedHosts(
    kind: "Host" | "TLSContext",
    name: string,
    field: string,
    hosts: readonly string[],
  ): HostDocument | null {
    return hosts.length === 0 ? null : closedHost(kind, this.#ref, name, field, hosts);
  }

  #host(document: PlatformDocument, isReadable: boolean): void {
    const { object, fields, field } = document;
    const name = document.name === "" ? this.#owner : document.name;
    const isGood = isReadable && this.#isUnderstood({ ...document, name });
    const decoded = decodeHost(this.#ref, name, fields, field, this.#report);
    const meant = hostsMeantIn(object);
    // A Host that names none is one of all hosts; a text that is no host is none that anybody asks for.
    const host =
      isGood && decoded !== null
        ? decoded
        : this.#closedHosts("Host", name, field, meant.length === 0 && !isGood ? ["*"] : meant);
    if (host !== null) this.#hosts.push(host);
    if (!isGood || decoded === null || decoded.unreadable) this.#isValid = false;
  }
}
