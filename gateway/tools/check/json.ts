// The report as a value, for JSON and YAML.
import type { ObjectRef } from "../../../routing/text/problem.ts";
import type { Report } from "./report.ts";

export function reportValues({ verdicts, problems, ignored, ofOthers, read, ofAnotherId, originOf }: Report): object {
  const placed = (ref: ObjectRef): { readonly origin: string } => ({ origin: originOf(ref) });
  return {
    deployments: verdicts.map(({ ref, kind, problems: concerning, ids }) => ({
      ...ref,
      ...placed(ref),
      verdict: kind,
      codes: [...new Set(concerning.map(({ code }) => code))],
      ambassadorIds: ids,
    })),
    problems: problems.map((problem) => ({ ...problem, ...placed(problem.subject) })),
    ignored,
    ofOthers,
    read: { ...read, kinds: Object.fromEntries(read.kinds), ofAnotherId },
  };
}
