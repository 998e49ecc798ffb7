// ObjectGraph: every object, decoded, and the declarers that must be translated again when one changes. Each declarer's reads are remembered, so that a
// change touches its dependants and nothing else.
import { plainGuard } from "../../../routing/model/guard.ts";
import type { ObjectRef, Problem } from "../../../routing/text/problem.ts";
import {
  decodeConfiguration,
  type Configuration,
  type ConfigurationInput,
  type ConfigurationOrigin,
} from "../documents/documents.ts";
import { customConfigOf, hasGuardAnnotation, namedIdsOf } from "../fields/annotation-names.ts";
import type { Backends } from "./backend-records.ts";
import { Edits } from "./edits.ts";
import { translateConfiguration } from "../documents/configuration-meaning.ts";
import { externalNameOf } from "../model/deployment.ts";
import { decodeDeployment } from "../deployments/decode.ts";
import { reportConfigDifferences, reportDeletion } from "../deployments/deployment-differences.ts";
import { listOf, withoutOne, withOne } from "../collections/few.ts";
import type { Report } from "../values/report.ts";
import { translateDeployment } from "../deployments/mappings.ts";
import { decodeSlice } from "../backends/endpoints.ts";
import { isAnonymousGranted } from "../meaning/grant.ts";
import { decodeObjectGuard, guardOf, reportReplaced } from "../deployments/guard.ts";
import { TrackedLookups } from "./lookups.ts";
import { closedContext } from "../platform/host.ts";
import { Hosts } from "../platform/hosts.ts";
import { Modules } from "../platform/modules.ts";
import { closedOutcomes, isPlatformKind } from "../platform/platform.ts";
import { NamedMap } from "../collections/named-map.ts";
import { RecordEdits } from "./record-edits.ts";
import { Records } from "./records.ts";
import { nothingDeclared, Declarer, type Declared } from "../declarers/declarer.ts";
import { isUnread, objectKey, refOfKey, type SourceObject } from "../model/object.ts";
import { configField, serviceConfigOf } from "../fields/service-config.ts";
import { decodeService, ownersOf } from "../backends/services.ts";
import { releaseKey, type PlannedRelease, type ReleaseEntry, type ReleaseRecord } from "../model/release.ts";
import { sameValue } from "../../../routing/text/diff.ts";
import { toldOf } from "../values/told-problems.ts";
import { decodeSecret, type TlsContext } from "../backends/tls.ts";
import type { Grant, OfAnother, TranslateSettings } from "../model/translation.ts";
import { nothing, type ObjectMeaning } from "../meaning/meaning.ts";
import { fieldOf, recordOf, textOf } from "../values/value.ts";

/** Bugs of one change that are told, at most. */
const mostFaults = 8;

export class ObjectGraph {
  readonly settings: TranslateSettings;
  readonly records: Records;
  readonly #edits: RecordEdits;
  /** What objects say otherwise than before. */
  readonly edits = new Edits();
  readonly modules: Modules;
  readonly hosts = new Hosts();
  /** By kind. */
  readonly #declarers = new Map<string, NamedMap<Declarer>>();
  /** By key. */
  readonly #ofAnother = new Map<string, OfAnother>();
  readonly #grants = new Map<string, readonly Grant[]>();
  /** Declarers that may say who may call. */
  readonly #guarded = new Set<Declarer>();
  /** Declarers with a release. */
  readonly #released = new Set<Declarer>();
  /** By `releaseKey`. */
  #releases: ReleaseRecord = new Map();
  /** Namespaces whose EndpointSlices may be written by hand. */
  readonly #handWritten = new Set<string>();
  #changed: Declarer[] = [];
  readonly #faults: string[] = [];

  constructor(settings: TranslateSettings, backends: Backends) {
    this.settings = settings;
    this.records = new Records(backends);
    this.#edits = new RecordEdits(this.records, this.edits, (declarer) => this.#mark(declarer));
    this.modules = new Modules(settings);
    for (const grant of settings.grants) {
      this.#grants.set(grant.namespace, [...this.grantsOf(grant.namespace), grant]);
      if (grant.endpointSlices) this.#handWritten.add(grant.namespace);
    }
  }

  grantsOf(namespace: string): readonly Grant[] {
    return this.#grants.get(namespace) ?? noGrants;
  }

