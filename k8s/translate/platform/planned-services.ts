// The services of an object with their Upstreams: a part of what the object means.
import type { ObjectRef } from "../../../routing/text/problem.ts";
import { serviceField, withoutAnswer, type PlannedService } from "../meaning/external-services.ts";
import { planRawUpstream, withheldUpstream } from "../mappings/upstream.ts";
import type { Lookups, MeaningBuilder } from "../meaning/meaning.ts";
import type { UpstreamPlan } from "../backends/upstreams.ts";
import type { ServiceDeclaration } from "../backends/written-service.ts";

/** The operator of the gateway may name what is elsewhere; whoever has a Grant, what that names. */
export function planService(
  ref: ObjectRef,
  { kind, name, field, service }: ServiceDeclaration,
  builder: MeaningBuilder,
  around: Lookups,
): PlannedService {
  if (service === null) return { kind, ref, name, field, asked: null };
  const { place } = service;
  const { host, port } = place.service;
  const written = { ...place, dial: null };
  const planned = planRawUpstream(written, ref.namespace, around, ref.namespace === around.settings.gatewayNamespace);
  const { note } = planned;
  // An address that nobody may dial is a service that is away, as with Ambassador, and nothing that cannot be read.
  const plan = note?.code === "address-refused" ? withheldUpstream(written, ref.namespace, null) : planned.plan;
  if (note !== null) {
    const then =
      plan !== null
        ? withoutAnswer(service)
        : kind === "AuthService"
          ? "every deployment is answered 500"
          : "requests with labels are answered 500";
    const name = note.field === "spec.service" ? serviceField[kind] : note.field.replace("spec.", "");
    builder.report(
      "error",
      note.code,
      field === "" ? `spec.${name}` : `${field} ${name}`,
      `${note.sentence}; until then ${then}`,
    );
  }
  return {
    kind,
    ref,
    name,
    field,
    asked:
      plan === null
        ? null
        : {
            said: service,
            plan: ofItsOwn(plan, kind),
            authority: `${host.includes(":") ? `[${host}]` : host}:${port}`,
          },
  };
}

/** Apart from what Mappings dial at the same place: breakers and outliers of its own. */
function ofItsOwn(plan: UpstreamPlan, kind: PlannedService["kind"]): UpstreamPlan {
  return { ...plan, upstream: { ...plan.upstream, key: `${plan.upstream.key} for=${kind}` } };
}
