// Unreachable Services that the objects already show: those that are not there, and those whose EndpointSlices nobody exported. Looked for when
// somebody reads the Problems.
import type { ObjectRef, Problem, ProblemLevel, ProblemCode } from "../../../routing/text/problem.ts";
import type { Backends, Use } from "../graph/backend-records.ts";
import type { Slice } from "../backends/endpoints.ts";
import { loopback, readAddress } from "../backends/reach.ts";
import { listOf } from "../collections/few.ts";
import type { Service } from "../backends/services.ts";
import type { TranslateSettings } from "../model/translation.ts";
import { serviceField, withoutAnswer, type PlannedService } from "../meaning/external-services.ts";
import { notReady, type Choice, type ObjectMeaning } from "../meaning/meaning.ts";
import type { UpstreamPlan } from "../backends/upstreams.ts";
import { quoted } from "../values/value.ts";

/** An object that declares Mappings. */
interface Declarer {
  readonly ref: ObjectRef;
  /** null: it has no raw Mapping. */
  readonly meaning: ObjectMeaning | null;
  readonly absent: readonly Choice[];
}

/** Problems of all declarers. Where a folder holds no Service of a namespace, nothing is known of its Services and nothing is said. Pauses are after each declarer and Service. */
export function* unreachableServices(
  declarers: Iterable<Declarer>,
  backends: Backends,
  settings: TranslateSettings,
): Generator<void, readonly Problem[]> {
  const problems: Problem[] = [];
  const { namespaces, unexported } = yield* servicesOf(backends, settings, problems);
  for (const { ref, meaning, absent: choices } of declarers) {
    yield;
    const report = (level: ProblemLevel, field: string, sentence: string): void =>
      void problems.push({ code: "no-such-service", level, subject: ref, field, sentence });
    for (const { predictor, chosen } of choices) {
      if (!namespaces.has(ref.namespace)) continue;
      const then =
        settings.source === "folder"
          ? "Sluice resolves its name by DNS; export it with the others"
          : "it is not ready until Seldon has made one; nothing to do if this is a rollout";
      report("info", predictor.field, `there is no Service ${chosen}, nor one by an older name, so ${then}`);
    }
    if (meaning === null) continue;
    for (const service of meaning.services) {
      const problem = unanswered(service, backends, settings);
      if (problem !== null) problems.push(problem);
    }
    const told = new Set<string>();
    for (const { raw, plan, field } of meaning.drafts) {
      const absent = raw && plan !== null ? absentService(plan, backends) : null;
      if (absent === null || told.has(`${field} ${absent.name}`)) continue;
      told.add(`${field} ${absent.name}`);
      const at = field === "" ? "spec.service" : `${field} service`;
      if (settings.source === "cluster")
        report(
          "error",
          at,
          `there is no Service ${absent.name} in the namespace ${absent.namespace}, so ${notReady}; create it, or correct its name`,
        );
      else if (namespaces.has(absent.namespace))
        report(
          "warning",
          at,
          `there is no Service ${absent.name} among the manifests of the namespace ${absent.namespace}, so Sluice resolves its name by DNS; declare it, or correct its name`,
        );
    }
  }
  for (const [namespace, names] of unexported) {
    const shown = `${names.slice(0, 3).join(", ")}${names.length > 3 ? ` and ${names.length - 3} more` : ""}`;
    const sentence = `${shown} ${names.length === 1 ? "has" : "have"} no EndpointSlice among the manifests, so a gateway that serves them answers 503, and check, routes and explain count them as ready; export them with kubectl get sdep,svc,endpointslices -n ${namespace} -o yaml`;
    problems.push({
      code: "no-endpoint-slices",
      level: "warning",
      subject: { kind: "Namespace", namespace: "", name: namespace },
      field: "",
      sentence,
    });
  }
  return problems;
}

