// Deployment to Mappings: REST, gRPC, explainers, single-namespace and bare-name forms, both eras of canary and of shadow.
import type { ForwardTarget, Mapping, Rewrite, Role, Series } from "../../../routing/model/mapping.ts";
import type { HostMatch, Match, NamedMatch, PathMatch } from "../../../routing/model/match.ts";
import { annotationOf } from "../fields/annotation.ts";
import { ownIdOf } from "../fields/annotation-names.ts";
import { annotations as declared } from "../fields/annotations.ts";
import type { Sticky } from "../../../routing/model/sticky.ts";
import { commonPart } from "../collections/common-part.ts";
import { reportDeploymentDifferences } from "./deployment-differences.ts";
import { policyOf, type DeploymentPolicy } from "./deployment-policy.ts";
import { predictorRoles } from "./deployment-roles.ts";
import { plannedRelease, rewardPathOf } from "./planned-release.ts";
import { reportRelease } from "./release-problems.ts";
import { DeploymentServices, mappingId } from "./deployment-services.ts";
import type { Deployment, Predictor } from "../model/deployment.ts";
import type { Report } from "../values/report.ts";
import { isAnonymousGranted } from "../meaning/grant.ts";
import { targetWith, type MappingDefaults } from "../meaning/module-defaults.ts";
import { plainTarget } from "../meaning/plain-target.ts";
import { previousServices } from "./previous.ts";
import { portNamed } from "../backends/services.ts";
import { defaultTimeLimit } from "./time-limits.ts";
import { MeaningBuilder, ownedStanding, type Lookups, type Standing, type ObjectMeaning } from "../meaning/meaning.ts";
import { printUpstream, type UpstreamPlan } from "../backends/upstreams.ts";

// Parts that most Mappings have in common: one frozen object each.
const anyHost: HostMatch = commonPart({ kind: "any" });
const grpcPath: PathMatch = commonPart({ kind: "grpc" });
const keepPath: Rewrite = commonPart({ kind: "none" });
const noQuery: readonly NamedMatch[] = commonPart([]);

/** Everything that Sluice makes from an SD without `seldon.io/ambassador-config`. */
export function translateDeployment(deployment: Deployment, around: Lookups): ObjectMeaning {
  return new DeploymentTranslation(deployment, around).meaning();
}

interface Backend {
  /** Part of ids: what sets previous predictors, and second copies to one that is live, apart from current ones of the same name. */
  readonly suffix: "" | "-previous";
  readonly predictor: string;
  readonly role: Role;
  readonly http: UpstreamPlan;
  readonly grpc: UpstreamPlan;
}

class DeploymentTranslation {
  readonly #deployment: Deployment;
  /** Digest of each predictor's model, by the name of the predictor. */
  readonly #models: ReadonlyMap<string, string>;
  readonly #around: Lookups;
  readonly #builder: MeaningBuilder;
  readonly #policy: DeploymentPolicy;
  readonly #defaults: MappingDefaults;
  readonly #services: DeploymentServices;
  readonly #namespace: string;
  readonly #member: string;
  readonly #regexes: number;
  readonly #sticky: Sticky | null;
  /** By form. */
  readonly #matches = new Map<string, Match>();

  constructor(deployment: Deployment, around: Lookups) {
    this.#deployment = deployment;
    this.#models = new Map(deployment.predictors.map(({ name, model }) => [name, model]));
    this.#around = around;
    this.#builder = new MeaningBuilder(deployment.ref);
    this.#defaults = around.defaultsOf(ownIdOf(deployment.values.id ?? ["default"], around.settings));
    const policy = policyOf(
      deployment,
      this.#defaults.timeout ?? defaultTimeLimit(around.settings.defaultTimeoutMs),
      isAnonymousGranted(around.grantsOf(deployment.ref.namespace)),
      (...problem) => this.#builder.report(...problem),
    );
    this.#policy = policy;
    this.#services = new DeploymentServices(deployment, around, policy, this.#defaults, this.#builder);
    this.#namespace = deployment.ref.namespace;
    this.#member = `SeldonDeployment ${this.#namespace}/${deployment.ref.name}`;
    this.#sticky =
      policy.sticky === null ? null : { on: policy.sticky, identity: `${this.#namespace}/${policy.externalName}` };
    this.#regexes = policy.headers.filter(({ value }) => value.kind === "regex").length;
  }

