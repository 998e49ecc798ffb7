// `sluice check --back`: what would open, or be shared otherwise, if Ambassador served the same objects again. It reads none of `sluice.io/…` and no policy.
import { guardAnnotations, nearAnnotation } from "../../../k8s/translate/fields/annotation-names.ts";
import { annotations } from "../../../k8s/translate/fields/annotations.ts";
import { objectKey, type SourceObject } from "../../../k8s/translate/model/object.ts";
import { ownersOf } from "../../../k8s/translate/backends/services.ts";
import { fieldOf, isRecord, quoted, recordOf, textOf } from "../../../k8s/translate/values/value.ts";
import { plainGuard, type Guard } from "../../../routing/model/guard.ts";
import { compareProblems, type Problem } from "../../../routing/text/problem.ts";
import { addressRulesOf, type AddressList } from "../../callers/address-rules.ts";
import type { CallPolicy } from "../../callers/call-policy.ts";
import { admittanceOf, type Since } from "../../callers/effective.ts";
import { limitsOf } from "../../callers/effective-limits.ts";
import { addressListText, admittanceText, limitsText } from "../../callers/words.ts";
import type { Settings } from "../../options/settings.ts";
import type { Served } from "../manifests.ts";

/** Predictors that one sentence names. */
const maxShares = 10;

/** Problems of what would become of the objects, in order; level error: something that is protected would open, or was not read. */
export function backProblems(
  { objects, policy, problems, translation }: Served,
  { policyFile, mappings, source }: Settings,
): readonly Problem[] {
  const others = new Set(translation.ofAnother.map(({ ref }) => objectKey(ref)));
  const guards = new Map<string, Guard>();
  for (const { source, guard } of translation.mappings.values()) guards.set(objectKey(source), guard);
  const asksAuthService = translation.settings.external.auth.kind !== "none";
  const found: Problem[] = problems.filter(
    ({ code, level, field, subject: { kind } }) =>
      (code === "differs" && field.endsWith(`["${annotations.traffic.name}"]`)) ||
      (level === "error" && (kind === "File" || kind === "Cluster")),
  );
  for (const object of objects) {
    if (!hasRoutes(object) || others.has(objectKey(object.ref))) continue;
    found.push(
      ...endedReleases(object),
      ...new Going(object, guards.get(objectKey(object.ref)) ?? null, policy, asksAuthService).problems(),
    );
  }
  if (policyFile === null)
    found.push({
      code: "no-policy",
      level: "warning",
      subject: { kind: "Policy", namespace: "", name: "policy" },
      field: "",
      sentence:
        "no policy is given, so objects that its defaults protect are not listed; write --policy FILE if the gateway has one",
    });
  if (source.kind === "cluster" && !mappings)
    found.push({
      code: "mappings-not-read",
      level: "warning",
      subject: { kind: "Cluster", namespace: "", name: "cluster" },
      field: "",
      sentence:
        "Mapping objects and annotated Services are not read, so they are not listed; write --mappings if the gateway reads them",
    });
  return found.sort(compareProblems);
}

/** Releases move traffic here alone. */
function endedReleases({ ref, object }: SourceObject): readonly Problem[] {
  if (ref.kind !== "SeldonDeployment") return [];
  const spec = recordOf(fieldOf(recordOf(object), "spec"));
  const predictors = fieldOf(spec, "predictors");
  const shares = (Array.isArray(predictors) ? predictors : []).slice(0, maxShares).map((predictor) => {
    const traffic = fieldOf(recordOf(predictor), "traffic");
    return `${quoted(fieldOf(recordOf(predictor), "name"))} ${typeof traffic === "number" ? traffic : "without a number"}`;
  });
  return [annotations.rollout.name, annotations.bandit.name].flatMap((name): Problem[] => {
    const at = ["spec", "metadata"].find(
      (part) =>
        fieldOf(recordOf(fieldOf(recordOf(fieldOf(recordOf(object), part)), "annotations")), name) !== undefined,
    );
    if (at === undefined) return [];
    const sentence = `Ambassador does not read this, so the traffic of the spec holds: ${shares.join(", ")}; write the shares that you want into predictors[].traffic before you go back`;
    return [{ code: "ends-release", level: "warning", subject: ref, field: `${at}.annotations["${name}"]`, sentence }];
  });
}

/** Does Ambassador serve something for it? What Seldon's operator wrote stands for its SeldonDeployment, which is listed itself. */
function hasRoutes({ ref, object }: SourceObject): boolean {
  if (ref.kind === "SeldonDeployment") return true;
  if (ownersOf(object).length > 0) return false;
  return (
    ref.kind === "Mapping" ||
    (ref.kind === "Service" &&
      textOf(
        fieldOf(
          recordOf(fieldOf(recordOf(fieldOf(recordOf(object), "metadata")), "annotations")),
          "getambassador.io/config",
        ),
      ) !== "")
  );
}