/** Why an AuthService or a RateLimitService has nobody to answer, and what becomes of requests; null: it may have. */
function unanswered(
  { kind, ref, field, asked }: PlannedService,
  backends: Backends,
  settings: TranslateSettings,
): Problem | null {
  if (asked === null) return null;
  const name = serviceField[kind];
  const then = withoutAnswer(asked.said);
  const problem = (code: ProblemCode, level: ProblemLevel, sentence: string): Problem => ({
    code,
    level,
    subject: ref,
    field: field === "" ? `spec.${name}` : `${field} ${name}`,
    sentence,
  });
  const { address } = asked.plan.upstream;
  const absent = absentService(asked.plan, backends);
  if (absent !== null)
    return asked.plan.from === "slices"
      ? problem(
          "no-such-service",
          "error",
          `there is no Service ${absent.name} in the namespace ${absent.namespace}, so the ${kind} cannot be asked, and ${then}; create it, or correct its name`,
        )
      : problem(
          "no-such-service",
          "warning",
          `there is no Service ${absent.name} among the manifests of the namespace ${absent.namespace}, so the gateway resolves its name by DNS and asks the ${kind} where that leads, and where it leads nowhere, ${then}; declare the Service, or correct its name`,
        );
  const own = address.kind === "address" ? address.ip : address.kind === "dns" ? address.host : "";
  const isLoopback = own === "localhost" || (address.kind === "address" && readAddress(own)?.special === loopback);
  // A folder's gateway may have the service beside it; whoever checks files for one in a pod has not.
  if (isLoopback && (settings.source === "cluster" || settings.withoutSlices === "ready"))
    return problem(
      "service-unreachable",
      settings.source === "cluster" ? "error" : "warning",
      `${own} is the gateway's own pod, where the ${kind} of Ambassador Edge Stack does not run, so ${then}; name a Service that answers, or remove the ${kind}`,
    );
  if (asked.plan.from !== "slices" || address.kind !== "service") return null;
  const slices = listOf(backends.at(address.namespace, address.name).slices);
  const isReady =
    slices.length === 0 ? settings.withoutSlices === "ready" : slices.some(({ addresses }) => addresses !== "");
  return isReady
    ? null
    : problem(
        "service-unreachable",
        "error",
        `the Service ${address.name} in the namespace ${address.namespace} has no ready Endpoint, so ${then}; start its pods, or remove the ${kind}`,
      );
}

/** The Service that a plan names and that does not exist, or null. In a folder its name became one of DNS. */
function absentService(
  { upstream: { address }, from }: UpstreamPlan,
  backends: Backends,
): { readonly namespace: string; readonly name: string } | null {
  if (address.kind === "service")
    return from === "slices" && backends.at(address.namespace, address.name).service === null ? address : null;
  const [, name, namespace] = (address.kind === "dns" && /^([^.]+)\.([^.]+)$/.exec(address.host)) || [];
  return name === undefined || namespace === undefined || backends.at(namespace, name).service !== null
    ? null
    : { namespace, name };
}

/**
 * Namespaces that have Services, and names of Services that are dialled by Endpoints and have no slice. A Service with a selector always has one in a cluster.
 * `problems`: takes those of ports that no slice has.
 */
function* servicesOf(
  backends: Backends,
  settings: TranslateSettings,
  problems: Problem[],
): Generator<
  void,
  { readonly namespaces: ReadonlySet<string>; readonly unexported: ReadonlyMap<string, readonly string[]> }
> {
  const namespaces = new Set<string>();
  const unexported = new Map<string, string[]>();
  for (const { service, slices, uses } of backends.registry.values()) {
    yield;
    if (service === null) continue;
    const { namespace, name } = service;
    namespaces.add(namespace);
    problems.push(...lostPorts(service, listOf(slices), listOf(uses), settings));
    if (settings.source === "cluster" || settings.dial === "service" || slices !== null || uses === null) continue;
    const names = unexported.get(namespace);
    if (names === undefined) unexported.set(namespace, [name]);
    else names.push(name);
  }
  for (const names of unexported.values()) names.sort();
  return { namespaces, unexported };
}

/** Ports of a Service that requests go to, and for which its slices have nothing: nothing under that name, or (of files) no address that is ready. */
function lostPorts(
  service: Service,
  slices: readonly Slice[],
  uses: readonly Use[],
  { withoutSlices }: TranslateSettings,
): readonly Problem[] {
  if (slices.length === 0) return [];
  const subject = { kind: "Service", namespace: service.namespace, name: service.name };
  const problems: Problem[] = [];
  const report = (code: ProblemCode, level: ProblemLevel, sentence: string): void =>
    void problems.push({ code, level, subject, field: "spec.ports", sentence });
  const dialled = new Set(
    uses.flatMap(({ plan: { from, upstream } }) => (from === "slices" ? [upstream.address.port] : [])),
  );
  const filled = slices.filter(({ addresses }) => addresses !== "");
  const offered = [...new Set(filled.flatMap(({ ports }) => ports.map(({ name }) => name)))];
  for (const { name, port } of service.ports) {
    if (!dialled.has(port) || service.ports.some((other) => other.port === port && offered.includes(other.name)))
      continue;
    dialled.delete(port);
    if (filled.length > 0) {
      const others =
        offered.length === 0
          ? "none"
          : offered
              .slice(0, 4)
              .map((one) => quoted(one))
              .join(", ");
      report(
        "no-such-port",
        "error",
        `no EndpointSlice of this Service has a port with the name ${quoted(name)} of its port ${port} (there is ${others}), so requests for it get 503; give both the same name, or correct targetPort`,
      );
    } else if (withoutSlices === "ready")
      report(
        "no-ready-address",
        "info",
        `no EndpointSlice of this Service has a ready address, so requests for its port ${port} get 503; nothing to do if its pods are starting`,
      );
  }
  return problems;
}