  meaning(): ObjectMeaning {
    const report: Report = (level, code, field, sentence) => this.#builder.report(level, code, field, sentence);
    const planned = plannedRelease(this.#deployment, this.#policy, this.#around, report);
    const entry = this.#around.releaseOf(this.#deployment.ref);
    this.#builder.release = planned;
    if (planned !== null) reportRelease(planned, entry, report);
    const release = planned === null ? null : { planned, entry };
    const roles = predictorRoles(this.#deployment, this.#policy, release, report);
    const isReleased = planned !== null && planned.plan.kind !== "stopped";
    reportDeploymentDifferences(this.#deployment, this.#policy, roles, isReleased, report);
    this.#reportNothingToCompare(roles, report);
    const backends = this.#backends(roles);
    for (const { backend, explainer } of backends) {
      this.#addBackend(backend);
      if (explainer !== null) this.#addExplainer(explainer, backend.role);
    }
    this.#addExplainerAlias();
    return this.#builder.meaning(0);
  }

  #reportNothingToCompare(roles: readonly Role[], report: Report): void {
    const { compare } = this.#policy;
    if (compare === "" || roles.some(({ kind }) => kind === "shadow")) return;
    report(
      "warning",
      "nothing-to-compare",
      annotationOf(this.#deployment.annotations, declared.compare)!.field,
      "this SeldonDeployment has no shadow, so Sluice compares nothing; add a predictor with shadow: true, or remove the annotation",
    );
  }

  /** The predictors of the spec, or those that served before while none of these is ready. */
  #backends(roles: readonly Role[]): readonly { readonly backend: Backend; readonly explainer: Predictor | null }[] {
    const { predictors } = this.#deployment;
    const chosen = predictors.map((predictor) => this.#services.choose(predictor));
    const previous = this.#policy.shadow
      ? []
      : previousServices(
          this.#deployment,
          this.#around,
          chosen.filter((_, index) => roles[index]!.kind === "live"),
        );
    if (previous.length > 0) {
      this.#builder.report(
        "warning",
        "serving-previous-predictor",
        "spec.predictors",
        `no predictor is ready, so ${previous.map(({ name }) => name).join(", ")} of the spec before still serves; nothing to do if this is a rollout`,
      );
    }
    const current = predictors.map((predictor, index) => {
      const role = roles[index]!;
      const { service, name, http, grpc } = chosen[index]!;
      const tls = this.#services.tlsOf(predictor);
      const backend: Backend = {
        suffix: "",
        predictor: predictor.name,
        role: previous.length > 0 && role.kind === "live" ? { ...role, share: 0 } : role,
        http: this.#services.plan(service, name, http, "http1", tls),
        grpc: this.#services.plan(service, name, grpc, "http2", tls),
      };
      return { backend, explainer: predictor.explainer === null ? null : predictor };
    });
    const before = previous.map((service): { readonly backend: Backend; readonly explainer: null } => ({
      backend: {
        suffix: "-previous",
        predictor: service.name,
        role: { kind: "live", weight: this.#policy.weight, share: 1 / previous.length },
        http: this.#services.plan(service, service.name, portNamed(service, "http") ?? 8000, "http1", null),
        grpc: this.#services.plan(service, service.name, portNamed(service, "grpc") ?? 5001, "http2", null),
      },
      explainer: null,
    }));
    return [...current, ...before];
  }

  #addBackend({ suffix, predictor, role, http, grpc }: Backend): void {
    const { externalName, headers } = this.#policy;
    const { settings } = this.#around;
    const namespace = this.#namespace;
    const rest = this.#served(http, plainTarget.rewrite, predictor, role, "http");
    this.#add(
      `http${suffix}`,
      predictor,
      rest,
      this.#shared("http", prefixPath(`/seldon/${namespace}/${externalName}/`), headers),
    );
    if (settings.singleNamespace !== null)
      this.#add(
        `http-short${suffix}`,
        predictor,
        rest,
        this.#shared("http-short", prefixPath(`/seldon/${externalName}/`), headers),
      );
    const custom = this.#grpcHeaders();
    if (custom === null) return;
    const seldon: NamedMatch = { name: "seldon", value: { kind: "exact", value: externalName } };
    const owner: NamedMatch = { name: "namespace", value: { kind: "exact", value: namespace } };
    const call = this.#served(grpc, keepPath, predictor, role, "grpc");
    this.#add(`grpc${suffix}`, predictor, call, this.#shared("grpc", grpcPath, [seldon, owner, ...custom]));
    if (settings.singleNamespace !== null)
      this.#add(`grpc-short${suffix}`, predictor, call, this.#shared("grpc-short", grpcPath, [seldon, ...custom]));
    else if (settings.bareNames === "on")
      this.#add(`grpc-bare${suffix}`, predictor, call, this.#shared("grpc-bare", grpcPath, [seldon, ...custom]), {
        kind: "bare",
        name: externalName,
      });
  }

  /** Custom conditions without `seldon` and `namespace`, which nobody may override; null when nothing else is left of them. */
  #grpcHeaders(): readonly NamedMatch[] | null {
    const { headers } = this.#policy;
    const custom = headers.filter(({ name }) => name !== "seldon" && name !== "namespace");
    if (custom.length < headers.length && !this.#builder.problems.some(({ code }) => code === "reserved-header")) {
      this.#builder.report(
        "warning",
        "reserved-header",
        annotationOf(this.#deployment.annotations, declared.header)?.field ?? declared.regexHeader.name,
        `the metadata seldon and namespace always name the deployment, so ${custom.length === 0 ? "Sluice does not serve gRPC here" : "gRPC ignores these conditions"}; use another header`,
      );
    }
    return headers.length > 0 && custom.length === 0 ? null : custom;
  }

  #addExplainer(predictor: Predictor, role: Role): void {
    const base = `${this.#policy.externalName}-explainer`;
    const served = this.#servedExplainer(predictor, role, plainTarget.rewrite);
    this.#add(
      "explainer",
      predictor.name,
      served,
      this.#match(prefixPath(`/seldon/${this.#namespace}/${base}/${predictor.name}/`)),
    );
    if (this.#around.settings.singleNamespace !== null)
      this.#add(
        "explainer-short",
        predictor.name,
        served,
        this.#match(prefixPath(`/seldon/${base}/${predictor.name}/`)),
      );
  }

  /** The path of 0.4 to 1.0, without the predictor, while it can only mean one explainer. */
  #addExplainerAlias(): void {
    const { predictors, ref } = this.#deployment;
    const explained = predictors.filter(({ explainer }) => explainer !== null);
    const [predictor] = explained;
    const name = `${ref.name}-explainer`;
    if (predictor === undefined || explained.length > 1 || this.#around.nameTaken(this.#namespace, name)) return;
    const served = this.#servedExplainer(
      predictor,
      { kind: "live", weight: null, share: 1 },
      { kind: "prefix", with: "/api/" },
    );
    this.#add(
      "explainer-alias",
      predictor.name,
      served,
      this.#match(prefixPath(`/seldon/${this.#namespace}/${name}/api/`)),
    );
  }

  /** An explainer takes all requests for it, whatever its predictor's traffic, and answers for a predictor that is a shadow too. */
  #explainerRole(role: Role): Role {
    return this.#policy.shadow ? role : { kind: "live", weight: this.#policy.weight, share: 1 };
  }

  #servedExplainer(predictor: Predictor, role: Role, rewrite: Rewrite): Served {
    return this.#served(
      this.#services.explainer(predictor),
      rewrite,
      `${predictor.name}-explainer`,
      this.#explainerRole(role),
      "http",
      // Explanations differ with the model that is explained.
      false,
    );
  }

  /** What the forms of one Mapping have in common. */
  #served(
    plan: UpstreamPlan,
    rewrite: Rewrite,
    predictor: string,
    role: Role,
    protocol: Series["protocol"],
    compared = true,
  ): Served {
    const dialService = (this.#defaults.dial ?? this.#around.settings.dial) === "service";
    const { timeout, idle: idleTimeout } = this.#policy[protocol === "http" ? "rest" : "grpc"];
    const target: ForwardTarget = {
      ...plainTarget,
      upstream: plan.upstream.key,
      rewrite,
      timeout,
      idleTimeout,
      retry: this.#policy.retry,
      dialService,
      released: this.#builder.release !== null,
      model: this.#models.get(predictor) ?? "",
      compare: role.kind === "shadow" && compared ? this.#policy.compare : "",
      rewardPath: rewardPathOf(this.#builder.release),
    };
    const said = targetWith(target, this.#policy.said, this.#defaults, false, printUpstream(plan.upstream.address));
    const names = this.#policy.answeredBy ?? this.#around.settings.answeredBy;
    return {
      plan,
      role,
      target: names ? namingPredictor(said, predictor) : said,
      series: {
        namespace: this.#namespace,
        deployment: this.#deployment.ref.name,
        predictor,
        role: role.kind,
        protocol,
      },
    };
  }

  /** The conditions of every Mapping of the deployment, explainers' too. */
  #match(path: PathMatch, headers: readonly NamedMatch[] = this.#policy.headers): Match {
    return { path, host: anyHost, method: null, headers, query: noQuery };
  }

  /** What all predictors of the deployment are asked by in this form: one object, for whom comparing and keeping Mappings costs time and memory. */
  #shared(form: string, path: PathMatch, headers: readonly NamedMatch[]): Match {
    let match = this.#matches.get(form);
    if (match === undefined) this.#matches.set(form, (match = this.#match(path, headers)));
    return match;
  }

  #add(
    part: string,
    predictor: string,
    { plan, role, target, series }: Served,
    match: Match,
    standing: Standing = ownedStanding,
  ): void {
    const mapping: Mapping = {
      id: mappingId(this.#deployment, part, predictor),
      source: this.#deployment.ref,
      namespace: this.#namespace,
      space: standing.kind === "owned" ? this.#namespace : null,
      granted: false,
      member: this.#member,
      match,
      precedence: 0,
      role,
      sticky: this.#sticky,
      target,
      guard: this.#policy.guard,
      series,
    };
    this.#builder.drafts.push({ mapping, plan, standing, raw: false, regexes: this.#regexes, field: "" });
  }
}

interface Served {
  readonly plan: UpstreamPlan;
  readonly role: Role;
  readonly target: ForwardTarget;
  readonly series: Series;
}

function prefixPath(prefix: string): PathMatch {
  return { kind: "prefix", prefix, caseSensitive: true };
}

/** What a field value can hold. Kubernetes lets no other name through; a folder may have any. */
const plainName = /^[!-~]{1,253}$/;

/** Replaces what a model or a Module writes there. A value is a template, in which "%%" is a percent sign. */
function namingPredictor(target: ForwardTarget, predictor: string): ForwardTarget {
  if (!plainName.test(predictor)) return target;
  const { remove, add } = target.responseHeaders;
  const named = { name: "x-sluice-predictor", value: predictor.replaceAll("%", "%%"), append: false };
  return { ...target, responseHeaders: { remove, add: [...add.filter(({ name }) => name !== named.name), named] } };
}