  *declarers(): Iterable<Declarer> {
    for (const declarers of this.#declarers.values()) yield* declarers.values();
  }

  declarerAt({ kind, namespace, name }: ObjectRef): Declarer | null {
    return this.#declarers.get(kind)?.get(namespace, name) ?? null;
  }

  /** Declarers that may say who may call: few, where there are many. */
  get guarded(): Iterable<Declarer> {
    return this.#guarded;
  }

  /** What SDs ask for, in no order: few, where there are many. */
  *plannedReleases(): Iterable<PlannedRelease> {
    for (const { release } of this.#released) if (release !== null) yield release;
  }

  releaseOf(ref: ObjectRef): ReleaseEntry | null {
    return this.#releases.get(releaseKey(ref)) ?? null;
  }

  /** How far releases have come: those SDs are translated again whose entry is another. */
  setReleases(record: ReleaseRecord): void {
    const before = this.#releases;
    this.#releases = record;
    for (const key of new Set([...before.keys(), ...record.keys()])) {
      const [was, is] = [before.get(key), record.get(key)];
      if (sameValue(was, is)) continue;
      const { namespace, name } = (is ?? was)!;
      const declarer = this.declarerAt({ kind: "SeldonDeployment", namespace, name });
      if (declarer === null) continue;
      if (declarer.release !== null) this.edits.release(declarer, was ?? null, is ?? null);
      this.#mark(declarer);
    }
  }

  ofAnother(): Iterable<OfAnother> {
    return this.#ofAnother.values();
  }

  /** An object that is new or may differ. A bug that it meets is its own Problem. */
  set(object: SourceObject): void {
    if (this.#ofAnother.size > 0) this.#ofAnother.delete(objectKey(object.ref));
    try {
      this.#set(object);
    } catch (error) {
      this.#close(object, this.#fault(object.ref, error));
    }
  }

  #set(object: SourceObject): void {
    const { kind } = object.ref;
    if (isPlatformKind(kind) && isUnread(object.object))
      return this.#close(object, {
        code: "bad-document",
        level: "error",
        subject: object.ref,
        field: "",
        sentence: `the file seems to hold an object of kind ${kind}, which cannot be read, so ${closedOutcomes[kind]}; correct the file`,
      });
    switch (object.ref.kind) {
      case "SeldonDeployment":
        return this.#setDeployment(object);
      case "Service":
        return this.#setService(object);
      case "EndpointSlice":
        return this.#setSlice(object);
      case "Secret":
        return this.#edits.setSecret(object.ref, decodeSecret(object.object));
      case "Mapping":
      case "TLSContext":
      case "AuthService":
      case "RateLimitService":
      case "Module":
      case "Host":
        return this.#setAmbassadorObject(object);
    }
  }

  remove(key: string): void {
    const ref = refOfKey(key);
    this.#ofAnother.delete(key);
    if (ref.kind === "Service") this.#edits.setService(this.records.backends.at(ref.namespace, ref.name), null);
    else if (ref.kind === "EndpointSlice") this.#edits.dropSlice(ref);
    else if (ref.kind === "Secret") this.#edits.setSecret(ref, null);
    this.#declare(ref, nothingDeclared, noProblems, true);
  }

