// What the documents of one object mean: Mappings, services that are asked about requests, Hosts.
import type { Guard } from "../../../routing/model/guard.ts";
import type { Mapping, Role } from "../../../routing/model/mapping.ts";
import type { ObjectRef } from "../../../routing/text/problem.ts";
import type { Configuration } from "./documents.ts";
import { declareHost } from "../platform/host.ts";
import { placeMapping } from "../mappings/placement.ts";
import { planService } from "../platform/planned-services.ts";
import { rawWithDefaults } from "../mappings/defaults.ts";
import type { RawMapping } from "../mappings/mapping.ts";
import { planRawUpstream } from "../mappings/upstream.ts";
import { MeaningBuilder, type Lookups, type ObjectMeaning } from "../meaning/meaning.ts";
import type { UpstreamPlan } from "../backends/upstreams.ts";
import { quoted } from "../values/value.ts";

/** Mappings of an object's documents: each is a member of its own. */
export function translateConfiguration(ref: ObjectRef, configuration: Configuration, around: Lookups): ObjectMeaning {
  const builder = new MeaningBuilder(ref);
  for (const raw of configuration.mappings) translateRaw(ref, raw, configuration.guard, builder, around);
  for (const declared of configuration.services) builder.services.push(planService(ref, declared, builder, around));
  for (const host of configuration.hosts)
    builder.hosts.push(declareHost(ref, host, around, (...said) => builder.report(...said)));
  return builder.meaning(configuration.bytes);
}

function translateRaw(
  ref: ObjectRef,
  written: RawMapping,
  guard: Guard,
  builder: MeaningBuilder,
  around: Lookups,
): void {
  const { namespace } = ref;
  const raw = rawWithDefaults(written, namespace, around.defaultsOf(written.id));
  const { places, notes } = placeMapping(
    raw.match,
    raw.precedence,
    namespace,
    around.settings,
    around.grantsOf(namespace),
  );
  for (const [code, level, sentence] of notes)
    builder.report(level, code, raw.field === "" ? "spec" : raw.field, `Mapping ${quoted(raw.name)}: ${sentence}`);
  if (places.length === 0) return;
  const plan = raw.redirect !== null ? null : planOf(raw, builder, around, namespace);
  const target = targetOf(raw, plan, around);
  if (target === null) return;
  const base =
    ref.kind === "Mapping"
      ? `Mapping ${namespace}/${ref.name}`
      : `${ref.kind} ${namespace}/${ref.name} config ${wordOf(raw.name)}`;
  if (raw.shadow && raw.weight !== null && raw.weight > 100) {
    builder.report(
      "warning",
      "bad-value",
      raw.field === "" ? "spec.weight" : `${raw.field} weight`,
      `${raw.weight} is over 100 and counts as 100, a copy of every request; write a percentage from 0 to 100`,
    );
  }
  const role: Role = raw.shadow
    ? { kind: "shadow", percent: Math.min(100, raw.weight ?? 100) }
    : { kind: "live", weight: raw.weight, share: 1 };
  for (const [index, { space, granted, precedence, standing }] of places.entries()) {
    const mapping: Mapping = {
      id: index === 0 ? base : `${base} own`,
      source: ref,
      namespace,
      space,
      granted,
      member: base,
      match: raw.match,
      precedence,
      role,
      sticky: null,
      target,
      guard,
      series: {
        namespace,
        deployment: ref.name,
        predictor: raw.name === ref.name ? "" : raw.name,
        role: role.kind,
        protocol: raw.grpc ? "grpc" : "http",
      },
    };
    builder.drafts.push({ mapping, plan, standing, raw: true, regexes: raw.regexes, field: raw.field });
  }
}

/** The name of a document, which may be any text, as the last word of an id: what is behind it is not taken for a part of the name. */
function wordOf(name: string): string {
  return name.includes(" ") ? JSON.stringify(name) : name;
}

function targetOf(raw: RawMapping, plan: UpstreamPlan | null, around: Lookups): Mapping["target"] | null {
  if (raw.redirect !== null) return raw.redirect;
  return plan === null
    ? null
    : { ...raw.target, upstream: plan.upstream.key, dialService: (raw.dial ?? around.settings.dial) === "service" };
}

/** null: it may not be dialled. */
function planOf(raw: RawMapping, builder: MeaningBuilder, around: Lookups, namespace: string): UpstreamPlan | null {
  const planned = planRawUpstream(raw, namespace, around);
  if (planned.note !== null)
    builder.report(
      planned.note.level,
      planned.note.code,
      raw.field === "" ? planned.note.field : `${raw.field} ${planned.note.field.replace("spec.", "")}`,
      planned.note.sentence,
    );
  return planned.plan;
}
