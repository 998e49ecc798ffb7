// Problems of the cluster Source: what of the cluster cannot be read, and what the gateway does instead.
import type { Problem, ProblemCode } from "../../../routing/text/problem.ts";
import { deepestLevels } from "../objects/extent.ts";
import type { Reflector } from "./reflector.ts";
import { guardResources, resourceName } from "./resources.ts";

/** All Problems of one Reflector. `endsHere`: nobody tries again, as in a command that reads once. */
export function problemsOf(reflector: Reflector, server: string, endsHere = false): readonly Problem[] {
  const { state, held, unreadable, resource, namespace, name } = reflector;
  const problems: Problem[] = [];
  const plural = resourceName(resource);
  const report = (level: Problem["level"], code: ProblemCode, sentence: string): void => {
    problems.push({
      code,
      level,
      subject: { kind: "Resource", namespace: namespace ?? "", name: name === null ? plural : `${plural}/${name}` },
      field: "",
      sentence,
    });
  };
  const where = namespace === null ? "in all namespaces" : `in ${namespace}`;
  const kept = reflector.objects.size > 0 ? "what Sluice knows of them stays" : "Sluice knows none of them";
  switch (state.kind) {
    case "behind":
      report(
        "warning",
        "api-server-away",
        `${server} cannot be read: ${state.sentence}${endsHere ? "" : `; ${kept}, and it tries again without end`}`,
      );
      break;
    case "forbidden":
      report(
        resource.required ? "error" : "warning",
        "resource-forbidden",
        `${plural} cannot be read ${where}: ${state.sentence}; ${resource.plural === "endpointslices" ? "Sluice connects to Services by their own address" : kept}; grant get, list and watch`,
      );
      break;
    case "absent":
      report(
        resource.required && !guardResources.includes(resource) ? "warning" : "info",
        "resource-absent",
        `the cluster has no ${plural} (its CRD is not installed); install it, and Sluice finds it within seconds`,
      );
      break;
    case "starting":
    case "current":
      break;
  }
  if (held !== null) {
    report(
      "warning",
      "removal-held",
      `${held.missing} of ${held.of} ${plural} are missing in a new list; Sluice keeps serving them until a second list, about a minute later, lacks them too`,
    );
  }
  if (unreadable > 0)
    report(
      "error",
      "object-unreadable",
      `${unreadable} of ${plural} cannot be read (no name, longer than 4 MiB, or deeper than ${deepestLevels} levels) and are skipped; make them smaller`,
    );
  return problems;
}
