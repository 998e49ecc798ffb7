// Where a SeldonDeployment means something else here than with Seldon's operator 1.18.2 and Ambassador: a Problem each, with what to write for
// the old behaviour. What holds for every object alike is in COMPATIBILITY.md alone.
import type { Role } from "../../../routing/model/mapping.ts";
import { annotationOf, type Annotation, type WrittenAnnotation } from "../fields/annotation.ts";
import { annotations as declared } from "../fields/annotations.ts";
import type { DeploymentPolicy } from "./deployment-policy.ts";
import type { Deployment } from "../model/deployment.ts";
import type { Report } from "../values/report.ts";
import { type OperatorPart, operatorSplits, type OperatorSplits } from "./operator-split.ts";
import { numberOf, quoted } from "../values/value.ts";

/** Retries of one request that the data plane makes at most. */
export const mostRetries = 25;

/** `roles`: of each predictor, as translated. `isReleased`: a rollout or a bandit moves the shares, so they differ from the spec by themselves. */
export function reportDeploymentDifferences(
  deployment: Deployment,
  policy: DeploymentPolicy,
  roles: readonly Role[],
  isReleased: boolean,
  report: Report,
): void {
  const differences = new Differences(deployment, policy, report);
  differences.traffic(roles, isReleased);
  differences.oldAnnotations();
  differences.limits();
  differences.headers();
  differences.breakers();
  differences.predictors();
}

/** Of an SD that is being deleted, and is not served any more. */
export function reportDeletion(report: Report): void {
  report(
    "info",
    "differs",
    "metadata.deletionTimestamp",
    "Kubernetes is deleting the object, so Sluice sends it no new requests, while the operator did until its Services were gone; nothing to do",
  );
}

/** Of an SD whose Mappings `seldon.io/ambassador-config` replaces. */
export function reportConfigDifferences(config: WrittenAnnotation, report: Report): void {
  report(
    "info",
    "differs",
    config.field,
    `Sluice and the operator's v1 writer serve only these Mappings, but its v2 writer ignored them and served /seldon/<namespace>/<name>/; remove the annotation for the paths of Seldon`,
  );
}

class Differences {
  readonly #deployment: Deployment;
  readonly #policy: DeploymentPolicy;
  readonly #report: Report;

  constructor(deployment: Deployment, policy: DeploymentPolicy, report: Report) {
    this.#deployment = deployment;
    this.#policy = policy;
    this.#report = report;
  }

  /** Shares and copies of the predictors. Of what cannot be read nothing is known. */
  traffic(roles: readonly Role[], isReleased: boolean): void {
    const { predictors } = this.#deployment;
    if (this.#policy.shadow) return;
    const splits = operatorSplits(predictors);
    if (this.#policy.trafficField !== null) return this.#annotatedTraffic(this.#policy.trafficField, roles, splits);
    const live = splits.filter(({ parts }) =>
      parts.some(({ role, percent }, index) => role === "live" && !isNear(percent, livePercent(roles[index]!))),
    );
    if (live.length > 0 && !isReleased) {
      const own = roles.flatMap((role, index): OperatorPart[] =>
        role.kind === "live" ? [{ name: predictors[index]!.name, role: "live", percent: livePercent(role) }] : [],
      );
      const there = live
        .map(
          ({ writer, parts }) =>
            `${splitText(parts.filter(({ role }) => role === "live"))} with the operator's ${writer} writer`,
        )
        .join(", ");
      const numbers = [...new Set(live.flatMap(({ parts }) => trafficText(parts)))];
      const write =
        numbers.length === 0
          ? "write the traffic of each predictor with a sum of 100"
          : `for that write ${numbers.map((traffic) => `traffic ${traffic}`).join(", or ")}`;
      this.#report("info", "differs", "spec.predictors", `the split is ${splitText(own)} here, and ${there}; ${write}`);
    }
    const shadows = predictors.flatMap(({ shadow }, index) => (shadow ? [index] : []));
    if (shadows.length > 1) {
      this.#report(
        "info",
        "differs",
        `${predictors[shadows[1]!]!.field}.shadow`,
        `each of the ${shadows.length} shadows gets copies, but with Ambassador only ${quoted(predictors[shadows[0]!]!.name)} did; remove the others to have one`,
      );
    }
    const [first] = shadows;
    if (first === undefined) return;
    const role = roles[first]!;
    const percent = role.kind === "shadow" ? role.percent : 0;
    const copied = splits.filter(({ parts }) => !isNear(parts[first]!.percent, percent));
    if (copied.length > 0)
      this.#report(
        "info",
        "differs",
        `${predictors[first]!.field}.traffic`,
        `Sluice copies ${percentText(percent)} of the requests, and Ambassador ${copied.map(({ writer, parts }) => `${percentText(parts[first]!.percent)} with the operator's ${writer} writer`).join(" and ")}; write traffic: ${[...new Set(copied.map(({ parts }) => parts[first]!.percent))].join(" or ")} for that, or keep the percentage that you want`,
      );
  }

