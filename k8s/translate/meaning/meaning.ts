// Declarer: one object that declares Mappings (an SD, a Mapping object, a Service with `getambassador.io/config`) and what it means by itself,
// before the rules that go beyond one object.
import type { HostDeclaration } from "../../../routing/model/host-tls.ts";
import type { Mapping } from "../../../routing/model/mapping.ts";
import type { HostMatch } from "../../../routing/model/match.ts";
import type { ObjectRef, Problem, ProblemCode } from "../../../routing/text/problem.ts";
import type { Deployment, Predictor } from "../model/deployment.ts";
import type { MappingDefaults } from "./module-defaults.ts";
import type { PlannedService } from "./external-services.ts";
import type { Service } from "../backends/services.ts";
import type { Secret, TlsContext } from "../backends/tls.ts";
import type { Grant, TranslateSettings } from "../model/translation.ts";
import type { PlannedRelease, ReleaseEntry } from "../model/release.ts";
import type { UpstreamPlan } from "../backends/upstreams.ts";

/** A prefix of shared space on some hosts. */
export interface ClaimArea {
  /** Literal text that every matching path begins with. */
  readonly prefix: string;
  /** true: only the path equal to `prefix`. */
  readonly exact: boolean;
  readonly caseSensitive: boolean;
  readonly host: HostMatch;
}

export interface Claim extends ClaimArea {
  /** `granted` beats everything, `open` is granted but leaves deeper prefixes to others. */
  readonly rank: "granted" | "open" | "ungranted";
}

/** What a Mapping needs from beyond its object before it is served. */
export type Standing =
  | { readonly kind: "owned" }
  | { readonly kind: "claim"; readonly claim: Claim }
  /** gRPC without `namespace`: served for the namespace that holds the name. */
  | { readonly kind: "bare"; readonly name: string };

export interface Draft {
  readonly mapping: Mapping;
  /** The Upstream that it names; null for a redirect. */
  readonly plan: UpstreamPlan | null;
  readonly standing: Standing;
  /** Written by hand as an Ambassador Mapping: it counts against the namespace's 500. */
  readonly raw: boolean;
  /** Regexes that it holds, against the namespace's 50. */
  readonly regexes: number;
  /** Field of the document, for Problems. */
  readonly field: string;
}

/** Which Service was chosen for a predictor; its candidates are listed on request. */
export interface Choice {
  readonly mapping: string;
  readonly predictor: Predictor;
  readonly chosen: string;
  readonly exists: boolean;
}

export interface ObjectMeaning {
  readonly drafts: readonly Draft[];
  readonly choices: readonly Choice[];
  /** Who is asked about requests, of all that pass the gateway. */
  readonly services: readonly PlannedService[];
  readonly problems: readonly Problem[];
  /** Bytes of raw configuration, against the namespace's 64 KiB. */
  readonly configBytes: number;
  /** How hosts are served by TLS. */
  readonly hosts: readonly HostDeclaration[];
  /** What an SD asks for; null: nothing. */
  readonly release: PlannedRelease | null;
}

export const nothing: ObjectMeaning = Object.freeze({
  drafts: [],
  choices: [],
  services: [],
  problems: [],
  configBytes: 0,
  hosts: [],
  release: null,
});

export const ownedStanding: Standing = Object.freeze({ kind: "owned" });

/** What a declarer may look at outside itself. A declarer that asked is translated again when the answer changes. */
export interface Lookups {
  readonly settings: TranslateSettings;
  service(namespace: string, name: string): Service | null;
  secret(namespace: string, name: string): Secret | null;
  tlsContext(namespace: string, name: string): TlsContext | null;
  /** Is there an SD of that external or own name? */
  nameTaken(namespace: string, name: string): boolean;
  /** Are there several? */
  nameShared(namespace: string, name: string): boolean;
  /** How far the release of this SD has come, by the record; null: it is in none. */
  releaseOf(ref: ObjectRef): ReleaseEntry | null;
  /** Services that belong to an SD, in order of name. */
  servicesOf(deployment: Deployment): readonly Service[];
  hasEndpoints(service: Service, port: number): boolean;
  grantsOf(namespace: string): readonly Grant[];
  /** What Mappings under this own id of the gateway have that do not say it. A change of it is told to all declarers. */
  defaultsOf(id: string): MappingDefaults;
}

/** What becomes of the requests of a Mapping that is not ready. */
export const notReady = "it is not ready: the other ready members of its Route take its share, or requests get 503";

/** Gathers one declarer's meaning. */
export class MeaningBuilder {
  readonly drafts: Draft[] = [];
  readonly choices: Choice[] = [];
  readonly services: PlannedService[] = [];
  readonly problems: Problem[] = [];
  readonly hosts: HostDeclaration[] = [];
  release: PlannedRelease | null = null;
  readonly #subject: ObjectRef;

  constructor(subject: ObjectRef) {
    this.#subject = subject;
  }

  report(level: Problem["level"], code: ProblemCode, field: string, sentence: string): void {
    this.problems.push({ code, level, subject: this.#subject, field, sentence });
  }

  meaning(configBytes: number): ObjectMeaning {
    return {
      drafts: this.drafts,
      choices: this.choices,
      services: this.services,
      problems: this.problems,
      configBytes,
      hosts: this.hosts,
      release: this.release,
    };
  }
}