/** What would become of a part of what protects an object. */
interface Opening {
  readonly becomes: string;
  readonly instead: string;
}

const elsewhere = "or give the object an ambassador-id that Ambassador does not have";

/** One object on its way back. */
class Going {
  readonly #object: SourceObject;
  /** null: none of its Mappings is served here. */
  readonly #guard: Guard | null;
  readonly #policy: CallPolicy;
  readonly #openings: Readonly<Record<"callers" | "addresses" | "limits", Opening>>;

  constructor(object: SourceObject, guard: Guard | null, policy: CallPolicy, asksAuthService: boolean) {
    this.#object = object;
    this.#guard = guard;
    this.#policy = policy;
    const there = asksAuthService ? "all callers that the AuthService admits may call it" : "any caller may call it";
    this.#openings = {
      callers: { becomes: there, instead: "use an AuthService in its place" },
      addresses: {
        becomes: "any address may call it",
        instead: "write ip_allow or ip_deny in Ambassador's Module in its place, for all deployments,",
      },
      limits: {
        becomes: "it has no rate limit",
        instead: "use a RateLimitService in its place",
      },
    };
  }

  problems(): readonly Problem[] {
    const written = [...annotationsIn(this.#object.object, "")];
    const says = (key: string): boolean => written.some(({ means }) => means === key);
    const problems = written
      .filter((one) => !this.#staysOpen(one))
      .map(({ means, value, field }) =>
        this.#problem(this.#openingOf(means), field, `Ambassador does not read this (${quoted(value)})`),
      );
    return [...problems, ...this.#ofPolicy(says(annotations.auth.name), says(annotations.rateLimit.name))];
  }

  /** `none`, where it holds: anybody may call here, too. */
  #staysOpen({ means, value }: FoundAnnotation): boolean {
    return (
      means === annotations.auth.name &&
      String(value).trim().toLowerCase() === "none" &&
      this.#guard !== null &&
      admittanceOf(this.#guard, this.#object.ref.namespace, this.#policy).kind === "anybody"
    );
  }

  #openingOf(means: string): Opening {
    const { callers, addresses, limits } = this.#openings;
    return means === annotations.auth.name ? callers : means === annotations.rateLimit.name ? limits : addresses;
  }

  /** What the policy says of an object that does not say it itself. */
  #ofPolicy(saysAuth: boolean, saysLimit: boolean): readonly Problem[] {
    const { namespace } = this.#object.ref;
    const problems: Problem[] = [];
    const add = (opening: Opening, since: Since, part: string, here: string): void => {
      problems.push(
        this.#problem(
          opening,
          `${since === "namespace" ? `namespaces.${namespace}` : "defaults"}.${part} of the policy`,
          `here it is ${here}, and Ambassador has no policy`,
        ),
      );
    };
    const admittance = admittanceOf(plainGuard, namespace, this.#policy);
    if (!saysAuth && admittance.kind !== "anybody")
      add(this.#openings.callers, admittance.since, "auth", `for ${admittanceText(admittance)}`);
    const rules = addressRulesOf(plainGuard, namespace, this.#policy);
    const addresses = (part: "allow" | "deny", lists: readonly AddressList[]): void => {
      for (const { blocks, since } of lists)
        add(
          this.#openings.addresses,
          since,
          part,
          `${part === "allow" ? "for" : "closed to"} ${addressListText(blocks)}`,
        );
    };
    addresses("allow", rules?.allow ?? []);
    addresses("deny", rules?.deny ?? []);
    const limits = limitsOf(plainGuard, namespace, this.#policy);
    if (!saysLimit && limits.limits.length > 0)
      add(this.#openings.limits, limits.since, "rateLimit", `for ${limitsText(limits)}`);
    return problems;
  }

  #problem({ becomes, instead }: Opening, field: string, why: string): Problem {
    return {
      code: "opens",
      level: "error",
      subject: this.#object.ref,
      field,
      sentence: `${why}, so ${becomes}; ${instead} before you go back, ${elsewhere}`,
    };
  }
}

/** A key that says, or seems to say, who may call or how much, wherever it stands: what is misspelt or misplaced closes here. */
interface FoundAnnotation {
  readonly means: string;
  readonly value: unknown;
  readonly field: string;
}

function* annotationsIn(value: unknown, path: string): Iterable<FoundAnnotation> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* annotationsIn(item, `${path}[${index}]`);
    return;
  }
  if (!isRecord(value)) return;
  for (const [key, below] of Object.entries(value)) {
    const isNamed = /[/.]/.test(key);
    const at = isNamed ? `${path}["${key.slice(0, 120)}"]` : path === "" ? key : `${path}.${key}`;
    const means = guardAnnotations.has(key) ? key : isNamed ? nearAnnotation(key, guardAnnotations) : null;
    if (means === null) yield* annotationsIn(below, at);
    else yield { means, value: below, field: at };
  }
}