  /** `sluice.io/traffic` is read by nobody else: there the spec holds. */
  #annotatedTraffic(field: string, roles: readonly Role[], splits: OperatorSplits): void {
    const own = roles.map((role, index): OperatorPart => ({
      name: this.#deployment.predictors[index]!.name,
      role: role.kind,
      percent: role.kind === "live" ? livePercent(role) : role.percent,
    }));
    const others = splits.filter(({ parts }) =>
      parts.some(({ percent }, index) => !isNear(percent, own[index]!.percent)),
    );
    if (others.length === 0) return;
    const there = others
      .map(({ writer, parts }) => `${splitText(parts)} with the operator's ${writer} writer`)
      .join(", ");
    this.#report(
      "info",
      "differs",
      field,
      `the split is ${splitText(own)} here, and by the spec alone ${there}; write these numbers into predictors[].traffic for the same there`,
    );
  }

  oldAnnotations(): void {
    const weight = this.#written(declared.weight);
    if (weight !== null && this.#policy.weight !== null) {
      this.#report(
        "info",
        "differs",
        weight.field,
        "operators since 0.4 ignore it and shared the requests among all predictors of this external name, but Sluice uses it; remove it for their shares",
      );
    }
    const shadow = this.#written(declared.shadow);
    if (shadow !== null && this.#policy.shadow) {
      this.#report(
        "info",
        "differs",
        shadow.field,
        "operators since 1.1 ignore it and sent live requests here, but Sluice sends copies; remove it for live requests",
      );
    }
    const ids = this.#written(declared.id);
    const list = this.#policy.id;
    if (ids !== null && list !== null && (list.length > 1 || list[0] !== ids.text)) {
      this.#report(
        "info",
        "differs",
        ids.field,
        `Sluice reads a list of ids, but the operator took ${quoted(ids.text)} for one id, which no Ambassador had; write one id`,
      );
    }
  }

  /** Limits that another annotation set there, or none. */
  limits(): void {
    const { restReadTimeout, grpcReadTimeout, retry } = this.#policy;
    const [restTimeout, grpcTimeout] = [this.#policy.rest.timeout, this.#policy.grpc.timeout];
    for (const [value, annotation, current] of [
      [restReadTimeout, declared.restReadTimeout, declared.restTimeout],
      [grpcReadTimeout, declared.grpcReadTimeout, declared.grpcTimeout],
    ] as const) {
      if (value === null) continue;
      this.#report(
        "info",
        "differs",
        this.#written(annotation)!.field,
        `operators since 1.1 ignore it and used 3000 ms, but Sluice uses it; remove it for 3000 ms, or write it as ${current.name}`,
      );
    }
    // The v2 writer limited both by rest-timeout.
    const v2 = this.#written(declared.restTimeout) === null ? 3000 : restTimeout.ms;
    const grpc = this.#written(declared.grpcTimeout);
    const rest = this.#written(declared.restTimeout);
    if ((rest !== null || grpc !== null) && v2 !== grpcTimeout.ms) {
      const shorter = grpcTimeout.ms !== 0 && (v2 === 0 || v2 > grpcTimeout.ms);
      const here = `${limitText(grpcTimeout.ms)}${grpcTimeout.setBy === null ? " to the response head by default" : ""}`;
      this.#report(
        shorter ? "warning" : "info",
        "differs",
        (grpc ?? rest)!.field,
        `gRPC calls have ${here}, but the operator's v2 writer gave them ${limitText(v2)}, from rest-timeout${shorter ? ", so Sluice cuts longer calls" : ""}; write seldon.io/grpc-timeout: "${v2}" for the same limit`,
      );
    }
    const retries = this.#written(declared.retries);
    if (retries !== null && retry !== null && retry.numRetries > mostRetries) {
      this.#report(
        "info",
        "differs",
        retries.field,
        `Sluice retries a request ${mostRetries} times at most, but Envoy up to ${retry.numRetries} times; write up to ${mostRetries}`,
      );
    }
  }

  headers(): void {
    const header = this.#written(declared.header);
    if (header !== null && header.text.trim() !== "") {
      // The v1 writer cuts at every colon and takes pairs, an odd count ends it; the v2 writer takes one pair, or one name.
      const parts = header.text.split(":").length;
      const v1 = parts % 2 === 1 ? "ended the reconciler" : parts === 2 ? null : "cut it at every colon into pairs";
      const v2 = parts > 2 ? "refused the SeldonDeployment" : null;
      const there = [
        v1 === null ? [] : [`the operator's v1 writer ${v1}`],
        v2 === null ? [] : [`its v2 writer ${v2}`],
      ].flat();
      if (there.length > 0)
        this.#report(
          "info",
          "differs",
          header.field,
          `${there.join(" and ")}, but Sluice serves it; write one "name: value" without another colon for all of them`,
        );
    }
    const regex = this.#written(declared.regexHeader);
    if (regex !== null && regex.text.trim() !== "") {
      this.#report(
        "info",
        "differs",
        regex.field,
        "operators since 0.4 read ambassador-header instead, or ended on it, but Sluice uses it; remove it for their Routes",
      );
    }
  }

  breakers(): void {
    for (const one of [declared.maxConnections, declared.maxPending, declared.maxRequests, declared.maxRetries]) {
      const written = this.#written(one);
      if (written === null || numberOf(written.text) !== 0) continue;
      this.#report(
        "info",
        "differs",
        written.field,
        `0 allows none here and with the operator's v2 writer, but its v1 writer used Ambassador's default; remove it for the default`,
      );
    }
  }

  predictors(): void {
    for (const { certSecretName, explainer, field, shadow } of this.#deployment.predictors) {
      if (certSecretName !== "") {
        this.#report(
          "info",
          "differs",
          `${field}.ssl.certSecretName`,
          "Sluice sends requests to the predictor over TLS, but Ambassador sent plain text, because the TLSContext that the operator named did not exist; remove ssl for plain text",
        );
      }
      if (explainer !== null && shadow) {
        this.#report(
          "info",
          "differs",
          `${field}.explainer`,
          "the explainer of a shadow answers, but with Ambassador it was a shadow, too, and gave 404; remove the explainer for 404",
        );
      }
    }
  }

  #written(one: Annotation<unknown>): WrittenAnnotation | null {
    return annotationOf(this.#deployment.annotations, one);
  }
}

function livePercent(role: Role): number {
  return role.kind === "live" ? role.share * 100 : 0;
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) < 1e-6;
}

/** Most predictors that a sentence names. */
const mostNamed = 6;

function splitText(parts: readonly OperatorPart[]): string {
  const named = parts.slice(0, mostNamed).map(({ name, percent }) => `${quoted(name)} ${percentText(percent)}`);
  return parts.length > mostNamed ? `${named.join(", ")} and so on` : named.join(", ");
}

/** The numbers that make this split here, in order; none when it loses a share. */
function trafficText(parts: readonly OperatorPart[]): readonly string[] {
  const live = parts.filter(({ role }) => role === "live");
  return live.length <= mostNamed && live.reduce((sum, { percent }) => sum + percent, 0) === 100
    ? [live.map(({ percent }) => percent).join("/")]
    : [];
}

function percentText(percent: number): string {
  return `${Number(percent.toFixed(2))} %`;
}

function limitText(ms: number): string {
  return ms === 0 ? "no limit" : `${ms} ms`;
}
