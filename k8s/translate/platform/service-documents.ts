// AuthServices and RateLimitServices among the documents of one object. What one of them meant to say, and cannot be read, closes.
import type { ObjectRef } from "../../../routing/text/problem.ts";
import { decodeService } from "./external-service.ts";
import type { Report } from "../values/report.ts";
import { closedOutcomes, refusesPlatform } from "./platform.ts";
import type { TranslateSettings } from "../model/translation.ts";
import { quoted, type UnknownRecord } from "../values/value.ts";
import { isServiceKind, type ServiceDeclaration, type ServiceKind } from "../backends/written-service.ts";

export class ServiceDocuments {
  readonly declared: ServiceDeclaration[] = [];
  readonly #ref: ObjectRef;
  readonly #settings: TranslateSettings;
  readonly #lastGood: readonly ServiceDeclaration[];
  readonly #report: Report;

  constructor(ref: ObjectRef, settings: TranslateSettings, lastGood: readonly ServiceDeclaration[], report: Report) {
    this.#ref = ref;
    this.#settings = settings;
    this.#lastGood = lastGood;
    this.#report = report;
  }

  document(kind: ServiceKind, name: string, record: UnknownRecord, field: string): void {
    const refusal = refusesPlatform(kind, this.#ref.namespace, this.#settings);
    if (refusal !== null) return this.#report("error", "not-granted", field, refusal);
    const service = decodeService(kind, record, field, this.#report);
    if (service === null) this.#keep(kind, name, field);
    else this.declared.push({ kind, name, field, service });
  }

  /** It has an id, or an apiVersion, that cannot be read. */
  unreadable(kind: string, name: string, field: string): void {
    if (isServiceKind(kind) && refusesPlatform(kind, this.#ref.namespace, this.#settings) === null)
      this.#keep(kind, name, field);
  }

  /** A text that is no YAML, or holds what is no document: what it may have said of services beside those that it declares. */
  unreadableText(text: string, field: string): void {
    for (const last of this.#lastGood)
      if (!this.declared.some(({ kind, name }) => kind === last.kind && name === last.name)) this.declared.push(last);
    if (this.#lastGood.length > 0) return;
    for (const kind of ["AuthService", "RateLimitService"])
      if (text.includes(kind) && !this.declared.some((one) => one.kind === kind)) this.unreadable(kind, "", field);
  }

  #keep(kind: ServiceKind, name: string, field: string): void {
    const last = this.#lastGood.find((one) => one.kind === kind && one.name === name && one.service !== null);
    this.declared.push(last ?? { kind, name, field, service: null });
    const outcome = last === undefined ? closedOutcomes[kind] : "its last good form holds";
    this.#report(
      "error",
      "bad-document",
      field,
      `the ${kind} ${quoted(name)} is not valid, and ${outcome}; correct the fields that the other Problems name`,
    );
  }
}