  /** What it may close is closed, as by a text that cannot be read; its last good form holds. */
  #close({ ref, object }: SourceObject, problem: Problem): void {
    const fields = recordOf(object);
    const text = JSON.stringify({ ...fields, kind: ref.kind });
    const origin = { ref, field: "", owner: ref.name, ids: ["default"], guard: { guard: plainGuard, readable: false } };
    const { configuration } = decodeConfiguration(
      origin,
      { kind: "unreadable", text, object: fields },
      this.declarerAt(ref)?.configuration ?? null,
      this.settings,
    );
    const isOurs = this.settings.mappings && !["SeldonDeployment", "Secret", "EndpointSlice"].includes(ref.kind);
    const declared = isOurs ? { ...nothingDeclared, configuration } : nothingDeclared;
    this.#declare(ref, declared, [problem]);
  }

  #fault(ref: ObjectRef, error: unknown): Problem {
    if (this.#faults.length < mostFaults)
      this.#faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return {
      code: "gateway-fault",
      level: "error",
      subject: ref,
      field: "",
      sentence:
        "Sluice meets a bug of its own in this object and does not serve it; report the line gateway-fault of the gateway's log",
    };
  }

  /** Stacks of the bugs that objects met since the last call, the first few of a change. */
  drainFaults(): readonly string[] {
    return this.#faults.splice(0);
  }

  /** Translates every declarer that a change touched, and gives each then. Declarers that are gone mean nothing. */
  *translateChanged(): Iterable<Declarer> {
    const changed = this.#changed;
    this.#changed = [];
    for (const declarer of changed) {
      declarer.changed = false;
      try {
        this.#translate(declarer);
      } catch (error) {
        this.#letGo(declarer, this.#fault(declarer.ref, error));
      }
      yield declarer;
    }
  }

  /** What a declarer means. A Mapping object or document, and what few declarers have, is kept; of the others it is found out again. */
  meaningOf(declarer: Declarer): ObjectMeaning {
    return declarer.meaning ?? this.#meaningOf(declarer, new TrackedLookups(this));
  }

  #meaningOf({ ref, deployment, configuration }: Declarer, reading: TrackedLookups): ObjectMeaning {
    if (configuration !== null) return translateConfiguration(ref, configuration, reading);
    return deployment === null ? nothing : translateDeployment(deployment, reading);
  }

  /** It is not served until its object is another one; what it may close is closed. */
  #letGo(declarer: Declarer, problem: Problem): void {
    const { configuration, createdAt, names } = declarer;
    const closed = configuration === null ? null : closedConfiguration(configuration);
    declarer.declares({ deployment: null, configuration: closed, createdAt, names });
    declarer.decodeProblems = toldOf([problem]);
    this.#translate(declarer);
  }

  #translate(declarer: Declarer): void {
    const reading = new TrackedLookups(this);
    const meaning = this.#meaningOf(declarer, reading);
    declarer.means(meaning);
    if (meaning.release === null) this.#released.delete(declarer);
    else this.#released.add(declarer);
    this.hosts.replace(declarer.ref, declarer.createdAt, meaning.hosts);
    const { reads } = reading;
    for (const read of declarer.reads) {
      if (reads.has(read)) continue;
      read.readers = withoutOne(read.readers, declarer);
      if (read.readers === null) this.records.unread(read);
    }
    for (const read of reads) if (!declarer.reads.includes(read)) read.readers = withOne(read.readers, declarer);
    declarer.reads = [...reads];
  }

  #setDeployment(object: SourceObject): void {
    const { ref } = object;
    const named = namedIdsOf(object.object);
    // What is wrong in what another gateway serves is its business.
    if (named !== null && !this.#isOurs(named)) {
      this.#ofAnother.set(objectKey(ref), { ref, ids: named });
      return this.#declare(ref, nothingDeclared, noProblems);
    }
    const { deployment, deleting, problems } = decodeDeployment(object, this.declarerAt(ref)?.deployment ?? null);
    const told: Problem[] = deleting ? [] : [...problems];
    const report: Report = (level, code, field, sentence) => told.push({ code, level, subject: ref, field, sentence });
    if (deleting) reportDeletion(report);
    if (deployment === null || deleting) return this.#declare(ref, nothingDeclared, told);
    const config = customConfigOf(deployment.annotations);
    const { id: ids } = deployment.values;
    // With a configuration of its own and no id, the documents say whose they are.
    if (!(config !== null && ids === null) && !this.#isOurs(ids)) {
      this.#ofAnother.set(objectKey(ref), { ref, ids: ids ?? ["default"] });
      return this.#declare(ref, nothingDeclared, noProblems);
    }
    const externalName = externalNameOf(deployment);
    const names = externalName === ref.name ? ref.name : [ref.name, externalName];
    const { createdAt } = deployment;
    if (config === null)
      return this.#declare(
        ref,
        { deployment, configuration: null, createdAt, names },
        problems.length === 0 ? noProblems : problems,
      );
    reportConfigDifferences(config, report);
    reportReplaced(deployment.annotations, report);
    const origin = {
      ref,
      field: config.field,
      owner: ref.name,
      ids: ids ?? ["default"],
      guard: { guard: guardOf(deployment.values, this.#isAnonymous(ref)), readable: true },
    };
    this.#configure(origin, { kind: "text", text: config.text }, { deployment, createdAt, names }, told);
  }

  #setService({ ref, object }: SourceObject): void {
    const backend = this.records.backends.at(ref.namespace, ref.name);
    const service = decodeService(backend.namespace, backend.name, object);
    this.#edits.setService(backend, service);
    if (!this.settings.mappings || service.owners.length > 0) return this.#declare(ref, nothingDeclared, noProblems);
    const told: Problem[] = [];
    const config = serviceConfigOf(
      recordOf(object),
      this.declarerAt(ref)?.configuration !== undefined && this.declarerAt(ref)?.configuration !== null,
      (level, code, field, sentence) => told.push({ code, level, subject: ref, field, sentence }),
    );
    if (config.kind === "none") return this.#declare(ref, nothingDeclared, told);
    const { guard, problems } = decodeObjectGuard(ref, object, this.#isAnonymous(ref));
    const origin = {
      ref,
      field: configField,
      owner: ref.name,
      ids: ["default"],
      guard: config.kind === "text" && config.isValid ? guard : { ...guard, readable: false },
    };
    this.#configure(origin, config, { deployment: null, createdAt: service.createdAt, names: null }, [
      ...told,
      ...problems,
    ]);
  }

  #setAmbassadorObject({ ref, object, apiVersion }: SourceObject): void {
    if (!this.settings.mappings || ownersOf(object).length > 0) return this.#declare(ref, nothingDeclared, noProblems);
    const createdAt = textOf(fieldOf(recordOf(fieldOf(recordOf(object), "metadata")), "creationTimestamp"));
    const fields = recordOf(object);
    // Items of a typed list have no kind, and a misspelt one is a document's to judge.
    const value = { ...fields, apiVersion, kind: fieldOf(fields, "kind") ?? ref.kind };
    const { guard, problems } = decodeObjectGuard(ref, object, this.#isAnonymous(ref));
    this.#configure(
      { ref, field: "", owner: ref.name, ids: ["default"], guard },
      { kind: "object", value },
      { deployment: null, createdAt, names: null },
      problems,
    );
  }

  #isAnonymous({ namespace }: ObjectRef): boolean {
    return isAnonymousGranted(this.grantsOf(namespace));
  }

  #configure(
    origin: ConfigurationOrigin,
    input: ConfigurationInput,
    declared: Omit<Declared, "configuration">,
    problems: readonly Problem[],
  ): void {
    const { ref } = origin;
    const {
      configuration,
      otherIds,
      problems: wrong,
    } = decodeConfiguration(origin, input, this.declarerAt(ref)?.configuration ?? null, this.settings);
    if (
      configuration.mappings.length +
        configuration.contexts.length +
        configuration.services.length +
        configuration.hosts.length ===
        0 &&
      otherIds.length > 0
    )
      this.#ofAnother.set(objectKey(ref), { ref, ids: otherIds });
    // Of these other threads are told by messages: what no message can hold is a bug.
    const { contexts, services, hosts, modules } = configuration;
    if (contexts.length + services.length + hosts.length + modules.length > 0)
      structuredClone({ contexts, services, hosts, modules });
    this.#declare(ref, { ...declared, configuration }, [...problems, ...wrong]);
  }

  #setSlice({ ref, object }: SourceObject): void {
    const handWritten = this.settings.source === "folder" || this.#handWritten.has(ref.namespace);
    this.#edits.setSlice(ref, decodeSlice(ref, object, this.settings, handWritten));
  }

  #isOurs(ids: readonly string[] | null): boolean {
    return (ids ?? ["default"]).some((id) => this.settings.ambassadorIds.includes(id));
  }

  /** What an object declares now; nothing for one that is gone or belongs to somebody else. */
  #declare(ref: ObjectRef, declared: Declared, problems: readonly Problem[], isRemoved = false): void {
    const empty = declared === nothingDeclared && problems.length === 0;
    let declarers = this.#declarers.get(ref.kind);
    let declarer = declarers?.get(ref.namespace, ref.name);
    if (declarer === undefined) {
      if (empty) return;
      if (declarers === undefined) this.#declarers.set(ref.kind, (declarers = new NamedMap()));
      declarers.set(ref.namespace, ref.name, (declarer = new Declarer(ref)));
    }
    this.edits.declare(declarer, declared, isRemoved);
    this.#edits.rename(declarer, listOf(declared.names));
    this.#edits.setContexts(
      declarer,
      declarer.configuration?.contexts ?? noContexts,
      declared.configuration?.contexts ?? noContexts,
    );
    if (this.modules.replace(ref, declared.configuration?.modules ?? []))
      for (const other of this.declarers()) this.#mark(other);
    declarer.declares(declared);
    if (maySayWho(declared)) this.#guarded.add(declarer);
    else this.#guarded.delete(declarer);
    declarer.decodeProblems = toldOf(problems);
    this.#mark(declarer);
    if (empty) declarers!.delete(ref.namespace, ref.name);
  }

  #mark(declarer: Declarer): void {
    if (declarer.changed) return;
    declarer.changed = true;
    this.#changed.push(declarer);
  }
}

/** In place of a configuration that met a bug: nobody gets a request by it, and whom it may have kept out stays out. */
function closedConfiguration({ contexts, services, hosts, ...others }: Configuration): Configuration {
  return {
    ...others,
    mappings: [],
    contexts: contexts.map(closedContext),
    services: services.map((one) => ({ ...one, service: null })),
    hosts: hosts.map((host) => ({ ...host, cleartext: "reject", unreadable: true })),
  };
}

function maySayWho({ deployment, configuration }: Declared): boolean {
  return configuration !== null || (deployment !== null && hasGuardAnnotation(deployment.annotations));
}

const noGrants: readonly Grant[] = Object.freeze([]);
const noProblems: readonly Problem[] = Object.freeze([]);
const noContexts: readonly TlsContext[] = Object.freeze([]);
