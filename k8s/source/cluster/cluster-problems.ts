// Problems of the cluster Source: what of the cluster cannot be read, and what the gateway does instead.
import type { Problem, ProblemCode } from "../../../routing/text/problem.ts";
import type { Reflector } from "./reflector.ts";
import { guardResources, resourceName } from "./resources.ts";

/** All Problems of one Reflector. */
export function problemsOf(reflector: Reflector, server: string): readonly Problem[] {
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
  const kept = reflector.objects.size > 0 ? "what was known stays" : "none is known";
  switch (state.kind) {
    case "behind":
      report(
        "warning",
        "api-server-away",
        `${server} cannot be read: ${state.sentence}; ${kept} and it is tried again without end`,
      );
      break;
    case "forbidden":
      report(
        resource.required ? "error" : "warning",
        "resource-forbidden",
        `${plural} cannot be read ${where}: ${state.sentence}; ${resource.plural === "endpointslices" ? "Services are dialled by their own address" : kept}; grant get, list and watch`,
      );
      break;
    case "absent":
      report(
        resource.required && !guardResources.includes(resource) ? "warning" : "info",
        "resource-absent",
        `the cluster serves no ${plural} (its CRD is not installed), so there are none; install it and it is found within seconds`,
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
      `a new list lost ${held.missing} of ${held.of} ${plural}; they are served on until a second list, about a minute later, says the same`,
    );
  }
  if (unreadable > 0)
    report(
      "error",
      "object-unreadable",
      `${unreadable} of ${plural} cannot be read (no name, or longer than 4 MiB) and are passed over; make them smaller`,
    );
  return problems;
}
